"""The one list: whatever the tab, its rows come from a `Source`."""

from typing import ClassVar

from textual.binding import BindingType

from viewer.tui.lineview import LineView, key
from viewer.tui.lookapp import Painted
from viewer.tui.paint import Line
from viewer.tui.sources import ItemSource, Source


class ListHead(Painted):
    """The titles of the columns."""

    source: Source | None = None

    def lines(self, width: int) -> list[Line]:
        """Return the one line."""
        return [self.source.header(width) if self.source else ()]


class EventList(LineView):
    """A list of events, decisions, findings or operations."""

    BINDINGS: ClassVar[list[BindingType]] = [
        key("h,left", "fold(False)", "fold"),
        key("l,right", "fold(True)", "unfold"),
        key("minus", "fold_all(False)", "fold-all"),
        key("equals_sign", "fold_all(True)", "unfold-all"),
    ]

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own word
        super().__init__(id=id)
        self.source: Source = ItemSource([])

    def show(self, source: Source, at: int = 0, *, keep_scroll: bool = False) -> None:
        """Show the rows of `source` with the cursor on `at`."""
        same = source.same_until(self.source) if keep_scroll else 0
        self.source = source
        moved = at != self.cursor
        self.cursor = at
        into_view = len(source) > 0 and (moved or not keep_scroll)
        if into_view and not self.size:  # the first layout is still to come
            self.call_after_refresh(self._bring_into_view, self.cursor, True)
        self.renew(same, into_view=into_view)

    def count(self) -> int:
        """Return the number of rows."""
        return len(self.source)

    def line(self, n: int, width: int) -> Line:
        """Return row `n`."""
        return self.source.line(n, width)

    @property
    def row(self) -> int | None:
        """The event under the cursor."""
        return self.source.row(self.cursor)

    def action_fold(self, to: bool) -> None:
        """Fold or unfold the row under the cursor; folding what is folded goes to its parent."""
        if self.source.toggle(self.cursor, to):
            self.renew()

    def action_fold_all(self, to: bool) -> None:
        """Fold or unfold everything, the cursor kept on its event."""
        row = self.row
        self.source.fold_all(to)
        self.renew()
        if row is not None:
            self.go(self.source.find(row), tell=False)
