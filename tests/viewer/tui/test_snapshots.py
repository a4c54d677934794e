"""What every tab looks like, as pictures; ``pytest --snapshot-update`` makes them anew."""

from pathlib import Path

import pytest
from pytest_textual_snapshot import SVGImageExtension  # type: ignore[import-untyped] # no types
from syrupy.assertion import SnapshotAssertion

from tests.viewer.tui.conftest import Opener, app_of, settled, typed
from viewer.tui.options import Options

SESSIONS = Path(__file__).parents[3] / "samples" / "sessions"


@pytest.mark.parametrize("lang", ["en", "fr"])
@pytest.mark.parametrize("size", [(80, 24), (160, 45)], ids=["80x24", "160x45"])
async def test_every_tab(
    opened: Opener, snapshot: SnapshotAssertion, size: tuple[int, int], lang: str
) -> None:
    """Each tab of the session, at two sizes, in both languages, is as it was."""
    pictures = snapshot.with_defaults(extension_class=SVGImageExtension)
    async with opened(size=size, options=Options(lang=lang)) as pilot:
        app = app_of(pilot)
        ids = [tab.id for tab in app.state.tabs()]
        assert len(ids) == 12
        for own in ids:
            app.main.open_tab(own)
            await settled(pilot)
            assert app.export_screenshot(title=own) == pictures(name=own)


@pytest.mark.parametrize("name", ["00-demo", "13-ews", "20-lost-answers"])
async def test_recorded_sessions_are_shown(opened: Opener, name: str) -> None:
    """Each tab of a session that the capture recorded has rows, and a detail for the first one."""
    async with opened(SESSIONS / f"{name}.jsonl", size=(80, 24)) as pilot:
        app = app_of(pilot)
        for tab in app.state.tabs():
            app.main.open_tab(tab.id)
            await pilot.pause()
            assert app.main.view.count(), tab.id
            assert len(app.main.detail.page), tab.id
        assert app.state.findings is not None


async def test_the_help_and_the_menus(opened: Opener, snapshot: SnapshotAssertion) -> None:
    """The help, the copy menu and the export menu are as they were."""
    pictures = snapshot.with_defaults(extension_class=SVGImageExtension)
    async with opened(size=(80, 24), options=Options(tab="gmail", ascii_only=True)) as pilot:
        for own, key in (("help", "question_mark"), ("copy", "y"), ("export", "x")):
            await typed(pilot, key)
            assert pilot.app.export_screenshot(title=own) == pictures(name=own)
            await typed(pilot, "escape")
