"""The first screen as plain text, painted before the interface is imported.

Importing Textual takes a quarter of a second; the heads of fifty lines take a millisecond. The
layout is that of the list (`viewer.model.columns`), so that nothing jumps. Nothing here may import
numpy or Textual.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import orjson

from tracer.schema.events import HEAD_END, Phase, is_error
from viewer.i18n import Catalogue
from viewer.model.columns import (
    ASCII_SIGNS,
    SIGNS,
    Column,
    clip,
    duration_s,
    layout,
    short_ms,
    short_status,
)
from viewer.model.visible import visible

_ENOUGH: Final = 256 * 1024
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
        with Path(paths[0]).open("rb") as file:
            data = file.read(_ENOUGH)
    except (OSError, ValueError):
        return False
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
    heads = [head for line in data.split(b"\n") if (head := _head(line)) is not None]
    ended = {head["id"] for head in heads if head["phase"] == Phase.END}
    shown = [h for h in heads if h["phase"] != Phase.START or h["id"] not in ended]
    columns = layout(width)
    base = heads[0]["ts"] if heads else ""
    return [_row(head, base, columns, ascii_only=ascii_only) for head in shown[:count]]


def _head(line: bytes) -> dict[str, Any] | None:
    end = line.find(HEAD_END)
    if end < 0:
        return None
    try:
        head = orjson.loads(line[:end] + b"}")
        fine = isinstance(head, dict) and all(
            isinstance(head[key], str) for key in ("ts", "topic", "kind", "phase", "id", "name")
        )
    except (orjson.JSONDecodeError, KeyError):
        return None
    return head if fine else None


def _row(
    head: dict[str, Any], base: str, columns: Sequence[tuple[Column, int]], *, ascii_only: bool
) -> str:
    status, ms = head.get("status"), head.get("ms")
    status = status if isinstance(status, int) else None
    signs = ASCII_SIGNS if ascii_only else SIGNS
    failed = is_error(head["kind"], head["phase"], head["topic"], status)
    state = "gap" if head["kind"] == "gap" else "failed" if failed else "fine"
    texts = {
        "mark": " ",
        "time": duration_s(_micros(head["ts"]) - _micros(base)),
        "sign": signs[state],
        "ms": short_ms(ms) if isinstance(ms, int | float) else "",
        "status": "" if status is None else short_status(status),
        "topic": head["topic"],
        "name": head["name"],
        "account": "",
    }
    parts = []
    for column, width in columns:
        text = clip(visible(texts[column.id], ascii_only=ascii_only), width, ascii_only=ascii_only)
        parts.append(_set(text, column, width))
    return " ".join(parts)


def _set(text: str, column: Column, width: int) -> str:
    return text.rjust(width) if column.right else text.ljust(width)


def _micros(ts: str) -> int:
    """Return the time of day of a format's time, µs; 0 if it is none."""
    try:
        hours, minutes, seconds = int(ts[11:13]), int(ts[14:16]), int(ts[17:19])
        return ((hours * 60 + minutes) * 60 + seconds) * 1_000_000 + int(ts[20:26])
    except ValueError:
        return 0
