"""The lines that are always there: title, tabs, filter and position, keys."""

from collections.abc import Sequence
from dataclasses import dataclass

from textual import events
from textual.message import Message

from viewer.tui.lookapp import Painted
from viewer.tui.paint import Line, Part, width_of


@dataclass(frozen=True, slots=True)
class Tab:
    """What the label of a tab says."""

    id: str
    title: str
    count: int | None = None
    severity: str = ""
    """``error``, ``warning`` or ``""``."""
    hits: int = 0
    """How many of its rows the search found."""


class TitleBar(Painted):
    """File, span, progress and warnings that hold for the whole trace."""

    parts: Line = ()
    right: Line = ()

    def show(self, parts: Line, right: Line) -> None:
        """Show `parts` on the left and `right` on the right."""
        if (parts, right) != (self.parts, self.right):
            self.parts, self.right = parts, right
            self.refresh()

    def lines(self, width: int) -> list[Line]:
        """Return the one line."""
        return [spread(self.parts, self.right, width)]


def spread(left: Line, right: Line, width: int) -> Line:
    """Return `left` and `right` at both ends of `width` cells; `left` gives way."""
    room = width - width_of(right)
    if room < 12:
        return left
    kept: list[Part] = []
    for text, ink in left:
        if room <= 1:
            break
        kept.append((text[: room - 1], ink))
        room -= width_of(kept[-1:])
    return [*kept, (" " * max(0, room), ""), *right]


class TabBar(Painted):
    """The tabs; the one in front is always in view."""

    class Picked(Message):
        """A tab was clicked."""

        def __init__(self, tab: str) -> None:
            super().__init__()
            self.tab = tab

    tabs: Sequence[Tab] = ()
    active = ""

    def show(self, tabs: Sequence[Tab], active: str) -> None:
        """Show `tabs` with `active` in front."""
        if (tabs, active) != (self.tabs, self.active):
            self.tabs, self.active = list(tabs), active
            self.refresh()

    def lines(self, width: int) -> list[Line]:
        """Return the one line."""
        parts: list[Part] = []
        for _, cells in self._shown(width):
            parts += cells
        return [parts]

    def _label(self, n: int, tab: Tab) -> list[Part]:
        on = "tab-on" if tab.id == self.active else "tab"
        label = f" {n + 1} {tab.title}" if n < 9 else f" {tab.title}"
        parts: list[Part] = [(label, on)]
        if tab.count is not None:
            parts.append((f" {self.look.number(tab.count)}", on))
        if tab.hits:
            parts.append((f" /{self.look.number(tab.hits)}", "keycap" if on == "tab" else on))
        if tab.severity:
            word = self.look(f"tab.{tab.severity}") if tab.id == self.active else ""
            glyph = f" {self.look.glyph(tab.severity)}{f' {word}' if word else ''}"
            parts.append((glyph, tab.severity if on == "tab" else on))
        return [*parts, (" ", on)]

    def _shown(self, width: int) -> list[tuple[str, list[Part]]]:
        labels = [(tab.id, self._label(n, tab)) for n, tab in enumerate(self.tabs)]
        at = next((n for n, (own, _) in enumerate(labels) if own == self.active), 0)
        first = 0
        while (
            first < at and sum(width_of(parts) for _, parts in labels[first : at + 1]) > width - 4
        ):
            first += 1
        shown = labels[first:]
        if first:
            shown.insert(0, (labels[first - 1][0], [("‹ ", "dim")]))
        return shown

    def on_click(self, event: events.Click) -> None:
        """Pick the tab under the mouse."""
        x = 0
        for own, parts in self._shown(self.size.width):
            x += width_of(parts)
            if event.x < x:
                self.post_message(self.Picked(own))
                return


class FilterBar(Painted):
    """How many of how many rows are shown and why; a filter can never be forgotten."""

    left: Line = ()
    right: Line = ()

    def show(self, left: Line, right: Line) -> None:
        """Show `left` and `right`."""
        if (left, right) != (self.left, self.right):
            self.left, self.right = left, right
            self.refresh()

    def lines(self, width: int) -> list[Line]:
        """Return the one line."""
        return [spread(self.left, self.right, width)]


class KeyBar(Painted):
    """The keys that matter most here; each can be clicked."""

    keys: Sequence[tuple[str, str, str]] = ()
    """Key as written, message id of its text, action of the screen."""

    def show(self, keys: Sequence[tuple[str, str, str]]) -> None:
        """Show `keys`."""
        if keys != self.keys:
            self.keys = keys
            self.refresh()

    def lines(self, width: int) -> list[Line]:
        """Return the one line."""
        parts: list[Part] = []
        for label, message_id, _ in self._fitting(width):
            parts += [(f" {label}", "keycap"), (f" {self.look(message_id)} ", "dim")]
        return [parts]

    def _fitting(self, width: int) -> list[tuple[str, str, str]]:
        """Leave out what has no room; the last two, help and the way out, have it first."""
        room = width - sum(map(self._width, self.keys[-2:]))
        shown = []
        for item in self.keys[:-2]:
            room -= self._width(item)
            if room < 0:
                break
            shown.append(item)
        return [*shown, *self.keys[-2:]]

    def _width(self, item: tuple[str, str, str]) -> int:
        return width_of(((f" {item[0]} {self.look(item[1])} ", ""),))

    async def on_click(self, event: events.Click) -> None:
        """Do what the key under the mouse does."""
        x = 0
        for label, message_id, action in self._fitting(self.size.width):
            x += self._width((label, message_id, action))
            if event.x < x:
                await self.screen.run_action(action)
                return
