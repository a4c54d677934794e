"""The listener of a traced process: it knows what is on, and that nothing of ours may hurt."""

import atexit
import os
import threading
import traceback
from collections.abc import Mapping
from time import monotonic
from typing import TYPE_CHECKING, Any, Self

from tracer.capture.session import Session, head_of
from tracer.control import SYSTEM_CLOCK, Clock, State, Variable, Watch
from tracer.schema.events import Kind, Phase

if TYPE_CHECKING:
    from tracer.capture.redact.redactor import Notes


_beginning = threading.Lock()


def _renew_lock() -> None:
    global _beginning
    _beginning = threading.Lock()


if hasattr(os, "register_at_fork"):  # another thread may have held it
    os.register_at_fork(after_in_child=_renew_lock)


class Recorder:
    """Implements `tracer.operation.Sink`, and gives the seams the session to record into.

    Errors inside the tracer are caught, counted and put into the next event. They are raised under
    pytest, unless `raising` is False.
    """

    def __init__(
        self,
        watch: Watch | None = None,
        clock: Clock = SYSTEM_CLOCK,
        *,
        raising: bool | None = None,
    ) -> None:
        self.hooks: list[str] = []
        """The names of the seams that are attached."""
        self.watch = watch or Watch(clock=clock)
        self.raising = raising
        self.look_again = 0.0
        """On the monotonic clock: until then `current` stands."""
        self.off_until = 0.0
        """On the monotonic clock: until then debug is off for sure. Seams compare it themselves."""
        self.current: Session | None = None
        self._clock = clock
        self._open: dict[str, Session] = {}  # operations begun, so that their end lands beside it
        self._unreported: list[str] = []
        atexit.register(self.close)

    # -- what is on --------------------------------------------------------------------------------

    def session(self) -> Session | None:
        """Return the session to record into, or None while debug is off."""
        return self.current if monotonic() < self.look_again else self.look()

    def look(self) -> Session | None:
        """Look at the control file, and follow what it says."""
        try:
            state = self.watch.state()
            before = self.current
            if state is None:
                self.current = None
                if before is not None and before.state.expired(self._clock):
                    before.gap("expired", f"debug was on until {before.state.expires}")
                    before.flush()
            elif before is None or before.state.session != state.session:
                self._begin(state)
        except Exception as error:  # noqa: BLE001 - nothing of ours may reach the host
            self.current = None
            self.failed(error)
        self.look_again = self.watch.look_again  # last: see Watch
        self.off_until = self.look_again if self.current is None else 0.0
        return self.current

    def _begin(self, state: State) -> None:
        with _beginning:
            if self.current is not None and self.current.state.session == state.session:
                return  # another thread was faster
            new = Session(state, self.hooks, self._is_on)
            for what in self._unreported:
                new.gap("internal-error", what)
            self._unreported.clear()
            self.current = new

    def _is_on(self, state: State) -> bool:
        now = self.watch.state()
        return now is not None and now.session == state.session

    def active(self) -> bool:
        """Tell whether debug is on, or an operation that began while it was has not ended."""
        return self.session() is not None or bool(self._open)

    # -- the sink of tracer.operation --------------------------------------------------------------

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
        """Redact and record one event that the protocol layer states; never raises."""
        try:
            session = self.session()
            if kind == Kind.OPERATION:
                if phase == Phase.END:
                    session = self._open.pop(id, None)
                elif session is not None:
                    self._open[id] = session
            if session is None:
                return
            notes: Notes = []
            kept = session.redactor.data(data, notes)
            if notes:
                kept["redacted"] = notes
            head = head_of(str(topic), str(kind), name, id, parent, op)
            session.emit(head, str(phase), status, ms, kept)
        except Exception as error:  # noqa: BLE001 - nothing of ours may reach the host
            self.failed(error)

    # -- our own errors ----------------------------------------------------------------------------

    def failed(self, error: Exception) -> None:
        """Count an error of ours; the next event carries it. Raise it where that is wanted."""
        frames = traceback.extract_tb(error.__traceback__)
        where = f" at {os.path.basename(frames[-1].filename)}:{frames[-1].lineno}" if frames else ""  # noqa: PTH119 - a name
        self._report(f"{type(error).__name__}{where}")  # its message may hold anything
        if self._wants_raise():
            raise error

    def _report(self, what: str) -> None:
        if self.current is not None:
            self.current.gap("internal-error", what)
        elif len(self._unreported) < 100:
            self._unreported.append(what)

    def _wants_raise(self) -> bool:
        if self.raising is not None:
            return self.raising
        wish = os.environ.get(Variable.RAISE)
        return wish == "1" or (wish != "0" and "PYTEST_CURRENT_TEST" in os.environ)

    # -- life --------------------------------------------------------------------------------------

    def close(self) -> None:
        """End this process's part of the session; for its exit."""
        atexit.unregister(self.close)
        session = self.session()
        self.current = None
        self.look_again = self.off_until = 0.0
        if session is not None:
            session.finish()

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self  # google-auth copies its transport, and the copy is recorded alike

    def __copy__(self) -> Self:
        return self
