"""What a list shows: rows by number, made into lines only when they are seen."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import numpy as np

from tracer.schema.events import Kind
from viewer.model.columns import ASCII_SIGNS, SIGNS, cells, layout
from viewer.model.finding import Finding
from viewer.model.marks import Marks
from viewer.model.trace import Rows, Trace
from viewer.tui.look import Look
from viewer.tui.paint import Line, Part, fit

TIME_MODES: Final = ("relative", "absolute", "mark")
_STATE_INKS: Final = {"failed": "error", "unanswered": "error", "gap": "warning"}
_KIND_INKS: Final[Mapping[str, str]] = {
    Kind.OPERATION: "bold", Kind.EXCHANGE: "dim", Kind.STEP: "key", Kind.GAP: "warning",
    Kind.SESSION: "note", Kind.PROCESS: "note", Kind.SETTINGS: "note",
}  # fmt: skip


_LOOKED_AT: Final = 50_000


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


class Source(ABC):
    """The rows of one tab."""

    foldable = False

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def line(self, n: int, width: int) -> Line:
        """Return row `n` of the list."""

    @abstractmethod
    def row(self, n: int) -> int | None:
        """Return the event behind row `n`, if there is one."""

    @abstractmethod
    def find(self, row: int) -> int:
        """Return the row of the list that is, or is nearest to, the event `row`."""

    def finding(self, n: int) -> Finding | None:
        """Return the finding of row `n`, if it is one."""
        return None

    def places(self, rows: Rows) -> Rows:
        """Return where in the list the events `rows` are, ascending."""
        known = set(rows.tolist())
        looked_at = range(min(len(self), _LOOKED_AT))
        return np.array([n for n in looked_at if self.row(n) in known], dtype=np.int64)

    def next_of(self, rows: Rows, at: int, step: int, *, wrap: bool = False) -> int | None:
        """Return the place of the next of `rows` after (`step` 1) or before (-1) place `at`.

        With `wrap` the search goes on from the other end.
        """
        places = self.places(rows)
        ahead = places[places > at] if step > 0 else places[places < at][::-1]
        if not len(ahead) and wrap:
            ahead = places if step > 0 else places[::-1]
        return int(ahead[0]) if len(ahead) else None

    def header(self, width: int) -> Line:
        """Return the titles of the columns."""
        return ()

    def reveal(self, row: int) -> bool:
        """Unfold what hides the event `row`; tell whether anything changed."""
        return False

    def toggle(self, n: int, to: bool | None = None) -> bool:
        """Fold or unfold row `n`; tell whether anything changed."""
        return False

    def fold_all(self, to: bool) -> bool:
        """Fold or unfold everything; tell whether anything changed."""
        return False


class EventSource(Source):
    """Events in order of time, one a line."""

    def __init__(self, trace: Trace, rows: Rows, look: Look, notes: Notes) -> None:
        self.trace = trace
        self.rows = rows
        self.look = look
        self.notes = notes

    def __len__(self) -> int:
        return len(self.rows)

    def row(self, n: int) -> int | None:
        """Return the event behind row `n`."""
        return int(self.rows[n]) if 0 <= n < len(self.rows) else None

    def find(self, row: int) -> int:
        """Return the row of the list that is, or is next after, the event `row`."""
        return min(int(np.searchsorted(self.rows, row)), max(0, len(self.rows) - 1))

    def places(self, rows: Rows) -> Rows:
        """Return where in the list the events `rows` are, ascending."""
        return np.flatnonzero(np.isin(self.rows, rows))

    def header(self, width: int) -> Line:
        """Return the titles of the columns."""
        parts: list[Part] = []
        for column, cells_wide in layout(width):
            name = self.look.cli(f"column.{column.id}")
            parts += [(fit(name, cells_wide, right=column.right), "dim"), (" ", "")]
        return parts

    def line(self, n: int, width: int) -> Line:
        """Return row `n` of the list."""
        row = int(self.rows[n])
        trace, notes = self.trace, self.notes
        head = trace.head(row)
        base = notes.base
        if notes.time_mode == "mark" and notes.mark_time is not None:
            base = notes.mark_time
        signs = ASCII_SIGNS if self.look.ascii_only else SIGNS
        texts = cells(trace, row, base=base, ascii_only=self.look.ascii_only)
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


def highlighted(text: str, ink: str, needle: str) -> list[Part]:
    """Return `text` with every occurrence of `needle` in the ink of a hit."""
    if not needle:
        return [(text, ink)]
    parts: list[Part] = []
    folded, wanted = text.lower(), needle.lower()
    if len(folded) != len(text):
        return [(text, ink)]
    at = 0
    while (hit := folded.find(wanted, at)) >= 0:
        parts += [(text[at:hit], ink), (text[hit : hit + len(wanted)], "hit")]
        at = hit + len(wanted)
    return [*parts, (text[at:], ink)] if at else [(text, ink)]


def local_clock(us: int) -> str:
    """Return the local time of day, to the hundredth: ten cells would not take more."""
    moment = datetime.fromtimestamp(us / 1_000_000).astimezone()
    return moment.strftime("%H:%M:%S.%f")[:10]


@dataclass(frozen=True, slots=True)
class Item:
    """A line that was made beforehand, and what it stands for."""

    make: Callable[[int], Line]
    row: int | None = None
    finding: Finding | None = None


class ItemSource(Source):
    """Lines made beforehand: for tabs that are short by nature."""

    def __init__(self, items: list[Item]) -> None:
        self.items = items

    def __len__(self) -> int:
        return len(self.items)

    def line(self, n: int, width: int) -> Line:
        """Return row `n` of the list."""
        return self.items[n].make(width)

    def row(self, n: int) -> int | None:
        """Return the event behind row `n`, if there is one."""
        return self.items[n].row if 0 <= n < len(self.items) else None

    def finding(self, n: int) -> Finding | None:
        """Return the finding of row `n`, if it is one."""
        return self.items[n].finding if 0 <= n < len(self.items) else None

    def find(self, row: int) -> int:
        """Return the row of the list that shows the event `row`, else the first."""
        return next((n for n, item in enumerate(self.items) if item.row == row), 0)


def plain(*parts: Part) -> Callable[[int], Line]:
    """Return the maker of a line that is the same for every width."""
    return lambda _: parts
