"""One or several session files on one timeline: events are indexed, not loaded."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np
import orjson
from numpy.typing import NDArray

from tracer.schema.events import HEAD_END, Event, Kind, timestamp
from tracer.schema.lines import DamagedLineError, parse
from viewer.model.blocks import BLOCK
from viewer.model.counts import Counts, count
from viewer.model.finding import Severity
from viewer.model.glance import facts
from viewer.model.heads import NO_STATUS
from viewer.model.packed import open_source
from viewer.model.reader import Damage, Reader, id_number
from viewer.model.skew import Skew, skews
from viewer.model.store import Codes, Rows, each_once, failure_classes
from viewer.model.timeline import FIRST, Timeline

if TYPE_CHECKING:
    from viewer.model.source import Source

__all__ = ["Damage", "Head", "Rows", "Skew", "Trace"]

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


class Trace(Timeline):
    """The events of one or several files, ordered by time; one event decoded on demand.

    A row is the number of an event in that order, 0 … len-1. One thread may `feed` while another
    reads; what was returned stays valid until `generation` grows.
    """

    _skews: tuple[tuple[int, int], tuple[Skew, ...]] = ((-1, -1), ())
    _counted: tuple[tuple[int, int, int], Counts] = ((-1, -1, -1), Counts())

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
                trace._add(reader.step(FIRST))
            trace.complete = all(reader.at_end for reader in trace._readers)
            if trace.complete:
                trace._keep()
        while wait and not trace.complete:
            trace.feed(3600)
        return trace

    @property
    def skews(self) -> tuple[Skew, ...]:
        """Return the clocks that disagree; shown, never corrected silently."""
        known, found = self._skews
        rows = np.flatnonzero(self._codes.table(_is_process, shown=False)[self._store["sort"]])
        if known != (self.generation, rows.size):
            found = skews(
                (self.file_of(row), self.time_of(row), self.event(row)) for row in rows.tolist()
            )
            self._skews = ((self.generation, rows.size), found)
        return found

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
        return each_once(np.concatenate([rows[~hidden], ends]))

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
        return each_once(where[places[fine]])

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
        if errors:
            codes &= failure_classes(self._codes) > 0
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

    def counts(self) -> Counts:
        """Count what title and tabs say: as long as a frame for a million events, if any is new."""
        state = self.generation, len(self), len(self.damage)
        known, found = self._counted
        if known != state:
            found = count(self)
            self._counted = state, found
        return found

    def resolutions(self) -> Rows:
        """Return the rows that stand for a resolution: its last step."""
        steps = self.select(kinds=[Kind.STEP])
        if not steps.size:
            return steps
        parents = self._store["parent"][steps]
        order = np.argsort(parents)  # three times as fast as what np.unique does
        parents = parents[order]
        begins = np.flatnonzero(np.r_[True, parents[1:] != parents[:-1]])
        rows: Rows = np.sort(np.maximum.reduceat(steps[order], begins))
        return rows

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


def _member(wanted: Iterable[str] | None) -> Callable[[str], bool]:
    if wanted is None:
        return lambda _: True
    return frozenset(str(word) for word in wanted).__contains__


def _is_process(_topic: str, kind: str, _phase: str) -> bool:
    return kind == Kind.PROCESS
