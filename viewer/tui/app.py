"""The application: which screen is in front, and what the workers' messages change."""

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

from rich.text import Text
from textual import events, on
from textual.binding import BindingType
from textual.screen import Screen
from textual.worker import Worker, WorkerState

from viewer.exits import Exit
from viewer.i18n import Catalogue
from viewer.model.visible import visible
from viewer.tui.asking import Open
from viewer.tui.feeder import (
    Complete,
    Diagnosing,
    Feeder,
    Grew,
    Opened,
    Summarised,
    Unreadable,
)
from viewer.tui.main_screen import MainScreen
from viewer.tui.options import Options

if TYPE_CHECKING:
    from textual.timer import Timer

    from viewer.tui.prompt import Prompt

_QUIET = 1.0
"""Seconds without growth after which a followed file is diagnosed anew."""


class TraceApp(Feeder):
    """The viewer."""

    TITLE = "traceview"
    CSS_PATH = Path(__file__).with_name("app.tcss")
    ENABLE_COMMAND_PALETTE = False  # the screens open their own, in the user's language
    BINDINGS: ClassVar[list[BindingType]] = []

    def __init__(self, paths: Sequence[str], options: Options) -> None:
        super().__init__(lang=options.lang, ascii_only=wants_ascii(options))
        self.options = options
        self.paths = list(paths)
        self.following = options.follow
        if options.theme and options.theme in self.available_themes:
            self.theme = options.theme
        self.main = MainScreen(self.paths)
        self._later: Timer | None = None

    def get_default_screen(self) -> Screen[None]:
        """Return the screen to begin with: the trace's, or without files the start screen."""
        if self.paths:
            return self.main
        from viewer.tui.start import StartScreen  # debug's switch: not needed with a file

        return StartScreen()

    def on_ready(self) -> None:
        """Collect garbage again: the first frame is painted."""
        settle()

    def action_help_quit(self) -> None:
        """Say on Ctrl+C how to leave: Textual would, in English."""
        self.say("quit.how")

    def on_mount(self) -> None:
        """Say it when the theme that was asked for is not known; end well when told to end."""
        if sys.platform != "win32" and not self.is_headless:
            for number in (signal.SIGTERM, signal.SIGHUP):  # else the terminal stays as it is now
                asyncio.get_running_loop().add_signal_handler(number, self.exit, 128 + number)
        asked, known = self.options.theme, self.available_themes
        if asked and asked not in known:
            self.say("theme.unknown", "warning", name=visible(asked), known=", ".join(known))

    @on(MainScreen.Ready)
    def _begin(self) -> None:
        if self.paths:
            self.open_files()

    @on(Open)
    def _open(self, event: Open) -> None:
        self.paths = event.paths
        self.forget()
        self.main = MainScreen(self.paths, from_start=True)
        self.push_screen(self.main)

    # What the workers tell

    @on(Opened)
    def _opened(self, event: Opened) -> None:
        if not self._shown:
            event.trace.close()
            return
        before = self.state.trace
        self.state.opened(event.trace, event.counts)
        before.close()
        self.main.begin(self.options)

    @property
    def _shown(self) -> bool:
        """Whether the trace is still wanted; a worker may speak late, of one that was left."""
        here = self.is_running and self.main in self.screen_stack
        return here and bool(self.main.children)

    @on(Unreadable)
    def _unreadable(self, event: Unreadable) -> None:
        self.say("open.failed", "error", text=visible(event.text))
        if self.main.from_start and self._shown:
            self._leave()

    def _refuse(self, code: str) -> None:
        """Say that the files hold no trace: over the sessions, or, without them, at the end."""
        texts = Catalogue("cli", self.look.texts.lang)
        text = texts(f"error.{code}", path=visible(", ".join(self.paths)))
        if self.main.from_start:
            self.say("open.failed", "error", text=text)
            self._leave()
        else:
            code_of = Exit.NEWER if code == "newer" else Exit.UNREADABLE
            self.exit(int(code_of), message=Text(f"traceview: {text}"))

    @on(Grew)
    def _grew(self, event: Grew) -> None:
        if not self._shown:
            return
        trace = self.state.trace
        self.state.counts = event.counts
        self.main.grow(None if trace.complete else trace.progress)
        if trace.complete:
            if self._later:
                self._later.stop()
            self._later = self.set_timer(_QUIET, self.look_for_causes)

    @on(Complete)
    def _complete(self, event: Complete) -> None:
        settle()  # the modules that the worker imported: a pause when a key is pressed is seen
        trace = self.state.trace
        if not self._shown:
            return
        self.state.counts = event.counts
        if trace.damage and not len(trace) and not self.following:
            self._refuse("newer" if any(one.newer for one in trace.damage) else "no-events")
            return
        self.main.grow(None)
        self.main.show_options(self.options)
        self.call_after_refresh(self.look_for_causes)

    @on(Diagnosing)
    def _diagnosing(self, event: Diagnosing) -> None:
        if not self._shown:
            return
        self.main.diagnosing = event.share
        self.main.show_bars()

    @on(Summarised)
    def _summarised(self, event: Summarised) -> None:
        if not self._shown:
            return
        self.state.counts = event.counts
        self.state.summary = event.summary
        if event.findings is not None:
            self.state.findings = event.findings
            self.main.diagnosing = None
        self.main.summarised()

    @on(MainScreen.Leave)
    def _leave(self) -> None:
        """Go back to the sessions; what the workers still say of the trace is for nobody."""
        self.following = False
        if self._later:
            self._later.stop()
        for group in ("feed", "read"):
            self.workers.cancel_group(self, group)
        self.pop_screen()

    @on(MainScreen.Follow)
    def _follow(self, event: MainScreen.Follow) -> None:
        self.following = event.on
        if event.on:
            self.follow_files()

    @on(MainScreen.Reload)
    def _reload(self) -> None:
        self.open_files()

    async def on_key(self, event: events.Key) -> None:
        """Give a key typed ahead to the prompt or menu that an earlier key has just opened.

        Textual sends a key to what has the focus when it is pressed. What is typed faster than a
        prompt opens would act on the list instead.
        """
        from viewer.tui.menu import Menu  # not needed for the first paint

        late = self.screen.answer(event.character) if isinstance(self.screen, Menu) else False
        for prompt in self.screen.query("#prompt"):
            late = late or await cast("Prompt", prompt).take(event)
        if late:
            event.prevent_default()

    def on_unmount(self) -> None:
        """Let the files go."""
        self.following = False
        self.workers.cancel_all()
        self.forget()

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Say it when a worker failed; what is shown stays usable."""
        if event.state is WorkerState.ERROR:
            error = event.worker.error
            text = f"{type(error).__name__}: {error}"
            self.say("worker.failed", "error", what=event.worker.group, text=visible(text[:300]))


def wants_ascii(options: Options) -> bool:
    """Tell whether only ASCII glyphs are sure to be shown."""
    if options.ascii_only is not None:
        return options.ascii_only
    encoding = (getattr(sys.__stderr__, "encoding", None) or "utf-8").lower()
    return not encoding.startswith("utf") or os.environ.get("TERM") == "linux"


def settle() -> None:
    """Keep what is there for good: no collection need look at the modules and widgets again."""
    gc.freeze()
    gc.enable()


def run(paths: Sequence[str], options: Options | None = None) -> int:
    """Show `paths` (none: TRACER_HOME's sessions) until the user quits; return the exit code."""
    options = options or Options()
    app = TraceApp(paths, options)
    return app.run(mouse=options.mouse) or 0
