"""urllib3, and requests on top of it: one record for each request that goes on a connection.

`HTTPConnectionPool._make_request` sees each try, retry and redirect of urllib3, requests,
google-auth's own transports, requests_oauthlib and exchangelib. What it does not see is the body,
which requests reads later: the answer is recorded when that has happened. A body that the program
wants as a stream is not read by us.
"""

import re
import weakref
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from http.client import HTTPConnection
from inspect import signature
from types import ModuleType
from typing import Any, Final

from tracer.capture import record
from tracer.capture.exchange import Exchange, begin
from tracer.capture.frame import failing
from tracer.capture.record import Record, guarded
from tracer.capture.recorder import Recorder
from tracer.capture.session import Session
from tracer.capture.swap import Detach, swap
from tracer.capture.unseen import attach_silent
from tracer.capture.wire import Wire, carried_by
from tracer.schema.events import Kind, Topic

_KEPT: Final = 33_554_432
_ATTRIBUTE: Final = "_tracer_exchange"
_ACTION: Final = re.compile(rb"<(?:[\w-]+:)?Body[^>]*>\s*<(?:[\w-]+:)?(\w+)")

_sending: ContextVar["_Sending | None"] = ContextVar("tracer_requests", default=None)


_in_ews: ContextVar[bool] = ContextVar("tracer_ews", default=False)


class _Sending:
    """A request of requests that is being sent: whether its body will be read, what is pending."""

    def __init__(self, *, stream: bool) -> None:
        self.stream = stream
        self.pending: _UnderWay | None = None


def attach_urllib3(recorder: Recorder, module: ModuleType) -> Detach:
    """Attach to `urllib3.connectionpool`, version 2."""
    pool = module.HTTPConnectionPool
    if "preload_content" not in signature(pool.__dict__["_make_request"]).parameters:
        return attach_silent(recorder, module)  # version 1 hands out http.client's own answers
    return swap(recorder, "urllib3", [(pool, "_make_request", _make_request)])


def attach_requests(recorder: Recorder, module: ModuleType) -> Detach:
    """Attach to `requests.adapters`: the bodies."""
    return swap(recorder, "requests", [(module.HTTPAdapter, "send", _adapter_send)])


def attach_sessions(recorder: Recorder, module: ModuleType) -> Detach:
    """Attach to `requests.sessions`: the calls of EWS."""
    return swap(recorder, "ews", [(module.Session, "send", _session_send)])


def _make_request(original: Callable[..., Any], recorder: Recorder) -> Callable[..., Any]:
    def _make_request(
        self: Any, conn: Any, method: str, url: str, body: Any = None, headers: Any = None,
        *args: Any, **kwargs: Any,
    ) -> Any:  # fmt: skip
        session = recorder.session()
        if session is None:
            return original(self, conn, method, url, body, headers, *args, **kwargs)
        _settle(recorder)
        asked = (method, _url(self, url), _folded(headers, self), body)
        again = _again(kwargs.get("retries"))
        under_way: _UnderWay | None = guarded(
            recorder, lambda: _UnderWay(session, conn, begin(session, *asked, **again))
        )
        with failing(recorder, under_way):
            response = original(self, conn, method, url, body, headers, *args, **kwargs)
        if under_way is not None:
            guarded(recorder, lambda: under_way.answered(response))
        return response

    return _make_request


class _UnderWay:
    """An exchange that has begun, and what its connection does meanwhile."""

    def __init__(self, session: Session, conn: Any, exchange: Exchange) -> None:
        self._exchange = exchange
        self.response: Any = None
        proxy = getattr(conn, "proxy", None)
        if proxy is not None:
            exchange.proxy = {"host": proxy.host, "port": proxy.port}
        self._wire: Wire | None = None
        if isinstance(conn, HTTPConnection) and carried_by(conn) is None:
            self._wire = Wire(conn, session.key)
            self._wire.attach()

    def answered(self, response: Any) -> None:
        """Record the answer, or let it wait until requests has read the body."""
        self.response = response
        if self._wire is not None:
            self._wire.detach()
        sending = _sending.get()
        if sending is not None and not sending.stream:
            sending.pending = self
            return
        data = getattr(response, "_body", None)
        self.end(data if isinstance(data, bytes) else None)

    def end(self, content: bytes | None) -> None:
        """Record the answer; `content` None: nobody has read it yet, and we do not."""
        exchange, response = self._exchange, self.response
        headers = {name.lower(): value for name, value in response.headers.items()}
        length = headers.get("content-length", "")
        size = int(length) if length.isdigit() else None
        if self._wire is not None:
            exchange.wire = self._wire.account(size if content is None else len(content))
        exchange.end(response.status, response.reason or "", headers, content, size=size)
        record.expect_redirect(exchange, response.status, headers.get("location"))

    def fail(self, error: BaseException) -> None:
        """Record that there was no answer, or only the beginning of one."""
        if self._wire is not None:
            if self.response is None:
                self._wire.detach()
            self._exchange.wire = self._wire.account(None)
        self._exchange.fail(error)


def _again(retries: Any) -> dict[str, Any]:
    """Return role and attempt of a request that urllib3 makes again by itself."""
    history = getattr(retries, "history", ())
    tries = [one for one in history if not one.redirect_location]
    if not history or history[-1].redirect_location:
        return {}
    return {"role": "retry", "attempt": len(tries) + 1}


def _url(pool: Any, url: str) -> str:
    """Return the absolute URL of a request on a pool's connection."""
    if "://" in url:  # asked of a proxy
        return url
    host = f"[{pool.host}]" if ":" in pool.host else pool.host
    default = {"http": 80, "https": 443}.get(pool.scheme)
    place = host if pool.port in {None, default} else f"{host}:{pool.port}"
    return f"{pool.scheme}://{place}{url}"


def _folded(headers: Any, pool: Any) -> dict[str, str]:
    found = headers if headers is not None else pool.headers
    return {_text(name).lower(): _text(value) for name, value in (found or {}).items()}


def _text(value: object) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _settle(recorder: Recorder) -> None:
    """End an exchange whose body urllib3 threw away, because it tries again."""
    sending = _sending.get()
    if sending is not None and sending.pending is not None:
        under_way, sending.pending = sending.pending, None
        guarded(recorder, lambda: under_way.end(None))


def _adapter_send(original: Callable[..., Any], recorder: Recorder) -> Callable[..., Any]:
    def send(self: Any, request: Any, stream: bool = False, *args: Any, **kwargs: Any) -> Any:
        if recorder.session() is None:
            return original(self, request, stream, *args, **kwargs)
        sending = _Sending(stream=stream)
        token = _sending.set(sending)
        try:
            response = original(self, request, stream, *args, **kwargs)
            if sending.pending is not None:
                under_way, sending.pending = sending.pending, None
                guarded(recorder, lambda: _Body(recorder, under_way).watch(response))
            return response
        finally:
            _settle(recorder)
            _sending.reset(token)

    return send


class _Body:
    """Waits until the program has the body, without reading it first."""

    def __init__(self, recorder: Recorder, under_way: _UnderWay) -> None:
        self._recorder = recorder
        self._under_way = under_way
        self._finish: weakref.finalize[..., Any] | None = None

    def watch(self, response: Any) -> None:
        """End the exchange when `response` has been read, or is thrown away unread."""
        if response.raw is not self._under_way.response or response._content_consumed:  # noqa: SLF001 - requests has no other word for it
            self._done(None)
            return
        iter_content = response.iter_content

        def watched(*args: Any, **kwargs: Any) -> Iterator[Any]:
            response.__dict__.pop("iter_content", None)
            return self._chunks(iter_content(*args, **kwargs))

        response.__dict__["iter_content"] = watched
        self._finish = weakref.finalize(response, self._done, None)

    def _chunks(self, chunks: Iterator[Any]) -> Iterator[Any]:
        kept: list[bytes] | None = []
        size = 0
        try:
            for chunk in chunks:
                size += len(chunk)
                if kept is not None and isinstance(chunk, bytes) and size <= _KEPT:
                    kept.append(chunk)
                else:
                    kept = None
                yield chunk
        except GeneratorExit:
            self._done(None)
            raise
        except BaseException as error:
            failure = error
            self._close()
            guarded(self._recorder, lambda: self._under_way.fail(failure))
            raise
        self._done(b"".join(kept) if kept is not None else None)

    def _close(self) -> None:
        if self._finish is not None:
            self._finish.detach()

    def _done(self, content: bytes | None) -> None:
        self._close()
        guarded(self._recorder, lambda: self._under_way.end(content))


def _session_send(original: Callable[..., Any], recorder: Recorder) -> Callable[..., Any]:
    def send(self: Any, request: Any, **kwargs: Any) -> Any:
        session = recorder.session()
        if session is None or not _is_ews(request):
            return original(self, request, **kwargs)
        call: Record | None = guarded(recorder, lambda: _ews_call(session, request))
        token = _in_ews.set(True)
        try:
            with failing(recorder, call):
                response = original(self, request, **kwargs)
        finally:
            _in_ews.reset(token)
        if call is not None:
            guarded(recorder, lambda: call.end(response.status_code))
        return response

    return send


def _is_ews(request: Any) -> bool:
    path = (request.url or "").partition("?")[0].lower()
    return path.endswith("/exchange.asmx") and not _in_ews.get()  # a redirect is the same call


def _ews_call(session: Any, request: Any) -> Record:
    """Begin the call that a SOAP request makes: its name is that of the element in the body."""
    body = request.body if isinstance(request.body, bytes) else str(request.body or "").encode()
    match = _ACTION.search(body[:65_536])
    name = f"ews.{match[1].decode()}" if match else "ews.unknown"
    call = record.begin(session, Topic.EWS, Kind.CALL, name, {"http_method": request.method}, [])
    call.enter()
    return call
