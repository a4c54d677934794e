"""What the rules read: failures decoded once, everything else on demand."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

from tracer.schema.events import Event, Kind, Phase, Topic
from viewer.model.decisions import Decision, decisions
from viewer.model.findings.failure import UNREADABLE, Failure, at, failure_of, text
from viewer.model.findings.patterns import by_rule
from viewer.model.trace import Trace

Progress = Callable[[int, int], None]
"""Called with (done, total) now and then."""

_EVERY: Final = 4096  # events between two reports of progress
_MARKS: Final = re.compile(rb'(?P<again>"n":\s*2\b)|(?P<part>"line":\s*"HTTP/1\.\d [45])')
_TOKENS: Final = 2000  # requests for tokens that are looked at
_SILENT: Final = 1000  # failed operations without a failed call that are looked into
_MOST: Final = 20_000  # calls looked at for what shows in nearly all of them or in none


@dataclass(frozen=True, slots=True)
class Operation:
    """A root or nested operation, as far as it is recorded."""

    event: str
    op: str | None
    name: str
    topic: str
    status: int | None
    ended: bool
    data: dict[str, Any]


class Facts:
    """One trace, read for the rules. Nothing is decoded twice on purpose, nothing is kept whole."""

    def __init__(self, trace: Trace, progress: Progress | None = None) -> None:
        self.trace = trace
        self._progress = progress
        self._done = 0
        self._total = max(1, len(trace))

    def tick(self, count: int = 1) -> None:
        """Report progress: `count` more events were looked at."""
        before, self._done = self._done, min(self._done + count, self._total)
        if self._progress and before // _EVERY != self._done // _EVERY:
            self._progress(self._done, self._total)

    # events

    def event(self, event_id: str) -> Event | None:
        """Return the event that stands for `event_id`, else None."""
        row = self.trace.row_of(event_id)
        return None if row is None else self.trace.event(row)

    def events(self, **condition: Any) -> Iterator[Event]:
        """Decode what ``trace.select`` finds, in order of time."""
        for row in self.trace.select(**condition).tolist():
            self.tick()
            yield self.trace.event(row)

    def exchanges(self, call_id: str) -> list[Event]:
        """Return the exchanges of a call, in order of time."""
        under = (self.trace.event(row) for row in self.trace.children(call_id))
        return [event for event in under if event.kind == Kind.EXCHANGE]

    def calls(self, *names: str) -> Iterator[Event]:
        """Decode the calls with one of these method ids."""
        return self.events(kinds=(Kind.CALL,), names=names)

    def calls_of(self, op: str) -> list[Event]:
        """Return the calls under an operation and the operations inside it, in order of time."""
        found: list[Event] = []
        waiting = [op]
        while waiting:
            under = [self.trace.event(row) for row in self.trace.children(waiting.pop())]
            found += [event for event in under if event.kind == Kind.CALL]
            waiting += [event.id for event in under if event.kind == Kind.OPERATION]
        return sorted(found, key=lambda call: call.ts)

    def succeeded(self, event: Event) -> bool:
        """Tell whether a call or exchange ended well."""
        row = self.trace.row_of(event.id)
        return row is not None and not self.trace.failed(row) and event.phase == Phase.END

    # what most rules start from

    @cached_property
    def mail_calls(self) -> list[Event]:
        """Gmail calls; of very many, every so manieth."""
        rows = self.trace.select(kinds=(Kind.CALL,), topics=(Topic.GMAIL,))
        rows = rows[:: max(1, len(rows) // _MOST)]
        self.tick(len(rows))
        return [self.trace.event(row) for row in rows.tolist()]

    @cached_property
    def failures(self) -> list[Failure]:
        """Every failed exchange, then every failed call that has none, in order of time."""
        rows = self.trace.select(kinds=(Kind.EXCHANGE, Kind.CALL), errors=True).tolist()
        found: list[Failure] = []
        calls: list[Event] = []
        with_exchange: set[str] = set()
        for row in rows:
            self.tick()
            event = self.trace.event(row)
            if event.phase != Phase.END:
                continue  # never answered: a rule of its own
            if event.kind == Kind.CALL:
                calls.append(event)
                continue
            failure = self._of_exchange(event)
            with_exchange.add(failure.call or "")
            found.append(self._handled(failure))
        told = {event.op for event in calls} | {f.op for f in found}
        found += self._broken(told)
        alone = (_of_call(call) for call in calls if call.id not in with_exchange)
        return [*found, *map(self._handled, alone)]

    def _handled(self, failure: Failure) -> Failure:
        operation = self.operations.get(failure.op or "")
        return replace(failure, handled=True) if operation and operation.status == 0 else failure

    def _broken(self, told: set[str | None]) -> Iterator[Failure]:
        """Yield what was answered well and failed all the same, in operations not yet `told` of.

        An answer that could not be read, or a call that raised (EWS tells errors in a 200).
        """
        failed = [o for o in self.operations.values() if o.status == 1 and o.event == o.op]
        silent = [operation for operation in failed if operation.op not in told]
        for operation in silent[:_SILENT]:
            for call in self.calls_of(operation.event):
                bad = [e for e in self.exchanges(call.id) if e.status == 200 and _unreadable(e)]
                for exchange in bad:
                    own = failure_of(exchange, call=call.id, method=call.name, recovered=False)
                    yield replace(own, reason=UNREADABLE, path="response.body.kept")
                if call.data.get("error") and not bad:
                    yield _of_call(call)

    @cached_property
    def classified(self) -> dict[str, list[tuple[Failure, float]]]:
        """The failures of each rule that the patterns name, with their confidence."""
        return by_rule(self.failures)

    @cached_property
    def token_requests(self) -> list[Event]:
        """Requests for tokens that were granted; of very many, every so manieth."""
        rows = self.trace.select(kinds=(Kind.EXCHANGE,), topics=(Topic.AUTH,))
        rows = rows[:: max(1, len(rows) // _TOKENS)]
        self.tick(len(rows))
        events = (self.trace.event(row) for row in rows.tolist())
        return [e for e in events if e.status == 200 and e.data.get("role") == "token"]

    def granted(self, exchange: Event) -> tuple[list[str], Event | None]:
        """Return the scopes of the token that `exchange` used, and the request that got it."""
        tag, subject = text(exchange.data.get("token")), text(exchange.data.get("subject"))
        for same_token in (True, False):
            for request in reversed(self.token_requests):
                kept = text(at(request.data, "response.body.json.access_token"))
                fits = tag and tag in kept if same_token else _same_subject(request, subject)
                if fits and request.ts <= exchange.ts:
                    return [str(s) for s in request.data.get("scopes") or ()], request
        return [], None

    @cached_property
    def unanswered(self) -> list[Event]:
        """Calls and exchanges that started and never ended."""
        rows = self.trace.select(kinds=(Kind.EXCHANGE, Kind.CALL), errors=True).tolist()
        events = (self.trace.event(row) for row in rows)
        return [event for event in events if event.phase == Phase.START]

    @cached_property
    def marked(self) -> dict[str, list[int]]:
        """Exchanges with a second transmission (``again``) or a failed part of a batch (``part``).

        Found by a search over the bytes of each line, since decoding them all would take minutes.
        """
        found: dict[str, list[int]] = {"again": [], "part": []}
        for row in self.trace.select(kinds=(Kind.EXCHANGE,)).tolist():
            self.tick()
            for mark in {match.lastgroup for match in _MARKS.finditer(self.trace.raw(row))}:
                found[str(mark)].append(row)
        return found

    @cached_property
    def ended(self) -> bool:
        """Whether the session was switched off, so that nothing is in progress any more."""
        rows = self.trace.select(kinds=(Kind.SESSION,)).tolist()
        return any(self.trace.head(row).phase == Phase.END for row in rows)

    @cached_property
    def ended_pids(self) -> set[int]:
        """The processes that said goodbye."""
        rows = self.trace.select(kinds=(Kind.PROCESS,)).tolist()
        heads = (self.trace.head(row) for row in rows)
        return {head.pid for head in heads if head.phase == Phase.END}

    def slow_rows(self, ms: float) -> list[int]:
        """Return the exchanges that took at least `ms`, from the index alone."""
        rows = self.trace.select(kinds=(Kind.EXCHANGE,))
        self.tick(len(rows))
        slow: list[int] = rows[self.trace.column("ms")[rows] >= ms].tolist()
        return slow

    @cached_property
    def operations(self) -> dict[str, Operation]:
        """Operations by id."""
        return {
            event.id: Operation(
                event.id,
                event.op,
                event.name,
                event.topic,
                event.status,
                event.phase == Phase.END,
                event.data,
            )
            for event in self.events(kinds=(Kind.OPERATION,))
        }

    @cached_property
    def decisions(self) -> list[Decision]:
        """The account resolutions."""
        return list(decisions(self.trace))

    def _of_exchange(self, event: Event) -> Failure:
        parent = self.trace.row_of(event.parent) if event.parent else None
        above = self.trace.event(parent) if parent is not None else None
        is_call = above is not None and above.kind == Kind.CALL
        recovered = parent is not None and above is not None and above.phase == Phase.END
        recovered = recovered and not self.trace.failed(parent or 0)
        failure = failure_of(
            event,
            call=above.id if above is not None and is_call else None,
            method=above.name if above is not None and is_call else event.name,
            recovered=recovered,
        )
        if failure.message or failure.reason or above is None or not is_call or recovered:
            return failure
        told = _of_call(above)  # the answer was not kept: the exception quotes it
        return replace(failure, reason=told.reason, message=told.message)


def _unreadable(exchange: Event) -> bool:
    """Tell whether an answer that should be JSON could be kept as a digest only."""
    body = at(exchange.data, "response.body")
    return "json" in text(at(body, "type")) and at(body, "kept") == "digest"


def _same_subject(request: Event, subject: str) -> bool:
    return bool(subject) and text(request.data.get("subject")) == subject


def _of_call(event: Event) -> Failure:
    return failure_of(event, call=event.id, method=event.name, recovered=False)


def ops_of(failures: Sequence[Failure]) -> tuple[str, ...]:
    """Return the operations of `failures`, each once, in order."""
    return tuple(dict.fromkeys(f.op for f in failures if f.op))
