"""What the interface knows, without a widget: the trace, the tabs and what they show."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from viewer.model.counts import Counts
from viewer.model.kept import counts_of
from viewer.model.marks import Marks, load_marks
from viewer.model.timeline import is_among
from viewer.model.trace import Rows, Trace
from viewer.tui.bars import Tab
from viewer.tui.eventsource import EventSource, Notes
from viewer.tui.labels import tabs_of
from viewer.tui.look import Look
from viewer.tui.resolutions import ResolutionSource
from viewer.tui.session import session_source
from viewer.tui.sources import Item, ItemSource, plain
from viewer.tui.timeline import TimelineSource, roots

if TYPE_CHECKING:
    from viewer.model.finding import Finding

AnySource = EventSource | TimelineSource | ItemSource
EMPTY: Final = np.empty(0, np.int64)


class State:
    """The trace and how it is looked at."""

    def __init__(self, look: Look, paths: Sequence[str]) -> None:
        self.look = look
        self.paths = list(paths)
        self.trace = Trace(())
        self.counts = counts_of(paths) or Counts()
        """What a worker has counted in the trace: counting it holds up whoever does."""
        self.marks = Marks(None)
        self.notes = Notes(marks=self.marks)
        self.hits_by_topic: dict[str, int] = {}
        self.findings: list[Finding] | None = None
        self.summary: ItemSource | None = None
        self.filter_text = ""
        self.filter_rows: Rows = EMPTY
        self.filter_on = False
        self.only_marks = False
        self.tab = "summary"
        self._sources: dict[str, AnySource] = {}
        self._tabs: list[Tab] = []
        self._totals: dict[str, int] = {}

    def opened(self, trace: Trace, counts: Counts) -> None:
        """Look at `trace` from now on."""
        self.trace, self.counts = trace, counts
        self.notes.base = trace.time_of(0) if len(trace) else 0
        self.findings = None
        self.summary = None
        self.marks = load_marks(self.paths)
        self.notes.marks = self.marks
        self.changed()

    def changed(self) -> None:
        """Forget what was made from the rows as they were."""
        self.rows_changed()
        self.tabs_changed()
        self._totals.clear()

    def rows_changed(self) -> None:
        """Choose the rows of each tab anew: the filter or the marks changed, not the trace."""
        self._sources.clear()

    def tabs_changed(self) -> None:
        """Make the labels of the tabs anew."""
        self._tabs = []

    # Tabs

    def tabs(self) -> list[Tab]:
        """Return the tabs of this trace, with how much is in them and how bad it is."""
        if not self._tabs:
            hits = {**self.hits_by_topic, "all": len(self.notes.hits)}
            self._tabs = tabs_of(self.counts, self.look, self.findings, hits)
        return self._tabs

    # Rows

    def all_rows(self, tab: str) -> Rows:
        """Return the rows of `tab` without any filter."""
        if tab == "all":
            return self.trace.shown()
        if tab == "timeline":
            return roots(self.trace, None)
        if tab == "resolution":
            return self.trace.resolutions()
        return self.trace.select(topics=[tab])

    def rows(self, tab: str) -> Rows:
        """Return the rows of `tab` that the filter and the marks let through."""
        rows = self._filtered(tab) if self.filter_on else self.all_rows(tab)
        if self.only_marks:
            marked = [self.trace.row_of(event_id) for event_id in self.marks.comments]
            known = np.array(sorted(row for row in marked if row is not None), dtype=np.int64)
            rows = known[is_among(known, rows)]
        return rows

    def _filtered(self, tab: str) -> Rows:
        passed = self.filter_rows[self.filter_rows < len(self.trace)]  # a file may begin anew
        if tab == "timeline":
            return roots(self.trace, passed)
        if tab == "resolution":
            rows, ops = self.all_rows(tab), self.trace.column("op")
            kept = np.isin(ops[rows], ops[passed])
        else:
            here = self.trace.codes.table(lambda topic, _kind, _phase: tab in {"all", topic})
            rows, kept = passed, here[self.trace.column("sort")[passed]]
        shown: Rows = rows[kept]
        return shown

    def source(self, tab: str) -> AnySource:
        """Return what `tab` shows."""
        source = self._sources.get(tab)
        if source is None:
            source = self._sources[tab] = self._make_source(tab)
        return source

    def _make_source(self, tab: str) -> AnySource:
        if tab == "summary":
            waiting = Item(plain((self.look("summary.reading"), "dim")))
            return self.summary or ItemSource([waiting])
        if tab == "session":
            return session_source(self.trace, self.look)
        if tab == "timeline":
            return TimelineSource(self.trace, self.rows(tab), self.look, self.notes)
        if tab == "resolution":
            return ResolutionSource(self.trace, self.rows(tab), self.look, self.notes)
        return EventSource(self.trace, self.rows(tab), self.look, self.notes)

    def count_of(self, tab: str) -> tuple[int, int]:
        """Return how many rows of `tab` are shown, and how many there are."""
        source = self.source(tab)
        if isinstance(source, ItemSource):
            return len(source), len(source)
        shown = len(source.roots if isinstance(source, TimelineSource) else source.rows)
        if not (self.filter_on or self.only_marks):
            return shown, shown
        if tab not in self._totals:
            self._totals[tab] = len(self.all_rows(tab))
        return shown, self._totals[tab]
