"""Finding things: search, filter, marks and comments."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from textual import on, work
from textual.message import Message
from textual.worker import get_current_worker

from viewer.model.visible import visible
from viewer.tui.asking import Entered, Left
from viewer.tui.base import Base
from viewer.tui.sources import TIME_MODES

if TYPE_CHECKING:
    from viewer.model.search import Search
    from viewer.model.sieve import Context
    from viewer.model.trace import Rows

_SLICE = 0.05
"""Seconds of searching between two reports."""


class Found(Message):
    """A search found more, or came to its end."""

    def __init__(self, search: "Search", rows: "Rows", *, done: bool) -> None:
        super().__init__()
        self.search = search
        self.rows = rows
        self.by_topic = search.by_topic() if done else {}
        self.done = done


class Filtered(Message):
    """A filter was applied."""

    def __init__(self, text: str, rows: "Rows") -> None:
        super().__init__()
        self.text = text
        self.rows = rows


class Find(Base):
    """The actions that find and note."""

    searches: list[str]
    filters: list[str]
    searching: "Search | None" = None

    # The prompt

    async def ask(self, purpose: str, text: str = "", **options: Any) -> None:
        """Open the prompt for `purpose` above the line of keys."""
        from viewer.tui.prompt import Prompt  # its input line costs a tenth of the first paint

        for old in self.query("#prompt"):
            await old.remove()
        await self.mount(Prompt(purpose, text, **options), before="#keys")

    async def _close_prompt(self) -> None:
        for prompt in self.query("#prompt"):
            await prompt.remove()
        self.view.focus()

    @on(Left)
    async def _left(self) -> None:
        await self._close_prompt()

    @on(Entered)
    async def _entered(self, event: Entered) -> None:
        await self._close_prompt()
        if event.purpose == "search":
            self.search_for(event.text)
        elif event.purpose == "filter":
            self.use_filter(event.text)
        elif event.purpose == "comment":
            self._comment(event.text)

    # Search: rows stay

    async def action_search(self) -> None:
        """Ask what to search."""
        await self.ask("search", self.state.notes.needle, past=self.searches)

    def search_for(self, text: str) -> None:
        """Search `text` in every byte of the trace; empty: search no more."""
        from viewer.model.search import Search
        from viewer.tui.state import EMPTY

        notes = self.state.notes
        notes.needle, notes.hits, self.state.hits_by_topic = text, EMPTY, {}
        self.workers.cancel_group(self, "search")
        self.searching = None
        if text:
            self.searches.append(text)
            self.searching = Search(self.state.trace, text)
            self._search(self.searching)
        self._show_hits()

    @work(thread=True, exclusive=True, group="search", exit_on_error=False)
    def _search(self, search: "Search") -> None:
        worker, known = get_current_worker(), 0
        while search.step(_SLICE) and not worker.is_cancelled:
            if len(search.rows) > known:
                known = len(search.rows)
                self.post_message(Found(search, search.rows, done=False))
        self.post_message(Found(search, search.rows, done=True))

    @on(Found)
    def _found(self, event: Found) -> None:
        notes = self.state.notes
        if event.search is not self.searching:
            return
        first = not len(notes.hits)
        notes.hits = event.rows
        self.state.hits_by_topic = event.by_topic
        self._show_hits()
        if event.done and not len(event.rows):
            self.say("search.nothing", "warning", text=visible(notes.needle))
        elif first and len(event.rows) and not (self.view.row and notes.is_hit(self.view.row)):
            self.action_next_hit(1, quiet=not event.done)

    def _show_hits(self) -> None:
        self.state.tabs_changed()
        self.view.renew()
        self.show_bars()
        self.detail.mark(self.state.notes.needle)

    def action_next_hit(self, step: int, *, quiet: bool = False) -> None:
        """Go to the next (1) or previous (-1) row that the search found, in this tab."""
        notes = self.state.notes
        if not notes.needle:
            self.say("search.none-yet", "warning")
            return
        at = self.view.source.next_of(notes.hits, self.view.cursor, step, wrap=True)
        if at is None:
            if not quiet:
                self.say("search.not-here", "warning", n=self.look.number(len(notes.hits)))
            return
        self.view.go(at, tell=False, centre=True)
        self.cursors[self.state.tab] = at
        self.show_bars()
        self.show_detail()
        self.detail.search(notes.needle, 1)
        row = self.view.row
        if self.searching and row is not None and self.searching.only_redacted(row):
            self.say("search.redacted")

    # Filter: rows go

    async def action_filter(self) -> None:
        """Ask by what to filter."""
        await self.ask(
            "filter", self.state.filter_text, past=self.filters, check=self.check_filter,
            complete=self.complete_filter,
        )  # fmt: skip

    def check_filter(self, text: str) -> str:
        """Return what a filter means, or after ``!`` what is wrong with it."""
        if not text.strip():
            return self.look("prompt.filter.hint")
        from viewer.model import filter_help
        from viewer.model.filter import FilterError, parse

        try:
            return filter_help.sentence(parse(text), self.look.model)
        except FilterError as error:
            return f"!{self.look.model(f'filter.{error.code}', **error.args_of_text)}"

    def filter_sentence(self) -> str:
        """Return the filter in words."""
        return self.check_filter(self.state.filter_text)

    def complete_filter(self, text: str) -> Sequence[str]:
        """Return what the filter could become."""
        from viewer.model import filter_help

        offers = filter_help.complete(text, trace=self.state.trace)
        return [text[: offer.begin] + offer.text for offer in offers]

    def action_apply(self) -> None:
        """Filter by the finding under the cursor, or by the operation of the event."""
        from viewer.model.filter import Test

        finding = self.view.source.finding(self.view.cursor)
        row = self.view.row
        if finding is not None:
            self.use_filter(str(Test("finding", ":", finding.rule)))
        elif row is not None and (op := self.state.trace.head(row).op):
            self.use_filter(str(Test("op", ":", op)))

    def use_filter(self, text: str) -> None:
        """Filter by `text`; empty: show everything."""
        state = self.state
        if not text.strip():
            state.filter_text, state.filter_on = "", False
            self.keep_cursor()
            return
        from viewer.model.filter import FilterError, parse

        try:
            parse(text)
        except FilterError:
            self.say("filter.wrong", "error", text=visible(self.check_filter(text)[1:]))
            return
        if text not in self.filters:
            self.filters.append(text)
        self._filter(text, self._filter_context())

    def _filter_context(self) -> "Context":
        from viewer.model.sieve import Context

        evidence: dict[str, frozenset[str]] = {}
        for finding in self.state.findings or ():
            known = evidence.get(finding.rule, frozenset())
            evidence[finding.rule] = known | {one.event for one in finding.evidence}
        return Context(frozenset(self.state.marks.comments), evidence)

    @work(thread=True, exclusive=True, group="filter", exit_on_error=False)
    def _filter(self, text: str, context: "Context") -> None:
        from viewer.model.filter import parse
        from viewer.model.sieve import apply

        self.post_message(Filtered(text, apply(self.state.trace, parse(text), context)))

    @on(Filtered)
    def _filtered(self, event: Filtered) -> None:
        state = self.state
        state.filter_text, state.filter_rows, state.filter_on = event.text, event.rows, True
        if state.tab == "summary":
            self.open_tab("all")
        self.keep_cursor()

    def keep_cursor(self) -> None:
        """Show the rows anew with the cursor on the event it was on."""
        row = self.view.row
        self.state.rows_changed()
        source = self.state.source(self.state.tab)
        if row is not None:
            self.cursors[self.state.tab] = source.find(row)
        self.show_all()

    def action_toggle_filter(self) -> None:
        """Switch the filter off or on, the cursor kept on its event."""
        if not self.state.filter_text:
            self.say("filter.none-yet", "warning")
            return
        self.state.filter_on = not self.state.filter_on
        self.keep_cursor()

    # Marks and comments

    def action_mark(self) -> None:
        """Mark the event under the cursor, or take its mark away."""
        row = self.view.row
        if row is None:
            return
        if self.state.marks.toggle(self.state.trace.head(row).id):
            self.state.notes.mark_time = self.state.trace.time_of(row)
        self._marked()

    def _marked(self) -> None:
        if self.state.only_marks:
            self.keep_cursor()
        self.view.renew()
        self.show_bars()

    def action_only_marks(self) -> None:
        """Show only marked events, or all again."""
        state = self.state
        if not state.marks.comments and not state.only_marks:
            self.say("mark.none-yet", "warning")
            return
        if not state.only_marks and state.tab == "summary":
            self.open_tab("all")
        state.only_marks = not state.only_marks
        self.keep_cursor()

    async def action_comment(self) -> None:
        """Ask for a comment on the event under the cursor."""
        row = self.view.row
        if row is not None:
            own = self.state.marks.comments.get(self.state.trace.head(row).id, "")
            await self.ask("comment", visible(own))

    def _comment(self, text: str) -> None:
        row = self.view.row
        if row is not None:
            self.state.marks.comment(self.state.trace.head(row).id, text.strip())
            self._marked()
            self.refresh_detail()

    # Time

    def action_time_mode(self) -> None:
        """Count time from the beginning, as the clock, or from the last mark."""
        notes = self.state.notes
        at = TIME_MODES.index(notes.time_mode)
        notes.time_mode = TIME_MODES[(at + 1) % len(TIME_MODES)]
        if notes.time_mode == "mark" and notes.mark_time is None:
            notes.time_mode = TIME_MODES[0]
        self.view.renew()
        self.show_bars()
