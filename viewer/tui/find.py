"""Finding things: search, filter, marks and comments."""

from textual import on, work
from textual.message import Message

from viewer.model.filter import Test
from viewer.model.trace import Rows
from viewer.model.visible import visible
from viewer.tui import engine
from viewer.tui.base import Base
from viewer.tui.prompt import Prompt
from viewer.tui.sources import TIME_MODES
from viewer.tui.state import EMPTY


class Found(Message):
    """A search came to its end."""

    def __init__(self, needle: str, rows: Rows, jump: bool) -> None:
        super().__init__()
        self.needle = needle
        self.rows = rows
        self.jump = jump


class Filtered(Message):
    """A filter was applied."""

    def __init__(self, text: str, rows: Rows) -> None:
        super().__init__()
        self.text = text
        self.rows = rows


class Find(Base):
    """The actions that find and note."""

    searches: list[str]
    filters: list[str]

    # The prompt

    async def ask(self, prompt: Prompt) -> None:
        """Open `prompt` in place of the line of keys."""
        for old in self.query(Prompt):
            await old.remove()
        await self.mount(prompt, before="#keys")

    async def _close_prompt(self) -> None:
        for prompt in self.query(Prompt):
            await prompt.remove()
        self.view.focus()

    @on(Prompt.Left)
    async def _left(self) -> None:
        await self._close_prompt()

    @on(Prompt.Entered)
    async def _entered(self, event: Prompt.Entered) -> None:
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
        await self.ask(Prompt("search", self.state.notes.needle, past=self.searches))

    def search_for(self, text: str) -> None:
        """Search `text` in every byte of the trace; empty: search no more."""
        notes = self.state.notes
        notes.needle = text
        notes.hits = EMPTY
        if text:
            self.searches.append(text)
            self._search(text, jump=True)
        self.view.renew()
        self.show_bars()
        self.refresh_detail()

    @work(thread=True, exclusive=True, group="search", exit_on_error=False)
    def _search(self, text: str, *, jump: bool) -> None:
        self.post_message(Found(text, engine.search(self.state.trace, text), jump))

    @on(Found)
    def _found(self, event: Found) -> None:
        notes = self.state.notes
        if event.needle != notes.needle:
            return
        notes.hits = event.rows
        self.view.renew()
        self.show_bars()
        if not len(event.rows):
            self.say("search.nothing", "warning", text=visible(event.needle))
        elif event.jump and self.view.row is not None and not notes.is_hit(self.view.row):
            self.action_next_hit(1)

    def action_next_hit(self, step: int) -> None:
        """Go to the next (1) or previous (-1) row that the search found, in this tab."""
        notes = self.state.notes
        if not notes.needle:
            self.say("search.none-yet", "warning")
            return
        view = self.view
        total = view.count()
        for n in range(1, total + 1):
            at = (view.cursor + step * n) % total
            row = view.source.row(at)
            if row is not None and notes.is_hit(row):
                view.go(at, centre=True)
                self.detail.search(notes.needle, 1)
                return
        self.say("search.not-here", "warning", n=self.look.number(len(notes.hits)))

    # Filter: rows go

    async def action_filter(self) -> None:
        """Ask by what to filter."""
        await self.ask(Prompt("filter", self.state.filter_text, past=self.filters))

    def action_apply(self) -> None:
        """Filter by the finding under the cursor, or by the operation of the event."""
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
            self._keep_cursor()
            return
        self.filters.append(text)
        self._filter(text)

    @work(thread=True, exclusive=True, group="filter", exit_on_error=False)
    def _filter(self, text: str) -> None:
        self.post_message(Filtered(text, engine.search(self.state.trace, text)))

    @on(Filtered)
    def _filtered(self, event: Filtered) -> None:
        state = self.state
        state.filter_text, state.filter_rows, state.filter_on = event.text, event.rows, True
        if state.tab == "summary":
            self.cursors[state.tab] = self.view.cursor
            state.tab = "all"
        self._keep_cursor()

    def _keep_cursor(self) -> None:
        """Show the rows anew with the cursor on the event it was on."""
        row = self.view.row
        self.state.changed()
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
        self._keep_cursor()

    # Marks and comments

    def action_mark(self) -> None:
        """Mark the event under the cursor, or take its mark away."""
        row = self.view.row
        if row is None:
            return
        event_id = self.state.trace.head(row).id
        marks = dict(self.state.notes.marks)
        if event_id in marks:
            del marks[event_id]
        else:
            marks[event_id] = ""
            self.state.notes.mark_time = self.state.trace.time_of(row)
        self._put_marks(marks)

    def _put_marks(self, marks: dict[str, str]) -> None:
        self.state.notes.marks = marks
        if self.state.only_marks:
            self._keep_cursor()
        self.view.renew()
        self.show_bars()

    def action_only_marks(self) -> None:
        """Show only marked events, or all again."""
        if not self.state.notes.marks and not self.state.only_marks:
            self.say("mark.none-yet", "warning")
            return
        self.state.only_marks = not self.state.only_marks
        if self.state.only_marks and self.state.tab == "summary":
            self.state.tab = "all"
        self._keep_cursor()

    async def action_comment(self) -> None:
        """Ask for a comment on the event under the cursor."""
        row = self.view.row
        if row is not None:
            own = self.state.notes.marks.get(self.state.trace.head(row).id, "")
            await self.ask(Prompt("comment", own))

    def _comment(self, text: str) -> None:
        row = self.view.row
        if row is not None:
            event_id = self.state.trace.head(row).id
            self._put_marks({**self.state.notes.marks, event_id: text.strip()})

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
