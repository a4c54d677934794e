"""Every key of the help does what the help says."""

from pathlib import Path

import pytest

from tests.support.traces import START_NS, TraceBuilder
from tests.viewer.tui.conftest import (
    Opener,
    app_of,
    screen_text,
    settled,
    toasts,
    typed,
    until,
)
from viewer.tui.detail import DetailView
from viewer.tui.eventlist import EventList
from viewer.tui.help import HelpScreen, bindings_of
from viewer.tui.lineview import LineView
from viewer.tui.main_screen import MainScreen
from viewer.tui.options import Options
from viewer.tui.prompt import Prompt
from viewer.tui.start import StartList, StartScreen


@pytest.mark.parametrize("widget", [LineView, EventList, DetailView, MainScreen, StartScreen])
def test_each_key_is_bound_once_and_to_an_action_that_exists(widget: type) -> None:
    """A key that the help names leads to a method; no two actions want the same key."""
    seen: dict[str, str] = {}
    for binding in bindings_of(widget):
        name = binding.action.split("(")[0]
        if not name.startswith("app."):
            assert hasattr(widget, f"action_{name}"), binding
        assert binding.id
        assert binding.tooltip
        for key in binding.key.split(","):
            assert seen.setdefault(key, binding.id) == binding.id, f"{key} is bound twice"


async def test_the_help_lists_every_key_in_words(opened: Opener) -> None:
    """What ``?`` shows has a line for each binding, and no message id is left untranslated."""
    async with opened(size=(160, 90)) as pilot:
        await typed(pilot, "question_mark")
        assert isinstance(pilot.app.screen, HelpScreen)
        text = screen_text(pilot)
        assert "next error" in text
        assert "key." not in text
        await typed(pilot, "question_mark")
        assert isinstance(pilot.app.screen, MainScreen)


@pytest.mark.parametrize("focus", ["list", "detail"])
async def test_every_key_of_the_help_can_be_pressed(opened: Opener, focus: str) -> None:
    """No key of the help breaks anything, in whatever order, in the list and in the detail."""
    async with opened() as pilot:
        app = app_of(pilot)
        await typed(pilot, "4")
        if focus == "detail":
            await typed(pilot, "enter")
        pane = app.main.view if focus == "list" else app.main.detail
        keys = [
            key
            for binding in [*bindings_of(type(pane)), *bindings_of(MainScreen)]
            for key in binding.key.split(",")
            if binding.id not in {"quit", "quit-now", "reload", "back", "follow"}
        ]
        assert len(keys) > 50
        for key in keys:
            await pilot.press(key)
            if app.screen is not app.main or app.main.query(Prompt):
                await pilot.press("escape")
        await settled(pilot)
        assert app.is_running
        assert app.screen is app.main


async def test_moving_in_the_list(opened: Opener) -> None:
    """j k g G, half pages and pages move as in less."""
    async with opened(size=(160, 20)) as pilot:
        view = app_of(pilot).main.view
        await typed(pilot, "2")
        for keys, at in (
            ("j", 1), ("j", 2), ("k", 1), ("G", view.count() - 1), ("g", 0), ("down", 1),
            ("up", 0),
        ):  # fmt: skip
            await pilot.press(keys)
            assert view.cursor == at, keys
        await pilot.press("space")
        page = view.cursor
        await pilot.press("b")
        assert (page > 5, view.cursor) == (True, 0)
        await pilot.press("ctrl+d")
        assert 0 < view.cursor < page
        await pilot.press("ctrl+u")
        assert view.cursor == 0


async def test_tabs_by_number_and_brackets(opened: Opener) -> None:
    """Digits open the tab they name, brackets its neighbours, round the ends."""
    async with opened() as pilot:
        app = app_of(pilot)
        ids = [tab.id for tab in app.state.tabs()]
        assert ids[:3] == ["summary", "timeline", "resolution"]
        assert ids[-2:] == ["all", "session"]
        for n, own in enumerate(ids[:9], 1):
            await pilot.press(str(n))
            assert app.state.tab == own
        await pilot.press("1", "left_square_bracket")
        assert app.state.tab == "session"
        await pilot.press("right_square_bracket")
        assert app.state.tab == "summary"


async def test_enter_on_a_finding_opens_its_evidence_with_the_field_marked(opened: Opener) -> None:
    """From the summary one key leads to the event, on the page and line the finding points at."""
    async with opened() as pilot:
        app = app_of(pilot)
        findings = app.state.findings or []
        at = next(n for n, f in enumerate(findings) if f.evidence[0].path.startswith("response."))
        first = app.main.view.cursor
        await typed(pilot, *["j"] * at, "enter")
        assert app.main.view.cursor >= 0
        assert first
        row = app.main.view.row
        assert row is not None
        evidence = findings[at].evidence[0]
        assert app.state.trace.head(row).id == evidence.event
        assert app.main.page == "response"
        node = app.main.detail.node
        assert node is not None
        assert node.path
        assert evidence.path.startswith(node.path)
        assert app.state.tab != "summary"
        await typed(pilot, "escape")
        assert app.state.tab == "summary"
        assert app.main.view.cursor == first + at


async def test_errors_operations_slow_and_marks(opened: Opener) -> None:
    """e, o, s and u go from event to event in this tab; at the end a toast says so."""
    async with opened(options=Options(tab="all")) as pilot:
        app = app_of(pilot)
        trace, view = app.state.trace, app.main.view
        await pilot.press("g", "e")
        assert view.row is not None
        assert trace.failed(view.row)
        before = view.cursor
        await pilot.press("e", "E")
        assert view.cursor == before
        op = trace.head(view.row).op
        await pilot.press("O")
        assert view.row is not None
        assert trace.head(view.row).op == op
        await pilot.press("g", "s")
        assert view.row is not None
        assert (trace.head(view.row).ms or 0) >= 2000 or trace.head(view.row).phase == "start"
        await pilot.press("g", "m", "j", "j", "m", "g", "u")
        assert view.cursor == 2
        await pilot.press("U")
        assert view.cursor == 0
        await typed(pilot, "M")
        assert view.count() == 2
        await typed(pilot, "M", "G", "e")
        assert "No further error" in toasts(pilot)


async def test_search_keeps_the_rows_and_counts_per_tab(opened: Opener) -> None:
    """/ looks into what is folded too, n goes round, the tabs say how many they hold."""
    async with opened(options=Options(tab="gmail")) as pilot:
        app = app_of(pilot)
        total = app.main.view.count()
        await typed(pilot, "slash", *"rate", "enter")
        assert app.main.view.count() == total
        assert len(app.state.notes.hits) == 2
        hits = {tab.id: tab.hits for tab in app.state.tabs()}
        assert hits["gmail"] == hits["all"] == 2
        first = app.main.view.row
        await typed(pilot, "n")
        second = app.main.view.row
        await typed(pilot, "n")
        assert app.main.view.row == first != second
        await typed(pilot, "N")
        assert app.main.view.row == second
        await typed(pilot, "slash", *"zzz", "enter")
        assert "Nothing found for ratezzz" in toasts(pilot)


async def test_filter_off_and_on_keeps_the_cursor(opened: Opener) -> None:
    """f filters and says it in words, ctrl+f drops it and the event under the cursor stays."""
    async with opened(options=Options(tab="all")) as pilot:
        app = app_of(pilot)
        view, total = app.main.view, app.main.view.count()
        await typed(pilot, "f", *"status>=400", "enter")
        assert 0 < view.count() < total
        assert f"{view.count()} of {total}" in screen_text(pilot)
        await pilot.press("j")
        row = view.row
        await typed(pilot, "ctrl+f")
        assert (view.count(), view.row) == (total, row)
        await typed(pilot, "ctrl+f")
        assert view.row == row
        await typed(pilot, "f", *" and", "enter")
        assert "cannot be read" in toasts(pilot)


async def test_detail_pages_fold_and_raw(opened: Opener) -> None:
    """The detail folds all with - and =, changes pages with , and . and p shows the exact line."""
    async with opened(options=Options(tab="gmail")) as pilot:
        app = app_of(pilot)
        detail = app.main.detail
        await typed(pilot, "enter", "minus")
        folded = len(detail.page)
        await typed(pilot, "equals_sign")
        assert len(detail.page) > folded
        await typed(pilot, "full_stop", "full_stop")
        assert app.main.page == "response"
        await typed(pilot, "comma")
        assert app.main.page == "request"
        await typed(pilot, "p")
        row = app.main.view.row
        assert row is not None
        line = app.state.trace.raw(row).decode()
        shown = "".join(detail.page.at(n)[1].text for n in range(len(detail.page)))
        assert shown == line
        await typed(pilot, "p")
        assert app.main.page == "request"


async def test_detail_modes_and_panes(opened: Opener) -> None:
    """+ and _ give the detail more room and less, enter and escape go in and out."""
    async with opened(options=Options(tab="gmail")) as pilot:
        main = app_of(pilot).main
        await typed(pilot, "plus", "plus")
        assert not main.query_one("#list-pane").display
        assert isinstance(main.focused, DetailView)
        await typed(pilot, "underscore", "underscore")
        assert main.query_one("#list-pane").display
        await typed(pilot, "enter")
        assert isinstance(main.focused, DetailView)
        await typed(pilot, "escape")
        assert main.view.has_focus
        await typed(pilot, "tab")
        assert isinstance(main.focused, DetailView)
        await typed(pilot, "shift+tab")
        assert main.view.has_focus


async def test_a_small_terminal_shows_the_list_then_the_detail(opened: Opener) -> None:
    """At 60 by 15 the detail opens over the list and escape closes it."""
    async with opened(size=(60, 15), options=Options(tab="gmail")) as pilot:
        main = app_of(pilot).main
        assert not main.query_one("#detail-pane").display
        await typed(pilot, "enter")
        assert main.query_one("#detail-pane").display
        assert not main.query_one("#list-pane").display
        await typed(pilot, "q")
        assert main.query_one("#list-pane").display


async def test_a_huge_terminal_is_filled(opened: Opener) -> None:
    """At 250 by 60 nothing breaks and both panes are there."""
    async with opened(size=(250, 60), options=Options(tab="timeline")) as pilot:
        main = app_of(pilot).main
        assert main.query_one("#list-pane").size.width > 120
        assert main.query_one("#detail-pane").size.width > 100


async def test_the_timeline_folds(opened: Opener) -> None:
    """h folds an operation, l unfolds it, - and = do it to all."""
    async with opened(options=Options(tab="timeline")) as pilot:
        view = app_of(pilot).main.view
        total = view.count()
        await pilot.press("g", "h")
        assert view.count() < total
        await pilot.press("l")
        assert view.count() == total
        await pilot.press("minus")
        assert view.count() == 5
        await pilot.press("equals_sign")
        assert view.count() == total


async def test_comment_time_mode_and_copy_menu(opened: Opener) -> None:
    """; keeps a comment, t changes what time counts from, y opens a menu that acts on a letter."""
    async with opened(options=Options(tab="gmail")) as pilot:
        app = app_of(pilot)
        await typed(pilot, "semicolon", *"why", "enter")
        row = app.main.view.row
        assert row is not None
        assert app.state.marks.comments == {app.state.trace.head(row).id: "why"}
        await typed(pilot, "t")
        assert app.state.notes.time_mode == "absolute"
        await typed(pilot, "y")
        assert len(app.screen_stack) == 2
        assert "traceview --goto" in screen_text(pilot)
        await typed(pilot, "r")
        assert len(app.screen_stack) == 1
        assert "the exact line" in toasts(pilot)


async def test_palette_finds_actions_accounts_and_events(opened: Opener) -> None:
    """ctrl+p offers actions at once, then accounts, findings and events that match."""
    async with opened() as pilot:
        app = app_of(pilot)
        await typed(pilot, "ctrl+p")
        await typed(pilot, *"labrioche")
        await until(pilot, lambda: "account  dupond@labriochedoree.com" in screen_text(pilot))
        await typed(pilot, "escape")
        await typed(pilot, "colon")
        assert app.screen is not app.main


async def test_following_shows_what_is_appended(opened: Opener, session: Path) -> None:
    """F follows the file: what another process appends is there at once, at the end."""
    async with opened(options=Options(tab="all")) as pilot:
        app = app_of(pilot)
        total = app.main.view.count()
        await pilot.press("F")
        more = TraceBuilder(pid=7, start_ns=START_NS + 60_000_000_000)
        more.add("note", "point", "appended", "http")
        with session.open("ab") as file:
            file.write(more.lines())
        await until(pilot, lambda: app.main.view.count() > total)
        assert app.main.view.cursor == app.main.view.count() - 1 == total
        await pilot.press("F")
        await settled(pilot)
        assert not app.following


async def test_reload_reads_the_file_anew(opened: Opener, session: Path) -> None:
    """F5 shows what was appended meanwhile."""
    async with opened(options=Options(tab="all")) as pilot:
        total = app_of(pilot).main.view.count()
        with session.open("ab") as file:
            file.write(TraceBuilder(pid=7).lines() + b"{torn")
        await typed(pilot, "f5")
        assert app_of(pilot).main.view.count() == total
        assert "damaged lines: 1" in screen_text(pilot)


async def test_quit(opened: Opener) -> None:
    """q in the detail goes back, q in the list quits with 0; Q quits at once."""
    for keys in (["4", "enter", "q", "q"], ["4", "enter", "Q"]):
        async with opened() as pilot:
            await pilot.press(*keys[:-1])
            assert pilot.app.is_running
            await pilot.press(keys[-1])
            await pilot.pause()
            assert pilot.app.return_code == 0
            assert pilot.app._exit


async def test_start_screen_switches_debug_and_opens(opened: Opener) -> None:
    """Without a file: debug on with a label, off, and the session recorded so opens."""
    async with opened(none=True) as pilot:
        screen = pilot.app.screen
        assert isinstance(screen, StartScreen)
        assert "debug is off" in screen_text(pilot)
        await typed(pilot, "d", *"T1", "enter")
        assert "debug is ON: T1" in screen_text(pilot)
        await typed(pilot, "d")
        assert "debug is off" in screen_text(pilot)
        assert "-T1-" in screen_text(pilot)
        await typed(pilot, "G", "m")
        assert screen.query_one(StartList).marked
        await typed(pilot, "enter")
        assert pilot.app.screen is app_of(pilot).main
        assert len(app_of(pilot).state.trace) >= 2


async def test_an_unreadable_file_is_said(opened: Opener) -> None:
    """Loading a file that is not there gives one sentence, and the start screen stays."""
    async with opened(none=True) as pilot:
        await typed(pilot, "f", *"nowhere.jsonl", "enter")
        assert isinstance(pilot.app.screen, StartScreen)
        assert "Cannot open" in toasts(pilot)
