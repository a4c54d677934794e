"""Tables: CSV for a spreadsheet, Parquet for DuckDB and its like."""

import csv
import io
import json
from typing import IO, Any, Final

import orjson

from tracer.schema.events import Event
from viewer.export.facts import Context, encoded, error_of, redaction_level, shown_rows
from viewer.model.trace import Rows, Trace
from viewer.model.visible import visible

COLUMNS: Final = (
    "ts", "topic", "kind", "phase", "name", "status", "ms", "pid", "seq", "id", "parent", "op",
    "account", "method", "url", "error", "data",
)  # fmt: skip
_NUMBERS: Final = frozenset({"status", "ms", "pid", "seq"})
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_BATCH: Final = 10_000


def record(trace: Trace, row: int) -> dict[str, Any]:
    """Return one event as a flat row; ``data`` is its JSON text, exactly as recorded."""
    event = trace.event(row)
    flat: dict[str, Any] = {
        name: getattr(event, name) for name in COLUMNS if hasattr(event, name) and name != "data"
    }
    for name in ("method", "url"):
        value = event.data.get(name)
        flat[name] = value if isinstance(value, str) else None
    flat["account"] = trace.account(row) or None
    flat["error"] = (error_of(event) if trace.failed(row) else "") or None
    flat["data"] = trace.raw(row).partition(b',"data":')[2].strip()[:-1].decode("utf-8", "replace")
    return flat


def write_csv(context: Context, out: IO[bytes], rows: Rows | None = None) -> int:
    """Write CSV with a header line; a text that a spreadsheet would run as a formula gets a ``'``.

    The redaction level is in a column of its own, as CSV has no place for remarks.
    """
    trace = context.trace
    level = redaction_level(trace)
    text = io.TextIOWrapper(out, "utf-8", newline="", write_through=True)
    try:
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow((*COLUMNS, "redaction"))
        count = 0
        for row in shown_rows(trace, rows):
            flat = record(trace, row)
            writer.writerow((*(_cell(flat[name], name) for name in COLUMNS), level))
            count += 1
    finally:
        text.detach()
    return count


def _cell(value: Any, name: str) -> Any:
    if value is None or name in _NUMBERS:
        return value
    text = visible(str(value), lines=True)
    return f"'{text}" if text.startswith(_FORMULA) else text


def write_parquet(context: Context, out: IO[bytes], rows: Rows | None = None) -> int:
    """Write Parquet, zstd-compressed; the redaction level is in the file's metadata.

    Raises:
        ImportError: the extra ``parquet`` is not installed.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise ImportError("parquet needs pyarrow: pip install 'mapi-tracer[parquet]'") from None

    trace = context.trace
    kinds = {"ms": pa.float64(), "status": pa.int64(), "pid": pa.int64(), "seq": pa.int64()}
    schema = pa.schema(
        [(name, kinds.get(name, pa.string())) for name in COLUMNS],
        metadata={"mapi_tracer.redaction": redaction_level(trace)},
    )
    count = 0
    numbers = shown_rows(trace, rows)
    with pq.ParquetWriter(out, schema, compression="zstd") as writer:
        for begin in range(0, len(numbers), _BATCH):
            batch = [record(trace, row) for row in numbers[begin : begin + _BATCH]]
            writer.write_table(pa.Table.from_pylist([_storable(one) for one in batch], schema))
            count += len(batch)
    return count


def _storable(flat: dict[str, Any]) -> dict[str, Any]:
    """Make texts valid UTF-8: a lone surrogate is legal in JSON and not in Parquet."""
    return {
        name: value.encode("utf-8", "backslashreplace").decode()
        if isinstance(value, str)
        else value
        for name, value in flat.items()
    }


def write_markdown(context: Context, out: IO[bytes], rows: Rows | None = None) -> int:
    """Write the events as Markdown: a heading each, and its data as JSON."""
    trace = context.trace
    out.write(f"*{redaction_level(trace)}*\n".encode())
    count = 0
    for row in shown_rows(trace, rows):
        out.write(("\n" + event_markdown(trace, row)).encode("utf-8", "backslashreplace"))
        count += 1
    return count


def _as_written(raw: bytes, event: Event) -> Any:
    """Return the event's data with its numbers as they are spelled in the line."""

    def spelled(number: str) -> orjson.Fragment:
        return orjson.Fragment(number.encode())

    try:
        return json.loads(raw, parse_int=spelled, parse_float=spelled)["data"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return event.data


def event_markdown(trace: Trace, row: int) -> str:
    """Return one event as Markdown, to paste into a ticket; nothing in it can become a link."""
    event = trace.event(row)
    sign = "❌ " if trace.failed(row) else ""
    status = "" if event.status is None else f" · {event.status}"
    took = "" if event.ms is None else f" · {event.ms:.1f} ms"
    about = f"{event.ts} · {event.topic} · {event.kind} · {event.id}{status}{took}"
    text = encoded(_as_written(trace.raw(row), event), indent=True)
    fence = "```"
    while fence in text:
        fence += "`"
    name = visible(event.name).replace("`", "'")
    data = visible(text, lines=True)
    return f"### {sign}`{name}`\n\n`{visible(about)}`\n\n{fence}json\n{data}\n{fence}\n"
