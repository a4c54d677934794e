"""What a finding says is true, names who is concerned, and is in the reader's language."""

from pathlib import Path

import pytest

from tests.support.traces import TraceBuilder
from tests.viewer.model.findings.build import exchanged
from viewer.i18n import Catalogue
from viewer.model.findings import diagnose
from viewer.model.findings.words import Words, words
from viewer.model.trace import Trace

SESSIONS = Path(__file__).parents[4] / "samples" / "sessions"


def told(session: str, rule: str, lang: str = "fr") -> Words:
    """Return the texts of the first finding of `rule` in a recorded session."""
    trace = Trace.open([SESSIONS / f"{session}.jsonl"], cache=False)
    try:
        found = next(one for one in diagnose(trace) if one.rule == rule)
    finally:
        trace.close()
    return words(found, Catalogue("findings", lang))


@pytest.mark.parametrize(
    ("session", "rule", "names"),
    [
        ("09-protection", "resolution-refused", ("dupond@masoc.com", "intrus@ailleurs.example")),
        ("09-protection", "unprotected", ("accueil@masoc.com",)),
        ("10-first-found", "nobody-found", ("personne@ailleurs.example",)),
        ("10-first-found", "ambiguous", ("test@divalto.com", "accueil@masoc.com")),
        ("11-priority", "lower-attribute", ("compta@masoc.com", "ERP999")),
        ("00-demo", "send-limit", ("dupond@labriochedoree.com",)),
        ("02-send", "sender-foreign", ("test@diva-gs.com", "autre@diva-gs.com")),
        ("13-smtp", "smtp-auth", ("erp@masoc.example",)),
        ("13-smtp", "smtp-recipient", ("client@example.com",)),
        ("13-ews", "ews-auth", ("dupond@masoc.com",)),
        ("07-ldap", "ldap-auth", ("cn=lecture,dc=masoc,dc=example",)),
    ],
)
def test_the_title_names_the_account(session: str, rule: str, names: tuple[str, ...]) -> None:
    """The one line that a narrow screen has room for says who is concerned."""
    for lang in ("en", "fr"):
        title = told(session, rule, lang).title
        assert all(name in title for name in names), title


@pytest.mark.parametrize(
    ("session", "rule"),
    [("02-send", "gmail-off"), ("02-send", "sender-foreign"), ("08-code-page", "code-page")],
)
def test_a_refusal_of_the_layer_is_in_the_readers_language(session: str, rule: str) -> None:
    """The layer refuses in English; the French reader is told cause and remedy in French."""
    said = told(session, rule)
    assert said.action.startswith(("Intégrateur", "Utilisateur"))
    for english in ("switched off", "may not", "no verified", "is not in", "set code_page"):
        assert english not in f"{said.title} {said.cause} {said.action}"


def test_a_scope_that_the_token_has_is_not_said_to_lack() -> None:
    """When what the token was asked for would do, the cause does not claim the contrary."""
    cause = told("21-limits", "scope-insufficient", "en").cause
    assert "That should do, and Google refuses all the same" in cause
    assert "So Google refuses" in told("00-demo", "scope-insufficient", "en").cause


def test_an_error_of_outlook_is_its_sentence() -> None:
    """Of what pywin32 writes as a tuple, the description is shown."""
    assert told("13-mapi", "mapi-failed").cause.endswith("E_ABORT : Operation failed")


def test_an_unanswered_exchange_is_named_by_its_method() -> None:
    """Not by a host, which every call has in common."""
    assert "gmail.users.messages.send" in told("20-lost-answers", "unanswered").cause


def test_times_are_written_for_people() -> None:
    """A moment is told to the second, with its zone, once."""
    cause = told("00-demo", "send-limit", "en").cause
    assert cause.endswith("until 2026-06-15 08:15:00 UTC.")


@pytest.mark.parametrize(
    ("phases", "blamed"),
    [
        ({"connect": 20.0, "wait": 8900.0}, "waiting for the server"),
        ({"connect": 20.0, "wait": 120.0}, "the program itself, outside the network"),
    ],
)
def test_the_network_is_not_blamed_for_what_it_did_not_take(
    phases: dict[str, float], blamed: str, tmp_path: Path
) -> None:
    """Time that no phase accounts for was the program's own."""
    builder = TraceBuilder()
    facts = {"status": 200, "ms": 9000.0, "wire": [{"n": 1, "phases": phases}]}
    exchanged(builder, "gmail.users.messages.get", "gmail", [facts])
    trace = Trace.open([builder.write(tmp_path / "t.jsonl")], cache=False)
    try:
        found = next(one for one in diagnose(trace) if one.rule == "slow")
    finally:
        trace.close()
    said = words(found, Catalogue("findings", "en"))
    assert said.title == f"Slow: most of the time goes into {blamed}"
    assert int(said.cause.rpartition(" %")[0].rpartition(" ")[2]) > 50
