"""The exit codes of ``traceview``, all of them."""

from enum import IntEnum


class Exit(IntEnum):
    """What a shell or a script can tell from the exit code alone."""

    OK = 0
    """Done; nothing worse than a note was found."""
    WARNING = 1
    """Done; the worst finding is a warning."""
    ERROR = 2
    """Done; the worst finding is an error."""
    NOTHING = 3
    """Done, but nothing matched (``grep``, ``call``, ``why``, ``--filter``)."""
    USAGE = 64
    """The command line is wrong."""
    UNREADABLE = 66
    """A file is missing, a directory, unreadable, or no trace at all."""
    NEWER = 76
    """Every line was written by a later version: please update."""
    INTERRUPTED = 130
    """Stopped by Ctrl+C."""
