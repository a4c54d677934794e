"""The first screen: painted before numpy and Textual, harmless, as wide as the terminal."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.traces import TraceBuilder
from viewer.model.columns import layout
from viewer.prepaint import first_rows


def story() -> TraceBuilder:
    """Return a failed call and one that never ended."""
    made = TraceBuilder()
    with made.operation("send", "gmail", status=1):
        made.wait(1500)
        made.call("gmail.users.messages.send", "gmail", status=403, ms=20.5)
    made.call("gmail.users.messages.list", "gmail", answered=False)
    return made


@pytest.mark.parametrize("width", [40, 80, 160, 250])
def test_rows_fill_the_width(width: int) -> None:
    """Each row is as wide as the list's columns together; starts that ended are not shown."""
    rows = first_rows(story().lines(), width, 50, ascii_only=False)
    columns = layout(width)
    assert {len(row) for row in rows} == {sum(n for _, n in columns) + len(columns) - 1}
    assert len(rows) == 5
    assert "1.520" in rows[0]
    assert "403" in rows[0]
    assert "✖" in rows[0]


def test_rows_are_harmless() -> None:
    """Nothing in the heads, nor in broken lines, can act on the terminal."""
    made = TraceBuilder()
    made.add("note", "point", "\x1b]52;c;x\x1b\\\x9b\u202e[/]", "\x1b[2J", text="x")
    data = b"\x1b[31m junk\n\xff\xfe\n" + b'{"v":1,"data":{}}\n' + made.lines()
    (row,) = first_rows(data, 80, 10, ascii_only=False)
    assert all(sign >= " " and not 0x7F <= ord(sign) <= 0x9F for sign in row)
    (row,) = first_rows(data, 80, 10, ascii_only=True)
    assert row.isascii()


def test_painting_needs_neither_numpy_nor_textual(tmp_path: Path) -> None:
    """In a fresh interpreter, up to the first screen, nothing heavy is imported."""
    path = story().write(tmp_path / "s.jsonl")
    program = (
        "import sys; import viewer.cli, viewer.prepaint; from viewer.model import source;"
        "from viewer.commands.base import make_job; from viewer.commands.arguments import *;"
        f"make_job(read_words([{str(path)!r}])).filter(); source.check({str(path)!r});"
        "from viewer.prepaint import first_rows;"
        f"rows = first_rows({path.read_bytes()!r}, 80, 20, ascii_only=False);"
        "print(len(rows), *({'numpy', 'textual', 'rich', 'msgspec', 'asyncio'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-X", "utf8", "-W", "error", "-c", program],
        capture_output=True, text=True, timeout=60, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert done.stderr == ""
    assert done.stdout.split() == ["5"]


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are POSIX")
def test_on_a_terminal_the_rows_come_first(tmp_path: Path) -> None:
    """On a pseudo-terminal rows of the trace are written before the interface's own screen."""
    import fcntl
    import pty
    import select
    import struct
    import termios

    path = story().write(tmp_path / "s.jsonl")
    main, side = pty.openpty()
    fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color"}
    with subprocess.Popen(
        [sys.executable, "-m", "viewer.cli", str(path)],
        stdin=side, stdout=side, stderr=side, env=environment, start_new_session=True,
        cwd=Path(__file__).parents[2],
    ) as running:  # fmt: skip
        os.close(side)
        seen = b""
        while b"gmail.users.messages.send" not in seen:
            ready, _, _ = select.select([main], [], [], 60)
            assert ready, seen
            seen += os.read(main, 65536)
        running.kill()
    os.close(main)
    assert seen.startswith(b"\x1b[?1049h")
    assert b"\x1b[?2026" not in seen.partition(b"gmail.users.messages.send")[0]
