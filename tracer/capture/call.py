"""One API call in progress: its two lines, and what its exchanges need to know of it.

Its start line goes out in one write with that of its first exchange, and the end line of its last
exchange in one write with its own: half the writes of a call, and nothing that has reached the
program is missing after a kill.
"""

import time
from dataclasses import dataclass, field
from typing import Any

from tracer.capture import discovery, topics
from tracer.capture.redact.redactor import Notes
from tracer.capture.session import Moment, Session
from tracer.schema.events import new_id


@dataclass(slots=True)
class Call:
    """An API call, or what carries the parts of a batch."""

    session: Session
    parent: str | None
    op: str | None
    of: Any = None
    """googleapiclient's request, whose facts are read when the start line is written."""
    http: Any = None
    """The transport it executes on."""
    at: Moment | None = None
    """When it began, while its start line is still to be written."""
    request: Any = None
    """What the program executes: the request, or the download that holds it."""
    method_id: str = ""
    topic: str = ""
    role: str = "call"
    """The role of its exchanges while nothing special happens: call, chunk, media or batch."""
    account: str | None = None
    url: str = ""
    held: bytes = b""
    """The end line of its last exchange, while that is still to be written."""
    id: str = field(default_factory=new_id)
    began: int = field(default_factory=time.perf_counter_ns)
    tries: int = 0
    """Exchanges made as tries of this call, over all of its chunks."""
    attempt: int = 0
    """Tries of the request or the chunk in progress."""
    tokens: int = 0
    exchanges: int = 0
    status: int | None = None
    tried: tuple[str, str, str] = ("", "", "")
    """Method, URL and range of its last try."""
    refused: bool = False
    """The answer to its last try was 401."""
    kept_url: str = ""
    """What is kept of its URL, and the notes of that."""
    url_notes: Notes = field(default_factory=list)
    data: dict[str, Any] = field(default_factory=dict)
    """What its start line said; the end line says it again."""
    notes: Notes = field(default_factory=list)
    exchange: str | None = None
    """The id of its last exchange."""

    def due(self) -> bytes:
        """Return the line that goes out ahead of the next one of this call; empty if none does."""
        if self.at is not None:
            return self._start(self.at)
        held, self.held = self.held, b""
        return held

    def flush(self) -> None:
        """Write now what would go out with the next line."""
        if line := self.due():
            self.session.write(line)

    def _start(self, at: Moment) -> bytes:
        self.at = None
        session, of = self.session, self.of
        session.ready()
        self.method_id = of.methodId if isinstance(of.methodId, str) else "unknown"
        self.topic = topics.of_method(self.method_id)
        self.account = _account(self.http)
        self.url = of.uri
        facts = discovery.method(self.method_id)
        self.kept_url, self.url_notes, params = session.memo.call(self.method_id, self.url)
        for note in self.url_notes:
            path = f"params{note['path'].removeprefix('url')}"
            self.notes.append({"path": path, "kind": note["kind"]})
        self.data = {"params": params, "http_method": facts.http_method or of.method}
        if facts.scopes is not None:
            self.data["scopes"] = facts.scopes
        if self.account:
            self.data["account"] = self.account
        data = dict(self.data)
        if self.notes:
            data["redacted"] = list(self.notes)
        return session.line(
            self.topic, "call", "start", self.method_id, self.id, self.parent, self.op,
            None, None, data, at,
        )  # fmt: skip

    def end(self, error: dict[str, str] | None) -> None:
        """Write the end line; `error` is what `describe` says of an exception."""
        ms = (time.perf_counter_ns() - self.began) / 1e6
        behind = self.due()
        data = self.data
        data["attempts"] = self.tries
        if error is not None:
            data["error"] = error
        if self.notes:
            data["redacted"] = self.notes
        self.session.emit(
            self.topic, "call", "end", self.method_id, self.id, self.parent, self.op,
            self.status, ms, data, behind=behind,
        )  # fmt: skip


def _account(http: Any) -> str | None:
    """Return whom the credentials of a transport act for, when they say so."""
    credentials = getattr(http, "credentials", None)
    for name in ("_subject", "service_account_email", "account"):
        found = getattr(credentials, name, None)
        if isinstance(found, str) and found:
            return found
    return None
