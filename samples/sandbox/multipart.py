"""Multipart bodies, cut at their boundary without touching a byte of what is inside."""

import re
from email.message import Message
from email.parser import BytesHeaderParser

Part = tuple[dict[str, str], bytes]
"""Headers (names in lower case) and content."""

_EMPTY_LINE = re.compile(rb"\r?\n\r?\n|\A\r?\n")


def split(body: bytes, content_type: str) -> list[Part]:
    """Return the parts of `body`; nothing when `content_type` names no boundary.

    Lines may end in LF alone: Google's own Python client writes them so.
    """
    message = Message()
    message["content-type"] = content_type or "text/plain"
    boundary = message.get_boundary()
    if boundary is None:
        return []
    line = rb"(?:\A|\r?\n)--" + re.escape(boundary.encode()) + rb"(?:--)?[ \t]*(?=\r?\n|\Z)"
    chunks = re.split(line, body)[1:-1]
    return [headers_and_content(re.sub(rb"\A\r?\n", b"", chunk)) for chunk in chunks]


def headers_and_content(chunk: bytes) -> Part:
    """Split at the first empty line."""
    head, content = chunk, b""
    if found := _EMPTY_LINE.search(chunk):
        head, content = chunk[: found.start()], chunk[found.end() :]
    parsed = BytesHeaderParser().parsebytes(head)
    return {name.lower(): str(value).strip() for name, value in parsed.items()}, content
