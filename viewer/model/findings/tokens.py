"""Rules 1-7: what the token endpoint said, and who asked it for what."""

import re
from collections.abc import Iterator
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from tracer.schema.events import Event, Kind, Topic
from viewer.model.finding import Evidence, Finding
from viewer.model.findings.build import Group, finding, from_failures, grouped, listed, of_rule
from viewer.model.findings.facts import Facts
from viewer.model.findings.failure import Failure, at, text, texts

SKEW_S = 30.0
"""Beyond this many seconds a clock is called wrong; the limit that GAM uses."""
_SAMPLES = 200  # exchanges whose Date header is read for the clock
_UNKNOWN = "?"


def claims(exchange: Event | None) -> dict[str, Any]:
    """Return the claims of the assertion that a token request carried; empty if not recorded."""
    found = at(exchange.data, "request.body.form.assertion.jwt.claims") if exchange else None
    return found if isinstance(found, dict) else {}


def asked(exchange: Event | None) -> list[str]:
    """Return the scopes that a token request asked for, split at spaces only."""
    scope = claims(exchange).get("scope")
    if isinstance(scope, str):
        return scope.split(" ")
    return texts(exchange.data.get("scopes")) if exchange else []


def client(exchange: Event | None) -> str:
    """Return the address of the service account."""
    return text(claims(exchange).get("iss")) or _UNKNOWN


def subject(exchange: Event | None) -> str:
    """Return whom the token request asks to act as."""
    found = claims(exchange).get("sub") or (exchange.data.get("subject") if exchange else None)
    return text(found) or _UNKNOWN


def malformed(scopes: list[str]) -> list[str]:
    """Return the scopes that cannot be one: joined by commas or line ends, empty, no address."""
    return [s for s in scopes if not re.fullmatch(r"https://[^\s,;]+|openid|email|profile", s)]


def _about(facts: Facts, failure: Failure) -> dict[str, Any]:
    exchange = facts.event(failure.event)
    scopes = asked(exchange)
    return {
        "client": client(exchange),
        "subject": subject(exchange),
        "scopes": ",".join(s for s in scopes if s) or _UNKNOWN,
        "message": failure.message or failure.reason or _UNKNOWN,
        "key": text(at(exchange.data, "request.body.form.assertion.jwt.header.kid")) or _UNKNOWN
        if exchange
        else _UNKNOWN,
    }


_CLAIMS = "request.body.form.assertion.jwt.claims"


def _refused(facts: Facts, rule: str, group: Group, claim: str) -> Finding:
    first = group[0][0]
    return from_failures(
        rule,
        group,
        _about(facts, first),
        also=[Evidence(first.event, f"{_CLAIMS}.{claim}")],
    )


def delegation_scopes_malformed(facts: Facts) -> Iterator[Finding]:
    """Rule 2: the delegation refuses, and the list of scopes is mistyped."""
    for group in grouped(of_rule(facts, "delegation-missing"), lambda f: _scopes_key(facts, f)):
        first = group[0][0]
        wrong = malformed(asked(facts.event(first.event)))
        if wrong:
            args = _about(facts, first) | {"wrong": listed(map(repr, wrong))}
            also = [Evidence(first.event, f"{_CLAIMS}.scope")]
            yield from_failures("delegation-scopes-malformed", group, args, also=also)


def delegation_missing(facts: Facts) -> Iterator[Finding]:
    """Rule 1: the client or one of the scopes is not in the domain-wide delegation."""
    for group in grouped(of_rule(facts, "delegation-missing"), lambda f: _scopes_key(facts, f)):
        if not malformed(asked(facts.event(group[0][0].event))):
            yield _refused(facts, "delegation-missing", group, "scope")


def _scopes_key(facts: Facts, failure: Failure) -> tuple[str, ...]:
    exchange = facts.event(failure.event)
    return (client(exchange), *sorted(asked(exchange)))


def client_refused(facts: Facts) -> Iterator[Finding]:
    """Rule 3: a policy refuses the client."""
    for group in grouped(of_rule(facts, "client-refused"), lambda _: None):
        yield _refused(facts, "client-refused", group, "iss")


def subject_unknown(facts: Facts) -> Iterator[Finding]:
    """Rule 4: the account to act as is no active primary address."""
    group = of_rule(facts, "subject-unknown")
    for one in grouped(group, lambda f: subject(facts.event(f.event))):
        yield _refused(facts, "subject-unknown", one, "sub")


def service_account_disabled(facts: Facts) -> Iterator[Finding]:
    """Rule 5: the service account itself is gone or off."""
    group = of_rule(facts, "service-account-disabled")
    for one in grouped(group, lambda f: client(facts.event(f.event))):
        yield _refused(facts, "service-account-disabled", one, "iss")


def key_invalid(facts: Facts) -> Iterator[Finding]:
    """Rule 6: the signature does not fit a key that Google knows."""
    for group in grouped(of_rule(facts, "key-invalid"), lambda f: client(facts.event(f.event))):
        first = group[0][0]
        also = [Evidence(first.event, "request.body.form.assertion.jwt.header.kid")]
        yield from_failures("key-invalid", group, _about(facts, first), also=also)


def clock_skew(facts: Facts) -> Iterator[Finding]:
    """Rule 7: the assertion is out of time; the offset to the Date header is cited if known."""
    group = of_rule(facts, "clock-skew")
    if not group:
        return
    first = group[0][0]
    seconds = offset(facts.event(first.event))
    sure = 0.6 if seconds is None else 0.95 if abs(seconds) > SKEW_S else 0.4
    also = [] if seconds is None else [Evidence(first.event, "response.headers.date")]
    args = _about(facts, first) | {"offset": signed(seconds)}
    yield from_failures("clock-skew", group, args, also=also, confidence=sure)


def clock_offset(facts: Facts) -> Iterator[Finding]:
    """Tell of a clock that is wrong before Google refuses it."""
    if of_rule(facts, "clock-skew"):
        return
    found: list[tuple[float, str]] = []
    rows = facts.trace.select(
        kinds=(Kind.EXCHANGE,), topics=(Topic.AUTH, Topic.GMAIL, Topic.DIRECTORY)
    )
    for event in facts.some(rows, _SAMPLES):
        seconds = offset(event)
        if seconds is not None:
            found.append((seconds, event.id))
    if not found:
        return
    middle = sorted(found)[len(found) // 2][0]
    if abs(middle) > SKEW_S:
        ids = [event_id for seconds, event_id in found if abs(seconds) > SKEW_S]
        evidence = [Evidence(event_id, "response.headers.date") for event_id in ids]
        args = {"offset": signed(middle), "count": len(ids)}
        yield finding("clock-offset", evidence, confidence=0.9, args=args)


def offset(exchange: Event | None) -> float | None:
    """Return how many seconds the local clock is ahead of the server's Date header.

    The header has whole seconds and was made at some time during the exchange; what that alone
    explains is no offset.
    """
    header = text(at(exchange.data, "response.headers.date")) if exchange else ""
    if exchange is None or not header:
        return None
    try:
        server = parsedate_to_datetime(header).timestamp()
        local = datetime.fromisoformat(exchange.ts).timestamp()
    except (ValueError, OverflowError, TypeError):
        return None
    earliest = local - (exchange.ms or 0) / 1000
    if earliest - 1 <= server <= local:
        return 0.0
    return local - server if server > local else earliest - 1 - server


def signed(seconds: float | None) -> str:
    """Return an offset as people read it: ``+402 s``; ``?`` when unknown."""
    return _UNKNOWN if seconds is None else f"{seconds:+.0f} s"


def scope_not_granted(facts: Facts) -> Iterator[Finding]:
    """Compare the scopes asked for with those that the token's answer names."""
    found: dict[tuple[str, ...], list[Event]] = {}
    for event in facts.token_requests:
        granted = text(at(event.data, "response.body.json.scope")).split()
        missing = sorted(set(asked(event)) - set(granted) - {""})
        if granted and missing:
            found.setdefault(tuple(missing), []).append(event)
    for scopes, events in found.items():
        evidence = [Evidence(event.id, "response.body.json.scope") for event in events]
        args = {"scopes": ",".join(scopes), "subject": subject(events[0])}
        yield finding("scope-not-granted", evidence, confidence=0.7, args=args)


def user_credentials(facts: Facts) -> Iterator[Finding]:
    """A refresh token was used, so it is not the service account that acts."""
    for group in grouped(of_rule(facts, "user-credentials"), lambda _: None):
        yield from_failures("user-credentials", group, _about(facts, group[0][0]))


def client_disabled(facts: Facts) -> Iterator[Finding]:
    """The OAuth client is disabled or deleted."""
    for group in grouped(of_rule(facts, "client-disabled"), lambda _: None):
        yield from_failures("client-disabled", group, _about(facts, group[0][0]))


RULES = (
    delegation_missing,
    delegation_scopes_malformed,
    client_refused,
    subject_unknown,
    service_account_disabled,
    key_invalid,
    clock_skew,
    user_credentials,
    client_disabled,
)
