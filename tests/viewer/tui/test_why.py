"""The page Why says what the trace does not hold, instead of guessing."""

from pathlib import Path

import pytest

from tests.support.traces import TraceBuilder
from tests.viewer.tui.conftest import Opener, app_of, screen_text
from viewer.tui.options import Options

DEMO = Path(__file__).parents[3] / "samples" / "sessions" / "00-demo.jsonl"


@pytest.mark.parametrize(("lang", "texts"), [
    ("en", ("Unknown: the settings", "Unknown: the outcome", "Unknown: some decisions",
            "Unknown: some calls")),
    ("fr", ("Inconnu : les paramètres", "Inconnu : l'issue", "Inconnu : des décisions",
            "Inconnu : des appels")),
])  # fmt: skip
async def test_unknown_facts_are_named(
    opened: Opener, tmp_path: Path, lang: str, texts: tuple[str, ...]
) -> None:
    """Settings, outcome, decisions and calls that were not recorded are each called unknown."""
    trace = TraceBuilder()
    with trace.operation("send", "gmail", identity={"environment": "ACME"}):
        trace.step("env", "none", "no-match", n=2, source=["00000000000000aa"])
    path = trace.write(tmp_path / "torn.jsonl")
    async with opened(path, options=Options(lang=lang, tab="resolution")) as pilot:
        text = screen_text(pilot)
        for one in texts:
            assert one in text


async def test_nothing_is_unknown_of_a_whole_recording(opened: Opener) -> None:
    """A resolution that was recorded from its settings to its outcome has no unknown facts."""
    async with opened(DEMO, options=Options(lang="en", tab="resolution")) as pilot:
        assert "is used" in screen_text(pilot)
        for at in range(app_of(pilot).main.view.count()):
            app_of(pilot).main.view.go(at)
            await pilot.pause()
            assert "Unknown" not in screen_text(pilot)
