"""`tracer on | off | status | run`, as processes."""

import json
import os
import stat
import sys
import time
from pathlib import Path

import pytest

from tests.support.commands import run
from tests.support.traces import TraceBuilder
from tracer.cli.session import count, local
from tracer.i18n import Catalogue

POSIX = pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")


def test_the_round_trip_says_what_to_do_next(clean_environment: Path) -> None:
    """On, status, off: each answer names the file and the next command."""
    on = run("tracer", "on", "--label", "acme 4711", "--for", "5m")
    assert on.returncode == 0
    assert "tracer off" in on.stdout
    status = run("tracer", "status")
    assert "acme 4711" in status.stdout
    assert "bodies  structure" in status.stdout
    off = run("tracer", "off")
    (file,) = (clean_environment / "sessions").glob("*.jsonl")
    assert f"traceview {file}" in off.stdout
    assert off.stdout.startswith("Debug is off: ")
    assert "nothing: no program that debug reaches did anything" in off.stdout
    assert run("tracer", "status").stdout.startswith("Debug is off.")


def test_on_twice_keeps_the_first_session() -> None:
    """A second `on` changes nothing and says so."""
    first = run("tracer", "on", "--label", "one")
    second = run("tracer", "on", "--label", "two")
    assert second.returncode == 0
    assert "on already" in second.stdout
    assert first.stdout.splitlines()[1] == second.stdout.splitlines()[1]


def test_off_when_off_is_fine() -> None:
    """`off` is idempotent: exit code 0, and it says so."""
    off = run("tracer", "off")
    assert (off.returncode, off.stdout) == (0, "Debug is off already.\n")


def test_status_for_machines_holds_no_key() -> None:
    """`status --json` tells state and size, and never the key of the tags."""
    assert json.loads(run("tracer", "status", "--json").stdout) == {"on": False}
    run("tracer", "on")
    facts = json.loads(run("tracer", "status", "--json").stdout)
    assert facts["on"] is True
    assert facts["size"] > 0
    assert "key" not in facts


@POSIX
def test_home_and_file_are_private(clean_environment: Path, tmp_path: Path) -> None:
    """The folder is 0700, control file and session 0600, whatever the umask."""
    out = tmp_path / "here.jsonl"
    run("tracer", "on", "--out", out)
    modes = [
        stat.S_IMODE(p.stat().st_mode)
        for p in (clean_environment, clean_environment / "control.json", out)
    ]
    assert modes == [0o700, 0o600, 0o600]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("on", "--for", "soon"), "write 90s, 30m or 2h"),
        (("on", "--cap", "much"), "write 500K, 200M or 1G"),
        (("on", "--bodies", "some"), "structure"),
        (("run",), "say what to run"),
        (("nothing",), "invalid choice"),
    ],
)
def test_bad_words_are_usage_errors(words: tuple[str, ...], says: str) -> None:
    """Exit code 2 and a line that tells the right words."""
    done = run("tracer", *words)
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unwritable_home_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A home that cannot be made is one line that names TRACER_HOME."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TRACER_HOME", str(tmp_path / "file" / "home"))
    done = run("tracer", "on")
    assert done.returncode == 3
    assert len(done.stderr.splitlines()) == 1
    assert "TRACER_HOME" in done.stderr


def test_run_passes_the_commands_own_exit_code_on() -> None:
    """`tracer run` ends as its command ends."""
    assert run("tracer", "run", "--", sys.executable, "-c", "raise SystemExit(7)").returncode == 7


def test_run_of_nothing_known_says_so() -> None:
    """A command that does not exist: 127 and one line."""
    done = run("tracer", "run", "--", "no-such-command-4711")
    assert done.returncode == 127
    assert "no-such-command-4711" in done.stderr.splitlines()[-1]


@POSIX
def test_run_of_what_cannot_be_run_says_so(tmp_path: Path) -> None:
    """A file that is no program: 126 and what to do."""
    script = tmp_path / "app.py"
    script.write_text("print(1)")
    done = run("tracer", "run", "--", script)
    assert done.returncode == 126
    assert "executable" in done.stderr.splitlines()[-1]


@POSIX
def test_a_killed_command_ends_as_a_shell_says_it() -> None:
    """Killed by signal 9: 137."""
    code = "import os; os.kill(os.getpid(), 9)"
    assert run("tracer", "run", "--", sys.executable, "-c", code).returncode == 137


def test_full_bodies_are_said_aloud() -> None:
    """`--bodies full` warns on stderr."""
    assert "will hold mail" in run("tracer", "on", "--bodies", "full").stderr


def test_off_counts_what_was_recorded_and_what_failed(tmp_path: Path) -> None:
    """An operation and its calls are told apart, so that one failure is not three."""
    trace = TraceBuilder()
    with trace.operation("send", "gmail", status=1):
        trace.call("gmail.users.messages.send", "gmail", 403)
        trace.call("gmail.users.messages.list", "gmail", 200)
    found = count(trace.write(tmp_path / "t.jsonl"))
    assert found.text(Catalogue("cli", "en")) == (
        "operations: 1 (failed: 1), calls: 2 (failed: 1), exchanges: 2 (failed: 1)"
    )


@POSIX
def test_times_are_those_of_the_wall(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who switches debug on is told the end in the time of his own clock."""
    monkeypatch.setenv("TZ", "Europe/Paris")
    time.tzset()
    try:
        assert local("2026-11-22T18:01:41.407791Z") == "2026-11-22 19:01"
    finally:
        monkeypatch.undo()
        time.tzset()


@POSIX
@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_a_session_is_a_regular_file(kind: str, tmp_path: Path) -> None:
    """A pipe would wait for a reader, and a device must keep its mode: both are refused."""
    out = Path(os.devnull) if kind == "device" else tmp_path / "pipe"
    if kind == "pipe":
        os.mkfifo(out)
    before = out.stat().st_mode
    done = run("tracer", "on", "--out", out)
    assert done.returncode == 3
    assert "no regular file: choose another file with --out" in done.stderr
    assert out.stat().st_mode == before


def test_an_accent_in_the_label_stays_readable(clean_environment: Path) -> None:
    """The name of the file is plain ASCII, with the letters of the label."""
    run("tracer", "on", "--label", "réunion été")
    (file,) = (clean_environment / "sessions").glob("*.jsonl")
    assert "-reunion-ete-" in file.name
