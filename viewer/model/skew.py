"""Clocks that disagree: told from the two clocks that every line carries."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from tracer.schema.events import Event

_MOMENT_US: Final = 50_000
"""Less is what a busy machine does between reading one clock and the other."""


@dataclass(frozen=True, slots=True)
class Skew:
    """Two processes of one machine whose wall clocks disagree (their monotonic clock is one)."""

    file: str
    pid: int
    ms: float
    """How far this process's wall clock is ahead of the first one's of the same boot."""


def skews(lines: Iterable[tuple[str, int, Event]]) -> tuple[Skew, ...]:
    """Compare process events: the name of each one's file, its wall clock (µs), and itself.

    The end line of a process has no boot id and is compared with its start: it shows a clock that
    was set while the process ran.
    """
    boots: dict[str, int] = {}
    origins: dict[str, int] = {}
    found: dict[tuple[str, int], Skew] = {}
    for file, wall, event in lines:
        mono = event.data.get("mono")
        if not isinstance(mono, int):
            continue
        ahead = wall - mono // 1000
        boot = event.data.get("boot")
        if isinstance(boot, str) and boot:
            origin = origins[event.id] = boots.setdefault(boot, ahead)
        elif event.id in origins:
            origin = origins[event.id]
        else:
            continue
        if abs(ahead - origin) > _MOMENT_US:
            found[file, event.pid] = Skew(file, event.pid, (ahead - origin) / 1000)
    return tuple(found.values())
