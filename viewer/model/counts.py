"""What title and tabs say of a trace: counted once by who reads it, shown without numpy."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tracer.schema.events import Kind
from viewer.model.finding import Severity

if TYPE_CHECKING:
    from viewer.model.trace import Trace


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


def count(trace: "Trace") -> Counts:
    """Count what is in `trace`, from the index alone."""
    events = len(trace)
    return Counts(
        events=events,
        first=trace.head(0).ts if events else "",
        last=trace.head(events - 1).ts if events else "",
        topics=trace.topic_counts(),
        worst=trace.worst(),
        resolutions=trace.resolutions().size,
        gaps=trace.select(kinds=[Kind.GAP]).size,
        damaged=len(trace.damage),
    )


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
