"""Several files on one timeline: indexed beside the first screen, followed, begun anew."""

import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tracer.schema.events import Phase
from viewer.model import sidecar
from viewer.model.blocks import BLOCK
from viewer.model.counts import Counts
from viewer.model.lookup import Lookup
from viewer.model.packed import open_source
from viewer.model.reader import Damage, Reader
from viewer.model.source import Source, SourceError
from viewer.model.store import Array, Codes, Store

FIRST: Final = 256 * 1024
"""Bytes read of each file before anything is shown."""
_STEP: Final = 4 << 20
"""Bytes indexed at once while somebody watches: no step may hold up the interface."""


class Timeline:
    """The index of some files, in order of time. One thread may `feed` while others read."""

    def __init__(self, sources: Sequence[Source], *, cache: bool = True) -> None:
        self._sources = list(sources)
        self._cache = cache
        self._feeding = threading.Lock()
        self.notices: list[str] = []
        """``truncated NAME``, ``replaced NAME``: what happened to files while they were open."""
        self.generation = 0
        """Grows when rows that were given out got other numbers: ask again by id."""
        self.complete = False
        """Whether everything that the files hold now is indexed."""
        self._begin()

    def _begin(self) -> None:
        self._codes = Codes()
        self._store = Store()
        self._readers = [Reader(n, s, self._codes) for n, s in enumerate(self._sources)]
        self._ids = Lookup(self._store, "id")
        self._parents = Lookup(self._store, "parent")
        self._ops = Lookup(self._store, "op")
        self._open_rows = np.zeros(0, dtype=np.int64)
        self._late: dict[tuple[str, int], Damage] = {}
        self._kept = 0

    def feed(self, seconds: float = 0.008) -> bool:
        """Index for about `seconds`; tell whether anything changed. For one thread at a time."""
        if not self._feeding.acquire(blocking=False):
            return False
        try:
            return self._feed(time.monotonic() + seconds, BLOCK if seconds > 0.1 else _STEP)
        finally:
            self._feeding.release()

    def _feed(self, deadline: float, block: int) -> bool:
        changed = self._start_again_if_changed()
        readers = [reader for reader in self._readers if not reader.at_end] or self._readers
        tails = [reader.tail for reader in readers]
        while readers:
            reader = min(readers, key=lambda r: r.last_ts)
            changed |= self._add(reader.step(block))
            if reader.at_end:
                readers = [r for r in readers if r is not reader]
            if time.monotonic() > deadline:
                break
        changed |= any(reader.tail not in tails for reader in self._readers)
        complete = all(reader.at_end for reader in self._readers)
        if complete and not self.complete:
            changed = True
            self._keep()
        self.complete = complete
        return changed

    def prepare(self) -> None:
        """Sort for the first jump from event to event, which else would have to wait for it."""
        self._ids.prepare()
        self._parents.prepare()

    def _start_again_if_changed(self) -> bool:
        """Index anew when a file was cut off or replaced."""
        what = [(source, source.changed()) for source in self._sources]
        if not any(change for _, change in what):
            return False
        self.notices += [f"{change} {source.name}" for source, change in what if change]
        again: list[Source] = []
        for source, change in what:
            try:
                fresh = open_source(source.path) if change and source.path else [source]
            except (OSError, SourceError):
                fresh = [source]
            if source not in fresh:
                source.close()
            again += [found for found in fresh if not change or found.name == source.name]
        self._sources = again
        self._begin()
        self.complete = False
        self.generation += 1
        return True

    def _add(self, rows: Mapping[str, Array] | None) -> bool:
        if rows is None:
            return False
        before = self._store.count
        moved = self._store.append(rows, self._expected(before + rows["ts"].size))
        if moved < before:
            self.generation += 1
        for lookup in (self._ids, self._parents, self._ops):
            lookup.moved(moved)
        self._pair(moved)
        return True

    def _expected(self, count: int) -> int:
        done = sum(reader.position for reader in self._readers) or 1
        size = sum(reader.source.size() for reader in self._readers)
        return min(int(count * (size / done) * 1.05) + 1024, size // 150 + 1024)

    def _pair(self, first: int) -> None:
        """Hide the start lines whose end line is there now; rows before `first` are known."""
        sort = self._store["sort"]
        phase = _phases(self._codes)[sort[first:]]
        ids = self._store["id"]
        opened = np.concatenate(
            [self._open_rows[self._open_rows < first], np.flatnonzero(phase == 1) + first]
        )
        ended = is_among(ids[opened], np.sort(ids[first:][phase == 2]))
        sort[opened[ended]] += 1
        self._open_rows = opened[~ended]

    @property
    def progress(self) -> float:
        """Return how much of the bytes is indexed, 0 … 1."""
        if self.complete:
            return 1.0
        size = sum(max(r.source.size(), r.source.stored) for r in self._readers) or 1
        return min(0.999, sum(reader.position for reader in self._readers) / size)

    @property
    def damage(self) -> list[Damage]:
        """Return every line that is no event, by file and line."""
        found = [damage for reader in self._readers for damage in reader.damage]
        found += [reader.tail for reader in self._readers if reader.tail]
        for reader in self._readers:
            if failure := getattr(reader.source, "failure", None):
                at = reader.position
                found.append(Damage(reader.source.name, reader.lines + 1, at, 0, failure))
        return found + list(self._late.values())

    @property
    def files(self) -> list[str]:
        """Return the names of the files on this timeline."""
        return [source.name for source in self._sources]

    @property
    def sources(self) -> Sequence[Source]:
        """Return where the bytes are."""
        return self._sources

    def _restore(self) -> bool:
        if not self._cache or len(self._readers) != 1:
            return False
        restored = sidecar.load(self._readers[0], self._store, self._codes)
        if restored:
            self._open_rows = np.flatnonzero(_phases(self._codes)[self._store["sort"]] == 1)
            self._kept = self._readers[0].position
        return restored

    def _keep(self) -> None:
        """Keep the index for next time, unless one that is nearly as long is kept already.

        Kept or not, from then on it takes no memory of its own.
        """
        if not self._cache:
            return
        position = sum(reader.position for reader in self._readers)
        if position > self._kept + self._kept // 4:
            self._kept = position
            store, one = self._store, self._readers[0] if len(self._readers) == 1 else None
            if one is None or not sidecar.save(one, store, self._codes, self.counts):
                sidecar.put_aside(store)

    def counts(self) -> Counts:
        """Count what title and tabs say."""
        raise NotImplementedError

    def close(self) -> None:
        """Let the files go."""
        for source in self._sources:
            source.close()


def is_among(values: NDArray[Any], known: NDArray[Any]) -> NDArray[np.bool_]:
    """Tell which `values` are among the sorted `known` ones."""
    found = np.zeros(values.size, dtype=np.bool_)
    if known.size:
        order = np.argsort(values)  # looked up in order, they are found four times as fast
        ordered = values[order]
        places = np.minimum(np.searchsorted(known, ordered), known.size - 1)
        found[order] = known[places] == ordered
    return found


def _phases(codes: Codes) -> NDArray[np.uint8]:
    """Return for each number of ``sort``: 1 for a start without end, 2 for an end, else 0."""
    return np.array(
        [
            2 * (phase == Phase.END) + (phase == Phase.START and not codes.ended(code))
            for code, (_, _, phase) in enumerate(codes.sorts)
        ],
        dtype=np.uint8,
    )
