"""One HTTP exchange in progress, whatever the transport: its role, its lines, its outcome."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic_ns, perf_counter_ns, time
from typing import Any, Final

import orjson

from tracer.capture import topics
from tracer.capture.call import Call
from tracer.capture.redact.redactor import Notes
from tracer.capture.session import Head, Moment, Session, head_of
from tracer.capture.token import asked_for, claims_of, is_token_request, text
from tracer.operation import current
from tracer.schema.events import new_id

_SUBJECTS_KEPT: Final = 1000
_WHOLE: Final = (bytes, bytearray, str)  # a tuple: a union is made anew each time
_NO_BODY: Final = {"size": 0, "type": "", "kept": "none"}
_LAST: Final = frozenset({"call", "retry", "replay-401"})
"""Roles after which, with status 200, the call itself ends."""


class _Thread(threading.local):
    """What the last exchange of this thread leaves for the next one."""

    hop: str | None = None
    """The URL that its answer redirects to."""
    refused: tuple[str, str] | None = None
    """Method and URL, when its answer was 401."""


thread: Final = _Thread()


@dataclass(slots=True)
class Exchange:
    """An exchange that has begun: its start line is written."""

    session: Session
    call: Call | None
    role: str
    method: str
    url: str
    headers: Mapping[str, str]
    body: Any
    method_id: str | None
    """The API method that its bodies belong to."""
    began: int
    head: Head
    data: dict[str, Any]
    """What its end line says so far."""
    notes: Notes
    wire: list[dict[str, Any]] | None = None
    proxy: dict[str, Any] | None = None

    def end(
        self,
        status: int,
        reason: str,
        headers: Mapping[str, str],
        content: bytes | str | None,
        *,
        encoding: str = "",
        size: int | None = None,
    ) -> None:
        """Record the answer. `encoding` is the Content-Encoding that `content` still has.

        `content` None: the body was a stream that we did not read, `size` what is known of it.
        """
        ms = (perf_counter_ns() - self.began) / 1e6
        session, notes, data = self.session, self.notes, self.data
        data["response"] = {
            "status": status,
            "reason": reason,
            "headers": session.memo.headers(headers, notes, "response.headers"),
            "body": session.redactor.body(
                content,
                headers.get("content-type", ""),
                notes,
                "response.body",
                method_id=self.method_id,
                direction="response",
                url=self.url,
                encoding=encoding,
                size=size,
                stream=content is None,
            ),
        }
        if self.role == "token":
            self._learn_token(data, content)
        if status == 401 or thread.refused is not None:
            thread.refused = (self.method, self.url) if status == 401 else None
        self._write(status, ms)

    def fail(self, error: BaseException) -> None:
        """Record that there was no answer, and why."""
        ms = (perf_counter_ns() - self.began) / 1e6
        self.data["error"] = self.session.describe(error, self.notes)
        thread.refused = None
        self._write(None, ms)

    def _write(self, status: int | None, ms: float) -> None:
        call, data, session = self.call, self.data, self.session
        if self.proxy:
            data["proxy"] = self.proxy
        if self.wire:
            data["wire"] = self.wire
        if self.notes:
            data["redacted"] = self.notes
        if call is not None:
            call.status = status
            if self.role != "token":
                call.refused = status == 401
            if status == 200 and self.role in _LAST and call.request is not None:
                call.held = session.line(self.head, "end", status, ms, data)
                return
        session.emit(self.head, "end", status, ms, data)

    def look_at_request(self) -> None:
        """Note what the end line says of the request, whether there is an answer or not."""
        memo, notes, data = self.session.memo, self.notes, self.data
        headers, body = self.headers, self.body
        token, tag = memo.token(headers.get("authorization"))
        if token:
            data["token"] = tag
            subject = self._subject(tag, token)
            if subject:
                data["subject"] = subject
        kept = memo.headers(headers, notes, "request.headers")
        if body is None:
            data["request"] = {"headers": kept, "body": _NO_BODY}
        else:
            stream = not isinstance(body, _WHOLE)  # reading it would take it from its owner
            kept_body = self.session.redactor.body(
                None if stream else body,
                text(kind) if (kind := headers.get("content-type")) else "",
                notes,
                "request.body",
                method_id=self.method_id,
                direction="request",
                url=self.url,
                encoding=text(encoding) if (encoding := headers.get("content-encoding")) else "",
                size=_length(headers) if stream else None,
                stream=stream,
            )
            data["request"] = {"headers": kept, "body": kept_body}
        if self.role == "token":
            subject, scopes = asked_for(body)
            if subject:
                data["subject"] = subject
            if scopes:
                data["scopes"] = list(scopes)

    def _subject(self, tag: str, token: str) -> str | None:
        known = self.session.subjects.get(tag)
        if known is None and token.startswith("eyJ"):  # a self-signed JWT says it itself
            claims = claims_of(token)
            known = (str(claims.get("sub") or ""), tuple(str(claims.get("scope") or "").split()))
            self._learn(tag, known)
        if known and known[0]:
            return known[0]
        return self.call.account if self.call else None

    def _learn_token(self, data: dict[str, Any], content: bytes | str | None) -> None:
        """Remember whom the token stands for, so that its later use names the subject."""
        try:
            answer = orjson.loads(content or b"")
            token = answer["access_token"]
        except (orjson.JSONDecodeError, KeyError, TypeError):
            return
        subject = data.get("subject")
        if isinstance(token, str) and isinstance(subject, str):
            self._learn(self.session.redactor.tag(token), (subject, tuple(data.get("scopes", ()))))

    def _learn(self, tag: str, known: tuple[str, tuple[str, ...]]) -> None:
        if len(self.session.subjects) >= _SUBJECTS_KEPT:
            self.session.subjects.clear()
        self.session.subjects[tag] = known


def begin(
    session: Session,
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: Any,
    *,
    role: str | None = None,
    attempt: int | None = None,
    at: Moment | None = None,
    began: int = 0,
) -> Exchange:
    """Write the start line of an exchange and return it.

    `headers` are looked up by lower-case names, as httplib2 and requests allow. `role` and
    `attempt` are found out when they are not given. The exchange hangs under what is in progress in
    this context. It has begun now, or earlier: `at`, and `began` on the performance counter.
    """
    parent = op = call = None
    behind = b""
    wall, mono = at or (time(), monotonic_ns())
    began = began or perf_counter_ns()
    if (scope := current.get()) is not None:
        parent, op, call = scope.parent, scope.op, scope.call
        if isinstance(call, Call):
            behind = call.due()
        else:
            call = None
    own = new_id()
    found, counted = _role(call, own, method, url, headers, body, role)
    if call is not None and call.url == url:
        kept_url, notes = call.known.url, call.known.url_notes
    else:
        notes = []
        kept_url = session.memo.url(url, notes)
    if found == "token":
        topic, method_id = "auth", None
    elif call is None:
        topic, method_id = topics.of_url(url), None
    else:
        topic, method_id = call.topic, call.method_id
    head = head_of(topic, "exchange", f"{method} {_host(url)}", own, parent, op)
    data = {"method": method, "url": kept_url, "role": found, "attempt": attempt or counted}
    ts = session.stamp(wall)
    exchange = Exchange(
        session, call, found, method, url, headers, body, method_id, began, head,
        {**data, "started": ts}, notes.copy(),
    )  # fmt: skip
    if notes:
        data["redacted"] = notes
    session.emit(head, "start", None, None, data, at=(ts, mono), behind=behind)
    exchange.look_at_request()
    return exchange


def _host(url: str) -> str:
    """Return host and port of a URL, without credentials."""
    pieces = url.split("/", 3)
    host = pieces[2] if len(pieces) > 2 else url
    return host.rpartition("@")[2] if "@" in host else host


def _role(
    call: Call | None,
    own: str,
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: Any,
    given: str | None,
) -> tuple[str, int]:
    """Return the role of a new exchange and which attempt it is; count it in its call."""
    role = given
    known = call is not None and call.url == url and call.topic != "auth"
    if role is None and not known and is_token_request(method, url, headers, body):
        role = "token"
    if (hop := thread.hop) is not None:
        thread.hop = None
        if role is None and hop == url:
            role = "redirect"
    if call is None:
        again = thread.refused == (method, url)
        return role or ("replay-401" if again else "call"), 2 if again else 1
    call.exchanges += 1
    call.exchange = own
    if role == "token":
        call.tokens += 1
        return role, call.tokens
    if role == "redirect":
        return role, max(call.attempt, 1)
    return role or _role_of_try(call, method, url, headers), call.attempt


def _role_of_try(call: Call, method: str, url: str, headers: Mapping[str, str]) -> str:
    """Count one more try of `call`; the same request again is a retry or the replay of a 401."""
    piece = headers.get("content-range") or headers.get("range") or ""
    again = call.tried == (method, url, piece) and call.tries > 0
    call.tried = (method, url, piece)
    call.tries += 1
    call.attempt = call.attempt + 1 if again else 1
    if again and call.refused:
        return "replay-401"
    if call.role == "call":
        if method == "PUT" and "content-range" in headers:
            return "chunk"
        return "retry" if again else "call"
    return call.role


def _length(headers: Mapping[str, str]) -> int | None:
    value = text(headers.get("content-length") or "")
    return int(value) if value.isascii() and value.isdigit() else None
