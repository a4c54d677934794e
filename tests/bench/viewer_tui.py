"""The terminal interface: first paint against a minimal Textual app, keys, filter, follow.

Keys are timed inside the process, from posting the key to the last frame it causes: a driver that
types and waits has a floor of 60 to 80 ms of its own.
"""

import argparse
import asyncio
import fcntl
import os
import pty
import select
import signal
import statistics
import struct
import sys
import tempfile
import termios
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from textual import events
from textual.app import App, ComposeResult
from textual.screen import Screen
from textual.widgets import Static

from tests.bench.generate import write
from tests.support.traces import START_NS, TraceBuilder
from viewer.tui.app import TraceApp
from viewer.tui.options import Options

MINIMAL = """
from textual.app import App
from textual.widgets import Static
class Minimal(App):
    def compose(self):
        yield Static("%s")
Minimal().run()
"""
MARK = "all-is-painted"
OURS = "from viewer.cli import main; import sys; sys.exit(main(sys.argv[1:]))"
LIVE, INDEXED = b"palette", b" events"
"""What is first in the interface's own first frame (rows and keys), and in the title."""
SIZE = (160, 45)
_QUIET = 0.04


def to_text(code: str, words: list[str], text: bytes) -> float:
    """Return the ms from starting Python with `code` to `text` on its terminal."""
    began = time.perf_counter()
    pid, fd = pty.fork()
    if pid == 0:
        os.environ.update(TERM="xterm-256color", COLORTERM="truecolor")
        os.execv(sys.executable, [sys.executable, "-c", code, *words])
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", SIZE[1], SIZE[0], 0, 0))
    seen = b""
    try:
        while text not in seen and time.perf_counter() - began < 20:
            if select.select([fd], [], [], 1)[0]:
                seen += os.read(fd, 1 << 16)
        return (time.perf_counter() - began) * 1000
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(fd)


def first_paint(files: list[Path], rounds: int) -> dict[str, float]:
    """Return the median ms of the minimal app and of ours on each file, taken in turns.

    Ours is timed twice: to the first rows and keys, and to the index of the file's beginning.
    """
    took: dict[str, list[float]] = {}
    for _ in range(rounds):
        took.setdefault("minimal", []).append(to_text(MINIMAL % MARK, [], MARK.encode()))
        for file in files:
            for what, text in ((file.stem, LIVE), (f"{file.stem} indexed", INDEXED)):
                ms = to_text(OURS, ["--lang", "en", str(file)], text)
                took.setdefault(what, []).append(ms)
    return {name: statistics.median(times) for name, times in took.items()}


class Timed(TraceApp):
    """The application, noting when each frame was written."""

    painted = 0.0

    def _display(self, screen: Screen[Any], renderable: Any) -> None:
        App._display(self, screen, renderable)
        if renderable is not None:
            self.painted = time.perf_counter()


class Bare(App[None]):
    """One line of text that a key changes: the least that Textual takes from key to frame."""

    painted = 0.0
    _display = Timed._display

    def compose(self) -> ComposeResult:
        """Make the line."""
        yield Static("0")

    def on_key(self, event: events.Key) -> None:
        """Change the line."""
        self.query_one(Static).update(f"{event.key} {time.perf_counter()}")


async def bare_keys() -> list[float]:
    """Time keys in the minimal app."""
    app = Bare()
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()

        def press() -> None:
            app.post_message(events.Key("j", "j"))

        return [await until_quiet(app, press) for _ in range(40)]


async def until_quiet(app: "Timed | Bare", act: Callable[[], Awaitable[None] | None]) -> float:
    """Do `act` and return the ms until the last frame that it causes."""
    began = time.perf_counter()
    if (waiting := act()) is not None:
        await waiting
    while time.perf_counter() - max(began, app.painted) < _QUIET:
        await asyncio.sleep(0.001)
    return max(0.0, (app.painted - began) * 1000)


async def opened(
    path: Path, work: Callable[[Timed], Awaitable[list[float]]], tab: str
) -> list[float]:
    """Run `work` on an application that shows `path`."""
    app = Timed([str(path)], Options(tab=tab))
    async with app.run_test(size=SIZE) as pilot:
        for _ in range(4):
            await app.workers.wait_for_complete()
            await pilot.pause()
        return await work(app)


async def keys(app: Timed) -> list[float]:
    """Time moving about: lines, pages, ends, the detail's pages."""
    times = []
    for key in ["j"] * 20 + ["space"] * 12 + ["b"] * 6 + ["G", "g"] * 3 + ["k", "full_stop"] * 5:
        character = {"space": " ", "full_stop": "."}.get(key, key)

        def press(key: str = key, character: str = character) -> None:
            app.post_message(events.Key(key, character))

        times.append(await until_quiet(app, press))
    return times


async def filters(app: Timed) -> list[float]:
    """Time filters on indexed columns, to the frame that shows their rows."""
    times = []
    for text in ("topic:gmail", "status>=400", "kind:call", "ms>100") * 3:

        async def use(text: str = text) -> None:
            before = app.state.filter_text
            app.main.use_filter(text)
            while app.state.filter_text in {before, ""}:
                await asyncio.sleep(0.001)

        times.append(await until_quiet(app, use))
    return times


def follow(path: Path) -> Callable[[Timed], Awaitable[list[float]]]:
    """Return what times an append to `path` until it is painted."""

    async def work(app: Timed) -> list[float]:
        app.main.action_follow()
        more = TraceBuilder(pid=9, start_ns=START_NS + 10**15)
        times = []
        for n in range(25):
            more.wait(5)
            more.add("note", "point", f"appended {n}", "http")
            line = more.lines().split(b"\n\n")[-1]

            async def append(line: bytes = line) -> None:
                total = len(app.state.trace)
                with path.open("ab") as file:
                    file.write(b"\n" + line.strip(b"\n") + b"\n")
                while len(app.state.trace) == total:
                    await asyncio.sleep(0.001)

            times.append(await until_quiet(app, append))
        app.main.action_follow()
        return times

    return work


def heavy(path: Path, size: int, count: int = 60) -> Path:
    """Write a session whose events are `size` bytes each."""
    trace = TraceBuilder()
    items = [
        {"id": n, "name": "x" * 80, "tags": ["a", "b"], "n": n / 7} for n in range(size // 130)
    ]
    for _ in range(count):
        body = {"size": size, "type": "application/json", "kept": "full", "json": {"items": items}}
        trace.call("gmail.users.messages.list", "gmail", exchange={
            "response": {"status": 200, "reason": "OK", "headers": {}, "body": body},
        })  # fmt: skip
    return trace.write(path)


def p95(times: list[float]) -> float:
    """Return the 95th percentile."""
    return sorted(times)[int(len(times) * 0.95)]


def row(what: str, measured: str, must: str, stretch: str) -> None:
    """Print one line of the table."""
    sys.stdout.write(f"{what:<58} {measured:>16} {must:>8} {stretch:>8}\n")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=7)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        big, small = Path(folder) / "big.jsonl", Path(folder) / "small.jsonl"
        write(big, args.events)
        write(small, max(1_000, args.events // 100))
        row("terminal interface", "measured", "must", "stretch")
        paint = first_paint([small, big], args.rounds)
        base = paint["minimal"]
        row("minimal Textual app to its first paint, ms", f"{base:.0f}", "", "")
        for file in (small, big):
            what = f"live interface, {file.stat().st_size / 1e6:.0f} MB / minimal app"
            row(what, f"{paint[file.stem] / base:.2f}", "1.4", "1.15")
            row("  with the index", f"{paint[f'{file.stem} indexed'] / base:.2f}", "", "")
        bare = p95(asyncio.run(bare_keys()))
        row("minimal Textual app, key to painted, p95 ms", f"{bare:.1f}", "", "")
        cases = [("key to painted, p95 ms", big), ("  20 KB events", heavy(small, 20_000)),
                 ("  1 MB events", heavy(Path(folder) / "mega.jsonl", 1_000_000))]  # fmt: skip
        for what, path in cases:
            times = asyncio.run(opened(path, keys, "all"))
            measured = f"{p95(times):.1f} ({statistics.median(times):.1f})"
            row(f"{what} (median)", measured, "30", "16")
        times = asyncio.run(opened(big, filters, "all"))
        row("filter on an indexed column to painted, p95 ms", f"{p95(times):.1f}", "50", "20")
        times = asyncio.run(opened(big, follow(big), "all"))
        row("follow: append to visible, p95 ms", f"{p95(times):.1f}", "120", "60")


if __name__ == "__main__":
    main()
