"""Keeps of a JSON body what the allow-list of its method names, at the cost of that alone."""

import re
from typing import TYPE_CHECKING, Any, Final

import msgspec
import orjson

from tracer.capture.redact import mail
from tracer.capture.redact.methods import (
    DECODERS,
    REQUESTS,
    Message,
    Part,
    PartBody,
    Send,
    SendDraft,
    User,
    Users,
)
from tracer.capture.redact.notes import Notes

if TYPE_CHECKING:
    from tracer.capture.redact.redactor import Redactor

_ENCODE: Final = msgspec.json.Encoder().encode
_ERROR: Final = re.compile(rb"\s*\{\s*\"error")
_RAW: Final = re.compile(rb"\"raw\"\s*:\s*\"([A-Za-z0-9+/=_-]*)")
_BIG: Final = 1_500_000
_BEGINNING: Final = 87_384


def allowed(
    redactor: "Redactor",
    method_id: str | None,
    direction: str,
    plain: bytes,
    notes: Notes,
    path: str,
) -> dict[str, Any] | None:
    """Return ``{"json": …, "kept": "allow"}``, or None: there is no list, or it does not fit."""
    if direction == "response" and _ERROR.match(plain):
        value = orjson.loads(plain)
        return {"json": redactor.walker.facts(value, notes, path), "kept": "allow"}
    decode = DECODERS.get((direction, method_id))
    if decode is None:
        return None
    if direction == "request" and len(plain) > _BIG and b'"raw"' in plain[:4096]:
        return _big_send(redactor, plain, notes, path)
    try:
        value = decode(plain)
    except (msgspec.MsgspecError, RecursionError):
        return None
    if isinstance(value, Send | SendDraft):
        return _send(redactor, value, notes, path)
    marks = _page_marks(redactor, value, notes, path)
    _finish(redactor, value, notes, path)
    encoded = _ENCODE(value)
    if isinstance(value, Users | User):
        users = value.users if isinstance(value, Users) else [value]
        doubtful = not all(_is_clean(redactor, user) for user in users)
    elif isinstance(value, Message):
        doubtful = False  # ids of Google's making, and headers, looked at one by one
    else:
        doubtful = redactor.scrubber.maybe(encoded.decode())
    if doubtful:
        kept = redactor.walker.facts(orjson.loads(encoded), notes, f"{path}.json")
        return {"json": {**kept, **marks}, "kept": "allow"}
    if marks:
        encoded = encoded[:-1] + (b"," if len(encoded) > 2 else b"") + orjson.dumps(marks)[1:]
    return {"json": orjson.Fragment(encoded), "kept": "allow"}


def is_mail(method_id: str | None, direction: str) -> bool:
    """Tell whether the body holds a mail to be sent, whose structure is shown at every level."""
    return direction == "request" and REQUESTS.get(method_id or "") in {Send, SendDraft}


def _page_marks(redactor: "Redactor", value: Any, notes: Notes, path: str) -> dict[str, str]:
    """Take the page tokens out of `value` and return what stands for them."""
    marks = {}
    for name, key, kind in _PAGES:
        if token := getattr(value, name, None):
            notes.append({"path": f"{path}.json.{key}", "kind": kind})
            marks[key] = redactor.scrubber.mark(kind, token)
            setattr(value, name, None)
    return marks


_PAGES: Final = (
    ("next_page_token", "nextPageToken", "page"),
    ("next_sync_token", "nextSyncToken", "sync"),
)


def _is_clean(redactor: "Redactor", user: User) -> bool:
    """Tell whether the custom fields, the only free text kept of a user, hold no secret."""
    is_clean = redactor.scrubber.is_clean
    for name, fields in user.custom_schemas.items():
        for attribute, found in fields.items():
            if redactor.walker.is_secret(attribute) or not is_clean(attribute):
                return False
            values = found if isinstance(found, list) else [{"value": found}]
            for item in values:
                for text in item.values():
                    if isinstance(text, str) and not is_clean(text):
                        return False
        if not is_clean(name):
            return False
    return True


_BELOW: Final = frozenset(
    {"messages", "message", "payload", "parts", "body", "threads", "drafts", "history",
     "messages_added", "messages_deleted", "labels_added", "labels_removed"}
)  # fmt: skip
_plans: dict[type, tuple[str, ...]] = {}


def _finish(redactor: "Redactor", value: Any, notes: Notes, path: str) -> None:
    """Replace in place what is decoded because its presence matters, and its text does not."""
    plan = _plans.get(type(value))
    if plan is None:
        names = value.__struct_fields__
        plan = tuple(name for name in names if name in _BELOW)
        _plans[type(value)] = plan
    if isinstance(value, PartBody) and value.attachment_id:
        notes.append({"path": f"{path}.json.attachmentId", "kind": "attachment"})
        value.attachment_id = redactor.scrubber.mark("attachment", value.attachment_id)
    if isinstance(value, Part) and value.headers:
        _headers(redactor, value, notes, f"{path}.json.payload")
    for name in plan:
        below = getattr(value, name)
        for item in below if isinstance(below, list) else (below,):
            if item is not None:
                _finish(redactor, item, notes, path)


def _headers(redactor: "Redactor", part: Part, notes: Notes, path: str) -> None:
    kept = []
    for header in part.headers:
        name = header.name.lower()
        if name in _AS_THEY_ARE and redactor.scrubber.is_clean(header.value):
            kept.append(header)
            continue
        value = mail.header(redactor, name, header.value[:2000], notes, path)
        if value is not None:
            header.value = value
            kept.append(header)
    part.headers = kept


_AS_THEY_ARE: Final = mail.KEPT_HEADERS - {"content-type"}
"""Shown unchanged when there is no secret in them."""


def _send(
    redactor: "Redactor", value: Send | SendDraft, notes: Notes, path: str
) -> dict[str, Any] | None:
    """Return the structure of the mail in ``raw``."""
    send = value.message if isinstance(value, SendDraft) else value
    if send is None or send.raw is None:
        return {"json": orjson.Fragment(_ENCODE(value)), "kept": "allow"}
    raw = mail.decode_loosely(send.raw)
    if raw is None:
        return None
    notes.append({"path": f"{path}.json.raw", "kind": "mail"})
    mime = mail.structure(redactor, raw, notes, f"{path}.mime")
    if send.thread_id:
        mime["thread"] = redactor.text(send.thread_id, notes, f"{path}.mime.thread")
    return {"mime": mime, "kept": "allow"}


def _big_send(redactor: "Redactor", plain: bytes, notes: Notes, path: str) -> dict[str, Any] | None:
    """Return what the beginning of a mail of megabytes says, without decoding the rest."""
    match = _RAW.search(plain[:_BEGINNING])
    beginning = mail.decode_loosely(match[1].decode()) if match else None
    if beginning is None:
        return None
    notes.append({"path": f"{path}.json.raw", "kind": "mail"})
    mime = mail.structure(redactor, beginning, notes, f"{path}.mime")
    mime["size"] = len(plain) * 3 // 4  # what base64 of this length holds; exact to a few bytes
    mime["truncated"] = mime["size"] - len(beginning)
    return {"mime": mime, "kept": "allow"}
