"""The fault corpus: does the top finding name the cause that a session was made of?

    python -m samples.corpus [NAME…]

plays every case (or those whose name contains one of NAME…) against the sandbox, and prints the
confusion table, the misses and the score. Exit code 1: fewer than 95 % right, or a false alarm.
"""

import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from samples.corpus_cases import every_case
from samples.corpus_play import Case, Outcome, house, play
from viewer.model.finding import Finding, Severity
from viewer.model.findings import diagnose
from viewer.model.trace import Trace

WANTED: Final = 0.95
QUIET: Final = "–"
"""Stands for "no warning, no error"."""


@dataclass(frozen=True, slots=True)
class Score:
    """What was expected of a case and what came out."""

    case: str
    expected: frozenset[str]
    top: str
    """The rule of the first finding that is at least a warning; of any, when one was expected."""
    others: tuple[str, ...]
    applies: bool
    """Whether the fault hit anything at all."""

    @property
    def right(self) -> bool:
        """Tell whether the top finding is the cause, or nothing bad is said where nothing is."""
        return self.top in self.expected if self.expected else self.top == QUIET


def judge(outcome: Outcome) -> Score:
    """Let the rules look at a session."""
    trace = Trace.open([outcome.file], cache=False)
    try:
        found = diagnose(trace)
    finally:
        trace.close()
    expected = outcome.case.expected(outcome)
    applies = len(outcome.hit) > 0 or not outcome.case.faults
    return Score(outcome.case.name, expected, _top(found, expected), _others(found), applies)


def _top(found: list[Finding], expected: frozenset[str]) -> str:
    bad = [one.rule for one in found if one.severity >= Severity.WARNING or expected]
    return bad[0] if bad else QUIET


def _others(found: list[Finding]) -> tuple[str, ...]:
    return tuple(f"{one.rule} ({one.severity.name.lower()})" for one in found[:4])


def run(cases: Iterable[Case], folder: Path) -> Iterator[Score]:
    """Play and judge `cases`, one after the other."""
    for case in cases:
        outcome = play(case, folder)
        yield judge(outcome)
        outcome.file.unlink()


def table(scores: list[Score]) -> Iterator[str]:
    """Yield the confusion table: what was made, how often, what was named instead."""
    rows: dict[str, Counter[str]] = defaultdict(Counter)
    for score in scores:
        label = "|".join(sorted(score.expected)) or QUIET
        rows[label]["right" if score.right else score.top] += 1
    width = max(map(len, rows), default=0)
    yield f"{'made':{width}}  cases  right  named instead"
    for label, counts in sorted(rows.items()):
        wrong = ", ".join(f"{rule} {n}" for rule, n in counts.items() if rule != "right")
        yield f"{label:{width}}  {counts.total():5}  {counts['right']:5}  {wrong}"


def main(names: list[str]) -> int:
    """Play the corpus and print the table."""
    cases = [c for c in every_case() if not names or any(name in c.name for name in names)]
    began = time.perf_counter()
    with house() as folder:
        scores = [score for score in run(cases, folder) if score.applies]
    print("\n".join(table(scores)))
    faults = [score for score in scores if score.expected]
    quiet = [score for score in scores if not score.expected]
    for score in scores:
        if not score.right:
            made = "|".join(sorted(score.expected)) or QUIET
            print(f"miss: {score.case}: {made}, but {score.top}; all: {', '.join(score.others)}")
    right = sum(score.right for score in faults)
    alarms = sum(not score.right for score in quiet)
    share = right / len(faults) if faults else 1.0
    seconds = time.perf_counter() - began
    skipped = len(cases) - len(scores)
    print(
        f"{right} of {len(faults)} causes named first ({share:.1%}); {alarms} false alarms in"
        f" {len(quiet)} sessions without a lasting fault; {skipped} cases in which the fault meets"
        f" no request left out; {seconds:.0f} s"
    )
    return 0 if share >= WANTED and not alarms else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
