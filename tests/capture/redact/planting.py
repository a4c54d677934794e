"""Made-up secrets, the encodings a program may carry them in, and the search for what is left."""

import base64
import json
import quopri
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import orjson
from hypothesis import strategies as st

from tracer.capture.redact import Notes, Redactor
from tracer.schema.events import Event, encode

_WORD = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


def word(least: int, most: int) -> st.SearchStrategy[str]:
    """Return random letters and digits."""
    return st.text(_WORD, min_size=least, max_size=most)


def _jwt(core: str) -> str:
    parts = [b'{"alg":"RS256","typ":"JWT"}', b'{"iss":"x","n":"' + core.encode() + b'"}', b"s" * 40]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


SHAPES: dict[str, Callable[[str], str]] = {
    "access token": lambda core: f"ya29.a0Ae{core}",
    "refresh token": lambda core: f"1//0{core}",
    "client secret": lambda core: f"GOCSPX-{core}",
    "api key": lambda core: f"AIzaSy{core}",
    "private key": lambda core: f"-----BEGIN PRIVATE KEY-----\n{core}\n-----END PRIVATE KEY-----",
    "jwt": _jwt,
    "github token": lambda core: f"ghp_{core}",
}
"""Kind → the secret around a random core. The core is what the search looks for."""

ENCODINGS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "percent": lambda text: quote(text, safe=""),
    "percent, all": lambda text: "".join(f"%{byte:02X}" for byte in text.encode()),
    "percent, twice": lambda text: quote(quote(text, safe=""), safe=""),
    "base64url": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "quoted-printable": lambda text: quopri.encodestring(text.encode(), quotetabs=True).decode(),
    "quoted-printable, all": lambda text: "".join(f"={byte:02X}" for byte in text.encode()),
    "json": lambda text: json.dumps(text)[1:-1],
    "json, all": lambda text: "".join(f"\\u{ord(char):04x}" for char in text),
}

cores = word(24, 40)


def written(*values: Any) -> str:
    """Return what the writer would put on disk for `values`."""
    event = Event(
        ts="2026-11-22T13:16:33.123456Z", topic="http", kind="note", phase="point", id="feed" * 4,
        parent=None, op=None, pid=1, seq=1, name="x", status=None, ms=None, data={"v": values},
    )  # fmt: skip
    line = encode(event)
    orjson.loads(line)
    return line.decode()


def forms(core: str) -> list[str]:
    """Return how `core` may read in the trace, whatever encoding it went through."""
    found = [
        encoding(core) for encoding in ENCODINGS.values() if encoding is not ENCODINGS["plain"]
    ]
    for offset in (1, 2):
        padded = base64.b64encode(b"\0" * offset + core.encode()).decode()
        found.append(padded[4:-4])
    return [core, core[:16], *(form.rstrip("=") for form in found)]


def leaks(core: str, *values: Any) -> list[str]:
    """Return the forms of `core` that the writer would put on disk; empty is what we want."""
    text = written(*values)
    return [form for form in forms(core) if form in text]


def body(
    content: bytes | str | None,
    kind: str = "application/json",
    *,
    method: str | None = None,
    direction: str = "response",
    level: str = "structure",
    notes: Notes | None = None,
    **more: Any,
) -> dict[str, Any]:
    """Return the BODY as a reader gets it."""
    notes = [] if notes is None else notes
    kept = Redactor(b"key", level).body(
        content, kind, notes, "response.body", method_id=method, direction=direction, **more
    )
    result: dict[str, Any] = orjson.loads(orjson.dumps(kept))
    return result


def mail(text: str, subject: str = "Facture") -> bytes:
    """Return a mail with `text` in its text part and an attachment."""
    return (
        "From: Jean <jean@masoc.com>\r\nTo: paul@x.fr\r\nDate: Sun, 22 Nov 2026 13:37:25 +0100\r\n"
        f"Message-ID: <1@masoc.com>\r\nSubject: {subject}\r\nX-Secret: {text}\r\n"
        'Content-Type: multipart/mixed;\r\n boundary="bb"\r\n\r\npreamble\r\n--bb\r\n'
        f"Content-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n--bb\r\n"
        f'Content-Type: application/pdf; name="{subject}.pdf"\r\nContent-Transfer-Encoding: base64'
        f"\r\n\r\n{base64.b64encode(text.encode()).decode()}\r\n--bb--\r\n"
    ).encode()


def urlsafe(raw: bytes) -> str:
    """Return base64url, as Gmail wants ``raw``."""
    return base64.urlsafe_b64encode(raw).decode()
