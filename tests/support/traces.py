"""Sessions made by hand, for tests of the reading side; what the capture writes is tested apart."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tracer.schema.events import Event, encode, timestamp

START_NS = 1_795_000_000_000_000_000  # 2026-11-18T11:06:40Z


class TraceBuilder:
    """Writes events with counted ids and a clock that only moves when told."""

    def __init__(self, pid: int = 100, start_ns: int = START_NS) -> None:
        self.now_ns = start_ns
        self.pid = pid
        self._count = 0
        self._seq = 0
        self._op: str | None = None
        self._parent: str | None = None
        self.events: list[Event] = []

    def wait(self, ms: float) -> None:
        """Let `ms` milliseconds pass."""
        self.now_ns += int(ms * 1e6)

    def new_id(self) -> str:
        """Return the next id: 16 hex digits, counted."""
        self._count += 1
        return f"{self.pid:08x}{self._count:08x}"

    def add(
        self,
        kind: str,
        phase: str,
        name: str,
        topic: str,
        *,
        id: str | None = None,  # noqa: A002 - the format's own word
        parent: str | None = None,
        status: int | None = None,
        ms: float | None = None,
        **data: Any,
    ) -> str:
        """Append one event under what is open; return its id."""
        own = id or self.new_id()
        self._seq += 1
        self.events.append(
            Event(
                ts=timestamp(self.now_ns),
                topic=topic,
                kind=kind,
                phase=phase,
                id=own,
                parent=parent if parent is not None else self._parent,
                op=self._op,
                pid=self.pid,
                seq=self._seq,
                name=name,
                status=status,
                ms=ms,
                data={"mono": self.now_ns, **data},
            )
        )
        return own

    @contextmanager
    def operation(self, name: str, topic: str, status: int = 0, **data: Any) -> Iterator[str]:
        """Open an operation around what is added inside; `result` in data goes to the end line."""
        result = data.pop("result", {})
        own = self.new_id()
        self._op = own
        self.add("operation", "start", name, topic, id=own, parent=None, **data)
        self._parent = own
        began = self.now_ns
        yield own
        self._parent = None
        self.add(
            "operation", "end", name, topic, id=own, status=status,
            ms=(self.now_ns - began) / 1e6, **data, **result,
        )  # fmt: skip
        self._op = None

    def step(self, rule: str, verdict: str, code: str, **data: Any) -> str:
        """Add a decision of the resolution."""
        reason = {"code": code, "args": data.pop("args", {})}
        return self.add("step", "point", rule, "resolution", verdict=verdict, reason=reason, **data)

    def call(
        self,
        method_id: str,
        topic: str,
        status: int | None = 200,
        ms: float = 100.0,
        *,
        answered: bool = True,
        exchange: dict[str, Any] | None = None,
        **data: Any,
    ) -> tuple[str, str]:
        """Add a call with one exchange; return both ids. `exchange` is merged into its data."""
        call = self.new_id()
        own = self.new_id()
        outer = self._parent
        facts: dict[str, Any] = {
            "method": "GET",
            "url": "https://gmail.googleapis.com/",
            "role": "call",
            "attempt": 1,
        }
        facts |= exchange or {}
        name = f"{facts['method']} {str(facts['url']).split('/')[2]}"
        begun: dict[str, Any] = {k: facts[k] for k in ("method", "url", "role", "attempt")}
        self.add("call", "start", method_id, topic, id=call, **data)
        self._parent = call
        self.add("exchange", "start", name, topic, id=own, **begun)
        if answered:
            self.wait(ms)
            self.add("exchange", "end", name, topic, id=own, status=status, ms=ms, **facts)
            self._parent = outer
            self.add(
                "call", "end", method_id, topic, id=call, status=status, ms=ms, attempts=1, **data
            )
        self._parent = outer
        return call, own

    def lines(self) -> bytes:
        """Return the file's bytes, framed as the writer frames them."""
        return b"".join(b"\n" + encode(event) + b"\n" for event in self.events)

    def write(self, path: Path) -> Path:
        """Write the file and return its path."""
        path.write_bytes(self.lines())
        return path
