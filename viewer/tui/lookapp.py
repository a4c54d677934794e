"""The part of the application that every widget needs: the look and the inks."""

from contextlib import ExitStack
from typing import Any, cast

from textual.app import App
from textual.message_pump import MessagePump
from textual.widget import Widget

from viewer.i18n import Catalogue, language
from viewer.tui.look import ASCII, UNICODE, Look
from viewer.tui.paint import Inks, Line, strip


class LookApp(App[int]):
    """An application with a language and a set of glyphs."""

    def __init__(
        self, *, lang: str | None = None, ascii_only: bool = False, **options: Any
    ) -> None:
        super().__init__(**options)
        self.look = Look(Catalogue("tui", language(lang)), ascii_only)
        self._inks: tuple[str, Inks] | None = None
        self.unpacked = ExitStack()
        """What was unpacked to be read; goes when the application ends."""

    @property
    def inks(self) -> Inks:
        """The styles of the theme in force."""
        if self._inks is None or self._inks[0] != self.theme:
            cut = (ASCII if self.look.ascii_only else UNICODE)["cut"]
            self._inks = (self.theme, Inks(self.theme_variables, cut))
        return self._inks[1]

    def on_unmount(self) -> None:
        """Let go what was unpacked; Textual calls this after that of the subclass."""
        self.unpacked.close()

    def say(self, message_id: str, severity: Any = "information", **values: Any) -> None:
        """Show a toast; text of the trace in `values` has passed `visible`."""
        self.notify(self.look(message_id, **values), severity=severity, markup=False)


def app_of(widget: MessagePump) -> LookApp:
    """Return the application of `widget`, typed."""
    return cast("LookApp", widget.app)


class Painted(Widget):
    """A widget of a few lines that it paints itself: no children, no markup."""

    DEFAULT_CSS = "Painted { height: 1; }"

    @property
    def look(self) -> Look:
        """Language and glyphs."""
        return app_of(self).look

    def lines(self, width: int) -> list[Line]:
        """Return what to show in `width` cells."""
        raise NotImplementedError

    def render_line(self, y: int):  # type: ignore[no-untyped-def]
        """Paint one line."""
        width = self.size.width
        lines = self.lines(width)
        line = lines[y] if y < len(lines) else ()
        return strip(line, width, app_of(self).inks, self.visual_style.rich_style)
