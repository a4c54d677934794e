"""Effects, told only where no cause above explains them."""

from collections.abc import Iterator, Set
from typing import Any

from viewer.model.decisions import code, compared
from viewer.model.finding import Evidence, Finding
from viewer.model.findings.build import finding, from_failures, grouped, listed, of_rule
from viewer.model.findings.facts import Facts
from viewer.model.findings.failure import text

_UNKNOWN = "?"


def nobody_found(facts: Facts, explained: Set[str]) -> Iterator[Finding]:
    """No user carries the wanted value, and nothing shows why."""
    for decision in facts.decisions:
        outcome = decision.outcome
        if outcome is None or decision.op in explained or code(outcome) != "nothing-found":
            continue
        tried = decision.with_code("no-match")
        wanted = listed(compared(step)[0] for step in tried) if tried else _UNKNOWN
        yield finding(
            "nobody-found",
            [
                *(Evidence(step.id, "compared.wanted") for step in tried),
                Evidence(outcome.id, "verdict"),
            ],
            confidence=0.7,
            args={
                "wanted": wanted or _UNKNOWN,
                "attributes": listed(text(step.data.get("attribute")) for step in tried) or "–",
            },
            symptoms=[outcome.id],
            ops=[decision.op],
        )


def refused(facts: Facts, explained: Set[str]) -> Iterator[Finding]:
    """A server refused a call for a reason that no pattern knows."""
    group = [
        item
        for item in of_rule(facts, "refused")
        if not item[0].recovered and item[0].op not in explained and item[0].role != "part"
    ]
    for one in grouped(group, lambda f: (f.method, f.status, f.reason, f.message)):
        first = one[0][0]
        told = first.message or first.reason or _UNKNOWN
        yield from_failures("refused", one, {"message": told, "reason": first.reason or _UNKNOWN})


def operation_failed(facts: Facts, explained: Set[str]) -> Iterator[Finding]:
    """An operation failed, and the trace does not show a cause below it."""
    for operation in facts.failed_operations:
        if (operation.op or operation.id) in explained:
            continue
        error: Any = operation.data.get("error")
        error = error if isinstance(error, dict) else {}
        yield finding(
            "operation-failed",
            [Evidence(operation.id, "error.message" if error.get("message") else "status")],
            confidence=0.5,
            args={
                "operation": operation.name,
                "message": text(error.get("message")) or text(error.get("type")) or _UNKNOWN,
                "told": text(error.get("cause")) or "word.not-told",
                "remedy": text(error.get("remedy")) or "word.no-remedy",
            },
            ops=[operation.op or operation.id],
            topic=operation.topic,
        )


RULES = (nobody_found, refused, operation_failed)
