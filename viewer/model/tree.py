"""Operations as trees: what the waterfall draws, and what an event is linked to. Plain data."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from tracer.schema.events import Event, Kind, Phase
from viewer.model.glance import Facts, facts
from viewer.model.trace import Head, Rows, Trace

_PHASES: Final = ("dns", "connect", "tls", "send", "wait", "read")
_CHILDREN: Final = 5000
"""So many children of one event are shown; the list has them all."""
_DEPTH: Final = 50
_SEEN_GAP_MS: Final = 20.0
"""A shorter pause between two tries is no back-off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One line of the waterfall; times in ms since the operation began."""

    row: int
    """The event; for a wait, the event that came after it."""
    id: str
    kind: str
    """``operation call exchange step note settings gap``, or ``wait``: nothing was done."""
    role: str
    """Of exchanges: ``call retry replay-401 token redirect chunk batch part media``, else ""."""
    name: str
    topic: str
    depth: int
    start: float
    end: float | None
    """None: never answered; it may still run."""
    status: int | None
    failed: bool
    attempt: int
    resent: int = 0
    """Transmissions on a socket beyond the first one: the client sent it again unseen."""
    phases: Sequence[tuple[str, float, float]] = ()
    """``dns connect tls send wait read``: name, start and end in ms like `start`."""
    left_out: int = 0
    """Children that are not shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """Where one can go from an event; rows, ascending."""

    parent: int | None = None
    children: Sequence[int] = ()
    siblings: Sequence[int] = ()
    tries: Sequence[int] = ()
    """The attempts of the same call, this one among them."""
    same_token: Sequence[int] = ()
    """Other exchanges of the operation with the same token tag, and its token request."""
    same_account: Sequence[int] = ()
    """Other events of the operation that name the same account."""
    sources: Sequence[int] = field(default_factory=tuple)
    """Of a step: the calls that its facts came from."""


def operations(trace: Trace) -> Rows:
    """Return the rows of operations that are nobody's child, and of what belongs to none."""
    rows = trace.select(kinds=[Kind.OPERATION])
    roots: Rows = rows[trace.column("parent")[rows] == 0]
    return roots


def loose(trace: Trace) -> Rows:
    """Return the rows of calls and exchanges that belong to no operation."""
    rows = trace.select(kinds=[Kind.CALL, Kind.EXCHANGE])
    alone: Rows = rows[(trace.column("op")[rows] == 0) & (trace.column("parent")[rows] == 0)]
    return alone


def waterfall(trace: Trace, op: str) -> list[Bar]:
    """Return the bars of the operation (or loose call) `op`, an id; parents before children."""
    rows = trace.rows_of(op)
    if not rows:
        return []
    return list(_bars(trace, rows[-1], trace.time_of(rows[0]), 0, set()))


def _bars(trace: Trace, row: int, origin: int, depth: int, seen: set[str]) -> Iterator[Bar]:
    head = trace.head(row)
    if head.id in seen or depth > _DEPTH:  # a trace may claim anything, even circles
        return
    seen.add(head.id)
    below = sorted(trace.children(head.id), key=lambda child: (_start(trace, child), child))
    left_out = max(0, len(below) - _CHILDREN)
    yield _bar(trace, row, head, origin, depth, left_out)
    before: Bar | None = None
    for child in below[:_CHILDREN]:
        for bar in _bars(trace, child, origin, depth + 1, seen):
            if bar.depth == depth + 1:
                if pause := _wait_between(before, bar):
                    yield pause
                before = bar
            yield bar


def _start(trace: Trace, row: int) -> int:
    """Return when the thing of `row` began, µs since 1970."""
    first = trace.rows_of(trace.id_of(row))
    begin = trace.time_of(first[0]) if first else trace.time_of(row)
    ms = float(trace.column("ms")[row])
    if len(first) < 2 and not math.isnan(ms):  # its start line is missing
        return trace.time_of(row) - int(ms * 1000)
    return begin


def _bar(trace: Trace, row: int, head: Head, origin: int, depth: int, left_out: int) -> Bar:
    start = (_start(trace, row) - origin) / 1000
    end: float | None = start
    if head.phase == Phase.START:
        end = None
    elif head.phase == Phase.END:
        end = start + head.ms if head.ms is not None else (trace.time_of(row) - origin) / 1000
    found, event = Facts(), None
    if head.kind == Kind.EXCHANGE:
        event = trace.event(row)
        found = facts(trace.raw(row))
    elif head.kind == Kind.CALL:
        found = facts(trace.raw(row))
    wire = event.data.get("wire") if event else None
    return Bar(
        row=row,
        id=head.id,
        kind=head.kind,
        role=found.role if isinstance(found.role, str) else "",
        name=head.name,
        topic=head.topic,
        depth=depth,
        start=start,
        end=end,
        status=head.status,
        failed=trace.failed(row),
        attempt=found.tries(),
        resent=max(0, len(wire) - 1) if isinstance(wire, list) else 0,
        phases=tuple(_phases(wire, start)),
        left_out=left_out,
    )


def _phases(wire: Any, start: float) -> Iterator[tuple[str, float, float]]:
    """Lay the phases of each transmission one after the other."""
    for attempt in wire if isinstance(wire, list) else ():
        phases = attempt.get("phases") if isinstance(attempt, dict) else None
        for name in _PHASES:
            ms = phases.get(name) if isinstance(phases, dict) else None
            if isinstance(ms, int | float) and not isinstance(ms, bool) and 0 <= ms < 1e9:
                yield name, start, start + ms
                start += ms


def _wait_between(before: Bar | None, after: Bar) -> Bar | None:
    """Return the back-off before a retry as a bar of its own."""
    tried_again = after.role == "retry" or (after.kind == Kind.EXCHANGE and after.attempt > 1)
    if before is None or before.end is None or not tried_again:
        return None
    if after.start - before.end < _SEEN_GAP_MS:
        return None
    return Bar(
        row=after.row, id=after.id, kind="wait", role="", name="", topic=after.topic,
        depth=after.depth, start=before.end, end=after.start, status=None, failed=False,
        attempt=after.attempt,
    )  # fmt: skip


def links(trace: Trace, row: int) -> Links:
    """Return what `row` is linked to."""
    head = trace.head(row)
    event = trace.event(row)
    parent = trace.row_of(head.parent) if head.parent else None
    beside = [r for r in trace.children(head.parent) if r != row] if head.parent else []
    mine = [int(r) for r in trace.op_rows(head.op) if trace.is_shown(int(r))] if head.op else []
    mine = [r for r in mine[:_CHILDREN] if r != row]
    others = {r: facts(trace.raw(r)) for r in mine}
    own = facts(trace.raw(row))
    return Links(
        parent=parent,
        children=trace.children(head.id),
        siblings=beside,
        tries=_tries(trace, row, head, beside),
        same_token=[r for r in mine if own.token and others[r].token == own.token],
        same_account=[r for r in mine if own.who() and _same(own, others[r])],
        sources=_sources(trace, event),
    )


def _same(one: Facts, other: Facts) -> bool:
    return one.who().lower() == other.who().lower()


def _tries(trace: Trace, row: int, head: Head, beside: Sequence[int]) -> list[int]:
    if head.kind != Kind.EXCHANGE:
        return []
    tries = [r for r in sorted([*beside, row]) if facts(trace.raw(r)).role in _TRIES]
    return tries if row in tries and len(tries) > 1 else []


_TRIES: Final = frozenset({"call", "retry", "replay-401"})


def _sources(trace: Trace, event: Event) -> list[int]:
    """Return the calls that a step says its facts came from."""
    named = event.data.get("source")
    ids = [i for i in named if isinstance(i, str)] if isinstance(named, list) else []
    rows = (trace.row_of(i) for i in ids)
    return [r for r in rows if r is not None]
