"""The recorded sessions: what the code writes, whole, harmless, and each with its tab full."""

import subprocess
import sys
from pathlib import Path

import orjson
import pytest
from jsonschema import Draft202012Validator

import tracer.schema.events
from samples.record_rows import PLANTED, ROWS, Row
from tests.support.leaks import SEEDED, leaked
from viewer.model.findings import diagnose
from viewer.model.trace import Trace

ROOT = Path(__file__).parents[2]
SESSIONS = ROOT / "samples" / "sessions"
EACH = pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])


def lines(path: Path) -> list[bytes]:
    """Return the events of a session as they stand."""
    return [line for line in path.read_bytes().split(b"\n") if line]


def first_difference(name: str, folder: Path) -> str:
    """Return the first line of a session that the code writes differently now."""
    kept, now = lines(SESSIONS / f"{name}.jsonl"), lines(folder / f"{name}.jsonl")
    for number, (old, new) in enumerate(zip(kept, now, strict=False), 1):
        if old != new:
            at = next(i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b)
            begin = max(0, at - 60)
            return f"event {number}: kept …{old[begin : at + 60]!r}, now …{new[begin : at + 60]!r}"
    return f"{len(kept)} events kept, {len(now)} now"


@pytest.mark.skipif(sys.platform == "win32", reason="a process cannot set its time zone there")
def test_the_sessions_are_what_the_code_writes(tmp_path: Path) -> None:
    """Recording them anew gives the same bytes; if it should not, `make samples` renews them."""
    command = [sys.executable, "-m", "samples.record", "--to", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=250)
    changed = {
        row.name: first_difference(row.name, tmp_path)
        for row in ROWS
        if row.needs is not None
        and lines(SESSIONS / f"{row.name}.jsonl") != lines(tmp_path / f"{row.name}.jsonl")
    }
    assert not changed, "run `make samples`, and look at what has changed"


def test_no_session_is_left_over() -> None:
    """Each file has its row."""
    assert {path.stem for path in SESSIONS.glob("*.jsonl")} == {row.name for row in ROWS}


@EACH
def test_a_session_follows_the_published_schema(row: Row) -> None:
    """Every line is valid by the JSON Schema of the format."""
    schema = Path(tracer.schema.events.__file__).with_name("v1.schema.json")
    validator = Draft202012Validator(orjson.loads(schema.read_bytes()))
    for line in lines(SESSIONS / f"{row.name}.jsonl"):
        validator.validate(orjson.loads(line))


@EACH
def test_a_session_holds_nothing_planted(row: Row) -> None:
    """No mail text, subject, attachment, password, token or key, in no encoding."""
    raw = (SESSIONS / f"{row.name}.jsonl").read_bytes()
    assert leaked(raw, (*PLANTED, *SEEDED)) == []


@EACH
def test_a_session_names_no_machine(row: Row) -> None:
    """No folder, process id, user or kernel of the machine that recorded it."""
    raw = (SESSIONS / f"{row.name}.jsonl").read_bytes()
    for trace_of in (b"/tmp", b"/home/", b"/root", b"/Users/", b"glibc", str(ROOT).encode()):
        assert trace_of not in raw


@EACH
def test_a_session_opens_with_its_tab_full(row: Row) -> None:
    """The viewer reads it without damage, and the row's topics have events."""
    trace = Trace.open([SESSIONS / f"{row.name}.jsonl"], cache=False)
    try:
        assert not trace.damage
        counts = trace.topic_counts()
        assert all(counts.get(topic) for topic in row.topics), counts
    finally:
        trace.close()


def test_the_incidents_show_what_the_wire_hides() -> None:
    """A call that was never answered, a hidden re-send, errors inside of a batch."""
    events = [
        orjson.loads(line)
        for name in ("20-lost-answers", "21-limits")
        for line in lines(SESSIONS / f"{name}.jsonl")
    ]
    begun = {e["id"] for e in events if e["kind"] == "exchange" and e["phase"] == "start"}
    exchanges = [e for e in events if e["kind"] == "exchange" and e["phase"] == "end"]
    assert len(begun - {e["id"] for e in exchanges}) == 1
    assert any(len(e["data"].get("wire", ())) == 2 for e in exchanges)
    assert any(e["data"]["role"] == "part" and e["status"] == 429 for e in exchanges)
    assert any(e["data"]["role"] == "call" and e["status"] == 429 for e in exchanges)


@pytest.mark.parametrize(
    ("name", "rules"),
    [
        ("00-demo", {"resolution-refused", "scope-insufficient", "send-limit"}),
        ("07-ldap", {"ldap-auth"}),
        ("13-smtp", {"smtp-auth", "smtp-recipient"}),
        ("20-lost-answers", {"timeout", "unanswered", "hidden-resend", "send-doubtful"}),
        ("21-limits", {"send-limit", "quota-exceeded", "batch-partial", "scope-insufficient"}),
    ],
)
def test_the_findings_name_what_was_done(name: str, rules: set[str]) -> None:
    """The causes that a session was made of are what its findings say, and nothing else."""
    trace = Trace.open([SESSIONS / f"{name}.jsonl"], cache=False)
    try:
        assert {one.rule for one in diagnose(trace)} == rules
    finally:
        trace.close()
