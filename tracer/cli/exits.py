"""The exit codes of `tracer`, all of them."""

from enum import IntEnum


class ExitCode(IntEnum):
    """What a shell or a scheduler can branch on. `tracer run` passes its command's own code on."""

    OK = 0
    FAILED = 1
    """Tried and failed: the mail did not leave, the check has a red line, the bundle has a leak."""
    USAGE = 2
    """Wrong words: arguments, settings, an unreadable input."""
    REFUSED = 3
    """A rule said no: a protected account, an option that is switched off, an unsafe home."""
    UNAVAILABLE = 4
    """The other side did not answer, or asked to come back later."""
    CANNOT_RUN = 126
    """`tracer run`: the command exists and cannot be started."""
    NOT_FOUND = 127
    """`tracer run`: there is no such command."""
    INTERRUPTED = 130
    """Ctrl-C."""
