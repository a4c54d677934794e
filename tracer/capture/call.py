"""One API call in progress: its two lines, and what its exchanges need to know of it.

Its start line goes out in one write with that of its first exchange, and the end line of its last
exchange in one write with its own: half the writes of a call, and nothing that has reached the
program is missing after a kill.
"""

import time
from dataclasses import dataclass, field
from typing import Any

from tracer.capture import discovery
from tracer.capture.redact.redactor import Notes
from tracer.capture.session import Moment, Session
from tracer.schema.events import new_id


@dataclass(slots=True)
class Call:
    """An API call, or what carries the parts of a batch."""

    session: Session
    method_id: str
    topic: str
    parent: str | None
    op: str | None
    role: str = "call"
    """The role of its exchanges while nothing special happens: call, chunk, media or batch."""
    account: str | None = None
    url: str = ""
    method: str = ""
    """URL and verb of its request."""
    at: Moment | None = None
    """When it began, while its start line is still to be written."""
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
    request: Any = None
    """The program's request object, while it executes."""
    http: Any = None
    """The transport it executes on."""
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
        session = self.session
        facts = discovery.method(self.method_id)
        self.kept_url = session.memo.url(self.url, self.url_notes)
        for note in self.url_notes:
            path = f"params{note['path'].removeprefix('url')}"
            self.notes.append({"path": path, "kind": note["kind"]})
        params = discovery.parameters(self.method_id, self.kept_url)
        self.data = {"params": params, "http_method": facts.http_method or self.method}
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
