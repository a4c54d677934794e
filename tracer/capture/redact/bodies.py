"""Bodies: which reader fits, and what is kept."""

import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import msgspec
import orjson

from tracer.capture.redact import mail, markup, tokens
from tracer.capture.redact.allowed import allowed, is_mail
from tracer.capture.redact.guess import method_of
from tracer.capture.redact.notes import Notes

if TYPE_CHECKING:
    from tracer.capture.redact.redactor import Redactor

KEPT_TEXT: Final = 65_536
"""Characters of text kept at the most, after scrubbing."""
_SCRUBBED_BEYOND: Final = 16_384  # so that a secret across the cut is still seen whole
_INFLATED: Final = 8_388_608
_WHOLE_DIGEST: Final = 1_048_576
_PARSED: Final = 4_194_304  # more would hold up the host
_WHOLE_PART: Final = 1_500_000
_BEGINNING: Final = 87_384
_PARTS: Final = 1000
_DEPTH: Final = 5
_PLAIN_TEXT: Final = 500
_BLANK: Final = re.compile(rb"\r?\n\r?\n")
_BOUNDARY: Final = re.compile(r"boundary=(?:\"([^\"]{1,200})\"|([^\s;]{1,200}))", re.IGNORECASE)


@dataclass(slots=True)  # not frozen: that costs 3 µs a body
class Source:
    """A body as it travelled, and what is known about it."""

    content: bytes | str | None
    type: str
    method_id: str | None
    direction: str
    url: str
    encoding: str = ""
    size: int | None = None
    stream: bool = False
    depth: int = 0


def body(redactor: "Redactor", source: Source, notes: Notes, path: str) -> dict[str, Any]:
    """Return the BODY of FORMAT.md."""
    content = source.content
    if content is None or source.stream:
        return _unread(source)
    raw = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else bytes(content)
    result: dict[str, Any] = {"size": len(raw), "type": source.type[:200]}
    if not raw:
        return result
    if redactor.level in {"none", "headers"}:
        return {**result, "kept": "none"}
    plain, left_out = _inflate(raw, source.encoding)
    if plain is None:
        return {**result, "digest": digest(redactor, raw), "kept": "digest"}
    if left_out:
        result["truncated"] = left_out
    try:
        kept = _read(redactor, source, plain, notes, path)
    except (ValueError, RecursionError, LookupError, msgspec.MsgspecError):
        kept = None
    if kept is None:
        return {**result, "digest": digest(redactor, raw), "kept": "digest"}
    if source.direction == "request" or kept["kept"] == "digest":
        result["digest"] = digest(redactor, raw)
    if redactor.level == "full":
        kept["kept"] = "full"
    return {**result, **kept}


def digest(redactor: "Redactor", raw: bytes) -> str:
    """Return the tag of a body; of a very big one, of its length, beginning and end."""
    if len(raw) <= _WHOLE_DIGEST:
        return redactor.tag(raw)
    return redactor.tag(b"%d:" % len(raw) + raw[:KEPT_TEXT] + raw[-KEPT_TEXT:])


def _unread(source: Source) -> dict[str, Any]:
    result: dict[str, Any] = {"size": source.size, "type": source.type[:200], "kept": "none"}
    if source.stream:
        result["stream"] = True
    elif source.size is None:
        result["size"] = 0
    return result


def _inflate(raw: bytes, encoding: str) -> tuple[bytes | None, int]:
    """Return the bytes under a Content-Encoding, and how many are left out; None if unreadable."""
    encoding = encoding.lower().strip()
    if encoding in {"", "identity"}:
        return raw, 0
    if encoding not in {"gzip", "x-gzip", "deflate"}:
        return None, 0
    for bits in (zlib.MAX_WBITS | 32, -zlib.MAX_WBITS):
        inflater = zlib.decompressobj(bits)
        try:
            plain = inflater.decompress(raw, _INFLATED)
        except zlib.error:
            continue
        return plain, len(inflater.unconsumed_tail)
    return None, 0


def _read(
    redactor: "Redactor", source: Source, plain: bytes, notes: Notes, path: str
) -> dict[str, Any] | None:
    """Return what is kept of `plain` by the reader of its type, or None."""
    kind = source.type.partition(";")[0].strip().lower()
    if kind.startswith("multipart/"):
        return _multipart(redactor, source, plain, notes, path)
    if kind in {"message/rfc822", "message/rfc2822", "message/global"}:
        return {"mime": mail.structure(redactor, plain, notes, path), "kept": "allow"}
    if kind == "application/http":
        return _http(redactor, source, plain, notes, path)
    if kind == "application/x-www-form-urlencoded":
        if len(plain) > KEPT_TEXT:
            return None
        return {"form": tokens.form(redactor, plain.decode(), notes, path), "kept": "walk"}
    if reader := _TEXTS.get(kind.rpartition("+")[2] if "+" in kind else kind):
        return _text(redactor, reader, plain, notes, path)
    start = plain[:64].lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if start in {b"{", b"["}:
        return _json(redactor, source, plain, notes, path)
    readable = kind.startswith("text/") and source.direction == "response"
    if readable or redactor.level == "full":
        return _text(redactor, _plain, plain, notes, path)
    return None


def _json(
    redactor: "Redactor", source: Source, plain: bytes, notes: Notes, path: str
) -> dict[str, Any] | None:
    method_id = source.method_id or method_of(source.url, source.direction)
    if redactor.level == "structure" or is_mail(method_id, source.direction):
        kept = allowed(redactor, method_id, source.direction, plain, notes, path)
        if kept is not None:
            return kept
    if len(plain) > _PARSED:
        return None
    value = orjson.loads(plain.removeprefix(b"\xef\xbb\xbf"))
    return {"json": redactor.walker.content(value, notes, path), "kept": "walk"}


Reader = Callable[["Redactor", str, Notes, str], str]


def _text(
    redactor: "Redactor", reader: Reader, plain: bytes, notes: Notes, path: str
) -> dict[str, Any]:
    """Return text scrubbed first and cut afterwards."""
    looked_at = plain[: KEPT_TEXT + _SCRUBBED_BEYOND]
    text = reader(redactor, looked_at.decode("utf-8", "replace"), notes, path)
    result: dict[str, Any] = {"text": text[:KEPT_TEXT], "kept": "walk"}
    left_out = len(plain) - len(looked_at) + max(0, len(text) - KEPT_TEXT)
    if left_out:
        result["truncated"] = left_out
    return result


def _plain(redactor: "Redactor", text: str, notes: Notes, path: str) -> str:
    kept = redactor.text(text, notes, path)
    return kept if redactor.level == "full" else kept[:_PLAIN_TEXT]


_TEXTS: Final[dict[str, Reader]] = {
    "xml": markup.xml,
    "text/xml": markup.xml,
    "application/xml": markup.xml,
    "text/html": markup.html,
    "application/xhtml": markup.html,
}


def _multipart(
    redactor: "Redactor", source: Source, plain: bytes, notes: Notes, path: str
) -> dict[str, Any] | None:
    match = _BOUNDARY.search(source.type)
    if match is None or source.depth >= _DEPTH:
        return None
    mark = b"\n--" + (match[1] or match[2]).encode("utf-8", "surrogateescape")
    parts: list[dict[str, Any]] = []
    for piece in (b"\n" + plain).split(mark, _PARTS + 1)[1 : _PARTS + 1]:
        if piece.startswith(b"--"):
            break
        part = piece.partition(b"\n")[2].removesuffix(b"\r")
        where = f"{path}.parts.{len(parts)}"
        parts.append(_part(redactor, source, part, notes, where))
    return {"parts": parts, "kept": "allow"}


def _part(
    redactor: "Redactor", source: Source, raw: bytes, notes: Notes, path: str
) -> dict[str, Any]:
    """Return one part: its headers, and its content as a BODY."""
    headers, content = _split(raw)
    looked_at = content
    if headers.get("content-transfer-encoding", "").lower() == "base64":
        looked_at = content if len(content) <= _WHOLE_PART else content[:_BEGINNING]
        looked_at = mail.decode_loosely(looked_at.decode("latin-1")) or content
    inner = replace(
        source,
        content=looked_at,
        type=headers.get("content-type", "application/octet-stream"),
        encoding=headers.get("content-encoding", ""),
        depth=source.depth + 1,
    )
    kept = redactor.headers(headers, notes, f"{path}.headers")
    result = {"headers": kept, **body(redactor, inner, notes, path)}
    if len(content) > _WHOLE_PART and looked_at is not content:
        result["size"] = len(content) * 3 // 4  # what base64 of this length holds, nearly
        result["truncated"] = result["size"] - len(looked_at)
    return result


def _http(
    redactor: "Redactor", source: Source, plain: bytes, notes: Notes, path: str
) -> dict[str, Any] | None:
    """Return a batch part: a request or a response within a body."""
    if source.depth >= _DEPTH:
        return None
    line, _, rest = plain.lstrip().partition(b"\n")
    headers, content = _split(rest)
    first = line.strip().decode("latin-1").split(" ")
    kept_line = " ".join(
        redactor.url(word, notes, path) if "/" in word else redactor.text(word, notes, path)
        for word in first
    )
    inner = replace(
        source,
        content=content,
        method_id=None,
        url=first[1] if len(first) > 1 and first[1].startswith("/") else "",
        type=headers.get("content-type", ""),
        encoding=headers.get("content-encoding", ""),
        depth=source.depth + 1,
    )
    kept = redactor.headers(headers, notes, f"{path}.headers")
    part = {"line": kept_line, "headers": kept, **body(redactor, inner, notes, path)}
    return {"parts": [part], "kept": "allow"}


def _split(raw: bytes) -> tuple[dict[str, str], bytes]:
    """Return the headers under lower-case names, and what comes after the blank line."""
    if raw.startswith((b"\r\n", b"\n")):
        return {}, raw.lstrip(b"\r").removeprefix(b"\n")
    blank = _BLANK.search(raw, 0, KEPT_TEXT)
    head, content = (raw[: blank.start()], raw[blank.end() :]) if blank else (raw, b"")
    headers: dict[str, str] = {}
    for line in head.decode("latin-1").splitlines()[:200]:
        name, colon, value = line.partition(":")
        if colon:
            headers[name.strip().lower()] = value.strip()
    return headers, content
