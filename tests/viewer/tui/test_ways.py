"""The ways through the interface: to the evidence and back, in and out of a trace."""

from pathlib import Path

import pytest
from textual.pilot import Pilot

from tests.support.traces import TraceBuilder
from tests.viewer.tui.conftest import Opener, app_of, screen_text, settled, toasts, typed, until
from viewer.tui.app import TraceApp
from viewer.tui.asking import Open
from viewer.tui.main_screen import MainScreen
from viewer.tui.options import Options
from viewer.tui.start import StartScreen

SESSIONS = Path(__file__).parents[3] / "samples" / "sessions"


def in_front(pilot: Pilot[int]) -> type:
    """Return the kind of the screen one sees."""
    return type(pilot.app.screen)


async def test_every_finding_leads_to_its_evidence(opened: Opener) -> None:
    """Also where the evidence is the event that the finding's own line stands for."""
    async with opened() as pilot:
        app = app_of(pilot)
        first = app.main.view.cursor
        for at, finding in enumerate(app.state.findings or []):
            await typed(pilot, *["j"] * (first + at - app.main.view.cursor), "enter")
            row = app.main.view.row
            assert row is not None
            assert app.state.tab != "summary"
            assert app.state.trace.head(row).id == finding.evidence[0].event
            await typed(pilot, "q")
            assert app.state.tab == "summary"


async def test_the_narrow_summary_shows_the_cause_and_its_evidence(opened: Opener) -> None:
    """At 80 by 24 cause and remedy are on the first screen, and one key shows the field."""
    async with opened(size=(80, 24)) as pilot:
        app = app_of(pilot)
        finding = (app.state.findings or [])[0]
        text = screen_text(pilot)
        for part in ("cause", "action"):
            assert app.look.finding(finding, part)[:30] in text
        await typed(pilot, "enter")
        assert app.main.detail.has_focus
        assert app.main.detail.size.height > 15
        await typed(pilot, "q", "q")
        assert app.state.tab == "summary"


@pytest.mark.parametrize("size", [(80, 24), (60, 15), (40, 12)])
async def test_help_and_the_way_out_always_have_room(opened: Opener, size: tuple[int, int]) -> None:
    """What gives way on a narrow line of keys is the middle."""
    for options in (Options(lang="en"), Options(lang="fr")):
        async with opened(size=size, options=options) as pilot:
            keys = screen_text(pilot).splitlines()[-1]
            assert f"? {app_of(pilot).look('keybar.help')}" in keys
            assert f"q {app_of(pilot).look('keybar.quit')}" in keys


async def test_leaving_a_trace_leads_back_to_the_sessions(opened: Opener, session: Path) -> None:
    """Who came from the sessions opens one after the other; a worker that is late harms nothing."""
    async with opened(none=True) as pilot:
        app = app_of(pilot)
        for _ in range(2):
            app.screen.post_message(Open([str(session)]))
            await pilot.pause()
            await typed(pilot, "q")
            assert in_front(pilot) is StartScreen
            app.screen.post_message(Open([str(session)]))
            await settled(pilot)
            assert in_front(pilot) is MainScreen
            await typed(pilot, "q")
            assert in_front(pilot) is StartScreen
        await typed(pilot, "q")
        assert not app.is_running


async def test_a_file_without_an_event_is_refused(opened: Opener, tmp_path: Path) -> None:
    """From the sessions it is a toast; with the file on the command line an exit code."""
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n" + bytes(range(256)) * 9)
    async with opened(none=True) as pilot:
        app_of(pilot).screen.post_message(Open([str(tmp_path / "a.png")]))
        await settled(pilot)
        assert isinstance(pilot.app.screen, StartScreen)
        assert "not one line is an event" in toasts(pilot)
    async with opened(tmp_path / "a.png") as pilot:
        assert not pilot.app.is_running
        assert pilot.app.return_value == 66


async def test_a_long_error_loses_nothing_where_it_breaks(opened: Opener) -> None:
    """A line of the detail that goes on below is cut nowhere."""
    message = "gmail.users.messages.send: " + " ".join(f"word{n}" for n in range(40))
    builder = TraceBuilder()
    error = {"type": "RateLimitError", "message": message}
    with builder.operation("send", "gmail", status=1, result={"error": error}):
        pass
    builder.write(Path("long.jsonl"))
    async with opened("long.jsonl", size=(80, 40)) as pilot:
        await typed(pilot, "2", "j", "right")
        app_of(pilot).main.add_class("-opened")
        await settled(pilot)
        shown = "".join(line.strip() for line in screen_text(pilot).splitlines())
        assert message.replace(" ", "") in shown.replace(" ", "").replace("▅", "")


async def test_following_begins_on_the_answer(tmp_path: Path) -> None:
    """A trace that is followed stays on its first finding, whatever is added to it."""
    session = tmp_path / "live.jsonl"
    session.write_bytes((SESSIONS / "00-demo.jsonl").read_bytes())
    lines = b"".join((SESSIONS / "10-first-found.jsonl").read_bytes().splitlines(True)[-5:])
    app = TraceApp([str(session)], Options(follow=True))
    async with app.run_test(size=(160, 45)) as pilot:
        for more in (b"", lines, lines):
            count = len(app.state.trace) if app.has_trace else 0
            with session.open("ab") as file:
                file.write(more)
            for _ in range(100):  # following never settles
                await pilot.pause(0.05)
                if app.has_trace and app.state.findings and len(app.state.trace) > count:
                    break
            await pilot.pause(1.3)  # until it is quiet, and diagnosed anew
            assert app.main.view.source.finding(app.main.view.cursor) is not None
        app.following = False


async def test_what_was_just_recorded_is_under_the_cursor(opened: Opener) -> None:
    """Debug on, debug off, enter: the session that was recorded opens."""
    async with opened(none=True, size=(80, 24)) as pilot:
        assert "…" not in screen_text(pilot)  # every hint fits
        await typed(pilot, "d", *"one", "enter")
        assert "recording" in screen_text(pilot)
        await typed(pilot, "d")
        await typed(pilot, "enter")
        assert in_front(pilot) is MainScreen
        await typed(pilot, "q")
        assert in_front(pilot) is StartScreen


async def test_a_file_cut_off_while_it_is_followed_is_told(tmp_path: Path) -> None:
    """What is on the screen is no longer what is on the disk: the title says so in every tab."""
    session = tmp_path / "live.jsonl"
    session.write_bytes((SESSIONS / "00-demo.jsonl").read_bytes())
    app = TraceApp([str(session)], Options(follow=True))
    async with app.run_test(size=(160, 45)) as pilot:
        for step in range(200):
            await pilot.pause(0.05)
            if step == 20:
                session.write_bytes(b"")
            if "cut off while open" in screen_text(pilot).splitlines()[0]:
                break
        title = screen_text(pilot).splitlines()[0]
        app.following = False
    assert "cut off while open" in title


async def test_a_summary_without_findings_wastes_no_room(opened: Opener) -> None:
    """The list has the narrow screen to itself; a wide one shows the first operation beside it."""
    healthy = SESSIONS / "07-contacts.jsonl"
    async with opened(healthy, size=(80, 24)) as pilot:
        assert app_of(pilot).main.view.size.height > 15
    async with opened(healthy) as pilot:
        main = app_of(pilot).main
        assert main.view.row is not None
        assert "stands for no event" not in screen_text(pilot)


async def test_a_filtered_trace_may_begin_anew(opened: Opener, session: Path) -> None:
    """A file that is cut off while it is followed has fewer rows than the filter let through."""
    async with opened(session, options=Options(tab="all")) as pilot:
        app = app_of(pilot)
        app.main.use_filter("topic:gmail")
        await settled(pilot)
        app.main.action_follow()
        other = TraceBuilder()
        other.add("note", "point", "new", "session")
        session.write_bytes(other.lines())
        await until(pilot, lambda: len(app.state.trace) == 1 and not app.main.view.count())
        assert app.state.filter_on
