"""Every recorded session, opened in the viewer and leafed through, in both languages."""

from functools import cache
from pathlib import Path

import pytest

from tests.support.messages import read
from tests.viewer.tui.conftest import Opener, app_of, screen_text
from viewer.i18n import Catalogue
from viewer.tui.options import Options

SESSIONS = sorted((Path(__file__).parents[3] / "samples" / "sessions").glob("*.jsonl"))


@cache
def texts(lang: str) -> dict[str, str]:
    """Return the texts of a language by their ids, those of the interface and of the findings."""
    files = sorted((Catalogue.locales / lang / "LC_MESSAGES").glob("*.po"))
    return {str(m.id): str(m.string) for path in files for m in read(path) if m.id}


@cache
def foreign(lang: str) -> frozenset[str]:
    """Return what may not be on the screen: ids of texts, and on a French one our English.

    On an English one French is at home: a trace keeps the settings with their French labels.
    """
    own = texts(lang)
    unwanted = {one for one in own if "." in one}
    if lang == "fr":
        english = (text for one, text in texts("en").items() if text != own[one])
        unwanted |= {text for text in english if len(text) > 12 and "{" not in text}
    return frozenset(unwanted - set(own.values()))


@pytest.mark.parametrize("lang", ["en", "fr"])
@pytest.mark.parametrize("path", SESSIONS, ids=lambda path: path.stem)
async def test_every_tab_of_every_sample(opened: Opener, path: Path, lang: str) -> None:
    """Each tab has rows and a detail for the first one, at both sizes, all in one language."""
    async with opened(path, size=(80, 24), options=Options(lang=lang)) as pilot:
        app = app_of(pilot)
        assert app.state.findings is not None
        for size in ((80, 24), (160, 45)):
            await pilot.resize_terminal(*size)
            for tab in app.state.tabs():
                app.main.open_tab(tab.id)
                await pilot.pause()
                assert app.main.view.count(), tab.id
                assert len(app.main.detail.page), tab.id
                shown = screen_text(pilot)
                assert tab.title in shown
                assert [text for text in foreign(lang) if text in shown] == []
