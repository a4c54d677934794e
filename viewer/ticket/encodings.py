"""Looks through encodings: decodes what is inside a text, rewrites it, encodes it again."""

import base64
import binascii
import quopri
import re
from collections.abc import Callable
from typing import Final
from urllib.parse import quote, unquote

Rewrite = Callable[[str], str]

DONE: Final = "\ufdd0"
"""Put before and after a piece that was rewritten, so that nobody rewrites it twice."""

_ENCODED_WORD: Final = re.compile(r"=\?([\w-]+)\?([bBqQ])\?([^?\s]*)\?=")
_PERCENT: Final = re.compile(r"[^\s\"'<>\\/?&=#;,]*%[0-9A-Fa-f]{2}[^\s\"'<>\\/?&=#;,]*")
_LINES64: Final = re.compile(r"(?:[A-Za-z0-9+/]{20,100}\r?\n)+[A-Za-z0-9+/]*={0,2}")
_RUN64: Final = re.compile(r"(?<![A-Za-z0-9+/_=-])[A-Za-z0-9+/_-]{10,}={0,2}(?![A-Za-z0-9+/_=-])")
_UTF16: Final = re.compile(r"(?:[\x09-\x7e]\x00){4,}|(?:\x00[\x09-\x7e]){4,}")
_SOFT_BREAK: Final = re.compile(r"=\r?\n")
_PRINTABLE: Final = bytes(range(0x20, 0x7F)) + b"\r\n\t"
_HEX: Final = re.compile(r"\b(?:[0-9a-f]{2}){9,}\b|\b(?:[0-9A-F]{2}){9,}\b")
"""Longer than an id of the format, which may look like text by chance."""


def recode(text: str, rewrite: Rewrite) -> str:
    """Return `text` with `rewrite` applied inside each encoded piece of it.

    A piece that `rewrite` leaves alone keeps its exact spelling. Seen: MIME encoded words, percent,
    base64 and base64url (also in lines, also of UTF-16), quoted-printable, UTF-16, hexadecimal.
    """
    if "=\n" in text or "=\r\n" in text:
        new = _quoted_printable(text, rewrite)
        if new != text:
            return f"{DONE}{new}{DONE}"
    if "=?" in text:
        text = _inside(_ENCODED_WORD, _encoded_word, text, rewrite)
    if "%" in text:
        text = _inside(_PERCENT, _percent, text, rewrite)
    if "\x00" in text:
        text = _inside(_UTF16, _utf16, text, rewrite)
    if len(text) >= 10:
        if "\n" in text:
            text = _inside(_LINES64, _base64_lines, text, rewrite)
        text = _inside(_RUN64, _base64, text, rewrite)
        text = _inside(_HEX, _hex, text, rewrite)
    return text


def _inside(
    pattern: re.Pattern[str], one: Callable[[str, Rewrite], str], text: str, rewrite: Rewrite
) -> str:
    def replace(match: re.Match[str]) -> str:
        piece = match[0]
        new = piece if DONE in piece else one(piece, rewrite)
        return piece if new == piece else f"{DONE}{new}{DONE}"

    return pattern.sub(replace, text)


def _percent(piece: str, rewrite: Rewrite) -> str:
    try:
        decoded = unquote(piece, errors="strict")
    except UnicodeDecodeError:
        decoded = unquote(piece, "latin-1")
    new = rewrite(decoded)
    if new == decoded:
        return piece
    kept = "".join(char for char in "~-._!$'()*:@+[]{}|^` " if char in piece)
    return quote(new, safe=kept)


def _encoded_word(piece: str, rewrite: Rewrite) -> str:
    _, charset, how, payload, _ = piece.split("?")
    try:
        if how in "bB":
            raw = base64.b64decode(payload + "=" * (-len(payload) % 4))
        else:
            raw = quopri.decodestring(payload.encode(), header=True)
        decoded = raw.decode(charset)
        new = rewrite(decoded)
        if new == decoded:
            return piece
        encoded = new.encode(charset)
    except (LookupError, ValueError):
        return piece
    if how in "bB":
        return f"=?{charset}?{how}?{base64.b64encode(encoded).decode()}?="
    text = quopri.encodestring(encoded, header=True).decode("ascii").replace("?", "=3F")
    return f"=?{charset}?{how}?{text}?="


def _quoted_printable(text: str, rewrite: Rewrite) -> str:
    try:
        decoded = quopri.decodestring(text.encode()).decode()
    except UnicodeDecodeError:
        decoded = _SOFT_BREAK.sub("", text)
    new = rewrite(decoded)
    return text if new == decoded else quopri.encodestring(new.encode()).decode("ascii")


def _utf16(piece: str, rewrite: Rewrite) -> str:
    big = piece[0] == "\x00"
    decoded = piece.replace("\x00", "")
    new = rewrite(decoded)
    if new == decoded:
        return piece
    return "".join(f"\x00{char}" if big else f"{char}\x00" for char in new)


def _hex(piece: str, rewrite: Rewrite) -> str:
    decoded = _text_of(bytes.fromhex(piece))
    if decoded is None:
        return piece
    new = rewrite(decoded[0])
    if new == decoded[0]:
        return piece
    spelled = new.encode(decoded[1]).hex()
    return spelled.upper() if piece == piece.upper() else spelled


def _base64_lines(piece: str, rewrite: Rewrite) -> str:
    width = len(piece.splitlines()[0])
    joined = "".join(piece.split())
    new = _base64(joined, rewrite)
    if new == joined:
        return piece
    end = "\r\n" if "\r\n" in piece else "\n"
    return end.join(new[at : at + width] for at in range(0, len(new), width))


def _base64(piece: str, rewrite: Rewrite) -> str:
    body = piece.rstrip("=")
    if len(body) % 4 == 1:
        return piece
    url = "-" in body or "_" in body
    try:
        raw = base64.b64decode(
            body + "=" * (-len(body) % 4), altchars=b"-_" if url else None, validate=True
        )
    except (binascii.Error, ValueError):
        return piece
    decoded = _text_of(raw)
    if decoded is None:
        return piece
    new = rewrite(decoded[0])
    if new == decoded[0]:
        return piece
    encode = base64.urlsafe_b64encode if url else base64.b64encode
    encoded = encode(new.encode(decoded[1], "replace")).decode()
    unpadded = not piece.endswith("=") and (url or len(body) % 4 != 0)
    return encoded.rstrip("=") if unpadded else encoded


def _text_of(raw: bytes) -> tuple[str, str] | None:
    """Return `raw` as text and its encoding, if it is text."""
    if len(raw.translate(None, _PRINTABLE)) * 5 > len(raw) * 3:  # most runs are ids and digests
        return None
    for encoding in ("utf-8", "utf-16-le", "utf-16-be", "cp1252"):
        if encoding == "utf-8" and b"\x00" in raw:
            continue
        if encoding.startswith("utf-16") and raw.count(b"\x00") * 3 < len(raw):
            continue
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        if text.isprintable():
            return text, encoding
        odd = sum(not (char.isprintable() or char in "\r\n\t") for char in text)
        if odd * 20 <= len(text):
            return text, encoding
    return None
