"""http.client used directly, by urllib.request for one: what no library above it records.

Only the two classes of the standard library themselves: httplib2, urllib3 and others derive their
own connections from them, and are recorded one layer higher. The body stays unread.
"""

import weakref
from collections.abc import Callable, Set
from time import monotonic
from types import ModuleType
from typing import Any, Final

from tracer.capture.exchange import Exchange, begin
from tracer.capture.record import expect_redirect, guarded
from tracer.capture.recorder import Recorder
from tracer.capture.session import Session
from tracer.capture.swap import Detach, swap

_in_progress: Final[weakref.WeakKeyDictionary[Any, Exchange]] = weakref.WeakKeyDictionary()
_PORTS: Final = {"http": 80, "https": 443}


def attach(recorder: Recorder, module: ModuleType) -> Detach:
    """Attach to `http.client`."""
    plain = {module.HTTPConnection, getattr(module, "HTTPSConnection", None)}

    def request(original: Callable[..., Any], recorder: Recorder) -> Callable[..., Any]:
        return _request(original, recorder, plain)

    places = [
        (module.HTTPConnection, "request", request),
        (module.HTTPConnection, "getresponse", _getresponse),
    ]
    return swap(recorder, "http.client", places)


def _request(
    original: Callable[..., Any], recorder: Recorder, plain: Set[Any]
) -> Callable[..., Any]:
    def request(
        self: Any, method: str, url: str, body: Any = None, headers: Any = None, **kwargs: Any
    ) -> Any:
        headers = {} if headers is None else headers
        if type(self) not in plain or monotonic() < recorder.off_until:
            return original(self, method, url, body, headers, **kwargs)
        session = recorder.session()
        if session is None:
            return original(self, method, url, body, headers, **kwargs)
        exchange = guarded(recorder, lambda: _begin(session, self, method, url, body, headers))
        try:
            result = original(self, method, url, body, headers, **kwargs)
        except BaseException as error:
            failure = error
            if exchange is not None:
                guarded(recorder, lambda: exchange.fail(failure))
            raise
        if exchange is not None:
            _in_progress[self] = exchange
        return result

    return request


def _getresponse(original: Callable[..., Any], recorder: Recorder) -> Callable[..., Any]:
    def getresponse(self: Any) -> Any:
        exchange = _in_progress.pop(self, None) if _in_progress else None
        if exchange is None:
            return original(self)
        try:
            response = original(self)
        except BaseException as error:
            failure = error
            guarded(recorder, lambda: exchange.fail(failure))
            raise
        guarded(recorder, lambda: _end(exchange, response))
        return response

    return getresponse


def _begin(
    session: Session, connection: Any, method: str, url: str, body: Any, headers: Any
) -> Exchange:
    scheme = "https" if hasattr(connection, "_context") else "http"
    tunnel = getattr(connection, "_tunnel_host", None)
    host = tunnel or connection.host
    port = getattr(connection, "_tunnel_port", None) if tunnel else connection.port
    place = f"[{host}]" if ":" in host else host
    if port not in {None, _PORTS[scheme]}:
        place = f"{place}:{port}"
    absolute = url if "://" in url else f"{scheme}://{place}{url}"
    folded = {str(name).lower(): value for name, value in dict(headers).items()}
    exchange = begin(session, method, absolute, folded, body)
    if tunnel:
        exchange.proxy = {"host": connection.host, "port": connection.port}
    return exchange


def _end(exchange: Exchange, response: Any) -> None:
    headers = {name.lower(): value for name, value in response.getheaders()}
    exchange.end(response.status, response.reason, headers, None, size=response.length)
    expect_redirect(exchange, response.status, headers.get("location"))
