"""The columns of every list of events: what is shown, how wide, in which order.

The list of the terminal interface, the first screen painted before it, and ``traceview calls``
share them, so that nothing jumps and nothing differs.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from tracer.schema.events import Kind, Phase, is_error
from viewer.model.visible import visible

if TYPE_CHECKING:  # the first screen is painted before numpy is there
    from viewer.model.trace import Head, Trace


class Column(NamedTuple):
    """One column; its header is the text ``column.ID`` of the catalogue ``model``."""

    id: str
    width: int
    """Cells, without the one space after it."""
    right: bool = False
    """Numbers stand right."""
    from_width: int = 0
    """Narrower lists leave it out."""
    flex: int = 0
    """Its share of the cells left over."""


COLUMNS: Final = (
    Column("mark", 1),
    Column("time", 10, right=True),
    Column("sign", 1),
    Column("ms", 7, right=True, from_width=40),
    Column("status", 4, right=True),
    Column("topic", 10, from_width=110),
    Column("name", 16, flex=3),
    Column("account", 12, from_width=70, flex=2),
)

SIGNS: Final = {"failed": "✖", "unanswered": "…", "retry": "↻", "gap": "⚠", "fine": " "}
ASCII_SIGNS: Final = {"failed": "x", "unanswered": "?", "retry": "r", "gap": "!", "fine": " "}


def layout(width: int) -> list[tuple[Column, int]]:
    """Return the columns that fit into `width` cells, each with its width; one cell between."""
    columns = [column for column in COLUMNS if width >= column.from_width]
    spare = max(0, width - sum(column.width + 1 for column in columns) + 1)
    shares = sum(column.flex for column in columns) or 1
    return [(column, column.width + spare * column.flex // shares) for column in columns]


def state(trace: "Trace", row: int) -> str:
    """Return the key into `SIGNS` for `row`: status is never told by colour alone."""
    return _state(trace.head(row))


def _state(head: "Head") -> str:
    if head.kind == Kind.GAP:
        return "gap"
    if head.phase == Phase.START and head.kind in {Kind.CALL, Kind.EXCHANGE}:
        return "unanswered"
    return "failed" if is_error(head.kind, head.phase, head.topic, head.status) else "fine"


def cells(
    trace: "Trace", row: int, *, base: int, ascii_only: bool = False, head: "Head | None" = None
) -> dict[str, str]:
    """Return the text of every column of `row` by column id, harmless, not yet cut to width.

    `base` is the time (µs) that the time column counts from; ``mark`` is left to the caller;
    `head` spares reading the head of `row` again.
    """
    head = head or trace.head(row)
    signs = ASCII_SIGNS if ascii_only else SIGNS
    texts = {
        "mark": " ",
        "time": duration_s(trace.time_of(row) - base),
        "sign": signs[_state(head)],
        "ms": "" if head.ms is None else short_ms(head.ms),
        "status": "" if head.status is None else short_status(head.status),
        "topic": head.topic,
        "name": head.name,
        "account": trace.account(row),
    }
    return {key: visible(text, ascii_only=ascii_only) for key, text in texts.items()}


def duration_s(us: int) -> str:
    """Return microseconds as seconds with three decimals; hours and minutes when there are any."""
    sign, us = ("-", -us) if us < 0 else ("", us)
    seconds, ms = divmod(us // 1000, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{sign}{hours}:{minutes:02}:{seconds:02}"
    if minutes:
        return f"{sign}{minutes}:{seconds:02}.{ms:03}"
    return f"{sign}{seconds}.{ms:03}"


def moment(ts: str) -> str:
    """Return a timestamp of the trace, or of a server, as people write it; always UTC."""
    from datetime import UTC, datetime  # not needed for the first rows

    try:
        return f"{datetime.fromisoformat(ts).astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (ValueError, OverflowError):
        return ts


def short_ms(ms: float) -> str:
    """Return a duration in at most seven cells: ``0.4``, ``182``, ``12.3s``, ``4m05``."""
    if ms < 10:
        return f"{ms:.1f}"
    if ms < 10_000:
        return f"{ms:.0f}"
    if ms < 600_000:
        return f"{ms / 1000:.1f}s"
    return f"{int(ms // 60_000)}m{int(ms // 1000) % 60:02}"


def short_status(status: int) -> str:
    """Return a status in four cells; HRESULTs (32 bit) by their low half."""
    return str(status) if -999 <= status <= 9999 else f"{status & 0xFFFF:04X}"


def clip(text: str, width: int, *, ascii_only: bool = False) -> str:
    """Return `text` cut to `width` characters, with a sign that something is missing."""
    if len(text) <= width:
        return text
    return text[: max(0, width - 1)] + ("~" if ascii_only else "…")


def headers(shown: Sequence[tuple[Column, int]]) -> list[str]:
    """Return the message ids of the headers of `shown`."""
    return [f"column.{column.id}" for column, _ in shown]
