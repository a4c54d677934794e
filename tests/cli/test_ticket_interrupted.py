"""`tracer bundle` ended in the middle, by whatever: a whole ticket with its map, or neither."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.traces import TraceBuilder
from viewer.ticket.workshop import workshop

pytestmark = pytest.mark.skipif(os.name != "posix", reason="Windows has no signals to send")

MOMENTS = (
    "1/session-1.jsonl.zst",
    "1/report.md",
    "1/report.html",
    "1/manifest.json",
    "1/ticket.zip",
)
"""What the folder in the making holds when the signal comes: one for each stage."""


@pytest.fixture(scope="module")
def content() -> bytes:
    """Return a session that takes a second or two."""
    trace = TraceBuilder()
    for n in range(2_500):
        with trace.operation("send", "gmail", account=f"u{n}@masoc.com"):
            trace.call("gmail.users.messages.send", "gmail", params={"userId": f"u{n}@masoc.com"})
    return trace.lines()


@pytest.fixture
def session(content: bytes, tmp_path: Path) -> Path:
    """Return the session's file, alone in its folder."""
    path = tmp_path / "s.jsonl"
    path.write_bytes(content)
    return path


def start(session: Path) -> "subprocess.Popen[bytes]":
    """Begin to make t.zip; not measured, because a signal can lock up what measures."""
    plain = {k: v for k, v in os.environ.items() if not k.startswith("COV")}
    return subprocess.Popen(
        [sys.executable, "-c", "import sys; from tracer.cli.main import main; sys.exit(main())",
         "bundle", str(session), "-o", str(session.parent / "t.zip")],
        stderr=subprocess.PIPE, stdout=subprocess.PIPE, env=plain,
    )  # fmt: skip


def end_at(session: Path, moment: str, number: signal.Signals) -> tuple[int, bytes]:
    """Send the signal once `moment` is there; return the exit code and stderr."""
    process = start(session)
    while not [*session.parent.glob(f".t.zip.unfinished-*/{moment}")] and process.poll() is None:
        time.sleep(0.001)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    return process.returncode, err


def names(folder: Path) -> list[str]:
    """Return the names in `folder`."""
    return sorted(path.name for path in folder.iterdir())


HALF_MADE = """
import os, sys, viewer.ticket.bundle
from tracer.cli.main import main

class Half:
    def __init__(self, number):
        os.kill(os.getpid(), number)
        while True: pass
    def __del__(self):
        self.made

number = int(sys.argv.pop())
viewer.ticket.bundle.bundle = lambda order: Half(number)
sys.exit(main())
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_half_made_object_of_a_library_says_nothing(
    number: signal.Signals, session: Path
) -> None:
    """A signal may come while one is made; that it cannot be closed then is not the user's."""
    words = ["bundle", str(session), "-o", str(session.parent / "t.zip"), str(int(number))]
    done = subprocess.run([sys.executable, "-c", HALF_MADE, *words], capture_output=True)
    assert (done.returncode, done.stderr) == (130, b"")


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_leaves_nothing(number: signal.Signals, moment: str, session: Path) -> None:
    """Ctrl-C or an end in any stage: exit code 130, not a word, the session alone in its folder."""
    code, err = end_at(session, moment, number)
    assert err == b""
    if "t.zip" in names(session.parent):  # the signal came when all was done
        assert names(session.parent) == ["s.jsonl", "t.map", "t.zip"]
        assert code in {0, 130, -number}
    else:
        assert names(session.parent) == ["s.jsonl"]
        assert code == 130


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_leaves_what_the_next_run_removes(moment: str, session: Path) -> None:
    """No archive and no map under their names; one folder, called unfinished, until the next."""
    code, _ = end_at(session, moment, signal.SIGKILL)
    assert code == -signal.SIGKILL
    left = names(session.parent)
    assert len(left) == 2
    assert left[0].startswith(".t.zip.unfinished-")
    assert (session.parent / left[0]).stat().st_mode & 0o077 == 0
    small = session.parent / "small.jsonl"
    trace = TraceBuilder()
    trace.add("note", "point", "n", "session", text="nothing")
    trace.write(small)
    process = start(small)
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert names(session.parent) == ["s.jsonl", "small.jsonl", "t.map", "t.zip"]


def test_a_bundle_at_work_is_left_alone(session: Path) -> None:
    """A second bundle into the same folder takes nothing from under the first."""
    process = start(session)
    while not [*session.parent.glob(".t.zip.unfinished-*/1/*")] and process.poll() is None:
        time.sleep(0.001)
    with workshop(session.parent / "other.zip"):
        assert len([*session.parent.glob(".*.unfinished-*")]) == 2
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, b"")
    assert names(session.parent) == ["s.jsonl", "t.map", "t.zip"]
