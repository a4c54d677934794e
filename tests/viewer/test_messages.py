"""The catalogues: compiled, complete, and alike in both languages."""

import re
import string
from pathlib import Path

import pytest

from tests.support.messages import compiled, read, sources
from viewer.i18n import LANGUAGES, Catalogue
from viewer.tui import help as help_module
from viewer.tui.detail import DetailView
from viewer.tui.eventlist import EventList
from viewer.tui.main_screen import MainScreen
from viewer.tui.start import StartList, StartScreen

ROOT = Path(__file__).parents[2]
TUI = Path(help_module.__file__).parent
DOMAINS = sorted({path.parts[-5:-3] + path.parts[-1:] for path in sources()})
"""``tracer/locales/cli.po``, as its parts."""


def _texts(path: Path) -> dict[str, str]:
    return {str(m.id): str(m.string) for m in read(path) if m.id}


@pytest.mark.parametrize("path", sources(), ids=lambda path: f"{path.parts[-3]}-{path.stem}")
def test_compiled_catalogues_are_current(path: Path) -> None:
    """The .mo beside each .po is what ``make messages`` makes of it."""
    assert path.with_suffix(".mo").read_bytes() == compiled(path), "run make messages"


@pytest.mark.parametrize("domain", DOMAINS, ids="-".join)
def test_both_languages_say_the_same_things(domain: tuple[str, str, str]) -> None:
    """Every id has a text in every language, with the same names to fill in."""
    package, folder, name = domain
    locales = ROOT / package / folder
    first, *others = (_texts(locales / lang / "LC_MESSAGES" / name) for lang in LANGUAGES)
    for other in others:
        assert set(first) == set(other)
        for message_id, text in first.items():
            assert text, message_id
            assert other[message_id], message_id
            assert _names(text) == _names(other[message_id]), message_id


def _names(text: str) -> set[str]:
    """Return what is filled in, in braces as we do and after ``%`` as argparse does."""
    braces = {name for _, name, _, _ in string.Formatter().parse(text) if name}
    return braces | set(re.findall(r"%(?:\(\w+\))?[rs]", text))


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_text_the_interface_names_is_there(lang: str) -> None:
    """Message ids written in the interface's code, and those of its bindings, have a text."""
    catalogue = Catalogue("tui", lang)
    source = "".join(path.read_text(encoding="utf-8") for path in TUI.glob("*.py"))
    asked = set(re.findall(r'(?:\blook|self\.say|\.say|_title|_pair)\(\s*"([a-z][\w.-]+)"', source))
    for widget in (EventList, DetailView, MainScreen, StartScreen, StartList):
        asked |= {binding.description for binding in help_module.bindings_of(widget)}
    assert len(asked) > 100
    assert {one for one in asked if not catalogue.has(one)} == set()
