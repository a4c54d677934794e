"""What stands around the host's own call while it is recorded."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tracer.capture.record import guarded
from tracer.capture.recorder import Recorder


@contextmanager
def failing(
    recorder: Recorder, begun: Any, status: Callable[[BaseException], int | None] | None = None
) -> Iterator[None]:
    """End `begun` with the exception that the host's call raises; the host gets it as it is.

    `begun` is what a seam has begun (None: it could not); `status` reads a code out of the error.
    """
    try:
        yield
    except BaseException as error:
        failure = error
        if begun is not None and status is not None:
            guarded(recorder, lambda: begun.fail(failure, status(failure)))
        elif begun is not None:
            guarded(recorder, lambda: begun.fail(failure))
        raise
