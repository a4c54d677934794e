"""httplib2: one record for each exchange, made where httplib2 turns a request into bytes.

`Http._conn_request` runs once for each exchange: each try, token request, replay and redirect hop
passes it, whatever was patched or wrapped above it, and nothing that the cache answered.
"""

import copy
import http.client as http_client
from collections.abc import Callable
from functools import lru_cache
from time import monotonic, monotonic_ns, perf_counter_ns, time
from types import MethodType
from typing import Any, Final
from urllib.parse import urljoin

import httplib2 as _httplib2

from tracer.capture.exchange import Exchange, begin, thread
from tracer.capture.recorder import Recorder
from tracer.capture.session import Session
from tracer.capture.wire import Wire, carried_by

httplib2: Any = _httplib2  # its type information lacks what this module stands on

Answer = Any  # (response, content)
_PORTS: Final = {"http": 80, "https": 443}
_SMALL: Final = 65_536
_WHOLE: Final = (bytes, str)


class TracedHttp(_httplib2.Http):
    """An `httplib2.Http` that records, for programs that choose their transport themselves.

    Belongs inside of `AuthorizedHttp`, where token requests and replays pass. Copies record too;
    what is unpickled does not.
    """

    recorder: Recorder | None = None

    def _conn_request(
        self, conn: Any, request_uri: str, method: str, body: Any, headers: dict[str, str]
    ) -> Answer:
        recorder = self.recorder
        original = super()._conn_request  # type: ignore[misc] # not in the type information
        if recorder is not None:
            session = recorder.session()
            if session is not None:
                request = (conn, request_uri, method, body, headers)
                return record(recorder, session, original, self, request)
        return original(conn, request_uri, method, body, headers)

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = dict(super().__getstate__())  # type: ignore[call-overload] # a dictionary
        state.pop("recorder", None)
        return state

    def __deepcopy__(self, memo: dict[int, Any]) -> "TracedHttp":
        twin = type(self).__new__(type(self))
        memo[id(self)] = twin
        state = copy.deepcopy(self.__getstate__(), memo)
        twin.__setstate__(state)  # type: ignore[attr-defined] # not in the type information
        twin.recorder = self.recorder
        return twin


def patched(original: Callable[..., Answer], recorder: Recorder) -> Callable[..., Answer]:
    """Return what takes the place of `Http._conn_request` for a whole process."""

    def _conn_request(
        self: Any, conn: Any, request_uri: str, method: str, body: Any, headers: dict[str, str]
    ) -> Answer:
        if monotonic() < recorder.off_until:
            return original(self, conn, request_uri, method, body, headers)
        session = recorder.session()
        if session is None:
            return original(self, conn, request_uri, method, body, headers)
        bound = MethodType(original, self)
        return record(recorder, session, bound, self, (conn, request_uri, method, body, headers))

    return _conn_request


def record(
    recorder: Recorder,
    session: Session,
    original: Callable[..., Answer],
    http: Any,
    request: tuple[Any, str, str, Any, dict[str, str]],
) -> Answer:
    """Make the exchange and record it; what `original` returns or raises is passed on as it is.

    `request` holds the arguments of `_conn_request`.
    """
    conn = request[0]
    carried = carried_by(conn)
    if carried is not None and carried.is_this_thread():
        return original(*request)  # recorded one layer above
    recording = _Recording(recorder, session, request)
    if carried is None and isinstance(conn, http_client.HTTPConnection):
        recording.attach(conn)
    body = request[3]
    if recording.wire is None or not (body is None or _is_small(body)):
        recording.begin()
    try:
        answer = original(*request)
    except BaseException as error:
        recording.fail(error)
        raise
    recording.end(http, answer)
    return answer


class _Recording:
    """The recording of an exchange, which may begin later than its request.

    On a connection that is open already the start line is written once the request is on its way:
    while the server is at work that costs no time. Before connecting, which may hang, and before a
    big body it is written at once.
    """

    __slots__ = ("_at", "_began", "_exchange", "_recorder", "_request", "_session", "wire")

    def __init__(
        self, recorder: Recorder, session: Session, request: tuple[Any, str, str, Any, Any]
    ) -> None:
        self._recorder = recorder
        self._session = session
        self._request: tuple[Any, str, str, Any, Any] | None = request
        self._exchange: Exchange | None = None
        self.wire: Wire | None = None
        self._at = time(), monotonic_ns()
        self._began = perf_counter_ns()

    def attach(self, conn: http_client.HTTPConnection) -> None:
        """Look at what passes on the connection."""
        try:
            wire = Wire(conn, self._session.key, self.begin)
            wire.attach()
            self.wire = wire
        except Exception as error:  # noqa: BLE001 - nothing of ours may reach the host
            self._recorder.failed(error)

    def begin(self) -> None:
        """Begin the exchange now at the latest."""
        if self._request is None:
            return
        conn, request_uri, method, body, headers = self._request
        self._request = None
        try:
            tls = isinstance(conn, httplib2.HTTPSConnectionWithTimeout)
            url = _place(tls, getattr(conn, "host", None), getattr(conn, "port", None))
            url += request_uri
            self._exchange = begin(
                self._session, method, url, headers, body, at=self._at, began=self._began
            )
            if getattr(conn, "proxy_info", None) is not None:
                self._exchange.proxy = _proxy(conn)
        except Exception as error:  # noqa: BLE001 - nothing of ours may reach the host
            self._recorder.failed(error)

    def end(self, http: Any, answer: Answer) -> None:
        """Record the answer."""
        try:
            response, content = answer
            exchange = self._let_go(len(content))
            if exchange is None:
                return
            headers = dict(response)
            headers.pop("status", None)  # httplib2 adds it
            encoding = headers.pop("-content-encoding", None)  # and hides what it has undone
            if encoding:
                headers["content-encoding"] = encoding
            exchange.end(response.status, str(response.reason), headers, content)
            if response.status >= 300:
                thread.hop = _hop(http, exchange, response)
        except Exception as error:  # noqa: BLE001 - nothing of ours may reach the host
            self._recorder.failed(error)

    def fail(self, failure: BaseException) -> None:
        """Record that there was no answer."""
        try:
            exchange = self._let_go(None)
            if exchange is not None:
                exchange.fail(failure)
        except Exception as error:  # noqa: BLE001 - nothing of ours may reach the host
            self._recorder.failed(error)

    def _let_go(self, size: int | None) -> Exchange | None:
        """Leave the connection as it was; return the exchange, None after an error of ours."""
        wire = self.wire
        if wire is not None:
            self.wire = None  # each held the other, and both the program's socket
            wire.detach()
        if self._request is not None:
            self.begin()
        exchange = self._exchange
        if exchange is not None and wire is not None:
            exchange.wire = wire.account(size)
        return exchange


def _is_small(body: Any) -> bool:
    """Tell whether `body` is sent at once, without waiting for the other side to read."""
    return isinstance(body, _WHOLE) and len(body) <= _SMALL


@lru_cache(maxsize=256)
def _place(tls: bool, host: Any, port: Any) -> str:
    """Return how the URLs begin that a connection is asked for."""
    scheme = "https" if tls else "http"
    host = str(host or "unknown")
    if ":" in host:
        host = f"[{host}]"
    place = host if port in {None, _PORTS[scheme]} else f"{host}:{port}"
    return f"{scheme}://{place}"


def _proxy(conn: Any) -> dict[str, Any] | None:
    """Return host and port of the proxy that a connection goes through, if it does."""
    info = conn.proxy_info
    if not isinstance(info, httplib2.ProxyInfo) or not info.isgood():
        return None
    if not info.applies_to(conn.host):
        return None
    host = info.proxy_host
    return {
        "host": host.decode() if isinstance(host, bytes) else host,
        "port": info.proxy_port,
    }


def _hop(http: Any, exchange: Exchange, response: Any) -> str | None:
    """Return the URL that httplib2 will follow by itself now, if it will."""
    if response.status not in http.redirect_codes or not http.follow_redirects:
        return None
    followed = (
        http.follow_all_redirects
        or exchange.method in http.safe_methods
        or response.status in {303, 308}
    )
    location = response.get("location")
    if not followed or not location:
        return None
    uri = httplib2.iri2uri(urljoin(exchange.url, location))
    scheme, authority, request_uri, _ = httplib2.urlnorm(uri)
    return f"{scheme}://{authority}{request_uri}"
