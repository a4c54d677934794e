"""Why an account was used: recorded facts in sentences, the rest named as unknown."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from samples.corpus_play import ACTS, BAKER, MASOC, Case, play
from tests.support.traces import TraceBuilder
from tests.viewer.model.findings.build import ACCOUNT, IDENTITY, WIN, compared, resolution
from viewer.i18n import LANGUAGES, Catalogue
from viewer.model import why
from viewer.model.trace import Trace
from viewer.report.words import step_sentence


@pytest.fixture(name="builder")
def _builder() -> TraceBuilder:
    return TraceBuilder()


@pytest.fixture(name="opened")
def _opened(builder: TraceBuilder, tmp_path: Path) -> Iterator[Trace]:
    """Open a session with one resolution."""
    with_facts(builder)
    trace = Trace.open([builder.write(tmp_path / "t.jsonl")], cache=False)
    yield trace
    trace.close()


def with_facts(b: TraceBuilder) -> None:
    """Add a resolution by the Windows account whose source is one call."""

    def listing(inner: TraceBuilder) -> None:
        inner.call("directory.users.list", "directory", params={})

    call = "0000006400000002"
    matched = WIN | {"candidate": ACCOUNT, "source": [call]}
    matched |= compared("Dupond@soc-windows.com", "Dupond@soc-windows.com")
    args = {"via": "account", "others": 0}
    outcome = ("outcome", "chosen", "chosen", WIN | {"candidate": ACCOUNT, "args": args})
    resolution(b, [("account", "granted", "matched", matched), outcome], before=listing)


def told(trace: Trace, query: str, lang: str = "en") -> str:
    """Return the explanation as text."""
    sentence = partial(step_sentence, catalogue=Catalogue("report", lang))
    return why.text(why.explain(trace, query), Catalogue("findings", lang), sentence)


@pytest.mark.parametrize(
    "query", [ACCOUNT, " DUPOND@masoc.com ", "dupond@soc-windows.com", "lespetitspains", "dupond",
              "resolve account", "0000006400000001"],
)  # fmt: skip
def test_query_finds_the_decision(query: str, opened: Trace) -> None:
    """Account, Windows account, environment, Harmony user, operation name and id all lead there."""
    found = why.explain(opened, query)
    assert [answer.account for answer in found.answers] == [ACCOUNT]


def test_nothing_fits(opened: Trace) -> None:
    """A query that fits nothing gets a sentence that says so, not an error."""
    assert why.explain(opened, "nobody@nowhere.fr").answers == ()
    assert "nobody@nowhere.fr" in told(opened, "nobody@nowhere.fr")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_text_holds_the_facts(lang: str, opened: Trace) -> None:
    """The sentences name who acted, the account, and the call each decision rests on."""
    text = told(opened, ACCOUNT, lang)
    for fact in (*IDENTITY.values(), ACCOUNT, "directory.users.list 200 [0000006400000002]"):
        assert fact in text
    assert "{" not in text
    assert "why." not in text


def test_what_was_not_recorded_is_unknown(opened: Trace) -> None:
    """Settings that are not in the trace are named as unknown, not left out."""
    answer = why.explain(opened, ACCOUNT).answers[0]
    assert answer.unknown == ("why.unknown.settings",)
    assert answer.settings == ()


def test_missing_steps_and_sources_are_unknown(builder: TraceBuilder, tmp_path: Path) -> None:
    """Without the first step, the call and the outcome, each is named as unknown."""
    with_facts(builder)
    gone = {"0000006400000002"}
    builder.events = [
        e for e in builder.events if e.id not in gone and (e.name, e.kind) != ("outcome", "step")
    ]
    trace = Trace.open([builder.write(tmp_path / "t.jsonl")], cache=False)
    answer = why.explain(trace, ACCOUNT).answers[0]
    trace.close()
    assert answer.outcome is None
    assert answer.account is None
    assert set(answer.unknown) == {
        "why.unknown.outcome", "why.unknown.settings", "why.unknown.sources",
    }  # fmt: skip


def test_json_says_the_same(opened: Trace) -> None:
    """The JSON form names operation, account, steps with their sources, and the unknown."""
    answer = why.as_json(why.explain(opened, ACCOUNT))["answers"][0]
    assert answer["account"] == ACCOUNT
    assert answer["steps"][0]["source"] == ["0000006400000002"]
    assert answer["unknown"] == ["settings"]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_recorded_session_is_explained_whole(
    lang: str, tmp_path: Path, clean_environment: Path
) -> None:
    """A session of the real layer leaves nothing unknown; settings come with their origin."""
    case = Case("why", ACTS["send"], lambda _: frozenset(), identity=BAKER)
    outcome = play(case, tmp_path)
    trace = Trace.open([outcome.file], cache=False)
    found = why.explain(trace, "dupond@lespetitspains.com")
    text = told(trace, "dupond@lespetitspains.com", lang)
    trace.close()
    assert [answer.unknown for answer in found.answers] == [()]
    assert found.answers[0].via == "env"
    assert all(reason.sources for reason in found.answers[0].reasons)
    assert "directory.users.list 200" in text


def test_refusal_is_explained(tmp_path: Path, clean_environment: Path) -> None:
    """A refused account says so, with the setting that asked for it."""
    case = Case("why", ACTS["send"], lambda _: frozenset(), settings={"account": MASOC})
    outcome = play(case, tmp_path)
    trace = Trace.open([outcome.file], cache=False)
    answer = why.explain(trace, MASOC).answers[0]
    text = told(trace, MASOC)
    trace.close()
    assert answer.outcome == "refused"
    assert ("account", MASOC, "flag") in [(s.key, s.value, s.origin) for s in answer.settings]
    assert f"{MASOC} was refused" in text
