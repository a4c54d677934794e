"""From words to cells: the one place where text of a trace becomes something on the screen.

Every part of every line passes `visible` here, and only plain segments come out: no markup, no
links, no control characters, whatever the trace holds.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.color import Color, ColorParseError
from textual.strip import Strip

from viewer.model.visible import visible

Part = tuple[str, str]
"""Text, and the name of its ink (``""``: plain)."""
Line = Sequence[Part]

_INKS: Final[Mapping[str, tuple[str, str | None, str]]] = {
    # name: (foreground, background, attributes); names of theme variables, "%" blends
    "": ("foreground", None, ""),
    "dim": ("foreground%60", None, ""),
    "faint": ("foreground%38", None, ""),
    "title": ("text-primary", None, "bold"),
    "bold": ("foreground", None, "bold"),
    "error": ("text-error", None, "bold"),
    "warning": ("text-warning", None, "bold"),
    "note": ("text-primary", None, ""),
    "chat": ("foreground%60", None, ""),
    "ok": ("text-success", None, ""),
    "key": ("text-primary", None, ""),
    "string": ("text-success", None, ""),
    "number": ("text-accent", None, ""),
    "literal": ("text-warning", None, "italic"),
    "link": ("text-accent", None, "underline"),
    "redacted": ("foreground%60", None, "italic"),
    "mark": ("text-accent", None, "bold"),
    "hit": ("background", "warning", "bold"),
    "field": ("", "warning-muted", "bold"),
    "bar": ("primary", None, ""),
    "bar-call": ("text-secondary", None, ""),
    "bar-ok": ("success", None, ""),
    "bar-error": ("error", None, ""),
    "bar-wait": ("warning", None, ""),
    "bar-token": ("accent", None, ""),
    "cursor": ("", "primary%55", "bold"),
    "cursor-blur": ("", "primary%22", ""),
    "tab": ("foreground%70", None, ""),
    "tab-on": ("foreground", "primary%45", "bold"),
    "keycap": ("text-accent", None, "bold"),
    "alarm": ("text-error", "error-muted", "bold"),
}


class Inks:
    """The styles of one theme, by name; mixed once and kept."""

    def __init__(self, variables: Mapping[str, str], cut: str = "…") -> None:
        self.cut = cut
        self._variables = variables
        self._colors: dict[str, Color | None] = {}
        self._styles: dict[tuple[str, str], Style] = {}

    def style(self, name: str, under: str = "") -> Style:
        """Return the ink `name`, over the background of the ink `under`."""
        style = self._styles.get((name, under))
        if style is None:
            style = self._mix(name)
            if under:
                over = self._mix(under)
                style = over + style + Style(bgcolor=over.bgcolor)
            self._styles[name, under] = style
        return style

    def _mix(self, name: str) -> Style:
        fore, back, attributes = _INKS[name]
        return Style(
            color=self._color(fore),
            bgcolor=self._color(back) if back else None,
            bold="bold" in attributes or None,
            italic="italic" in attributes or None,
            underline="underline" in attributes or None,
        )

    def _color(self, spec: str):  # type: ignore[no-untyped-def] # rich's own type, or None
        name, _, percent = spec.partition("%")
        color = self._variable(name)
        if color is None:
            return None
        if percent and color.ansi is None:
            ground = self._variable("background") or Color(0, 0, 0)
            color = ground.blend(color, int(percent) / 100, alpha=1)
        return color.rich_color

    def _variable(self, name: str) -> Color | None:
        """Return the colour that a variable of the theme is, parsed when it is first needed."""
        if name not in self._colors:
            value = self._variables.get(name, "auto")
            try:
                self._colors[name] = None if value.startswith("auto") else Color.parse(value)
            except ColorParseError:
                self._colors[name] = None
        return self._colors[name]


def clip(text: str, width: int, cut: str = "…") -> str:
    """Return the beginning of `text` in at most `width` cells; long text is cut before anything."""
    if len(text) > width:
        text = text[: width + 1] if text.isascii() else text[: 4 * width + 8]
    if text.isascii():
        return text if len(text) <= width else f"{text[: max(0, width - 1)]}{cut}"
    if cell_len(text) <= width:
        return text
    return f"{set_cell_size(text, max(0, width - 1)).rstrip(' ')}{cut}" if width else ""


def fit(text: str, width: int, *, right: bool = False) -> str:
    """Return `text` made harmless, in exactly `width` cells."""
    text = clip(visible(text[: 4 * width + 8]), width)
    gap = " " * (width - cell_len(text))
    return gap + text if right else text + gap


def width_of(line: Iterable[Part]) -> int:
    """Return the cells that `line` takes."""
    return sum(cell_len(visible(text)) for text, _ in line)


def segments(line: Iterable[Part], width: int, inks: Inks, under: str = "") -> list[Segment]:
    """Return the cells of `line`, at most `width` of them: harmless, clipped, then styled."""
    room = width
    result: list[Segment] = []
    for text, ink in line:
        if room <= 0:
            break
        text = clip(visible(text[: 4 * room + 8]), room, inks.cut)
        room -= len(text) if text.isascii() else cell_len(text)
        result.append(Segment(text, inks.style(ink, under)))
    return result


def strip(line: Iterable[Part], width: int, inks: Inks, base: Style, under: str = "") -> Strip:
    """Return `line` as a strip of exactly `width` cells on the background of `base`."""
    fill = base + inks.style("", under) if under else base
    drawn = Strip(segments(line, width, inks, under)).adjust_cell_length(width, fill)
    return drawn.apply_style(base)
