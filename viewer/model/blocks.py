"""The blocks of a file, and where the lines in them end; the next one is read meanwhile."""

from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np

from viewer.model.heads import PADDING
from viewer.model.source import MIB, FileSource, Source, read_into
from viewer.model.store import Array

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

BLOCK: Final = 8 * MIB
_PIECE: Final = MIB
"""Bytes looked at in one go, which the processor keeps at hand."""
_NONE: Final = np.empty(0, dtype=np.int64)


class Block:
    """A piece of a file in a buffer that has `PADDING` bytes more than it can hold."""

    def __init__(self) -> None:
        self.bytes: Array = np.empty(0, dtype=np.uint8)
        self.size = 0
        """How much it holds."""
        self.newlines: Array = _NONE
        """Where its lines end."""
        self.control: Array = _NONE
        """Where its other control characters are, once it has a line."""

    def fill(self, source: Source, position: int, begin: int, count: int) -> None:
        """Read what lies `begin` bytes after `position`, at most `count` bytes, behind as many."""
        count = max(count, 0)
        if self.bytes.size < begin + count + PADDING:
            longer = np.empty(begin + count + PADDING, dtype=np.uint8)
            longer[:begin] = self.bytes[:begin]
            self.bytes = longer
        view = memoryview(self.bytes)[begin : begin + count]  # type: ignore[arg-type]
        self.size = begin + (read_into(source, position + begin, view) if count else 0)
        self.newlines = self.control = _NONE
        if begin and not np.any(self.bytes[begin : self.size] == 10):
            return
        low = control_characters(self.bytes, self.size)
        newline = self.bytes[low] == 10
        if newline.any():
            self.newlines, self.control = low[newline], low[~newline]

    def drop(self) -> None:
        """Let go of the bytes."""
        self.bytes = np.empty(0, dtype=np.uint8)


class Blocks:
    """Reads one file by blocks; a block stays as it is until the next one is asked for."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._block, self._next = Block(), Block()
        self._reading: Future[None] | None = None

    def read(self, position: int, count: int, limit: int) -> Block:
        """Return the block at `position`: `count` bytes, or up to `limit` for the end of a line.

        What was read ahead is returned whatever its size.
        """
        if self._reading is None:
            self._block.fill(self._source, position, 0, min(count, limit))
        else:
            reading, self._reading = self._reading, None
            reading.result()
            self._block, self._next = self._next, self._block
        block = self._block
        while not block.newlines.size and 0 < block.size < limit:
            begin = block.size
            block.fill(self._source, position, begin, min(max(count, begin), limit - begin))
            if block.size == begin:
                break
        return block

    def read_ahead(self, position: int, count: int) -> None:
        """Begin to read the block at `position`, which must be the next one asked for.

        Reading and looking for control characters leaves the interpreter to other threads, the
        heads of the lines take it: the two together cost little more than the heads alone.
        """
        if isinstance(self._source, FileSource):
            self._reading = _helper().submit(self._next.fill, self._source, position, 0, count)

    def release(self) -> None:
        """Give the memory back."""
        self._block.drop()
        if self._reading is None:
            self._next.drop()


@cache
def _helper() -> "ThreadPoolExecutor":
    from concurrent.futures import ThreadPoolExecutor  # it imports logging: not for small files

    return ThreadPoolExecutor(1, "read-ahead")


def control_characters(text: Array, size: int) -> Array:
    """Return where the first `size` bytes of `text`, which has some more, are below 32.

    Of eight bytes in a row few have one: they are looked at one by one only there.
    """
    eights = text[: size + 7 & ~7].view(np.uint64)
    some = np.empty(eights.size, dtype=np.bool_)
    low = np.empty(_PIECE, dtype=np.bool_)
    for begin in range(0, eights.size, _PIECE // 8):
        piece = eights[begin : begin + _PIECE // 8]
        here = np.less(piece.view(np.uint8), 32, out=low[: piece.nbytes])
        np.not_equal(here.view(np.uint64), 0, out=some[begin : begin + piece.size])
    words = np.flatnonzero(some)
    places = np.flatnonzero(eights[words].view(np.uint8) < 32)
    found: Array = (words[places >> 3] << 3) + (places & 7)
    return found[: np.searchsorted(found, size)]
