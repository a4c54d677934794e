"""A call or an exchange of a protocol other than HTTP: its two lines, and what goes into them."""

import time
from collections.abc import Callable
from contextvars import Token
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin

from tracer.capture.exchange import Exchange, thread
from tracer.capture.recorder import Recorder
from tracer.capture.redact.redactor import Notes
from tracer.capture.session import Head, Session, head_of
from tracer.operation import Scope, current
from tracer.schema.events import Kind, Phase, new_id, timestamp


@dataclass(slots=True)
class Record:
    """A thing that has begun: its start line is written. `data` has passed the redaction."""

    session: Session
    head: Head
    name: str
    data: dict[str, Any]
    notes: Notes
    id: str
    op: str | None = None
    began: int = field(default_factory=time.perf_counter_ns)
    entered: Token[Scope | None] | None = None

    def enter(self) -> None:
        """Make what this context records from now on hang under this call."""
        self.entered = current.set(Scope(self.op, self.id))

    def end(self, status: int | None, **more: Any) -> None:
        """Undo `enter` and write the end line; `more` joins `data`, redacted as that is."""
        if self.entered is not None:
            current.reset(self.entered)
            self.entered = None
        ms = (time.perf_counter_ns() - self.began) / 1e6
        self._write(Phase.END, status, ms, {**self.data, **more})

    def fail(self, error: BaseException, status: int | None = None, **more: Any) -> None:
        """Write the end line of what ended in an exception."""
        self.end(status, error=self.session.describe(error, self.notes), **more)

    def start(self) -> None:
        """Write the start line."""
        self._write(Phase.START, None, None, dict(self.data))

    def _write(
        self, phase: Phase, status: int | None, ms: float | None, data: dict[str, Any]
    ) -> None:
        if self.notes:
            data["redacted"] = list(self.notes)
        self.session.emit(self.head, str(phase), status, ms, data)


def begin(
    session: Session, topic: str, kind: Kind, name: str, data: dict[str, Any], notes: Notes
) -> Record:
    """Write the start line of a call or an exchange under what is in progress; return it."""
    scope = current.get()
    if kind is Kind.EXCHANGE:
        data = {"role": "call", "attempt": 1, "started": timestamp(time.time_ns()), **data}
    own = new_id()
    parent, op = (scope.parent, scope.op) if scope is not None else (None, None)
    head = head_of(str(topic), str(kind), name, own, parent, op)
    record = Record(session, head, name, data, notes, own, op)
    if scope is not None and kind is Kind.CALL:
        scope.calls.append(record.id)
    record.start()
    return record


def expect_redirect(exchange: Exchange, status: int, location: str | None) -> None:
    """Let the next exchange of this thread know that it may be the next hop of this one."""
    if location and status in {301, 302, 303, 307, 308}:
        thread.hop = urljoin(exchange.url, location)


def guarded(recorder: Recorder, work: Callable[[], Any]) -> Any:
    """Do a piece of our own work; an error in it never reaches the host. None after one."""
    try:
        return work()
    except Exception as error:  # noqa: BLE001 - nothing of ours may reach the host
        recorder.failed(error)
        return None
