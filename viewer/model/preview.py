"""The first rows of a trace, before there is an index: from the heads of its first lines.

Nothing here imports numpy: the first screen does not wait for it.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import orjson

from tracer.schema.events import HEAD_END, Phase, is_error
from viewer.model.columns import ASCII_SIGNS, SIGNS, duration_s, short_ms, short_status
from viewer.model.visible import visible

ENOUGH: Final = 256 * 1024
"""Bytes of a file that are looked at."""


def first_cells(data: bytes, count: int, *, ascii_only: bool) -> Sequence[dict[str, str]]:
    """Return the columns of the first `count` rows that lists show of the lines in `data`.

    As `viewer.model.columns.cells`: by column id, harmless, not yet cut to a width.
    """
    heads = [head for line in data.split(b"\n") if (head := _head(line)) is not None]
    ended = {head["id"] for head in heads if head["phase"] == Phase.END}
    shown = [h for h in heads if h["phase"] != Phase.START or h["id"] not in ended]
    base = heads[0]["ts"] if heads else ""
    return [_cells(head, base, ascii_only=ascii_only) for head in shown[:count]]


def read(path: str) -> bytes:
    """Return the beginning of the file at `path`; empty when it is none or cannot be read."""
    try:
        if not Path(path).is_file():  # what is read of a pipe is gone
            return b""
        with Path(path).open("rb") as file:
            return file.read(ENOUGH)
    except (OSError, ValueError):
        return b""


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


def _cells(head: dict[str, Any], base: str, *, ascii_only: bool) -> dict[str, str]:
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
    return {key: visible(text, ascii_only=ascii_only) for key, text in texts.items()}


def _micros(ts: str) -> int:
    """Return the time of day of a format's time, µs; 0 if it is none."""
    try:
        hours, minutes, seconds = int(ts[11:13]), int(ts[14:16]), int(ts[17:19])
        return ((hours * 60 + minutes) * 60 + seconds) * 1_000_000 + int(ts[20:26])
    except ValueError:
        return 0
