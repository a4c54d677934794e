"""What the session as a whole shows: quota, debug left on, gaps, damage, too much taken away."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tracer.schema.events import Kind, Phase, Topic
from viewer.model.columns import moment
from viewer.model.finding import Evidence, Finding, Severity
from viewer.model.findings.build import SHOWN, finding, listed, of_rule
from viewer.model.findings.facts import Facts
from viewer.model.findings.failure import at, text
from viewer.model.findings.tables import (
    DIRECTORY_PER_MINUTE,
    DIRECTORY_UNITS,
    QUOTA_PER_MINUTE,
    QUOTA_UNITS,
)
from viewer.model.trace import Rows

if TYPE_CHECKING:
    from tracer.schema.events import Event

_NEAR = 0.8  # of the quota
_ACCOUNTS = 2000  # calls whose account is looked up
_MINUTE = 60_000_000  # µs
_LONG = timedelta(hours=12)  # debug on for longer was forgotten
_TOLD_BY_BODY = 0.5  # so many of the failures must be readable


def quota_near(facts: Facts) -> Iterator[Finding]:
    """Add up quota units per account and minute; batch parts count one by one."""
    for topic, prices, limit in (
        (Topic.GMAIL, QUOTA_UNITS, QUOTA_PER_MINUTE),
        (Topic.DIRECTORY, DIRECTORY_UNITS, DIRECTORY_PER_MINUTE),
    ):
        busy = _busiest(facts, prices, limit * _NEAR)
        if not busy:
            continue
        by_account: dict[str, list[tuple[int, int]]] = defaultdict(list)
        step = len(busy) // _ACCOUNTS + 1  # one call stands for so many
        for row, price in busy[::step]:
            by_account[facts.trace.account(row)].append((row, price * step))
        account = max(by_account, key=lambda who: sum(price for _, price in by_account[who]))
        units = sum(price for _, price in by_account[account])
        if units >= limit * _NEAR:
            calls = [facts.trace.id_of(row) for row, _ in by_account[account]]
            args = {"units": units, "limit": limit, "account": account or "?"}
            evidence = [Evidence(call, "name") for call in calls[:SHOWN]]
            yield finding(
                "quota-near", evidence, confidence=0.6, args=args, symptoms=calls, topic=topic
            )


def _busiest(facts: Facts, prices: Mapping[str, int], limit: float) -> list[tuple[int, int]]:
    """Return row and price of each call in the dearest minute; nothing below `limit`."""
    units: Counter[int] = Counter()
    for method, price in prices.items():
        minutes, counts = np.unique(_minutes(facts, facts.calls(method)), return_counts=True)
        for minute, count in zip(minutes.tolist(), counts.tolist(), strict=True):
            units[minute] += price * count
    worst = max(units, key=lambda minute: units[minute], default=None)
    if worst is None or units[worst] < limit:
        return []
    busy: list[tuple[int, int]] = []
    for method, price in prices.items():
        rows = facts.calls(method)
        busy += ((row, price) for row in rows[_minutes(facts, rows) == worst].tolist())
    return busy


def _minutes(facts: Facts, rows: Rows) -> NDArray[np.int64]:
    minutes: NDArray[np.int64] = facts.trace.column("ts")[rows] // _MINUTE
    return minutes


def debug_left_on(facts: Facts) -> Iterator[Finding]:
    """The session was never switched off, or ran into its expiry."""
    rows = facts.trace.select(kinds=(Kind.SESSION,)).tolist()
    events = [facts.trace.event(row) for row in rows]
    for event in events:
        if event.phase == Phase.END and event.data.get("reason") == "expired":
            yield _left_on(event, "reason", "word.expired", 0.9)
        elif event.phase == Phase.START and len(facts.trace):
            last = facts.trace.head(len(facts.trace) - 1).ts
            if _hours(event.ts, last) >= _LONG:
                yield _left_on(event, "ts", "word.open", 0.6)


def _left_on(event: "Event", path: str, how: str, sure: float) -> Finding:
    args = {"since": moment(event.ts), "how": how, "label": event.name}
    return finding("debug-left-on", [Evidence(event.id, path)], confidence=sure, args=args)


def _hours(first: str, last: str) -> timedelta:
    try:
        return datetime.fromisoformat(last) - datetime.fromisoformat(first)
    except ValueError:
        return timedelta(0)


def trace_incomplete(facts: Facts) -> Iterator[Finding]:
    """Lines are damaged, or the trace itself says that events are missing."""
    gaps = [
        event
        for event in facts.events(kinds=(Kind.GAP,))
        if event.name not in {"unseen-transport", "late-attach"}
    ]
    damage = len(facts.trace.damage)
    if not gaps and not damage:
        return
    lost = sum(n for gap in gaps if isinstance(n := gap.data.get("count"), int))
    args = {
        "damaged": damage,
        "lost": lost,
        "kinds": listed(gap.name for gap in gaps) or "word.none",
    }
    evidence = [Evidence(gap.id, "count" if "count" in gap.data else "name") for gap in gaps]
    yield finding(
        "trace-incomplete",
        evidence,
        confidence=0.95,
        args=args,
        symptoms=[gap.id for gap in gaps],
        severity=Severity.NOTE,
    )


def transport_unseen(facts: Facts) -> Iterator[Finding]:
    """A transport that the capture cannot see was used, or it attached late."""
    gaps = [e for e in facts.events(kinds=(Kind.GAP,)) if e.name == "unseen-transport"]
    if gaps:
        told = listed(text(gap.data.get("reason")) or gap.name for gap in gaps)
        evidence = [Evidence(gap.id, "reason" if "reason" in gap.data else "name") for gap in gaps]
        yield finding("transport-unseen", evidence, confidence=0.9, args={"what": told})


def token_unseen(facts: Facts) -> Iterator[Finding]:
    """Google calls carry a token whose request is not in the trace."""
    if len(facts.trace.select(kinds=(Kind.EXCHANGE,), topics=(Topic.AUTH,))):
        return
    refused = [f for f, _ in of_rule(facts, "token-rejected") if not f.recovered]
    refused += [f for f, _ in of_rule(facts, "scope-insufficient")]
    if refused:
        evidence = [Evidence(f.event, "status") for f in refused]
        args = {"method": listed(f.method for f in refused)}
        yield finding("token-unseen", evidence, confidence=0.6, args=args)


def too_redacted(facts: Facts) -> Iterator[Finding]:
    """The answers of failed calls were not kept, so that the cause cannot be read."""
    blind = [f for f in facts.classified.get("refused", []) if not f[0].message]
    if not blind or len(blind) < _TOLD_BY_BODY * len(facts.classified.get("refused", [])):
        return
    kept = []
    for failure, _ in blind:
        event = facts.event(failure.event)
        how = at(event.data, "response.body.kept") if event else None
        if text(how) in {"none", "digest"}:
            kept.append(failure)
    if kept:
        evidence = [Evidence(f.event, "response.body.kept") for f in kept]
        yield finding("too-redacted", evidence, confidence=0.8, args={"count": len(kept)})


RULES = (quota_near, debug_left_on, trace_incomplete, transport_unseen, token_unseen, too_redacted)
