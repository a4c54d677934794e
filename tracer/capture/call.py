"""One API call in progress: its two lines, and what its exchanges need to know of it.

Its start line goes out in one write with that of its first exchange, and the end line of its last
exchange in one write with its own: half the writes of a call, and nothing that has reached the
program is missing after a kill.
"""

from dataclasses import dataclass, field
from time import perf_counter_ns
from typing import Any

from tracer.capture import topics
from tracer.capture.memo import NOTHING, KnownCall
from tracer.capture.session import Head, Moment, Session, head_of
from tracer.schema.events import new_id


@dataclass(slots=True, eq=False)
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
    known: KnownCall = NOTHING
    """What its start line said, account aside, once that is written."""
    head: Head = field(init=False)
    held: bytes = b""
    """The end line of its last exchange, while that is still to be written."""
    id: str = field(default_factory=new_id)
    began: int = field(default_factory=perf_counter_ns)
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
        self.method_id = method_id = of.methodId if isinstance(of.methodId, str) else "unknown"
        self.topic = topics.of_method(method_id)
        self.url = of.uri
        self.known = known = session.memo.call(method_id, of.uri, of.method)
        data = known.data.copy()
        self.account = account = _account(self.http)
        if account:
            data["account"] = account
        if known.notes:
            data["redacted"] = known.notes
        self.head = head_of(self.topic, "call", method_id, self.id, self.parent, self.op)
        stamp = session.stamp(at[0]), at[1]
        return session.line(self.head, "start", None, None, data, stamp)

    def end(self, failure: BaseException | None) -> None:
        """Write the end line, and what is still due before it."""
        ms = (perf_counter_ns() - self.began) / 1e6
        behind = self.due()
        data = self.known.data.copy()
        if self.account:
            data["account"] = self.account
        data["attempts"] = self.tries
        notes = self.known.notes
        if failure is not None:
            notes = notes.copy()
            data["error"] = self.session.describe(failure, notes)
        if notes:
            data["redacted"] = notes
        self.session.emit(self.head, "end", self.status, ms, data, behind=behind)


def _account(http: Any) -> str | None:
    """Return whom the credentials of a transport act for, when they say so."""
    credentials = getattr(http, "credentials", None)
    found = (
        getattr(credentials, "_subject", None)
        or getattr(credentials, "service_account_email", None)
        or getattr(credentials, "account", None)
    )
    return found if isinstance(found, str) else None
