"""Looks for thousands of known strings in bytes at once, in every spelling they may hide in."""

import base64
import quopri
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Final
from unicodedata import normalize
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

SHORTEST: Final = 5
"""Bytes that a needle has at least; its first so many are what the table knows."""
_TABLE_BITS: Final = 22
_SHORTEST64: Final = 7
_LONG: Final = 32
"""From here on a string is meant even inside a longer word: a line of a key without its breaks."""
_NONE: Final[dict[int, bool]] = {}
_MIX: Final = np.uint64(0x9E3779B97F4A7C15)
_MASK: Final = np.uint64((1 << (8 * SHORTEST)) - 1)
_ALNUM: Final = frozenset(b"0123456789abcdefghijklmnopqrstuvwxyz") | frozenset(range(0x80, 0x100))
_ESCAPED: Final = re.compile(
    rb"(?:%[0-9a-f]{2}|\\[nrtbf]|=[0-9a-f]{2}|\\u[0-9a-f]{4}|&#?\w{2,6};)\Z"
)


class _Table:
    """Needles of one kind of spelling; a filter over every window of the text, then a look."""

    def __init__(self) -> None:
        self._mark = np.zeros(1 << _TABLE_BITS, dtype=np.bool_)
        self._needles: dict[bytes, dict[int, bool]] = defaultdict(dict)
        self._lengths: dict[bytes, set[int]] = defaultdict(set)
        """Of the needles with this begin; names begin alike by thousands."""

    def add(self, needle: bytes, number: int, *, bounded: bool) -> None:
        if len(needle) < SHORTEST:
            return
        self._needles[needle][number] = bounded
        begin = needle[:SHORTEST]
        lengths = self._lengths[begin]
        if not lengths:
            word = np.frombuffer(begin.ljust(8, b"\0"), dtype="<u8")
            self._mark[_slots(word)] = True
        lengths.add(len(needle))

    def scan(self, text: bytes) -> Iterator[tuple[int, int]]:
        """Yield (offset, number) of every needle in `text`."""
        if len(text) < SHORTEST or not self._needles:
            return
        padded = text + b"\0" * 8
        words: NDArray[np.uint64] = np.ndarray(
            shape=(len(text),), dtype="<u8", buffer=padded, strides=(1,)
        )
        for at in np.flatnonzero(self._mark[_slots(words)]).tolist():
            for length in self._lengths.get(text[at : at + SHORTEST], ()):
                for number, bounded in self._needles.get(text[at : at + length], _NONE).items():
                    if not bounded or _bounded(text, at, at + length):
                        yield at, number


def _slots(words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    mixed: NDArray[np.uint64] = ((words & _MASK) * _MIX) >> np.uint64(64 - _TABLE_BITS)
    return mixed


def _bounded(text: bytes, start: int, end: int) -> bool:
    """Tell whether no letter or digit touches; an escape sequence before it is none."""
    if end < len(text) and text[end] in _ALNUM:
        return False
    if start == 0 or text[start - 1] not in _ALNUM:
        return True
    return _ESCAPED.search(text, max(0, start - 8), start) is not None


class Needles:
    """Known identities and secrets, each with a number, in all spellings."""

    def __init__(self, originals: Iterable[tuple[int, str]]) -> None:
        self._folded = _Table()
        self._exact = _Table()
        for number, original in originals:
            bounded = len(original) < _LONG
            for spelling in _folded_spellings(original):
                self._folded.add(spelling.lower(), number, bounded=bounded)
            for spelling in _utf16_spellings(original):
                self._folded.add(spelling, number, bounded=False)
            for spelling in _base64_spellings(original):
                self._exact.add(spelling, number, bounded=False)

    def scan(self, text: bytes) -> Iterator[tuple[int, int]]:
        """Yield (offset, number) of every known string in `text`, whatever its case."""
        yield from self._exact.scan(text)
        yield from self._folded.scan(text.lower())


def _folded_spellings(original: str) -> set[bytes]:
    """Return plain, percent, quoted-printable, JSON-escaped and HTML-escaped forms."""
    low = original.lower()
    raw = low.encode("utf-8", "replace")
    forms = {
        raw,
        quote(low, safe="").encode(),
        quote(low, safe="@").encode(),
        quote(quote(low, safe=""), safe="").encode(),
        quopri.encodestring(raw).replace(b"=\n", b"").rstrip(b"\n"),
        low.replace("@", "=40").encode("utf-8", "replace"),
        low.replace(" ", "+").encode("utf-8", "replace"),
        low.replace(" ", "_").encode("utf-8", "replace"),
        low.replace("\\", "\\\\").encode("utf-8", "replace"),
        low.replace("\\", "\\\\\\\\").encode("utf-8", "replace"),
        low.replace("&", "&amp;").encode("utf-8", "replace"),
        "".join(f"\\u{ord(c):04x}" if ord(c) > 126 or c == "@" else c for c in low).encode(
            "utf-8", "replace"
        ),
        "".join(f"\\u{ord(c):04x}" for c in low).encode("utf-8", "replace"),
        "".join(f"%{byte:02x}" for byte in raw).encode(),
    }
    if not low.isascii():
        forms |= {normalize(form, low).encode("utf-8", "replace") for form in ("NFC", "NFD")}
        forms.add(low.encode("cp1252", "replace"))
        forms.add(quote(low, safe="", encoding="latin-1", errors="replace").encode())
    return forms


def _utf16_spellings(original: str) -> set[bytes]:
    low = original.lower()
    escaped = "".join(f"{char}\\u0000" for char in low)
    return {
        low.encode("utf-16-le", "replace"),
        low.encode("utf-16-be", "replace"),
        escaped.encode("utf-8", "replace"),
    }


def _base64_spellings(original: str) -> set[bytes]:
    """Return what is the same of its base64 forms wherever it stands in a text; and hexadecimal."""
    forms: set[bytes] = set()
    for spelling in {original, original.lower(), original.upper(), original.title()}:
        for raw in (spelling.encode("utf-8", "replace"), spelling.encode("utf-16-le", "replace")):
            if len(raw) < _SHORTEST64:
                continue
            forms |= {raw.hex().encode(), raw.hex().upper().encode()}
            for shift in range(3):
                encoded = base64.b64encode(b"\0" * shift + raw)
                skip = (0, 2, 3)[shift]
                tail = (len(raw) + shift) % 3
                stable = encoded[skip : len(encoded) - (0, 3, 2)[tail]]
                forms |= {stable, stable.translate(_URL)}
    return {form for form in forms if len(form) >= _SHORTEST64}


_URL: Final = bytes.maketrans(b"+/", b"-_")
