"""http.client, used by urllib.request for one: what no library above it records.

Connections that a library derives from it are recorded too, such as those of the urllib3 inside
pip; but not those of httplib2 and urllib3, which are recorded one layer higher. The body stays
unread. A request that is not made by `request` is named by a gap.
"""

import weakref
from collections.abc import Callable
from functools import cache
from time import monotonic
from types import ModuleType
from typing import Any, Final

from tracer.capture.exchange import Exchange, begin
from tracer.capture.frame import failing
from tracer.capture.record import expect_redirect, guarded
from tracer.capture.recorder import Recorder
from tracer.capture.session import Session
from tracer.capture.swap import Detach, swap
from tracer.capture.unseen import say

_in_progress: Final[weakref.WeakKeyDictionary[Any, Exchange]] = weakref.WeakKeyDictionary()
_PORTS: Final = {"http": 80, "https": 443}


def attach(recorder: Recorder, module: ModuleType) -> Detach:
    """Attach to `http.client`."""
    places = [
        (module.HTTPConnection, "request", _request),
        (module.HTTPConnection, "getresponse", _getresponse),
    ]
    return swap(recorder, "http.client", places)


def _request(original: Callable[..., Any], recorder: Recorder) -> Callable[..., Any]:
    def request(
        self: Any, method: str, url: str, body: Any = None, headers: Any = None, **kwargs: Any
    ) -> Any:
        headers = {} if headers is None else headers
        if _layered(self.__class__) or monotonic() < recorder.off_until:
            if not kwargs:  # half the price, and what httplib2 does
                return original(self, method, url, body, headers)
            return original(self, method, url, body, headers, **kwargs)
        session = recorder.session()
        if session is None or _in_other_hands(self):
            return original(self, method, url, body, headers, **kwargs)
        exchange = guarded(recorder, lambda: _begin(session, self, method, url, body, headers))
        with failing(recorder, exchange):
            result = original(self, method, url, body, headers, **kwargs)
        if exchange is not None:
            _in_progress[self] = exchange
        return result

    return request


def _getresponse(original: Callable[..., Any], recorder: Recorder) -> Callable[..., Any]:
    def getresponse(self: Any) -> Any:
        if _layered(self.__class__):
            return original(self)
        exchange = _in_progress.pop(self, None) if _in_progress else None
        if exchange is None:
            if not _in_other_hands(self):
                say(recorder, f"a request of {type(self).__module__}.{type(self).__qualname__}")
            return original(self)
        with failing(recorder, exchange):
            response = original(self)
        guarded(recorder, lambda: _end(exchange, response))
        return response

    return getresponse


@cache
def _layered(kind: type[Any]) -> bool:
    """Tell whether connections of this class are recorded one layer higher."""
    return any(
        base.__module__.partition(".")[0] in {"httplib2", "urllib3"} for base in kind.__mro__
    )


def _in_other_hands(connection: Any) -> bool:
    """Tell whether httplib2, which takes connections of any class, is recording this one."""
    from tracer.capture.wire import carried_by  # it imports what we attach to: not before that

    return carried_by(connection) is not None


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
