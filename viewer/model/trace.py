"""One or several session files on one timeline."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tracer.schema.events import Event, Kind, Phase, is_error
from tracer.schema.lines import DamagedLineError, parse
from viewer.model.finding import Severity

Rows = NDArray[np.int64]
"""Event numbers (rows of the timeline), ascending."""

_BLANK: Final = re.compile(rb"[\s\x00]*\Z")


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


@dataclass(frozen=True, slots=True)
class Skew:
    """Two processes of one machine whose wall clocks disagree (their monotonic clock is one)."""

    file: str
    pid: int
    ms: float
    """How far this process's wall clock is ahead of the first one's."""


@dataclass(frozen=True, slots=True)
class Damage:
    """A line that is no event."""

    file: str
    line: int
    """Counted from 1."""
    offset: int
    size: int
    reason: str


class Trace:
    """The events of one or several files, ordered by time; one event decoded on demand.

    A row is the number of an event in that order, 0 … len-1.
    """

    def __init__(self, lines: list[bytes], events: list[Event], damage: list[Damage]) -> None:
        order = sorted(range(len(events)), key=lambda n: events[n].ts)
        self._lines = [lines[n] for n in order]
        self._events = [events[n] for n in order]
        self.damage = damage
        self._by_id: dict[str, list[int]] = defaultdict(list)
        self._children: dict[str, list[int]] = defaultdict(list)
        for row, event in enumerate(self._events):
            self._by_id[event.id].append(row)
            if event.parent:
                self._children[event.parent].append(row)

    @classmethod
    def open(cls, paths: Sequence[Path], *, wait: bool = True, cache: bool = True) -> "Trace":
        """Open `paths`; damage is listed, never raised.

        With `wait` every event is there on return. Without, only the first screen is: call `feed`
        until `complete`, and go on calling it to follow files that grow. `cache` allows an index
        kept from last time.
        """
        lines: list[bytes] = []
        events: list[Event] = []
        damage: list[Damage] = []
        for path in paths:
            offset = 0
            for number, line in enumerate(path.read_bytes().split(b"\n"), 1):
                if not _BLANK.match(line):
                    try:
                        events.append(parse(line))
                        lines.append(line)
                    except DamagedLineError as error:
                        damage.append(Damage(str(path), number, offset, len(line), str(error)))
                offset += len(line) + 1
        return cls(lines, events, damage)

    complete = True
    """Whether everything that the files hold now is indexed."""
    progress = 1.0
    """How much of the bytes is indexed, 0 … 1."""
    generation = 0
    """Grows when rows that were given out got other numbers: ask again by id."""
    skews: Sequence["Skew"] = ()
    """Clocks that disagree by more than a moment; shown, never corrected silently."""

    def feed(self, seconds: float = 0.008) -> bool:
        """Index for about `seconds`; tell whether rows were added. Safe in a thread of its own."""
        return False

    def close(self) -> None:
        """Let the files go."""

    def __len__(self) -> int:
        return len(self._events)

    def head(self, row: int) -> "Head":
        """Return the head of `row`; cheap whatever the size of its data."""
        event = self._events[row]
        return Head(**{name: getattr(event, name) for name in Head.__slots__})

    def time_of(self, row: int) -> int:
        """Return when `row` was written, µs since 1970 (UTC)."""
        stamp = datetime.fromisoformat(self._events[row].ts)
        return int(stamp.timestamp() * 1_000_000)

    def account(self, row: int) -> str:
        """Return the account that `row` names (``account``, ``subject``, ``candidate``), or ""."""
        data = self._events[row].data
        for key in ("account", "subject", "candidate"):
            if isinstance(value := data.get(key), str):
                return value
        return ""

    def op_rows(self, op: str) -> Rows:
        """Return every row of the operation `op`, start lines included."""
        return np.array([r for r, e in enumerate(self._events) if e.op == op], dtype=np.int64)

    def topic_counts(self) -> dict[str, int]:
        """Return how many shown rows each topic has."""
        return dict(Counter(self._events[row].topic for row in self.shown().tolist()))

    def worst(self) -> dict[str, Severity]:
        """Return the worst of each topic, by heads alone: a gap warns, a failure is an error."""
        topics = dict.fromkeys((event.topic for event in self._events), Severity.CHAT)
        for row in self.select(errors=True).tolist():
            event = self._events[row]
            severity = Severity.WARNING if event.kind == Kind.GAP else Severity.ERROR
            topics[event.topic] = max(topics[event.topic], severity)
        return topics

    def event(self, row: int) -> Event:
        """Decode the event of `row`."""
        return self._events[row]

    def raw(self, row: int) -> bytes:
        """Return the exact line of `row`."""
        return self._lines[row]

    def row_of(self, event_id: str) -> int | None:
        """Return the row that stands for `event_id`: its end line, else its start, else None."""
        rows = self._by_id.get(event_id)
        return rows[-1] if rows else None

    def rows_of(self, event_id: str) -> Sequence[int]:
        """Return every row with this id (start and end)."""
        return self._by_id.get(event_id, ())

    def children(self, event_id: str) -> Sequence[int]:
        """Return the rows shown under `event_id`, in order of time."""
        return [row for row in self._children.get(event_id, ()) if self.is_shown(row)]

    def is_shown(self, row: int) -> bool:
        """Tell whether lists show `row`: all but start lines that have an end line."""
        event = self._events[row]
        return event.phase != Phase.START or self.row_of(event.id) == row

    def shown(self) -> Rows:
        """Return the rows that lists show."""
        return np.array([r for r in range(len(self)) if self.is_shown(r)], dtype=np.int64)

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
        wanted = [set(c) if c is not None else None for c in (topics, kinds, names)]
        keep = []
        for row in self.shown().tolist():
            event = self._events[row]
            if all(
                w is None or v in w
                for w, v in zip(wanted, (event.topic, event.kind, event.name), strict=True)
            ) and (op is None or event.op == op):
                if errors and not self.failed(row):
                    continue
                keep.append(row)
        return np.array(keep, dtype=np.int64)

    def failed(self, row: int) -> bool:
        """Tell whether the thing of `row` failed or was never answered."""
        event = self._events[row]
        unanswered = event.phase == Phase.START and event.kind in {Kind.CALL, Kind.EXCHANGE}
        return unanswered or is_error(event.kind, event.phase, event.topic, event.status)
