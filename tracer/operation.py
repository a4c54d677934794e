"""The operation in progress: who records it, and what new events hang under.

The protocol layer opens operations and states steps here; the capture listens as the sink. Neither
imports the other. Without a sink, or while debug is off, all of it costs well under a microsecond.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Protocol

from tracer.schema.events import Kind, Phase, Topic, new_id


class Sink(Protocol):
    """Where events go. An implementation never raises and redacts `data` before anything else."""

    def active(self) -> bool:
        """Tell whether debug is on right now."""
        ...

    def emit(
        self,
        *,
        topic: str,
        kind: str,
        phase: str,
        name: str,
        id: str,  # noqa: A002 - the format's own word
        parent: str | None = None,
        op: str | None = None,
        status: int | None = None,
        ms: float | None = None,
        data: Mapping[str, Any],
    ) -> None:
        """Record one event."""
        ...


@dataclass(slots=True)
class Scope:
    """What is in progress in this context: the root operation, and the parent of new events."""

    op: str | None
    parent: str | None
    call: Any = None
    """The capture's own record of the API call in progress, if one is."""
    calls: list[str] = field(default_factory=list)
    """The ids of the calls begun in this scope: the capture appends them, steps name them."""


current: ContextVar[Scope | None] = ContextVar("tracer_scope", default=None)
"""Threads do not inherit it: carry it over with ``contextvars.copy_context().run``."""

_sink: Sink | None = None


def set_sink(sink: Sink | None) -> Sink | None:
    """Make `sink` the listener of this process and return the one before it."""
    global _sink
    before, _sink = _sink, sink
    return before


@dataclass(slots=True)
class Operation:
    """An operation in progress. Its facts go into its end line."""

    id: str
    root: str
    topic: str
    name: str
    facts: dict[str, Any] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    """The ids of the calls begun so far; none while nobody records."""

    def result(self, **facts: Any) -> None:
        """Add `facts` to what the end line says."""
        self.facts.update(facts)

    def step(self, name: str, data: Mapping[str, Any], topic: str = Topic.RESOLUTION) -> None:
        """Record one decision of the account resolution; `data` as FORMAT.md has it for steps."""
        self._point(Kind.STEP, topic, name, data)

    def settings(self, name: str, data: Mapping[str, Any]) -> None:
        """Record settings in force, each with where its value came from."""
        self._point(Kind.SETTINGS, Topic.SETTINGS, name, data)

    def note(self, name: str, data: Mapping[str, Any], topic: str | None = None) -> None:
        """Record a fact that is none of the other kinds."""
        self._point(Kind.NOTE, topic or self.topic, name, data)

    def _point(self, kind: str, topic: str, name: str, data: Mapping[str, Any]) -> None:
        if _sink is not None and _sink.active():
            _sink.emit(
                topic=topic,
                kind=kind,
                phase=Phase.POINT,
                name=name,
                id=new_id(),
                parent=self.id,
                op=self.root,
                data=data,
            )


@contextmanager
def operation(name: str, topic: str, **data: Any) -> Iterator[Operation]:
    """Open an operation (``send``, ``read mailbox``, …) around the calls it makes.

    An operation inside another one keeps the outer one's root. An exception ends it with status 1,
    its type and message in ``data.error``, and goes on to the caller unchanged. So does a result
    ``error`` (type, message), for what failed without an exception.
    """
    outer = current.get()
    own = new_id()
    running = Operation(own, (outer and outer.op) or own, topic, name)
    token = current.set(Scope(running.root, own, calls=running.calls))
    began = time.perf_counter_ns()
    parent = outer.parent if outer else None
    _emit_operation(running, parent, Phase.START, None, None, data)
    try:
        yield running
    except BaseException as error:
        running.facts.setdefault("error", {"type": type(error).__name__, "message": str(error)})
        raise
    finally:
        current.reset(token)
        ms = (time.perf_counter_ns() - began) / 1e6
        status = int("error" in running.facts)
        _emit_operation(running, parent, Phase.END, status, ms, {**data, **running.facts})


def _emit_operation(
    running: Operation,
    parent: str | None,
    phase: Phase,
    status: int | None,
    ms: float | None,
    data: Mapping[str, Any],
) -> None:
    if _sink is not None and _sink.active():
        _sink.emit(
            topic=running.topic,
            kind=Kind.OPERATION,
            phase=phase,
            name=running.name,
            id=running.id,
            parent=parent,
            op=running.root,
            status=status,
            ms=ms,
            data=data,
        )
