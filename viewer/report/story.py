"""What happened, as data: the operations with their decisions and calls, the gaps, the redaction.

Every report (text, Markdown, HTML, picture) tells this story in its own form.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tracer.schema.events import Event, Kind, Phase
from viewer.model.trace import Trace


@dataclass(frozen=True, slots=True)
class Call:
    """A call, or an exchange that belongs to none (a token request), under an operation."""

    row: int
    depth: int
    """0 directly under its operation, more inside an inner operation."""
    event: Event
    failed: bool
    answered: bool
    attempts: int
    """Exchanges made for it; 1 when all went well."""
    error: str
    """What went wrong in the server's or the client's own words; empty when nothing did."""


@dataclass(frozen=True, slots=True)
class Story:
    """One root operation."""

    row: int
    event: Event
    began: str
    """Timestamp of its start line."""
    failed: bool
    answered: bool
    steps: tuple[Event, ...]
    calls: tuple[Call, ...]
    facts: Mapping[str, Any]
    """The end line's data over the start line's, with what inner operations found out."""

    @property
    def identity(self) -> Mapping[str, Any]:
        """Who asked: environment, harmony_user, windows_account."""
        identity = self.facts.get("identity")
        return identity if isinstance(identity, dict) else {}

    @property
    def account(self) -> str:
        """The Google account that was used, or ``""``."""
        account = self.facts.get("account")
        return account if isinstance(account, str) else ""

    @property
    def outcome(self) -> Event | None:
        """The last step of the resolution."""
        return next((step for step in reversed(self.steps) if step.name == "outcome"), None)

    @property
    def attribute(self) -> str:
        """The attribute that decided, or ``""``."""
        attribute = self.outcome.data.get("attribute") if self.outcome else None
        return attribute if isinstance(attribute, str) else ""


@dataclass(slots=True)
class Overview:
    """The counts of a trace."""

    events: int = 0
    operations: int = 0
    operations_failed: int = 0
    calls: int = 0
    calls_failed: int = 0
    exchanges: int = 0
    unanswered: int = 0
    first: str = ""
    last: str = ""
    label: str = ""
    versions: dict[str, Any] = field(default_factory=dict)
    bodies: list[str] = field(default_factory=list)
    """The redaction levels of the sessions in it, each once."""


_MOST_CHILDREN = 2_000


def overview(trace: Trace) -> Overview:
    """Count what `trace` holds; reads the index and the session lines only."""
    result = Overview(events=len(trace))
    for kind, failing in (
        (Kind.OPERATION, "operations_failed"),
        (Kind.CALL, "calls_failed"),
        (Kind.EXCHANGE, ""),
    ):
        rows = trace.select(kinds={kind})
        if kind == Kind.OPERATION:  # an inner one belongs to its outer one
            rows = rows[trace.column("parent")[rows] == 0]
        setattr(result, f"{kind}s", len(rows))
        if failing:
            setattr(result, failing, int(trace.failures(rows).sum()))
    failed = trace.select(kinds={Kind.CALL, Kind.EXCHANGE}, errors=True)
    open_codes = [n for n, sort in enumerate(trace.codes.sorts) if sort[2] == Phase.START]
    result.unanswered = int(np.isin(trace.column("sort")[failed], open_codes).sum())
    if len(trace):
        result.first, result.last = trace.head(0).ts, trace.head(len(trace) - 1).ts
    for row in trace.select(kinds={Kind.SESSION}).tolist():
        for one in trace.rows_of(trace.head(row).id):
            data = trace.event(one).data
            result.label = result.label or str(data.get("label") or "")
            versions = data.get("versions")
            result.versions |= versions if isinstance(versions, dict) else {}
            bodies = data.get("bodies")
            if isinstance(bodies, str) and bodies not in result.bodies:
                result.bodies.append(bodies)
    return result


def stories(trace: Trace) -> Iterator[Story]:
    """Yield every root operation of `trace`, in order of time, decoding one at a time."""
    rows = trace.select(kinds={Kind.OPERATION})
    for row in rows[trace.column("parent")[rows] == 0]:
        yield story(trace, int(row))


def loose_calls(trace: Trace, most: int) -> tuple[list[Call], int]:
    """Return the calls outside any operation, at most `most`, and how many there are.

    They are all there is when a program that knows nothing of operations was traced.
    """
    rows = trace.select(kinds={Kind.CALL, Kind.EXCHANGE})
    found = rows[trace.column("parent")[rows] == 0]
    return [_call(trace, row, 0) for row in found[:most].tolist()], len(found)


def story(trace: Trace, row: int) -> Story:
    """Return the story of the operation of `row`."""
    event = trace.event(row)
    facts: dict[str, Any] = {}
    steps: list[Event] = []
    calls: list[Call] = []
    pending = [(child, 0) for child in reversed(trace.children(event.id)[:_MOST_CHILDREN])]
    seen = {event.id}
    while pending:
        child, depth = pending.pop()
        kind, own = trace.head(child).kind, trace.head(child).id
        if own in seen:
            continue
        seen.add(own)
        if kind == Kind.STEP:
            steps.append(trace.event(child))
        elif kind in {Kind.CALL, Kind.EXCHANGE}:
            calls.append(_call(trace, child, depth))
        elif kind == Kind.OPERATION:
            facts |= facts_of(trace, own)
            inner = trace.children(own)[:_MOST_CHILDREN]
            pending += [(one, depth + 1) for one in reversed(inner)]
    return Story(
        row=row,
        event=event,
        began=trace.head(trace.rows_of(event.id)[0]).ts,
        failed=trace.failed(row),
        answered=event.phase != Phase.START,
        steps=tuple(steps),
        calls=tuple(calls),
        facts=facts | facts_of(trace, event.id),
    )


def facts_of(trace: Trace, event_id: str) -> dict[str, Any]:
    """Return the data of the start line of `event_id`, overlaid with that of its end line."""
    facts: dict[str, Any] = {}
    for row in trace.rows_of(event_id):
        facts |= trace.event(row).data
    return facts


def _call(trace: Trace, row: int, depth: int) -> Call:
    event = trace.event(row)
    answered = event.phase != Phase.START
    children = trace.children(event.id) if event.kind == Kind.CALL else []
    exchanges = [one for one in children if trace.head(one).kind == Kind.EXCHANGE]
    failed = trace.failed(row)
    error = ""
    for one in reversed(exchanges if failed else []):  # the server's words before the client's
        error = error or error_text(trace.event(one).data)
    if not error and (failed or "error" in event.data):
        error = error_text(event.data)
    attempts = event.data.get("attempts")
    known = isinstance(attempts, int) and attempts > 0
    tries = attempts if known and isinstance(attempts, int) else max(1, len(exchanges))
    return Call(row, depth, event, failed, answered, tries, error)


def error_text(data: Mapping[str, Any]) -> str:
    """Return what went wrong, in the words of who said it; ``""`` when nothing is recorded."""
    response = data.get("response")
    if isinstance(response, dict):
        said = _said(response)
        if said:
            return said
    error = data.get("error")
    if isinstance(error, dict):
        parts = (str(error.get(key) or "") for key in ("type", "message"))
        return ": ".join(part for part in parts if part)
    return error if isinstance(error, str) else ""


def _said(response: Mapping[str, Any]) -> str:
    """Return the error message inside a response: Google's, a token endpoint's, SMTP's, LDAP's."""
    body = response.get("body")
    json = body.get("json") if isinstance(body, dict) else None
    error = json.get("error") if isinstance(json, dict) else None
    if isinstance(json, dict) and isinstance(error, str):
        described = json.get("error_description")
        return f"{error}: {described}" if isinstance(described, str) else error
    if isinstance(error, dict):
        return str(error.get("message") or error.get("status") or "")
    for key in ("text", "description"):
        if isinstance(response.get(key), str) and response[key]:
            return str(response[key])
    return ""
