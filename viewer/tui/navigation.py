"""Moving about: tabs, panes, errors, operations, slow events, marks, links."""

from typing import TYPE_CHECKING

from textual import on

from tracer.schema.events import Kind
from viewer.tui.bars import TabBar
from viewer.tui.base import Base
from viewer.tui.detail import PAGES, DetailTabs, DetailView
from viewer.tui.lineview import LineView

if TYPE_CHECKING:
    from viewer.model.finding import Evidence
    from viewer.model.trace import Rows

SLOW_MS = 2000


class Navigation(Base):
    """The actions that change where one is."""

    # Messages of the widgets

    @on(LineView.Moved, "#list")
    def _list_moved(self) -> None:
        if not self.has_trace:
            return
        self.cursors[self.state.tab] = self.view.cursor
        self.show_detail()
        self.show_bars()

    @on(LineView.Chosen, "#list")
    def _list_chosen(self) -> None:
        finding = self.view.source.finding(self.view.cursor)
        if finding is not None and finding.evidence:
            self.show_evidence(finding.evidence[0])
            return
        if self.view.source.foldable and self.view.source.toggle(self.view.cursor):
            self.view.renew()
            return
        self.add_class("-opened")
        self.detail.focus()
        self.show_bars()

    @on(TabBar.Picked)
    def _tab_picked(self, event: TabBar.Picked) -> None:
        self.open_tab(event.tab)

    @on(DetailTabs.Picked)
    def _page_picked(self, event: DetailTabs.Picked) -> None:
        self.open_page(event.page)

    @on(DetailView.Followed)
    def _followed(self, event: DetailView.Followed) -> None:
        self.follow_link(event.target)

    def show_evidence(self, evidence: "Evidence") -> None:
        """Show the field that speaks; where list and detail have no room beside each other, it."""
        page = page_of(evidence.path)
        found = self.go_to_event(evidence.event, field=evidence.path, page=page)
        if found and self.has_class("-narrow"):
            self.add_class("-opened")
            self.detail.focus()

    def follow_link(self, target: str) -> None:
        """Go where a line of the detail leads."""
        scheme, _, rest = target.partition(":")
        if scheme == "event":
            self.go_to_event(rest)
        elif scheme == "evidence":
            n, _, at = rest.partition(":")
            self.show_evidence((self.state.findings or [])[int(n)].evidence[int(at)])
        elif scheme == "finding":
            self.open_tab("summary")
            wanted = (self.state.findings or [])[int(rest)]
            source = self.view.source
            at_row = next((n for n in range(len(source)) if source.finding(n) is wanted), 0)
            self.view.go(at_row, centre=True)
        elif scheme == "account":
            from viewer.model.filter import Test

            self.use_filter(str(Test("account", ":", rest)))
        elif scheme == "text":
            self.search_for(rest)

    # Tabs and pages

    def action_tab(self, number: int) -> None:
        """Open tab `number`, counted from 1."""
        tabs = self.state.tabs()
        if number <= len(tabs):
            self.open_tab(tabs[number - 1].id)

    def action_next_tab(self, step: int) -> None:
        """Open the next or the previous tab."""
        ids = [tab.id for tab in self.state.tabs()]
        self.open_tab(ids[(ids.index(self.state.tab) + step) % len(ids)])

    def open_page(self, page: str) -> None:
        """Bring a page of the detail to the front."""
        self.page = page
        self.show_detail()

    def action_next_page(self, step: int) -> None:
        """Open the next or the previous page of the detail."""
        at = PAGES.index(self.page) if self.page in PAGES else 0
        self.open_page(PAGES[(at + step) % len(PAGES)])

    def action_pretty(self) -> None:
        """Switch between the exact line and the page before."""
        if self.page == "raw":
            self.open_page(self.pretty_page)
        else:
            self.pretty_page = self.page
            self.open_page("raw")

    # Back

    def action_back(self) -> None:
        """Leave the detail, else go back to where the last link was followed."""
        if self.has_class("-opened") or isinstance(self.focused, DetailView):
            self.remove_class("-opened")
            self.view.focus()
            self.show_bars()
        elif self.history:
            tab, at = self.history.pop()
            self.open_tab(tab)
            self.view.go(at, centre=True)
        elif self.state.notes.needle:
            self.search_for("")

    def action_back_or_quit(self) -> None:
        """Leave the detail, else go back from a link; from there, to the sessions or out."""
        if self.has_class("-opened") or isinstance(self.focused, DetailView) or self.history:
            self.action_back()
        else:
            self.leave()

    # From event to event

    def action_error(self, step: int) -> None:
        """Go to the next or previous failed event of this tab."""
        import numpy as np

        trace = self.state.trace
        failed = trace.select(errors=True)
        gaps = trace.select(kinds=[Kind.GAP])
        self._jump(step, np.setdiff1d(failed, gaps, assume_unique=True), "error")

    def action_warning(self, step: int) -> None:
        """Go to the next or previous event that failed, is a gap, or that a finding points at."""
        import numpy as np

        from viewer.model.store import each_once

        trace = self.state.trace
        cited = [e.event for finding in self.state.findings or () for e in finding.evidence]
        rows = np.array([row for row in map(trace.row_of, cited) if row is not None], np.int64)
        self._jump(step, each_once(np.concatenate([trace.select(errors=True), rows])), "warning")

    def action_slow(self, step: int) -> None:
        """Go to the next or previous event that took long, or was never answered."""
        from viewer.model.filter import parse
        from viewer.model.sieve import apply

        slow = apply(self.state.trace, parse(f"ms>={SLOW_MS} or is:unanswered"))
        self._jump(step, slow, "slow")

    def action_same_operation(self, step: int) -> None:
        """Go to the next or previous event of the same operation."""
        row = self.view.row
        op = self.state.trace.head(row).op if row is not None else None
        if op is None:
            self.say("jump.no-operation", "warning")
            return
        self._jump(step, self.state.trace.op_rows(op), "operation")

    def action_marked(self, step: int) -> None:
        """Go to the next or previous marked event."""
        import numpy as np

        rows = [self.state.trace.row_of(event_id) for event_id in self.state.marks.comments]
        marked = np.array(sorted(row for row in rows if row is not None), dtype=np.int64)
        self._jump(step, marked, "mark")

    def _jump(self, step: int, rows: "Rows", what: str) -> None:
        at = self.view.source.next_of(rows, self.view.cursor, step)
        if at is None:
            side = "next" if step > 0 else "previous"
            self.say(f"jump.none-{side}", what=self.look(f"jump.{what}"))
        else:
            self.view.go(at, centre=True)


def page_of(path: str) -> str:
    """Return the page of the detail that shows the field at `path`."""
    if path.startswith("request"):
        return "request"
    return "response" if path.startswith("response") else "overview"
