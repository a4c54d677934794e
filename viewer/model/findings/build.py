"""Make findings out of what a rule gathered."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from tracer.schema.events import Topic
from viewer.model.finding import Evidence, Finding, Severity
from viewer.model.findings.facts import Facts, ops_of
from viewer.model.findings.failure import Failure
from viewer.model.findings.rulebook import BOOK

SHOWN = 5
"""At most so many events are evidence; all of them are symptoms."""

Group = list[tuple[Failure, float]]


def finding(
    rule: str,
    evidence: Iterable[Evidence],
    *,
    confidence: float,
    args: Mapping[str, Any] | None = None,
    symptoms: Sequence[str] = (),
    ops: Sequence[str] = (),
    severity: Severity | None = None,
    topic: str | None = None,
) -> Finding:
    """Return the finding of `rule` with the rulebook's facts filled in."""
    entry = BOOK[rule]
    shown = tuple(evidence)[:SHOWN]
    symptoms = tuple(dict.fromkeys(symptoms)) or tuple(dict.fromkeys(e.event for e in shown))
    return Finding(
        rule=rule,
        severity=entry.severity if severity is None else severity,
        confidence=confidence,
        topic=topic or entry.topic,
        evidence=shown,
        args=dict(args or {}),
        chain=entry.chain,
        source=entry.source,
        count=max(1, len(symptoms)),
        symptoms=symptoms,
        ops=tuple(dict.fromkeys(ops)),
    )


def from_failures(
    rule: str,
    group: Group,
    args: Mapping[str, Any],
    *,
    also: Iterable[Evidence] = (),
    confidence: float | None = None,
    severity: Severity | None = None,
) -> Finding:
    """Return one finding for all failures of `group`; what was overcome is only a note."""
    failures = [failure for failure, _ in group]
    open_ones = [f for f in failures if not f.recovered]
    shown = open_ones or failures
    if severity is None and all(f.handled for f in open_ones):
        severity = min(BOOK[rule].severity, Severity.NOTE)
    topics = [f.topic for f in shown]
    topic = BOOK[rule].topic
    return finding(
        rule,
        [*(Evidence(f.event, f.path) for f in shown[: SHOWN - 1]), *also],
        confidence=max(sure for _, sure in group) if confidence is None else confidence,
        args={"status": failures[0].status or "–", "method": methods(shown), **args},
        symptoms=[f.event for f in failures],
        ops=ops_of(shown),
        severity=severity,
        topic=max(set(topics), key=topics.count) if topic in {Topic.HTTP, Topic.GMAIL} else topic,
    )


def methods(failures: Iterable[Failure]) -> str:
    """Return the method ids, each once."""
    return listed(failure.method for failure in failures)


def listed(values: Iterable[object], most: int = 4) -> str:
    """Return `values`, each once, in one line; more than `most` are counted."""
    unique = list(dict.fromkeys(str(value) for value in values))
    shown = ", ".join(unique[:most])
    return shown if len(unique) <= most else f"{shown} … (+{len(unique) - most})"


def grouped(group: Group, key: Callable[[Failure], object]) -> Iterator[Group]:
    """Split `group` by `key`, in order of first appearance."""
    found: dict[object, Group] = {}
    for item in group:
        found.setdefault(key(item[0]), []).append(item)
    yield from found.values()


def of_rule(facts: Facts, rule: str) -> Group:
    """Return the failures that the patterns gave to `rule`."""
    return facts.classified.get(rule, [])
