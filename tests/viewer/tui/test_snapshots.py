"""What every tab looks like, as pictures; ``pytest --snapshot-update`` makes them anew."""

from pathlib import Path

import pytest
from pytest_textual_snapshot import SVGImageExtension  # type: ignore[import-untyped] # no types
from syrupy.assertion import SnapshotAssertion

from tests.viewer.tui.conftest import Opener, app_of, settled, typed
from tracer.schema.events import Topic
from viewer.tui.options import Options

SESSIONS = Path(__file__).parents[3] / "samples" / "sessions"


SHOWN = {
    "00-demo": ("summary", "timeline", "resolution", "gmail", "directory", "auth", "session"),
    "01-options": ("settings",),
    "03-contact-calendar": ("contacts", "calendar"),
    "05-check": ("http",),
    "07-ldap": ("ldap",),
    "13-ews": ("ews",),
    "13-mapi": ("mapi",),
    "13-smtp": ("smtp",),
    "20-lost-answers": ("summary", "timeline", "all"),
}
"""Recorded sessions, and the tabs that each of them fills best."""


@pytest.mark.parametrize("lang", ["en", "fr"])
@pytest.mark.parametrize("size", [(80, 24), (160, 45)], ids=["80x24", "160x45"])
@pytest.mark.parametrize("name", SHOWN)
async def test_every_tab(
    opened: Opener, snapshot: SnapshotAssertion, name: str, size: tuple[int, int], lang: str
) -> None:
    """Each tab, filled by what the capture recorded, in two sizes and languages, is as it was."""
    pictures = snapshot.with_defaults(extension_class=SVGImageExtension)
    copied = Path(f"{name}.jsonl")  # in the current folder: no picture shows where the house stands
    copied.write_bytes((SESSIONS / copied).read_bytes())
    async with opened(copied, size=size, options=Options(lang=lang)) as pilot:
        app = app_of(pilot)
        for own in SHOWN[name]:
            app.main.open_tab(own)
            await settled(pilot)
            assert app.export_screenshot(title=own) == pictures(name=own)


def test_every_tab_has_a_picture() -> None:
    """No topic, and none of the tabs that are more than a topic, is left out."""
    tabs = {*Topic, "summary", "timeline", "all"}
    assert {tab for tabs in SHOWN.values() for tab in tabs} == tabs


async def test_the_help_and_the_menus(opened: Opener, snapshot: SnapshotAssertion) -> None:
    """The help, the copy menu and the export menu are as they were."""
    pictures = snapshot.with_defaults(extension_class=SVGImageExtension)
    async with opened(size=(80, 24), options=Options(tab="gmail", ascii_only=True)) as pilot:
        for own, key in (("help", "question_mark"), ("copy", "y"), ("export", "x")):
            await typed(pilot, key)
            assert pilot.app.export_screenshot(title=own) == pictures(name=own)
            await typed(pilot, "escape")
