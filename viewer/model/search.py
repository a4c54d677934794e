"""Search over the bytes of the files, not over what is shown: it finds what is folded or cut off.

In slices, so that memory is bounded and it can be stopped. A needle in lower case ignores case, as
in less and lnav; one capital makes case count.
"""

import json
import re
import time
from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np

from viewer.model.source import MIB, Source, read_into
from viewer.model.store import each_once
from viewer.model.trace import Rows, Trace

try:
    import stringzilla
except ImportError:  # no wheel for this machine: the standard library finds it too, more slowly
    stringzilla = None

_SLICE: Final = MIB
_LINE_LIMIT: Final = 128 * MIB
_REDACTED: Final = re.compile("⟨redacted [^⟩]*⟩".encode())


class SearchError(ValueError):
    """A regular expression that is none."""


class Search:
    """A search in progress: `step` until it says there is no more; the rows so far are `rows`."""

    def __init__(
        self, trace: Trace, needle: str, *, regex: bool = False, case: bool | None = None
    ) -> None:
        """Search for `needle`; `case` None: it counts when the needle has a capital.

        Raises:
            SearchError: the needle is no regular expression, or empty.
        """
        if not needle:
            raise SearchError("there is nothing to search for")
        self._trace = trace
        self.needle = needle
        self.case = case if case is not None else needle != needle.lower()
        self._pattern = _pattern(needle, regex=regex, case=self.case)
        self._finders: list[Callable[[Any], Iterator[int]]] = []
        self._regex = regex
        if not regex:
            for spelling in sorted(spellings(needle)):
                self._finders.append(finder(spelling, case=self.case))
        self._overlap = max(len(s) for s in spellings(needle)) * 4
        self._parts: list[Rows] = []
        self._rows: Rows = np.zeros(0, dtype=np.int64)
        self._buffer = bytearray(_SLICE)
        self._file = 0
        self._position = 0
        self._generation = trace.generation
        self.done = False

    @property
    def rows(self) -> Rows:
        """Return the shown rows with a hit so far, ascending."""
        if self._parts:
            found = each_once(np.concatenate([self._rows, *self._parts]))
            self._parts = []
            self._rows = self._trace.shown_for(found)
        return self._rows

    @property
    def progress(self) -> float:
        """Return how much is searched, 0 … 1."""
        sizes = [source.size() for source in self._trace.sources]
        done = sum(sizes[: self._file]) + self._position
        return 1.0 if self.done else min(1.0, done / (sum(sizes) or 1))

    def step(self, seconds: float = 0.01) -> bool:
        """Search for about `seconds`; tell whether there is more to search."""
        deadline = time.monotonic() + seconds
        if self._generation != self._trace.generation:  # rows have other numbers now
            self.__init__(  # type: ignore[misc]
                self._trace, self.needle, regex=self._regex, case=self.case
            )
        while not self.done and time.monotonic() < deadline:
            self._one_slice()
        return not self.done

    def _one_slice(self) -> None:
        sources = self._trace.sources
        if self._file >= len(sources):
            self.done = True
            return
        source = sources[self._file]
        base = self._position
        found, size = self._regex_slice(source) if self._regex else self._literal_slice(source)
        if found.size:
            self._parts.append(self._trace.rows_at(self._file, found + base))
            if len(self._parts) > 64:
                self._parts = [each_once(np.concatenate(self._parts))]
        if not size:
            self._file += 1
            self._position = 0

    def _literal_slice(self, source: Source) -> tuple[Rows, int]:
        """Search the next slice; return the places of hits in it, and its size."""
        size = read_into(source, self._position, memoryview(self._buffer))
        piece = memoryview(self._buffer)[:size]
        text = piece if stringzilla is None else stringzilla.Str(piece)
        hits = [np.fromiter(find(text), dtype=np.int64) for find in self._finders]
        found = hits[0] if len(hits) == 1 else each_once(np.concatenate(hits))
        if size == len(self._buffer):
            self._position += size - self._overlap
        else:
            self._position += size
            size = 0
        return found, size

    def _regex_slice(self, source: Source) -> tuple[Rows, int]:
        """Search the whole lines of the next slice."""
        piece = source.read(self._position, 4 * _SLICE)
        while b"\n" not in piece and len(piece) < _LINE_LIMIT:
            more = source.read(self._position + len(piece), len(piece) or 1)
            if not more:
                break
            piece += more
        end = piece.rfind(b"\n") + 1 or len(piece)
        found = [match.start() for match in self._pattern.finditer(piece, 0, end)]
        self._position += end
        return np.array(found, dtype=np.int64), end

    def by_topic(self) -> dict[str, int]:
        """Return how many rows of each topic have a hit."""
        counts: dict[str, int] = {}
        sorts = self._trace.codes.sorts
        per_code = np.bincount(self._trace.column("sort")[self.rows], minlength=len(sorts))
        for code in np.flatnonzero(per_code).tolist():
            topic = sorts[code][0]
            counts[topic] = counts.get(topic, 0) + int(per_code[code])
        return counts

    def first_hit(self, row: int) -> tuple[int, int]:
        """Return where the first hit in the line of `row` begins and ends; 0, 0 without one."""
        match = self._pattern.search(self._trace.raw(row))
        return match.span() if match else (0, 0)

    def only_redacted(self, row: int) -> bool:
        """Tell whether every hit in `row` is in a sign for something that was redacted."""
        line = self._trace.raw(row)
        signs = [match.span() for match in _REDACTED.finditer(line)]
        hits = [match.span() for match in self._pattern.finditer(line)]
        return bool(hits) and all(
            any(begin < end_of_sign and end > sign for sign, end_of_sign in signs)
            for begin, end in hits
        )

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Return where the needle is in a shown text, to mark it there."""
        flags = 0 if self.case else re.IGNORECASE
        pattern = self.needle if self._regex else re.escape(self.needle)
        return [m.span() for m in re.finditer(pattern, text, flags) if m.end() > m.start()]


def search(trace: Trace, needle: str, *, regex: bool = False, case: bool | None = None) -> Search:
    """Search all of `trace` and return the finished search."""
    found = Search(trace, needle, regex=regex, case=case)
    while found.step(3600):
        pass
    return found


def spellings(needle: str) -> set[bytes]:
    """Return how `needle` may be written in a line: as it is, and as JSON escapes it."""
    plain = needle.encode("utf-8", "backslashreplace")
    escaped = json.dumps(needle, ensure_ascii=False)[1:-1].encode("utf-8", "backslashreplace")
    return {plain, escaped, json.dumps(needle)[1:-1].encode()}


def _pattern(needle: str, *, regex: bool, case: bool) -> re.Pattern[bytes]:
    flags = re.NOFLAG if case else re.IGNORECASE
    if not regex:
        return re.compile(b"|".join(re.escape(s) for s in sorted(spellings(needle))), flags)
    try:
        return re.compile(needle.encode("utf-8", "backslashreplace"), flags)
    except (re.error, OverflowError, RecursionError) as error:
        raise SearchError(str(error)) from None


def finder(needle: bytes, *, case: bool) -> Callable[[Any], Iterator[int]]:
    """Return what finds `needle` in a slice: one hit a line, or all of them."""
    if stringzilla is None:
        return _plain_finder(needle, case=case)
    if case:

        def find(text: Any) -> Iterator[int]:
            at = text.find(needle)
            while at >= 0:
                yield at
                line_end = text.find(b"\n", at)
                at = text.find(needle, line_end) if line_end >= 0 else -1

        return find
    word = stringzilla.Str(needle)

    def find_uncased(text: Any) -> Iterator[int]:
        for hit in stringzilla.utf8_uncased_matches(text, word):
            yield hit.address - text.address

    return find_uncased


def _plain_finder(needle: bytes, *, case: bool) -> Callable[[Any], Iterator[int]]:
    def find(text: Any) -> Iterator[int]:
        data = bytes(text) if case else bytes(text).lower()
        wanted = needle if case else needle.lower()
        at = data.find(wanted)
        while at >= 0:
            yield at
            line_end = data.find(b"\n", at)
            at = data.find(wanted, line_end) if line_end >= 0 else -1

    return find
