"""A web server on loopback that counts what arrives on the wire."""

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ANSWER = b'{"access_token": "ya29.SECRETSECRETSECRET", "ok": true}'
PADDING = b"x" * 300_000


class Web:
    """Where it listens, and what it has been asked: method and path of each request."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.requests: list[str] = []
        self.failures = 0
        """How many requests to /flaky are answered 503 from now on."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    web: Web

    def log_message(self, *args: Any) -> None:
        """Keep quiet."""

    def _serve(self) -> None:
        length = int(self.headers.get("content-length", 0))
        self.rfile.read(length)
        path = self.path.partition("?")[0]
        self.web.requests.append(f"{self.command} {path}")
        if path == "/drop":
            self.close_connection = True
            return
        status, headers, body = self._answer(path)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if path == "/cut" else body)
        self.close_connection = self.close_connection or path == "/cut"

    def _answer(self, path: str) -> tuple[int, dict[str, str], bytes]:
        kind = {"Content-Type": "application/json"}
        if path.startswith("/redirect"):
            return 302, {"Location": "/json?access_token=SECRETSECRETSECRET"}, b""
        if path == "/flaky" and self.web.failures:
            self.web.failures -= 1
            return 503, kind, b'{"error": {"code": 503, "message": "again"}}'
        if path == "/gzip":
            return 200, {**kind, "Content-Encoding": "gzip"}, gzip.compress(ANSWER)
        if path == "/big":
            return 200, {"Content-Type": "application/octet-stream"}, PADDING
        if path == "/ews/redirected":
            return 307, {"Location": "/EWS/Exchange.asmx"}, b""
        if path.lower().startswith("/ews/"):
            return (
                200,
                {"Content-Type": "text/xml"},
                b"<s:Envelope><t:Body>mail</t:Body></s:Envelope>",
            )
        return 200, {**kind, "Set-Cookie": "SID=SECRETSECRETSECRET"}, ANSWER

    do_GET = do_POST = do_PUT = do_HEAD = _serve  # noqa: N815 - http.server's names


@contextmanager
def serve() -> Iterator[Web]:
    """Run the server."""

    class Handler(_Handler):
        pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    web = Handler.web = Web(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield web
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
