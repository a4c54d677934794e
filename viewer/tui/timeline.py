"""The tab Timeline: operations as a waterfall, each on its own scale."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from tracer.schema.events import Kind
from viewer.model.trace import Rows, Trace
from viewer.model.tree import Bar, loose, operations, waterfall
from viewer.tui.eventsource import Notes, local_clock, mark_of
from viewer.tui.look import Look
from viewer.tui.paint import Line, Part, fit, width_of
from viewer.tui.sources import Source, highlighted

_OPEN_AT_MOST: Final = 60
"""With more operations than this they are folded at first."""
_ROLES: Final = {
    "retry": "retry", "replay-401": "retry", "token": "token", "redirect": "redirect",
    "batch": "batch", "part": "batch",
}  # fmt: skip
_PHASE_GLYPHS: Final = {"wait": "bar"}
_INKS: Final = {
    Kind.OPERATION: "bar", Kind.CALL: "bar-call", Kind.EXCHANGE: "bar-ok", "wait": "bar-wait",
}  # fmt: skip


def roots(trace: Trace, kept: Rows | None) -> Rows:
    """Return the rows that begin a tree; `kept`: only trees that hold one of these rows."""
    rows: Rows = np.concatenate([operations(trace), loose(trace)])
    rows.sort(kind="stable")  # two ascending runs: merged, not sorted
    if kept is not None:
        ids, ops = trace.column("id"), trace.column("op")
        rows = rows[np.isin(ids[rows], ops[kept]) | np.isin(rows, kept)]
    return rows


class TimelineSource(Source):
    """The bars of the operations that are open, and one line for each that is not."""

    foldable = True

    def __init__(self, trace: Trace, rows: Rows, look: Look, notes: Notes) -> None:
        self.trace = trace
        self.roots = rows
        self.look = look
        self.notes = notes
        self._all: dict[int, Sequence[Bar]] = {}
        self._bars: dict[int, list[Bar]] = {}
        self._folded: set[str] = set()
        if len(rows) <= _OPEN_AT_MOST:
            for root in range(len(rows)):
                self._open(root)
        self._count()

    # Lines

    def _open(self, root: int) -> None:
        if root not in self._all:
            self._all[root] = waterfall(self.trace, self.trace.id_of(int(self.roots[root])))
        shown: list[Bar] = []
        hidden: int | None = None
        for bar in self._all[root]:
            if hidden is not None and bar.depth > hidden:
                continue
            hidden = bar.depth if bar.id in self._folded and bar.kind != "wait" else None
            shown.append(bar)
        self._bars[root] = shown

    def _count(self) -> None:
        """Number the lines: root `r` stands at `r` plus what is open before it."""
        self._opened = sorted(self._bars)
        self._extra = [0]
        for root in self._opened:
            self._extra.append(self._extra[-1] + max(0, len(self._bars[root]) - 1))
        self._places = [r + extra for r, extra in zip(self._opened, self._extra, strict=False)]

    def __len__(self) -> int:
        return len(self.roots) + self._extra[-1]

    def _at(self, n: int) -> tuple[int, int]:
        """Return the root of line `n`, and which of its bars that is."""
        k = bisect_right(self._places, n) - 1
        if k < 0:
            return n, 0
        root, offset = self._opened[k], n - self._places[k]
        if offset < max(1, len(self._bars[root])):
            return root, offset
        return n - self._extra[k + 1], 0

    def _place(self, root: int) -> int:
        return root + self._extra[bisect_right(self._opened, root - 1)]

    def _bar(self, n: int) -> Bar | None:
        root, offset = self._at(n)
        bars = self._bars.get(root)
        return bars[offset] if bars else None

    def row(self, n: int) -> int | None:
        """Return the event behind line `n`."""
        if not 0 <= n < len(self):
            return None
        bar = self._bar(n)
        return bar.row if bar else int(self.roots[self._at(n)[0]])

    def _root_of(self, row: int) -> int | None:
        trace = self.trace
        op = int(trace.column("op")[row]) or int(trace.column("id")[row])
        found = np.flatnonzero(trace.column("id")[self.roots] == op)
        return int(found[0]) if len(found) else None

    def reveal(self, row: int) -> bool:
        """Open the operation of the event `row`; tell whether anything changed."""
        root = self._root_of(row)
        if root is None or any(bar.row == row for bar in self._bars.get(root, ())):
            return False
        self._folded -= {bar.id for bar in self._all.get(root, ())}
        self._open(root)
        self._count()
        return True

    def find(self, row: int) -> int:
        """Return the line of the event `row`, or of its operation when that is folded."""
        root = self._root_of(row)
        if root is None:
            return 0
        if root not in self._bars:
            return self._place(root)
        at = next((n for n, bar in enumerate(self._bars[root]) if bar.row == row), 0)
        return self._place(root) + at

    # Folding

    def toggle(self, n: int, to: bool | None = None) -> bool:
        """Fold or unfold the operation or call of line `n`."""
        root, offset = self._at(n)
        bar = self._bar(n)
        if bar is None:
            if to is not False:
                self._open(root)
        elif offset == 0:
            if to is True:
                return False
            del self._bars[root]
        else:
            if bar.kind not in {Kind.CALL, Kind.OPERATION}:
                return False
            is_open = bar.id not in self._folded
            if is_open == to:
                return False
            self._folded ^= {bar.id}
            self._open(root)
        self._count()
        return True

    def fold_all(self, to: bool) -> bool:
        """Fold all operations, or unfold the first few hundred."""
        self._folded.clear()
        self._bars.clear()
        if to:
            for root in range(min(len(self.roots), 500)):
                self._open(root)
        self._count()
        return True

    # Painting

    def header(self, width: int) -> Line:
        """Return the titles of the columns."""
        time, ms, name, bar = self._widths(width)
        look = self.look
        return [
            (fit("", 2), "dim"),
            (fit(look.cli("column.time"), time, right=True) if time else "", "dim"),
            (fit(look.cli("column.ms"), ms, right=True), "dim"),
            ("  ", ""),
            (fit(look.cli("column.name"), name), "dim"),
            (fit(look("timeline.legend"), bar), "faint"),
        ]

    def _widths(self, width: int) -> tuple[int, int, int, int]:
        time = 10 if width >= 70 else 0
        ms = 8
        rest = max(20, width - time - ms - 5)
        name = max(14, int(rest * (0.52 if width >= 90 else 0.6)))
        return time, ms, name, rest - name

    def line(self, n: int, width: int) -> Line:
        """Return line `n`."""
        root, _ = self._at(n)
        bar = self._bar(n) or self._folded_root(root)
        time, ms, name, bars = self._widths(width)
        look, notes = self.look, self.notes
        sign = (" ", "") if bar.kind == "wait" else mark_of(look, notes, bar.id, bar.row)
        parts: list[Part] = [sign, (" ", "")]
        if time:
            parts.append((fit(self._time(root, bar), time, right=True), "dim"))
        took = "" if bar.end is None or bar.end == bar.start else look.duration(bar.end - bar.start)
        parts.append((fit(took, ms, right=True), "dim" if bar.kind == "wait" else ""))
        parts.append(("  ", ""))
        *signs, (text, ink) = self._label(root, bar)
        text = fit(text, max(0, name - 1 - width_of(signs)))
        parts += [*signs, *highlighted(text, ink, notes.needle), (" ", "")]
        parts += self._drawn(bar, self._span(root), bars)
        return parts

    def _folded_root(self, root: int) -> Bar:
        row = int(self.roots[root])
        head = self.trace.head(row)
        return Bar(
            row=row, id=head.id, kind=head.kind, role="", name=head.name, topic=head.topic, depth=0,
            start=0.0, end=head.ms if head.phase == "end" else None, status=head.status,
            failed=self.trace.failed(row), attempt=0,
        )  # fmt: skip

    def _time(self, root: int, bar: Bar) -> str:
        notes = self.notes
        rows = self.trace.rows_of(self.trace.id_of(int(self.roots[root])))
        begin = self.trace.time_of(rows[0]) + int(bar.start * 1000)
        if notes.time_mode == "absolute":
            return local_clock(begin)
        base = notes.base
        if notes.time_mode == "mark" and notes.mark_time is not None:
            base = notes.mark_time
        return self.look.reltime((begin - base) / 1000)

    def _label(self, root: int, bar: Bar) -> Iterator[Part]:
        look = self.look
        yield "  " * min(bar.depth, 8), ""
        if bar.kind == "wait":
            yield look("timeline.wait"), "bar-wait"
            return
        foldable = bar.kind in {Kind.OPERATION, Kind.CALL} or bar.depth == 0
        is_open = root in self._bars and bar.id not in self._folded
        yield (look.glyph("open" if is_open else "closed") if foldable else " "), "dim"
        glyph = _ROLES.get(bar.role, bar.kind)
        ink = "error" if bar.failed else {"operation": "bold", "call": ""}.get(bar.kind, "dim")
        yield f"{look.glyph(glyph if glyph in _KNOWN else 'leaf')} ", ink
        before, extra = "", ""
        if bar.kind == Kind.EXCHANGE and bar.status is not None:
            before += f"{bar.status} "
        elif bar.kind == Kind.CALL and bar.status is not None:
            extra += f"  {bar.status}"
        if bar.role in _ROLES:
            before += f"{look(f'role.{bar.role}')} "
        if bar.resent:
            extra += f"  {look('timeline.resent', n=bar.resent)}"
        if bar.left_out:
            extra += f"  {look('summary.more-here', n=look.number(bar.left_out))}"
        name = look.rule(bar.name) if bar.kind == Kind.STEP else bar.name
        yield f"{before}{name}{extra}", ink

    def _span(self, root: int) -> float:
        bars = self._all.get(root, ())
        ends = [bar.end if bar.end is not None else bar.start for bar in bars]
        return max(ends, default=0.0) or 1.0

    def _drawn(self, bar: Bar, span: float, width: int) -> Iterator[Part]:
        """Draw one bar on the scale of its operation."""
        look = self.look
        if bar.depth == 0 and bar.kind != "wait" and bar.end is not None and not bar.phases:
            span = max(bar.end - bar.start, 0.001) if span == 1.0 else span
        first = max(0, min(width - 1, int(bar.start / span * width)))
        yield " " * first, ""
        if bar.end is None:
            yield look.glyph("bar"), "bar-error"
            rest = width - first - 1
            words = f" {look('status.unanswered')} "
            yield (look.glyph("hang") * max(0, rest - len(words) - 1)), "bar-error"
            yield words[: max(0, rest)], "error"
            return
        last = max(first + 1, min(width, round(bar.end / span * width)))
        if bar.kind == "wait":
            yield look.glyph("wait") * (last - first), "bar-wait"
        elif bar.end == bar.start:
            yield look.glyph("mark"), "key"
        elif bar.phases and not bar.failed:
            yield from self._phased(bar, first, last, span / width)
        else:
            ink = "bar-error" if bar.failed else self._ink(bar)
            yield look.glyph("bar") * (last - first), ink

    def _ink(self, bar: Bar) -> str:
        return "bar-token" if bar.role == "token" else _INKS.get(bar.kind, "bar-call")

    def _phased(self, bar: Bar, first: int, last: int, per_cell: float) -> Iterator[Part]:
        """Draw each cell as the phase in which its middle lies."""
        ink = self._ink(bar)
        cells = []
        for cell in range(first, last):
            middle = max(bar.start, min((cell + 0.5) * per_cell, bar.end or bar.start))
            name = next((p for p, begin, end in bar.phases if begin <= middle < end), "read")
            cells.append(self.look.glyph(_PHASE_GLYPHS.get(name, name)))
        yield "".join(cells), ink


_KNOWN: Final = frozenset(
    {"operation", "call", "exchange", "step", "gap", "settings", "retry", "token", "redirect",
     "batch", "process", "session"}
)  # fmt: skip
