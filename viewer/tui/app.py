"""The application: opens files beside the first screen, and hands over to the screens."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.binding import BindingType
from textual.message import Message

from viewer.model.finding import Finding
from viewer.model.trace import Trace
from viewer.tui.lookapp import LookApp
from viewer.tui.main_screen import MainScreen
from viewer.tui.options import Options
from viewer.tui.sources import ItemSource
from viewer.tui.state import State
from viewer.tui.summary import Summary


class Opened(Message):
    """The files are open; maybe not indexed to their ends."""

    def __init__(self, trace: Trace) -> None:
        super().__init__()
        self.trace = trace


class Summarised(Message):
    """The summary is ready, with the findings or, at first, without."""

    def __init__(self, summary: ItemSource, findings: list[Finding] | None) -> None:
        super().__init__()
        self.summary = summary
        self.findings = findings


class TraceApp(LookApp):
    """The viewer."""

    CSS_PATH = "app.tcss"
    BINDINGS: ClassVar[list[BindingType]] = []

    def __init__(self, paths: Sequence[str], options: Options) -> None:
        super().__init__(lang=options.lang, ascii_only=wants_ascii(options))
        self.options = options
        self.state = State(self.look, paths)
        if options.theme and options.theme in self.available_themes:
            self.theme = options.theme
        self.main = MainScreen(self.state)

    def get_default_screen(self) -> MainScreen:
        """Return the screen of an open trace."""
        return self.main

    def on_mount(self) -> None:
        """Open the files beside the first paint."""
        if self.state.paths:
            self._open()

    @work(thread=True, exclusive=True, group="open", exit_on_error=True)
    def _open(self) -> None:
        self.post_message(Opened(Trace.open([Path(path) for path in self.state.paths])))

    @on(Opened)
    def _opened(self, event: Opened) -> None:
        self.state.opened(event.trace)
        self.main.show_all()
        self._read()

    @work(thread=True, exclusive=True, group="read", exit_on_error=True)
    def _read(self) -> None:
        from viewer.model.findings import diagnose

        trace = self.state.trace
        summary = Summary(trace, self.look)
        self.post_message(Summarised(summary.source(None, self.state.paths), None))
        findings = diagnose(trace)
        self.post_message(Summarised(summary.source(findings, self.state.paths), findings))

    @on(Summarised)
    def _summarised(self, event: Summarised) -> None:
        self.state.summary = event.summary
        self.state.findings = event.findings
        self.state.changed()
        if self.state.tab == "summary":
            self.main.show_all()
        else:
            self.main.show_bars()


def wants_ascii(options: Options) -> bool:
    """Tell whether only ASCII glyphs are sure to be shown."""
    if options.ascii_only is not None:
        return options.ascii_only
    encoding = (getattr(sys.__stderr__, "encoding", None) or "utf-8").lower()
    return not encoding.startswith("utf") or os.environ.get("TERM") == "linux"


def run(paths: Sequence[str], options: Options | None = None) -> int:
    """Show `paths` (none: the sessions of TRACER_HOME) until the user quits; return the exit code."""
    options = options or Options()
    app = TraceApp(paths, options)
    return app.run(mouse=options.mouse) or 0
