"""The HAR export in other people's hands: a HAR library, HAR's published schema, the leak check."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from haralyzer import HarParser

from tests.protocol.outside.programs import installed
from tests.support.traces import TraceBuilder
from tests.viewer.ticket import planted
from tracer.cli.main import main as tracer
from viewer.cli import main as traceview

SAMPLES = sorted((Path(__file__).parents[3] / "samples" / "sessions").glob("*.jsonl"))
VALIDATE = """
const {har} = require('har-validator/lib/promise');
const {readFileSync} = require('fs');
(async () => {
  for (const path of process.argv.slice(1)) {
    try { await har(JSON.parse(readFileSync(path))); }
    catch (error) { console.log(path, JSON.stringify(error.errors || String(error))); }
  }
})();
"""


def har_of(session: Path, out: Path) -> Path:
    """Export a session or a ticket from the shell."""
    assert traceview(["export", "har", str(session), "--no-cache", "-o", str(out)]) == 0
    return out


@pytest.mark.outside
def test_the_published_schema_accepts_it(tmp_path: Path) -> None:
    """The HAR of every sample session passes the validator from npm; a damaged one does not."""
    modules = installed("har-validator@5.1.5")
    node = shutil.which("node")
    assert node is not None
    made = [har_of(session, tmp_path / f"{session.stem}.har") for session in SAMPLES]
    assert len(made) > 5
    damaged = tmp_path / "damaged.har"
    content = json.loads(made[0].read_bytes())
    del content["log"]["entries"][0]["request"]["headersSize"]
    damaged.write_text(json.dumps(content))
    done = subprocess.run(
        [node, "-e", VALIDATE, *made, damaged], cwd=modules.parent,
        capture_output=True, text=True, check=True, timeout=250,
    )  # fmt: skip
    complaints = done.stdout.splitlines()
    assert [line.split()[0] for line in complaints] == [str(damaged)], done.stdout
    assert "headersSize" in complaints[0]


@pytest.mark.parametrize("session", SAMPLES, ids=lambda path: path.stem)
def test_a_har_library_reads_it(session: Path, tmp_path: Path) -> None:
    """haralyzer tells method, address, status, start and duration of each exchange as recorded."""
    path = har_of(session, tmp_path / "x.har")
    events = [json.loads(line) for line in session.read_text("utf-8").splitlines() if line]
    recorded = {
        event["id"]: event
        for event in events
        if event["kind"] == "exchange" and str(event["data"].get("url")).startswith("http")
    }  # an end line comes after its start line
    parser: Any = HarParser(json.loads(path.read_bytes()))
    assert parser.version == "1.2"
    assert parser.creator["name"] == "mapi-tracer"
    # an entry that belongs to no page is kept apart by haralyzer
    entries = [entry for page in parser.pages for entry in page.entries]
    assert len(entries) == len(recorded)
    for entry in entries:
        event = recorded[entry.raw_entry["_trace"]["event"]]
        assert entry.request.method == event["data"]["method"]
        assert unquote(entry.request.url) == unquote(event["data"]["url"])
        assert entry.response.status == (event["status"] or 0)
        assert entry.startTime.utcoffset().total_seconds() == 0
        assert entry.time >= (event["ms"] or 0)


def test_the_har_of_a_ticket_passes_the_check(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exported from the archive it holds pseudonyms only, in HAR's own encodings too."""
    session = planted.write(tmp_path / "s.jsonl")
    ticket = tmp_path / "t.zip"
    assert tracer(["bundle", str(session), "-o", str(ticket)]) == 0
    har = har_of(ticket, tmp_path / "t.har")
    assert len(json.loads(har.read_bytes())["log"]["entries"]) > 3
    capsys.readouterr()
    assert tracer(["bundle", "--check", str(har)]) == 0
    assert "nothing found" in capsys.readouterr().out


def entry_with(har: Path, name: str, value: str) -> dict[str, Any]:
    """Put a header, as a browser writes it, into the only entry of a clean HAR."""
    content: dict[str, Any] = json.loads(har.read_bytes())
    (entry,) = content["log"]["entries"]
    entry["request"]["headers"] = [{"name": name, "value": value}]
    return content


@pytest.mark.parametrize(
    ("name", "value", "kind"),
    [
        ("Authorization", "Bearer abcdefghijklmnopqrstuvwx", "bearer token"),
        ("Authorization", "abcdefghijklmnopqrstuvwx", "named secret"),
        ("Cookie", "SID=abcdefghij", "named secret"),
        ("x-whatever", "ya29.a0AfH6SMBx1234567890", "Google access token"),
    ],
)
@pytest.mark.parametrize("indent", [None, 2])
def test_a_har_with_a_secret_fails_the_check(
    name: str, value: str, kind: str, indent: int | None, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """With the headers whole, written in one line or many: refused, and the value is not said."""
    trace = TraceBuilder()
    url = "https://gmail.googleapis.com/gmail/v1/users/me/messages"
    trace.call("gmail.users.messages.list", "gmail", exchange={"method": "GET", "url": url})
    har = har_of(trace.write(tmp_path / "s.jsonl"), tmp_path / "x.har")
    assert tracer(["bundle", "--check", str(har)]) == 0
    content = entry_with(har, name, "⟨redacted token #0123456789⟩")
    har.write_text(json.dumps(content, indent=indent))
    assert tracer(["bundle", "--check", str(har)]) == 0
    har.write_text(json.dumps(entry_with(har, name, value), indent=indent))
    capsys.readouterr()
    assert tracer(["bundle", "--check", str(har)]) == 1
    said = capsys.readouterr().err
    assert f": {kind}" in said
    assert value not in said
