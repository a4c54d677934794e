"""A message as Gmail's resources show it: the tree of parts, headers, snippet, attachments."""

import base64
from email.message import EmailMessage
from email.message import Message as AnyMessage
from html import escape
from typing import cast

from samples.sandbox.mailbox import Message
from samples.sandbox.wire import Json

FORMATS = ("minimal", "full", "raw", "metadata")


def resource(message: Message, wanted: str, metadata_headers: list[str]) -> Json:
    """Write a message out in one of `FORMATS`."""
    snippet = " ".join(message.text.split("\n", 1)[1].split())[:200]
    answer: Json = {
        "id": message.id,
        "threadId": message.thread,
        "labelIds": sorted(message.labels),
        "snippet": escape(snippet, quote=True),
        "historyId": str(message.history),
        "internalDate": str(int(message.received * 1000)),
        "sizeEstimate": len(message.raw),
    }
    if wanted == "raw":
        answer["raw"] = base64.urlsafe_b64encode(message.raw).decode()
    elif wanted == "metadata":
        headers = _headers(message.parsed)
        names = {name.lower() for name in metadata_headers}
        shown = [h for h in headers if not names or h["name"].lower() in names]
        answer["payload"] = {"mimeType": message.parsed.get_content_type(), "headers": shown}
    elif wanted == "full":
        answer["payload"] = _part(message, message.parsed, "")
    return answer


def attachment(message: Message, name: str) -> bytes | None:
    """Return the content of the attachment with this id."""
    for number, part in _numbered(message.parsed, ""):
        if _attachment_id(message, number) == name:
            return _content(part)
    return None


def _part(message: Message, part: EmailMessage, number: str) -> Json:
    content = b"" if part.is_multipart() else _content(part)
    body: Json = {"size": len(content)}
    name = part.get_filename() or ""
    if name:
        body["attachmentId"] = _attachment_id(message, number)
    elif content:
        body["data"] = base64.urlsafe_b64encode(content).decode()
    answer: Json = {
        "partId": number,
        "mimeType": part.get_content_type(),
        "filename": name,
        "headers": _headers(part),
        "body": body,
    }
    children = _children(part)
    if children:
        prefix = f"{number}." if number else ""
        answer["parts"] = [
            _part(message, child, f"{prefix}{at}") for at, child in enumerate(children)
        ]
    return answer


def _numbered(part: EmailMessage, number: str) -> list[tuple[str, EmailMessage]]:
    found = [(number, part)]
    prefix = f"{number}." if number else ""
    for at, child in enumerate(_children(part)):
        found += _numbered(child, f"{prefix}{at}")
    return found


def _children(part: EmailMessage) -> list[EmailMessage]:
    return (
        [cast("EmailMessage", child) for child in part.iter_parts()] if part.is_multipart() else []
    )


def _content(part: AnyMessage) -> bytes:
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


def _headers(part: EmailMessage) -> list[Json]:
    return [{"name": name, "value": str(value)} for name, value in part.items()]


def _attachment_id(message: Message, number: str) -> str:
    return "ANGjdJ" + base64.urlsafe_b64encode(f"{message.id}/{number}".encode()).decode()
