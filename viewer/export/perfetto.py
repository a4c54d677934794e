"""Chrome's trace JSON, which Perfetto opens: operations, calls and exchanges on lanes."""

from typing import IO, Any

import orjson

from tracer.schema.events import Event, Kind, Phase
from viewer.export.facts import Context, error_of, redaction_level, start_us
from viewer.model.trace import Rows, Trace


def write_perfetto(context: Context, out: IO[bytes], rows: Rows | None = None) -> int:
    """Write `rows` as slices and instants; return how many. What overlaps gets its own lane."""
    trace = context.trace
    about = {"displayTimeUnit": "ms", "otherData": {"redaction": redaction_level(trace)}}
    out.write(orjson.dumps(about)[:-1] + b',"traceEvents":[')
    lanes = _Lanes(trace)
    count = 0
    for row in (trace.shown() if rows is None else rows).tolist():
        slice_ = _slice(trace, row, lanes)
        out.write((b",\n" if count else b"\n") + orjson.dumps(slice_))
        count += 1
    for pid in lanes.pids:
        name = {
            "name": "process_name",
            "ph": "M",
            "pid": pid,
            "tid": 0,
            "args": {"name": f"pid {pid}"},
        }
        out.write((b",\n" if count else b"\n") + orjson.dumps(name))
    out.write(b"]}\n")
    return count


def _slice(trace: Trace, row: int, lanes: "_Lanes") -> dict[str, Any]:
    event = trace.event(row)
    start = start_us(trace, row)
    result: dict[str, Any] = {
        "name": event.name,
        "cat": event.topic,
        "pid": event.pid,
        "tid": lanes.of(event),
        "ts": start,
        "args": _args(trace, row, event),
    }
    if event.kind in {Kind.OPERATION, Kind.CALL, Kind.EXCHANGE}:
        end = trace.time_of(row) if event.phase != Phase.START else lanes.end
        return result | {"ph": "X", "dur": max(0, end - start)}
    return result | {"ph": "i", "s": "t", "ts": trace.time_of(row)}


def _args(trace: Trace, row: int, event: Event) -> dict[str, Any]:
    args: dict[str, Any] = {"id": event.id, "kind": event.kind}
    if event.status is not None:
        args["status"] = event.status
    if trace.failed(row):
        args["error"] = error_of(event) or "no answer"
    for key in ("url", "account", "via", "role", "attempt", "verdict", "candidate"):
        if isinstance(event.data.get(key), str | int):
            args[key] = event.data[key]
    return args


class _Lanes:
    """Gives each root operation a lane of its own while it lasts; the lane is a "thread"."""

    def __init__(self, trace: Trace) -> None:
        self.end = trace.time_of(len(trace) - 1) if len(trace) else 0
        self.pids: set[int] = set()
        self._lane: dict[str, int] = {}
        busy: dict[int, list[int]] = {}
        roots = [
            (start_us(trace, row), row)
            for row in trace.select(kinds={Kind.OPERATION}).tolist()
            if trace.head(row).op == trace.head(row).id
        ]
        for start, row in sorted(roots):
            head = trace.head(row)
            lanes = busy.setdefault(head.pid, [])
            until = trace.time_of(row) if head.phase != Phase.START else self.end
            free = next((n for n, end in enumerate(lanes) if end <= start), len(lanes))
            lanes[free : free + 1] = [until]
            self._lane[head.id] = free + 1

    def of(self, event: Event) -> int:
        self.pids.add(event.pid)
        return self._lane.get(event.op or event.id, 0)
