"""Tickets given to traceview: verified first."""

import zipfile
from pathlib import Path

import pytest

from tests.support.commands import run
from tests.support.traces import TraceBuilder


@pytest.fixture
def ticket(tmp_path: Path) -> Path:
    """Make a ticket of a small session."""
    build = TraceBuilder()
    with build.operation("send", "gmail"):
        build.call("gmail.users.messages.send", "gmail", 403)
    session = build.write(tmp_path / "s.jsonl")
    made = tmp_path / "t.zip"
    done = run("tracer", "bundle", session, "-o", made)
    assert done.returncode == 0, done.stderr
    return made


def test_a_ticket_opens_like_its_session(ticket: Path) -> None:
    """The calls of the session are the calls of the ticket."""
    assert "gmail.users.messages.send" in run("traceview", "calls", ticket).stdout


def test_a_changed_ticket_is_refused(ticket: Path, tmp_path: Path) -> None:
    """Another byte in a member: one line, exit code 66."""
    changed = tmp_path / "changed.zip"
    with zipfile.ZipFile(ticket) as old, zipfile.ZipFile(changed, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, content + b" " if name == "report.md" else content)
    done = run("traceview", changed)
    assert done.returncode == 66
    assert len(done.stderr.splitlines()) == 1
    assert "report.md" in done.stderr


def test_a_zip_that_is_no_ticket_is_refused(tmp_path: Path) -> None:
    """What nobody vouches for is not read."""
    plain = tmp_path / "plain.zip"
    with zipfile.ZipFile(plain, "w") as new:
        new.writestr("s.jsonl", "{}")
    done = run("traceview", plain)
    assert done.returncode == 66
    assert "Traceback" not in done.stderr


def test_a_locked_ticket_asks_for_its_password(tmp_path: Path) -> None:
    """Without a terminal to ask on: one line that says so."""
    session = TraceBuilder()
    with session.operation("send", "gmail"):
        pass
    made = tmp_path / "t.zip"
    trace = session.write(tmp_path / "s.jsonl")
    assert (
        run("tracer", "bundle", trace, "-o", made, "--password", stdin="geheim\n").returncode == 0
    )
    done = run("traceview", made)
    assert done.returncode == 66
    assert "password" in done.stderr
