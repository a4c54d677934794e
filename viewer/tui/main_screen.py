"""The main screen: all actions and the keys that lead to them."""

from typing import ClassVar

from textual.binding import BindingType

from viewer.tui.detail import DetailView
from viewer.tui.find import Find
from viewer.tui.handout import Handout
from viewer.tui.help import HelpScreen
from viewer.tui.lineview import key
from viewer.tui.navigation import Navigation
from viewer.tui.state import State

MODES = ("normal", "half", "full")


class MainScreen(Navigation, Find, Handout):
    """Everything one does with an open trace."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *(key(str(n), f"tab({n})", f"tab-{n}") for n in range(1, 10)),
        key("right_square_bracket", "next_tab(1)", "next-tab"),
        key("left_square_bracket", "next_tab(-1)", "previous-tab"),
        key("full_stop", "next_page(1)", "next-page"),
        key("comma", "next_page(-1)", "previous-page"),
        key("escape", "back", "back"),
        key("q", "back_or_quit", "quit"),
        key("Q", "app.quit", "quit-now"),
        key("slash", "search", "search"),
        key("n", "next_hit(1)", "next-hit"),
        key("N", "next_hit(-1)", "previous-hit"),
        key("f", "filter", "filter"),
        key("ctrl+f", "toggle_filter", "toggle-filter"),
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
        key("t", "time_mode", "time-mode"),
        key("p", "pretty", "pretty"),
        key("y", "copy", "copy"),
        key("plus", "detail_mode(1)", "more-detail"),
        key("underscore", "detail_mode(-1)", "less-detail"),
        key("question_mark,f1", "help", "help"),
        key("colon", "app.command_palette", "palette"),
    ]

    def __init__(self, state: State) -> None:
        super().__init__(state)
        self.searches = []
        self.filters = []

    def on_mount(self) -> None:
        """Show what there is."""
        self.view.focus()
        self.show_all()

    def keys(self) -> list[tuple[str, str, str]]:
        """Return what the line of keys offers."""
        return [
            ("/", "keybar.search", "search"),
            ("f", "keybar.filter", "filter"),
            ("e", "keybar.error", "error(1)"),
            ("o", "keybar.operation", "same_operation(1)"),
            ("m", "keybar.mark", "mark"),
            ("y", "keybar.copy", "copy"),
            ("x", "keybar.export", "export"),
            ("?", "keybar.help", "help"),
            ("^p", "keybar.palette", "app.command_palette"),
            ("q", "keybar.quit", "back_or_quit"),
        ]

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

    def action_help(self) -> None:
        """Show the keys of the pane in focus."""
        self.app.push_screen(HelpScreen(self, self.focused))
