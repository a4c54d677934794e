"""Many lines, few of them painted: the base of the list and of the detail.

Nothing is kept per line. What is visible is asked for by number, clipped, styled, and cached.
"""

from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from viewer.tui.look import Look
from viewer.tui.lookapp import app_of
from viewer.tui.paint import Line, strip

_CACHED = 1024


def key(keys: str, action: str, id: str, text: str = "") -> Binding:  # noqa: A002 - Textual's word
    """Return a binding; what it does is the text ``key.ID`` of the catalogue, or ``key.TEXT``."""
    message_id = f"key.{text or id}"
    return Binding(keys, action, description=message_id, id=id, tooltip=message_id, show=False)


class LineView(ScrollView, can_focus=True):
    """A scrolling column of lines with a cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [
        key("j,down", "move(1)", "down"),
        key("k,up", "move(-1)", "up"),
        key("g,home", "edge(-1)", "first"),
        key("G,end", "edge(1)", "last"),
        key("ctrl+d", "page(0.5)", "half-page-down"),
        key("ctrl+u", "page(-0.5)", "half-page-up"),
        key("space,pagedown", "page(1)", "page-down"),
        key("b,pageup", "page(-1)", "page-up"),
        key("enter", "choose", "open"),
    ]

    class Moved(Message):
        """The cursor stands on another line."""

        def __init__(self, view: "LineView", at: int) -> None:
            super().__init__()
            self.view = view
            self.at = at

        @property
        def control(self) -> "LineView":
            """The view itself, for selectors."""
            return self.view

    class Chosen(Message):
        """The line under the cursor was asked to open."""

        def __init__(self, view: "LineView", at: int) -> None:
            super().__init__()
            self.view = view
            self.at = at

        @property
        def control(self) -> "LineView":
            """The view itself, for selectors."""
            return self.view

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own word
        super().__init__(id=id)
        self.cursor = 0
        self._strips: dict[tuple[int, int, str], Strip] = {}
        self._painted: dict[int, Strip] = {}
        """What stands on each line of the window."""

    # What a subclass says

    def count(self) -> int:
        """Return the number of lines."""
        raise NotImplementedError

    def line(self, n: int, width: int) -> Line:
        """Return line `n` for `width` cells."""
        raise NotImplementedError

    # Painting

    @property
    def look(self) -> Look:
        """Language and glyphs."""
        return app_of(self).look

    def render_line(self, y: int) -> Strip:
        """Paint the line at `y` of the window."""
        self._painted[y] = drawn = self._drawn(y)
        return drawn

    def _drawn(self, y: int) -> Strip:
        n = y + self.scroll_offset.y
        width = self.scrollable_content_region.width
        base = self.visual_style.rich_style
        if n >= self.count():
            return Strip.blank(width, base)
        under = ("cursor" if self.has_focus else "cursor-blur") if n == self.cursor else ""
        drawn = self._strips.get((n, width, under))
        if drawn is None:
            drawn = strip(self.line(n, width), width, app_of(self).inks, base, under)
            if len(self._strips) > _CACHED:
                self._strips.clear()
            self._strips[n, width, under] = drawn
        return drawn

    def notify_style_update(self) -> None:
        """Forget what was painted in other colours."""
        super().notify_style_update()
        self._strips.clear()
        self._painted.clear()

    def renew(self, same: int = 0, *, into_view: bool = False) -> None:
        """The lines from `same` on changed: forget what was painted, keep the cursor inside."""
        self._strips = {key: drawn for key, drawn in self._strips.items() if key[0] < same}
        total = self.count()
        self.cursor = max(0, min(self.cursor, total - 1))
        size = Size(0, total)
        if size != self.virtual_size:
            # Assigning it would lay out the whole screen; the scrollbar is always there, so that
            # its range is all that changes.
            self.set_reactive(LineView.virtual_size, size)
            self.vertical_scrollbar.window_virtual_size = total
            if self.scroll_offset.y > self.max_scroll_y:
                self.scroll_to(y=self.max_scroll_y, animate=False, immediate=True)
        if into_view:
            self._bring_into_view(self.cursor, True)
        self._refresh_changed()

    def _refresh_changed(self) -> None:
        """Paint the lines of the window that would not look as they do."""
        height, width = self.size.height, self.size.width
        if not height or not self._painted:
            self.refresh()
        for y in range(height):
            if self._painted.get(y) != self._drawn(y):
                self.refresh(Region(0, y, width, 1))

    def on_hide(self) -> None:
        """Forget what was painted: something else is painted over it."""
        self._painted.clear()

    def on_show(self) -> None:
        """Paint what changed while nothing was to be seen."""
        if not self._painted:
            self.refresh()

    def repaint_line(self, n: int) -> None:
        """Paint line `n` again."""
        for under in ("", "cursor", "cursor-blur"):
            self._strips.pop((n, self.scrollable_content_region.width, under), None)
        self._refresh_line(n)

    def _refresh_line(self, n: int) -> None:
        y = n - self.scroll_offset.y
        if 0 <= y < self.size.height:
            self.refresh(Region(0, y, self.size.width, 1))

    # Moving

    def go(self, n: int, *, tell: bool = True, centre: bool = False) -> None:
        """Put the cursor on line `n` and bring it into view."""
        n = max(0, min(n, self.count() - 1))
        before, self.cursor = self.cursor, n
        self._refresh_line(before)
        self._refresh_line(n)
        self._bring_into_view(n, centre)
        if tell:  # straight to the screen: what it changes then is in the same frame
            self.screen.post_message(self.Moved(self, n))

    def _bring_into_view(self, n: int, centre: bool) -> None:
        height = max(1, self.scrollable_content_region.height)
        top = self.scroll_offset.y
        if n < top:
            top = n - height // 2 if centre else n
        elif n >= top + height:
            top = n - height // 2 if centre else n - height + 1
        else:
            return
        self.scroll_to(y=max(0, top), animate=False, immediate=True)

    def action_move(self, by: int) -> None:
        """Move the cursor by `by` lines."""
        self.go(self.cursor + by)

    def action_edge(self, side: int) -> None:
        """Go to the first or the last line."""
        self.go(0 if side < 0 else self.count() - 1)

    def action_page(self, pages: float) -> None:
        """Move by `pages` windows."""
        height = max(2, self.scrollable_content_region.height)
        self.go(self.cursor + int(pages * (height - 1 if abs(pages) == 1 else height)))

    def action_choose(self) -> None:
        """Open the line under the cursor."""
        if self.count():
            self.post_message(self.Chosen(self, self.cursor))

    def on_click(self, event: events.Click) -> None:
        """Put the cursor where the mouse is; a second click opens."""
        n = event.y + self.scroll_offset.y
        if n >= self.count():
            return
        again = n == self.cursor
        self.go(n)
        if again:
            self.action_choose()

    def on_focus(self) -> None:
        """Show the cursor as in focus."""
        self._refresh_line(self.cursor)

    def on_blur(self) -> None:
        """Show the cursor as out of focus."""
        self._refresh_line(self.cursor)
