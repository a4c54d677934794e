"""httpx, sync and async: one record for each request that a transport makes.

The body is seen while the program reads it; what the program does not read, we do not either.
"""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any, Final

from tracer.capture.exchange import Exchange, begin
from tracer.capture.frame import failing
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
        seen = _Seen(recorder, guarded(recorder, lambda: _begin(session, request)))
        with failing(recorder, seen):
            response = seen.response = original(self, request)
        response.stream = _sync_stream(response.stream, seen)
        return response

    return handle_request


def _handle_async_request(original: Callable[..., Any], recorder: Recorder) -> Callable[..., Any]:
    async def handle_async_request(self: Any, request: Any) -> Any:
        session = recorder.session()
        if session is None:
            return await original(self, request)
        seen = _Seen(recorder, guarded(recorder, lambda: _begin(session, request)))
        with failing(recorder, seen):
            response = seen.response = await original(self, request)
        response.stream = _async_stream(response.stream, seen)
        return response

    return handle_async_request


def _begin(session: Session, request: Any) -> Exchange:
    headers = {name.lower(): value for name, value in request.headers.items()}
    body = request.__dict__.get("_content", request.stream)  # bytes are there; a stream is not read
    return begin(session, request.method, str(request.url), headers, body)


class _Seen:
    """An exchange, and what of the answer's body the program has read so far."""

    response: Any = None

    def __init__(self, recorder: Recorder, exchange: Exchange | None) -> None:
        self._recorder = recorder
        self._exchange = exchange
        """None: it could not begin, so nothing is recorded of it."""
        self._chunks: list[bytes] | None = []
        self._size = 0

    def add(self, chunk: bytes) -> None:
        self._size += len(chunk)
        if self._chunks is not None and self._size <= _KEPT:
            self._chunks.append(chunk)
        else:
            self._chunks = None

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Around the program's reading: the exchange ends with the body, or the error in it."""
        try:
            yield
        except GeneratorExit:  # the program has stopped reading; it closes the body next
            raise
        except BaseException as error:
            self.fail(error)
            raise
        self.end(complete=True)

    def fail(self, error: BaseException) -> None:
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            guarded(self._recorder, lambda: exchange.fail(error))

    def end(self, *, complete: bool) -> None:
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            guarded(self._recorder, lambda: self._end(exchange, complete))

    def _end(self, exchange: Exchange, complete: bool) -> None:
        response = self.response
        headers = {name.lower(): value for name, value in response.headers.items()}
        content = b"".join(self._chunks) if complete and self._chunks is not None else None
        length = headers.get("content-length", "")
        reason = response.extensions.get("reason_phrase", b"")
        exchange.end(
            response.status_code,
            reason.decode("latin-1") if isinstance(reason, bytes) else str(reason),
            headers,
            content,
            encoding=headers.get("content-encoding", ""),
            size=int(length) if length.isdigit() else None,
        )
        expect_redirect(exchange, response.status_code, headers.get("location"))


def _sync_stream(inner: Any, seen: _Seen) -> Any:
    """Return a stream that gives what `inner` gives, and lets us see it."""
    import httpx

    class Stream(httpx.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            with seen.reading():
                for chunk in inner:
                    seen.add(chunk)
                    yield chunk

        def close(self) -> None:
            try:
                inner.close()
            finally:
                seen.end(complete=False)

    return Stream()


def _async_stream(inner: Any, seen: _Seen) -> Any:
    import httpx

    class Stream(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            with seen.reading():
                async for chunk in inner:
                    seen.add(chunk)
                    yield chunk

        async def aclose(self) -> None:
            try:
                await inner.aclose()
            finally:
                seen.end(complete=False)

    return Stream()
