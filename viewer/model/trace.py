"""One or several session files on one timeline: events are indexed, not loaded."""

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
import orjson
from numpy.typing import NDArray

from tracer.schema.events import HEAD_END, Event, Kind, Phase, timestamp
from tracer.schema.lines import DamagedLineError, parse
from viewer.model import sidecar
from viewer.model.finding import Severity
from viewer.model.glance import facts
from viewer.model.heads import NO_STATUS
from viewer.model.lookup import Lookup
from viewer.model.packed import open_source
from viewer.model.reader import BLOCK, Damage, Reader, id_number
from viewer.model.skew import Skew, skews
from viewer.model.source import Source, SourceError
from viewer.model.store import Codes, Rows, Store, failure_classes

__all__ = ["Damage", "Head", "Rows", "Skew", "Trace"]

_FIRST: Final = 256 * 1024
"""Bytes read of each file before anything is shown."""
_STEP: Final = 1 << 20
"""Bytes indexed at once while somebody watches: no step may hold up the interface."""
_ACCOUNT_WITHIN: Final = 128 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """A line without its data, as `Event` has it."""

    ts: str
    topic: str
    kind: str
    phase: str
    id: str
    parent: str | None
    op: str | None
    pid: int
    seq: int
    name: str
    status: int | None
    ms: float | None


_HEAD_KEYS: Final = tuple(Head.__slots__)


class Trace:
    """The events of one or several files, ordered by time; one event decoded on demand.

    A row is the number of an event in that order, 0 … len-1. One thread may `feed` while another
    reads; what was returned stays valid until `generation` grows.
    """

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
        self._skews: tuple[int, tuple[Skew, ...]] = (-1, ())
        self._kept = False

    @classmethod
    def open(cls, paths: Sequence[Path | str], *, wait: bool = True, cache: bool = True) -> "Trace":
        """Open `paths` (``-``: standard input); damage is listed, never raised.

        With `wait` every event is there on return. Without, only the first screen is: call `feed`
        until `complete`, and go on calling it to follow files that grow. `cache` allows an index
        kept from last time.

        Raises:
            SourceError: a file is missing, a directory, unreadable, or an archive of no trace.
        """
        sources: list[Source] = []
        try:
            for path in paths:
                sources += open_source(path)
        except BaseException:
            for source in sources:
                source.close()
            raise
        trace = cls(sources, cache=cache)
        if not trace._restore():
            for reader in trace._readers:
                trace._add(reader.step(_FIRST))
            trace.complete = all(reader.at_end for reader in trace._readers)
        while wait and not trace.complete:
            trace.feed(3600)
        return trace

    # ---- indexing

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
            if block == _STEP:  # somebody watches: sort here, not when they first jump
                self._ids.prepare()
                self._parents.prepare()
        self.complete = complete
        return changed

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

    def _add(self, rows: "Any") -> bool:
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
        ended = _among(ids[opened], np.sort(ids[first:][phase == 2]))
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

    @property
    def skews(self) -> tuple[Skew, ...]:
        """Return the clocks that disagree; shown, never corrected silently."""
        known, found = self._skews
        rows = np.flatnonzero(self._codes.table(_is_process, shown=False)[self._store["sort"]])
        if known != rows.size:
            found = skews(
                (self.file_of(row), self.time_of(row), self.event(row)) for row in rows.tolist()
            )
            self._skews = (rows.size, found)
        return found

    def _restore(self) -> bool:
        if not self._cache or len(self._readers) != 1:
            return False
        restored = sidecar.load(self._readers[0], self._store, self._codes)
        if restored:
            self._open_rows = np.flatnonzero(_phases(self._codes)[self._store["sort"]] == 1)
            self._kept = True
        return restored

    def _keep(self) -> None:
        if self._cache and not self._kept and len(self._readers) == 1:
            self._kept = True
            sidecar.save(self._readers[0], self._store, self._codes)

    def close(self) -> None:
        """Let the files go."""
        for source in self._sources:
            source.close()

    # ---- one event

    def __len__(self) -> int:
        return self._store.count

    def head(self, row: int) -> Head:
        """Return the head of `row`; cheap whatever the size of its data."""
        reader = self._reader(row)
        start = reader.source.read(int(self._store["offset"][row]), 768)
        end = start.find(HEAD_END)
        if end > 0:
            try:
                found = orjson.loads(start[:end] + b"}")
                return Head(**{key: found[key] for key in _HEAD_KEYS})
            except (orjson.JSONDecodeError, KeyError, TypeError):
                pass  # another layout, or not there any more
        event = self.event(row)
        return Head(**{key: getattr(event, key) for key in _HEAD_KEYS})

    def event(self, row: int) -> Event:
        """Decode the event of `row`. Damage that only shows now is listed then."""
        line = self.raw(row)
        try:
            return parse(line)
        except DamagedLineError as error:
            offset = int(self._store["offset"][row])
            name = self._reader(row).source.name
            number = self._line_number(row)
            damage = Damage(name, number, offset, len(line), str(error))
            self._late.setdefault((name, offset), damage)
            return self._from_index(row, str(error))

    def raw(self, row: int) -> bytes:
        """Return the exact line of `row`."""
        source = self._reader(row).source
        offset, size = int(self._store["offset"][row]), 8192
        line = source.read(offset, size)
        while (end := line.find(b"\n")) < 0:
            more = source.read(offset + len(line), size)
            if not more:
                return line
            line += more
            size *= 4
        return line[:end]

    def time_of(self, row: int) -> int:
        """Return when `row` was written, µs since 1970 (UTC)."""
        return int(self._store["ts"][row])

    def file_of(self, row: int) -> str:
        """Return the name of the file that `row` is in."""
        return self._reader(row).source.name

    def id_of(self, row: int) -> str:
        """Return the id of `row`, from the index alone."""
        return f"{int(self._store['id'][row]):016x}"

    def account(self, row: int) -> str:
        """Return the account that `row` names (``account``, ``subject``, ``candidate``), or ""."""
        start = self._reader(row).source.read(int(self._store["offset"][row]), _ACCOUNT_WITHIN)
        end = start.find(b"\n")
        if end < 0 and len(start) == _ACCOUNT_WITHIN:
            return ""
        return facts(start if end < 0 else start[:end]).who()

    def _reader(self, row: int) -> Reader:
        return self._readers[self._codes.processes[int(self._store["process"][row])][0]]

    def _from_index(self, row: int, reason: str) -> Event:
        """Return what the index knows of a line that cannot be decoded (any more)."""
        store = self._store
        topic, kind, phase = self._codes.sorts[int(store["sort"][row])]
        status, ms = int(store["status"][row]), float(store["ms"][row])

        def id_text(column: str) -> str | None:
            number = int(store[column][row])
            return f"{number:016x}" if number else None

        return Event(
            ts=timestamp(self.time_of(row) * 1000),
            topic=topic,
            kind=kind,
            phase=phase,
            id=self.id_of(row),
            parent=id_text("parent"),
            op=id_text("op"),
            pid=self._codes.processes[int(store["process"][row])][1],
            seq=0,
            name=self._codes.names[int(store["name"][row])],
            status=None if status == NO_STATUS else status,
            ms=None if np.isnan(ms) else ms,
            data={"damaged": reason},
        )

    def _line_number(self, row: int) -> int:
        """Count the newlines before `row`; for damage only, so slow is fine."""
        source, end = self._reader(row).source, int(self._store["offset"][row])
        at, count = 0, 1
        while at < end:
            piece = source.read(at, min(BLOCK, end - at))
            if not piece:
                break
            count += piece.count(b"\n")
            at += len(piece)
        return count

    # ---- many events

    def row_of(self, event_id: str) -> int | None:
        """Return the row that stands for `event_id`: its end line, else its start, else None."""
        rows = self.rows_of(event_id)
        return rows[-1] if rows else None

    def rows_of(self, event_id: str) -> Sequence[int]:
        """Return every row with this id (start and end)."""
        return cast("list[int]", self._ids.rows(id_number(event_id)).tolist())

    def children(self, event_id: str) -> Sequence[int]:
        """Return the rows shown under `event_id`, in order of time."""
        rows = self._parents.rows(id_number(event_id))
        return cast("list[int]", rows[self._shown_codes()[self._store["sort"][rows]]].tolist())

    def op_rows(self, op: str) -> Rows:
        """Return every row of the operation `op`, start lines included."""
        return self._ops.rows(id_number(op))

    def shown_for(self, rows: Rows) -> Rows:
        """Return the shown rows that stand for `rows`: for a start that ended, its end."""
        hidden = ~self._shown_codes()[self._store["sort"][rows]]
        if not hidden.any():
            return rows
        ends = self._ids.last_rows(self._store["id"][rows[hidden]])
        return np.unique(np.concatenate([rows[~hidden], ends]))

    def rows_at(self, number: int, offsets: Rows) -> Rows:
        """Return the rows whose lines lie at `offsets` (ascending) of file `number`, each once."""
        ordered, where = self._lines_of(number)
        if not where.size:
            return where
        places = np.searchsorted(ordered, offsets, side="right") - 1
        damaged = np.array(sorted(d.offset for d in self._readers[number].damage), dtype=np.int64)
        fine = places >= 0
        if damaged.size:  # what is found in a damaged line belongs to no row
            before = np.searchsorted(damaged, offsets, side="right") - 1
            fine &= (before < 0) | (damaged[before] < ordered[places])
        return np.unique(where[np.unique(places[fine])])

    def _lines_of(self, number: int) -> tuple[Rows, Rows]:
        """Return the offsets of the lines of a file, ascending, and the rows they belong to."""
        offsets = self._store["offset"]
        if len(self._readers) == 1:
            where = np.arange(offsets.size)
        else:
            mine = np.array([file == number for file, _ in self._codes.processes], dtype=np.bool_)
            where = np.flatnonzero(mine[self._store["process"]])
            offsets = offsets[where]
        if np.any(offsets[1:] < offsets[:-1]):
            order = np.argsort(offsets)
            return offsets[order], where[order]
        return offsets, where

    def is_shown(self, row: int) -> bool:
        """Tell whether lists show `row`: all but start lines that have an end line."""
        return not self._codes.ended(int(self._store["sort"][row]))

    def shown(self) -> Rows:
        """Return the rows that lists show."""
        return np.flatnonzero(self._shown_codes()[self._store["sort"]])

    def _shown_codes(self) -> NDArray[np.bool_]:
        return self._codes.table(lambda *_: True)

    def select(
        self,
        *,
        topics: Iterable[str] | None = None,
        kinds: Iterable[str] | None = None,
        names: Iterable[str] | None = None,
        op: str | None = None,
        errors: bool = False,
    ) -> Rows:
        """Return the shown rows that meet every condition given, from the index alone."""
        in_topics, in_kinds = _member(topics), _member(kinds)
        codes = self._codes.table(lambda topic, kind, _: in_topics(topic) and in_kinds(kind))
        if op is not None:
            rows = self.op_rows(op)
            rows = rows[codes[self._store["sort"][rows]]]
        else:
            rows = np.flatnonzero(codes[self._store["sort"]])
        if names is not None:
            in_names = _member(names)
            rows = rows[self.named(in_names, rows)]
        return rows[self.failures(rows)] if errors else rows

    def named(self, test: Callable[[str], bool], rows: Rows) -> NDArray[np.bool_]:
        """Tell for each of `rows` whether `test` holds for its name."""
        codes = self._store["name"][rows]
        found: NDArray[np.bool_] = self._codes.name_table(test)[codes]
        for n in np.flatnonzero(found & (codes == 0)).tolist():  # names beyond the dictionary
            found[n] = test(self.head(int(rows[n])).name)
        return found

    def names(self) -> Sequence[str]:
        """Return the names that occur, for completion."""
        return self._codes.names[1:]

    def column(self, name: str) -> NDArray[Any]:
        """Return a column of the index (`viewer.model.store.TYPES`), by row."""
        return self._store[name]

    @property
    def codes(self) -> Codes:
        """Return the words behind the numbers of the columns ``sort``, ``name``, ``process``."""
        return self._codes

    def failures(self, rows: Rows) -> NDArray[np.bool_]:
        """Tell for each of `rows` whether it failed or was never answered."""
        classes = failure_classes(self._codes)[self._store["sort"][rows]]
        status = self._store["status"][rows]
        return cast(
            "NDArray[np.bool_]",
            (classes == 1)
            | ((classes == 2) & (status != 0) & (status != NO_STATUS))
            | ((classes == 3) & (status >= 400))
            | ((classes == 4) & ~np.isin(status, (0, 5, 6, 10, 14)))
            | ((classes == 5) & (status >= 0x80000000)),
        )

    def failed(self, row: int) -> bool:
        """Tell whether the thing of `row` failed or was never answered."""
        return bool(self.failures(np.array([row], dtype=np.int64))[0])

    def topic_counts(self) -> dict[str, int]:
        """Return how many shown rows each topic has."""
        counts: dict[str, int] = {}
        per_code = np.bincount(self._store["sort"], minlength=len(self._codes.sorts))
        for code in np.flatnonzero(per_code).tolist():
            if not self._codes.ended(code):
                topic = self._codes.sorts[code][0]
                counts[topic] = counts.get(topic, 0) + int(per_code[code])
        return counts

    def worst(self) -> dict[str, Severity]:
        """Return the worst of each topic, by heads alone: a gap warns, a failure is an error."""
        topics = dict.fromkeys(self.topic_counts(), Severity.CHAT)
        failed = self._store["sort"][self.select(errors=True)]
        for code in np.flatnonzero(np.bincount(failed)).tolist():
            topic, kind, _ = self._codes.sorts[code]
            severity = Severity.WARNING if kind == Kind.GAP else Severity.ERROR
            topics[topic] = max(topics[topic], severity)
        return topics


def _among(values: NDArray[np.uint64], known: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Tell which `values` are among the sorted `known` ones."""
    if not known.size:
        return np.zeros(values.size, dtype=np.bool_)
    places = np.minimum(np.searchsorted(known, values), known.size - 1)
    return np.asarray(known[places] == values)


def _member(wanted: Iterable[str] | None) -> Callable[[str], bool]:
    if wanted is None:
        return lambda _: True
    return frozenset(str(word) for word in wanted).__contains__


def _is_process(_topic: str, kind: str, _phase: str) -> bool:
    return kind == Kind.PROCESS


def _phases(codes: Codes) -> NDArray[np.uint8]:
    """Return for each number of ``sort``: 1 for a start without end, 2 for an end, else 0."""
    return np.array(
        [
            2 * (phase == Phase.END) + (phase == Phase.START and not codes.ended(code))
            for code, (_, _, phase) in enumerate(codes.sorts)
        ],
        dtype=np.uint8,
    )
