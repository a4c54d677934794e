"""Nothing in a trace acts on the interface or reaches the terminal as a control character."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.style import Style

from tests.viewer.tui import hostile
from tests.viewer.tui.conftest import Opener, app_of, screen_text, settled, typed
from viewer.tui.detail import PAGES
from viewer.tui.options import Options
from viewer.tui.paint import Inks, clip, fit, strip

HARMFUL = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200b-\u200f\ud800-\udfff]")


@given(st.text(max_size=60), st.integers(0, 40))
def test_every_line_is_harmless_and_as_wide_as_asked(text: str, width: int) -> None:
    """Whatever the text, what is painted has no control character and exactly `width` cells."""
    inks = Inks({"foreground": "#ffffff", "background": "#000000"})
    drawn = strip([("x", ""), (text, "error"), (text, "hit")], width, inks, Style(), "cursor")
    assert not HARMFUL.search(drawn.text)
    assert drawn.cell_length == width
    assert sum(cell_len(segment.text) for segment in drawn) == width
    assert all(
        not segment.control and not segment.style._meta for segment in drawn if segment.style
    )


@given(st.text(max_size=60), st.integers(1, 40))
def test_cutting_to_a_width(text: str, width: int) -> None:
    """`clip` never exceeds the width, `fit` meets it exactly."""
    assert cell_len(clip(text, width)) <= width
    assert cell_len(fit(text, width)) == width


@pytest.fixture
def enemy(tmp_path: Path) -> Path:
    """Return the path of the hostile session."""
    return hostile.write(tmp_path / "[@click=app.quit]x[red].jsonl")


async def test_a_hostile_session_does_nothing(opened: Opener, enemy: Path) -> None:
    """Every tab, row and page of the hostile session is shown without a harmful character."""
    async with opened(enemy, size=(150, 40)) as pilot:
        app = app_of(pilot)
        for tab in app.state.tabs():
            app.main.open_tab(tab.id)
            await settled(pilot)
            view = app.main.view
            for at in range(0, view.count(), max(1, view.count() // 6)):
                view.go(at)
                for page in PAGES:
                    app.main.open_page(page)
                    app.main.detail.page.fold_all(True)
                    app.main.detail.renew()
                await pilot.pause()
                assert not HARMFUL.search(screen_text(pilot).replace("\n", ""))
        assert app.is_running


async def test_clicking_hostile_text_does_nothing(opened: Opener, enemy: Path) -> None:
    """A click on text that looks like an action of Textual selects the row, no more."""
    async with opened(enemy, size=(150, 40), options=Options(tab="all")) as pilot:
        app = app_of(pilot)
        for y in range(2, 12):
            await pilot.click(offset=(50, y))
            await pilot.click(offset=(110, y))
        assert app.is_running
        assert not app._exit


async def test_searching_filtering_and_copying_hostile_text(opened: Opener, enemy: Path) -> None:
    """Search, filter by a hostile account, menus, palette and toasts stay harmless too."""
    async with opened(enemy, size=(150, 40), options=Options(tab="directory")) as pilot:
        app = app_of(pilot)
        app.main.search_for("[/]")
        await settled(pilot)
        assert len(app.state.notes.hits) > 1
        app.main.follow_link(f"account:{hostile.STRINGS['clipboard']}")
        await settled(pilot)
        assert app.state.filter_on
        assert app.main.view.count() >= 1
        for keys in (
            ["y"],
            ["escape", "x"],
            ["escape", "ctrl+p", *"[/foo]"],
            ["escape", "semicolon"],
        ):
            await typed(pilot, *keys)
            assert not HARMFUL.search(screen_text(pilot).replace("\n", ""))


async def test_a_line_nested_too_deeply_is_shown_as_it_is(opened: Opener, enemy: Path) -> None:
    """10,000 nested arrays are no crash: the overview says why, Raw has the line."""
    async with opened(enemy, size=(150, 40), options=Options(tab="all")) as pilot:
        app = app_of(pilot)
        trace = app.state.trace
        deep = [row for row in range(len(trace)) if b'"deep":[' in trace.raw(row)[:1000]]
        assert deep
        for row in deep:
            app.main.go_to_row(row)
            await settled(pilot)
            assert "cannot be read" in screen_text(pilot)
            await typed(pilot, "p")
            assert '"deep":[[[' in screen_text(pilot).replace("\n", "")


async def test_a_line_of_five_megabytes_is_windowed(opened: Opener, enemy: Path) -> None:
    """A huge line is decoded beside the interface, and every character of it can be reached."""
    async with opened(enemy, size=(150, 40), options=Options(tab="all")) as pilot:
        app = app_of(pilot)
        trace = app.state.trace
        row = next(row for row in range(len(trace)) if len(trace.raw(row)) > 4_000_000)
        app.main.page = "raw"
        app.main.go_to_row(row)
        await settled(pilot)
        page = app.main.detail.page
        text = "".join(page.at(n)[1].text for n in range(len(page)))
        assert text == trace.raw(row).decode()
        await typed(pilot, "tab", "G")
        assert screen_text(pilot).rstrip().endswith("back")
