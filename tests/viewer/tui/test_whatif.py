"""The form asks who else could have acted, and says what would have been chosen then."""

from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from tests.support.traces import TraceBuilder
from tests.viewer.tui import hostile
from tests.viewer.tui.conftest import Opener, app_of, screen_text, toasts, typed
from tests.viewer.tui.test_hostile import HARMFUL
from viewer.tui.options import Options
from viewer.tui.whatif_form import FIELDS, WhatIfForm

DEMO = Path(__file__).parents[3] / "samples" / "sessions" / "00-demo.jsonl"
BEFORE = "dupond@lespetitspains.com"


def offered(pilot: Pilot[int]) -> dict[str, str]:
    """Return what stands in the fields of the form."""
    return {name: pilot.app.screen.query_one(f"#whatif-{name}", Input).value for name in FIELDS}


async def change(pilot: Pilot[int], name: str, text: str) -> None:
    """Put `text` into a field and resolve again."""
    field = pilot.app.screen.query_one(f"#whatif-{name}", Input)
    field.focus()
    field.value = text
    await typed(pilot, "enter")


@pytest.mark.parametrize(("lang", "words"), [
    ("en", ("before: ", "now: ", "(the same)", "no account", "Missing call:")),
    ("fr", ("avant : ", "maintenant : ", "(le même)", "aucun compte", "Appel manquant :")),
])  # fmt: skip
async def test_another_environment(opened: Opener, lang: str, words: tuple[str, ...]) -> None:
    """The form holds what was recorded; another environment leads elsewhere, and says by what."""
    before, now, same, nobody, missing = words
    async with opened(DEMO, options=Options(lang=lang, tab="resolution")) as pilot:
        await typed(pilot, "g", "i")
        assert isinstance(pilot.app.screen, WhatIfForm)
        assert offered(pilot) == {
            "environment": "LESPETITSPAINS", "windows_account": "Dupond@soc-windows.com",
            "harmony_user": "", "account": "",
        }  # fmt: skip
        assert f"{before}{BEFORE}" in screen_text(pilot)
        assert f"{now}{BEFORE}  {same}" in screen_text(pilot)
        await change(pilot, "environment", "ERP215")
        text = screen_text(pilot)
        assert f"{before}{BEFORE}" in text
        assert f"{now}{nobody}" in text
        assert missing in text
        assert "directory.users.list customer=my_customer" in text
        assert "ERP215" in text.partition(nobody)[2]
        await typed(pilot, "escape")
        assert app_of(pilot).main.is_current


async def test_a_configured_account_that_was_not_read(opened: Opener) -> None:
    """Whether an account that nobody read admits the identity cannot be told; its call is named."""
    async with opened(DEMO, options=Options(lang="en", tab="resolution")) as pilot:
        await typed(pilot, "g", "i")
        await change(pilot, "account", "nobody@masoc.com")
        text = screen_text(pilot)
        assert "now: cannot be told" in text
        assert "directory.users.get userKey=nobody@masoc.com" in text


async def test_from_any_event_of_an_operation(opened: Opener) -> None:
    """The same form opens from a call, by the operation it belongs to."""
    async with opened(DEMO, options=Options(lang="en", tab="directory")) as pilot:
        await typed(pilot, "g", "i")
        assert isinstance(pilot.app.screen, WhatIfForm)
        assert offered(pilot)["environment"] == "LESPETITSPAINS"


async def test_moving_between_the_fields(opened: Opener) -> None:
    """Down goes to the next field and up back; letters are typed, not obeyed."""
    async with opened(DEMO, options=Options(tab="resolution")) as pilot:
        await typed(pilot, "g", "i", "down", "end", "q", "i", "up", "end", "x")
        assert offered(pilot)["windows_account"] == "Dupond@soc-windows.comqi"
        assert offered(pilot)["environment"] == "LESPETITSPAINSx"


async def test_what_cannot_be_resolved_again_is_said(opened: Opener) -> None:
    """Without recorded settings, and without an operation, a sentence says so and nothing opens."""
    async with opened(options=Options(lang="en", tab="resolution")) as pilot:
        await typed(pilot, "i")
        assert "The settings of operation" in toasts(pilot)
        assert "are not in the trace" in toasts(pilot)
        app_of(pilot).main.open_tab("settings")
        await typed(pilot, "i")
        assert "belongs to no operation" in toasts(pilot)
        assert app_of(pilot).main.is_current


async def test_hostile_facts_are_shown_harmless_and_kept(opened: Opener, tmp_path: Path) -> None:
    """Recorded text reaches no terminal as it is, and unless it is edited it counts as recorded."""
    trace = TraceBuilder()
    for text in hostile.STRINGS.values():
        identity = {"environment": text, "harmony_user": text, "windows_account": text}
        values = {name: {"value": text, "origin": "file"} for name in ("account", "attributes.env")}
        with trace.operation("send", "gmail", identity=identity):
            trace.add("settings", "point", "settings", "settings", values=values)
            trace.step("outcome", "none", "configured-not-found", n=1, args={"asked": text})
    path = trace.write(tmp_path / "s.jsonl")
    async with opened(path, size=(90, 30), options=Options(lang="en", tab="resolution")) as pilot:
        for at, name in enumerate(hostile.STRINGS):
            app_of(pilot).main.view.go(at)
            await typed(pilot, "i", "enter")
            assert "(the same)" in screen_text(pilot), name
            assert not HARMFUL.search(screen_text(pilot).replace("\n", "")), name
            await typed(pilot, "escape")
        await typed(pilot, "i")
        for field in FIELDS:
            await change(pilot, field, "[/] [@click=app.quit]x[/]")
        assert "[@click=app.quit]" in screen_text(pilot)
        assert pilot.app.is_running
