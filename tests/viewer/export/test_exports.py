"""Exports: each read back by somebody else's reader, each with its redaction level, none acting."""

import ast
import csv
import io
import json
import shlex
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import duckdb
import jsonschema
import pytest

from tests.support.traces import TraceBuilder
from tests.viewer.export.har_schema import HAR
from viewer.export import FORMATS, NoSessionError, curl, event_markdown, export, python_call, send
from viewer.model.findings import diagnose
from viewer.model.trace import Trace

SESSION = "5e" * 16
EVIL = "=HYPERLINK(1)\x1b[31m'; rm -rf / #\n```\n<b>"


def story() -> TraceBuilder:
    """Return a session with one of everything that exports care about."""
    trace = TraceBuilder()
    trace.add("session", "start", "essai", "session", bodies="structure", session=SESSION)
    with trace.operation(
        "send", "gmail", identity={"environment": "TEST", "windows_account": "a@b.fr"},
        result={"account": "x@y.fr", "via": "env"},
    ):  # fmt: skip
        trace.step("outcome", "chosen", "chosen", n=1, candidate="x@y.fr", attribute="Env")
        trace.call(
            "gmail.users.messages.send",
            "gmail",
            403,
            ms=120.0,
            params={"userId": "me", "body": {"raw": "⟨redacted mail #1⟩"}, "if": 1, "x y": 2},
            exchange={
                "method": "POST",
                "url": "https://gmail.googleapis.com/gmail/v1/users/me/messages/send?a=1&b=%C3%A9",
                "token": "#1",
                "request": {
                    "headers": {
                        "authorization": "⟨redacted token #1⟩",
                        "content-type": "application/json",
                        "x-evil": EVIL,
                    },
                    "body": {
                        "size": 20,
                        "type": "application/json",
                        "json": {"raw": EVIL},
                        "kept": "allow",
                    },
                },
                "response": {
                    "status": 403,
                    "reason": "Forbidden",
                    "headers": {"content-type": "application/json"},
                    "body": {
                        "size": 9,
                        "json": {
                            "error": {
                                "message": "Insufficient scopes.",
                                "errors": [{"reason": "insufficientPermissions"}],
                            }
                        },
                    },
                },
                "wire": [
                    {
                        "n": 1,
                        "conn": 7,
                        "peer": "127.0.0.1:443",
                        "phases": {
                            "dns": 1.0,
                            "connect": 2.0,
                            "tls": 3.0,
                            "send": 1.0,
                            "wait": 90.0,
                            "read": 4.0,
                        },
                    }
                ],
            },
        )
        trace.call(
            "directory.users.list", "directory", exchange={"url": "https://admin.googleapis.com/x"}
        )
        trace.call("gmail.users.messages.get", "gmail", answered=False)
    trace.add("exchange", "end", "EHLO", "smtp", status=250, ms=1.0, request={"verb": "EHLO"})
    trace.add("gap", "point", "dropped", "session", count=2)
    return trace  # fmt: skip


@pytest.fixture
def trace(tmp_path: Path) -> Iterator[Trace]:
    """Return the session, opened."""
    opened = Trace.open([story().write(tmp_path / "t.jsonl")], cache=False)
    yield opened
    opened.close()


def exported(trace: Trace, fmt: str) -> bytes:
    """Return the whole trace as `fmt`."""
    out = io.BytesIO()
    count = export(trace, fmt, out, findings=diagnose(trace))
    assert count > 0
    assert not out.closed
    return out.getvalue()


@pytest.mark.parametrize("fmt", FORMATS)
def test_every_export_says_its_level(trace: Trace, fmt: str) -> None:
    """Whoever gets the file can read in it what was taken out."""
    data = exported(trace, fmt)
    wanted = b'"bodies":"structure"' if fmt == "jsonl" else b"no mail text, subject or attachment"
    assert wanted in data


@pytest.mark.parametrize("fmt", FORMATS)
def test_an_empty_selection_is_a_valid_file(trace: Trace, fmt: str) -> None:
    """Nothing selected is nothing exported, in a file that still opens."""
    out = io.BytesIO()
    count = export(trace, fmt, out, trace.select(names={"no such name"}))
    assert count == (1 if fmt == "jsonl" else 0)  # the session line, without which it is no trace
    if fmt in {"har", "perfetto"}:
        json.loads(out.getvalue())


# HAR


def test_har_is_har(trace: Trace) -> None:
    """Valid by the schema of HAR 1.2; times add up; what is not HTTP is not in it."""
    har = json.loads(exported(trace, "har"))
    jsonschema.validate(har, HAR, format_checker=jsonschema.FormatChecker())
    entries = har["log"]["entries"]
    assert len(entries) == 3
    for entry in entries:
        parts = [v for k, v in entry["timings"].items() if k != "ssl" and v > 0]
        assert sum(parts) == pytest.approx(entry["time"])
    first = next(entry for entry in entries if entry["request"]["method"] == "POST")
    assert first["timings"]["connect"] == 5.0
    assert first["serverIPAddress"] == "127.0.0.1"
    assert first["request"]["queryString"][1] == {"name": "b", "value": "é"}
    assert json.loads(first["response"]["content"]["text"])["error"]["message"]


def test_har_carries_what_har_cannot_say(trace: Trace) -> None:
    """The call, the way to the account, the findings and a missing answer are in ``_trace``."""
    entries = json.loads(exported(trace, "har"))["log"]["entries"]
    refused = next(entry for entry in entries if entry["response"]["status"] == 403)["_trace"]
    assert refused["method"] == "gmail.users.messages.send"
    assert refused["resolution"]["account"] == "x@y.fr"
    assert refused["resolution"]["steps"][0]["candidate"] == "x@y.fr"
    assert "scope-insufficient" in refused["findings"]
    silent = next(entry for entry in entries if not entry["_trace"]["answered"])
    assert silent["response"]["status"] == 0
    assert silent["response"]["_error"]


# OpenTelemetry


def test_otlp_invents_no_id(trace: Trace) -> None:
    """Trace, span and parent ids are the session's, the event's and its parent's."""
    lines = [json.loads(line) for line in exported(trace, "otlp").splitlines()]
    found = [s for one in lines for s in one["resourceSpans"][0]["scopeSpans"][0]["spans"]]
    events = {trace.head(row).id: trace.head(row) for row in trace.shown().tolist()}
    assert {span["traceId"] for span in found} == {SESSION}
    assert all(span["parentSpanId"] == (events[span["spanId"]].parent or "") for span in found)
    send_span = next(span for span in found if span["name"] == "gmail.users.messages.send")
    assert int(send_span["endTimeUnixNano"]) - int(send_span["startTimeUnixNano"]) == 120_000_000
    assert send_span["status"]["code"] == 2
    operation = next(span for span in found if span["name"] == "send")
    assert [one["name"] for one in operation["events"]] == ["outcome"]


def test_otlp_without_a_session_is_refused(tmp_path: Path) -> None:
    """Without a session line there is no trace id, and none is made up."""
    lone = TraceBuilder()
    lone.call("gmail.users.messages.get", "gmail")
    trace = Trace.open([lone.write(tmp_path / "l.jsonl")], cache=False)
    with pytest.raises(NoSessionError):
        export(trace, "otlp", io.BytesIO())
    trace.close()


class Collector(BaseHTTPRequestHandler):
    """An OTLP/HTTP collector that keeps what it gets."""

    got: list[bytes]
    status = 200

    def do_POST(self) -> None:
        """Keep the body."""
        self.got.append(self.rfile.read(int(self.headers["content-length"])))
        self.send_response(self.status)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def collector(request: pytest.FixtureRequest) -> Iterator[tuple[str, list[bytes]]]:
    """Return the endpoint of a collector on loopback, and what it got."""
    got: list[bytes] = []
    handler = type("Handler", (Collector,), {"got": got, "status": getattr(request, "param", 200)})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1/traces", got
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_collector_gets_the_same_spans(trace: Trace, collector: tuple[str, list[bytes]]) -> None:
    """Sent by the official SDK, decoded by the official messages: the ids and times of the file."""
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    endpoint, got = collector
    count = send(trace, endpoint, findings=diagnose(trace))
    spans = []
    for body in got:
        message = ExportTraceServiceRequest()
        message.ParseFromString(body)
        spans += [
            s for one in message.resource_spans for scope in one.scope_spans for s in scope.spans
        ]
    filed = [json.loads(line) for line in exported(trace, "otlp").splitlines()]
    expected = [s for one in filed for s in one["resourceSpans"][0]["scopeSpans"][0]["spans"]]
    assert count == len(spans) == len(expected)
    for span, wanted in zip(spans, expected, strict=True):
        assert (span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex()) == (
            wanted["traceId"], wanted["spanId"], wanted["parentSpanId"],
        )  # fmt: skip
        assert str(span.end_time_unix_nano) == wanted["endTimeUnixNano"]


@pytest.mark.parametrize("collector", [400], indirect=True)
def test_a_refusing_collector_is_an_error(
    trace: Trace, collector: tuple[str, list[bytes]], caplog: pytest.LogCaptureFixture
) -> None:
    """What was not taken is never called sent."""
    with pytest.raises(OSError, match="refused the spans"):
        send(trace, collector[0])


# Perfetto


def test_perfetto_lanes_do_not_overlap(tmp_path: Path) -> None:
    """Operations that overlap in time get lanes of their own; slices on a lane nest."""
    trace = TraceBuilder()
    ids = [trace.new_id() for _ in range(3)]
    for own in ids:
        trace._op = own
        trace.add("operation", "start", "send", "gmail", id=own)
        trace.wait(5)
    for own in ids:
        trace._op = own
        trace.add("operation", "end", "send", "gmail", id=own, status=0, ms=10.0)
        trace.wait(5)
    opened = Trace.open([trace.write(tmp_path / "t.jsonl")], cache=False)
    events = json.loads(exported(opened, "perfetto"))["traceEvents"]
    opened.close()
    slices = [one for one in events if one["ph"] == "X"]
    assert len({one["tid"] for one in slices}) == 3
    assert [one["dur"] for one in slices] == [15_000] * 3


def test_perfetto_shows_hangs_and_points(trace: Trace) -> None:
    """A call without an answer lasts to the end of the trace; steps and gaps are instants."""
    events = json.loads(exported(trace, "perfetto"))["traceEvents"]
    assert {one["name"] for one in events if one["ph"] == "i"} >= {"outcome", "dropped"}
    assert [one["args"]["error"] for one in events if one["name"] == "gmail.users.messages.get"]


# to run


def event_named(trace: Trace, kind: str, name: str) -> Any:
    """Return the event of a kind that has this name."""
    return trace.event(int(trace.select(kinds={kind}, names={name})[0]))


def test_curl_is_one_safe_command(trace: Trace) -> None:
    """The shell reads one command: the token by its name, hostile headers as plain words."""
    text = curl(event_named(trace, "exchange", "POST gmail.googleapis.com"))
    assert text is not None
    command = text.partition("curl ")[2].replace("\\\n", " ")
    words = shlex.split(command)
    assert "Authorization: Bearer $TOKEN" in words
    assert [w for w in words if w.startswith("x-evil: =HYPERLINK(1)␛[31m'; rm -rf / #␊")]
    assert words[words.index("--url") + 1].startswith("https://gmail.googleapis.com/")
    assert "⟨redacted token" not in text
    assert json.loads(words[words.index("--data-raw") + 1]) == {"raw": EVIL}
    assert curl(event_named(trace, "exchange", "EHLO")) is None


def test_python_is_one_safe_call(trace: Trace) -> None:
    """It parses; names that are none are left out; what was redacted is said."""
    text = python_call(event_named(trace, "call", "gmail.users.messages.send"))
    assert text is not None
    tree = ast.parse(text)
    assert 'build("gmail", "v1"' in text
    assert ".users().messages().send(" in text
    call = next(node for node in ast.walk(tree) if isinstance(node, ast.Call) and node.keywords)
    names = {k.arg for node in ast.walk(tree) if isinstance(node, ast.Call) for k in node.keywords}
    assert names == {"credentials", "userId", "body"}
    assert call is not None
    assert "put your own values" in text
    assert python_call(event_named(trace, "exchange", "EHLO")) is None


@pytest.mark.parametrize(
    "name", ["gmail.import os", "gmail.a;b", "other.users.list", "gmail", "gmail.class"]
)
def test_a_hostile_method_is_no_call(name: str) -> None:
    """A method id that is no chain of names gives no code."""
    trace = TraceBuilder()
    trace.add("call", "end", name, "gmail", status=200, ms=1.0, params={})
    assert python_call(trace.events[0]) is None


# tables


def rows_of(query: str) -> list[Any]:
    """Return the rows that DuckDB answers."""
    relation = duckdb.sql(query)
    assert relation is not None
    found: list[Any] = relation.fetchall()
    return found


def test_csv_is_read_by_duckdb_and_runs_nothing(trace: Trace, tmp_path: Path) -> None:
    """One row an event, the same columns as Parquet; no cell begins like a formula."""
    path = tmp_path / "t.csv"
    path.write_bytes(exported(trace, "csv"))
    rows = list(csv.DictReader(io.StringIO(path.read_text("utf-8"))))
    assert len(rows) == len(trace.shown())
    assert not [v for row in rows for v in row.values() if v.startswith(("=", "+", "@", "\t"))]
    count = rows_of(f"select count(*) from read_csv('{path}') where status = 403")
    assert count == [(2,)]


def test_parquet_is_read_by_duckdb(trace: Trace, tmp_path: Path) -> None:
    """Typed columns, the data as JSON exactly as recorded."""
    path = tmp_path / "t.parquet"
    path.write_bytes(exported(trace, "parquet"))
    found = rows_of(f"select name, ms, data from '{path}' where status = 403 and kind = 'exchange'")
    assert [one[:2] for one in found] == [("POST gmail.googleapis.com", 120.0)]
    raw = trace.raw(int(trace.select(kinds={"exchange"}, names={"POST gmail.googleapis.com"})[0]))
    assert f'"data":{found[0][2]}}}'.encode() in raw


def test_markdown_fences_hold(trace: Trace) -> None:
    """Backticks in the data do not end the block of code."""
    row = int(trace.select(kinds={"exchange"}, names={"POST gmail.googleapis.com"})[0])
    text = event_markdown(trace, row)
    fence = next(line for line in text.splitlines() if line.startswith("```")).partition("json")[0]
    assert text.count("\n" + fence) == 2
    assert "\x1b" not in text


def test_jsonl_is_a_trace_again(trace: Trace, tmp_path: Path) -> None:
    """A part of a trace, with its start lines and its session, opens as a trace."""
    out = io.BytesIO()
    export(trace, "jsonl", out, trace.select(errors=True))
    path = tmp_path / "part.jsonl"
    path.write_bytes(out.getvalue())
    part = Trace.open([path], cache=False)
    assert not part.damage
    assert len(part.select(errors=True)) == len(trace.select(errors=True))
    assert len(part.select(kinds={"session"})) == 1
    part.close()


@pytest.mark.parametrize("fmt", FORMATS)
def test_hostile_depth_and_numbers_are_exported(fmt: str, tmp_path: Path) -> None:
    """JSON nested 900 deep and numbers no machine holds: every format writes its file."""
    deep: Any = 1
    for _ in range(900):
        deep = [deep]
    lines = TraceBuilder()
    lines.add("session", "start", "s", "session", bodies="structure", session=SESSION)
    with lines.operation("send", "gmail"):
        lines.call(
            "gmail.users.messages.send",
            "gmail",
            500,
            exchange={
                "request": {"body": {"size": 1, "json": ["DEEP"], "kept": "walk"}},
                "n": "HUGE",
            },
        )
    path = tmp_path / "t.jsonl"
    text = lines.lines().replace(b'"DEEP"', json.dumps(deep).encode())
    path.write_bytes(text.replace(b'"HUGE"', b"123456789012345678901234567890.10"))
    trace = Trace.open([path], cache=False)
    data = exported(trace, fmt)
    trace.close()
    if fmt in {"har", "perfetto"}:
        json.loads(data)
    if fmt == "csv":
        assert b"123456789012345678901234567890.10" in data
