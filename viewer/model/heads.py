"""The fast reading of heads: all lines of a block at once, eight bytes at a time.

It knows only the layout that `tracer.schema.events.encode` writes. A line in which anything differs
is left to the tolerant reading, line by line; so it may refuse, but must never misread
(``tests/viewer/model/test_heads.py`` compares the two on mangled lines). What no head tells, namely
damage inside ``data`` that leaves the end of the line whole, shows when the event is decoded.
"""

import re
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from viewer.model.words import (
    BACKSLASHES,
    BYTE,
    I64,
    KEYS,
    LOW32,
    POWERS,
    QUOTES,
    U64,
    Mask,
    all_digits,
    bytes_before,
    eight_digits,
    hex_half,
    midnight,
    number,
    u,
    word,
    zero_bytes,
)

PADDING: Final = 1024
"""How many bytes a block must have behind its last line: heads are read without looking."""
NO_STATUS: Final = 0xFFFFFFFF
"""A status of null; an HRESULT of this value reads as one too."""


@dataclass(slots=True)
class Heads:
    """The heads of the lines that are as the writer writes them; the rest have ``ok`` false."""

    ok: Mask
    ts: I64
    """µs since 1970."""
    sort: U64
    """A number for topic, kind and phase, the same for the same ones."""
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


class _Reader:
    """A position in each line, and whether the line is as expected so far.

    Positions of refused lines go on too: none moves by more than `PADDING` in all.
    """

    def __init__(self, block: NDArray[np.uint8], starts: I64) -> None:
        self._block = block
        self._words = _pieces(block, "<u8")
        self._window = np.empty((starts.size, 0), dtype=np.uint8)
        self.pos = starts.copy()
        self.ok = np.ones(starts.size, dtype=np.bool_)

    def at(self, positions: I64) -> U64:
        """Return the eight bytes at each position."""
        words: U64 = self._words[positions]
        return words

    def look(self, back: int, width: int) -> None:
        """Take a copy of `width` bytes of each line for `near`, from `back` before its position.

        It costs little more than `at`, which gathers one word from as far away.
        """
        pieces = _pieces(self._block, f"V{width}")[self.pos - back if back else self.pos]
        self._window = pieces.view(np.uint8).reshape(self.pos.size, width)

    def near(self, offset: int) -> U64:
        """Return the eight bytes at `offset` of what `look` copied."""
        words: U64 = self._window[:, offset : offset + 8].view("<u8")[:, 0]
        return words

    def check(self, words: U64, text: bytes, *, skip: int = 0) -> None:
        """Refuse the lines whose `words`, but for the first `skip` bytes, are not `text`."""
        self.ok &= (words >> u(8 * skip) if skip else words) == word(text)

    def string(self, words: int) -> U64:
        """Hash the text up to the next quote, which is at most `words` words away; stand on it."""
        hashed = np.zeros(self.pos.size, dtype=np.uint64)
        rows: Any = slice(None)  # of the lines whose quote is still to be found
        for n in range(words):
            text = self.at(self.pos[rows])
            quote = zero_bytes(text ^ QUOTES)
            low = quote & (~quote + u(1))
            text &= (low >> u(7)) - u(1)
            escaped = zero_bytes(text ^ BACKSLASHES)
            ended = quote != 0
            count = np.where(ended, bytes_before(quote), u(8))
            mixed = (hashed[rows] ^ text) * KEYS[n] + count
            hashed[rows] = mixed ^ (mixed >> u(29))
            self.pos[rows] += count.view(np.int64)
            if escaped.any():
                self.ok[rows] &= escaped == 0
            if ended.all():
                return hashed
            more = np.flatnonzero(~ended)
            rows = more if isinstance(rows, slice) else rows[more]
        self.ok[rows] = False
        return hashed

    def hex16(self, offset: int) -> tuple[U64, Mask]:
        """Return the id at `offset` of what `look` copied, and whether it is one."""
        both, fine = hex_half(np.concatenate([self.near(offset), self.near(offset + 8)]))
        half = self.pos.size
        value = (both[:half] << u(32)) | both[half:]
        return value, fine[:half] & fine[half:] & (value != 0)

    def digits(self, rows: I64 | None, ends: bytes, *, leading: bool = False) -> tuple[U64, I64]:
        """Read digits, at most 15, up to one of `ends`; return the numbers and their lengths.

        `rows` None: of all lines. `leading`: zeros may come first, as in a fraction.
        """
        at = self.pos if rows is None else self.pos[rows]
        words = self.at(at)
        value, count, fine = number(words, ends)
        if not leading:
            fine &= ((words & BYTE) != u(0x30)) | (count <= 1)
        longer = np.flatnonzero(count == 8)
        if longer.size:
            more, places, fine_too = number(self.at(at[longer] + 8), ends)
            more[places == 0] = 0
            value[longer] = value[longer] * POWERS[places] + more
            count[longer] += places
            fine[longer] &= (fine_too | (places == 0)) & (places < 8)
        length = count.view(np.int64)
        if rows is None:
            self.ok &= fine
            self.pos += length
        else:
            self.ok[rows] &= fine
            self.pos[rows] += length
        return value, length

    # ---- the fields, in their order

    def ts(self) -> I64:
        """Read ``{"v":1,"ts":"``, and a time of 27 characters."""
        self.look(0, 83)
        self.check(self.near(0), b'{"v":1,"')
        self.check(self.near(5), b'1,"ts":"')
        day, clock, fraction = self.near(13), self.near(21), self.near(32)
        seconds = self.near(29) & LOW32
        self.ok &= (clock & u(0x0000FF0000FF0000)) == word(b"\0\0T\0\0:\0\0")
        self.ok &= (seconds & u(0xFF0000FF)) == word(b":\0\0.")
        self.ok &= (fraction & u(0xFF000000000000FF)) == word(b".\0\0\0\0\0\0Z")
        micros = ((fraction << u(8)) & u(0xFFFFFFFFFFFF0000)) | u(0x3030)
        # 0 0 H H M M S S
        time = (
            u(0x3030)
            | (((clock >> u(24)) & u(0xFFFF)) << u(16))
            | ((clock >> u(48)) << u(32))
            | (((seconds >> u(8)) & u(0xFFFF)) << u(48))
        )
        self.ok &= all_digits(micros) & all_digits(time)
        hours, rest = np.divmod(eight_digits(time).astype(np.int32), np.int32(10_000))
        minutes, secs = np.divmod(rest, np.int32(100))
        self.ok &= (hours < 24) & (minutes < 60) & (secs < 60)
        of_day = (hours * 3600 + minutes * 60 + secs).astype(np.int64) * 1_000_000
        result: I64 = self._days(day, clock & u(0xFFFF)) + of_day
        return result + eight_digits(micros).view(np.int64)

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
            begin = midnight(text)
            if begin is None:
                self.ok[left[same]] = False
            else:
                result[left[same]] = begin
            left = left[~same]
        self.ok[left] = False
        return result

    def sort(self, layouts: "Layouts") -> U64:
        """Read topic, kind and phase up to the quote after it; return their hash.

        The 32 bytes from the topic on settle topic, kind, and where the phase begins.
        """
        self.check(self.near(40), b'","topic')
        self.check(self.near(43), b'topic":"')
        self.pos += 51
        hashed = np.zeros(self.pos.size, dtype=np.uint64)
        for n in range(4):
            hashed = (hashed ^ self.near(51 + 8 * n)) * KEYS[n]
            hashed ^= hashed >> u(31)
        codes, steps = layouts.find(hashed, self)
        self.ok &= codes != 0
        self.pos += steps
        self.look(8, 16)
        self.check(self.near(0), b'phase":"')
        phase = self.near(8)
        end = (phase & u(0xFFFFFFFF)) == word(b'end"')
        start = (phase & u(0xFFFFFFFFFFFF)) == word(b'start"')
        point = (phase & u(0xFFFFFFFFFFFF)) == word(b'point"')
        self.ok &= end | start | point
        self.pos += np.where(end, 3, 5)
        result: U64 = (codes << u(2)) | start.astype(np.uint64) | (end.astype(np.uint64) << u(1))
        return result

    def ids(self) -> tuple[U64, U64, U64]:
        """Read id, parent and op, and stand on the process id."""
        self.look(0, 52)
        self.check(self.near(0), b'","id":"')
        own, fine = self.hex16(8)
        self.ok &= fine
        self.check(self.near(24), b'","paren')
        after = self.near(28)
        null = after == word(b'arent":n')
        self.ok &= null | (after == word(b'arent":"'))
        parent = self._id_unless(null, 36)
        self.ok &= ~null | (self.near(32) == word(b't":null,'))
        self.pos += np.where(null, 38, 52)
        self.look(0, 32)
        before = self.near(0)  # ","op":"  or  l,"op":n
        self.ok &= null | ((before & BYTE) == u(0x22))
        before = before >> u(8)
        null = before == word(b',"op":n')
        self.ok &= null | (before == word(b',"op":"'))
        op = self._id_unless(null, 8)
        self.ok &= ~null | (self.near(7) == word(b'null,"pi'))
        self.pos += np.where(null, 18, 32)
        self.look(8, 16)
        before = self.near(0)  # ","pid":  or  l,"pid":
        self.ok &= null | ((before & BYTE) == u(0x22))
        self.check(before, b',"pid":', skip=1)
        return own, parent, op

    def _id_unless(self, null: Mask, offset: int) -> U64:
        value, fine = self.hex16(offset)
        self.ok &= null | fine
        value[null] = 0
        return value

    def pid(self) -> I64:
        """Read a process id, and the sequence number after it; stand on the name."""
        result = np.zeros(self.pos.size, dtype=np.int64)
        words = self.near(8)
        rest = np.arange(self.pos.size)
        if rest.size:  # one process writes most of a file: read its id once
            usual = np.flatnonzero(words == words[0])
            text = int(words[0]).to_bytes(8, "little").partition(b",")
            if text[1] and text[0].isdigit() and (text[0] == b"0" or text[0][:1] != b"0"):
                result[usual] = int(text[0])
                self.pos[usual] += len(text[0])
                rest = np.flatnonzero(words != words[0])
        if rest.size:
            result[rest] = self.digits(rest, b",")[0].view(np.int64)
        self.pos += 7
        self.check(self.at(self.pos - 8), b',"seq":', skip=1)
        self.digits(None, b",")
        self.pos += 9
        self.check(self.at(self.pos - 8), b'"name":"')
        return result

    def name(self) -> U64:
        """Read a name; stand on the status."""
        hashed = self.string(8)
        self.check(self.at(self.pos), b'","statu')
        self.pos += 11
        self.check(self.at(self.pos - 8), b'status":')
        return hashed

    def status(self) -> NDArray[np.uint32]:
        """Read a number or null; stand on the duration."""
        words = self.at(self.pos)
        null = words == word(b'null,"ms')
        result = np.full(self.pos.size, NO_STATUS, dtype=np.uint32)
        self.pos[null] += 4
        rows = np.flatnonzero(~null)
        value, _ = self.digits(rows, b",")
        self.ok[rows] &= value < NO_STATUS
        result[rows] = value.astype(np.uint32)
        self.pos += 6
        self.check(self.at(self.pos - 8), b',"ms":', skip=2)
        return result

    def ms(self) -> NDArray[np.float32]:
        """Read a number without exponent, or null; stand in the data."""
        null = self.at(self.pos) == word(b'null,"da')
        self.pos[null] += 4
        result = np.full(self.pos.size, np.nan, dtype=np.float32)
        rows = np.flatnonzero(~null)
        whole, digits = self.digits(rows, b".,")
        result[rows] = whole.astype(np.float32)
        dot = np.flatnonzero((self.at(self.pos[rows]) & BYTE) == u(0x2E))
        rows = rows[dot]
        self.pos[rows] += 1
        part, places = self.digits(rows, b",", leading=True)
        self.ok[rows] &= digits[dot] + places <= 15  # beyond, a division would round twice
        scale = POWERS[np.minimum(places, 15)]
        result[rows] = (whole[dot] * scale + part).astype(np.float64) / scale.astype(np.float64)
        self.pos += 9
        self.check(self.at(self.pos - 8), b'"data":{')
        return result


def _pieces(block: NDArray[np.uint8], kind: str) -> NDArray[Any]:
    """Return a view of `block` that has a piece of `kind` at every byte."""
    size = block.size - np.dtype(kind).itemsize + 1
    return np.ndarray((size,), dtype=kind, buffer=block.data, strides=(1,))


_LAYOUT: Final = re.compile(rb'([^"\\]*)","kind":"([^"\\]*)","')


class Layouts:
    """The topics and kinds seen so far, by the hash of the 32 bytes that begin with the topic."""

    def __init__(self) -> None:
        self._hashes = np.zeros(0, dtype=np.uint64)
        self._facts = np.zeros((0, 2), dtype=np.int64)
        self._codes: dict[tuple[bytes, bytes], int] = {}

    def find(self, hashes: U64, reader: _Reader) -> tuple[U64, I64]:
        """Return for each hash the number of its topic and kind, and how far the phase is.

        Number 0: neither topic nor kind can be told from these bytes.
        """
        while True:
            if self._hashes.size:
                found = np.minimum(np.searchsorted(self._hashes, hashes), self._hashes.size - 1)
                unknown = np.flatnonzero((self._hashes[found] != hashes) & reader.ok)
                if not unknown.size or self._hashes.size > 4096:  # a hostile file is read slowly
                    known = self._hashes[found] == hashes
                    facts = self._facts[found]
                    return np.where(known, facts[:, 0], 0).view(np.uint64), facts[:, 1]
            else:
                unknown = np.flatnonzero(reader.ok)
                if not unknown.size:
                    zeros = np.zeros(hashes.size, dtype=np.int64)
                    return zeros.view(np.uint64), zeros
            new, first = np.unique(hashes[unknown], return_index=True)
            facts = np.array([self._look(reader, int(unknown[n])) for n in first], dtype=np.int64)
            merged = np.concatenate([self._hashes, new])
            order = np.argsort(merged)
            self._hashes = merged[order]
            self._facts = np.concatenate([self._facts, facts])[order]

    def _look(self, reader: _Reader, row: int) -> tuple[int, int]:
        at = reader.pos[row : row + 1]
        text = b"".join(int(reader.at(at + 8 * n)[0]).to_bytes(8, "little") for n in range(4))
        match = _LAYOUT.match(text)
        if match is None:
            return 0, 0
        code = self._codes.setdefault((match[1], match[2]), len(self._codes) + 1)
        return code, match.end() + len(b'phase":"')


def read_heads(
    block: NDArray[np.uint8], starts: I64, ends: I64, layouts: Layouts | None = None
) -> Heads:
    """Read the heads of the lines ``block[starts[i]:ends[i]]``, none of them empty.

    `block` has at least `PADDING` bytes after the last line. `layouts` is kept from block to block.
    """
    reader = _Reader(block, starts)
    ts = reader.ts()
    sort = reader.sort(layouts or Layouts())
    own, parent, op = reader.ids()
    pid = reader.pid()
    name = reader.name()
    status = reader.status()
    ms = reader.ms()
    ok = reader.ok & (reader.pos < ends) & (block[ends - 1] == 0x7D) & (block[ends - 2] == 0x7D)
    return Heads(ok, ts, sort, own, parent, op, pid, name, status, ms)
