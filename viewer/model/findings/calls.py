"""Rules 8, 9, 18-23, 25: what the API said to the call itself."""

import re
from collections.abc import Iterator, Set
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.schema.events import Kind
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
from viewer.model.findings.facts import Facts
from viewer.model.findings.failure import Failure, at, items, text, texts
from viewer.model.findings.tables import ACCEPTED, narrowest
from viewer.model.findings.tokens import subject as token_subject
from viewer.model.store import each_once

if TYPE_CHECKING:
    from tracer.schema.events import Event

_UNKNOWN = "?"
_NOBODY = "word.some-account"
_UNTIL = re.compile(r"retry after\s+(\d{4}-\d\d-\d\dT[\d:.]+Z)", re.IGNORECASE)
_FEW = 20  # sends that are compared with every message read
_BAD_LINE = r"HTTP/1\.\d [45]"
_ADDRESS = re.compile(r"[^\s<>\"]+@[^\s<>\"]+")
SEND = ("gmail.users.messages.send", "gmail.users.drafts.send")


def scope_insufficient(facts: Facts) -> Iterator[Finding]:
    """Rule 8: the token lacks the scope that the method needs."""
    for group in grouped(of_rule(facts, "scope-insufficient"), lambda f: _scope_args(facts, f)[0]):
        first = group[0][0]
        needed, args, evidence = _scope_args(facts, first)
        yield from_failures("scope-insufficient", group, {"scope": needed, **args}, also=evidence)


def _scope_args(facts: Facts, failure: Failure) -> tuple[str, dict[str, Any], list[Evidence]]:
    """Return the smallest scope that would do, what else to say, and where that stands."""
    exchange = facts.event(failure.event)
    call = facts.event(failure.call or "")
    header = text(at(exchange.data, "response.headers.www-authenticate")) if exchange else ""
    stated = re.search(r'scope="([^"]*)"', header)
    evidence = []
    accepted = tuple(stated.group(1).split()) if stated else ()
    if stated:
        evidence.append(Evidence(failure.event, "response.headers.www-authenticate"))
    elif call and call.data.get("scopes"):
        accepted = tuple(texts(call.data["scopes"]))
        evidence.append(Evidence(call.id, "scopes"))
    accepted = accepted or ACCEPTED.get(failure.method, ())
    granted, request = facts.granted(exchange) if exchange else ([], None)
    if request:
        evidence.append(Evidence(request.id, "scopes"))
    held = [scope for scope in granted if scope in accepted]
    args = {
        "accepted": listed(accepted) or _UNKNOWN,
        "granted": listed(granted) or _UNKNOWN,
        "so": "word.scope-held" if held else "word.scope-lacking",
    }
    return held[0] if held else narrowest(accepted), args, evidence


def api_disabled(facts: Facts) -> Iterator[Finding]:
    """Rule 9: the API is off in the project of the service account."""
    for group in grouped(of_rule(facts, "api-disabled"), lambda f: _api(f, facts)["service"]):
        first = group[0][0]
        yield from_failures("api-disabled", group, _api(first, facts))


def _api(failure: Failure, facts: Facts) -> dict[str, str]:
    exchange = facts.event(failure.event)
    details = items(at(exchange.data, "response.body.json.error.details")) if exchange else []
    told = (detail.get("metadata") for detail in details)
    metadata: dict[str, Any] = next((one for one in told if isinstance(one, dict)), {})
    project = re.search(r"project\s+(\S+)", failure.message, re.IGNORECASE)
    url = re.search(r"https://console\.\S+", failure.message)
    service = re.search(r"/api/([\w.-]+)/", failure.message)
    return {
        "service": text(metadata.get("service"))
        or (service.group(1) if service else failure.method.partition(".")[0]),
        "project": text(metadata.get("consumer")).removeprefix("projects/")
        or (project.group(1) if project else _UNKNOWN),
        "url": text(metadata.get("activationUrl")) or (url.group() if url else _UNKNOWN),
    }


def delegation_denied(facts: Facts) -> Iterator[Finding]:
    """Rule 18: the path names another mailbox than the token's subject."""
    for group in grouped(of_rule(facts, "delegation-denied"), lambda f: _path_user(facts, f)[0]):
        yield _mismatch(facts, "delegation-denied", group)


def _mismatch(facts: Facts, rule: str, group: Group) -> Finding:
    first = group[0][0]
    path, subject, evidence = _path_user(facts, first)
    return from_failures(rule, group, {"path": path, "subject": subject}, also=evidence)


def _path_user(facts: Facts, failure: Failure) -> tuple[str, str, list[Evidence]]:
    call = facts.event(failure.call or "")
    exchange = facts.event(failure.event)
    path = text(at(call.data, "params.userId")) if call else ""
    subject = text(exchange.data.get("subject")) if exchange else ""
    evidence = [Evidence(call.id, "params.userId")] if call and path else []
    evidence += [Evidence(failure.event, "subject")] if subject else []
    denied = _ADDRESS.search(failure.message)
    return path or _UNKNOWN, subject or (denied.group() if denied else _UNKNOWN), evidence


def subject_not_path(facts: Facts) -> Iterator[Finding]:
    """The path names another mailbox than the token's subject, whatever Google said to it."""
    refused = {f.call for f, _ in of_rule(facts, "delegation-denied")}
    found: dict[tuple[str, str], list[Event]] = {}
    for call in facts.mail_calls:
        path, subject = text(at(call.data, "params.userId")), text(call.data.get("account"))
        differ = "@" in path and subject and path.casefold() != subject.casefold()
        if differ and call.id not in refused:
            found.setdefault((path, subject), []).append(call)
    for (path, subject), calls in found.items():
        yield finding(
            "subject-not-path",
            [Evidence(call.id, "params.userId") for call in calls],
            confidence=0.7,
            args={"path": path, "subject": subject},
            symptoms=[call.id for call in calls],
            ops=[call.op for call in calls if call.op],
        )


def token_rejected(facts: Facts) -> Iterator[Finding]:
    """A token is refused even after it was refreshed."""
    group = of_rule(facts, "token-rejected")
    if any(not failure.recovered for failure, _ in group):
        yield from_failures("token-rejected", group, {"subject": _subject(facts, group)})


def subject_missing(facts: Facts) -> Iterator[Finding]:
    """Rule 19 b: the assertion names nobody to act as."""
    group = of_rule(facts, "subject-missing")
    if group:
        told = _subject(facts, group)
        sure = None if told == _NOBODY else 0.4
        yield from_failures("subject-missing", group, {"subject": told}, confidence=sure)


def mailbox_missing(facts: Facts) -> Iterator[Finding]:
    """Rule 19 a: the account has no Gmail mailbox."""
    yield from _by_subject(facts, "mailbox-missing")


def domain_policy(facts: Facts) -> Iterator[Finding]:
    """Gmail is off for the account's organisational unit."""
    yield from _by_subject(facts, "domain-policy")


def metadata_scope(facts: Facts) -> Iterator[Finding]:
    """gmail.metadata in the token forbids what the wider scopes would allow."""
    yield from _by_subject(facts, "metadata-scope")


def directory_sharing(facts: Facts) -> Iterator[Finding]:
    """The People directory is closed to applications."""
    yield from _by_subject(facts, "directory-sharing")


def _by_subject(facts: Facts, rule: str) -> Iterator[Finding]:
    for group in grouped(of_rule(facts, rule), lambda f: _subject(facts, [(f, 1.0)])):
        yield from_failures(rule, group, {"subject": _subject(facts, group)})


def _subject(facts: Facts, group: Group) -> str:
    """Return whose token the failed call carried."""
    for failure, _ in group[:5]:
        exchange = facts.event(failure.event)
        told = token_subject(exchange)
        if told != _UNKNOWN:
            return told
        call = facts.event(failure.call or "")
        if call and text(call.data.get("account")):
            return text(call.data.get("account"))
    return _NOBODY


def send_limit(facts: Facts) -> Iterator[Finding]:
    """Rule 23: the mailbox may not send until a time that Google names."""
    for group in grouped(of_rule(facts, "send-limit"), lambda f: f.method in SEND):
        until = [_UNTIL.search(f.message) for f, _ in group]
        times = [match.group(1) for match in until if match]
        latest = max(times, default=_UNKNOWN)
        args = {"until": moment(latest), "local": _local(latest), "subject": _subject(facts, group)}
        yield from_failures("send-limit", group, args)


def _local(until: str) -> str:
    """Return a time of the trace by the clock of this machine, which the reader may not have."""
    try:
        return f"{datetime.fromisoformat(until).astimezone():%d/%m %H:%M, UTC%z}"
    except ValueError:
        return _UNKNOWN


def retry_too_early(facts: Facts) -> Iterator[Finding]:
    """Rule 23, second half: further attempts before the time that Google named."""
    for group in grouped(of_rule(facts, "send-limit"), lambda f: _subject(facts, [(f, 1.0)])):
        early: list[Event] = []
        until, since = "", ""
        for failure, _ in group:
            match = _UNTIL.search(failure.message)
            if until and _before(failure.ts, until) and failure.ts > since:
                event = facts.event(failure.event)
                early += [event] if event else []
            if match and not until:
                until, since = match.group(1), failure.ts
        if early and until:
            first = group[0][0]
            yield finding(
                "retry-too-early",
                [Evidence(first.event, first.path), *(Evidence(e.id, "attempt") for e in early)],
                confidence=0.9,
                args={"until": moment(until), "count": len(early)},
                symptoms=[event.id for event in early],
                ops=[event.op for event in early if event.op],
            )


def _before(ts: str, until: str) -> bool:
    try:
        return datetime.fromisoformat(ts) < datetime.fromisoformat(until)
    except ValueError:
        return False


def batch_partial(facts: Facts) -> Iterator[Finding]:
    """Rule 25: a batch was answered 200, but parts of it failed."""
    batches: dict[str, list[Failure]] = {}
    for part in (f for f in facts.failures if f.role == "part" and not f.recovered):
        event = facts.event(part.event)
        batch = text(event.data.get("batch")) if event else ""
        outer = facts.event(batch) if batch else None
        if outer and outer.status == 200:
            batches.setdefault(batch, []).append(part)
    for batch, failed in batches.items():
        expected = all(f.handled and f.status == 404 for f in failed)  # gone meanwhile
        yield finding(
            "batch-partial",
            [Evidence(batch, "status"), *(Evidence(f.event, f.path) for f in failed)],
            confidence=0.95,
            args={"failed": len(failed), "method": listed(f.method for f in failed)},
            symptoms=[f.event for f in failed],
            ops=[f.op for f in failed if f.op],
            severity=Severity.NOTE if expected else None,
        )
    yield from _unsplit_batches(facts, batches.keys())


def _unsplit_batches(facts: Facts, known: Set[str]) -> Iterator[Finding]:
    """Read the parts' status lines where the parts are no events of their own."""
    parted = facts.containing('"line":"HTTP/1.1 ', facts.exchange_rows)
    failed_part = [facts.containing(f'"line":"HTTP/1.1 {n}', parted) for n in "45"]
    for batch in facts.some(each_once(np.concatenate(failed_part))):
        parts = items(at(batch.data, "response.body.parts"))
        inner = [one for part in parts for one in items(part.get("parts"))]
        failed = [n for n, one in enumerate(inner) if re.match(_BAD_LINE, text(one.get("line")))]
        if failed and batch.status == 200 and batch.id not in known:
            path = f"response.body.parts.{failed[0]}.parts.0.line"
            yield finding(
                "batch-partial",
                [Evidence(batch.id, path)],
                confidence=0.85,
                args={"failed": len(failed), "method": batch.name},
                ops=[batch.op] if batch.op else [],
            )


def from_rewritten(facts: Facts) -> Iterator[Finding]:
    """Rule 20: the message that was sent, read back, has another From than was asked."""
    for call in facts.some(facts.calls("gmail.users.messages.get")):
        number = text(at(call.data, "params.id"))
        read = [e for e in facts.exchanges(call.id) if _from_in(e, "response.body.json.payload")]
        for exchange in _sends_before(facts, call, number) if read else ():
            asked = _from_in(exchange, "request.body")
            got = _from_in(read[-1], "response.body.json.payload")
            if asked and got and got.casefold() != asked.casefold():
                yield finding(
                    "from-rewritten",
                    [
                        Evidence(exchange.id, "request.body"),
                        Evidence(read[-1].id, "response.body.json.payload.headers"),
                    ],
                    confidence=0.95,
                    args={"asked": asked, "sent": got},
                    ops=[call.op] if call.op else [],
                )


def _sends_before(facts: Facts, get: "Event", number: str) -> Iterator["Event"]:
    """Yield the exchanges that sent the message `number`; of many sends, those of one operation."""
    rows = facts.calls(*SEND)
    if len(rows) > _FEW:
        rows = facts.trace.select(kinds=(Kind.CALL,), names=SEND, op=get.op) if get.op else rows[:0]
    for row in rows.tolist():
        for exchange in facts.exchanges(facts.trace.id_of(row)):
            if number and text(at(exchange.data, "response.body.json.id")) == number:
                yield exchange


def _from_in(exchange: "Event", path: str) -> str:
    return _address(at(exchange.data, path))


def _address(body: object, depth: int = 0) -> str:
    """Return the From address in a MIME structure, a Gmail payload, or what holds one."""
    if depth > 6:
        return ""
    if isinstance(body, list):
        named = (h for h in items(body) if text(h.get("name")).casefold() == "from")
        header = next(named, None)
        return _only(text(header.get("value"))) if header else _first(body, depth)
    if not isinstance(body, dict):
        return ""
    headers = body.get("headers")
    if isinstance(headers, dict) and text(headers.get("from")):
        return _only(text(headers["from"]))
    inner = [body[key] for key in ("headers", "mime", "json", "raw", "parts") if key in body]
    return _first(inner, depth)


def _first(values: list[Any], depth: int) -> str:
    return next(filter(None, (_address(value, depth + 1) for value in values)), "")


def _only(header: str) -> str:
    found = _ADDRESS.search(header)
    return found.group() if found else ""


_PLAIN = (
    "from-not-allowed", "message-malformed", "message-too-large", "quota-exceeded",
    "history-expired", "sync-expired", "page-token-invalid", "already-exists", "stale-version",
)  # fmt: skip


def plain(facts: Facts) -> Iterator[Finding]:
    """Rules 21-23, 25: causes that the answer alone tells; one finding a cause and message."""
    for rule in _PLAIN:
        for group in grouped(of_rule(facts, rule), lambda f: f.message):
            args = {"message": group[0][0].message or _UNKNOWN, "size": _size(facts, group)}
            yield from_failures(rule, group, args)


def _size(facts: Facts, group: Group) -> str:
    exchange = facts.event(group[0][0].event)
    size = at(exchange.data, "request.body.size") if exchange else None
    return f"{size / 2**20:.1f} MiB" if isinstance(size, int) else _UNKNOWN


RULES = (
    scope_insufficient,
    api_disabled,
    metadata_scope,
    domain_policy,
    delegation_denied,
    subject_not_path,
    mailbox_missing,
    subject_missing,
    directory_sharing,
    from_rewritten,
    plain,
    send_limit,
    retry_too_early,
    token_rejected,
    batch_partial,
)
