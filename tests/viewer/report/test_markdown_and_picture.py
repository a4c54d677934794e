"""The Markdown report and the picture: complete, and inert whatever the trace holds."""

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.support.traces import TraceBuilder
from tests.viewer.report.test_text import story
from viewer.model.findings import diagnose
from viewer.model.trace import Trace
from viewer.report.markdown import code, escaped, markdown
from viewer.report.picture import picture

HOSTILE = "![x](http://evil.example/p.png) <img src=x> [a](javascript:b) www.evil.example | `c`"


def opened(trace: TraceBuilder, tmp_path: Path) -> Trace:
    """Write and open `trace`."""
    return Trace.open([trace.write(tmp_path / "t.jsonl")], cache=False)


def test_markdown_tells_the_story(tmp_path: Path) -> None:
    """Findings, operations with account and reasons, a table of calls, gaps, redaction level."""
    trace = opened(story(), tmp_path)
    text = markdown(trace, diagnose(trace), note="seen twice", ticket="T-7")
    trace.close()
    for said in (
        "# mapi-tracer report: T-7 · essai", "> seen twice", "## Findings:", "### ✅", "### ❌",
        "DivaltoInfinityWinAccountEnv", "| ❌ | 403 | 90 ms | `gmail.users.messages.send` |",
        "## Gaps: 1", "never text, subject or attachments",
    ):  # fmt: skip
        assert said in text


@pytest.mark.parametrize("hostile", [HOSTILE, "# x", "- x", "1. x", "> x", "~~~", "a\nb", "&lt;"])
def test_markdown_of_strangers_is_inert(hostile: str, tmp_path: Path) -> None:
    """No image, link, HTML, heading or table cell comes out of what a trace says."""
    markdown_it = pytest.importorskip("markdown_it")
    trace = TraceBuilder()
    with trace.operation(hostile, "gmail", identity={"environment": hostile}, account=hostile):
        trace.call(hostile, "gmail", 500, exchange={"error": {"type": "X", "message": hostile}})
    one = opened(trace, tmp_path)
    text = markdown(one, [], note=hostile)
    one.close()
    page = markdown_it.MarkdownIt("commonmark", {"html": True}).enable("table").render(text)
    assert not [tag for tag in ("<img", "<a ", 'javascript:b"', "<h4", "<hr") if tag in page]
    assert page.count("<h1>") == 1
    said = re.sub("<code>.*?</code>", "", page)
    assert "http://evil" not in said
    assert "www.evil" not in said


def test_google_addresses_stay_copyable() -> None:
    """A scope is a URL to copy: it gets no invisible character; a stranger's URL does."""
    scope = "https://www.googleapis.com/auth/gmail.send"
    assert escaped(scope) == scope
    assert "\u200b" in escaped("https://www.googleapis.com.evil.example/")


@pytest.mark.parametrize("text", ["a`b", "``", "`", "a``b`"])
def test_code_spans_hold_backticks(text: str) -> None:
    """A code span ends where we end it."""
    markdown_it = pytest.importorskip("markdown_it")
    page = markdown_it.MarkdownIt().render("x " + code(text) + " y")
    assert f"<code>{text}</code>" in page


def test_the_picture_is_a_picture(tmp_path: Path) -> None:
    """Well-formed SVG with nothing active: title, findings, a bar for each operation and call."""
    trace = opened(story(), tmp_path)
    drawn = picture(trace, diagnose(trace))
    root = ElementTree.fromstring(drawn)
    names = {node.tag.rpartition("}")[2] for node in root.iter()}
    assert names <= {"svg", "style", "rect", "text", "circle", "path"}
    bars = [node for node in root.iter() if node.get("rx") == "3"]
    assert len(bars) == 4
    assert "gmail.users.messages.send" in drawn
    alone = picture(trace, [], titled=False)
    assert len(alone) < len(drawn)
    trace.close()


def test_the_picture_of_hostile_or_empty_traces(tmp_path: Path) -> None:
    """Markup in names is text, and a trace without events has a picture too."""
    trace = TraceBuilder()
    with trace.operation('"><script>x</script>\x1b&', "gmail"):
        pass
    for one in (trace, TraceBuilder()):
        both = opened(one, tmp_path)
        assert "<script" not in picture(both, [])
        ElementTree.fromstring(picture(both, [], "fr"))
        both.close()


def test_the_picture_sets_calls_without_an_operation_apart(tmp_path: Path) -> None:
    """Under a heading of their own: they would seem to be calls of the operation above."""
    trace = TraceBuilder()
    with trace.operation("send", "gmail"):
        trace.call("gmail.users.messages.send", "gmail", 200)
    trace.call("gmail.users.messages.list", "gmail", 403)
    one = opened(trace, tmp_path)
    drawn = picture(one, [])
    one.close()
    heading, call = drawn.index("Calls outside any operation: 1"), drawn.index("messages.list")
    assert drawn.index("messages.send") < heading < call


def test_labels_and_counts_read_well(tmp_path: Path) -> None:
    """French labels have their space before the colon, and what came once is not counted."""
    trace = opened(story(), tmp_path)
    text = markdown(trace, diagnose(trace), "fr")
    trace.close()
    assert "- **demandé par :** " in text
    assert "réfuté si : " in text
    assert "×1)" not in text
