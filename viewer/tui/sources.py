"""What a list shows: rows by number, made into lines only when they are seen.

Nothing here imports numpy: the first paint does not wait for it.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NamedTuple

from viewer.model.finding import Finding
from viewer.tui.paint import Line, Part

if TYPE_CHECKING:
    from viewer.model.trace import Rows

TIME_MODES: Final = ("relative", "absolute", "mark")
_LOOKED_AT: Final = 50_000


class Source(ABC):
    """The rows of one tab."""

    foldable = False

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def line(self, n: int, width: int) -> Line:
        """Return row `n` of the list."""

    @abstractmethod
    def row(self, n: int) -> int | None:
        """Return the event behind row `n`, if there is one."""

    @abstractmethod
    def find(self, row: int) -> int:
        """Return the row of the list that is, or is nearest to, the event `row`."""

    def same_until(self, before: "Source") -> int:
        """Return how many of the first rows look as they did in `before`."""
        return 0

    def finding(self, n: int) -> Finding | None:
        """Return the finding of row `n`, if it is one."""
        return None

    def places(self, rows: "Rows") -> "Rows":
        """Return where in the list the events `rows` are, ascending."""
        import numpy as np

        known = set(rows.tolist())
        looked_at = range(min(len(self), _LOOKED_AT))
        return np.array([n for n in looked_at if self.row(n) in known], dtype=np.int64)

    def next_of(self, rows: "Rows", at: int, step: int, *, wrap: bool = False) -> int | None:
        """Return the place of the next of `rows` after (`step` 1) or before (-1) place `at`.

        With `wrap` the search goes on from the other end.
        """
        places = self.places(rows)
        ahead = places[places > at] if step > 0 else places[places < at][::-1]
        if not len(ahead) and wrap:
            ahead = places if step > 0 else places[::-1]
        return int(ahead[0]) if len(ahead) else None

    def header(self, width: int) -> Line:
        """Return the titles of the columns."""
        return ()

    def reveal(self, row: int) -> bool:
        """Unfold what hides the event `row`; tell whether anything changed."""
        return False

    def toggle(self, n: int, to: bool | None = None) -> bool:
        """Fold or unfold row `n`; tell whether anything changed."""
        return False

    def fold_all(self, to: bool) -> bool:
        """Fold or unfold everything; tell whether anything changed."""
        return False


def highlighted(text: str, ink: str, needle: str) -> list[Part]:
    """Return `text` with every occurrence of `needle` in the ink of a hit."""
    if not needle:
        return [(text, ink)]
    parts: list[Part] = []
    folded, wanted = text.lower(), needle.lower()
    if len(folded) != len(text):
        return [(text, ink)]
    at = 0
    while (hit := folded.find(wanted, at)) >= 0:
        parts += [(text[at:hit], ink), (text[hit : hit + len(wanted)], "hit")]
        at = hit + len(wanted)
    return [*parts, (text[at:], ink)] if at else [(text, ink)]


class Item(NamedTuple):
    """A line that was made beforehand, and what it stands for."""

    make: Callable[[int], Line]
    row: int | None = None
    finding: Finding | None = None


class ItemSource(Source):
    """Lines made beforehand: for tabs that are short by nature."""

    def __init__(self, items: list[Item]) -> None:
        self.items = items

    def __len__(self) -> int:
        return len(self.items)

    def line(self, n: int, width: int) -> Line:
        """Return row `n` of the list."""
        return self.items[n].make(width)

    def row(self, n: int) -> int | None:
        """Return the event behind row `n`, if there is one."""
        return self.items[n].row if 0 <= n < len(self.items) else None

    def finding(self, n: int) -> Finding | None:
        """Return the finding of row `n`, if it is one."""
        return self.items[n].finding if 0 <= n < len(self.items) else None

    def find(self, row: int) -> int:
        """Return the row of the list that shows the event `row`, else the first."""
        return next((n for n, item in enumerate(self.items) if item.row == row), 0)


def plain(*parts: Part) -> Callable[[int], Line]:
    """Return the maker of a line that is the same for every width."""
    return lambda _: parts
