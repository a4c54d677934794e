"""The account resolutions of a trace: the recorded steps of each, with whose they are."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tracer.schema.events import Event, Kind
from viewer.model.trace import Rows, Trace


@dataclass(frozen=True, slots=True)
class Decision:
    """One resolution, as it was recorded."""

    operation: str
    """Id of the operation that the steps hang under."""
    op: str
    """Id of the root operation."""
    steps: tuple[Event, ...]
    """In the order the decisions were taken."""
    facts: Mapping[str, Any]
    """``data`` of the operation's last line, or of the root's where that one says nothing."""

    @property
    def identity(self) -> dict[str, str]:
        """Environment, Harmony user and Windows account, as far as recorded."""
        found = self.facts.get("identity")
        if not isinstance(found, dict):
            return {}
        return {key: value for key, value in found.items() if isinstance(value, str)}

    @property
    def outcome(self) -> Event | None:
        """The last step, if the resolution came to its end."""
        last = self.steps[-1]
        return last if last.name == "outcome" else None

    def with_code(self, *codes: str) -> list[Event]:
        """Return the steps with one of these reason codes, the outcome left out."""
        return [step for step in self.steps if step.name != "outcome" and code(step) in codes]


def code(step: Event) -> str:
    """Return the reason code of a step."""
    reason = step.data.get("reason")
    return str(reason.get("code") or "") if isinstance(reason, dict) else ""


def args(step: Event) -> dict[str, Any]:
    """Return what the reason of a step names."""
    reason = step.data.get("reason")
    found = reason.get("args") if isinstance(reason, dict) else None
    return found if isinstance(found, dict) else {}


def candidate(step: Event) -> str:
    """Return the Google user that a step looks at."""
    return str(step.data.get("candidate") or "")


def compared(step: Event) -> tuple[str, list[str], str, list[str]]:
    """Return wanted and found values, then wanted and found environments; empty if not recorded."""
    both = step.data.get("compared")
    if not isinstance(both, dict):
        return "", [], "", []
    env = both.get("environment")
    env = env if isinstance(env, dict) else {}
    return (
        str(both.get("wanted") or ""),
        _texts(both.get("found")),
        str(env.get("wanted") or ""),
        _texts(env.get("found")),
    )


def decisions(trace: Trace, rows: Rows | None = None) -> Iterator[Decision]:
    """Yield every resolution with at least one recorded step, in order of time.

    With `rows` (of steps) only the resolutions that these belong to.
    """
    steps: dict[str, list[Event]] = defaultdict(list)
    if rows is None:
        for row in trace.select(kinds=(Kind.STEP,)).tolist():
            step = trace.event(row)
            steps[step.parent or step.op or ""].append(step)
    else:
        parents = dict.fromkeys(trace.event(row).parent or "" for row in rows.tolist())
        for parent in parents:
            under = (trace.event(row) for row in trace.children(parent))
            steps[parent] = [event for event in under if event.kind == Kind.STEP]
    for operation, own in steps.items():
        if own:
            own.sort(key=_number)
            yield Decision(operation, own[0].op or operation, tuple(own), _facts(trace, own[0]))


def _number(step: Event) -> int:
    number = step.data.get("n")
    return number if isinstance(number, int) else 0


def _facts(trace: Trace, step: Event) -> dict[str, Any]:
    """Return the facts of the nearest operation above `step`, those of the root filled in."""
    facts: dict[str, Any] = {}
    for event_id in dict.fromkeys((step.parent, step.op)):
        row = trace.row_of(event_id) if event_id else None
        if row is not None:
            facts = {**trace.event(row).data, **facts}
    return facts


def _texts(value: object) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else []
