"""The sandbox's own door, for programs in other processes: ``/_sandbox/…``."""

from dataclasses import asdict

import orjson

from samples.sandbox.faults import TABLE
from samples.sandbox.state import State
from samples.sandbox.wire import Json, Reply, Request


def answer(state: State, request: Request) -> Reply:
    """Answer a request of the control door.

    ``GET /_sandbox/requests`` and ``/_sandbox/sent`` list; ``GET /_sandbox/faults`` lists what
    there is and what is on, ``POST`` switches on (``{"name": …, "times"?, "match"?, option…}``),
    ``DELETE`` switches all off; ``POST /_sandbox/revoke`` forgets the access tokens.
    """
    what = request.path.removeprefix("/_sandbox/"), request.method
    match what:
        case "requests", "GET":
            return Reply.of([asdict(seen) for seen in state.requests])
        case "sent", "GET":
            return Reply.of([{**asdict(sent), "raw": len(sent.raw)} for sent in state.sent])
        case "faults", "GET":
            return Reply.of({"active": _active(state), "table": _table()})
        case "faults", "POST":
            return _switch_on(state, request.body)
        case "faults", "DELETE":
            state.faults.clear()
            return Reply.of({"active": []})
        case "revoke", "POST":
            state.tokens.revoke_all()
            return Reply.of({})
        case _:
            return Reply.of({"error": "see samples/sandbox/control.py"}, 404)


def _switch_on(state: State, body: bytes) -> Reply:
    try:
        asked = orjson.loads(body)
        state.faults.add(asked.pop("name"), **asked)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        return Reply.of({"error": str(error)}, 400)
    return Reply.of({"active": _active(state)})


def _active(state: State) -> list[Json]:
    return [asdict(fault) for fault in state.faults.active()]


def _table() -> Json:
    return {name: asdict(kind) for name, kind in TABLE.items()}
