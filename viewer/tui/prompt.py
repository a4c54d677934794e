"""The line at the bottom where one types: search, filter, comment, file names."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Input

from viewer.tui.asking import Entered, Left
from viewer.tui.lookapp import Painted
from viewer.tui.paint import Line, Part

Completer = Callable[[str], Sequence[str]]
"""Returns whole new texts that the typed one could become."""
Checker = Callable[[str], str]
"""Returns what is wrong with the typed text, or what it means; ``!`` first if it is wrong."""


class PromptLabel(Painted):
    """What is asked for."""

    text = ""

    def lines(self, width: int) -> list[Line]:
        """Return the one line."""
        return [((f" {self.text} ", "keycap"),)]


class PromptHint(Painted):
    """What the text means so far, and what it could become."""

    note = ""
    offers: Sequence[str] = ()
    at = -1

    def lines(self, width: int) -> list[Line]:
        """Return the one line."""
        wrong = self.note.startswith("!")
        parts: list[Part] = [(f" {self.note.removeprefix('!')}  ", "warning" if wrong else "dim")]
        for n, offer in enumerate(self.offers):
            parts += [(offer, "tab-on" if n == self.at else "key"), ("  ", "")]
        return [parts]


class Prompt(Vertical):
    """One line of input with completion; reports what was typed, or that it was left."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", show=False, priority=True),
        Binding("tab", "complete(1)", show=False, priority=True),
        Binding("shift+tab", "complete(-1)", show=False, priority=True),
        Binding("up", "recall(-1)", show=False, priority=True),
        Binding("down", "recall(1)", show=False, priority=True),
    ]

    def __init__(
        self,
        purpose: str,
        text: str = "",
        *,
        past: Sequence[str] = (),
        complete: Completer | None = None,
        check: Checker | None = None,
        hidden: bool = False,
    ) -> None:
        super().__init__(id="prompt")
        self.purpose = purpose
        self._text = text
        self._past = list(past)
        self._at = len(self._past)
        self._complete = complete
        self._check = check
        self._hidden = hidden

    def compose(self) -> ComposeResult:
        """Make label, input and hint."""
        with Horizontal(id="prompt-line"):
            yield PromptLabel(id="prompt-label")
            yield Input(
                self._text,
                id="prompt-input",
                compact=True,
                select_on_focus=False,
                password=self._hidden,
            )
        yield PromptHint(id="prompt-hint")

    def on_mount(self) -> None:
        """Take the focus."""
        label = self.query_one(PromptLabel)
        label.text = label.look(f"prompt.{self.purpose}")
        label.styles.width = len(label.text) + 2
        self.query_one(Input).focus()
        self._judge(self._text)

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        self._judge(event.value)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.post_message(Entered(self.purpose, event.value))

    def _judge(self, text: str) -> None:
        hint = self.query_one(PromptHint)
        hint.note = self._check(text) if self._check else hint.look(f"prompt.{self.purpose}.hint")
        if text not in hint.offers:
            hint.offers = list(self._complete(text))[:12] if self._complete else ()
            hint.at = -1
        hint.refresh()

    async def take(self, event: events.Key) -> bool:
        """Take a key that was typed before the input had the focus; tell whether it was one."""
        field = self.query_one(Input)
        if event.key == "enter":
            await field.action_submit()
        elif event.key == "backspace":
            field.action_delete_left()
        elif event.is_printable and event.character:
            field.insert_text_at_cursor(event.character)
        else:
            return False
        return True

    def action_leave(self) -> None:
        """Leave without a text."""
        self.post_message(Left(self.purpose))

    def action_complete(self, step: int) -> None:
        """Take the next offer."""
        hint = self.query_one(PromptHint)
        if hint.offers:
            hint.at = (hint.at + step) % len(hint.offers)
            self._put(hint.offers[hint.at])
            hint.refresh()

    def action_recall(self, step: int) -> None:
        """Take an earlier text."""
        if self._past:
            self._at = max(0, min(len(self._past), self._at + step))
            self._put(self._past[self._at] if self._at < len(self._past) else "")

    def _put(self, text: str) -> None:
        field = self.query_one(Input)
        field.value = text
        field.cursor_position = len(text)

    def on_blur(self, event: events.Blur) -> None:
        """Stay open: only ``escape`` and ``enter`` close it."""
        event.stop()
