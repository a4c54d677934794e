"""The plain report: what it names, what it leaves out, that nothing in it acts."""

# ruff: noqa: E501 - made-up data reads best on one line

import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.traces import TraceBuilder
from tracer.protocol.steps import Reason, Rule
from viewer.i18n import Catalogue
from viewer.model.findings import diagnose
from viewer.model.trace import Trace
from viewer.report import text as module
from viewer.report.html import write_html
from viewer.report.markdown import markdown
from viewer.report.picture import picture
from viewer.report.text import report
from viewer.report.words import duration, size, step_sentence

IDENTITY = {
    "environment": "LESPETITSPAINS",
    "harmony_user": "PDUPOND",
    "windows_account": "Dupond@soc-windows.com",
}


def story() -> TraceBuilder:
    """Return a session in which everything happens once."""
    trace = TraceBuilder()
    trace.add(
        "session", "start", "essai", "session", label="essai", bodies="structure", session="ab" * 16
    )
    with trace.operation(
        "send",
        "gmail",
        identity=IDENTITY,
        result={"account": "dupond@lespetitspains.com", "via": "env"},
    ):
        trace.step(
            "env", "granted", "matched", n=1, attribute="DivaltoInfinityWinAccountEnv",
            candidate="dupond@lespetitspains.com",
            compared={"wanted": "Dupond@soc-windows.com", "found": ["dupond@soc-windows.com"],
                      "folded": True, "environment": {"wanted": "LESPETITSPAINS", "found": []}},
        )  # fmt: skip
        trace.step(
            "outcome", "chosen", "chosen", n=2, attribute="DivaltoInfinityWinAccountEnv",
            candidate="dupond@lespetitspains.com", args={"via": "env", "others": 2, "mailbox": False},
        )  # fmt: skip
        trace.call("gmail.users.messages.send", "gmail", 403, ms=90.0, exchange={"response": {
            "status": 403, "body": {"json": {"error": {"message": "Insufficient scopes."}}}}})  # fmt: skip
        trace.call("gmail.users.messages.get", "gmail", answered=False)
    error = {"type": "NotAdmitted", "message": "refused", "cause": "protected", "remedy": "ask"}
    with trace.operation("resolve account", "resolution", status=1, identity={}, error=error):
        trace.step("configured", "refused", "not-admitted", n=1, candidate="d@masoc.com",
                   args={"attributes": ["DivaltoInfinityWinAccount"]})  # fmt: skip
    trace.add("gap", "point", "dropped", "session", count=3)
    return trace


def report_of(trace: TraceBuilder, tmp_path: Path, lang: str = "en", width: int = 100) -> str:
    """Return the report on `trace`, with its findings."""
    path = trace.write(tmp_path / "t.jsonl")
    opened = Trace.open([path], cache=False)
    found = report(opened, diagnose(opened), lang, width)
    opened.close()
    return found


def test_it_names_account_attribute_and_reason(tmp_path: Path) -> None:
    """Who asked, which account, which attribute decided, why, the calls, the errors, the findings."""
    text = " ".join(report_of(story(), tmp_path).split())
    for said in (
        "environment LESPETITSPAINS · Windows account Dupond@soc-windows.com · Harmony user PDUPOND",
        "dupond@lespetitspains.com, decided by DivaltoInfinityWinAccountEnv",
        "holds Dupond@soc-windows.com for environment LESPETITSPAINS",
        "Upper and lower case or spaces differ",
        "Others that fit too: 2",
        "It has no mailbox",
        "✘ 403 90 ms gmail.users.messages.send",
        "Insufficient scopes.",
        "no answer gmail.users.messages.get",
        "d@masoc.com is protected by DivaltoInfinityWinAccount",
        "NotAdmitted: refused",
        "cause protected",
        "do ask",
        "events dropped (count 3)",
        "never text, subject or attachments",
        "operations: 2 (1 failed)",
    ):
        assert said in text
    assert "Findings: 0" not in text


def test_it_speaks_french(tmp_path: Path) -> None:
    """The same in French."""
    text = " ".join(report_of(story(), tmp_path, "fr").split())
    for said in (
        "demandé par environnement LESPETITSPAINS",
        "décidé par",
        "sans réponse",
        "Caviardage",
    ):
        assert said in text


@pytest.mark.parametrize("width", [40, 80, 160])
def test_it_keeps_to_the_width(tmp_path: Path, width: int) -> None:
    """No line is wider than asked for."""
    assert max(map(len, report_of(story(), tmp_path, width=width).splitlines())) <= width


@pytest.mark.parametrize("lang", ["en", "fr"])
@pytest.mark.parametrize("code", Reason)
@pytest.mark.parametrize("rule", Rule)
def test_every_reason_has_a_sentence(lang: str, code: Reason, rule: Rule) -> None:
    """Each code of the resolution, under each rule, in each language, with or without its values."""
    words = Catalogue("report", lang)
    trace = TraceBuilder()
    trace.step(rule, "rejected", code)
    sentence = step_sentence(trace.events[0], words)
    assert words.has(f"reason.{code}")
    assert "{" not in sentence
    assert "reason." not in sentence


def test_an_unknown_reason_is_shown_as_it_is() -> None:
    """A later version's code is named, not hidden."""
    trace = TraceBuilder()
    trace.step("env", "rejected", "moon-phase")
    assert "moon-phase" in step_sentence(trace.events[0], Catalogue("report", "en"))


ODD = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(max_size=20)
    | st.sampled_from(["\x1b]52;c;eA==\x07", "\x9b31m", "\u202e", "[/]", "{0}", "{self}", "%s"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["args", "code", "found", "wanted", "self", "type", "message", "0"]), inner, max_size=4),
    max_leaves=8,
)  # fmt: skip


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(identity=ODD, error=ODD, reason=ODD, response=ODD, name=st.text(max_size=12))
def test_no_data_can_act_or_break_it(
    tmp_path: Path, identity: object, error: object, reason: object, response: object, name: str
) -> None:
    """Whatever shapes and signs a trace holds: a report, without a character that acts."""
    trace = TraceBuilder()
    with trace.operation(name, "gmail", identity=identity, error=error, account=name):
        trace.add("step", "point", name, "resolution", reason=reason, compared=response)
        trace.call(name, "gmail", 500, exchange={"response": response, "error": error})
    text = report_of(trace, tmp_path)
    assert not [
        char for char in text if char != "\n" and (ord(char) < 32 or 0x7F <= ord(char) < 0xA0)
    ]
    assert "\u202e" not in text


def test_a_long_trace_is_cut_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limits the report counts what it leaves out."""
    monkeypatch.setattr(module, "MOST_OPERATIONS", 3)
    monkeypatch.setattr(module, "MOST_CALLS", 2)
    trace = TraceBuilder()
    for _ in range(5):
        with trace.operation("send", "gmail"):
            for _ in range(4):
                trace.call("gmail.users.messages.get", "gmail")
    text = report_of(trace, tmp_path)
    assert text.count("send  (") == 3
    assert text.count("… 2 more") == 4


def test_an_empty_trace_has_a_report(tmp_path: Path) -> None:
    """No event at all is said, not raised; the redaction level is then unknown."""
    text = report_of(TraceBuilder(), tmp_path)
    assert "No operation was recorded." in text
    assert "Treat it as if it held everything" in " ".join(text.split())


def test_measures_read_well() -> None:
    """Durations and sizes come in the unit that fits."""
    assert [duration(ms) for ms in (None, 0.42, 120.4, 3200, 125_000)] == [
        "–", "0.4 ms", "120 ms", "3.20 s", "2 min 5 s",
    ]  # fmt: skip
    assert [size(n) for n in (812, 1_400, 2_500_000, 2e9)] == [
        "812 B",
        "1.4 kB",
        "2.5 MB",
        "2.0 GB",
    ]


def test_calls_outside_operations_are_told(tmp_path: Path) -> None:
    """A program that knows no operations: its calls and their errors are the report."""
    trace = TraceBuilder()
    trace.call("gmail.users.messages.list", "gmail", 403, exchange={"response": {
        "body": {"json": {"error": {"message": "Insufficient scopes."}}}}})  # fmt: skip
    text = report_of(trace, tmp_path)
    assert "Calls outside any operation: 1" in text
    assert "gmail.users.messages.list" in text
    assert "Insufficient scopes." in text


def test_hostile_depth_is_cut(tmp_path: Path) -> None:
    """JSON nested 900 deep in whatever place a report looks at."""
    deep = "DEEP"
    trace = TraceBuilder()
    with trace.operation("send", "gmail", identity=deep, error={"type": deep, "message": deep}):
        trace.add("step", "point", "env", "resolution", candidate=deep, compared={"found": deep})
        trace.call(
            "m", "gmail", 500, exchange={"error": {"type": deep}, "response": {"text": deep}}
        )
    path = tmp_path / "t.jsonl"
    nested = b'{"environment":[' * 450 + b"1" + b"]}" * 450
    path.write_bytes(trace.lines().replace(b'"DEEP"', nested))
    opened = Trace.open([path], cache=False)
    assert len(opened) == 7
    assert "asked by" in report(opened, [])
    assert "send" in markdown(opened, [])
    assert "send" in picture(opened, [])
    page = io.StringIO()
    write_html(opened, [], page)
    assert "send" in page.getvalue()
    opened.close()
