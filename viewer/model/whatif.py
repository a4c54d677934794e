"""What `resolve` would have chosen for somebody else, from the users that the trace recorded.

The rules are those of the layer (`tracer.protocol.resolution`); the users come from the answers of
the Directory. A fact that was not recorded is named as the call that would have brought it.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from tracer.protocol.resolution import (
    Encoding,
    Identity,
    Resolution,
    Rules,
    User,
    find,
    fold,
    resolve,
)
from tracer.schema.events import Event, Kind, Phase, Topic
from viewer.model.decisions import Decision, candidate, decisions
from viewer.model.trace import Rows, Trace
from viewer.model.visible import visible
from viewer.model.why import Say, settings_of

GET: Final = "directory.users.get"
LIST: Final = "directory.users.list"


class NotRecordedError(ValueError):
    """The operation, or what every re-resolution needs of it, is not in the trace."""

    def __init__(self, why: str, operation: str) -> None:
        super().__init__(f"{why}: {operation}")
        self.why = why
        """Text id of the catalogue ``findings``: ``whatif.no-settings``, …"""
        self.operation = operation

    def text(self, say: Say) -> str:
        """Return what is not recorded, as one sentence."""
        return say(self.why, operation=visible(self.operation))


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What to change; None keeps what was recorded. An empty `account` searches by attribute."""

    environment: str | None = None
    harmony_user: str | None = None
    windows_account: str | None = None
    account: str | None = None


@dataclass(frozen=True, slots=True)
class Missing:
    """A call that was not made, or whose answer was not recorded."""

    call: str
    """Method id and the parameters that matter: ``directory.users.get userKey=…``."""
    why: str
    """Text id: ``whatif.missing.listing``, ``.user``, ``.attributes``."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """The facts that a resolution had."""

    identity: Identity
    configured: str
    rules: Rules
    users: tuple[User, ...]
    """In the order they were listed."""
    complete: bool
    """Whether every user of the customer is among them."""
    attributes: bool
    """Whether the users were asked for with their attributes."""
    account: str | None
    """What was decided then."""
    verdict: str | None
    sources: tuple[str, ...]
    """Ids of the calls the users came from."""


@dataclass(frozen=True, slots=True)
class WhatIf:
    """The outcome under the changes."""

    identity: Identity
    configured: str
    resolution: Resolution | None
    """None when it cannot be told from what was recorded."""
    before: str | None
    """The account that was used in fact."""
    missing: tuple[Missing, ...]
    """What would have to be known to be sure."""
    sources: tuple[str, ...]

    @property
    def sure(self) -> bool:
        """Tell whether everything that the answer needs was recorded."""
        return self.resolution is not None and not self.missing


def reresolve(trace: Trace, operation: str, changes: Changes | None = None) -> WhatIf:
    """Resolve the account of `operation` (id) again, with `changes`, from the recorded facts.

    Without changes the recorded decision comes out again.

    Raises:
        NotRecordedError: no resolution of this operation is recorded, or not its settings.
    """
    facts = recorded(trace, operation)
    changes = changes or Changes()
    identity = Identity(
        _or(changes.environment, facts.identity.environment),
        _or(changes.harmony_user, facts.identity.harmony_user),
        _or(changes.windows_account, facts.identity.windows_account),
    )
    configured = _or(changes.account, facts.configured).strip()
    missing = tuple(_missing(facts, identity, configured))
    resolution: Resolution | None = resolve(identity, configured, facts.rules, facts.users)
    if any(one.why in _FATAL for one in missing):
        resolution = None
    return WhatIf(identity, configured, resolution, facts.account, missing, facts.sources)


_FATAL: Final = ("whatif.missing.user", "whatif.missing.attributes")


def _or(changed: str | None, kept: str) -> str:
    return kept if changed is None else changed


def recorded(trace: Trace, operation: str) -> Recorded:
    """Return the facts that the resolution of `operation` had, as far as they were recorded."""
    decision = _decision(trace, operation)
    event = settings_of(trace, decision)
    values = event.data.get("values") if event else None
    if not isinstance(values, dict):
        raise NotRecordedError("whatif.no-settings", operation)
    rules = _rules(values)
    calls = sorted(_calls(trace, decision), key=lambda call: call.ts)
    users, complete = _users(trace, calls, rules)
    outcome = decision.outcome
    return Recorded(
        identity=Identity(**{k: v for k, v in decision.identity.items() if k in _IDENTITY}),
        configured=str(_value(values, "account") or ""),
        rules=rules,
        users=users,
        complete=complete,
        attributes=all(_with_attributes(call) for call in calls),
        account=(candidate(outcome) or None)
        if outcome and outcome.data.get("verdict") == "chosen"
        else None,
        verdict=str(outcome.data.get("verdict")) if outcome else None,
        sources=tuple(call.id for call in calls),
    )


_IDENTITY: Final = frozenset(Identity.__slots__)


def _decision(trace: Trace, operation: str) -> Decision:
    """Return the resolution of `operation`; of a cached one, the one it was remembered from."""
    own = list(decisions(trace, _steps_of(trace, operation)))
    if not own:
        raise NotRecordedError("whatif.no-resolution", operation)
    last = own[-1]
    if len(last.steps) > 1 or not _is_cached(last):
        return last
    same = [d for d in decisions(trace) if d.identity == last.identity and not _is_cached(d)]
    if not same:
        raise NotRecordedError("whatif.remembered", operation)
    return same[-1]


def _steps_of(trace: Trace, operation: str) -> Rows:
    """Return the steps below `operation`, a root or one inside it."""
    below = [row for row in trace.children(operation) if trace.head(row).kind == Kind.STEP]
    own = trace.select(kinds=(Kind.STEP,), op=operation)
    rows: Rows = np.union1d(own, np.array(below, dtype=np.int64))
    return rows


def _is_cached(decision: Decision) -> bool:
    reason = decision.steps[-1].data.get("reason")
    told = reason.get("args") if isinstance(reason, dict) else None
    return isinstance(told, dict) and "cached_until" in told


def _value(values: Mapping[str, Any], key: str) -> Any:
    entry = values.get(key)
    return entry.get("value") if isinstance(entry, dict) else None


def _rules(values: Mapping[str, Any]) -> Rules:
    told = {name: _value(values, f"attributes.{name}") for name in Rules.__slots__}
    known = {name: str(value) for name, value in told.items() if value}
    encoding = known.pop("encoding", None)
    rules = Rules(**known)  # type: ignore[arg-type] # encoding was taken out: the rest are texts
    if encoding in set(Encoding):
        rules = replace(rules, encoding=Encoding(encoding))
    return rules


def _calls(trace: Trace, decision: Decision) -> Iterator[Event]:
    """Yield the Directory calls of the operation."""
    for row in trace.select(kinds=(Kind.CALL,), names=(GET, LIST), op=decision.op).tolist():
        yield trace.event(row)


def _with_attributes(call: Event) -> bool:
    """Tell whether the parameters of a Directory call ask for custom attributes."""
    params = call.data.get("params")
    return isinstance(params, dict) and params.get("projection") in ("custom", "full")


def _users(trace: Trace, calls: list[Event], rules: Rules) -> tuple[tuple[User, ...], bool]:
    """Return the users of `calls`, each once, and whether a full listing is among them."""
    found: dict[str, User] = {}
    listed: dict[str, User] = {}
    open_page, began = False, False
    for call in calls:
        params = call.data.get("params")
        params = params if isinstance(params, dict) else {}
        for body in _bodies(trace, call):
            items = body.get("users") if call.name == LIST else [body]
            users = [
                User.from_directory(item, rules)
                for item in (items if isinstance(items, list) else [])
                if isinstance(item, dict) and item.get("primaryEmail")
            ]
            found.update((fold(user.primary), user) for user in users)
            if call.name == LIST and not params.get("query"):
                listed.update((fold(user.primary), user) for user in users)
                began, open_page = True, bool(body.get("nextPageToken"))
    ordered = {**listed, **{key: user for key, user in found.items() if key not in listed}}
    return tuple(ordered.values()), began and not open_page


def _bodies(trace: Trace, call: Event) -> Iterator[dict[str, Any]]:
    """Yield the answers of a call as recorded, the failed ones left out."""
    for row in trace.children(call.id):
        exchange = trace.event(row)
        if exchange.phase != Phase.END or exchange.status != 200:
            continue
        response = exchange.data.get("response")
        body = response.get("body") if isinstance(response, dict) else None
        kept = body.get("json") if isinstance(body, dict) else None
        if isinstance(kept, dict) and exchange.data.get("role") != "token":
            yield kept


def _missing(facts: Recorded, identity: Identity, configured: str) -> Iterator[Missing]:
    """Name the calls whose answers the new resolution would need."""
    if not facts.attributes:
        yield Missing(f"{LIST} projection=custom", "whatif.missing.attributes")
    if configured:
        known = find(configured, facts.users)
        said_unknown = facts.verdict == "none" and fold(configured) == fold(facts.configured)
        if known is None and not facts.complete and not said_unknown:
            yield Missing(f"{GET} userKey={configured}", "whatif.missing.user")
        return
    if facts.complete:
        return
    same = (identity, configured) == (facts.identity, facts.configured.strip())
    if same and facts.verdict == "chosen":
        return  # what the layer asked for was enough then
    yield Missing(f"{LIST} customer=my_customer projection=custom", "whatif.missing.listing")


def lines(result: WhatIf, say: Say, sentence: Callable[[Event], str]) -> Iterator[str]:
    """Yield the decisions of `result` as sentences, then what is missing to be sure.

    `sentence` says one step, as for `viewer.model.why.text`.
    """
    for number, step in enumerate(steps(result), 1):
        yield f"  {number}. {sentence(step)}"
    for one in result.missing:
        yield say(one.why, call=visible(one.call))


def steps(result: WhatIf) -> list[Event]:
    """Return the decisions as events that stand in no trace, for whatever shows steps."""
    return [
        Event(
            ts="",
            topic=Topic.RESOLUTION,
            kind=Kind.STEP,
            phase=Phase.POINT,
            id="",
            parent=None,
            op=None,
            pid=0,
            seq=step.n,
            name=step.rule,
            status=None,
            ms=None,
            data=step.data(),
        )
        for step in (result.resolution.steps if result.resolution else ())
    ]


def as_json(result: WhatIf) -> dict[str, Any]:
    """Return `result` for ``--json``."""
    found = result.resolution
    return {
        "identity": result.identity.data(),
        "configured": result.configured,
        "account": found.account if found else None,
        "via": found.via.value if found and found.via else None,
        "outcome": found.verdict.value if found else None,
        "ambiguous": list(found.ambiguous) if found else [],
        "before": result.before,
        "sure": result.sure,
        "missing": [{"call": m.call, "why": m.why.rpartition(".")[2]} for m in result.missing],
        "steps": [step.data() | {"rule": step.rule.value} for step in found.steps] if found else [],
        "source": list(result.sources),
    }
