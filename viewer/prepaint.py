"""The first screen as plain text, painted before the interface is imported.

Importing Textual takes a quarter of a second; the heads of fifty lines take a millisecond. The
layout is that of the list (`viewer.model.columns`), so that nothing jumps. Nothing here may import
numpy or Textual.
"""

import os
import sys
from collections.abc import Sequence
from typing import Final

from viewer.i18n import Catalogue
from viewer.model.columns import Column, clip, layout
from viewer.model.preview import first_cells, read
from viewer.model.visible import visible

_TOP: Final = 4
"""Lines above the list: title, tabs, filter, header."""
_ALTERNATE: Final = "\x1b[?1049h\x1b[H\x1b[2J"
_HOME: Final = "\x1b[H"
_BACK: Final = "\x1b[?1049l"


def prepaint(paths: Sequence[str], *, ascii_only: bool, lang: str) -> bool:
    """Paint the first rows of the first file, if it is a plain one; tell whether it did."""
    if not paths:
        return False
    try:
        size = os.get_terminal_size(sys.__stdout__.fileno() if sys.__stdout__ else 1)
    except (OSError, ValueError):
        return False
    data = read(paths[0])
    rows = list(first_rows(data, size.columns, size.lines - _TOP - 1, ascii_only=ascii_only))
    if not rows:
        return False
    texts = Catalogue("cli", lang)
    title = clip(visible(f" traceview — {', '.join(paths)}", ascii_only=ascii_only), size.columns)
    lines = [title, "", "", _header(layout(size.columns), texts), *rows]
    stream = sys.__stderr__  # where the interface will draw
    if stream is None:
        return False
    stream.write(_ALTERNATE + "\r\n".join(lines) + _HOME)
    stream.flush()
    return True


def unpaint() -> None:
    """Give the terminal back when the interface did not start after all."""
    if sys.__stderr__ is not None:
        sys.__stderr__.write(_BACK)
        sys.__stderr__.flush()


def _header(columns: Sequence[tuple[Column, int]], texts: Catalogue) -> str:
    return " ".join(
        _set(clip(texts(f"column.{column.id}"), width), column, width) for column, width in columns
    )


def first_rows(data: bytes, width: int, count: int, *, ascii_only: bool) -> Sequence[str]:
    """Return the first `count` rows that lists show of the lines in `data`, cut to `width`."""
    columns = layout(width)
    return [
        " ".join(
            _set(clip(texts[column.id], wide, ascii_only=ascii_only), column, wide)
            for column, wide in columns
        )
        for texts in first_cells(data, count, ascii_only=ascii_only)
    ]


def _set(text: str, column: Column, width: int) -> str:
    return text.rjust(width) if column.right else text.ljust(width)
