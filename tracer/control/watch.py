"""The look at the control file that a traced process takes again and again."""

import os
from pathlib import Path

from tracer.control.file import (
    LOOK_EVERY,
    SYSTEM_CLOCK,
    Clock,
    ControlError,
    State,
    control_file,
    read,
)


class Watch:
    """Looks at the control file for a traced process, at most once per 20 ms, and never raises."""

    def __init__(self, path: Path | None = None, clock: Clock = SYSTEM_CLOCK) -> None:
        self.path = path or control_file()
        self.refused: ControlError | None = None
        """Why a control file that is there is not obeyed; None when it is."""
        self.look_again = 0.0
        """On the monotonic clock: until then the last answer stands."""
        self._clock = clock
        self._name = os.fspath(self.path)
        self._seen: tuple[int, int, int] | None = None
        self._state: State | None = None

    def state(self) -> State | None:
        """Return what is on, or None."""
        now = self._clock.monotonic()
        return self._state if now < self.look_again else self._look(now)

    def _look(self, now: float) -> State | None:
        try:
            facts = os.lstat(self._name)
            seen = (facts.st_mtime_ns, facts.st_ino, facts.st_size)
        except OSError:
            self._seen = self._state = None
        else:
            if seen != self._seen:
                self._state = self._read()
                self._seen = seen
            if self._state is not None and self._state.expired(self._clock):
                self._state = None  # the one who asks next for the state closes it
        self.look_again = now + LOOK_EVERY  # last: another thread must not see the old answer
        return self._state

    def _read(self) -> State | None:
        try:
            found = read(self.path)
        except ControlError as error:
            self.refused = error
            return None
        self.refused = None
        return found
