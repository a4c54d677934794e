"""A slice of the corpus: recorded sessions of the real layer, judged by how they were made."""

from pathlib import Path

import pytest

from samples.corpus import judge, table
from samples.corpus_cases import every_case
from samples.corpus_play import play
from tests.viewer.model.findings.test_rules import opened
from tracer.schema.lines import parse
from viewer.model.findings import diagnose
from viewer.model.trace import Trace

CASES = {case.name: case for case in every_case()}

FAULTY = (
    "unauthorized-client/send/always", "bad-signature/resolve/once", "skewed-clock/send/once",
    "not-admin/resolve/once", "scope/read/always", "api-off/events/always",
    "rate-limit/send/once", "413/send-big/once", "no-mailbox/search/always",
    "drop-after/contacts/always", "truncated-json/profile/once", "sync-expired/events/once",
    "scope+bad-to/send", "unauthorized-client+not-admin/search", "two accounts match 1",
    "protected against others 0", "unprotected 2", "environment misspelt", "other notation",
    "nobody carries it", "killed in send", "program: hidden re-send", "program: parts of a batch",
    "program: sender rewritten", "code page",
)  # fmt: skip
HEALTHY = (
    "healthy send as test", "healthy search as baker", "healthy news as test",
    "healthy: 401 once, search", "healthy: two 503 on a reading, search",
    "healthy: 502 once on a reading, resolve", "healthy: value not searchable yet",
    "healthy: twice, the second time remembered",
)  # fmt: skip


@pytest.mark.parametrize("name", FAULTY)
def test_top_finding_is_the_cause(name: str, tmp_path: Path, clean_environment: Path) -> None:
    """The first finding names what the session was made of; without its evidence it weakens."""
    outcome = play(CASES[name], tmp_path)
    score = judge(outcome)
    assert score.expected
    assert score.right, score
    trace = Trace.open([outcome.file], cache=False)
    top = diagnose(trace)[0]
    trace.close()
    lines = [line for line in outcome.file.read_bytes().split(b"\n") if line]
    events = [parse(line) for line in lines]
    for evidence in top.evidence:
        rest = [event for event in events if event.id != evidence.event]
        with opened(rest, tmp_path) as without:
            left = [one for one in diagnose(without) if one.rule == top.rule]
        assert all(
            one.confidence < top.confidence or one.severity < top.severity for one in left
        ), evidence


@pytest.mark.parametrize("name", HEALTHY)
def test_healthy_session_raises_no_alarm(
    name: str, tmp_path: Path, clean_environment: Path
) -> None:
    """What works, or passes by itself, is worth no warning."""
    score = judge(play(CASES[name], tmp_path))
    assert not score.expected
    assert score.right, score


def test_corpus_is_as_large_as_it_says() -> None:
    """Every fault meets every operation, there are pairs, and at least 50 healthy sessions."""
    healthy = [name for name in CASES if name.startswith("healthy")]
    assert len(healthy) >= 50
    assert len([name for name in CASES if "+" in name]) >= 100
    assert len(CASES) >= 700


def test_table_shows_what_was_named_instead(tmp_path: Path, clean_environment: Path) -> None:
    """The confusion table has a row per cause with cases and hits."""
    score = judge(play(CASES["nobody carries it"], tmp_path))
    assert [line.split() for line in table([score])][1] == ["nobody-found", "1", "1"]
