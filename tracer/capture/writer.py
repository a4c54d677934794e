"""The end of the line: one event, one `os.write`, and an account of what could not be written."""

import contextlib
import errno
import os
import sys
import weakref
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path

from tracer.control import is_shared
from tracer.schema.files import open_for_append


class Outcome(StrEnum):
    """What became of a line."""

    WRITTEN = "written"
    DROPPED = "dropped"
    """The file system refused it, wholly or in part."""
    FULL = "size-cap"
    """The session has reached its size cap."""


class Writer:
    """Appends lines to one session file for one process; never raises for what the system does.

    No thread, no buffer, no fsync: what `write` has returned for survives a kill -9 of the process,
    and a forked child goes on writing through a descriptor of its own.
    """

    def __init__(self, path: str, cap: int, may_create: Callable[[], bool]) -> None:
        self.path = path
        self.cap = cap
        self._may_create = may_create  # asked when the file is gone: not after debug is off
        self.reason = ""
        """Why the last line was dropped: the name of the system's error."""
        self.made_anew = False
        """The file had been removed and was made anew; the owner resets it."""
        self._descriptor: int | None = None
        self._identity = (0, 0)
        _writers.add(self)

    def write(self, line: bytes, *, spare_cap: bool = False) -> Outcome:
        """Append one line, framed; with `spare_cap` even beyond the size cap."""
        try:
            descriptor, facts = self._ready()
            if facts.st_size + len(line) > self.cap and not spare_cap:
                return Outcome.FULL
            framed = b"\n%b\n" % line
            written = os.write(descriptor, framed)
        except OSError as error:
            self.reason = errno.errorcode.get(error.errno or 0, type(error).__name__)
            return Outcome.DROPPED
        if written < len(framed):  # the next line's leading newline ends what is on the disk now
            self.reason = "short write"
            return Outcome.DROPPED
        return Outcome.WRITTEN

    def _ready(self) -> tuple[int, os.stat_result]:
        """Return the descriptor and the facts of the file, opening it where needed.

        The descriptor is looked at before each write (1 µs): a program that becomes a daemon closes
        all descriptors, and the number may be its database by now.
        """
        descriptor = self._descriptor
        if descriptor is not None:
            try:
                facts = os.fstat(descriptor)
            except OSError:
                self._descriptor = None
            else:
                if (facts.st_dev, facts.st_ino) != self._identity:
                    self._descriptor = None  # not ours any more: not ours to close
                elif facts.st_nlink:
                    return descriptor, facts
                else:
                    self.close()
        return self._open()

    def _open(self) -> tuple[int, os.stat_result]:
        try:
            descriptor = open_for_append(self.path, create=False)
        except FileNotFoundError:
            if not self._may_create():
                raise
            descriptor = open_for_append(self.path, create=True)
            self.made_anew = True
            if sys.platform != "win32" and is_shared(Path(self.path).parent.stat()):
                os.fchmod(descriptor, 0o660)
        facts = os.fstat(descriptor)
        self._identity = (facts.st_dev, facts.st_ino)
        self._descriptor = descriptor
        return descriptor, facts

    def close(self) -> None:
        """Close the descriptor if it is still ours; the next `write` opens the file again."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is None:
            return
        with contextlib.suppress(OSError):
            facts = os.fstat(descriptor)
            if (facts.st_dev, facts.st_ino) == self._identity:
                os.close(descriptor)

    def __del__(self) -> None:
        self.close()


_writers: weakref.WeakSet[Writer] = weakref.WeakSet()


def _close_in_child() -> None:
    for writer in list(_writers):
        writer.close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_close_in_child)
