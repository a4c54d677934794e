"""The rows that are shown until the index is there: no numpy, no trace, only the first heads."""

from collections.abc import Sequence

from viewer.model.columns import ASCII_SIGNS, SIGNS, layout
from viewer.model.preview import first_cells, read
from viewer.tui.look import Look
from viewer.tui.paint import Line, Part, fit
from viewer.tui.sources import Source

_MOST = 200


def early_source(paths: Sequence[str], look: Look) -> "EarlySource":
    """Return the first rows of the first of `paths`; none when it is no plain file of events."""
    data = read(paths[0]) if paths else b""
    return EarlySource(first_cells(data, _MOST, ascii_only=look.ascii_only), look)


class EarlySource(Source):
    """The first events of a file, one a line; they lead nowhere yet."""

    def __init__(self, rows: Sequence[dict[str, str]], look: Look) -> None:
        self.rows = rows
        self.look = look

    def __len__(self) -> int:
        return len(self.rows)

    def row(self, n: int) -> int | None:
        """Return None: nothing is indexed yet."""
        return None

    def find(self, row: int) -> int:
        """Return the first row."""
        return 0

    def header(self, width: int) -> Line:
        """Return the titles of the columns."""
        return columns_header(self.look, width)

    def line(self, n: int, width: int) -> Line:
        """Return row `n` of the list."""
        texts = self.rows[n]
        signs = ASCII_SIGNS if self.look.ascii_only else SIGNS
        failed = "" if texts["sign"] == signs["fine"] else "error"
        inks = {"time": "dim", "topic": "dim", "sign": failed, "status": failed or "ok"}
        parts: list[Part] = []
        for column, wide in layout(width):
            ink = inks.get(column.id, failed if column.id == "name" else "")
            parts += [(fit(texts[column.id], wide, right=column.right), ink), (" ", "")]
        return parts


def columns_header(look: Look, width: int) -> Line:
    """Return the titles of the columns of a list of events."""
    parts: list[Part] = []
    for column, wide in layout(width):
        name = look.cli(f"column.{column.id}")
        parts += [(fit(name, wide, right=column.right), "dim"), (" ", "")]
    return parts
