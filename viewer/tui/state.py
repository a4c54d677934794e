"""What the interface knows, without a widget: the trace, the tabs and what they show."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from tracer.schema.events import Kind, Topic
from viewer.model.finding import Finding, Severity
from viewer.model.marks import Marks, load_marks
from viewer.model.timeline import is_among
from viewer.model.trace import Rows, Trace
from viewer.tui.bars import Tab
from viewer.tui.eventsource import EventSource, Notes
from viewer.tui.look import SEVERITIES, Look
from viewer.tui.resolutions import ResolutionSource, decisions
from viewer.tui.session import session_source
from viewer.tui.sources import Item, ItemSource, plain
from viewer.tui.timeline import TimelineSource, roots

_TOPIC_TABS: Final = (
    Topic.GMAIL, Topic.DIRECTORY, Topic.AUTH, Topic.CONTACTS, Topic.CALENDAR, Topic.SMTP,
    Topic.EWS, Topic.MAPI, Topic.LDAP, Topic.HTTP, Topic.SETTINGS,
)  # fmt: skip
AnySource = EventSource | TimelineSource | ItemSource
EMPTY: Final = np.empty(0, np.int64)


class State:
    """The trace and how it is looked at."""

    def __init__(self, look: Look, paths: Sequence[str]) -> None:
        self.look = look
        self.paths = list(paths)
        self.trace = Trace(())
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
        self._missing: tuple[int, int] | None = None
        self._totals: dict[str, int] = {}
        self._span = ("", "")

    def opened(self, trace: Trace) -> None:
        """Look at `trace` from now on."""
        self.trace = trace
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
        self._missing = None
        self._totals.clear()
        self._span = ("", "")

    def rows_changed(self) -> None:
        """Choose the rows of each tab anew: the filter or the marks changed, not the trace."""
        self._sources.clear()

    def tabs_changed(self) -> None:
        """Make the labels of the tabs anew."""
        self._tabs = []

    def span(self) -> tuple[str, str]:
        """Return the first and the last timestamp of the trace."""
        if not self._span[0] and len(self.trace):
            self._span = self.trace.head(0).ts, self.trace.head(len(self.trace) - 1).ts
        return self._span

    def missing(self) -> tuple[int, int]:
        """Return how many gaps the trace declares, and how many lines are damaged."""
        if self._missing is None:
            gaps = len(self.trace.select(kinds=[Kind.GAP])) if len(self.trace) else 0
            self._missing = gaps, len(self.trace.damage)
        return self._missing

    # Tabs

    def tabs(self) -> list[Tab]:
        """Return the tabs of this trace, with how much is in them and how bad it is."""
        if not self._tabs:
            self._tabs = list(self._make_tabs())
        return self._tabs

    def _make_tabs(self) -> list[Tab]:
        counts = self.trace.topic_counts()
        worst = self.trace.worst()
        for finding in self.findings or ():
            worst[finding.topic] = max(finding.severity, worst.get(finding.topic, Severity.CHAT))
        overall = max(worst.values(), default=Severity.CHAT)
        found = None if self.findings is None else len(self.findings)
        tabs = [self._tab("summary", found, overall), self._tab("timeline", None)]
        if counts.get(Topic.RESOLUTION):
            resolved = self.all_rows("resolution")
            tabs.append(self._tab("resolution", len(resolved), worst.get(Topic.RESOLUTION)))
        for topic in _TOPIC_TABS:
            if counts.get(topic):
                tabs.append(self._tab(topic, counts[topic], worst.get(topic)))
        tabs.append(self._tab("all", sum(counts.values())))
        tabs.append(self._tab("session", None, worst.get(Topic.SESSION)))
        return tabs

    def _tab(self, own: str, count: int | None, severity: Severity | None = None) -> Tab:
        shown = severity is not None and severity >= Severity.WARNING
        name = SEVERITIES[severity] if shown and severity is not None else ""
        return Tab(str(own), self.look(f"tab.{own}"), count, name, self._hits(str(own)))

    def _hits(self, own: str) -> int:
        """Return how many rows of a tab the search found, as its label shows it."""
        return len(self.notes.hits) if own == "all" else self.hits_by_topic.get(own, 0)

    # Rows

    def all_rows(self, tab: str) -> Rows:
        """Return the rows of `tab` without any filter."""
        if tab == "all":
            return self.trace.shown()
        if tab == "timeline":
            return roots(self.trace, None)
        if tab == "resolution":
            return decisions(self.trace)
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
