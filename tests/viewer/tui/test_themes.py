"""Themes: chosen on the command line or in the palette, and everything is painted anew."""

import pytest
from rich.color import Color
from textual.command import CommandList, CommandPalette
from textual.pilot import Pilot

from tests.viewer.tui.conftest import Opener, app_of, toasts, typed, until
from viewer.tui.options import Options


def grounds(pilot: Pilot[int]) -> set[Color]:
    """Return the background colours of the screen."""
    strips = pilot.app.screen._compositor.render_strips()
    styles = (segment.style for strip in strips for segment in strip)
    return {style.bgcolor for style in styles if style and style.bgcolor}


def first(pilot: Pilot[int]) -> str:
    """Return what the palette offers first, if it offers anything."""
    options = pilot.app.screen.query_one(CommandList).options
    return str(options[0].prompt) if options else ""


@pytest.mark.parametrize("lang", ["en", "fr"])
async def test_the_palette_changes_the_theme(opened: Opener, lang: str) -> None:
    """The palette offers the themes, also to who types no accents; every cell has the new one."""
    async with opened(options=Options(lang=lang, tab="gmail")) as pilot:
        app = app_of(pilot)
        dark = grounds(pilot)
        await typed(pilot, "ctrl+p", *"theme")
        await until(pilot, lambda: app.look("palette.theme") in first(pilot))
        await typed(pilot, "enter")
        assert isinstance(app.screen, CommandPalette)
        await typed(pilot, *"solarized-light")
        await until(pilot, lambda: "solarized-light" in first(pilot))
        await typed(pilot, "enter")
        assert app.theme == "solarized-light"
        assert app.main.is_current
        assert not dark & grounds(pilot)


@pytest.mark.parametrize("lang", ["en", "fr"])
async def test_the_theme_of_the_command_line(opened: Opener, lang: str) -> None:
    """A theme that Textual knows is used; for another one the known ones are named."""
    async with opened(options=Options(lang=lang, theme="nord")) as pilot:
        assert pilot.app.theme == "nord"
        assert not toasts(pilot)
    async with opened(options=Options(lang=lang, theme="[/]\x1bnone")) as pilot:
        assert pilot.app.theme == "textual-dark"
        assert "[/]␛none" in toasts(pilot)
        assert "solarized-light" in toasts(pilot)
        assert pilot.app.is_running
