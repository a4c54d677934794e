"""googleapiclient's requests: the API call that the exchanges below it belong to."""

import weakref
from collections.abc import Callable
from contextvars import Token
from functools import partial
from time import monotonic, monotonic_ns, time
from typing import Any, Final

from googleapiclient.http import HttpRequest

from tracer.capture.call import Call
from tracer.capture.record import guarded
from tracer.capture.recorder import Recorder
from tracer.capture.session import Session
from tracer.operation import Scope, current


def patched_execute(original: Callable[..., Any], recorder: Recorder) -> Callable[..., Any]:
    """Return what takes the place of `HttpRequest.execute`."""
    quick = _unchecked(original)

    def execute(self: Any, *args: Any, http: Any = None, num_retries: int = 0) -> Any:
        if args:  # wrong: the library says so
            return original(self, *args, **_given(http, num_retries))
        if monotonic() < recorder.off_until:
            return quick(self, http=http, num_retries=num_retries)
        session = recorder.session()
        if session is None or in_progress(self):
            return quick(self, http=http, num_retries=num_retries)
        work = partial(quick, self, http=http, num_retries=num_retries)
        return record(recorder, session, self, work, http)

    return execute


def _given(http: Any, num_retries: int) -> dict[str, Any]:
    """Return the keywords of an execute() that are not the defaults."""
    given: dict[str, Any] = {}
    if http is not None:
        given["http"] = http
    if num_retries:
        given["num_retries"] = num_retries
    return given


def _unchecked(original: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function behind the library's check for positional arguments, if that is there.

    Our own signature has made the check by then; leaving it out pays for looking at the clock.
    """
    if getattr(original, "__globals__", {}).get("__name__") == "googleapiclient._helpers":
        inner: Callable[..., Any] = getattr(original, "__wrapped__", original)
        return inner
    return original


def patched_next_chunk(original: Callable[..., Any], recorder: Recorder) -> Callable[..., Any]:
    """Return what takes the place of `HttpRequest.next_chunk`, and of the download's."""

    def next_chunk(self: Any, *args: Any, **kwargs: Any) -> Any:
        session = recorder.session()
        if session is None or in_progress(self):
            return original(self, *args, **kwargs)
        return record(
            recorder,
            session,
            self,
            lambda: original(self, *args, **kwargs),
            kwargs.get("http"),
            chunk=True,
        )

    return next_chunk


class TracedHttpRequest(HttpRequest):
    """An `HttpRequest` that records, for `build(requestBuilder=request_builder(recorder))`."""

    recorder: Recorder | None = None

    def execute(self, *args: Any, http: Any = None, num_retries: int = 0) -> Any:
        """Execute the request, and record the call."""
        recorder = self.recorder
        original: Any = super().execute
        session = recorder.session() if recorder is not None else None
        given = _given(http, num_retries)
        if recorder is None or session is None or in_progress(self):
            return original(*args, **given)
        return record(
            recorder,
            session,
            self,
            lambda: original(*args, **given),
            http,
        )

    def next_chunk(self, *args: Any, **kwargs: Any) -> Any:
        """Upload the next chunk, and record it as a part of the call."""
        recorder = self.recorder
        original: Any = super().next_chunk
        session = recorder.session() if recorder is not None else None
        if recorder is None or session is None or in_progress(self):
            return original(*args, **kwargs)
        return record(
            recorder,
            session,
            self,
            lambda: original(*args, **kwargs),
            kwargs.get("http"),
            chunk=True,
        )


def in_progress(request: object) -> bool:
    """Tell whether `request` is being recorded one layer above, in this context."""
    scope = current.get()
    return scope is not None and isinstance(scope.call, Call) and scope.call.request is request


def record(
    recorder: Recorder,
    session: Session,
    request: Any,
    execute: Callable[[], Any],
    http: Any,
    *,
    chunk: bool = False,
) -> Any:
    """Execute and record the call; what comes out is passed on as it is.

    `http` is the transport if it is not the request's own. With `chunk` the call ends when the
    upload or the download is complete, or fails.
    """
    call: Call | None = None
    token: Token[Scope | None] | None = None
    try:
        call = _unfinished.pop(request, None) if chunk else None
        if call is None:
            call = begin(session, request, http)
        else:
            call.http = http or _of(request).http
        call.request = request
        if call.of is not request:
            call.role = "media"
        token = current.set(Scope(call.op, call.id, call))
    except Exception as error:  # noqa: BLE001 - nothing of ours may reach the host
        recorder.failed(error)
    try:
        answer = execute()
    except BaseException as failure:
        _leave(recorder, call, token, failure)
        raise
    if chunk and call is not None and not _complete(answer) and _pause(request, call):
        call.request = call.http = None
        if token is not None:
            current.reset(token)
        guarded(recorder, call.flush)
    else:
        _leave(recorder, call, token, None)
    return answer


def _of(request: Any) -> Any:
    """Return the request itself: a download holds the one that it makes."""
    return getattr(request, "_request", request)


def begin(session: Session, request: Any, http: Any = None) -> Call:
    """Begin a call; `http` if it is not the request's own. Its start line goes out when due."""
    of = _of(request)
    at = time(), monotonic_ns()
    scope = current.get()
    if scope is None:
        return Call(session, None, None, of, http or of.http, at)
    call = Call(session, scope.parent, scope.op, of, http or of.http, at)
    scope.calls.append(call.id)
    return call


def _leave(
    recorder: Recorder,
    call: Call | None,
    token: Token[Scope | None] | None,
    failure: BaseException | None,
) -> None:
    try:
        if token is not None:
            current.reset(token)
        if call is None:
            return
        if call.exchanges == 0:
            call.flush()
            _look_for_transport(recorder, call, failure)
        call.request = call.http = None
        call.end(failure)
    except Exception as error:  # noqa: BLE001 - nothing of ours may reach the host
        recorder.failed(error)


def _look_for_transport(recorder: Recorder, call: Call, failure: BaseException | None) -> None:
    """Say so when a call was answered and no exchange was seen: never silence."""
    answered = failure is None or hasattr(failure, "resp")
    if not answered or recorder.session() is not call.session:
        return
    http = getattr(call.http, "http", call.http)
    if getattr(http, "cache", None):
        return  # answered from the program's own cache
    kind = type(http)
    call.session.gap(
        "unseen-transport", f"{call.method_id} went through {kind.__module__}.{kind.__qualname__}"
    )


_unfinished: Final[weakref.WeakKeyDictionary[Any, Call]] = weakref.WeakKeyDictionary()
"""The calls of uploads and downloads between two chunks, by the object that the program holds."""


def _pause(request: Any, call: Call) -> bool:
    _unfinished[request] = call
    return True


def _complete(answer: Any) -> bool:
    """Tell from what a next_chunk returns whether it was the last: (progress, body or done)."""
    return answer[1] is not None and answer[1] is not False
