"""An HTTP proxy on loopback that knows CONNECT, for the tests of the way out."""

import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class _Tunnel(socketserver.StreamRequestHandler):
    rbufsize = 0
    server: "_Server"

    def handle(self) -> None:
        place = self.rfile.readline().split()[1].decode()
        while self.rfile.readline().strip():
            pass
        self.server.asked.append(place)
        host, _, port = place.rpartition(":")
        with socket.create_connection((host, int(port))) as there:
            self.connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            back = threading.Thread(target=_pipe, args=(there, self.connection))
            back.start()
            _pipe(self.connection, there)
            back.join()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = False

    def __init__(self) -> None:
        self.asked: list[str] = []
        super().__init__(("127.0.0.1", 0), _Tunnel)


def _pipe(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    for one in (source, target):
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)


@contextmanager
def proxy() -> Iterator[tuple[str, list[str]]]:
    """Run it; yield its URL, and ``host:port`` of each tunnel asked for."""
    with _Server() as server:
        runner = threading.Thread(target=server.serve_forever, args=(0.05,))
        runner.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", server.asked
        finally:
            server.shutdown()
            runner.join()
