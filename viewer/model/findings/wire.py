"""Rule 24 and what only a trace of the wire shows: re-sends, silence, slowness, the way there."""

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from tracer.schema.events import Kind, Phase
from viewer.model.columns import moment
from viewer.model.finding import Evidence, Finding, Severity
from viewer.model.findings.build import (
    Group,
    finding,
    from_failures,
    grouped,
    listed,
    of_rule,
)
from viewer.model.findings.calls import SEND
from viewer.model.findings.facts import Facts, without_data
from viewer.model.findings.failure import UNREADABLE, at, items, text

if TYPE_CHECKING:
    from tracer.schema.events import Event

SLOW_MS = 2000.0
"""An exchange that takes longer is slow to the person who waits for it."""
_SLOW_SIZE = 2**20  # bodies beyond this take their time; the limit grows with them
_UNKNOWN = "?"
_DOUBTFUL = ("timeout", "connection-dropped", "backend-error", "answer-broken")
_FINAL = {"timeout", "connection-dropped"}
_SENDS = {*SEND, "smtp.send"}


def transmissions(exchange: "Event") -> list[dict[str, Any]]:
    """Return what went over the wire for one exchange."""
    return items(exchange.data.get("wire"))


def duplicate_send(facts: Facts) -> Iterator[Finding]:
    """Rule 24: one mail went over the wire twice, by a hidden re-send or by a retry."""
    for call in _sent_again(facts):
        again = [e for e in facts.exchanges(call.id) if len(transmissions(e)) > 1]
        again = [e for e in again if _same_body(transmissions(e))]
        if again:
            sent = transmissions(again[0])
            yield _duplicate(
                call,
                [Evidence(e.id, "wire.1.digest") for e in again],
                sure=0.95 if sent[0].get("digest") else 0.7,
                how="word.hidden",
                why=text(sent[0].get("error")) or "connection",
            )
    doubtful = {
        f.event: f.call
        for rule in _DOUBTFUL
        for f, _ in of_rule(facts, rule)
        if f.method in SEND and f.call
    }
    for call_id in dict.fromkeys(doubtful.values()):
        found = facts.event(call_id)
        tries = [
            e for e in facts.exchanges(call_id) if text(e.data.get("role")) in {"call", "retry"}
        ]
        first = next((n for n, e in enumerate(tries) if e.id in doubtful), len(tries))
        if found and len(tries) > first + 1:
            yield _duplicate(
                found,
                [Evidence(tries[first].id, "error"), Evidence(tries[first + 1].id, "attempt")],
                sure=0.5 if tries[first].status else 0.7,
                how="word.retry",
                why=str(tries[first].status or at(tries[first].data, "error.type") or _UNKNOWN),
            )


def _sent_again(facts: Facts) -> Iterator["Event"]:
    """Yield the sends of which an exchange has a second transmission."""
    calls = (facts.event(exchange.parent or "") for exchange in facts.sent_again)
    found = {call.id: call for call in calls if call and call.name in SEND}
    yield from found.values()


def _same_body(sent: list[dict[str, Any]]) -> bool:
    """Tell whether two transmissions carried the same body, as far as that is recorded."""
    digests = [text(one.get("digest")) for one in sent]
    return "" in digests or len(set(digests)) < len(digests)


def _duplicate(
    call: "Event", evidence: list[Evidence], *, sure: float, how: str, why: str
) -> Finding:
    args = {"method": call.name, "how": how, "why": why, "account": call.data.get("account") or "?"}
    ops = [call.op] if call.op else []
    return finding("duplicate-send", evidence, confidence=sure, args=args, ops=ops)


def send_doubtful(facts: Facts) -> Iterator[Finding]:
    """A send had no answer: the mail may be out although the operation failed."""
    for rule in sorted(_FINAL):
        group = [i for i in of_rule(facts, rule) if i[0].method in _SENDS and not i[0].recovered]
        group = [i for i in group if i[0].kind == Kind.CALL or _was_sent(facts, i[0].event)]
        if group:
            checked = _looked_in_sent(group)
            severity = Severity.NOTE if checked else None
            args = {"why": group[0][0].reason or rule, "subject": _who(facts, group)}
            yield from_failures("send-doubtful", group, args, confidence=0.7, severity=severity)


def _was_sent(facts: Facts, exchange_id: str) -> bool:
    """Tell whether the request may have left, as far as the wire says."""
    exchange = facts.event(exchange_id)
    sent = transmissions(exchange) if exchange else []
    return not sent or any(one.get("sent") for one in sent)


def _looked_in_sent(group: Group) -> bool:
    """Tell whether every operation concerned found out afterwards (it ended well)."""
    return all(failure.handled for failure, _ in group)


def _who(facts: Facts, group: Group) -> str:
    exchange = facts.event(group[0][0].event)
    return text(exchange.data.get("subject")) or _UNKNOWN if exchange else _UNKNOWN


def hidden_resend(facts: Facts) -> Iterator[Finding]:
    """Any other request went over the wire twice: harmless, but it tells of dropped connections."""
    found: list[Event] = []
    for exchange in facts.sent_again:
        call = facts.event(exchange.parent or "")
        if len(transmissions(exchange)) > 1 and not (call and call.name in SEND):
            found.append(without_data(exchange))
    if found:
        yield finding(
            "hidden-resend",
            [Evidence(e.id, "wire.1") for e in found],
            confidence=0.9,
            args={"method": listed(e.name for e in found), "count": len(found)},
            symptoms=[e.id for e in found],
            ops=[e.op for e in found if e.op],
        )


def upload_empty(facts: Facts) -> Iterator[Finding]:
    """A chunk was retried without its bytes: the client's own fault, the server waits in vain."""
    found: list[tuple[Event, Event]] = []
    for call_id in dict.fromkeys(f.call for f, _ in of_rule(facts, "timeout") if f.call):
        chunks = [e for e in facts.exchanges(call_id) if e.data.get("role") == "chunk"]
        for before, after in pairwise(chunks):
            if (before.status or 0) >= 500 and after.status is None and _empty(before, after):
                found.append((before, after))
    if found:
        yield finding(
            "upload-empty",
            [Evidence(e.id, "wire.0.sent") for pair in found for e in pair],
            confidence=0.85,
            args={"method": "chunk"},
            symptoms=[after.id for _, after in found],
            ops=[after.op for _, after in found if after.op],
        )


def _empty(before: "Event", after: "Event") -> bool:
    """Tell whether the second transmission carried far less than the first."""
    sent = [
        sum(n for one in transmissions(e) if isinstance(n := one.get("sent"), int))
        for e in (before, after)
    ]
    return sent[0] > 4 * max(1, sent[1]) or sent[1] == 0


def _called(facts: Facts, event: "Event") -> str:
    """Return the method id of what never got its answer; an exchange alone names but a host."""
    call = facts.event(event.parent or "") if event.kind == Kind.EXCHANGE else None
    return call.name if call and call.kind == Kind.CALL else event.name


def unanswered(facts: Facts) -> Iterator[Finding]:
    """Calls that started and never ended: a hang, or the process was killed."""
    lost = [without_data(event) for event in facts.unanswered]
    exchanges = {event.parent for event in lost if event.kind == Kind.EXCHANGE}
    lost = [event for event in lost if event.id not in exchanges]
    if not lost:
        return
    ended = facts.ended
    gone = [event for event in lost if ended or event.pid in facts.ended_pids]
    shown = gone or lost
    args = {
        "method": listed(_called(facts, event) for event in shown),
        "since": moment(shown[0].ts),
    }
    yield finding(
        "unanswered",
        [Evidence(event.id, "phase") for event in shown],
        confidence=(0.8 if exchanges else 0.6) if gone else 0.4,
        args=args,
        symptoms=[event.id for event in lost],
        ops=[event.op for event in lost if event.op],
        severity=None if gone else Severity.NOTE,
        topic=shown[0].topic,
    )


def slow(facts: Facts) -> Iterator[Finding]:
    """Exchanges that took long, told apart by the phase that took the time."""
    found: dict[str, list[tuple[Event, float]]] = {}
    for event in facts.slow(SLOW_MS):
        if event.phase != Phase.END or event.status is None or _limit(event) > (event.ms or 0):
            continue
        phase, ms = slowest(event)
        found.setdefault(phase, []).append((without_data(event), ms))
    for phase, cases in found.items():
        cases.sort(key=lambda case: -(case[0].ms or 0))
        path = "ms" if phase in {"unknown", "program"} else f"wire.0.phases.{phase}"
        yield finding(
            "slow",
            [Evidence(event.id, path) for event, _ in cases],
            confidence=0.9 if phase != "unknown" else 0.6,
            args={
                "phase": f"word.{phase}",
                "method": listed(_method(facts, event) for event, _ in cases),
                "ms": round(cases[0][0].ms or 0),
                "share": f"{100 * cases[0][1] / max(1.0, cases[0][0].ms or 1):.0f}",
            },
            symptoms=[event.id for event, _ in cases],
            ops=[event.op for event, _ in cases if event.op],
            topic=cases[0][0].topic,
        )


def _limit(event: "Event") -> float:
    """Return how long this exchange may take, its bodies considered."""
    sizes = (at(event.data, "request.body.size"), at(event.data, "response.body.size"))
    size = sum(size for size in sizes if isinstance(size, int))
    return SLOW_MS * (1 + size / _SLOW_SIZE)


def slowest(event: "Event") -> tuple[str, float]:
    """Return the phase that took most of an exchange, and its ms.

    ``program`` is what no phase accounts for, ``unknown`` if no phase is recorded.
    """
    phases: dict[str, float] = {}
    for one in transmissions(event):
        told = one.get("phases")
        for phase, ms in told.items() if isinstance(told, dict) else ():
            if isinstance(ms, int | float):
                phases[phase] = phases.get(phase, 0.0) + ms
    if not phases:
        return "unknown", event.ms or 0.0
    phases["program"] = (event.ms or 0.0) - sum(phases.values())
    phase = max(phases, key=lambda name: phases[name])
    return phase, phases[phase]


def _method(facts: Facts, event: "Event") -> str:
    call = facts.event(event.parent or "")
    return call.name if call and call.kind == Kind.CALL else event.name


_WAYS = (
    "proxy-refused", "tls-intercepted", "name-unknown", "connection-refused", "timeout",
    "connection-dropped", "backend-error", "answer-broken",
)  # fmt: skip


def the_way(facts: Facts) -> Iterator[Finding]:
    """Proxy, TLS, names, timeouts, dropped connections, and servers that fail by themselves."""
    for rule in _WAYS:
        for group in grouped(of_rule(facts, rule), lambda f: _host(facts, f.event)):
            if any(not failure.recovered for failure, _ in group):
                first = next(f for f, _ in group if not f.recovered)
                told = first.message or first.reason or _UNKNOWN
                told = "word.unreadable" if told == UNREADABLE else told
                args = {"host": _host(facts, first.event), "message": told}
                group = [item for item in group if not item[0].recovered]
                yield from_failures(rule, group, args)


def _host(facts: Facts, event_id: str) -> str:
    exchange = facts.event(event_id)
    if not exchange:
        return _UNKNOWN
    proxy = at(exchange.data, "proxy.host")
    url = text(exchange.data.get("url"))
    host = url.split("/")[2] if url.count("/") > 1 else exchange.name.rpartition(" ")[2]
    return f"{host} (proxy {proxy})" if proxy else host


def retried(facts: Facts) -> Iterator[Finding]:
    """Passing errors that a retry overcame: nothing to do, good to know."""
    passing = [
        item[0]
        for rule in (*_WAYS, "send-limit", "quota-exceeded", "token-rejected", "refused")
        for item in of_rule(facts, rule)
        if item[0].recovered
    ]
    if passing:
        kinds = (str(f.status or f.reason) for f in passing)
        yield finding(
            "retried",
            [Evidence(f.event, f.path) for f in passing],
            confidence=0.9,
            args={"what": listed(kinds), "method": listed(f.method for f in passing)},
            symptoms=[f.event for f in passing],
            ops=[f.op for f in passing if f.op],
        )


RULES = (
    duplicate_send,
    send_doubtful,
    upload_empty,
    unanswered,
    the_way,
    slow,
    hidden_resend,
    retried,
)
