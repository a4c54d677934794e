"""Putting a recording method before another one, and putting the other one back exactly."""

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any, Final

from tracer.capture.recorder import Recorder

Detach = Callable[[], None]
"""Undoes what an attaching function did; calling it again does nothing."""

Make = Callable[[Callable[..., Any], Recorder], Callable[..., Any]]
"""Takes the original and a recorder, returns what goes before it; the closure names `recorder`."""

_MARK: Final = "_tracer_seam"


def swap(recorder: Recorder, name: str, places: Sequence[tuple[Any, str, Make]]) -> Detach:
    """Put ours before each method of `places`; the result puts back what was there.

    `name` is what the process's start line calls the seam. What is in place already stays, and is
    not undone by the second caller.
    """
    done: list[tuple[Any, str, Any, Any]] = []
    for owner, attribute, make in places:
        original = owner.__dict__[attribute]
        if hasattr(original, _MARK):
            continue
        ours = _dressed(make(original, recorder), original)
        setattr(owner, attribute, ours)
        done.append((owner, attribute, original, ours))
    if done:
        recorder.hooks.append(name)

    def detach() -> None:
        while done:
            owner, attribute, original, ours = done.pop()
            if owner.__dict__.get(attribute) is ours:
                setattr(owner, attribute, original)
            else:  # somebody has wrapped ours meanwhile: it stays, and only passes through
                _quiet(ours)
        if name in recorder.hooks:
            recorder.hooks.remove(name)

    return detach


def _dressed(ours: Callable[..., Any], original: Callable[..., Any]) -> Callable[..., Any]:
    """Return `ours` with the name, the text and the signature of `original`."""
    functools.update_wrapper(ours, original)
    setattr(ours, _MARK, True)
    return ours


class _Dormant:
    """A recorder for a seam that cannot be taken out."""

    look_again = off_until = math.inf
    current = None

    def session(self) -> None:
        """Return that debug is off, for ever."""


def _quiet(ours: Any) -> None:
    for name, cell in zip(ours.__code__.co_freevars, ours.__closure__, strict=True):
        if name == "recorder":
            cell.cell_contents = _Dormant()
