"""The structure of a mail: which parts, how big, of what type. Never what it says."""

import binascii
import quopri
import re
from email.errors import HeaderParseError
from email.header import decode_header
from typing import TYPE_CHECKING, Any, Final

from tracer.capture.redact.notes import Notes

if TYPE_CHECKING:
    from tracer.capture.redact.redactor import Redactor

WHOLE: Final = 1_048_576
"""A mail up to this many bytes is looked at as a whole; of a bigger one the beginning is."""
HEAD: Final = 65_536
_PARTS: Final = 200
_DEPTH: Final = 20
_TEXT: Final = 65_536

KEPT_HEADERS: Final = frozenset(
    {"from", "to", "cc", "bcc", "reply-to", "sender", "return-path", "delivered-to", "date",
     "message-id", "in-reply-to", "references", "mime-version", "content-type",
     "content-transfer-encoding", "auto-submitted"}
)  # fmt: skip
_TEXTS: Final = KEPT_HEADERS - {"content-type", "content-transfer-encoding"}
_FOLD: Final = re.compile(r"\r?\n[ \t]+")
_BOUNDARY: Final = re.compile(
    r"boundary\s*=\s*(?:\"([^\"]{1,200})\"|([^\s;\"]{1,200}))", re.IGNORECASE
)
_PARAMETERS: Final = re.compile(
    r";\s*(charset|format|method|report-type)\s*=\s*\"?([\w.-]{1,40})\"?", re.I
)


def structure(redactor: "Redactor", raw: bytes, notes: Notes, path: str) -> dict[str, Any]:
    """Return the MIME structure of FORMAT.md for the mail `raw`; of hostile input what there is."""
    looked_at = raw if len(raw) <= WHOLE else raw[:HEAD]
    result = _Reader(redactor, notes, path).part(looked_at, 0)
    result["size"] = len(raw)
    if looked_at is not raw:
        result["truncated"] = len(raw) - len(looked_at)
    return result


def header(redactor: "Redactor", name: str, value: str, notes: Notes, path: str) -> str | None:
    """Return what is kept of one header of a mail, or None."""
    name = name.lower()
    if name == "subject":
        notes.append({"path": f"{path}.headers.subject", "kind": "subject"})
        return redactor.scrubber.mark("subject", value)
    if name not in KEPT_HEADERS:
        return None
    if name == "content-type":
        return _content_type(value)
    plain = _decoded(value) if "=?" in value else value
    kinds: list[str] = []
    kept = redactor.scrubber.scrub(plain, kinds)
    notes += [{"path": f"{path}.headers.{name}", "kind": kind} for kind in kinds]
    return kept if kinds else value


def _content_type(value: str) -> str:
    """Drop the file name and the boundary, which only the sender's program needs."""
    kept = value.partition(";")[0].strip()[:100]
    for match in _PARAMETERS.finditer(value):
        kept += f"; {match[1].lower()}={match[2]}"
    return kept


def _decoded(value: str) -> str:
    try:
        return "".join(
            piece if isinstance(piece, str) else piece.decode(charset or "latin-1", "replace")
            for piece, charset in decode_header(value)
        )
    except (HeaderParseError, LookupError, ValueError):
        return value


def _halves(raw: bytes) -> tuple[bytes, bytes]:
    """Return what stands before and after the first blank line."""
    crlf = raw.find(b"\n\r\n", 0, HEAD)
    lf = raw.find(b"\n\n", 0, HEAD if crlf < 0 else crlf)
    if lf >= 0:
        return raw[:lf], raw[lf + 2 :]
    return (raw[:crlf], raw[crlf + 3 :]) if crlf >= 0 else (raw[:HEAD], b"")


class _Reader:
    def __init__(self, redactor: "Redactor", notes: Notes, path: str) -> None:
        self._redactor = redactor
        self._notes = notes
        self._path = path
        self._left = _PARTS

    def part(self, raw: bytes, depth: int) -> dict[str, Any]:
        self._left -= 1
        head, content = _halves(raw)
        headers, content_type, encoding = self._headers(head)
        result: dict[str, Any] = {"headers": headers, "size": len(content)}
        kind = content_type.lower() if depth < _DEPTH else ""
        if kind.startswith("multipart/") and (boundary := _BOUNDARY.search(content_type)):
            result["parts"] = self._parts(content, boundary[1] or boundary[2], depth)
        elif kind.startswith("message/rfc822"):
            result["parts"] = [self.part(content, depth + 1)]
        else:
            result["digest"] = self._redactor.tag(content)
            if self._redactor.level == "full" and content_type.lower().startswith(("text/", ";")):
                result["text"] = self._text(content, encoding)
        return result

    def _headers(self, head: bytes) -> tuple[dict[str, str], str, str]:
        headers: dict[str, str] = {}
        content_type, encoding = ";", ""
        text = head.decode("utf-8", "replace")
        if "\n " in text or "\n\t" in text:
            text = _FOLD.sub(" ", text)
        lines = self._redactor.mail_lines
        for line in text.splitlines()[:200]:
            if (known := lines.get(line)) is not None:
                headers[known[0]] = known[1]
                continue
            name, colon, value = line.partition(":")
            if not colon:
                continue
            name, value = name.strip().lower(), value.strip()
            if name == "content-type":
                content_type = value or ";"
            elif name == "content-transfer-encoding":
                encoding = value.lower()
            kept = header(self._redactor, name, value[:2000], self._notes, self._path)
            if kept is not None:
                headers[name] = kept
                if kept == value and name in _TEXTS:
                    self._redactor.remember_line(line, name, value)
        return headers, content_type, encoding

    def _parts(self, content: bytes, boundary: str, depth: int) -> list[dict[str, Any]]:
        mark = b"--" + boundary.encode("utf-8", "surrogateescape")
        found = []
        for piece in (b"\n" + content).split(b"\n" + mark)[1:]:
            if piece.startswith(b"--") or self._left <= 0:
                break
            body = piece.partition(b"\n")[2].removesuffix(b"\r")
            found.append(self.part(body, depth + 1))
        return found

    def _text(self, content: bytes, encoding: str) -> str:
        """Return the text of a part, for the level ``full`` only."""
        plain = content[: 2 * _TEXT]
        if encoding == "base64":
            plain = decode_loosely(plain.decode("latin-1")) or b""
        elif encoding == "quoted-printable":
            plain = quopri.decodestring(plain)
        return self._redactor.text(plain.decode("utf-8", "replace"), self._notes, self._path)[
            :_TEXT
        ]


def decode_loosely(text: str) -> bytes | None:
    """Return the bytes of base64 or base64url `text`, padded or not, or None."""
    try:
        plain = text.encode("ascii").rstrip(b"=\r\n ").translate(_URLSAFE)
        if beyond := len(plain) % 4:
            plain = plain[:-1] if beyond == 1 else plain + b"=="
        return binascii.a2b_base64(plain)
    except (binascii.Error, ValueError):
        return None


_URLSAFE: Final = bytes.maketrans(b"-_", b"+/")
