"""A failed exchange or call, reduced to what causes are told by."""

from dataclasses import dataclass
from typing import Any, Final

from tracer.schema.events import Event, Topic

GOOGLE: Final = frozenset({Topic.GMAIL, Topic.DIRECTORY, Topic.CONTACTS, Topic.CALENDAR})

UNREADABLE: Final = "UnreadableAnswer"
"""The reason given to an answer with status 200 that is no JSON."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed exchange (or a failed call without one), reduced to what causes are told by."""

    event: str
    """Its id."""
    kind: str
    op: str | None
    call: str | None
    method: str
    """The call's method id, or the exchange's own name when there is no call."""
    topic: str
    place: str
    """``token``, ``google`` or the topic: which patterns apply."""
    role: str
    status: int | None
    reason: str = ""
    """Google's ``errors[0].reason``, OAuth's ``error``, or the type of the exception."""
    details: tuple[str, ...] = ()
    """``status`` and ``details[].reason`` of Google's newer errors."""
    message: str = ""
    path: str = "status"
    """The field that shows the cause, inside ``data`` or of the head."""
    ts: str = ""
    recovered: bool = False
    """The call succeeded all the same (a retry, a refreshed token)."""
    handled: bool = False
    """The operation succeeded all the same: the program knew what to do."""


def at(data: object, path: str) -> Any:
    """Return what is at dotted `path` inside `data`; None when anything on the way is missing."""
    for part in path.split(".") if path else ():
        if isinstance(data, dict):
            data = data.get(part)
        elif isinstance(data, list) and part.isdecimal() and int(part) < len(data):
            data = data[int(part)]
        else:
            return None
    return data


def text(value: object) -> str:
    """Return `value` if it is text, else nothing."""
    return value if isinstance(value, str) else ""


def texts(value: object) -> list[str]:
    """Return the texts in `value` if it is a list."""
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def items(value: object) -> list[dict[str, Any]]:
    """Return the objects in `value` if it is a list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def failure_of(event: Event, *, call: str | None, method: str, recovered: bool) -> Failure:
    """Reduce a failed event to a `Failure`."""
    role = text(event.data.get("role"))
    is_token = role == "token" or (not role and event.topic == Topic.AUTH)
    place = "token" if is_token else "google" if event.topic in GOOGLE else event.topic
    reason, details, message, path = _told(event.data)
    return Failure(
        event=event.id,
        kind=event.kind,
        op=event.op,
        call=call,
        method=method,
        topic=event.topic,
        place=place,
        role=role,
        status=event.status,
        reason=reason,
        details=details,
        message=message,
        path=path,
        ts=event.ts,
        recovered=recovered,
    )


_Told = tuple[str, tuple[str, ...], str, str]


def _told(data: dict[str, Any]) -> _Told:
    """Return reason, details, message and where it stands, from the answer or the exception."""
    error = at(data, "response.body.json.error")
    if isinstance(error, dict):
        return _google(error)
    if isinstance(error, str):
        described = text(at(data, "response.body.json.error_description"))
        last = "error_description" if described else "error"
        return error, (), described or error, f"response.body.json.{last}"
    for path in ("response.text", "response.message", "response.description"):
        if text(at(data, path)):
            code = at(data, "response.description") or at(data, "response.code")
            return str(code or ""), (), text(at(data, path)), path
    if isinstance(data.get("error"), dict):
        kind, message = text(at(data, "error.type")), text(at(data, "error.message"))
        return kind.rpartition(".")[2], (), message, "error.message" if message else "error.type"
    body = text(at(data, "response.body.text"))
    return ("", (), body, "response.body.text") if body else ("", (), "", "status")


def _google(error: dict[str, Any]) -> _Told:
    first = next(iter(items(error.get("errors"))), {})
    details = [text(error.get("status"))]
    details += [text(detail.get("reason")) for detail in items(error.get("details"))]
    message = text(error.get("message")) or text(first.get("message"))
    path = "response.body.json.error.message" if message else "status"
    return text(first.get("reason")), tuple(d for d in details if d), message, path
