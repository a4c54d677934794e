"""What title and tabs say of a trace: counted once by who reads it, shown without numpy."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from viewer.model.finding import Severity


@dataclass(frozen=True, slots=True)
class Counts:
    """How much is in a trace and how bad it is."""

    events: int = 0
    first: str = ""
    """The first timestamp."""
    last: str = ""
    topics: Mapping[str, int] = field(default_factory=dict)
    """How many shown rows each topic has."""
    worst: Mapping[str, Severity] = field(default_factory=dict)
    """The worst of each topic, without the findings."""
    resolutions: int = 0
    gaps: int = 0
    damaged: int = 0
    """Lines that are no event."""


def read(kept: Mapping[str, Any]) -> Counts:
    """Return the counts that ``dataclasses.asdict`` made `kept` of, through JSON.

    Raises:
        ValueError, KeyError, TypeError: it is something else.
    """
    return Counts(
        events=int(kept["events"]),
        first=str(kept["first"]),
        last=str(kept["last"]),
        topics={str(topic): int(count) for topic, count in dict(kept["topics"]).items()},
        worst={str(topic): Severity(worst) for topic, worst in dict(kept["worst"]).items()},
        resolutions=int(kept["resolutions"]),
        gaps=int(kept["gaps"]),
        damaged=int(kept["damaged"]),
    )
