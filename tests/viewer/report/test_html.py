"""report.html: complete in itself, safe with hostile data, usable at 50,000 events."""

import io
import json
import re
from pathlib import Path

import pytest

from tests.support.outside import needs
from tests.support.traces import TraceBuilder
from tests.viewer.report.browser import CHROMIUM, page
from viewer.model.findings import diagnose
from viewer.model.trace import Trace
from viewer.report import html
from viewer.report.html import write_html

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\x1b[31m\u202eevil"


def session(count: int) -> TraceBuilder:
    """Return a session of about `count` events, one call in ten refused."""
    trace = TraceBuilder()
    trace.add("session", "start", "essai", "session", bodies="structure", session="ab" * 16)
    while len(trace.events) < count:
        n = len(trace.events)
        with trace.operation("send", "gmail", identity={"environment": "TEST"}) as operation:
            status = 403 if n // 7 % 10 == 1 else 200
            trace.call(
                "gmail.users.messages.send", "gmail", status,
                exchange={"big": 12345678901234567890, "text": f"needle-{n} {HOSTILE}",
                          "operation": operation, "list": [1, {"deep": 2}]},
            )  # fmt: skip
            trace.step(
                "outcome", "chosen", "chosen", n=1, candidate=f"u{n}@x.fr", args={"via": "env"}
            )
    return trace


def report(trace: TraceBuilder, path: Path, lang: str = "en") -> str:
    """Write the page of `trace` beside `path` and return it."""
    opened = Trace.open([trace.write(path)], cache=False)
    out = io.StringIO()
    write_html(opened, diagnose(opened), out, lang, note=HOSTILE, ticket="T-1")
    opened.close()
    path.with_suffix(".html").write_text(out.getvalue(), "utf-8")
    return out.getvalue()


def test_trace_data_is_never_markup(tmp_path: Path) -> None:
    """What a stranger sent opens no tag, ends no script, and hides no direction mark."""
    text = report(session(40), tmp_path / "t.jsonl")
    assert "<img" not in text
    assert text.count("<script") == 4
    shown = text.partition('<script type="application/json"')[0]
    assert "\x1b" not in shown
    assert "\u202e" not in shown


def test_it_may_load_nothing() -> None:
    """Style and script are allowed by their hash, all else is forbidden; they ask for nothing."""
    for name in ("report.css", "report.js"):
        text = (html._ASSETS / name).read_text("utf-8")
        assert not re.search(r"https?:|//[a-z]|@import|url\(|fetch|XMLHttp|import\(|eval", text)


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_it_says_everything_without_script(tmp_path: Path, lang: str) -> None:
    """Findings, timeline, resolution and redaction level are there before any script runs."""
    text = report(session(100), tmp_path / "t.jsonl", lang)
    for part in ('class="finding ', "<svg", 'class="operation', 'class="verdict chosen"'):
        assert part in text
    assert "default-src 'none'" in text
    assert "html." not in text.partition("<footer>")[0].replace("report.html", "")


def test_the_events_are_the_lines(tmp_path: Path) -> None:
    """Each line of the trace is in the page as it was written, but for the spelling of ``<``."""
    trace = session(40)
    text = report(trace, tmp_path / "t.jsonl")
    data = text.partition('id="lines">')[2].partition("</script>")[0]
    lines = [line for line in data.split("\n") if line]
    assert [json.loads(line) for line in lines] == [
        json.loads(line) for line in trace.lines().split(b"\n") if line
    ]
    assert "12345678901234567890" in data


def test_too_many_events_keep_those_that_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond the limit errors, operations and decisions come first, and the page says so."""
    monkeypatch.setattr(html, "MOST_EVENTS", 60)
    text = report(session(700), tmp_path / "t.jsonl")
    data = [json.loads(line) for line in text.partition('id="lines">')[2].split("\n")[:60]]
    assert {one["kind"] for one in data} >= {"session", "operation", "exchange"}
    assert sum(one["status"] == 403 for one in data) == 20
    assert "This page shows 60 of" in text


@pytest.mark.outside
@needs(CHROMIUM, "chromium")
@pytest.mark.parametrize("count", [1_000, 49_995])
async def test_it_works_in_a_browser(tmp_path: Path, count: int) -> None:
    """Offline, no console error, no request; list, search, detail, links and keys work."""
    trace = session(count)
    report(trace, tmp_path / "t.jsonl")
    wanted = trace.events[count // 2]
    async with page() as tab:
        await tab.send("Network.emulateNetworkConditions", offline=True, latency=0,
                       downloadThroughput=-1, uploadThroughput=-1)  # fmt: skip
        await tab.open(tmp_path / "t.html")
        await tab.until("document.documentElement.dataset.ready === 'yes'")
        rows = await tab.run("document.querySelectorAll('.row').length")
        assert 10 < rows < 120  # those on the screen, whatever the count

        needle = f"needle-{(count // 2) // 7 * 7 + 1}"
        found = await tab.run(f"""(async () => {{
            const search = document.getElementById('search');
            search.value = '{needle} ';
            search.dispatchEvent(new Event('input'));
            await new Promise((done) => setTimeout(done, 400));
            return document.getElementById('hits').textContent;
        }})()""")
        assert re.fullmatch(rf"1 of {len(trace.events)}", found)
        await tab.until(f"document.querySelector('#detail mark')?.textContent === '{needle} '")
        text = await tab.run("document.getElementById('detail').textContent")
        assert "12345678901234567890" in text  # as written, not as JavaScript rounds it
        assert "\\u202e" in text
        assert await tab.run("document.querySelectorAll('#detail details').length > 0")

        await tab.run("document.getElementById('search').dispatchEvent("
                      "new KeyboardEvent('keydown', {key: 'Escape'}))")  # fmt: skip
        await tab.run(f"location.hash = '#e={wanted.id}'")
        await tab.until(f"document.getElementById('detail').dataset.id === '{wanted.id}'")
        await tab.run("document.querySelector('#list').dispatchEvent("
                      "new KeyboardEvent('keydown', {key: 'e'}))")  # fmt: skip
        await tab.until("document.querySelector('.row.on')?.classList.contains('failed')")
        await tab.run("document.querySelector('#list').dispatchEvent("
                      "new KeyboardEvent('keydown', {key: 'G'}))")  # fmt: skip
        await tab.until("document.getElementById('list').scrollTop > 100")
        assert tab.problems == []
        assert tab.requests == [(tmp_path / "t.html").as_uri()]


def test_a_page_of_big_events_stays_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limit of bytes an event keeps its head, and says where the rest is."""
    monkeypatch.setattr(html, "MOST_BYTES", 4_000)
    text = report(session(100), tmp_path / "t.jsonl")
    data = [one for one in text.partition('id="lines">')[2].split("\n") if one.startswith("{")]
    assert len(data) >= 100
    assert "too long for this page" in data[-1]
