"""Below the exchange: each transmission on a socket, its phases, and what httplib2 sends twice.

A connection is a traced one only for the duration of an exchange: its class is changed and changed
back, which reaches connections that were open before debug was switched on.
"""

import http.client
import itertools
import threading
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import blake2b
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import socket

_KEY: Final = "_tracer_wire"
_FACTS: Final = "_tracer_socket"
_SMALL: Final = 4096


@dataclass(slots=True)
class Transmission:
    """One request on a socket, with the connecting that it needed. Phases in ms."""

    n: int
    reused: bool
    pending: list[bytes] = field(default_factory=list)
    """What was sent and is not in the digest yet."""
    digest: Any = None  # a running hash of hashlib: it has no public type
    phases: dict[str, float] = field(default_factory=dict)
    sent: int = 0
    received: int | None = None
    conn: int = 0
    peer: str | None = None
    error: str | None = None
    sending: bool = False
    answered: int = 0
    """When the answer began, on the performance counter; 0 before that."""

    def send(self, data: bytes, key: bytes) -> None:
        """Account for `data`; the digest comes later, unless that would keep it alive for long."""
        self.sent += len(data)
        self.pending.append(data)
        if len(data) > _SMALL:
            self.hash(key)

    def hash(self, key: bytes) -> None:
        """Bring the digest up to what was sent."""
        data = b"".join(self.pending)
        self.pending.clear()
        if self.digest is None:
            self.digest = blake2b(data, digest_size=5, key=key)
        else:
            self.digest.update(data)


class Wire:
    """The transmissions of the exchange that `connection` carries right now."""

    __slots__ = (
        "_announce", "_class", "_connecting_ns", "connecting", "connection", "key",
        "now", "thread", "transmissions",
    )  # fmt: skip

    def __init__(
        self,
        connection: http.client.HTTPConnection,
        key: bytes,
        announce: Callable[[], object] | None = None,
    ) -> None:
        """`announce` is called before it connects, else once the request is on its way."""
        self.connection = connection
        self.key = key
        self.thread = threading.get_ident()
        self.transmissions: list[Transmission] = []
        self.now: Transmission | None = None
        """The one in progress."""
        self.connecting: list[tuple[str, int]] | None = None
        """While it connects: phases begun so far, and when."""
        self._connecting_ns = 0
        self._announce = announce
        self._class: type[Any] = type(connection)

    def attach(self) -> None:
        """Make the connection a traced one."""
        self.connection.__dict__[_KEY] = self
        self.connection.__class__ = _classes.get(self._class) or traced_class(self._class)

    def detach(self) -> None:
        """Make the connection what it was."""
        self.connection.__class__ = self._class
        self.connection.__dict__.pop(_KEY, None)

    def is_this_thread(self) -> bool:
        """Tell whether the exchange is one of the running thread."""
        return self.thread == threading.get_ident()

    # -- called by the connection ------------------------------------------------------------------

    def connect(self, connect: Any) -> None:
        """Let the connection `connect` as the beginning of a transmission, and time its phases."""
        if self._announce is not None:
            self._announce()
        now = self._next(reused=False)
        first = "dns" if _of_httplib2(self._class) else "connect"  # others do not tell the steps
        steps = self.connecting = [(first, perf_counter_ns())]
        try:
            connect(self.connection)
        except BaseException as error:
            now.error = type(error).__name__
            raise
        finally:
            self.connecting = None
            ends = [began for _, began in steps[1:]] + [perf_counter_ns()]
            for (name, began), end in zip(steps, ends, strict=True):
                now.phases[name] = (end - began) // 1000 / 1000
            self._connecting_ns += ends[-1] - steps[0][1]
            self._place(now)

    def reached(self, phase: str) -> None:
        """Note that connecting has come to `phase`, for the first time."""
        steps = self.connecting
        if steps is not None and all(name != phase for name, _ in steps):
            steps.append((phase, perf_counter_ns()))

    def send(self, request: Any, args: Any, kwargs: Any) -> None:
        """Let the connection `request`: a transmission, that which it has connected for if any."""
        now = self.now
        if now is None or now.sending:
            now = self._next(reused=True)
        now.sending = True
        before = self._connecting_ns
        began = perf_counter_ns()
        try:
            request(self.connection, *args, **kwargs)
        except BaseException as error:
            self._place(now)
            now.error = type(error).__name__
            raise
        finally:  # some connect when there is work only: that is no sending
            took = perf_counter_ns() - began - (self._connecting_ns - before)
            now.phases["send"] = took // 1000 / 1000

    def wait(self, getresponse: Any) -> Any:
        """Let the connection `getresponse`, and time it."""
        now = self.now
        if now is None:
            return getresponse(self.connection)
        began = perf_counter_ns()
        self._place(now)
        if self._announce is not None:
            self._announce()  # the server is at work meanwhile
        try:
            response = getresponse(self.connection)
        except BaseException as error:
            now.error = type(error).__name__
            now.phases["wait"] = (perf_counter_ns() - began) // 1000 / 1000
            raise
        now.answered = answered = perf_counter_ns()
        now.phases["wait"] = (answered - began) // 1000 / 1000
        now.received = getattr(response, "length", None)
        return response

    def _next(self, *, reused: bool) -> Transmission:
        last = self.now
        if last is not None and last.error is None and not (last.sending and last.conn):
            last.reused = last.reused and reused
            return last
        self.now = new = Transmission(len(self.transmissions) + 1, reused)
        self.transmissions.append(new)
        return new

    def _place(self, transmission: Transmission) -> None:
        if (facts := _facts_of(self.connection)) is not None:
            _, transmission.conn, transmission.peer = facts

    # -- the account -------------------------------------------------------------------------------

    def account(self, content_length: int | None) -> list[dict[str, Any]]:
        """Return the `wire` of FORMAT.md; call it when the answer has been read."""
        result = []
        for each in self.transmissions:
            if each.answered and each.error is None:
                each.phases["read"] = (perf_counter_ns() - each.answered) // 1000 / 1000
                if each.received is None:  # chunked: nobody says how much was on the wire
                    each.received = content_length
            entry: dict[str, Any] = {
                "n": each.n,
                "conn": each.conn,
                "reused": each.reused,
                "peer": each.peer,
                "phases": each.phases,
                "sent": each.sent,
                "received": each.received or 0,
            }
            if len(self.transmissions) > 1:  # else there is nothing to compare it with
                each.hash(self.key)
                entry["digest"] = each.digest.hexdigest()
            if each.error:
                entry["error"] = each.error
            result.append(entry)
        return result


def traced_class(kind: type[Any]) -> type[Any]:
    """Return `kind`, a class of connections, with the timing before it."""
    made = _classes.get(kind)
    if made is None:
        made = _classes[kind] = _make_class(kind)
        if _of_httplib2(kind):
            made.timeout = _watched("timeout", "connect")
        if _of_httplib2(kind) == "HTTPSConnectionWithTimeout":
            made._context = _watched("_context", "tls")  # noqa: SLF001 - of our own class
    return made


_classes: dict[type[Any], type[Any]] = {}


def _of_httplib2(kind: type[Any]) -> str:
    """Return which of httplib2's two connections `kind` is, or nothing.

    By name: importing httplib2 here would attach to it before this module is complete.
    """
    for base in kind.__mro__:
        if base.__module__ == "httplib2" and base.__name__.endswith("ConnectionWithTimeout"):
            return base.__name__
    return ""


def _watched(attribute: str, phase: str) -> property:
    """Return a property whose reading tells how far connecting has come.

    httplib2's connect reads `timeout` once it knows the address and before it connects, and
    `_context` once it is connected and before the handshake.
    """

    def get(self: Any) -> Any:
        wire = self.__dict__.get(_KEY)
        if wire is not None:
            wire.reached(phase)
        return self.__dict__[attribute]

    def put(self: Any, value: Any) -> None:
        self.__dict__[attribute] = value

    return property(get, put)


def _make_class(kind: Any) -> type[Any]:
    class Traced(kind):  # type: ignore[misc] # a class that is known at run time only
        __slots__ = ()  # else the class of a connection could not be changed
        _tracer_wire: Wire | None = None

        def connect(self) -> None:
            wire = self._tracer_wire
            if wire is None:
                kind.connect(self)
            else:
                wire.connect(kind.connect)

        def request(self, *args: Any, **kwargs: Any) -> None:
            wire = self._tracer_wire
            if wire is None:
                kind.request(self, *args, **kwargs)
            else:
                wire.send(kind.request, args, kwargs)

        def send(self, data: Any) -> None:
            wire = self._tracer_wire
            if wire is not None and wire.now is not None and isinstance(data, bytes):
                wire.now.send(data, wire.key)
            kind.send(self, data)

        def getresponse(self) -> Any:
            wire = self._tracer_wire
            return kind.getresponse(self) if wire is None else wire.wait(kind.getresponse)

    Traced.__name__, Traced.__qualname__ = kind.__name__, kind.__qualname__
    Traced.__module__ = kind.__module__
    return Traced


def carried_by(connection: object) -> Wire | None:
    """Return the wire of the exchange in progress on `connection`, if one is."""
    found = getattr(connection, "__dict__", {}).get(_KEY)
    return found if isinstance(found, Wire) else None


_numbers = itertools.count(1)


_Facts = tuple[Callable[[], object], int, str | None]


def _facts_of(connection: http.client.HTTPConnection) -> _Facts | None:
    """Return a reference, the number and the peer of the connection's socket, if it has one."""
    sock: socket.socket | None = getattr(connection, "sock", None)
    if sock is None:
        return None
    known: _Facts | None = connection.__dict__.get(_FACTS)
    if known is not None and known[0]() is sock:
        return known
    try:
        address = sock.getpeername()
        peer = f"{address[0]}:{address[1]}" if isinstance(address, tuple) else str(address)
    except (OSError, AttributeError):  # closed by the other side, or somebody's own socket
        peer = None
    facts = (weakref.ref(sock), next(_numbers), peer)
    connection.__dict__[_FACTS] = facts
    return facts
