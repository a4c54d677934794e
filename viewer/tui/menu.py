"""A menu: lines with their keys; the next letter acts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from viewer.tui.lineview import LineView, key
from viewer.tui.lookapp import Painted
from viewer.tui.paint import Line


@dataclass(frozen=True, slots=True)
class Choice:
    """One line of a menu."""

    key: str
    """A letter; ``""``: a line that cannot be chosen."""
    text: str
    extra: str = ""
    value: str = ""
    """What the menu answers; empty: `key`."""


class MenuTitle(Painted):
    """What the menu is for."""

    text = ""

    def lines(self, width: int) -> list[Line]:
        """Return the one line."""
        return [((f" {self.text}", "title"),)]


class MenuLines(LineView, inherit_bindings=False):
    """The choices; every letter belongs to them."""

    BINDINGS: ClassVar[list[BindingType]] = [
        key("down", "move(1)", "down"),
        key("up", "move(-1)", "up"),
        key("enter", "choose", "open"),
    ]

    def __init__(self, choices: Sequence[Choice]) -> None:
        super().__init__(id="menu-lines")
        self.choices = choices

    def count(self) -> int:
        """Return the number of choices."""
        return len(self.choices)

    def line(self, n: int, width: int) -> Line:
        """Return choice `n`."""
        choice = self.choices[n]
        if not choice.key:
            return ((f" {choice.text}", "dim"),)
        return (
            (f" {choice.key:<3} ", "keycap"),
            (choice.text, ""),
            (f"  {choice.extra}" if choice.extra else "", "dim"),
        )


class Menu(ModalScreen[str | None]):
    """Answers the value of the choice made, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss(None)", show=False),
    ]

    def __init__(self, title: str, choices: Sequence[Choice]) -> None:
        super().__init__()
        self._title = title
        self.choices = choices

    def compose(self) -> ComposeResult:
        """Make the box."""
        with Vertical(id="menu"):
            yield MenuTitle(id="menu-title")
            yield MenuLines(self.choices)

    def on_mount(self) -> None:
        """Size the box to the choices."""
        self.query_one(MenuTitle).text = self._title
        lines = self.query_one(MenuLines)
        lines.styles.height = min(len(self.choices), max(4, self.app.size.height - 6))
        lines.renew()
        lines.go(next((n for n, choice in enumerate(self.choices) if choice.key), 0))
        lines.focus()

    @on(LineView.Chosen)
    def _chosen(self, event: LineView.Chosen) -> None:
        event.stop()
        self._answer(self.choices[event.at])

    def on_key(self, event: events.Key) -> None:
        """Act on the letter of a choice."""
        if self.answer(event.character):
            event.stop()
            event.prevent_default()

    def answer(self, letter: str | None) -> bool:
        """Choose by `letter`; tell whether there is such a choice."""
        for choice in self.choices:
            if choice.key and letter == choice.key:
                self._answer(choice)
                return True
        return False

    def _answer(self, choice: Choice) -> None:
        if choice.key:
            self.dismiss(choice.value or choice.key)
