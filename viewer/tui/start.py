"""The start screen: the recorded sessions, and debug on and off, as in the ERP's menu."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.message import Message

from tracer.control import (
    ControlError,
    SessionFile,
    State,
    home,
    sessions,
    state,
    turn_off,
    turn_on,
)
from viewer.model.visible import visible
from viewer.tui.asking import Entered, Left, Open
from viewer.tui.bars import FilterBar, KeyBar, TitleBar
from viewer.tui.help import HelpScreen
from viewer.tui.lineview import LineView, key
from viewer.tui.look import Look
from viewer.tui.lookapp import app_of
from viewer.tui.paint import Line, Part, fit
from viewer.tui.prompt import Prompt
from viewer.tui.tickets import TicketScreen

_LOOK_EVERY = 2.0


@dataclass(frozen=True, slots=True)
class _Row:
    kind: str
    """``on``, ``off``, ``load``, ``session``, ``text`` or ``hint-N``."""
    path: str = ""
    size: int = 0
    modified: float = 0.0
    live: bool = False


class StartList(LineView):
    """The menu, then the sessions, newest first; several can be marked and opened together."""

    BINDINGS: ClassVar[list[BindingType]] = [key("m", "mark", "start-mark")]

    def __init__(self) -> None:
        super().__init__(id="start-list")
        self.rows: list[_Row] = []
        self.marked: set[str] = set()

    def count(self) -> int:
        """Return the number of lines."""
        return len(self.rows)

    def line(self, n: int, width: int) -> Line:
        """Return line `n`."""
        row, look = self.rows[n], self.look
        if row.kind != "session":
            letter = {"on": "d", "off": "d", "load": "f"}.get(row.kind, "")
            ink = {"text": "title", "on": "", "off": "", "load": ""}.get(row.kind, "dim")
            return ((f" {letter:<2}", "keycap"), (look(f"start.{row.kind}"), ink))
        marked = look.glyph("mark") if row.path in self.marked else " "
        when = datetime.fromtimestamp(row.modified).astimezone().strftime("%Y-%m-%d %H:%M")
        parts: list[Part] = [
            (f" {marked} ", "mark"),
            (f"{when}  ", "dim"),
            (fit(look.size(row.size), 8, right=True), ""),
        ]
        if row.live:
            parts.append((f"  {look('start.live')}", "error"))
        return [*parts, (f"  {Path(row.path).name}", "bold")]

    def action_mark(self) -> None:
        """Mark the session under the cursor for opening it with others."""
        row = self.rows[self.cursor] if self.rows else None
        if row and row.kind == "session":
            self.marked ^= {row.path}
            self.repaint_line(self.cursor)


class StartScreen(TicketScreen):
    """What there is to open, and the switch."""

    BINDINGS: ClassVar[list[BindingType]] = [
        key("d", "switch", "switch"),
        key("f", "load", "load"),
        key("f5", "reload", "reload"),
        key("question_mark,f1", "help", "help"),
        key("q,Q,escape", "app.quit", "quit-now"),
    ]

    closed = False
    """Debug was just switched off: what was recorded is what one wants to open."""

    class Known(Message):
        """What is on, and what was recorded."""

        def __init__(self, now: State | None, found: Sequence[SessionFile], error: str) -> None:
            super().__init__()
            self.now = now
            self.found = found
            self.error = error

    def compose(self) -> ComposeResult:
        """Make the widgets."""
        yield TitleBar(id="title")
        yield FilterBar(id="filter")
        yield StartList()
        yield KeyBar(id="keys")

    @property
    def look(self) -> Look:
        """Language and glyphs."""
        return app_of(self).look

    def on_mount(self) -> None:
        """Look, and go on looking: debug can be switched elsewhere."""
        keys = (
            ("d", "switch"), ("f", "load"), ("enter", "open"), ("m", "mark"), ("?", "help"),
            ("q", "quit"),
        )  # fmt: skip
        self.query_one(KeyBar).show(
            [
                (self.look.key(label), f"keybar.{name}", "app.quit" if name == "quit" else name)
                for label, name in keys
            ]
        )
        self.query_one(StartList).focus()
        self.set_interval(_LOOK_EVERY, self._ask)
        self._ask()

    @work(thread=True, exclusive=True, group="control", exit_on_error=False)
    def _ask(self) -> None:
        error, now = "", None
        try:
            now = state()
        except ControlError as problem:
            error = problem.text(self.look.texts.lang)
        self.post_message(self.Known(now, sessions(), error))

    @on(Known)
    def _known(self, event: Known) -> None:
        view = self.query_one(StartList)
        rows = [_Row("off" if event.now else "on"), _Row("load"), _Row("text")]
        live = event.now.file if event.now else ""
        if not event.found:
            rows += [_Row("hint-1"), _Row("hint-2"), _Row("hint-3")]
        rows += [
            _Row("session", str(file.path), file.size, file.modified, str(file.path) == live)
            for file in event.found
        ]
        if rows != view.rows:
            to_newest = not view.rows or self.closed
            view.rows = rows
            view.renew()
            if to_newest and event.found:
                self.closed = False
                view.go(3)
        self.query_one(TitleBar).show(*self._title(event))
        place = str(home())
        self.query_one(FilterBar).show([(f" {self.look('start.home')} ", "dim"), (place, "")], [])

    def _title(self, event: Known) -> tuple[list[Part], list[Part]]:
        look = self.look
        left: list[Part] = [("traceview", "title")]
        if event.error:
            left.append((f"  {event.error}", "error"))
        elif event.now:
            since = clock(event.now.since)
            text = look("start.is-on", label=event.now.label or "–", since=since)
            left.append((f"  {look.glyph('mark')} {text}", "error"))
            if event.now.bodies == "full":
                left.append((f"  {look('bodies.full')} ", "alarm"))
        else:
            left.append((f"  {look('start.is-off')}", "dim"))
        return left, [(f"{look('start.sessions', n=look.number(len(event.found)))} ", "dim")]

    # What one does here

    @on(LineView.Chosen)
    async def _chosen(self, event: LineView.Chosen) -> None:
        view = self.query_one(StartList)
        row = view.rows[event.at]
        if row.kind in {"on", "off"}:
            await self.action_switch()
        elif row.kind == "load":
            await self.action_load()
        elif row.kind == "session":
            self.post_message(Open(sorted(view.marked) or [row.path]))

    def action_open(self) -> None:
        """Open the session under the cursor, or those marked."""
        self.query_one(StartList).action_choose()

    def action_mark(self) -> None:
        """Mark the session under the cursor."""
        self.query_one(StartList).action_mark()

    async def action_switch(self) -> None:
        """Switch debug on, asking for a label, or off."""
        try:
            if state() is None:
                await self.ask(Prompt("label"))
                return
            closed = turn_off()
        except ControlError as error:
            app_of(self).say(
                "start.problem", "error", text=visible(error.text(self.look.texts.lang))
            )
            return
        if closed:
            self.closed = True
            name = Path(closed.state.file).name
            app_of(self).say("start.switched-off", file=visible(name))
        self._ask()

    async def action_load(self) -> None:
        """Ask for the path of a file."""
        await self.ask(Prompt("load", complete=complete_path))

    async def ask(self, prompt: Prompt) -> None:
        """Open `prompt` above the line of keys."""
        for old in self.query(Prompt):
            await old.remove()
        await self.mount(prompt, before="#keys")

    @on(Left)
    async def _left(self) -> None:
        await self._close_prompt()

    async def _close_prompt(self) -> None:
        for prompt in self.query(Prompt):
            await prompt.remove()
        self.query_one(StartList).focus()

    @on(Entered)
    async def _entered(self, event: Entered) -> None:
        await self._close_prompt()
        if event.purpose == "load":
            if event.text.strip():
                self.load(Path(event.text.strip()).expanduser())
            return
        if event.purpose == "password" and self.locked:
            self.load(self.locked, event.text.encode())
            return
        try:
            turned, _ = turn_on(event.text.strip())
        except ControlError as error:
            app_of(self).say(
                "start.problem", "error", text=visible(error.text(self.look.texts.lang))
            )
            return
        app_of(self).say("start.switched-on", until=clock(turned.expires))
        self._ask()

    def action_reload(self) -> None:
        """Look again."""
        self._ask()

    def action_help(self) -> None:
        """Show the keys."""
        self.app.push_screen(HelpScreen(self, self.focused))


def clock(timestamp: str) -> str:
    """Return the hour and minute of this machine's clock, which who switches debug looks at."""
    return datetime.fromisoformat(timestamp).astimezone().strftime("%H:%M")


def complete_path(text: str) -> list[str]:
    """Return the paths that begin with `text`; folders end in a separator."""
    path = Path(text).expanduser()
    folder, start = (path, "") if text.endswith(("/", "\\")) else (path.parent, path.name)
    try:
        found = sorted(one for one in folder.iterdir() if one.name.startswith(start))[:50]
        return [f"{one}/" if one.is_dir() else str(one) for one in found]
    except OSError:
        return []
