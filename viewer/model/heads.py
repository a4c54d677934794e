"""The fast reading of heads: all lines of a block at once, eight bytes at a time.

It knows only the layout that `tracer.schema.events.encode` writes. A line in which anything differs
is left to the tolerant reading, line by line; so it may refuse, but must never misread
(``tests/viewer/model/test_heads.py`` compares the two on mangled lines). What no head tells, namely
damage inside ``data`` that leaves the end of the line whole, shows when the event is decoded.
"""

import calendar
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

U64 = NDArray[np.uint64]
I64 = NDArray[np.int64]
Mask = NDArray[np.bool_]

PADDING: Final = 1024
"""How many bytes a block must have behind its last line: heads are read without looking."""
NO_STATUS: Final = 0xFFFFFFFF
"""A status of null; an HRESULT of this value reads as one too."""

_u = np.uint64
_ONES: Final = _u(0x0101010101010101)
_HIGHS: Final = _u(0x8080808080808080)
_ZEROS: Final = _u(0x3030303030303030)
_HALVES: Final = _u(0xF0F0F0F0F0F0F0F0)
_POWERS: Final = np.array([10**n for n in range(20)], dtype=np.uint64)
_KEYS: Final = [_u(secrets.randbits(64) | 1) for _ in range(8)]
"""Random, so that nobody can make two names alike on purpose."""


def _word(text: bytes) -> np.uint64:
    return _u(int.from_bytes(text.ljust(8, b"\0"), "little"))


_NULL: Final = _word(b"null")
_LOW32: Final = _u(0xFFFFFFFF)


@dataclass(slots=True)
class Heads:
    """The heads of the lines that are as the writer writes them; the rest have ``ok`` false."""

    ok: Mask
    ts: I64
    """µs since 1970."""
    sort: U64
    """Hash of topic, kind and phase."""
    id: U64
    parent: U64
    """0: null."""
    op: U64
    pid: I64
    name: U64
    """Hash of the name."""
    status: NDArray[np.uint32]
    ms: NDArray[np.float32]
    """NaN: null."""


def _zero_bytes(words: U64) -> U64:
    """Return a word whose lowest set bit is the top bit of the first zero byte; 0 without one."""
    found: U64 = (words - _ONES) & ~words & _HIGHS
    return found


def _bytes_before(found: U64) -> U64:
    """Return how many bytes come before the first one that `_zero_bytes` found, 0 … 7."""
    low: U64 = found & (~found + _u(1))
    count: U64 = np.bitwise_count(low - _u(1)).astype(np.uint64) >> _u(3)
    return count


def _eight_digits(words: U64) -> U64:
    """Return the number that eight ASCII digits spell."""
    words = words - _ZEROS
    words = words * _u(10) + (words >> _u(8))
    pair = _u(0x000000FF000000FF)
    return (
        (words & pair) * _u(0x000F424000000064)
        + ((words >> _u(16)) & pair) * _u(0x0000271000000001)
    ) >> _u(32)


def _all_digits(words: U64) -> Mask:
    above = words + _u(0x0606060606060606)
    fine: Mask = ((words & _HALVES) == _ZEROS) & ((above & _HALVES) == _ZEROS)
    return fine


def _hex_half(words: U64) -> tuple[U64, Mask]:
    """Return the number that eight lower-case hex digits spell, and whether they are such."""
    low = _u(0x0F0F0F0F0F0F0F0F)
    nibbles = (words & low) + ((words >> _u(6)) & _ONES) * _u(9)
    nibbles &= low
    letters = ((nibbles + _u(0x0606060606060606)) >> _u(4)) & _ONES
    fine = nibbles + _ZEROS + letters * _u(0x27) == words
    value = ((nibbles << _u(4)) | (nibbles >> _u(8))) & _u(0x00FF00FF00FF00FF)
    value = ((value << _u(8)) | (value >> _u(16))) & _u(0x0000FFFF0000FFFF)
    return ((value << _u(16)) | (value >> _u(32))) & _LOW32, fine


class _Reader:
    """A position in each line, and whether the line is as expected so far."""

    def __init__(self, block: NDArray[np.uint8], starts: I64) -> None:
        self._words: NDArray[Any] = np.ndarray(
            (block.size - 7,), dtype="<u8", buffer=block.data, strides=(1,)
        )
        self._limit = block.size - 8
        self.pos = starts.copy()
        self.ok = np.ones(starts.size, dtype=np.bool_)

    def at(self, positions: I64) -> U64:
        """Return the eight bytes at each position (of a refused line: any)."""
        words: U64 = self._words[np.minimum(positions, self._limit)]
        return words

    def expect(self, text: bytes) -> None:
        """Refuse the lines that do not go on with `text`; step over it."""
        size = len(text)
        for begin in range(0, size, 8):
            begin = max(0, min(begin, size - 8))
            piece = text[begin : begin + 8]
            words = self.at(self.pos + begin)
            if size < 8:
                words = words & _u((1 << 8 * size) - 1)
            self.ok &= words == _word(piece)
        self.pos += size

    def string(self, words: int) -> U64:
        """Hash the text up to the next quote, which is at most `words` words away; stand on it."""
        hashed = np.zeros(self.pos.size, dtype=np.uint64)
        rows: Any = slice(None)  # of the lines whose quote is still to be found
        for n in range(words):
            text = self.at(self.pos[rows])
            quote = _zero_bytes(text ^ (_ONES * _u(0x22)))
            low = quote & (~quote + _u(1))
            text &= (low >> _u(7)) - _u(1)
            escaped = _zero_bytes(text ^ (_ONES * _u(0x5C))) != 0
            count = np.where(quote == 0, 8, _bytes_before(quote).astype(np.int64))
            mixed = (hashed[rows] ^ text) * _KEYS[n] + count.astype(np.uint64)
            hashed[rows] = mixed ^ (mixed >> _u(29))
            self.pos[rows] += count
            self.ok[rows] &= ~escaped
            more = np.flatnonzero(quote == 0)
            rows = more if isinstance(rows, slice) else rows[more]
            if not rows.size:
                return hashed
        self.ok[rows] = False
        return hashed

    def hex16(self, positions: I64) -> tuple[U64, Mask]:
        """Return the id at each position, and whether it is one; no step."""
        high, high_fine = _hex_half(self.at(positions))
        low, low_fine = _hex_half(self.at(positions + 8))
        return (high << _u(32)) | low, high_fine & low_fine

    def id(self) -> U64:
        """Read 16 hex digits."""
        value, fine = self.hex16(self.pos)
        self.ok &= fine & (value != 0)
        self.pos += 16
        return value

    def id_or_null(self) -> U64:
        """Read an id in quotes, or null, which reads as 0."""
        null = self.nulls()
        value, fine = self.hex16(self.pos + 1)
        quote = _u(0x22)
        fine &= (self.at(self.pos) & _u(0xFF)) == quote
        fine &= (self.at(self.pos + 17) & _u(0xFF)) == quote
        self.ok &= null | (fine & (value != 0))
        self.pos += np.where(null, 4, 18)
        value[null] = 0
        return value

    def nulls(self) -> Mask:
        """Tell which lines have null here; no step."""
        null: Mask = (self.at(self.pos) & _LOW32) == _NULL
        return null

    def digits(self, rows: Any, ends: bytes, *, leading: bool = False) -> tuple[U64, I64]:
        """Read digits, at most 15, up to one of `ends`; return the numbers and their lengths.

        `leading`: zeros may come first, as in a fraction.
        """
        rows = np.arange(self.pos.size) if rows is None else rows
        value = np.zeros(rows.size, dtype=np.uint64)
        length = np.zeros(rows.size, dtype=np.int64)
        left = np.arange(rows.size)
        for _ in range(2):
            words = self.at(self.pos[rows[left]] + length[left])
            found = _zero_bytes(words ^ (_ONES * _u(ends[0])))
            for end in ends[1:]:
                found |= _zero_bytes(words ^ (_ONES * _u(end)))
            count = np.where(found == 0, _u(8), _bytes_before(found))
            # `count` digits to the right end of the word, zeros before them
            bits = count << _u(3)
            spelled = np.where(count == 0, _ZEROS, words << (_u(64) - np.maximum(bits, _u(8))))
            spelled |= np.where(count == 8, _u(0), _ZEROS >> np.minimum(bits, _u(56)))
            self.ok[rows[left]] &= _all_digits(spelled)
            value[left] = value[left] * _POWERS[count] + _eight_digits(spelled)
            if not leading:
                first = length[left] == 0
                zero = first & ((words & _u(0xFF)) == _u(0x30)) & (count > 1)
                self.ok[rows[left]] &= ~zero
            length[left] += count.astype(np.int64)
            left = left[found == 0]
            if not left.size:
                break
        self.ok[rows[left]] = False
        self.ok[rows] &= length > 0
        self.pos[rows] += length
        return value, length

    def status(self) -> NDArray[np.uint32]:
        """Read a number or null."""
        null = self.nulls()
        self.pos[null] += 4
        result = np.full(self.pos.size, NO_STATUS, dtype=np.uint32)
        rows = np.flatnonzero(~null)
        value, _ = self.digits(rows, b",")
        self.ok[rows] &= value < NO_STATUS
        result[rows] = value.astype(np.uint32)
        return result

    def ms(self) -> NDArray[np.float32]:
        """Read a number without exponent, or null."""
        null = self.nulls()
        self.pos[null] += 4
        result = np.full(self.pos.size, np.nan, dtype=np.float32)
        rows = np.flatnonzero(~null)
        whole, digits = self.digits(rows, b".,")
        result[rows] = whole.astype(np.float32)
        dot = np.flatnonzero((self.at(self.pos[rows]) & _u(0xFF)) == _u(0x2E))
        rows = rows[dot]
        self.pos[rows] += 1
        part, places = self.digits(rows, b",", leading=True)
        self.ok[rows] &= digits[dot] + places <= 15  # beyond, a division would round twice
        scale = _POWERS[np.minimum(places, 15)]
        result[rows] = (whole[dot] * scale + part).astype(np.float64) / scale.astype(np.float64)
        return result

    def ts(self) -> I64:
        """Read a time of 27 characters."""
        day, clock, fraction = self.at(self.pos), self.at(self.pos + 8), self.at(self.pos + 19)
        seconds = self.at(self.pos + 16) & _u(0xFFFFFFFF)
        # DDTHH:MM and :SS. with their signs made zeros, to check all digits at once
        self.ok &= (clock & _u(0x0000FF0000FF0000)) == _word(b"\0\0T\0\0:\0\0")
        self.ok &= (seconds & _u(0xFF0000FF)) == _word(b":\0\0.")
        self.ok &= (fraction & _u(0xFF000000000000FF)) == _word(b".\0\0\0\0\0\0Z")
        micros = ((fraction << _u(8)) & _u(0xFFFFFFFFFFFF0000)) | _u(0x3030)
        # 00HHMM00 … as eight digits: 0 0 H H M M S S
        time = (
            _u(0x3030)
            | (((clock >> _u(24)) & _u(0xFFFF)) << _u(16))
            | (((clock >> _u(48)) & _u(0xFFFF)) << _u(32))
            | (((seconds >> _u(8)) & _u(0xFFFF)) << _u(48))
        )
        self.ok &= _all_digits(micros) & _all_digits(time)
        hhmmss = _eight_digits(time).astype(np.int64)
        hours, rest = np.divmod(hhmmss, 10_000)
        minutes, secs = np.divmod(rest, 100)
        self.ok &= (hours < 24) & (minutes < 60) & (secs < 60)
        self.pos += 27
        days = self._days(day, clock & _u(0xFFFF))
        of_day = (hours * 3600 + minutes * 60 + secs) * 1_000_000
        result: I64 = days + of_day + _eight_digits(micros).astype(np.int64)
        return result

    def _days(self, day: U64, of_month: U64) -> I64:
        """Return midnight of each line's day, µs; a block seldom has more than one."""
        result = np.zeros(day.size, dtype=np.int64)
        left = np.flatnonzero(self.ok)
        for _ in range(8):
            if not left.size:
                return result
            first = left[0]
            text = int(day[first]).to_bytes(8, "little") + int(of_month[first]).to_bytes(
                2, "little"
            )
            same = (day[left] == day[first]) & (of_month[left] == of_month[first])
            midnight = _midnight(text)
            if midnight is None:
                self.ok[left[same]] = False
            else:
                result[left[same]] = midnight
            left = left[~same]
        self.ok[left] = False
        return result


def _midnight(text: bytes) -> int | None:
    """Return midnight of ``YYYY-MM-DD`` in µs, None if that is no day."""
    try:
        day = date.fromisoformat(text.decode("ascii"))
    except ValueError:
        return None
    if day.isoformat().encode() != text:
        return None
    return calendar.timegm(day.timetuple()) * 1_000_000


def read_heads(block: NDArray[np.uint8], starts: I64, ends: I64) -> Heads:
    """Read the heads of the lines ``block[starts[i]:ends[i]]``, none of them empty.

    `block` has at least `PADDING` bytes after the last line.
    """
    reader = _Reader(block, starts)
    reader.expect(b'{"v":1,"ts":"')
    ts = reader.ts()
    sort = np.zeros(starts.size, dtype=np.uint64)
    for before, key in ((b'","topic":"', 5), (b'","kind":"', 6), (b'","phase":"', 7)):
        reader.expect(before)
        sort = (sort ^ reader.string(2)) * _KEYS[key]
    reader.expect(b'","id":"')
    own = reader.id()
    reader.expect(b'","parent":')
    parent = reader.id_or_null()
    reader.expect(b',"op":')
    op = reader.id_or_null()
    reader.expect(b',"pid":')
    pid, _ = reader.digits(None, b",")
    reader.expect(b',"seq":')
    reader.digits(None, b",")
    reader.expect(b',"name":"')
    name = reader.string(8)
    reader.expect(b'","status":')
    status = reader.status()
    reader.expect(b',"ms":')
    ms = reader.ms()
    reader.expect(b',"data":{')
    ok = reader.ok & (reader.pos < ends) & (block[ends - 1] == 0x7D) & (block[ends - 2] == 0x7D)
    return Heads(ok, ts, sort, own, parent, op, pid.astype(np.int64), name, status, ms)


class Interner:
    """Gives small numbers to the hashes of a column, and keeps the text of each."""

    def __init__(self) -> None:
        self._hashes = np.zeros(0, dtype=np.uint64)
        self._codes = np.zeros(0, dtype=np.int64)

    def codes(self, hashes: U64, code_of: Callable[[int], int]) -> I64:
        """Return the number of each hash; `code_of` numbers the line (by place) of a new one."""
        while True:
            if self._hashes.size:
                found = np.minimum(np.searchsorted(self._hashes, hashes), self._hashes.size - 1)
                unknown = np.flatnonzero(self._hashes[found] != hashes)
                if not unknown.size:
                    codes: I64 = self._codes[found]
                    return codes
            else:
                unknown = np.arange(hashes.size)
            if not unknown.size:
                return np.zeros(0, dtype=np.int64)
            new, first = np.unique(hashes[unknown], return_index=True)
            added = [code_of(int(unknown[n])) for n in first]
            merged = np.concatenate([self._hashes, new])
            order = np.argsort(merged)
            self._hashes = merged[order]
            self._codes = np.concatenate([self._codes, np.array(added, dtype=np.int64)])[order]
