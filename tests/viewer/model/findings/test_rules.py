"""Each rule fires on its sample, keeps quiet on the look-alike, and stands on its evidence."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.traces import TraceBuilder
from tests.viewer.model.findings import samples_google, samples_wire
from tests.viewer.model.findings.build import Make, google
from tracer.schema.events import Event
from viewer.i18n import LANGUAGES, Catalogue
from viewer.model.finding import Finding, Severity
from viewer.model.findings import diagnose
from viewer.model.findings.failure import at
from viewer.model.findings.rulebook import BOOK
from viewer.model.findings.words import as_json, markdown, words
from viewer.model.trace import Trace

SAMPLES = samples_google.SAMPLES | samples_wire.SAMPLES


@contextmanager
def opened(events: list[Event], folder: Path) -> Iterator[Trace]:
    """Write `events` and open the file."""
    builder = TraceBuilder()
    builder.events = events
    trace = Trace.open([builder.write(folder / "t.jsonl")], cache=False)
    try:
        yield trace
    finally:
        trace.close()


def found_in(events: list[Event], folder: Path) -> list[Finding]:
    """Return what the rules say to `events`."""
    with opened(events, folder) as trace:
        return diagnose(trace)


def made(make: Make) -> list[Event]:
    """Return the events of a sample."""
    builder = TraceBuilder()
    make(builder)
    return builder.events


def fired(rule: str, events: list[Event], folder: Path) -> list[Finding]:
    """Return the findings of `rule`."""
    return [finding for finding in found_in(events, folder) if finding.rule == rule]


def test_every_rule_has_a_sample() -> None:
    """A rule without a sample that shows it and one that looks alike does not exist."""
    assert set(SAMPLES) == set(BOOK)


@pytest.mark.parametrize("rule", SAMPLES)
def test_sample_shows_the_rule(rule: str, tmp_path: Path) -> None:
    """The rule fires once, with its own severity, and every piece of evidence opens its field."""
    with opened(made(SAMPLES[rule][0]), tmp_path) as trace:
        everything = diagnose(trace)
        found = [finding for finding in everything if finding.rule == rule]
        assert len(found) == 1
        assert found[0].severity == BOOK[rule].severity
        assert found[0].evidence
        for evidence in found[0].evidence:
            row = trace.row_of(evidence.event)
            assert row is not None
            event = trace.event(row)
            assert at(event.data, evidence.path) is not None or hasattr(event, evidence.path)
        for finding in everything:
            assert all(trace.row_of(symptom) is not None for symptom in finding.symptoms)


@pytest.mark.parametrize("rule", SAMPLES)
def test_look_alike_does_not_fire(rule: str, tmp_path: Path) -> None:
    """What looks alike is not taken for it."""
    assert not fired(rule, made(SAMPLES[rule][1]), tmp_path)


@pytest.mark.parametrize("rule", SAMPLES)
def test_words_are_filled_in(rule: str, tmp_path: Path) -> None:
    """Every text of the finding exists, and every place in it is filled with a fact."""
    finding = fired(rule, made(SAMPLES[rule][0]), tmp_path)[0]
    for lang in LANGUAGES:
        told = words(finding, Catalogue("findings", lang))
        for text in (told.title, told.cause, told.action, told.refute, *told.chain):
            assert "{" not in text
            assert "None" not in text
            assert "word." not in text
            assert not text.startswith((rule, "chain."))


@pytest.mark.parametrize("rule", SAMPLES)
def test_without_its_evidence_it_weakens(rule: str, tmp_path: Path) -> None:
    """Deleting an event of the evidence turns the finding off or lowers its confidence."""
    events = made(SAMPLES[rule][0])
    found = fired(rule, events, tmp_path)[0]
    for evidence in found.evidence:
        rest = [event for event in events if event.id != evidence.event]
        left = fired(rule, rest, tmp_path)
        assert all(
            one.confidence < found.confidence or one.severity < found.severity for one in left
        )


@pytest.mark.parametrize("rule", SAMPLES)
def test_any_line_may_be_missing(rule: str, tmp_path: Path) -> None:
    """Whatever single line is missing, the rules do not fail."""
    events = made(SAMPLES[rule][0])[:60]
    for number in range(len(events)):
        found_in(events[:number] + events[number + 1 :], tmp_path)


def test_healthy_session_has_no_warning(tmp_path: Path) -> None:
    """A protected account that sends and reads well is worth no warning."""
    events = made(samples_google._chosen)
    events += made(lambda b: samples_google._read_back(b, "ventes@masoc.com"))
    found = found_in(events, tmp_path)
    assert [f.rule for f in found if f.severity >= Severity.WARNING] == []


def test_several_symptoms_of_one_cause_are_one_finding(tmp_path: Path) -> None:
    """Forty refused tokens for want of one delegation are one finding that counts forty."""
    builder = TraceBuilder()
    for _ in range(40):
        samples_google.SAMPLES["delegation-missing"][0](builder)
    found = found_in(builder.events, tmp_path)
    assert [(one.rule, one.count) for one in found] == [("delegation-missing", 40)]


def test_progress_reaches_the_end(tmp_path: Path) -> None:
    """Progress is reported after each rule and at every event read, and ends at the total."""
    seen: list[tuple[int, int]] = []
    with opened(made(SAMPLES["timeout"][0]), tmp_path) as trace:
        diagnose(trace, lambda done, total: seen.append((done, total)))
    done = [done for done, _ in seen]
    assert set(done) == set(range(seen[-1][1] + 1))
    assert done == sorted(done)
    assert len(done) > len(set(done))


def test_hostile_values_are_harmless(tmp_path: Path) -> None:
    """Escape sequences and Markdown signs from the trace reach neither terminal nor ticket raw."""
    builder = TraceBuilder()
    evil = "\x1b]52;c;x\x07[click](http://evil) {0} `"
    google(builder, "gmail.users.messages.send", 400, f"Invalid To header {evil}")
    finding = found_in(builder.events, tmp_path)[0]
    say = Catalogue("findings", "en")
    for text in (words(finding, say).cause, markdown(finding, say), str(as_json(finding, say))):
        assert "\x1b" not in text
    assert "[click](http" not in markdown(finding, say)
    assert finding.rule in markdown(finding, say)
