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
from time import monotonic_ns, time_ns
from typing import Any, Final

from tracer.capture.memo import Memo
from tracer.capture.redact.redactor import Notes, Redactor
from tracer.capture.writer import Outcome, Writer
from tracer.control import State, boot_id, sequence
from tracer.schema.events import VERSION, Kind, Phase, Topic, encode_fields, new_id, timestamp

_TRACED: Final = ("mapi-tracer", "google-api-python-client", "google-auth", "httplib2", "requests")


Moment = tuple[int, int]
"""Unix time and the monotonic clock, both in ns."""


def moment() -> Moment:
    """Return this moment."""
    return time_ns(), monotonic_ns()


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
        self._second = (-1, "")
        self._gaps: dict[tuple[str, str], list[int]] = {}
        self._lock = threading.Lock()

    def emit(
        self,
        topic: str,
        kind: str,
        phase: str,
        name: str,
        id: str,  # noqa: A002 - the format's own word
        parent: str | None,
        op: str | None,
        status: int | None,
        ms: float | None,
        data: dict[str, Any],
        *,
        at: Moment | None = None,
        behind: bytes = b"",
        ahead: bool = False,
    ) -> bool:
        """Write one event and tell whether it is in the file; `line` has the arguments.

        A line that was made earlier goes out in the same write, this one `behind` it. Gaps and the
        process's lines go `ahead` of what waits.
        """
        if not ahead and not self.ready():
            self.dropped += 2 if behind else 1
            return False
        line = self.line(topic, kind, phase, name, id, parent, op, status, ms, data, at)
        if behind:
            line = b"%b\n%b" % (behind, line)
        return self._put(line, kind == "gap", 2 if behind else 1)

    def line(
        self,
        topic: str,
        kind: str,
        phase: str,
        name: str,
        id: str,  # noqa: A002 - the format's own word
        parent: str | None,
        op: str | None,
        status: int | None,
        ms: float | None,
        data: dict[str, Any],
        at: Moment | None = None,
    ) -> bytes:
        """Return the line of an event of this moment, or of the moment `at`.

        `data` has passed the redaction; ``mono`` is added to it here.
        """
        wall, data["mono"] = at or moment()
        return encode_fields(
            {
                "v": VERSION,
                "ts": self.stamp(wall),
                "topic": topic,
                "kind": kind,
                "phase": phase,
                "id": id,
                "parent": parent,
                "op": op,
                "pid": self._pid,
                "seq": next(self._sequence),
                "name": name,
                "status": status,
                "ms": ms,
                "data": data,
            }
        )

    def write(self, line: bytes) -> bool:
        """Write a line that was made earlier."""
        if not self.ready():
            self.dropped += 1
            return False
        return self._put(line, gap=False, count=1)

    def ready(self) -> bool:
        """Write what goes before the next event, and tell whether there is room for it."""
        if self._full:
            return False
        if self._gaps or not self._introduced:
            self.flush()
        return True

    def _put(self, line: bytes, gap: bool, count: int) -> bool:
        writer = self._writer
        outcome = writer.write(line, monotonic_ns(), gap)
        if outcome is _WRITTEN and not writer.made_anew:
            return True
        return self._unusual(outcome, gap, count, len(line))

    def stamp(self, wall: int) -> str:
        """Return the `ts` of Unix time `wall`, ns."""
        second, rest = divmod(wall, 1_000_000_000)
        known = self._second  # one tuple: another thread may replace it meanwhile
        if known[0] != second:
            known = self._second = second, timestamp(second * 1_000_000_000)[:20]
        return f"{known[1]}{rest // 1000:06d}Z"

    def flush(self) -> None:
        """Write what goes before the next event: the process's start line, and the gaps."""
        if not self._introduced:
            self._introduce()
        if self._gaps:
            self._write_gaps()

    def _unusual(self, outcome: Outcome, gap: bool, count: int, size: int) -> bool:
        """Account for `count` lines that are not in the file, or are in a new one."""
        if outcome is Outcome.WRITTEN:
            self._writer.made_anew = False
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
        kind, phase = str(Kind.GAP), str(Phase.POINT)
        topic = str(Topic.SESSION)
        return self.emit(
            topic, kind, phase, name, new_id(), None, None, None, None, data, ahead=True
        )

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
        kind, topic = str(Kind.PROCESS), str(Topic.SESSION)
        own = self._process
        self.emit(topic, kind, str(phase), name, own, None, None, None, None, data, ahead=True)

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
