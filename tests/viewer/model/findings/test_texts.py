"""The texts of the findings exist in both languages and fit together."""

import re

import pytest

from viewer.i18n import LANGUAGES, Catalogue
from viewer.model.finding import Severity
from viewer.model.findings.rulebook import BOOK
from viewer.model.findings.tables import LDAP_SUBCODES

PARTS = ("title", "cause", "action", "refute")
SHARED = [
    *sorted({link for entry in BOOK.values() for link in entry.chain}),
    *(f"severity.{severity.name.lower()}" for severity in Severity),
    *(f"confidence.{degree}" for degree in ("low", "middle", "high")),
    *(f"word.{name}" for name in (*LDAP_SUBCODES.values(), "unknown", "unreadable")),
]


def places(text: str) -> set[str]:
    """Return the names of the places to fill in."""
    return set(re.findall(r"{(\w+)}", text))


def check(message_id: str) -> None:
    """Assert that `message_id` has a text in every language, with the same places."""
    texts = {}
    for lang in LANGUAGES:
        catalogue = Catalogue("findings", lang)
        assert catalogue.has(message_id), f"{lang} lacks {message_id}"
        texts[lang] = catalogue(message_id)
        assert texts[lang].strip()
    assert places(texts["en"]) == places(texts["fr"]), message_id


@pytest.mark.parametrize("rule", BOOK)
def test_rule_has_its_four_texts_in_every_language(rule: str) -> None:
    """No text of a rule is missing, and each language fills in the same facts."""
    for part in PARTS:
        check(f"{rule}.{part}")


def test_shared_texts_exist_in_every_language() -> None:
    """Links of the chains, severities, and words that stand for facts have texts."""
    for message_id in SHARED:
        check(message_id)


@pytest.mark.parametrize("rule", BOOK)
def test_texts_of_a_rule_differ_between_languages(rule: str) -> None:
    """A French text is French: nobody left the English one in its place."""
    english, french = (Catalogue("findings", lang) for lang in LANGUAGES)
    for part in PARTS[1:]:
        assert english(f"{rule}.{part}") != french(f"{rule}.{part}")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_action_says_who_does_it(lang: str) -> None:
    """Every action begins with the person it is for."""
    for rule in BOOK:
        action = Catalogue("findings", lang)(f"{rule}.action")
        assert re.match(r"[^.]{4,80}?( :|:|,)", action), action
