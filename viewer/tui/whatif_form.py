"""The form: who acts and which account is configured; below it, what would have been chosen."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Final

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Input

from tracer.protocol.resolution import fold
from viewer.model.trace import Trace
from viewer.model.visible import visible
from viewer.model.whatif import Changes, NotRecordedError, Recorded, WhatIf, reresolve, steps
from viewer.tui.document import words
from viewer.tui.lineview import LineView
from viewer.tui.look import Look
from viewer.tui.lookapp import Painted, app_of
from viewer.tui.paint import Line, Part
from viewer.tui.resolutions import VERDICT_INKS

FIELDS: Final = ("environment", "windows_account", "harmony_user", "account")
"""As in `Changes`, in the order they are shown."""
_LABEL: Final = 22
_LONGEST: Final = 500
"""Characters of a recorded value that are offered for editing."""


class FormText(Painted):
    """A line that is always the same."""

    def __init__(self, text: str, ink: str, id: str) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self._text = text
        self._ink = ink

    def lines(self, width: int) -> list[Line]:
        """Return the one line."""
        return [((f" {self._text}", self._ink),)]


class Outcome(LineView):
    """What would have been chosen, and by which decisions."""

    def __init__(self) -> None:
        super().__init__(id="whatif-lines")
        self._result: WhatIf | None = None
        self._problem = ""
        self._lines: list[Line] = []

    def show(self, result: WhatIf | None, problem: str = "") -> None:
        """Show `result`; without one, why there is none."""
        self._result, self._problem = result, problem
        self._make()
        self.go(0)

    def on_resize(self) -> None:
        """Break the sentences for the new width."""
        self._make()

    def count(self) -> int:
        """Return the number of lines."""
        return len(self._lines)

    def line(self, n: int, width: int) -> Line:
        """Return line `n`."""
        return self._lines[n]

    def _make(self) -> None:
        width = max(20, self.scrollable_content_region.width)
        if self._result is not None:
            self._lines = list(result_lines(self._result, self.look, width))
        elif self._problem:
            self._lines = list(_sentence((" ", ""), self._problem, "warning", width))
        self.renew()


class WhatIfForm(ModalScreen[None]):
    """Four fields as recorded; ``enter`` resolves again with what was changed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", show=False),
        Binding("down", "app.focus_next", show=False),
        Binding("up", "app.focus_previous", show=False),
    ]

    @dataclass
    class Answered(Message):
        """The outcome, or in `problem` why there is none."""

        result: WhatIf | None
        problem: str = ""

    def __init__(self, trace: Trace, operation: str, facts: Recorded) -> None:
        super().__init__()
        self._trace = trace
        self._operation = operation
        recorded = {
            "environment": facts.identity.environment,
            "windows_account": facts.identity.windows_account,
            "harmony_user": facts.identity.harmony_user,
            "account": facts.configured,
        }
        self._offered = {name: visible(recorded[name][:_LONGEST]) for name in FIELDS}

    @property
    def look(self) -> Look:
        """Language and glyphs."""
        return app_of(self).look

    def compose(self) -> ComposeResult:
        """Make the box."""
        title = self.look("whatif.title", id=visible(self._operation))
        with Vertical(id="whatif"):
            yield FormText(title, "title", "whatif-title")
            for name in FIELDS:
                with Horizontal(classes="whatif-field"):
                    label = FormText(self.look(f"whatif.{name}"), "dim", f"whatif-label-{name}")
                    label.styles.width = _LABEL
                    yield label
                    yield Input(self._offered[name], id=f"whatif-{name}", compact=True)
            yield Outcome()
            yield FormText(self.look("whatif.hint"), "dim", "whatif-hint")

    def on_mount(self) -> None:
        """Begin with what was recorded."""
        self.query_one("#whatif-environment", Input).focus()
        self._resolve(Changes())

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        typed = {name: self.query_one(f"#whatif-{name}", Input).value for name in FIELDS}
        changed = {name: text for name, text in typed.items() if text != self._offered[name]}
        self._resolve(Changes(**changed))

    @work(thread=True, exclusive=True, group="what-if-form", exit_on_error=False)
    def _resolve(self, changes: Changes) -> None:
        try:
            answer = self.Answered(reresolve(self._trace, self._operation, changes))
        except NotRecordedError as error:
            answer = self.Answered(None, error.text(self.look.findings))
        self.post_message(answer)

    @on(Answered)
    def _answered(self, event: Answered) -> None:
        self.query_one(Outcome).show(event.result, event.problem)


def result_lines(result: WhatIf, look: Look, width: int) -> Iterator[Line]:
    """Yield `result` for `width` cells: before and now, what is missing, the decisions."""
    now = result.resolution.account if result.resolution else None
    before = visible(result.before or look("whatif.nobody"))
    same = result.resolution is not None and fold(now or "") == fold(result.before or "")
    told = look("whatif.unknown") if result.resolution is None else now or look("whatif.nobody")
    yield ((f" {look.label(look('whatif.before'))}", "dim"), (before, "bold"))
    yield (
        (f" {look.label(look('whatif.now'))}", "dim"),
        (visible(told), "bold" if now else "warning"),
        (f"  ({look('whatif.same')})" if same else "", "dim"),
    )
    for one in result.missing:
        text = look.findings(one.why, call=visible(one.call))
        yield from _sentence((f" {look.glyph('warning')} ", "warning"), text, "warning", width)
    yield ()
    for number, step in enumerate(steps(result), 1):
        glyph, ink = VERDICT_INKS[str(step.data["verdict"])]
        prefix = (f" {look.glyph(glyph)} {number}. ", ink)
        yield from _sentence(prefix, look.step(step), "", width)


def _sentence(prefix: Part, text: str, ink: str, width: int) -> Iterator[Line]:
    """Yield `text` broken between words, what goes on in line with what began."""
    indent = len(prefix[0])
    for n, line in enumerate(words(text, max(8, width - indent))):
        yield (prefix if n == 0 else (" " * indent, ""), (line, ink))
