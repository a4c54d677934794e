"""A ticket that is loaded inside the interface is verified first; nothing of it stays behind."""

import tempfile
import zipfile
from pathlib import Path

import pytest

from tests.viewer.tui import stories
from tests.viewer.tui.conftest import Opener, app_of, screen_text, toasts, typed
from viewer.ticket.bundle import Order, bundle
from viewer.tui.options import Options
from viewer.tui.prompt import Prompt
from viewer.tui.start import StartScreen

PASSWORD = "correct horse"
ENGLISH = Options(lang="en")


@pytest.fixture
def unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder that tickets are unpacked in."""
    folder = tmp_path / "unpacked"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def packed(folder: Path, password: bytes | None = None) -> str:
    """Make a ticket in the current folder and return its name."""
    session = stories.write(folder / "s.jsonl")
    return bundle(Order(sessions=[session], out=Path("t.zip"), password=password)).path.name


async def test_a_ticket_opens_after_it_is_verified(opened: Opener, tmp_path: Path) -> None:
    """A good ticket loads like a session."""
    async with opened(none=True, options=ENGLISH) as pilot:
        name = packed(tmp_path)
        await typed(pilot, "f", *name, "enter")
        assert app_of(pilot).main.is_current
        assert len(app_of(pilot).state.trace) > 50


async def test_a_changed_ticket_is_refused(opened: Opener, tmp_path: Path) -> None:
    """A ticket with a file more than its manifest lists is not opened, and a sentence says why."""
    async with opened(none=True, options=ENGLISH) as pilot:
        name = packed(tmp_path)
        with zipfile.ZipFile(name, "a") as archive:
            archive.writestr("more.jsonl", "{}")
        await typed(pilot, "f", *name, "enter")
        assert isinstance(pilot.app.screen, StartScreen)
        assert "is not in its manifest" in toasts(pilot)


async def test_a_locked_ticket_asks_for_its_password(
    opened: Opener, tmp_path: Path, unpacked: Path
) -> None:
    """The password is asked for, hidden, and again when it is wrong; what was unpacked goes."""
    async with opened(none=True, options=ENGLISH) as pilot:
        name = packed(tmp_path, PASSWORD.encode())
        await typed(pilot, "f", *name, "enter")
        assert "this ticket is locked" in screen_text(pilot)
        await typed(pilot, *"wrong")
        assert "wrong" not in screen_text(pilot)
        await typed(pilot, "enter")
        assert f"Not the password of {name}" in toasts(pilot)
        await typed(pilot, *PASSWORD, "enter")
        assert app_of(pilot).main.is_current
        assert len(app_of(pilot).state.trace) > 50
        assert list(unpacked.iterdir())
    assert not list(unpacked.iterdir())


async def test_a_password_need_not_be_given(opened: Opener, tmp_path: Path) -> None:
    """Escape leaves the question, and the start screen is as before."""
    async with opened(none=True, options=ENGLISH) as pilot:
        name = packed(tmp_path, PASSWORD.encode())
        await typed(pilot, "f", *name, "enter")
        await typed(pilot, "escape")
        assert isinstance(pilot.app.screen, StartScreen)
        assert not pilot.app.screen.query(Prompt)
