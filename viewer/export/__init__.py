"""Exports: the same trace for other people's tools. Each says what redaction level it holds."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import IO, Final

from viewer.export.code import curl, python_call, write_curl, write_jsonl, write_python
from viewer.export.facts import Context
from viewer.export.har import write_har
from viewer.export.otlp import NoSessionError, send_otlp, write_otlp
from viewer.export.perfetto import write_perfetto
from viewer.export.table import event_markdown, write_csv, write_markdown, write_parquet
from viewer.model.finding import Finding
from viewer.model.trace import Rows, Trace

__all__ = [
    "FORMATS",
    "Format",
    "NoSessionError",
    "curl",
    "event_markdown",
    "export",
    "python_call",
    "send",
]


@dataclass(frozen=True, slots=True)
class Format:
    """One way out."""

    suffix: str
    write: Callable[[Context, IO[bytes], Rows | None], int]
    about: str
    binary: bool = False
    """Whether a terminal cannot show it."""
    extra: str = ""
    """The optional part of mapi-tracer that must be installed."""


FORMATS: Final[dict[str, Format]] = {
    "har": Format(".har", write_har, "HAR 1.2: browsers' developer tools, proxies"),
    "otlp": Format(".otlp.jsonl", write_otlp, "OpenTelemetry as JSON lines: any collector"),
    "perfetto": Format(".perfetto.json", write_perfetto, "Chrome trace: ui.perfetto.dev"),
    "curl": Format(".sh", write_curl, "curl commands with $TOKEN"),
    "python": Format(".py", write_python, "calls of google-api-python-client"),
    "markdown": Format(".md", write_markdown, "events to paste into a ticket"),
    "csv": Format(".csv", write_csv, "a table for a spreadsheet"),
    "parquet": Format(
        ".parquet", write_parquet, "a table for DuckDB", binary=True, extra="parquet"
    ),
    "jsonl": Format(".jsonl", write_jsonl, "the events themselves, as a smaller trace"),
}
"""By name, as in ``traceview export NAME``."""


def export(
    trace: Trace,
    fmt: str,
    out: IO[bytes],
    rows: Rows | None = None,
    findings: Sequence[Finding] = (),
) -> int:
    """Write `rows` of `trace` (without: what lists show) as `fmt`; return how many were written.

    Args:
        fmt: a key of `FORMATS`.
        out: open for writing bytes; stays open.
        findings: their ids go into formats that have a place for them.

    Raises:
        KeyError: there is no such format.
        NoSessionError: OTLP needs the session's id, and the trace has none.
        ImportError: the format's extra is not installed.
    """
    return FORMATS[fmt].write(Context(trace, findings), out, rows)


def send(
    trace: Trace, endpoint: str, rows: Rows | None = None, findings: Sequence[Finding] = ()
) -> int:
    """Send `rows` to an OpenTelemetry collector over OTLP/HTTP; return how many spans it took.

    Raises:
        NoSessionError, ImportError: as `export`.
        OSError: the collector did not take them.
    """
    return send_otlp(Context(trace, findings), endpoint, rows)
