"""An application on a session, driven without a terminal."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.worker import WorkerCancelled

from tests.viewer.tui.stories import write
from viewer.tui.app import TraceApp
from viewer.tui.options import Options

Opener = Callable[..., AbstractAsyncContextManager[Pilot[int]]]


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the path of a session in which every tab has something; it is the current folder's."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "ACME-4711.jsonl")
    return Path("ACME-4711.jsonl")


@pytest.fixture
def opened(session: Path) -> Opener:
    """Return an opener of the application, by default on `session` at 160 by 45."""

    @asynccontextmanager
    async def opener(
        *paths: Path | str,
        size: tuple[int, int] = (160, 45),
        options: Options = Options(),  # noqa: B008 - frozen
        none: bool = False,
    ) -> AsyncIterator[Pilot[int]]:
        names = [] if none else [str(path) for path in paths or (session,)]
        app = TraceApp(names, options)
        async with app.run_test(size=size) as pilot:
            await settled(pilot)
            yield pilot

    return opener


async def settled(pilot: Pilot[int]) -> None:
    """Wait until the workers have said all they had to say."""
    for _ in range(3):
        for worker in list(pilot.app.workers):
            with suppress(WorkerCancelled):  # a newer one has taken its place
                await worker.wait()
        await pilot.pause()


async def until(pilot: Pilot[int], true: Callable[[], object]) -> None:
    """Let the interface go on until `true` is: a hang is the whole test's."""
    while not true():
        await pilot.pause(0.02)


def app_of(pilot: Pilot[int]) -> TraceApp:
    """Return the application, typed."""
    assert isinstance(pilot.app, TraceApp)
    return pilot.app


async def typed(pilot: Pilot[int], *keys: str) -> None:
    """Press `keys` and wait until all is done."""
    await pilot.press(*keys)
    await settled(pilot)


def screen_text(pilot: Pilot[int]) -> str:
    """Return what is on the screen, as lines of text."""
    strips = pilot.app.screen._compositor.render_strips()
    return "\n".join(strip.text for strip in strips)


def toasts(pilot: Pilot[int]) -> str:
    """Return the texts of the toasts shown so far."""
    return "\n".join(str(one.message) for one in pilot.app._notifications)
