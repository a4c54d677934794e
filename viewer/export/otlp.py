"""OpenTelemetry: OTLP as a JSON file, or sent to a collector. Ids are the trace's own."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import IO, Any, Final

import orjson

from tracer.schema.events import Event, Kind, Phase
from viewer.export.facts import Context, error_of, redaction_level, start_us
from viewer.model.trace import Rows, Trace

_SPANS: Final = frozenset({Kind.OPERATION, Kind.CALL, Kind.EXCHANGE})
_BATCH: Final = 512
_INTERNAL, _CLIENT = 1, 3
_ERROR: Final = 2


class NoSessionError(ValueError):
    """The trace has no session line, and so no trace id; none is invented."""


@dataclass(frozen=True, slots=True)
class Point:
    """A step, gap, note or settings event on the span of its operation."""

    ns: int
    name: str
    attributes: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Span:
    """An operation, call or exchange in OpenTelemetry's terms."""

    trace_id: str
    span_id: str
    parent_id: str
    name: str
    kind: int
    start_ns: int
    end_ns: int
    attributes: dict[str, Any]
    points: list[Point]
    error: str | None


def resource(trace: Trace) -> dict[str, Any]:
    """Return what is true of all spans; the redaction level is in it."""
    return {
        "service.name": "mapi-tracer",
        "service.version": version("mapi-tracer"),
        "mapi_tracer.redaction": redaction_level(trace),
    }


def spans(context: Context, rows: Rows | None = None) -> Iterator[Span]:
    """Yield a span for each operation, call and exchange among `rows`.

    Raises:
        NoSessionError: there is no session id to make the trace id of.
    """
    trace = context.trace
    sessions = _sessions(trace)
    wanted = trace.shown() if rows is None else rows
    for row in wanted.tolist():
        if trace.head(row).kind in _SPANS:
            at = trace.time_of(row)
            session = next(
                (one for since, one in reversed(sessions) if since <= at), sessions[0][1]
            )
            yield _span(context, row, session)


def _sessions(trace: Trace) -> list[tuple[int, str]]:
    """Return (µs since 1970, session id) of every session line that has one, in order of time."""
    found: list[tuple[int, str]] = []
    for row in trace.select(kinds={Kind.SESSION}).tolist():
        for one in trace.rows_of(trace.head(row).id):
            session = trace.event(one).data.get("session")
            if isinstance(session, str) and len(session) == 32 and _is_hex(session):
                found.append((trace.time_of(one), session))
    if not found:
        raise NoSessionError("no session line in this trace, so no trace id: export the whole file")
    return sorted(found)


def _is_hex(text: str) -> bool:
    return all(char in "0123456789abcdef" for char in text) and text.strip("0") != ""


def _span(context: Context, row: int, session: str) -> Span:
    trace = context.trace
    event = trace.event(row)
    start = start_us(trace, row)
    answered = event.phase != Phase.START
    failed = trace.failed(row)
    return Span(
        trace_id=session,
        span_id=event.id,
        parent_id=event.parent or "",
        name=event.name,
        kind=_CLIENT if event.kind == Kind.EXCHANGE else _INTERNAL,
        start_ns=start * 1000,
        end_ns=(trace.time_of(row) if answered else start) * 1000,
        attributes=_attributes(context, event, answered=answered),
        points=[
            _point(trace, child) for child in trace.children(event.id) if _is_point(trace, child)
        ],
        error=(error_of(event) or "no answer") if failed else None,
    )


def _attributes(context: Context, event: Event, *, answered: bool) -> dict[str, Any]:
    data = event.data
    found: dict[str, Any] = {
        "mapi_tracer.kind": event.kind,
        "mapi_tracer.topic": event.topic,
        "process.pid": event.pid,
        "mapi_tracer.answered": answered,
    }
    if event.kind == Kind.CALL:
        found["rpc.method"] = event.name
    http = isinstance(data.get("url"), str)
    if http:
        found["http.request.method"] = str(data.get("method") or "")
        found["url.full"] = data["url"]
    if event.status is not None:
        found["http.response.status_code" if http else "mapi_tracer.status"] = event.status
    for key in ("role", "attempt", "subject", "account", "via"):
        if isinstance(data.get(key), str | int):
            found[f"mapi_tracer.{key}"] = data[key]
    identity = data.get("identity")
    if isinstance(identity, dict):
        found |= {f"mapi_tracer.identity.{k}": v for k, v in identity.items() if isinstance(v, str)}
    rules = context.rules_of(event)
    return found | ({"mapi_tracer.findings": rules} if rules else {})


def _is_point(trace: Trace, row: int) -> bool:
    return trace.head(row).phase == Phase.POINT


def _point(trace: Trace, row: int) -> Point:
    event = trace.event(row)
    attributes: dict[str, Any] = {"mapi_tracer.event": event.id, "mapi_tracer.kind": event.kind}
    for key in ("attribute", "candidate", "verdict"):
        if isinstance(event.data.get(key), str):
            attributes[f"mapi_tracer.{key}"] = event.data[key]
    reason = event.data.get("reason")
    if isinstance(reason, dict):
        attributes["mapi_tracer.reason"] = str(reason.get("code") or "")
    return Point(trace.time_of(row) * 1000, event.name, attributes)


# as a file


def write_otlp(context: Context, out: IO[bytes], rows: Rows | None = None) -> int:
    """Write OTLP/JSON, one ``TracesData`` of up to 512 spans a line; return the number of spans."""
    about = _pairs(resource(context.trace))
    count = 0
    batch: list[dict[str, Any]] = []
    for span in spans(context, rows):
        batch.append(_json(span))
        count += 1
        if len(batch) == _BATCH:
            out.write(_line(about, batch))
            batch = []
    if batch or not count:
        out.write(_line(about, batch))
    return count


def _line(about: list[dict[str, Any]], batch: list[dict[str, Any]]) -> bytes:
    scope = {"name": "mapi-tracer", "version": version("mapi-tracer")}
    data = {
        "resourceSpans": [
            {"resource": {"attributes": about}, "scopeSpans": [{"scope": scope, "spans": batch}]}
        ]
    }
    return orjson.dumps(data) + b"\n"


def _json(span: Span) -> dict[str, Any]:
    return {
        "traceId": span.trace_id,
        "spanId": span.span_id,
        "parentSpanId": span.parent_id,
        "name": span.name,
        "kind": span.kind,
        "startTimeUnixNano": str(span.start_ns),
        "endTimeUnixNano": str(span.end_ns),
        "attributes": _pairs(span.attributes),
        "events": [
            {"timeUnixNano": str(one.ns), "name": one.name, "attributes": _pairs(one.attributes)}
            for one in span.points
        ],
        "status": {} if span.error is None else {"code": _ERROR, "message": span.error},
    }


def _pairs(attributes: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": _value(value)} for key, value in attributes.items()]


def _value(value: Any) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, list):
        return {"arrayValue": {"values": [_value(one) for one in value]}}
    return {"stringValue": str(value)}


# to a collector


def send_otlp(context: Context, endpoint: str, rows: Rows | None = None) -> int:
    """Send the spans to ``ENDPOINT`` (``http://host:4318/v1/traces``); return how many.

    Raises:
        ImportError: the extra ``otlp`` is not installed.
        NoSessionError: the trace has no session id.
        OSError: the collector did not take them.
    """
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace.export import SpanExportResult

    about = Resource(resource(context.trace))
    exporter = OTLPSpanExporter(endpoint=endpoint)
    count = 0
    batch: list[Any] = []
    try:
        for span in spans(context, rows):
            batch.append(_readable(span, about))
            count += 1
            if len(batch) == _BATCH:
                if exporter.export(batch) != SpanExportResult.SUCCESS:
                    raise OSError(f"{endpoint}: the collector refused the spans")
                batch = []
        if batch and exporter.export(batch) != SpanExportResult.SUCCESS:
            raise OSError(f"{endpoint}: the collector refused the spans")
    finally:
        exporter.shutdown()  # type: ignore[no-untyped-call] # its own
    return count


def _readable(span: Span, about: Any) -> Any:
    from opentelemetry.sdk.trace import Event as SpanEvent
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope
    from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

    def context(span_id: str) -> SpanContext:
        sampled = TraceFlags(TraceFlags.SAMPLED)
        return SpanContext(
            int(span.trace_id, 16), int(span_id, 16), is_remote=False, trace_flags=sampled
        )

    return ReadableSpan(
        name=span.name,
        context=context(span.span_id),
        parent=context(span.parent_id) if span.parent_id else None,
        resource=about,
        attributes=span.attributes,
        events=[SpanEvent(one.name, one.attributes, one.ns) for one in span.points],
        kind=SpanKind.CLIENT if span.kind == _CLIENT else SpanKind.INTERNAL,
        status=Status(StatusCode.ERROR, span.error) if span.error else Status(StatusCode.UNSET),
        start_time=span.start_ns,
        end_time=span.end_ns,
        instrumentation_scope=InstrumentationScope("mapi-tracer", version("mapi-tracer")),
    )
