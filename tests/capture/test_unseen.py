"""imaplib and poplib: not recorded, and the trace says so."""

import imaplib
import poplib
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.capture import Recording

ANSWERS = {
    b"CAPABILITY": b"* CAPABILITY IMAP4rev1\r\n%s OK done\r\n",
    b"LOGOUT": b"* BYE\r\n%s OK done\r\n",
    b"NOOP": b"%s OK done\r\n",
}


class Imap(socketserver.StreamRequestHandler):
    """As much of an IMAP server as a client needs to come and go."""

    def handle(self) -> None:
        self.wfile.write(b"* OK ready\r\n")
        while line := self.rfile.readline():
            tag, verb = line.split()[:2]
            self.wfile.write(ANSWERS[verb] % tag)


class Pop(socketserver.StreamRequestHandler):
    """A POP3 server that agrees with everything."""

    def handle(self) -> None:
        self.wfile.write(b"+OK ready\r\n")
        while self.rfile.readline():
            self.wfile.write(b"+OK\r\n")


@contextmanager
def serving(handler: type[socketserver.StreamRequestHandler]) -> Iterator[int]:
    """Run a server on loopback; give its port."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


def test_imaplib_leaves_a_gap(traced: Recording) -> None:
    """The first command that goes out while debug is on is named, and no other."""
    with serving(Imap) as port, imaplib.IMAP4("127.0.0.1", port) as mailbox:
        assert mailbox.noop()[0] == "OK"
    assert traced.gaps() == [("unseen-transport", "imaplib is not recorded")]


def test_poplib_leaves_a_gap(traced: Recording) -> None:
    """The first command that goes out while debug is on is named, and no other."""
    with serving(Pop) as port:
        mailbox = poplib.POP3("127.0.0.1", port)
        mailbox.noop()
        mailbox.quit()
    assert traced.gaps() == [("unseen-transport", "poplib is not recorded")]
