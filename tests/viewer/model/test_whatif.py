"""What-if: the recorded decision comes out again, changed facts lead elsewhere, gaps are named."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from samples.corpus_play import ACTS, BAKER, MASOC, TEST, Case, play
from samples.sandbox.world import World
from tests.support.traces import TraceBuilder
from tests.viewer.model.findings.build import google, resolution
from tracer.protocol.identity import Identity
from viewer.i18n import LANGUAGES, Catalogue
from viewer.model import whatif
from viewer.model.decisions import decisions
from viewer.model.trace import Trace
from viewer.model.whatif import Changes, NotRecordedError, reresolve
from viewer.report.words import step_sentence

UNSEARCHABLE = ("test@diva-gs.com", "demo@diva-gs.com", "dupond@lespetitspains.com")


@contextmanager
def recorded(folder: Path, **facts: Any) -> Iterator[tuple[Trace, str]]:
    """Record a resolution of the real layer; give the trace and the operation's id."""
    case = Case("whatif", ACTS["resolve"], lambda _: frozenset(), **facts)
    trace = Trace.open([play(case, folder).file], cache=False)
    try:
        yield trace, next(decisions(trace)).operation
    finally:
        trace.close()


def blind(world: World) -> None:
    """Make the search find nobody, so that the layer reads every user."""
    world.not_yet_searchable.update(UNSEARCHABLE)


@pytest.mark.parametrize(
    "facts",
    [
        {"identity": TEST},
        {"identity": BAKER},
        {"identity": TEST, "prepare": blind},
        {"identity": Identity(windows_account="nobody@nowhere.fr")},
        {"identity": TEST, "settings": {"account": MASOC}},
        {"identity": TEST, "settings": {"account": "nobody@masoc.com"}},
        {"identity": TEST, "settings": {"account": "accueil@masoc.com"}},
        {"identity": Identity()},
    ],
)
def test_without_changes_the_decision_comes_out_again(
    facts: dict[str, Any], tmp_path: Path, clean_environment: Path
) -> None:
    """The rules over the recorded users give every recorded step again, and nothing is missing."""
    with recorded(tmp_path, **facts) as (trace, operation):
        result = reresolve(trace, operation)
        steps = next(decisions(trace)).steps
        assert result.missing == () or facts["identity"] == Identity()
        assert result.resolution is not None
        assert result.resolution.account == result.before
        again = [
            (step.rule.value, step.data() | {"source": []}) for step in result.resolution.steps
        ]
        was = [(s.name, {k: s.data.get(k) for k in again[0][1]} | {"source": []}) for s in steps]
        assert again == was


def test_another_environment_is_known_after_a_full_listing(
    tmp_path: Path, clean_environment: Path
) -> None:
    """When every user was read, another environment gives a sure answer."""
    with recorded(tmp_path, identity=TEST, prepare=blind) as (trace, operation):
        result = reresolve(trace, operation, Changes(environment="ERP215"))
        assert result.sure
        assert result.resolution is not None
        assert result.resolution.account == "demo@diva-gs.com"
        assert result.before == "test@diva-gs.com"


def test_another_windows_account_needs_the_listing(tmp_path: Path, clean_environment: Path) -> None:
    """When only the search's hits were recorded, the listing is named as the missing call."""
    with recorded(tmp_path, identity=TEST) as (trace, operation):
        result = reresolve(trace, operation, Changes(windows_account="other@divalto.com"))
        assert not result.sure
        assert [m.why for m in result.missing] == ["whatif.missing.listing"]
        assert "directory.users.list" in result.missing[0].call


def test_a_configured_account_that_was_not_read_is_named(
    tmp_path: Path, clean_environment: Path
) -> None:
    """A configured account nobody asked the Directory about cannot be judged: its call is named."""
    with recorded(tmp_path, identity=TEST) as (trace, operation):
        result = reresolve(trace, operation, Changes(account=MASOC))
        assert result.resolution is None
        assert result.missing[0].call == f"directory.users.get userKey={MASOC}"


def test_another_identity_for_the_configured_account(
    tmp_path: Path, clean_environment: Path
) -> None:
    """The recorded account admits another Windows account: what-if says so."""
    with recorded(tmp_path, identity=TEST, settings={"account": MASOC}) as (trace, operation):
        result = reresolve(trace, operation, Changes(windows_account="dupond@SOC-windows.fr"))
        assert result.sure
        assert result.resolution is not None
        assert result.resolution.account == MASOC
        assert result.before is None


def test_operation_without_resolution_is_refused(tmp_path: Path) -> None:
    """An operation that resolved nothing is a clear error."""
    b = TraceBuilder()
    with b.operation("send", "gmail") as op:
        google(b, "gmail.users.messages.send")
    trace = Trace.open([b.write(tmp_path / "t.jsonl")], cache=False)
    with pytest.raises(NotRecordedError, match=r"whatif\.no-resolution") as caught:
        reresolve(trace, op)
    for lang in LANGUAGES:
        assert f"{op} " in caught.value.text(Catalogue("findings", lang))
    trace.close()


@pytest.mark.parametrize("wrong", [None, 5, [], {}, [{}], {"a": []}, "full"])
def test_wrong_types_are_nothing_recorded(wrong: Any, tmp_path: Path) -> None:
    """Whatever stands in the place of a fact, the answer is one, if only an uncertain one."""
    b = TraceBuilder()
    values = {
        name: {"value": wrong} for name in ("account", "attributes.env", "attributes.encoding")
    }
    with b.operation("send", "gmail", identity={"environment": wrong}) as op:
        b.add("settings", "point", "settings", "settings", values=values)
        answer = {"status": 200, "body": {"json": {"users": wrong, "nextPageToken": wrong}}}
        params = {"projection": wrong, "query": wrong}
        google(b, "directory.users.list", exchange={"response": answer}, params=params)
        b.step("outcome", "none", "nothing-found", n=wrong, candidate=wrong)
    trace = Trace.open([b.write(tmp_path / "t.jsonl")], cache=False)
    result = reresolve(trace, op, Changes(environment="ERP215", account=""))
    assert not result.sure
    assert result.before is None
    trace.close()


def test_missing_settings_are_refused(tmp_path: Path) -> None:
    """Without the settings nobody knows which attributes counted: a clear error."""
    b = TraceBuilder()
    op = resolution(b, [("outcome", "none", "nothing-found", {})])
    trace = Trace.open([b.write(tmp_path / "t.jsonl")], cache=False)
    with pytest.raises(NotRecordedError, match=r"whatif\.no-settings"):
        reresolve(trace, op)
    trace.close()


@pytest.mark.parametrize("lang", LANGUAGES)
def test_words_and_json(lang: str, tmp_path: Path, clean_environment: Path) -> None:
    """Both forms say the new account, the old one and what is missing."""
    sentence = partial(step_sentence, catalogue=Catalogue("report", lang))
    with recorded(tmp_path, identity=TEST) as (trace, operation):
        result = reresolve(trace, operation, Changes(environment="ERP215"))
        text = "\n".join(whatif.lines(result, Catalogue("findings", lang), sentence))
        data = whatif.as_json(result)
    assert "ERP215" in text
    assert "directory.users.list customer=my_customer" in text
    assert "{" not in text
    assert data["before"] == "test@diva-gs.com"
    assert data["missing"][0]["why"] == "listing"
    assert data["sure"] is False
