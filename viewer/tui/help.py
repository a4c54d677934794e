"""The help: every key that works here, from the bindings themselves."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen, Screen
from textual.widget import Widget

from viewer.tui.lineview import LineView
from viewer.tui.look import Look
from viewer.tui.paint import Line, fit

_NAMES = {
    "slash": "/", "question_mark": "?", "semicolon": ";", "colon": ":", "plus": "+",
    "underscore": "_", "minus": "-", "equals_sign": "=", "full_stop": ".", "comma": ",",
    "right_square_bracket": "]", "left_square_bracket": "[", "pageup": "PgUp",
    "pagedown": "PgDn", "up": "↑", "down": "↓", "left": "←", "right": "→",
}  # fmt: skip


class HelpLines(LineView):
    """The lines of the help."""

    def __init__(self, lines: Sequence[Line]) -> None:
        super().__init__(id="help-lines")
        self.shown = lines

    def count(self) -> int:
        """Return the number of lines."""
        return len(self.shown)

    def line(self, n: int, width: int) -> Line:
        """Return line `n`."""
        return self.shown[n]


class HelpScreen(ModalScreen[None]):
    """The keys of the focused pane, then those of the screen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,f1", "dismiss", show=False),
    ]

    def __init__(self, screen: Screen[None], focused: Widget | None) -> None:
        super().__init__()
        self._of = screen
        self._pane = focused

    def compose(self) -> ComposeResult:
        """Make the box."""
        with Vertical(id="help"):
            yield HelpLines(self._lines())

    def on_mount(self) -> None:
        """Take the focus."""
        lines = self.query_one(HelpLines)
        lines.renew()
        lines.focus()

    def _lines(self) -> list[Line]:
        look: Look = self._of.app.look  # type: ignore[attr-defined]
        lines: list[Line] = []
        if self._pane is not None:
            lines.append(((look(f"help.{self._pane.id}"), "title"),))
            lines += key_lines(look, bindings_of(type(self._pane)))
            lines.append(())
        lines.append(((look("help.everywhere"), "title"),))
        lines += key_lines(look, bindings_of(type(self._of)))
        lines += [(), *(((look(f"help.about-{n}"), "dim"),) for n in range(1, 5))]
        return lines


def bindings_of(widget: type[Widget]) -> list[Binding]:
    """Return our own bindings of a class of widgets, each once, in order."""
    found: dict[str, Binding] = {}
    for own in widget.__mro__:
        for binding in own.__dict__.get("BINDINGS", ()):
            if isinstance(binding, Binding) and binding.description.startswith("key."):
                found.setdefault(binding.id or "", binding)
    return list(found.values())


def key_lines(look: Look, bindings: Sequence[Binding]) -> list[Line]:
    """Return a line for each binding: its keys and what they do."""
    lines: list[Line] = []
    for binding in bindings:
        if (binding.id or "").startswith("tab-"):
            if binding.id == "tab-1":
                lines.append(((f"  {fit('1 … 9', 14)} ", "keycap"), (look("key.tab"), "")))
            continue
        keys = " ".join(
            look.key(_NAMES.get(name, name)).replace("ctrl+", "^")
            for name in binding.key.split(",")
        )
        lines.append(((f"  {fit(keys, 14)} ", "keycap"), (look(binding.description), "")))
    return lines
