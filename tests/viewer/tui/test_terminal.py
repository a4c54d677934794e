"""Through a real terminal: what the bytes do, not what the widgets say."""

import os
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.viewer.tui import hostile, stories

pty = pytest.importorskip("pty", reason="pseudo-terminals are POSIX")
fcntl = pytest.importorskip("fcntl")
termios = pytest.importorskip("termios")

PROGRAM = "from viewer.tui.app import run; import sys; sys.exit(run(sys.argv[1:]))"
COMMAND = "from viewer.cli import main; import sys; sys.exit(main(sys.argv[1:]))"
SECONDS = 60.0


class Terminal:
    """A pseudo-terminal with the interface in it."""

    def __init__(self, fd: int, pid: int) -> None:
        self.fd = fd
        self.pid = pid
        self.output = b""

    def read(self, seconds: float) -> bytes:
        """Return what is written within `seconds`, or until nothing comes for a moment."""
        got = b""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            ready, _, _ = select.select([self.fd], [], [], 0.06)
            if not ready and got:
                break
            if ready:
                try:
                    piece = os.read(self.fd, 65536)
                except OSError:
                    break
                if not piece:
                    break
                got += piece
        self.output += got
        return got

    def wait_for(self, text: str) -> None:
        """Read until `text` was written."""
        until = time.monotonic() + SECONDS
        while text not in plain(self.output):
            assert time.monotonic() < until, f"{text!r} never came"
            self.read(0.1)

    def press(self, keys: str) -> None:
        """Type `keys`."""
        os.write(self.fd, keys.encode())
        self.read(0.3)


def plain(output: bytes) -> str:
    """Return terminal output without its escape sequences; its last character may be cut."""
    return re.sub(
        r"\x1b(\[[0-9;?<>=$]*[a-zA-Z~]|[()][0-9A-B]|[=>78])", "", output.decode("utf-8", "replace")
    )


@contextmanager
def terminal(*words: Path | str, program: str = PROGRAM, **environment: str) -> Iterator[Terminal]:
    """Run `program`, by default the interface on the paths `words`, in a terminal of 150 by 40."""
    pid, fd = pty.fork()
    if pid == 0:
        env = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", **environment}
        os.execvpe(sys.executable, [sys.executable, "-c", program, *map(str, words)], env)
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 150, 0, 0))
    try:
        yield Terminal(fd, pid)
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(fd)


# What Textual itself writes: CSI with parameters, charset and keypad switches, and line feeds.
OWN = re.compile(
    rb"\x1b\[[0-9;:?<>=]*[ -/]*[@-~]"  # CSI
    rb"|\x1b[()][0-9A-B]|\x1b[=>78cM]"
    rb"|\x1bP\+?=?[12]?[a-z]\x1b\\"  # synchronised output, queries
    rb"|\x1b\]22;[a-z-]+\x07"  # the shape of the mouse pointer
    rb"|\x1b\]52;c;[A-Za-z0-9+/=]*\x07"  # our own copy, where there is no other clipboard
)


def test_no_control_character_of_the_trace_reaches_the_terminal(tmp_path: Path) -> None:
    """Scrolling through every tab of a hostile session writes Textual's own sequences only."""
    with terminal(hostile.write(tmp_path / "enemy.jsonl")) as screen:
        screen.wait_for("events")
        for tab in "123456789]]]":
            screen.press(tab)
            screen.press("Gg ")
            screen.press("j\r-=.....\x1b")
        screen.press("yv")
        output = screen.output
    rest = OWN.sub(b"", output)
    assert not re.findall(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", rest)
    assert not re.findall("[\x80-\x9f\u202a-\u202e\u2066-\u2069]", rest.decode("utf-8", "replace"))
    for planted in (b"\x1b]52;c;cHduZWQ=", b"\x1b]0;title", b"\x1b[2Jx", b"\x1bP+q544e"):
        assert planted not in output


@pytest.mark.parametrize("words", [[], ["--no-mouse"]])
def test_the_mouse_stays_with_the_terminal_on_request(tmp_path: Path, words: list[str]) -> None:
    """With ``--no-mouse`` the terminal is never asked to report the mouse; otherwise it is."""
    path = stories.write(tmp_path / "story.jsonl")
    with terminal(path, *words, program=COMMAND) as screen:
        screen.wait_for("Findings")
        screen.press("2")
        asked = re.findall(rb"\x1b\[\?(?:1000|1002|1003|1006|1015|1016)h", screen.output)
    assert bool(asked) == (not words)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_the_terminal_is_given_back_on_a_signal(tmp_path: Path, number: signal.Signals) -> None:
    """Whoever ends the program from outside gets his screen and his mouse back."""
    with terminal(stories.write(tmp_path / "story.jsonl"), program=COMMAND) as screen:
        screen.wait_for("Findings")
        screen.press("2")
        os.kill(screen.pid, number)
        until = time.monotonic() + SECONDS
        while b"\x1b[?1049l" not in screen.output and time.monotonic() < until:
            screen.read(0.1)
        assert b"\x1b[?1049l" in screen.output
        assert b"\x1b[?1000l" in screen.output


def test_no_colour(tmp_path: Path) -> None:
    """With NO_COLOR everything is grey, and errors are still told by glyph and word."""
    with terminal(stories.write(tmp_path / "story.jsonl"), NO_COLOR="1") as screen:
        screen.wait_for("events")
        screen.press("4")
        screen.wait_for("✖")
        colours = set(re.findall(rb"[34]8;2;(\d+);(\d+);(\d+)", screen.output))
        assert all(max(c) - min(c) <= 2 for c in (tuple(map(int, rgb)) for rgb in colours))


@pytest.mark.outside
@pytest.mark.skipif(not shutil.which("tmux") and "CI" not in os.environ, reason="needs tmux")
def test_in_tmux_open_search_filter_copy_quit(tmp_path: Path) -> None:
    """A person's minute in tmux: open, search, filter, copy, quit; the terminal is given back."""
    path = stories.write(tmp_path / "story.jsonl")
    socket = str(tmp_path / "tmux")

    def tmux(*words: str) -> str:
        command = ["tmux", "-S", socket, "-f", os.devnull, *words]
        return subprocess.run(
            command, capture_output=True, text=True, check=True, timeout=30
        ).stdout

    def wait_for(text: str) -> str:
        until = time.monotonic() + SECONDS
        while text not in (shown := tmux("capture-pane", "-p", "-t", "t")):
            assert time.monotonic() < until, f"{text!r} never came in:\n{shown}"
            time.sleep(0.1)
        return shown

    command = f"{sys.executable} -c '{PROGRAM}' {path}; echo ended with $?; cat"
    tmux("new-session", "-d", "-s", "t", "-x", "150", "-y", "40", command)
    try:
        assert "Findings  6" in wait_for("Findings  6")
        tmux("send-keys", "-t", "t", "4")
        wait_for("Gmail: sending")
        tmux("send-keys", "-t", "t", "/")
        wait_for("enter searches")  # a person sees the prompt before typing into it
        tmux("send-keys", "-t", "t", "rate", "Enter")
        wait_for("2 found")
        tmux("send-keys", "-t", "t", "f")
        wait_for("enter filters")
        tmux("send-keys", "-t", "t", "status>=500", "Enter")
        wait_for("1 of 12")
        tmux("send-keys", "-t", "t", "y")
        wait_for("the exact line")
        tmux("send-keys", "-t", "t", "r")
        wait_for("Copied")
        tmux("send-keys", "-t", "t", "q")
        assert "✖" not in wait_for("ended with 0")
    finally:
        tmux("kill-server")
