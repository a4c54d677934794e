"""Keeps of a JSON body what the allow-list of its method names, at the cost of that alone."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import msgspec
import orjson
from msgspec import UNSET

from tracer.capture.redact import mail
from tracer.capture.redact.methods import (
    DECODERS,
    REQUESTS,
    CustomSchemas,
    Decode,
    Header,
    Message,
    Page,
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
    decode = DECODERS.get((direction, method_id))
    if decode is not None:
        return fitting(redactor, decode, direction, plain, notes, path)
    if direction == "response" and _ERROR.match(plain):
        return _error(redactor, plain, notes, path)
    return None


def fitting(
    redactor: "Redactor",
    decode: Decode,
    direction: str,
    plain: bytes,
    notes: Notes,
    path: str,
) -> dict[str, Any] | None:
    """Return what `allowed` does for a body of a method that has a list: `decode`."""
    if direction == "response":
        if _ERROR.match(plain):
            return _error(redactor, plain, notes, path)
    elif len(plain) > _BIG and b'"raw"' in plain[:4096]:
        return _big_send(redactor, plain, notes, path)
    try:
        value = decode(plain)
        keep = _KEEPERS.get(type(value), _keep)
        return keep(redactor, value, notes, path)
    except (msgspec.MsgspecError, RecursionError):
        return None


def _error(redactor: "Redactor", plain: bytes, notes: Notes, path: str) -> dict[str, Any]:
    """Return what is kept of an error of Google's, which is all of it but secrets."""
    return {"json": redactor.walker.facts(orjson.loads(plain), notes, path), "kept": "allow"}


def is_mail(method_id: str | None, direction: str) -> bool:
    """Tell whether the body holds a mail to be sent, whose structure is shown at every level."""
    return direction == "request" and REQUESTS.get(method_id or "") in {Send, SendDraft}


def _keep(redactor: "Redactor", value: Any, notes: Notes, path: str) -> dict[str, Any]:
    """Return what is kept of an answer that no function below is for."""
    marks = _page_marks(redactor, value, notes, path) if isinstance(value, Page) else {}
    _finish(redactor, value, notes, path)
    encoded = _ENCODE(value)
    if redactor.scrubber.maybe(encoded.decode()):
        return _walked(redactor, encoded, marks, notes, path)
    return _with_marks(encoded, marks)


def _keep_message(redactor: "Redactor", value: Message, notes: Notes, path: str) -> dict[str, Any]:
    """Keep ids of Google's making, and headers, which are looked at one by one."""
    if value.payload is not None:
        _finish_part(redactor, value.payload, notes, path)
    return {"json": orjson.Fragment(_ENCODE(value)), "kept": "allow"}


def _keep_users(redactor: "Redactor", value: Users, notes: Notes, path: str) -> dict[str, Any]:
    clean = _look_at_users(redactor, value.users)
    marks = _page_marks(redactor, value, notes, path)
    encoded = _ENCODE(value)
    return _with_marks(encoded, marks) if clean else _walked(redactor, encoded, marks, notes, path)


def _keep_user(redactor: "Redactor", value: User, notes: Notes, path: str) -> dict[str, Any]:
    clean = _look_at_users(redactor, [value])
    encoded = _ENCODE(value)
    return _with_marks(encoded, {}) if clean else _walked(redactor, encoded, {}, notes, path)


def _walked(
    redactor: "Redactor", encoded: bytes, marks: dict[str, str], notes: Notes, path: str
) -> dict[str, Any]:
    """Return what may hold a secret as the generic walk keeps it."""
    kept = redactor.walker.facts(orjson.loads(encoded), notes, f"{path}.json")
    return {"json": {**kept, **marks}, "kept": "allow"}


def _with_marks(encoded: bytes, marks: dict[str, str]) -> dict[str, Any]:
    if marks:
        encoded = encoded[:-1] + (b"," if len(encoded) > 2 else b"") + orjson.dumps(marks)[1:]
    return {"json": orjson.Fragment(encoded), "kept": "allow"}


def _page_marks(redactor: "Redactor", value: Page, notes: Notes, path: str) -> dict[str, str]:
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


def _look_at_users(redactor: "Redactor", users: list[User]) -> bool:
    """Replace the custom fields, the only free text kept of users, by themselves on one line.

    Tell whether they hold no secret, erring towards no, at one look at what is new of a whole page:
    a domain's users are read again and again. Raises what the decoder does.
    """
    known = redactor.schemas
    new: dict[bytes, msgspec.Raw] = {}
    texts: set[str] = set()
    doubtful = False
    for user in users:
        if user.custom_schemas is UNSET:
            continue
        raw = bytes(user.custom_schemas)
        kept = known.get(raw) or new.get(raw)
        if kept is None:
            found = _decode_schemas(raw)
            doubtful |= not _take_texts(redactor, found, texts)
            kept = new[raw] = msgspec.Raw(_ENCODE(found))
        user.custom_schemas = kept
    if doubtful or not redactor.scrubber.are_clean(texts):
        return False
    redactor.remember_schemas(new)
    return True


_decode_schemas: Final = msgspec.json.Decoder(CustomSchemas).decode


def _take_texts(redactor: "Redactor", schemas: CustomSchemas, texts: set[str]) -> bool:
    """Add the texts in `schemas` to `texts`; tell whether no name in them is that of a secret."""
    names: set[str] = set()
    values: list[Any] = []
    for schema, fields in schemas.items():
        names.add(schema)
        names.update(fields)
        for found in fields.values():
            if isinstance(found, list):
                for item in found:
                    names.update(item)
                    values += item.values()
            else:
                values.append(found)
    texts |= names
    texts.update(text for text in values if type(text) is str)
    return not any(map(redactor.walker.is_secret, names))


_BELOW: Final = (
    "messages", "message", "threads", "drafts", "history", "messages_added", "messages_deleted",
    "labels_added", "labels_removed",
)  # fmt: skip
_plans: dict[type, tuple[str, ...]] = {}


def _finish(redactor: "Redactor", value: Any, notes: Notes, path: str) -> None:
    """Replace in place what is decoded because its presence matters, and its text does not."""
    if isinstance(value, Message):
        if value.payload is not None:
            _finish_part(redactor, value.payload, notes, path)
    elif isinstance(value, PartBody):
        _finish_attachment(redactor, value, notes, path)
    else:
        for name in _plan(type(value)):
            below = getattr(value, name)
            for item in below if isinstance(below, list) else (below,):
                _finish(redactor, item, notes, path)


def _plan(kind: type[Any]) -> tuple[str, ...]:
    """Return the fields of `kind` that there may be mails in."""
    plan = _plans.get(kind)
    if plan is None:
        names = getattr(kind, "__struct_fields__", ())
        plan = _plans[kind] = tuple(name for name in _BELOW if name in names)
    return plan


def _finish_part(redactor: "Redactor", part: Part, notes: Notes, path: str) -> None:
    if part.headers:
        part.headers = _headers(redactor, part.headers, notes, f"{path}.json.payload")
    if part.body is not None:
        _finish_attachment(redactor, part.body, notes, path)
    for each in part.parts:
        _finish_part(redactor, each, notes, path)


def _finish_attachment(redactor: "Redactor", value: PartBody, notes: Notes, path: str) -> None:
    if value.attachment_id:
        notes.append({"path": f"{path}.json.attachmentId", "kind": "attachment"})
        value.attachment_id = redactor.scrubber.mark("attachment", value.attachment_id)


def _headers(redactor: "Redactor", headers: list[Header], notes: Notes, path: str) -> list[Header]:
    """Keep of the headers of a part what `mail` keeps of a mail's."""
    clean, plans = redactor.scrubber.clean, _headers_known
    shown = []
    for header in headers:
        name = header.name
        plan = plans[name] if name in plans else _look_at_header(name)
        if plan == "drop":
            continue
        value = header.value
        shown.append(header)
        if plan == "text" and (value in clean or redactor.scrubber.is_clean(value)):
            continue
        header.value = mail.header(redactor, name, value[:2000], notes, path) or ""
    return shown


def _look_at_header(name: str) -> str:
    """Return what becomes of a header: "drop", "look", or "text": shown if it holds no secret."""
    folded = name.lower()
    plan = "look" if folded in {"subject", "content-type"} else "text"
    if folded not in mail.KEPT_HEADERS and folded != "subject":
        plan = "drop"
    if len(_headers_known) < _HEADERS_KNOWN and len(name) < 100:
        _headers_known[name] = plan
    return plan


_headers_known: dict[str, str] = {}
_HEADERS_KNOWN: Final = 1000


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


_KEEPERS: Final[dict[type, Callable[["Redactor", Any, Notes, str], dict[str, Any] | None]]] = {
    Message: _keep_message,
    Users: _keep_users,
    User: _keep_user,
    Send: _send,
    SendDraft: _send,
}
