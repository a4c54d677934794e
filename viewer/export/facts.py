"""What every export needs to know of a trace: the redaction level, times, errors, decisions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from tracer.schema.events import Event, Kind
from viewer.model.finding import Finding
from viewer.model.findings.failure import failure_of
from viewer.model.trace import Rows, Trace

LEVELS: Final[dict[str, str]] = {
    "none": "no bodies; tokens and secrets are tags",
    "headers": "headers without bodies; tokens and secrets are tags",
    "structure": "structure of bodies, no mail text, subject or attachment; tokens are tags",
    "full": "FULL: mail text, subjects and attachments are in it; do not pass it on",
}


def redaction_level(trace: Trace) -> str:
    """Return what was taken out before the trace was written, in words, for the export's header."""
    levels: list[str] = []
    for row in trace.select(kinds={Kind.SESSION}).tolist():
        for one in trace.rows_of(trace.head(row).id):
            bodies = trace.event(one).data.get("bodies")
            if isinstance(bodies, str) and bodies in LEVELS and LEVELS[bodies] not in levels:
                levels.append(LEVELS[bodies])
    return "redaction: " + ("; ".join(levels) or "unknown; treat it as if it held everything")


def start_us(trace: Trace, row: int) -> int:
    """Return when the thing of `row` began, µs since 1970: its start line, else end minus ms."""
    first = trace.rows_of(trace.head(row).id)[0]
    if first != row:
        return trace.time_of(first)
    ms = trace.head(row).ms
    return trace.time_of(row) - round((ms or 0) * 1000)


def error_of(event: Event) -> str:
    """Return the error of a failed event in the words of who said it, or ``""``."""
    told = failure_of(event, call=None, method="", recovered=False)
    return ": ".join(part for part in (told.reason, told.message) if part)


@dataclass(slots=True)
class Context:
    """The way from an exchange up to its call and operation, with what was decided there."""

    trace: Trace
    findings: Sequence[Finding] = ()
    _operations: dict[str, dict[str, Any]] = field(default_factory=dict)

    def call_of(self, event: Event) -> Event | None:
        """Return the call above an exchange."""
        row = self.trace.row_of(event.parent) if event.parent else None
        above = self.trace.event(row) if row is not None else None
        return above if above is not None and above.kind == Kind.CALL else None

    def rules_of(self, event: Event) -> list[str]:
        """Return the ids of the rules whose findings point at this event, its call or operation."""
        ids = {event.id, event.parent}
        return [
            finding.rule
            for finding in self.findings
            if any(one.event in ids for one in finding.evidence) or ids & set(finding.symptoms)
        ]

    def resolution_of(self, op: str | None) -> Mapping[str, Any]:
        """Return account, identity and decisions of the root operation `op`; empty without one."""
        if op is None:
            return {}
        if op not in self._operations:
            if len(self._operations) > 1000:
                self._operations.clear()
            self._operations[op] = self._resolved(op)
        return self._operations[op]

    def _resolved(self, op: str) -> dict[str, Any]:
        result: dict[str, Any] = {}
        row = self.trace.row_of(op)
        data = self.trace.event(row).data if row is not None else {}
        for key in ("account", "via", "identity"):
            if data.get(key):
                result[key] = data[key]
        rows = self.trace.op_rows(op).tolist()
        steps = [one for one in rows if self.trace.head(one).kind == Kind.STEP]
        if steps:
            result["steps"] = [_step(self.trace.event(one)) for one in steps[:100]]
        return result


def _step(event: Event) -> dict[str, Any]:
    wanted = ("attribute", "candidate", "verdict", "reason", "compared")
    return {"id": event.id, "rule": event.name} | {
        key: event.data[key] for key in wanted if event.data.get(key) is not None
    }


def shown_rows(trace: Trace, rows: Rows | None) -> list[int]:
    """Return `rows`, or what lists show, as plain numbers."""
    found: list[int] = (trace.shown() if rows is None else rows).tolist()
    return found


def encoded(value: Any, *, indent: bool = False) -> str:
    """Return `value` as JSON; what is nested too deeply to be written is said instead."""
    try:
        return orjson.dumps(value, option=orjson.OPT_INDENT_2 if indent else None).decode()
    except TypeError:
        return '"nested too deeply to be exported; the trace holds it"'


def texts(value: object) -> dict[str, str]:
    """Return a mapping's values as texts: headers, params; empty when it is none."""
    if not isinstance(value, dict):
        return {}
    return {
        str(name): ", ".join(map(str, one)) if isinstance(one, list) else str(one)
        for name, one in value.items()
    }
