"""One worker: a real client with one tool, told over standard input how many calls of which type.

Each answer is a line of JSON: the nanoseconds of each call, and of the CPU over all of them.
"""

import json
import logging
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import google_auth_httplib2
import httplib2
from google.oauth2.credentials import Credentials
from googleapiclient import discovery, discovery_cache, model

RAW = "RnJvbTogYUBtYXNvYy5jb20NClRvOiBiQG1hc29jLmNvbQ0KU3ViamVjdDogcGxhbm5lZA0KDQpoZWxsbw==" * 6


def no_tool(folder: Path) -> Callable[[], None]:
    """The client alone."""
    return lambda: None


def traced(folder: Path) -> Callable[[], None]:
    """All of our seams; the parent has switched debug on, or not."""
    from tracer.capture.install import install

    install()
    return lambda: None


def dumped(folder: Path) -> Callable[[], None]:
    """The client's own dump_request_response, and all logging, into a file."""
    model.dump_request_response = True
    logging.basicConfig(filename=folder / "dump.log", level=logging.DEBUG)
    return lambda: None


def spans(folder: Path) -> Callable[[], None]:
    """OpenTelemetry: the instrumentation's span a call, and a span a request with its bodies."""
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
    from opentelemetry.instrumentation.google_api_client import GoogleApiClientInstrumentor
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

    class ToFile(SpanExporter):
        def __init__(self) -> None:
            self.file = (folder / "spans.bin").open("ab")

        def export(self, spans: Any) -> SpanExportResult:
            self.file.write(encode_spans(spans).SerializeToString())
            self.file.flush()
            return SpanExportResult.SUCCESS

    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(ToFile()))
    trace.set_tracer_provider(provider)
    GoogleApiClientInstrumentor().instrument()
    tracer = trace.get_tracer("bench")
    original: Any = httplib2.Http.request

    def request(
        self: Any, uri: str, method: str = "GET", body: Any = None, headers: Any = None, **more: Any
    ) -> Any:
        with tracer.start_as_current_span("http") as span:
            span.set_attribute("http.request.method", method)
            span.set_attribute("url.full", uri)
            for name, value in (headers or {}).items():
                span.set_attribute(f"http.request.header.{name}", value)
            if body:
                span.set_attribute("http.request.body", body)
            response, content = original(self, uri, method, body, headers, **more)
            span.set_attribute("http.response.status_code", response.status)
            for name, value in response.items():
                span.set_attribute(f"http.response.header.{name}", value)
            span.set_attribute("http.response.body", content.decode())
            return response, content

    setattr(httplib2.Http, "request", request)  # noqa: B010 - mypy
    return lambda: (provider.force_flush(), None)[1]


TOOLS = {
    "bare": no_tool,
    "bare again": no_tool,
    "off": traced,
    "on": traced,
    "dump": dumped,
    "spans": spans,
}


class Client:
    """The three calls that are measured."""

    def __init__(self, port: int) -> None:
        build: Any = discovery
        documents: Any = discovery_cache
        credentials = Credentials("ya29.bench-" + "x" * 100)  # type: ignore[no-untyped-call]

        def service(name: str, version: str) -> Any:
            document = json.loads(documents.get_static_doc(name, version))
            document["rootUrl"] = document["baseUrl"] = f"http://127.0.0.1:{port}/"
            document["baseUrl"] += document["servicePath"]
            http = google_auth_httplib2.AuthorizedHttp(credentials, http=httplib2.Http())
            return build.build_from_document(document, http=http)

        self.directory = service("admin", "directory_v1").users()
        self.messages = service("gmail", "v1").users().messages()
        self.count = 0

    def list(self) -> None:
        self.count += 1
        self.directory.list(
            customer="my_customer", maxResults=100, pageToken=f"t{self.count}", projection="full"
        ).execute()

    def get(self) -> None:
        self.count += 1
        self.messages.get(userId="me", id=f"19d8ef{self.count:010x}").execute()

    def send(self) -> None:
        self.count += 1
        self.messages.send(userId="me", body={"raw": f"{RAW}{self.count}"}).execute()


def main() -> None:
    """Make the calls that the parent asks for."""
    tool, port, core, folder = sys.argv[1], int(sys.argv[2]), sys.argv[3], Path(sys.argv[4])
    if core and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {int(core)})
    flush = TOOLS[tool](folder)
    client = Client(port)
    clock, cpu = time.perf_counter_ns, time.process_time_ns
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for line in sys.stdin:
        kind, count = line.split()
        call = getattr(client, kind)
        times = []
        began = cpu()
        for _ in range(int(count)):
            before = clock()
            call()
            times.append(clock() - before)
        flush()
        sys.stdout.write(json.dumps({"ns": times, "cpu": cpu() - began}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
