"""Run the rules in order, drop what another cause explains, sort by weight."""

from viewer.model.finding import Finding, Severity
from viewer.model.findings import tokens
from viewer.model.findings.facts import Facts, Progress
from viewer.model.findings.rulebook import ORDER
from viewer.model.trace import Trace


def diagnose(trace: Trace, progress: Progress | None = None) -> list[Finding]:
    """Return the causes that `trace` shows, the worst and most fundamental first.

    `progress` is called with (events looked at, events in all) now and then.
    """
    facts = Facts(trace, progress)
    found = [finding for rule in tokens.RULES for finding in rule(facts)]
    if progress:
        progress(len(trace), len(trace))
    return sorted(found, key=weight)


def weight(finding: Finding) -> tuple[int, int, float]:
    """Return the sort key: severity, then the order of the rules, then confidence."""
    return (Severity.ERROR - finding.severity, ORDER[finding.rule], -finding.confidence)
