"""httpx, sync and async: one record for each request that a transport makes.

The body is seen while the program reads it; what the program does not read, we do not either.
"""

from collections.abc import AsyncIterator, Callable, Iterator
from types import ModuleType
from typing import Any, Final

from tracer.capture.exchange import Exchange, begin
from tracer.capture.record import expect_redirect, guarded
from tracer.capture.recorder import Recorder
from tracer.capture.session import Session
from tracer.capture.swap import Detach, swap

_KEPT: Final = 33_554_432


def attach(recorder: Recorder, module: ModuleType) -> Detach:
    """Attach to `httpx._transports.default`."""
    places = [
        (module.HTTPTransport, "handle_request", _handle_request),
        (module.AsyncHTTPTransport, "handle_async_request", _handle_async_request),
    ]
    return swap(recorder, "httpx", places)


def _handle_request(original: Callable[..., Any], recorder: Recorder) -> Callable[..., Any]:
    def handle_request(self: Any, request: Any) -> Any:
        session = recorder.session()
        if session is None:
            return original(self, request)
        exchange = guarded(recorder, lambda: _begin(session, request))
        try:
            response = original(self, request)
        except BaseException as error:
            failure = error
            if exchange is not None:
                guarded(recorder, lambda: exchange.fail(failure))
            raise
        if exchange is not None:
            response.stream = _sync_stream(recorder, exchange, response)
        return response

    return handle_request


def _handle_async_request(original: Callable[..., Any], recorder: Recorder) -> Callable[..., Any]:
    async def handle_async_request(self: Any, request: Any) -> Any:
        session = recorder.session()
        if session is None:
            return await original(self, request)
        exchange = guarded(recorder, lambda: _begin(session, request))
        try:
            response = await original(self, request)
        except BaseException as error:
            failure = error
            if exchange is not None:
                guarded(recorder, lambda: exchange.fail(failure))
            raise
        if exchange is not None:
            response.stream = _async_stream(recorder, exchange, response)
        return response

    return handle_async_request


def _begin(session: Session, request: Any) -> Exchange:
    headers = {name.lower(): value for name, value in request.headers.items()}
    body = request.__dict__.get("_content", request.stream)  # bytes are there; a stream is not read
    return begin(session, request.method, str(request.url), headers, body)


class _Seen:
    """What of a body the program has read so far."""

    def __init__(self, recorder: Recorder, exchange: Exchange, response: Any) -> None:
        self._recorder = recorder
        self._exchange = exchange
        self._response = response
        self._chunks: list[bytes] | None = []
        self._size = 0
        self._over = False

    def add(self, chunk: bytes) -> None:
        self._size += len(chunk)
        if self._chunks is not None and self._size <= _KEPT:
            self._chunks.append(chunk)
        else:
            self._chunks = None

    def fail(self, error: BaseException) -> None:
        if not self._over:
            self._over = True
            guarded(self._recorder, lambda: self._exchange.fail(error))

    def end(self, *, complete: bool) -> None:
        if not self._over:
            self._over = True
            guarded(self._recorder, lambda: self._end(complete))

    def _end(self, complete: bool) -> None:
        response = self._response
        headers = {name.lower(): value for name, value in response.headers.items()}
        content = b"".join(self._chunks) if complete and self._chunks is not None else None
        length = headers.get("content-length", "")
        reason = response.extensions.get("reason_phrase", b"")
        self._exchange.end(
            response.status_code,
            reason.decode("latin-1") if isinstance(reason, bytes) else str(reason),
            headers,
            content,
            encoding=headers.get("content-encoding", ""),
            size=int(length) if length.isdigit() else None,
        )
        expect_redirect(self._exchange, response.status_code, headers.get("location"))


def _sync_stream(recorder: Recorder, exchange: Exchange, response: Any) -> Any:
    """Return a stream that gives what the response's own gives, and lets us see it."""
    import httpx

    inner, seen = response.stream, _Seen(recorder, exchange, response)

    class Stream(httpx.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            try:
                for chunk in inner:
                    seen.add(chunk)
                    yield chunk
            except GeneratorExit:
                raise
            except BaseException as error:
                seen.fail(error)
                raise
            seen.end(complete=True)

        def close(self) -> None:
            try:
                inner.close()
            finally:
                seen.end(complete=False)

    return Stream()


def _async_stream(recorder: Recorder, exchange: Exchange, response: Any) -> Any:
    import httpx

    inner, seen = response.stream, _Seen(recorder, exchange, response)

    class Stream(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            try:
                async for chunk in inner:
                    seen.add(chunk)
                    yield chunk
            except GeneratorExit:
                raise
            except BaseException as error:
                seen.fail(error)
                raise
            seen.end(complete=True)

        async def aclose(self) -> None:
            try:
                await inner.aclose()
            finally:
                seen.end(complete=False)

    return Stream()
