"""Run the rules in order, join what is one cause, drop what another cause explains."""

from collections.abc import Iterable
from dataclasses import replace

from viewer.model.finding import Evidence, Finding, Severity
from viewer.model.findings import (
    calls,
    effects,
    identity,
    layer,
    protocols,
    session,
    tokens,
    wire,
)
from viewer.model.findings.build import SHOWN
from viewer.model.findings.facts import Facts, Progress
from viewer.model.findings.failure import at
from viewer.model.findings.rulebook import ORDER
from viewer.model.trace import Trace

_SUREST = 0.99
CAUSES = (
    *tokens.RULES,
    *identity.RULES,
    *calls.RULES,
    *wire.RULES,
    *protocols.RULES,
    *layer.RULES,
    *session.RULES,
    tokens.clock_offset,
    tokens.scope_not_granted,
)


def diagnose(trace: Trace, progress: Progress | None = None) -> list[Finding]:
    """Return the causes that `trace` shows, the worst and most fundamental first.

    `progress` is called with (rules done, rules in all), at every event that is read. Never raises
    for what a trace holds; every id in the evidence opens an event of `trace`.
    """
    done, total = 0, len(CAUSES) + len(effects.RULES)

    def tell() -> None:
        if progress:
            progress(done, total)

    facts = Facts(trace, tell)
    found: list[Finding] = []
    for rule in CAUSES:
        found += rule(facts)
        done += 1
        tell()
    found = without_consequences(joined(found))
    for effect in effects.RULES:
        explained = {op for f in found if f.severity >= Severity.WARNING for op in f.ops}
        found += joined(effect(facts, explained))
        done += 1
        tell()
    return sorted((grounded(strengthened(one), facts) for one in found), key=weight)


def strengthened(finding: Finding) -> Finding:
    """Raise the confidence with every event that agrees; never to certainty."""
    more = len({e.event for e in finding.evidence} | set(finding.symptoms)) - 1
    sure = finding.confidence
    return replace(finding, confidence=sure + max(0.0, _SUREST - sure) * max(0, more) / (more + 10))


def grounded(finding: Finding, facts: Facts) -> Finding:
    """Keep only evidence that opens; a field that is not recorded gives way to the whole event."""
    kept = []
    for one in finding.evidence:
        event = facts.event(one.event)
        if event is not None:
            there = at(event.data, one.path) is not None or hasattr(event, one.path)
            kept.append(one if there else Evidence(one.event))
    return replace(finding, evidence=tuple(kept))


def joined(findings: Iterable[Finding]) -> list[Finding]:
    """Make findings of one rule with the same words one finding."""
    found: dict[tuple[object, ...], Finding] = {}
    for one in findings:
        key = (one.rule, one.severity, *sorted((k, str(v)) for k, v in one.args.items()))
        before = found.get(key)
        found[key] = one if before is None else _join(before, one)
    return list(found.values())


def _join(one: Finding, other: Finding) -> Finding:
    symptoms = tuple(dict.fromkeys((*one.symptoms, *other.symptoms)))
    return replace(
        one,
        confidence=max(one.confidence, other.confidence),
        evidence=tuple(dict.fromkeys((*one.evidence, *other.evidence)))[:SHOWN],
        symptoms=symptoms,
        ops=tuple(dict.fromkeys((*one.ops, *other.ops))),
        count=len(symptoms),
    )


CONSEQUENCES = {
    "send-doubtful": ("timeout", "connection-dropped"),
    "upload-empty": ("timeout", "send-doubtful", "backend-error"),
    "resolution-refused": ("attribute-not-found",),
    "duplicate-send": ("connection-dropped", "backend-error", "retried"),
    "query-malformed": ("nobody-found",),
}
"""Rule -> rules that only tell its effects again, when all their operations are its own."""


def without_consequences(findings: list[Finding]) -> list[Finding]:
    """Drop findings that another one explains."""
    kept = []
    for one in findings:
        causes = [f for f in findings if one.rule in CONSEQUENCES.get(f.rule, ())]
        ops = {op for cause in causes for op in cause.ops}
        if not causes or not set(one.ops) <= ops:
            kept.append(one)
    return kept


def weight(finding: Finding) -> tuple[int, int, float]:
    """Return the sort key: severity, then the order of the rules, then confidence."""
    return (Severity.ERROR - finding.severity, ORDER[finding.rule], -finding.confidence)
