"""One origin in front of several servers on loopback: the layer knows a single endpoint."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "_Server"

    def _forward(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        target = self.server.target(self.path)
        connection = HTTPConnection(target, timeout=60)
        try:
            headers = {k: v for k, v in self.headers.items() if k.lower() not in _HOPS}
            connection.request(self.command, self.path, body, {**headers, "Host": target})
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in _HOPS:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _forward  # noqa: N815 - the library's names

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        pass


_HOPS = {"host", "connection", "keep-alive", "transfer-encoding", "content-length", "date"}


class _Server(ThreadingHTTPServer):
    def __init__(self, routes: Mapping[str, str]) -> None:
        self.routes = routes
        super().__init__(("127.0.0.1", 0), _Handler)

    def target(self, path: str) -> str:
        """Return ``host:port`` of the longest route that `path` begins with."""
        prefix = max((p for p in self.routes if path.startswith(p)), key=len)
        return urlsplit(self.routes[prefix]).netloc


@contextmanager
def switchboard(routes: Mapping[str, str]) -> Iterator[str]:
    """Forward by the path's beginning (prefix -> URL); yield the origin."""
    with _Server(routes) as server:
        runner = threading.Thread(target=server.serve_forever, args=(0.05,))
        runner.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            runner.join()
