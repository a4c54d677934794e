"""The one detail: pages of the event, the decision or the finding under the cursor."""

from collections.abc import Callable
from typing import ClassVar, Final

from textual import events
from textual.binding import BindingType
from textual.message import Message

from viewer.tui.document import Node, Page, TextPage, TreePage
from viewer.tui.lineview import LineView, key
from viewer.tui.lookapp import Painted
from viewer.tui.paint import Line, Part, width_of
from viewer.tui.sources import highlighted

PAGES: Final = ("overview", "request", "response", "why", "raw")


Maker = Callable[[int], Page]
"""Makes a page for a width in cells."""


def message_page(text: str) -> Maker:
    """Return the maker of a page of one sentence."""
    return lambda _: TreePage([Node(((text, "dim"),))])


class DetailTabs(Painted):
    """The pages of the detail."""

    class Picked(Message):
        """A page was clicked."""

        def __init__(self, page: str) -> None:
            super().__init__()
            self.page = page

    pages: tuple[str, ...] = PAGES
    active = "overview"

    def show(self, pages: tuple[str, ...], active: str) -> None:
        """Show `pages` with `active` in front."""
        if (pages, active) != (self.pages, self.active):
            self.pages, self.active = pages, active
            self.refresh()

    def lines(self, width: int) -> list[Line]:
        """Return the one line."""
        return [[self._label(page) for page in self.pages]]

    def _label(self, page: str) -> Part:
        return f" {self.look(f'page.{page}')} ", "tab-on" if page == self.active else "tab"

    def on_click(self, event: events.Click) -> None:
        """Pick the page under the mouse."""
        x = 0
        for page in self.pages:
            x += width_of([self._label(page)])
            if event.x < x:
                self.post_message(self.Picked(page))
                return


class DetailView(LineView):
    """Lines that fold, of the page in front."""

    BINDINGS: ClassVar[list[BindingType]] = [
        key("h,left", "fold(False)", "fold"),
        key("l,right", "fold(True)", "unfold"),
        key("minus", "fold_all(False)", "fold-all"),
        key("equals_sign", "fold_all(True)", "unfold-all"),
    ]

    class Followed(Message):
        """A line that leads somewhere was opened."""

        def __init__(self, target: str) -> None:
            super().__init__()
            self.target = target

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own word
        super().__init__(id=id)
        self.page: Page = TreePage([])
        self.needle = ""
        self.field = ""
        """The path of the field that a finding points at; drawn marked."""
        self._make: Maker | None = None
        self._width = 0

    def show(self, make: Maker | None, *, field: str = "") -> None:
        """Show the page that `make` makes for a width; None empties the detail."""
        self._make = make
        self.field = field
        self.cursor = 0
        # Hidden until now, it has no width yet; where it is hidden it will have every column.
        self._width = self.scrollable_content_region.width or self.app.size.width - 2
        self.page = make(max(20, self._width)) if make else TreePage([])
        self.scroll_to(y=0, animate=False, immediate=True)
        self.renew()
        if field and isinstance(self.page, TreePage):
            at = self.page.reveal(field)
            self.renew()
            if at is not None:
                self.go(at, centre=True)

    def on_resize(self) -> None:
        """Make the page anew when its width changed."""
        if self._make and self.scrollable_content_region.width != self._width:
            at = self.cursor
            self.show(self._make, field=self.field)
            if not self.field:
                self.go(at)

    def count(self) -> int:
        """Return the number of lines."""
        return len(self.page)

    def line(self, n: int, width: int) -> Line:
        """Return line `n`, indented, with its folding sign."""
        depth, node = self.page.at(n)
        sign = "  " * depth
        if isinstance(self.page, TreePage):
            foldable = node.children is not None
            glyph = self.look.glyph("open" if node.open else "closed") if foldable else " "
            sign += f"{glyph} "
        parts: list[Part] = [(sign, "dim")]
        marked = bool(self.field) and node.path == self.field
        for text, ink in node.parts:
            if self.needle and len(text) <= 4 * width:
                parts += highlighted(text, ink, self.needle)
            else:
                parts.append((text, "field" if marked else ink))
        return parts

    @property
    def node(self) -> Node | None:
        """The line under the cursor."""
        return self.page.at(self.cursor)[1] if len(self.page) else None

    def action_choose(self) -> None:
        """Follow the line under the cursor, or fold it."""
        node = self.node
        if node is None:
            return
        if node.target:
            self.post_message(self.Followed(node.target))
        else:
            self.action_fold(None)

    def action_fold(self, to: bool | None) -> None:
        """Fold or unfold the line; folding what is folded goes up to what it is in."""
        if not len(self.page):
            return
        if self.page.toggle(self.cursor, to):
            self.renew()
        elif to is False:
            depth = self.page.at(self.cursor)[0]
            at = self.cursor
            while at > 0 and self.page.at(at)[0] >= depth:
                at -= 1
            self.go(at)

    def action_fold_all(self, to: bool) -> None:
        """Fold or unfold the whole page."""
        self.page.fold_all(to)
        self.renew()
        self.go(self.cursor)

    def mark(self, needle: str) -> None:
        """Draw `needle` as found, wherever it is shown."""
        self.needle = needle
        self.renew()

    def search(self, needle: str, step: int) -> bool:
        """Go to the next (`step` 1) or previous (-1) shown line with `needle`."""
        self.mark(needle)
        if isinstance(self.page, TextPage) and step > 0:
            at = self.page.find(needle)
            if at is not None and at > self.cursor:
                self.go(at, centre=True)
                return True
        folded = needle.lower()
        total = len(self.page)
        for n in range(1, min(total, 20_000) + 1):
            at = (self.cursor + step * n) % total
            if folded in self.page.at(at)[1].text.lower():
                self.go(at, centre=True)
                return True
        return False
