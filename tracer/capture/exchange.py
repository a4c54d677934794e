"""One HTTP exchange in progress, whatever the transport: its role, its lines, its outcome."""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from tracer.capture import topics
from tracer.capture.call import Call
from tracer.capture.redact.redactor import Notes
from tracer.capture.session import Moment, Session, moment
from tracer.capture.token import asked_for, bearer, claims_of, is_token_request, text
from tracer.operation import current
from tracer.schema.events import new_id

_SUBJECTS_KEPT: Final = 1000
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
    id: str
    parent: str | None
    op: str | None
    call: Call | None
    topic: str
    role: str
    method: str
    url: str
    headers: Mapping[str, str]
    body: Any
    began: int
    name: str
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
        ms = (time.perf_counter_ns() - self.began) / 1e6
        notes, data = self.notes, self.data
        redactor = self.session.redactor
        data["response"] = {
            "status": status,
            "reason": reason,
            "headers": self.session.memo.headers(headers, notes, "response.headers"),
            "body": redactor.body(
                content,
                headers.get("content-type", ""),
                notes,
                "response.body",
                method_id=self.call.method_id if self.call and self.role != "token" else None,
                direction="response",
                url=self.url,
                encoding=encoding,
                size=size,
                stream=content is None,
            ),
        }
        if self.role == "token":
            self._learn_token(data, content)
        thread.refused = (self.method, self.url) if status == 401 else None
        self._write(status, ms)

    def fail(self, error: BaseException) -> None:
        """Record that there was no answer, and why."""
        ms = (time.perf_counter_ns() - self.began) / 1e6
        self.data["error"] = describe(self.session, error, self.notes)
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
        if call is not None and call.request is not None and status == 200 and self.role in _LAST:
            call.held = session.line(
                self.topic, "exchange", "end", self.name, self.id, self.parent, self.op,
                status, ms, data,
            )  # fmt: skip
            return
        session.emit(
            self.topic, "exchange", "end", self.name, self.id, self.parent, self.op,
            status, ms, data,
        )  # fmt: skip

    def look_at_request(self) -> None:
        """Note what the end line says of the request, whether there is an answer or not."""
        redactor, notes, data = self.session.redactor, self.notes, self.data
        token = bearer(self.headers)
        if token:
            data["token"] = tag = redactor.tag(token)
            subject = self._subject(tag, token)
            if subject:
                data["subject"] = subject
        stream = is_stream(self.body)
        data["request"] = {
            "headers": self.session.memo.headers(self.headers, notes, "request.headers"),
            "body": _NO_BODY
            if self.body is None
            else redactor.body(
                None if stream else self.body,
                text(self.headers.get("content-type", "")),
                notes,
                "request.body",
                method_id=self.call.method_id if self.call and self.role != "token" else None,
                direction="request",
                url=self.url,
                encoding=text(self.headers.get("content-encoding", "")),
                size=_length(self.headers) if stream else None,
                stream=stream,
            ),
        }
        if self.role == "token":
            subject, scopes = asked_for(self.body)
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
    scope = current.get()
    call = scope.call if scope is not None else None
    if not isinstance(call, Call):
        call = None
    at = at or moment()
    began = began or time.perf_counter_ns()
    behind = call.due() if call is not None else b""
    own = new_id()
    found, counted = _role(call, own, method, url, headers, body, role)
    notes: Notes
    if call is not None and call.url == url:
        kept_url, notes = call.kept_url, call.url_notes.copy()
    else:
        notes = []
        kept_url = session.memo.url(url, notes)
    host = url.split("/", 3)[2] if url.count("/") >= 2 else url
    data = {"method": method, "url": kept_url, "role": found, "attempt": attempt or counted}
    exchange = Exchange(
        session,
        own,
        scope.parent if scope is not None else None,
        scope.op if scope is not None else None,
        call,
        "auth" if found == "token" else call.topic if call else topics.of_url(url),
        found,
        method,
        url,
        headers,
        body,
        began,
        f"{method} {host.rpartition('@')[2]}",
        data.copy(),
        notes,
    )
    if notes:
        data["redacted"] = list(notes)
    session.emit(
        exchange.topic, "exchange", "start", exchange.name, own, exchange.parent, exchange.op,
        None, None, data, at=at, behind=behind,
    )  # fmt: skip
    exchange.data["started"] = session.stamp(at[0])
    exchange.look_at_request()
    return exchange


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
    hop, thread.hop = thread.hop, None
    role = given
    known = call is not None and call.url == url and call.topic != "auth"
    if role is None and not known and is_token_request(method, url, headers, body):
        role = "token"
    if role is None and hop is not None and hop == url:
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


def is_stream(body: Any) -> bool:
    """Tell whether reading `body` would take it away from its owner."""
    return body is not None and not isinstance(body, bytes | bytearray | str)


def describe(session: Session, error: BaseException, notes: Notes) -> dict[str, str]:
    """Return type and scrubbed message of an exception of the host's."""
    kind = type(error)
    name = kind.__qualname__
    if kind.__module__ not in {"builtins", "__main__"}:
        name = f"{kind.__module__}.{name}"
    try:
        message = str(error)
    except Exception:  # noqa: BLE001 - other people's __str__
        message = "(no text)"
    return {
        "type": name,
        "message": session.redactor.text(message[:20_000], notes, "error.message"),
    }


def _length(headers: Mapping[str, str]) -> int | None:
    value = text(headers.get("content-length") or "")
    return int(value) if value.isascii() and value.isdigit() else None
