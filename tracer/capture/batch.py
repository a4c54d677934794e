"""Batches: a call and an exchange for each part, beside the one exchange that carries them all."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final

from tracer.capture import request as calls
from tracer.capture.call import Call
from tracer.capture.recorder import Recorder
from tracer.capture.session import Session, head_of
from tracer.operation import Scope, current
from tracer.schema.events import new_id

if TYPE_CHECKING:
    from tracer.capture.redact.redactor import Notes

_parts: Final[ContextVar[dict[str, Call] | None]] = ContextVar("tracer_batch", default=None)
"""The calls of the batch in progress, by the ids that the library gives its requests."""


def patched_execute(original: Callable[..., Any], recorder: Recorder) -> Callable[..., Any]:
    """Return what takes the place of `BatchHttpRequest.execute`: the life of the parts' calls."""

    def execute(self: Any, *args: Any, **kwargs: Any) -> Any:
        session = recorder.session()
        if session is None:
            return original(self, *args, **kwargs)
        token = _parts.set({})
        try:
            answer = original(self, *args, **kwargs)
        except BaseException as failure:
            _end_calls(recorder, failure)
            raise
        else:
            _end_calls(recorder, None)
            return answer
        finally:
            _parts.reset(token)

    return execute


def patched_post(original: Callable[..., Any], recorder: Recorder) -> Callable[..., Any]:
    """Return what takes the place of `BatchHttpRequest._execute`: one post of some of the parts."""

    def _execute(self: Any, http: Any, order: Sequence[str], requests: Mapping[str, Any]) -> Any:
        parts = _parts.get()
        session = recorder.session()
        if session is None or parts is None:
            return original(self, http, order, requests)
        post: _Post | None = None
        try:
            post = _Post(session, parts, order, requests)
        except Exception as error:  # noqa: BLE001 - nothing of ours may reach the host
            recorder.failed(error)
        if post is None:
            return original(self, http, order, requests)
        token = current.set(post.scope)
        failure: BaseException | None = None
        try:
            return original(self, http, order, requests)
        except BaseException as error:
            failure = error
            raise
        finally:
            current.reset(token)
            try:
                post.end(self._responses, failure)
            except Exception as error:  # noqa: BLE001 - nothing of ours may reach the host
                recorder.failed(error)

    return _execute


def _end_calls(recorder: Recorder, failure: BaseException | None) -> None:
    for call in (_parts.get() or {}).values():
        try:
            call.end(failure if call.status is None else None)
        except Exception as error:  # noqa: BLE001 - nothing of ours may reach the host
            recorder.failed(error)


class _Post:
    """One post: the parts it carries, and the exchange that carries them."""

    def __init__(
        self,
        session: Session,
        parts: dict[str, Call],
        order: Sequence[str],
        requests: Mapping[str, Any],
    ) -> None:
        self.session = session
        self.parts = []
        outer = current.get()
        for index, key in enumerate(order):
            request = requests[key]
            call = parts.get(key)
            if call is None:
                call = parts[key] = calls.begin(session, request)
            call.tries += 1
            self.parts.append(_Part(session, call, request, key, index))
        parent, op = (outer.parent, outer.op) if outer is not None else (None, None)
        self.carrier = Call(session, parent, op)
        self.carrier.topic = self.parts[0].call.topic if self.parts else "http"
        self.carrier.role = "batch"
        self.scope = Scope(self.carrier.op, self.carrier.parent, self.carrier)

    def end(self, responses: Mapping[str, Any], failure: BaseException | None) -> None:
        """Write the end lines of the parts."""
        for part in self.parts:
            answer = responses.get(part.key) if failure is None else None
            part.end(answer, failure, self.carrier.exchange)


class _Part:
    """The exchange of one part: what it asks, and the answer that came back within the post's."""

    def __init__(self, session: Session, call: Call, request: Any, key: str, index: int) -> None:
        self.session = session
        self.call = call
        self.request = request
        self.key = key
        self.notes: Notes = []
        self.began = time.perf_counter_ns()
        host = request.uri.split("/", 3)[2] if request.uri.count("/") >= 2 else ""
        name = f"{request.method} {host}"
        due = call.due()
        self.head = head_of(call.topic, "exchange", name, new_id(), call.id, call.op)
        self.data: dict[str, Any] = {
            "method": request.method,
            "url": session.memo.url(request.uri, self.notes),
            "role": "part",
            "attempt": call.tries,
            "content_id": key,
            "index": index,
        }
        data = dict(self.data)
        if self.notes:
            data["redacted"] = list(self.notes)
        self.session.emit(self.head, "start", None, None, data, behind=due)
        self.data["started"] = session.stamp(time.time())

    def end(self, answer: Any, failure: BaseException | None, batch: str | None) -> None:
        redactor, notes, data = self.session.redactor, self.notes, self.data
        credentials = getattr(self.request.http, "credentials", None)
        token = getattr(credentials, "token", None)
        if isinstance(token, str) and token:
            data["token"] = redactor.tag(token)
        if self.call.account:
            data["subject"] = self.call.account
        data["batch"] = batch
        headers = self.request.headers
        data["request"] = {
            "headers": self.session.memo.headers(headers, notes, "request.headers"),
            "body": self._body(self.request.body, headers, "request"),
        }
        status: int | None = None
        if answer is not None:
            response, content = answer
            status = response.status
            kept = {name: value for name, value in response.items() if name != "status"}
            data["response"] = {
                "status": status,
                "reason": str(response.reason),
                "headers": self.session.memo.headers(kept, notes, "response.headers"),
                "body": self._body(content, response, "response"),
            }
        elif failure is not None:
            data["error"] = self.session.describe(failure, notes)
        else:
            data["error"] = {"type": "unanswered", "message": "the batch's answer has no such part"}
        if notes:
            data["redacted"] = notes
        self.call.status = status
        ms = (time.perf_counter_ns() - self.began) / 1e6
        self.session.emit(self.head, "end", status, ms, data)

    def _body(self, content: Any, headers: Mapping[str, str], direction: str) -> dict[str, Any]:
        return self.session.redactor.body(
            content,
            headers.get("content-type", ""),
            self.notes,
            f"{direction}.body",
            method_id=self.call.method_id,
            direction=direction,
            url=self.request.uri,
        )
