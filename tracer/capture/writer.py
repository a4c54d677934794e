"""The end of the line: one `os.write`, and an account of what could not be written."""

import contextlib
import errno
import os
import sys
import weakref
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Final

from tracer.control import is_shared
from tracer.schema.files import open_for_append


class Outcome(StrEnum):
    """What became of a line."""

    WRITTEN = "written"
    DROPPED = "dropped"
    """The file system refused it, wholly or in part."""
    FULL = "size-cap"
    """The session has reached its size cap."""
    ANEW = "anew"
    """It is written, into a file made anew: the one before had been removed."""


LOOK_EVERY: Final = 20_000_000
"""Nanoseconds between two looks at whether the file is still there, still ours, and how big."""

_HIGH: Final = 512
"""Descriptors are moved up to here: see `_out_of_the_way`."""


_WRITTEN: Final = Outcome.WRITTEN  # an enum's members are slow to reach


class Writer:
    """Appends lines to one session file for one process; never raises for what the system does.

    No thread, no buffer, no fsync: what `write` has returned for survives a kill -9 of the process,
    and a forked child goes on writing through a descriptor of its own.
    """

    def __init__(self, path: str, cap: int, may_create: Callable[[], bool]) -> None:
        self.path = path
        self.cap = cap
        self.reason = ""
        """Why the last line was dropped: the name of the system's error."""
        self._made_anew = False
        self._may_create = may_create  # asked when the file is gone: not after debug is off
        self._descriptor = -1
        self._identity = (0, 0)
        self._size = 0
        self._look_at = 0
        _writers.add(self)

    def write(self, line: bytes, now: int, spare_cap: bool = False, behind: bytes = b"") -> Outcome:
        """Append one line, after another one if it is `behind` that; `now` is monotonic, ns.

        With `spare_cap` it is appended even beyond the cap.
        """
        framed = b"\n%b\n%b\n" % (behind, line) if behind else b"\n%b\n" % line
        try:
            if now >= self._look_at or self._descriptor < 0:
                self._look(now)
            self._size += len(framed)
            if self._size > self.cap and not spare_cap:
                return Outcome.FULL
            written = os.write(self._descriptor, framed)
        except OSError as error:
            self._look_at = 0
            self.reason = errno.errorcode.get(error.errno or 0, type(error).__name__)
            return Outcome.DROPPED
        if written < len(framed):  # the next line's leading newline ends what is on the disk now
            self.reason = "short write"
            return Outcome.DROPPED
        if self._made_anew:
            self._made_anew = False
            return Outcome.ANEW
        return _WRITTEN

    def _look(self, now: int) -> None:
        """See that the open file is there and ours, and open it anew if not.

        A program that becomes a daemon closes all descriptors, and uses the numbers again.
        """
        self._look_at = now + LOOK_EVERY
        if self._descriptor >= 0:
            facts = self._facts()
            if facts is None:
                self._descriptor = -1  # closed by the program, or its own by now: not ours to close
            elif facts.st_nlink == 0:
                self.close()
            else:
                self._size = facts.st_size
                return
        self._open()

    def _facts(self) -> os.stat_result | None:
        """Return the facts of the open file; None when the descriptor is not ours any more."""
        try:
            facts = os.fstat(self._descriptor)
        except OSError:
            return None
        return facts if (facts.st_dev, facts.st_ino) == self._identity else None

    def _open(self) -> None:
        try:
            descriptor = open_for_append(self.path, create=False)
        except FileNotFoundError:
            if not self._may_create():
                raise
            descriptor = open_for_append(self.path, create=True)
            self._made_anew = True
            if sys.platform != "win32" and is_shared(Path(self.path).parent.stat()):
                os.fchmod(descriptor, 0o660)
        facts = os.fstat(descriptor)
        self._identity = (facts.st_dev, facts.st_ino)
        self._size = facts.st_size
        self._descriptor = _out_of_the_way(descriptor)

    def close(self) -> None:
        """Close the descriptor if it is still ours; the next `write` opens the file again."""
        if self._descriptor >= 0 and self._facts() is not None:
            with contextlib.suppress(OSError):
                os.close(self._descriptor)
        self._descriptor = -1

    def __del__(self) -> None:
        self.close()


def _out_of_the_way(descriptor: int) -> int:
    """Move a descriptor to a high number, where no program's next file lands by accident.

    Between two looks somebody may close it and get its number for a file of his own.
    """
    if sys.platform == "win32":
        return descriptor
    import fcntl

    try:
        high = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, _HIGH)
    except (OSError, ValueError):  # the process may not open that many
        return descriptor
    os.close(descriptor)
    return high


_writers: weakref.WeakSet[Writer] = weakref.WeakSet()


def _close_in_child() -> None:
    for writer in list(_writers):
        writer.close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_close_in_child)
