"""The main screen without its actions: what is where, and how it is brought up to date."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from textual.app import ComposeResult
from textual.containers import Container
from textual.messages import Update
from textual.screen import Screen

from viewer.model.counts import Counts
from viewer.model.kept import counts_of
from viewer.model.visible import visible
from viewer.tui.bars import FilterBar, KeyBar, Tab, TabBar, TitleBar
from viewer.tui.detail import PAGES, DetailTabs, DetailView, message_page
from viewer.tui.early import early_source
from viewer.tui.eventlist import EventList, ListHead
from viewer.tui.labels import extent, missing, tabs_of
from viewer.tui.look import Look
from viewer.tui.lookapp import Painted, app_of
from viewer.tui.paint import Part
from viewer.tui.sources import Source

if TYPE_CHECKING:
    from textual.widget import Widget

    from viewer.tui.feeder import Feeder
    from viewer.tui.state import State

_BREAKPOINTS = [(0, "-narrow"), (90, "-medium"), (140, "-wide")]
"""Columns of the terminal from which on the screen has a class."""
_HEIGHTS = [(0, "-low"), (20, "-tall")]
"""The same for lines."""


class Pane(Container):
    """Holds others, which cover it: it paints nothing."""

    BLANK = True


class Base(Screen[None]):
    """Title, tabs, filter line, list, detail, keys."""

    BLANK = True  # its widgets cover it
    HORIZONTAL_BREAKPOINTS = _BREAKPOINTS
    VERTICAL_BREAKPOINTS = _HEIGHTS

    def __init__(self) -> None:
        super().__init__()
        self.page = "overview"
        self.pages = {"resolution": "why"}
        """The page of the detail that was last open in a tab."""
        self.pretty_page = "overview"
        self.detail_mode = "normal"
        self.following = False
        self.progress: float | None = None
        """How much is indexed; None: everything."""
        self.diagnosing: float | None = None
        """How much the search for causes has looked at; None: it is done."""
        self.shown_id = ""
        """The id of the event under the cursor: rows can get other numbers."""
        self.history: list[tuple[str, int]] = []
        self._shown: tuple[Any, ...] = ()
        self.cursors: dict[str, int] = {}

    def compose(self) -> ComposeResult:
        """Make the widgets; few, so that the first paint is early."""
        # Textual would tell only after the first frame, and lay everything out a second time.
        fitting = [name for least, name in _BREAKPOINTS if self.app.size.width >= least]
        heights = [name for least, name in _HEIGHTS if self.app.size.height >= least]
        self.add_class(fitting[-1], heights[-1])
        yield TitleBar(id="title")
        yield TabBar(id="tabs")
        yield FilterBar(id="filter")
        with Pane(id="panes"):
            with Pane(id="list-pane"):
                yield ListHead(id="head")
                yield EventList(id="list")
            with Pane(id="detail-pane"):
                yield DetailTabs(id="pages")
                yield DetailView(id="detail")
        yield KeyBar(id="keys")

    # Shorthands

    @property
    def look(self) -> Look:
        """Language and glyphs."""
        return app_of(self).look

    @property
    def state(self) -> "State":
        """The trace and how it is looked at."""
        return cast("Feeder", self.app).state

    @property
    def has_trace(self) -> bool:
        """Whether there is a trace to look at yet."""
        return cast("Feeder", self.app).has_trace

    @property
    def view(self) -> EventList:
        """The list."""
        return self.query_one("#list", EventList)

    @property
    def detail(self) -> DetailView:
        """The detail."""
        return self.query_one("#detail", DetailView)

    def say(self, message_id: str, severity: str = "information", **values: Any) -> None:
        """Show a toast."""
        app_of(self).say(message_id, severity, **values)

    # What the parts of the screen do for each other

    def use_filter(self, text: str) -> None:
        """Filter by `text`."""
        raise NotImplementedError

    def search_for(self, text: str) -> None:
        """Search `text` in the whole trace."""
        raise NotImplementedError

    def leave(self) -> None:
        """Leave the trace."""
        raise NotImplementedError

    # Bringing up to date

    def show_early(self, paths: Sequence[str]) -> None:
        """Show the first rows of a file that is not open yet."""
        look = self.look
        name = paths[0].replace("\\", "/").split("/")[-1] if paths else ""
        title = self.query_one("#title", TitleBar)
        counts = counts_of(paths)
        parts = (("traceview ", "title"), (name, "bold"), *extent(counts or Counts(), look))
        title.show(parts, ((look("summary.reading"), "dim"),))
        tabs = (
            [Tab(own, look(f"tab.{own}")) for own in ("summary", "timeline")]
            if counts is None
            else tabs_of(counts, look, None, {})
        )
        self.query_one("#tabs", TabBar).show(tabs, "summary")
        self.query_one("#keys", KeyBar).show(self.keys())
        source = early_source(paths, look)
        self.query_one("#head", ListHead).source = source
        self.view.show(source)
        self.query_one("#pages", DetailTabs).show((), "")
        self.detail.show(message_page(look("summary.reading")))

    def show_all(self, *, keep_scroll: bool = False) -> None:
        """Show the tab in front anew: its rows may have changed."""
        state = self.state
        if state.tab not in {tab.id for tab in state.tabs()}:
            state.tab = "summary"
        self.set_class(state.tab == "summary" and bool(state.findings), "-answer")
        source = state.source(state.tab)
        at = self.cursors.get(state.tab, 0)
        self.query_one("#head", ListHead).source = source
        self.query_one("#head", ListHead).refresh()
        self.view.show(source, max(0, min(at, len(source) - 1)), keep_scroll=keep_scroll)
        self.show_bars()
        self.show_detail()

    def show_bars(self) -> None:
        """Show title, tabs, filter line and keys."""
        state = self.state
        self.query_one("#title", TitleBar).show(*self._title())
        self.query_one("#tabs", TabBar).show(state.tabs(), state.tab)
        self.query_one("#filter", FilterBar).show(self._filter_parts(), self._position_parts())
        self.query_one("#keys", KeyBar).show(self.keys())
        self.paint_together()

    def paint_together(self) -> None:
        """Have all that has changed in the next frame.

        A widget asks for its frame when it is idle itself. The screen would paint the first of
        them at once and the others a sixtieth of a second later.
        """
        painted: tuple[Widget, ...] = (
            *self.query(Painted), self.view, self.view.vertical_scrollbar,
            self.detail, self.detail.vertical_scrollbar,
        )  # fmt: skip
        for widget in painted:
            self.post_message(Update(widget))

    def keys(self) -> list[tuple[str, str, str]]:
        """Return what the line of keys offers."""
        return []

    def _title(self) -> tuple[list[Part], list[Part]]:
        state, look = self.state, self.look
        paths = [path.replace("\\", "/").split("/")[-1] for path in state.paths]
        left: list[Part] = [("traceview ", "title"), (paths[0] if paths else "", "bold")]
        if len(paths) > 1:
            left.append((f" (+{len(paths) - 1})", "dim"))
        left += extent(state.counts, look)
        right: list[Part] = []
        if self.progress is not None:
            right.append((f" {look('title.progress', percent=f'{self.progress:.0%}')} ", "warning"))
        if self.diagnosing is not None:
            text = look("title.diagnosing", percent=f"{self.diagnosing:.0%}")
            right.append((f" {text} ", "dim"))
        right += missing(state.counts, look)
        for what in {notice.partition(" ")[0]: None for notice in state.trace.notices}:
            text = look(f"session.{what}")
            right.append((f" {look.glyph('warning')} {text}", "warning"))
        if self.following:
            right.append((f" {look('title.following')}", "ok"))
        return left, [*right, (" ", "")]

    def _filter_parts(self) -> list[Part]:
        state, look = self.state, self.look
        parts: list[Part] = []
        if state.filter_text:
            name = "filter.on" if state.filter_on else "filter.off"
            parts += [(f" {look(name)} ", "keycap" if state.filter_on else "dim")]
            parts.append((self.filter_sentence(), "" if state.filter_on else "faint"))
        if state.only_marks:
            parts.append((f" {look('filter.marks')}", "mark"))
        if state.notes.needle:
            found = look("search.found", n=look.number(len(state.notes.hits)))
            parts += [(f"  / {state.notes.needle}", "keycap"), (f" {found}", "dim")]
        if not parts:
            parts.append((f" {look(f'tab.{state.tab}.hint')}", "dim"))
        return parts

    def filter_sentence(self) -> str:
        """Return the filter in words."""
        return self.state.filter_text

    def _position_parts(self) -> list[Part]:
        look = self.look
        shown, total = self.state.count_of(self.state.tab)
        mode = self.state.notes.time_mode
        words = look("position.of", n=look.number(shown), m=look.number(total))
        lines = self.view.count()
        at = f"{look.number(self.view.cursor + 1 if lines else 0)}/{look.number(lines)} "
        extra = f" {look(f'time.{mode}')} " if mode != "relative" else " "
        return [(extra, "keycap"), (at, "dim"), (f"{words} " if shown != total else "", "warning")]

    # The detail

    def show_detail(self, *, field: str = "") -> None:
        """Show the page of what is under the cursor."""
        from viewer.tui.pages import event_page, finding_page
        from viewer.tui.record import load

        finding = self.view.source.finding(self.view.cursor)
        row = self.view.row
        trace = self.state.trace
        self.shown_id = trace.head(row).id if row is not None and row < len(trace) else ""
        key = (self.state.tab, self.view.cursor, row, id(finding), self.page, field)
        if key == self._shown:
            return
        self._shown = key
        pages = self.query_one("#pages", DetailTabs)
        if finding is not None:
            pages.show(("finding",), "finding")
            self.detail.show(finding_page(self.state, finding))
        elif row is None or row >= len(self.state.trace):
            pages.show((), "")
            self.detail.show(message_page(self.look("detail.nothing")))
        else:
            pages.show(PAGES, self.page)
            self.detail.needle = self.state.notes.needle
            record = load(self.state.trace, row)
            self.detail.show(event_page(self.state, record, self.page), field=field)
            self.paint_together()

    def refresh_detail(self, *, field: str = "") -> None:
        """Make the detail anew, though it is for the same row."""
        self._shown = ()
        self.show_detail(field=field)

    # Tabs and places

    def open_tab(self, tab: str) -> None:
        """Bring `tab` to the front, with the cursor where it was."""
        self.cursors[self.state.tab] = self.view.cursor
        self.pages[self.state.tab] = self.page
        self.state.tab = tab
        self.page = self.pages.get(tab, "overview")
        self.show_all()

    def go_to_row(
        self, row: int, *, field: str = "", page: str = "", tab: str | None = None
    ) -> None:
        """Show the event `row`: in this tab if it is there, else in its topic's; on `page`."""
        state = self.state
        here = state.source(state.tab)
        target = tab or state.tab
        # a finding stands in the summary for its evidence, which is shown elsewhere
        if tab is None and (state.tab == "summary" or not _holds(here, row)):
            topic = state.trace.head(row).topic
            known = {own.id for own in state.tabs()}
            target = topic if topic in known and topic != "resolution" else "all"
        if not _holds(state.source(target), row):
            if state.filter_on or state.only_marks:
                state.filter_on = state.only_marks = False
                state.rows_changed()
                self.say("filter.dropped")
            if not _holds(state.source(target), row):
                target = "all"
        self.history.append((state.tab, self.view.cursor))
        if target != state.tab:
            self.open_tab(target)
        self.page = page or self.page
        self.view.go(self.view.source.find(row), tell=False, centre=True)
        self.cursors[state.tab] = self.view.cursor
        self.show_bars()
        self.refresh_detail(field=field)

    def go_to_event(self, event_id: str, *, field: str = "", page: str = "") -> bool:
        """Show the event with this id; tell whether there is one."""
        row = self.state.trace.row_of(event_id)
        if row is None:
            self.say("detail.absent", "warning", id=visible(event_id))
            return False
        self.go_to_row(row, field=field, page=page)
        return True


def _holds(source: Source, row: int) -> bool:
    source.reveal(row)
    return len(source) > 0 and source.row(source.find(row)) == row
