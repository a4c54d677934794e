"""One process's part of a recorded session: its lines, its own start and end, its gaps."""

import itertools
import os
import platform
import re
import sys
import threading
import weakref
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from math import floor
from time import monotonic_ns, time
from typing import Any, Final

from tracer.capture.memo import Memo
from tracer.capture.redact.redactor import Notes, Redactor
from tracer.capture.writer import Outcome, Writer
from tracer.control import State, boot_id, sequence
from tracer.schema.events import VERSION, Kind, Phase, Topic, encode_fields, new_id, timestamp

_TRACED: Final = ("mapi-tracer", "google-api-python-client", "google-auth", "httplib2", "requests")


Moment = tuple[float, int]
"""Unix time, s, and the monotonic clock, ns."""
Stamp = tuple[str, int]
"""The `ts` and the `mono` of an event."""
Head = dict[str, Any]
"""What the lines of one call, one exchange, … have in common: an event's fields in their order."""


def head_of(
    topic: str, kind: str, name: str, own: str, parent: str | None = None, op: str | None = None
) -> Head:
    """Return the head of what has the id `own`; `Session.line` fills in the rest."""
    return {
        "v": VERSION, "ts": "", "topic": topic, "kind": kind, "phase": "", "id": own,
        "parent": parent, "op": op, "pid": 0, "seq": 0, "name": name, "status": None, "ms": None,
        "data": None,
    }  # fmt: skip


_WRITTEN: Final = Outcome.WRITTEN  # an enum's members are slow to reach


class Session:
    """Writes the events of this process into the file of one session.

    Safe between threads and across fork: a child is a process of its own in the trace.
    """

    def __init__(
        self, state: State, hooks: Sequence[str], is_on: Callable[[State], bool] = lambda _: True
    ) -> None:
        self.state = state
        self.key = bytes.fromhex(state.key)
        self.redactor = Redactor(self.key, state.bodies)
        self.memo = Memo(self.redactor)
        self.subjects: dict[str, tuple[str, tuple[str, ...]]] = {}
        """Token tag → who the token stands for, and its scopes."""
        self.dropped = 0
        """Lines of this process that are not in the file."""
        self._hooks = hooks  # the recorder's own list: hooks may be added later
        self._writer = Writer(state.file, state.cap, lambda: is_on(state))
        self._begin_process()
        _sessions.add(self)

    def _begin_process(self) -> None:
        self._pid = os.getpid()
        self._sequence = sequence(self.state.session)
        self._process = new_id()
        self._introduced = False
        self._full = False
        self._second = (0, "1970-01-01T00:00:00.")
        self._gaps: dict[tuple[str, str], list[int]] = {}
        self._lock = threading.Lock()

    def emit(
        self,
        head: Head,
        phase: str,
        status: int | None,
        ms: float | None,
        data: dict[str, Any],
        *,
        at: Stamp | None = None,
        behind: bytes = b"",
        ahead: bool = False,
    ) -> bool:
        """Write one event and tell whether it is in the file; `line` has the arguments.

        A line that was made earlier goes out in the same write, this one `behind` it. Gaps and the
        process's lines go `ahead` of what waits.
        """
        count = 2 if behind else 1
        if not ahead and not self.ready():
            self.dropped += count
            return False
        line = self.line(head, phase, status, ms, data, at)
        gap = head["kind"] == "gap"
        outcome = self._writer.write(line, monotonic_ns(), gap, behind)
        size = len(behind) + len(line)
        return outcome is _WRITTEN or self._unusual(outcome, gap, count, size)

    def line(
        self,
        head: Head,
        phase: str,
        status: int | None,
        ms: float | None,
        data: dict[str, Any],
        at: Stamp | None = None,
    ) -> bytes:
        """Return the line of an event of this moment, or of that which `at` says.

        `data` has passed the redaction; ``mono`` is added to it here.
        """
        if at is None:
            head["ts"], data["mono"] = self.stamp(time()), monotonic_ns()
        else:
            head["ts"], data["mono"] = at
        head["phase"] = phase
        head["pid"] = self._pid
        head["seq"] = next(self._sequence)
        head["status"] = status
        head["ms"] = ms
        head["data"] = data
        return encode_fields(head)

    def write(self, line: bytes) -> bool:
        """Write a line that was made earlier."""
        if not self.ready():
            self.dropped += 1
            return False
        outcome = self._writer.write(line, monotonic_ns())
        return outcome is _WRITTEN or self._unusual(outcome, False, 1, len(line))

    def ready(self) -> bool:
        """Write what goes before the next event, and tell whether there is room for it."""
        if self._full:
            return False
        if self._gaps or not self._introduced:
            self.flush()
        return True

    def stamp(self, wall: float) -> str:
        """Return the `ts` of Unix time `wall`, s."""
        known = self._second  # one tuple: another thread may replace it meanwhile
        since = wall - known[0]
        if not 0 <= since < 1:
            second = floor(wall)
            self._second = known = second, timestamp(second * 1_000_000_000)[:20]
            since = wall - second
        return f"{known[1]}{int(since * 1e6):06d}Z"

    def flush(self) -> None:
        """Write what goes before the next event: the process's start line, and the gaps."""
        if not self._introduced:
            self._introduce()
        if self._gaps:
            self._write_gaps()

    def _unusual(self, outcome: Outcome, gap: bool, count: int, size: int) -> bool:
        """Account for `count` lines that are not in the file, or are in a new one."""
        if outcome is Outcome.ANEW:
            self._introduced = False  # the new file does not know this process
            self.gap("lost", "the file had been removed")
            return True
        self.dropped += count
        if gap:
            return False
        if outcome is Outcome.DROPPED:
            self.gap("dropped", self._writer.reason, size=size, count=count)
        elif not self._full:
            self._full = True
            self.gap("size-cap", f"the session has reached {self.state.cap} bytes")
            self._write_gaps()
        return False

    def describe(self, error: BaseException, notes: Notes) -> dict[str, str]:
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
            "message": self.redactor.text(message[:20_000], notes, "error.message"),
        }

    # -- gaps --------------------------------------------------------------------------------------

    def gap(self, name: str, reason: str, *, size: int = 0, count: int = 1) -> None:
        """Count what is missing; the next event that is written carries it before itself."""
        entry = self._gaps.setdefault((name, reason), [0, 0])
        entry[0] += count
        entry[1] += size

    def _write_gaps(self) -> None:
        if not self._lock.acquire(blocking=False):
            return  # another thread is at it
        try:
            for key in list(self._gaps):
                count, size = self._gaps[key]
                data = {"reason": key[1], "count": count} | ({"bytes": size} if size else {})
                if not self._point_out(key[0], data):
                    return
                del self._gaps[key]
        finally:
            self._lock.release()

    def _point_out(self, name: str, data: dict[str, Any]) -> bool:
        head = head_of(str(Topic.SESSION), str(Kind.GAP), name, new_id())
        return self.emit(head, str(Phase.POINT), None, None, data, ahead=True)

    # -- the process -------------------------------------------------------------------------------

    def _introduce(self) -> None:
        """Write the process's start line, once."""
        with self._lock:
            if self._introduced:
                return
            self._introduced = True
            notes: Notes = []
            data: dict[str, Any] = {
                "argv0": sys.argv[0] if sys.argv else "",
                "python": platform.python_version(),
                "platform": platform.platform(),
                "boot": boot_id(),
                "versions": {name: found for name in _TRACED if (found := _version(name))},
                "hooks": list(self._hooks),
                "argv": _arguments(sys.argv, notes),
            }
            if notes:
                data["redacted"] = notes
            self._write_process(Phase.START, data)

    def finish(self) -> None:
        """Write the process's end line, if it has recorded anything."""
        if self._introduced and os.getpid() == self._pid:
            if self._gaps:
                self._write_gaps()
            events = next(self._sequence)
            self._sequence = itertools.chain((events,), self._sequence)  # not used up
            self._write_process(Phase.END, {"events": events - 1, "dropped": self.dropped})
            self._introduced = False
        self._writer.close()

    def _write_process(self, phase: Phase, data: dict[str, Any]) -> None:
        name = os.path.basename(sys.argv[0]) if sys.argv and sys.argv[0] else "python"  # noqa: PTH119 - not a path of ours
        head = head_of(str(Topic.SESSION), str(Kind.PROCESS), name, self._process)
        self.emit(head, str(phase), None, None, data, ahead=True)

    def after_fork(self) -> None:
        """Begin anew as another process; called in the child."""
        self.dropped = 0
        self._begin_process()


_sessions: weakref.WeakSet[Session] = weakref.WeakSet()


def _after_fork() -> None:
    for session in list(_sessions):
        session.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def _version(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def _arguments(argv: Sequence[str], notes: Notes) -> list[str]:
    """Return the command line without what it was given: a subject or a password may stand there.

    The program, its sub-commands (plain words before the first option) and the names of the
    options stay; every value goes.
    """
    kept = list(argv[:1])
    plain = True
    for number, argument in enumerate(argv[1:100], 1):
        name, equals, _ = argument.partition("=")
        if argument.startswith("-"):
            plain = False
            kept.append(f"{name}={_REMOVED}" if equals else name)
        elif plain and _PLAIN_WORD.fullmatch(argument):
            kept.append(argument)
            continue
        else:
            kept.append(_REMOVED)
        if _REMOVED in kept[-1]:
            notes.append({"path": f"argv.{number}", "kind": "argument"})
    return kept


_PLAIN_WORD: Final = re.compile(r"[a-z][a-z-]{0,20}")
_REMOVED: Final = "⟨redacted argument⟩"
