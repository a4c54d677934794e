"""Events in order of time, and what the user noted on them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import numpy as np

from tracer.schema.events import Kind
from viewer.model.columns import ASCII_SIGNS, SIGNS, cells, layout
from viewer.model.marks import Marks
from viewer.model.trace import Rows, Trace
from viewer.tui.early import columns_header
from viewer.tui.look import Look
from viewer.tui.paint import Line, Part, fit
from viewer.tui.sources import Source, highlighted

_KIND_INKS: Final[Mapping[str, str]] = {
    Kind.OPERATION: "bold", Kind.EXCHANGE: "dim", Kind.STEP: "key", Kind.GAP: "warning",
    Kind.SESSION: "note", Kind.PROCESS: "note", Kind.SETTINGS: "note",
}  # fmt: skip


@dataclass(slots=True)
class Notes:
    """What the user added and looks for; shared by all lists."""

    time_mode: str = "relative"
    base: int = 0
    """µs since 1970 that relative times count from."""
    mark_time: int | None = None
    marks: Marks = field(default_factory=lambda: Marks(None))
    needle: str = ""
    hits: Rows = field(default_factory=lambda: np.empty(0, np.int64))

    def is_hit(self, row: int) -> bool:
        """Tell whether the search found `row`."""
        at = int(np.searchsorted(self.hits, row))
        return at < len(self.hits) and int(self.hits[at]) == row


class EventSource(Source):
    """Events in order of time, one a line."""

    def __init__(self, trace: Trace, rows: Rows, look: Look, notes: Notes) -> None:
        self.trace = trace
        self.rows = rows
        self.look = look
        self.notes = notes
        self.generation = trace.generation

    def __len__(self) -> int:
        return len(self.rows)

    def row(self, n: int) -> int | None:
        """Return the event behind row `n`."""
        return int(self.rows[n]) if 0 <= n < len(self.rows) else None

    def same_until(self, before: Source) -> int:
        """Return how many of the first rows look as they did in `before`."""
        if type(before) is not EventSource or type(self) is not EventSource:
            return 0  # what a decision shows depends on more than its own line
        if before.trace is not self.trace or before.generation != self.generation:
            return 0
        count = min(len(self.rows), len(before.rows))
        other = np.flatnonzero(self.rows[:count] != before.rows[:count])
        return int(other[0]) if other.size else count

    def find(self, row: int) -> int:
        """Return the row of the list that is, or is next after, the event `row`."""
        return min(int(np.searchsorted(self.rows, row)), max(0, len(self.rows) - 1))

    def places(self, rows: Rows) -> Rows:
        """Return where in the list the events `rows` are, ascending."""
        return np.flatnonzero(np.isin(self.rows, rows))

    def header(self, width: int) -> Line:
        """Return the titles of the columns."""
        return columns_header(self.look, width)

    def line(self, n: int, width: int) -> Line:
        """Return row `n` of the list."""
        row = int(self.rows[n])
        trace, notes = self.trace, self.notes
        head = trace.head(row)
        base = notes.base
        if notes.time_mode == "mark" and notes.mark_time is not None:
            base = notes.mark_time
        signs = ASCII_SIGNS if self.look.ascii_only else SIGNS
        texts = cells(trace, row, base=base, ascii_only=self.look.ascii_only, head=head)
        texts["name"] = self.look.event_name(head, texts["name"])
        if notes.time_mode == "absolute":
            texts["time"] = local_clock(trace.time_of(row))
        failed = texts["sign"] != signs["fine"]
        ink = self.look.status(head, failed)[1]
        inks = {
            "time": "dim",
            "sign": ink,
            "status": ink,
            "ms": "",
            "topic": "dim",
            "name": _KIND_INKS.get(head.kind, ""),
            "account": "note",
        }
        if failed:
            inks["name"] = "warning" if head.kind == Kind.GAP else "error"
        if head.kind == Kind.OPERATION and head.status is not None:
            texts["status"] = self.look("status.short-failed" if failed else "status.ok")
        texts["mark"], inks["mark"] = mark_of(self.look, notes, head.id, row)
        parts: list[Part] = []
        for column, wide in layout(width):
            text = fit(texts[column.id], wide, right=column.right)
            parts += highlighted(text, inks[column.id], notes.needle)
            parts.append((" ", ""))
        return parts


def mark_of(look: Look, notes: Notes, event_id: str, row: int) -> tuple[str, str]:
    """Return the sign in front of an event: its comment, its mark, or that the search found it."""
    comment = notes.marks.comments.get(event_id)
    if comment is not None:
        return look.glyph("comment" if comment else "mark"), "mark"
    return ("/", "warning") if notes.needle and notes.is_hit(row) else (" ", "")


def local_clock(us: int) -> str:
    """Return the local time of day, to the hundredth: ten cells would not take more."""
    moment = datetime.fromtimestamp(us / 1_000_000).astimezone()
    return moment.strftime("%H:%M:%S.%f")[:10]
