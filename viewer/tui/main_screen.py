"""The main screen: all actions and the keys that lead to them."""

import sys
from collections.abc import Sequence
from typing import ClassVar

from textual.app import SuspendNotSupported
from textual.binding import BindingType
from textual.message import Message

from viewer.model.visible import visible
from viewer.tui.detail import DetailView
from viewer.tui.find import Find
from viewer.tui.handout import Handout
from viewer.tui.lineview import key
from viewer.tui.navigation import Navigation
from viewer.tui.options import Options
from viewer.tui.whatif import WhatIfActions

MODES = ("normal", "half", "full")


class MainScreen(Navigation, Find, Handout, WhatIfActions):
    """Everything one does with an open trace."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *(key(str(n), f"tab({n})", f"tab-{n}", "tab") for n in range(1, 10)),
        key("right_square_bracket", "next_tab(1)", "next-tab"),
        key("left_square_bracket", "next_tab(-1)", "previous-tab"),
        key("full_stop", "next_page(1)", "next-page"),
        key("comma", "next_page(-1)", "previous-page"),
        key("escape", "back", "back"),
        key("slash", "search", "search"),
        key("n", "next_hit(1)", "next-hit"),
        key("N", "next_hit(-1)", "previous-hit"),
        key("f", "filter", "filter"),
        key("ctrl+f", "toggle_filter", "toggle-filter"),
        key("a", "apply", "apply"),
        key("e", "error(1)", "next-error"),
        key("E", "error(-1)", "previous-error"),
        key("w", "warning(1)", "next-warning"),
        key("W", "warning(-1)", "previous-warning"),
        key("o", "same_operation(1)", "next-same-operation"),
        key("O", "same_operation(-1)", "previous-same-operation"),
        key("s", "slow(1)", "next-slow"),
        key("S", "slow(-1)", "previous-slow"),
        key("m", "mark", "mark"),
        key("u", "marked(1)", "next-mark"),
        key("U", "marked(-1)", "previous-mark"),
        key("M", "only_marks", "only-marks"),
        key("semicolon", "comment", "comment"),
        key("i", "what_if", "what-if"),
        key("t", "time_mode", "time-mode"),
        key("p", "pretty", "pretty"),
        key("y", "copy", "copy"),
        key("x", "export", "export"),
        key("plus", "detail_mode(1)", "more-detail"),
        key("underscore", "detail_mode(-1)", "less-detail"),
        key("F", "follow", "follow"),
        key("f5", "reload", "reload"),
        key("ctrl+l", "lo_fi", "lo-fi"),
        key("ctrl+p,colon", "palette", "palette"),
        key("question_mark,f1", "help", "help"),
        key("q", "back_or_quit", "quit"),
        key("Q", "app.quit", "quit-now"),
    ]

    class Ready(Message):
        """Everything is there that a trace needs to be shown."""

    class Leave(Message):
        """The user wants the sessions back."""

    class Reload(Message):
        """The files are to be read anew."""

    class Follow(Message):
        """The files are to be followed, or no longer."""

        def __init__(self, *, on: bool) -> None:
            super().__init__()
            self.on = on

    def __init__(self, paths: Sequence[str], *, from_start: bool = False) -> None:
        """Show `paths`; with `from_start`, leaving leads back to the sessions."""
        super().__init__()
        self.paths = paths
        self.from_start = from_start
        self.searches = []
        self.filters = []

    def on_mount(self) -> None:
        """Show what there is."""
        self.view.focus()
        self.show_early(self.paths)
        self.call_after_refresh(self.post_message, self.Ready())

    def keys(self) -> list[tuple[str, str, str]]:
        """Return what the line of keys offers."""
        way_out = "keybar.sessions" if self.from_start else "keybar.quit"
        return [
            ("/", "keybar.search", "search"),
            ("f", "keybar.filter", "filter"),
            ("e", "keybar.error", "error(1)"),
            ("o", "keybar.operation", "same_operation(1)"),
            ("m", "keybar.mark", "mark"),
            ("y", "keybar.copy", "copy"),
            ("x", "keybar.export", "export"),
            ("^p", "keybar.palette", "palette"),
            ("?", "keybar.help", "help"),
            (
                "q",
                "keybar.back" if self.history or self.has_class("-opened") else way_out,
                "back_or_quit",
            ),
        ]

    def leave(self) -> None:
        """Go back to the sessions if one came from there, else quit."""
        if self.from_start:
            self.post_message(self.Leave())
        else:
            self.app.exit(0)

    # What the application tells

    def begin(self, options: Options) -> None:
        """Show a trace that was just opened, unless it is complete: then `grow` comes next."""
        self.following = options.follow
        if self.state.trace.complete:
            return
        if options.tab in {tab.id for tab in self.state.tabs()}:
            self.state.tab = options.tab
            self.page = self.pages.get(options.tab, "overview")
        self.show_all()

    def show_options(self, options: Options) -> None:
        """Do what the command line asked for, once everything is indexed."""
        if options.tab in {tab.id for tab in self.state.tabs()} and self.state.tab == "summary":
            self.open_tab(options.tab)
        if options.filter and not self.state.filter_text:
            self.use_filter(options.filter)
        if options.goto:
            self.go_to_event(options.goto)

    def grow(self, progress: float | None) -> None:
        """Show that the trace has grown; `progress` is None when it is complete."""
        self.progress = progress
        view, state = self.view, self.state
        at_end = view.cursor >= view.count() - 1
        event_id = self.shown_id
        state.changed()
        source = state.source(state.tab)
        if state.tab == "summary":
            pass  # its lines are in no order of time; the cursor stays on its finding
        elif self.following and at_end and progress is None:
            self.cursors[state.tab] = max(0, len(source) - 1)
        elif event_id and (row := state.trace.row_of(event_id)) is not None:
            self.cursors[state.tab] = source.find(row)
        self.show_all(keep_scroll=True)
        if state.filter_on and progress is None:
            self.use_filter(state.filter_text)

    def summarised(self) -> None:
        """Show a new summary, or the tabs that new findings changed."""
        self.state.changed()
        if self.state.tab == "summary":
            if self.state.findings is not None and not self.cursors.get("summary"):
                self.cursors["summary"] = self._first_to_see()
            self.show_all(keep_scroll=True)
        else:
            self.view.source = self.state.source(self.state.tab)
            self.show_bars()

    def _first_to_see(self) -> int:
        """Return the line of the first finding; without any, of the first operation."""
        source = self.state.source("summary")
        lines = range(len(source))
        found = [n for n in lines if source.finding(n) is not None]
        return next(iter(found or (n for n in lines if source.row(n) is not None)), 0)

    # The view

    def action_detail_mode(self, step: int) -> None:
        """Give the detail more room, or less."""
        at = MODES.index(self.detail_mode) + step
        self.detail_mode = MODES[max(0, min(at, len(MODES) - 1))]
        for mode in MODES[1:]:
            self.set_class(mode == self.detail_mode, f"-{mode}")
        if self.detail_mode == "full":
            self.detail.focus()
        elif isinstance(self.focused, DetailView):
            self.view.focus()

    def action_follow(self) -> None:
        """Follow the files as they grow, or stop."""
        self.following = not self.following
        self.post_message(self.Follow(on=self.following))
        if self.following:
            if self.state.tab == "summary":
                self.open_tab("all")
            self.view.action_edge(1)
        self.show_bars()

    def action_reload(self) -> None:
        """Read the files anew."""
        self.post_message(self.Reload())

    def action_palette(self) -> None:
        """Open the command palette."""
        from viewer.tui.palette import open_palette  # 25 ms, and few open it

        open_palette(self)

    def action_help(self) -> None:
        """Show the keys of the pane in focus."""
        from viewer.tui.help import HelpScreen

        self.app.push_screen(HelpScreen(self, self.focused))

    def action_lo_fi(self) -> None:
        """Write the visible rows plainly to the terminal, for its own selection and search."""
        try:
            with self.app.suspend():
                for line in self.plain_rows():
                    sys.stdout.write(f"{line}\n")
                sys.stdout.write(f"\n{self.look('lo-fi.enter')} ")
                sys.stdout.flush()
                sys.stdin.readline()
        except SuspendNotSupported:
            self.say("lo-fi.cannot", "warning")

    def plain_rows(self) -> list[str]:
        """Return the visible rows as text."""
        view = self.view
        top, width = view.scroll_offset.y, max(20, self.app.size.width)
        last = min(view.count(), top + max(1, view.size.height))
        lines = [view.source.header(width), *(view.line(n, width) for n in range(top, last))]
        return [visible("".join(text for text, _ in line)).rstrip() for line in lines]
