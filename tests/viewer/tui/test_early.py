"""The first frame: rows before numpy, the index and the findings are imported."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.pilot import Pilot

from tests.viewer.tui.conftest import Opener, app_of, screen_text, typed, until
from viewer.model import kept
from viewer.model.counts import Counts, count
from viewer.model.trace import Trace
from viewer.tui.app import TraceApp
from viewer.tui.bars import TabBar, TitleBar
from viewer.tui.feeder import Complete, Diagnosing, Grew, Opened, Summarised
from viewer.tui.options import Options
from viewer.tui.sources import ItemSource

HEAVY = {"numpy", "msgspec", "stringzilla", "zstandard", "viewer.model.trace", "viewer.tui.state"}


class Unopened(TraceApp):
    """The application as it is while the file is not open yet."""

    def open_files(self) -> None:  # type: ignore[override]
        """Never open anything."""


@asynccontextmanager
async def early(path: Path) -> AsyncIterator[Pilot[int]]:
    """Show `path` without ever opening it."""
    async with Unopened([str(path)], Options()).run_test(size=(160, 45)) as pilot:
        await pilot.pause()
        yield pilot


async def test_rows_and_keys_come_first(session: Path) -> None:
    """The first events stand in the list and the cursor moves, with nothing opened."""
    async with early(session) as pilot:
        view = app_of(pilot).main.view
        assert "gmail.users." in screen_text(pilot)
        assert "palette" in screen_text(pilot)
        await pilot.press("j", "j", "k")
        assert view.cursor == 1
        assert not app_of(pilot).has_trace


@pytest.mark.parametrize("key", ["e", "f", "slash", "m", "y", "x", "2", "question_mark", "enter"])
async def test_every_action_can_come_too_early(session: Path, key: str) -> None:
    """A key that needs the trace finds none, and breaks nothing."""
    async with early(session) as pilot:
        await pilot.press(key, "escape", "j")
        assert app_of(pilot).is_running


async def test_the_workers_can_tell_too_late(opened: Opener) -> None:
    """What they say when the widgets are gone already breaks nothing."""
    async with opened() as pilot:
        app = app_of(pilot)
        trace = app.state.trace
        await app.main.remove_children()
        for message in (
            Grew(Counts()),
            Complete(Counts()),
            Diagnosing(0.5),
            Summarised(Counts(), ItemSource([]), []),
        ):
            app.post_message(message)
        app.post_message(Opened(Counts(), trace))
        await pilot.pause()
        assert app.is_running


async def test_the_workers_can_tell_while_the_application_ends(
    session: Path, opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Widgets go one by one then, and what is told meanwhile looks for none of them."""
    told: list[bool] = []
    async with opened(session) as pilot:
        app = app_of(pilot)
        await until(pilot, lambda: app.state.trace.complete)

        async def tell(_: object) -> None:
            await app.main.query("#list").remove()
            told.append(app.post_message(Complete(Counts())))
            await asyncio.sleep(0.05)

        monkeypatch.setattr(TitleBar, "on_unmount", tell, raising=False)
    assert told == [True]


async def test_a_file_that_was_indexed_shows_its_counts_first(
    session: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Title and tabs say in the first frame what they will say when the index is loaded."""
    monkeypatch.setattr(kept, "FLOOR", 0)
    monkeypatch.setattr(kept, "folder", lambda: tmp_path / "cache")
    counts = Trace.open([session]).counts()
    async with early(session) as pilot:
        main = app_of(pilot).main
        title, tabs = main.query_one(TitleBar), main.query_one(TabBar)
        assert not app_of(pilot).has_trace
        assert f" {counts.events} events" in screen_text(pilot)
        first = title.parts, tabs.tabs
    async with TraceApp([str(session)], Options()).run_test(size=(160, 45)) as pilot:
        await until(pilot, lambda: app_of(pilot).state.trace.complete)
        await pilot.pause()
        main = app_of(pilot).main
        assert list(first[0]) == list(main.query_one(TitleBar).parts)
        later = main.query_one(TabBar).tabs
        assert [(tab.id, tab.count) for tab in first[1][1:]] == [
            (tab.id, tab.count) for tab in later[1:]
        ]


async def test_a_tab_can_be_opened_before_its_rows_are_there(
    session: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A number opens the tab that it stands beside in the first frame, and the tab stays open."""
    monkeypatch.setattr(kept, "FLOOR", 0)
    monkeypatch.setattr(kept, "folder", lambda: tmp_path / "cache")
    trace = Trace.open([session])
    async with early(session) as pilot:
        app = app_of(pilot)
        shown = [tab.id for tab in app.main.query_one(TabBar).tabs]
        assert "gmail" in shown
        await pilot.press(str(shown.index("gmail") + 1))
        assert app.state.tab == "gmail"
        app.post_message(Opened(trace.counts(), trace))
        app.post_message(Complete(trace.counts()))
        await until(pilot, lambda: app.main.view.count() > 0)
        assert app.state.tab == "gmail"
        assert app.main.view.count() == trace.counts().topics["gmail"]


async def test_only_workers_count(
    session: Path, monkeypatch: pytest.MonkeyPatch, opened: Opener
) -> None:
    """What takes as long as a frame on a huge trace holds up no key: handlers show what is told."""
    counted = set()

    def noted(trace: Trace) -> Counts:
        counted.add(threading.current_thread())
        return count(trace)

    monkeypatch.setattr("viewer.model.trace.count", noted)
    async with opened(session) as pilot:
        await typed(pilot, "2", "3", "e", "right_square_bracket")
        assert app_of(pilot).state.counts.events == len(app_of(pilot).state.trace)
    assert counted
    assert threading.main_thread() not in counted


async def test_what_is_no_plain_file_has_no_early_rows(tmp_path: Path) -> None:
    """A packed file shows that it is being read, and nothing of its bytes."""
    path = tmp_path / "s.jsonl.gz"
    path.write_bytes(b"\x1f\x8b\x08 no events \xff\n" * 50)
    async with early(path) as pilot:
        assert app_of(pilot).main.view.count() == 0
        assert "no events" not in screen_text(pilot)


def test_importing_the_interface_imports_nothing_heavy() -> None:
    """What only an open trace needs is not imported with the application."""
    program = f"import sys, viewer.tui.app; print(*({HEAVY!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stdout.strip() == b""
