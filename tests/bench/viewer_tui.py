"""The terminal interface: first paint against a minimal Textual app, keys, filter, follow.

On a million events (1 GB), or ``TRACEVIEW_BENCH`` of them; files as for `viewer_model`. With
``TRACEVIEW_BENCH_HUGE=1`` also on ten times as many: 11 GB of disk.

Keys are timed inside the process, from posting the key to the last frame it causes: a driver that
types and waits has a floor of 60 to 80 ms of its own.
"""

import asyncio
import fcntl
import os
import pty
import select
import shutil
import signal
import statistics
import struct
import subprocess
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

from tests.bench import _table
from tests.bench._table import line, row
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
ROWS, LIVE, INDEXED, READY = b" send ", b"palette", b" events", b"What happened"
"""What is first in the rows before Textual, in the interface's own first frame, in the title, and
above the list once the index is there."""
SIZE = (160, 45)
_QUIET = 0.04


def to_text(code: str, words: list[str], text: bytes, cache: Path) -> float:
    """Return the ms from starting Python with `code` to `text` on its terminal."""
    began = time.perf_counter()
    pid, fd = pty.fork()
    if pid == 0:
        os.environ.update(TERM="xterm-256color", COLORTERM="truecolor", XDG_CACHE_HOME=str(cache))
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # nobody compiles at every start
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


def nothing() -> float:
    """Return the ms of a Python that does nothing."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", "pass"], check=True)
    return (time.perf_counter() - began) * 1000


def starts(files: dict[str, Path], big: str, folder: Path, rounds: int) -> dict[str, float]:
    """Return the median ms of each kind of start, taken in turns; each is warmed up by one."""
    fresh, kept = folder / "no-cache", folder / "cache"
    title = f"{count_events():,} events".encode()
    tasks: dict[str, Callable[[], float]] = {
        "pass": nothing,
        "minimal": lambda: to_text(MINIMAL % MARK, [], MARK.encode(), fresh),
        "rows": lambda: ours(files[big], ROWS, fresh),
        "indexed": lambda: ours(files[big], INDEXED, fresh),
        "reopen": lambda: ours(files[big], title, kept),
        "ready": lambda: ours(files[big], READY, kept),
    }
    for name, file in files.items():
        tasks[name] = lambda file=file: ours(file, LIVE, fresh)  # type: ignore[misc]
    index = "import sys; from viewer.model.trace import Trace; Trace.open(sys.argv[1:])"
    environment = {**os.environ, "XDG_CACHE_HOME": str(kept)}
    subprocess.run([sys.executable, "-c", index, files[big]], env=environment, check=True)
    for task in tasks.values():
        task()
    took: dict[str, list[float]] = {name: [] for name in tasks}
    for _ in range(rounds):
        for name, task in tasks.items():
            took[name].append(task())
    return {name: statistics.median(times) for name, times in took.items()}


def ours(file: Path, text: bytes, cache: Path) -> float:
    """Return the ms to `text` on the terminal that shows `file`."""
    return to_text(OURS, ["--lang", "en", str(file)], text, cache)


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
        while not (app.has_trace and app.state.trace.complete and app.state.findings is not None):
            await asyncio.sleep(0.02)
        await pilot.pause(0.2)
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
    return await _filters(app, ("topic:gmail", "status>=400", "kind:call", "ms>100"))


async def method_filters(app: Timed) -> list[float]:
    """Time filters by method: calls by name, and their exchanges by parent."""
    return await _filters(app, ("method:gmail.users.*", "method:directory.*"))


async def _filters(app: Timed, texts: tuple[str, ...]) -> list[float]:
    times = []
    for text in texts * 5:

        async def use(text: str = text) -> None:
            before = app.state.filter_text
            app.main.use_filter(text)
            while app.state.filter_text in {before, ""}:
                await asyncio.sleep(0.001)

        times.append(await until_quiet(app, use))
    return times


async def stalls(path: str) -> tuple[float, float]:
    """Return the longest time, ms, in which the interface did nothing but what held it up.

    First while the file is opened and indexed, then while causes are looked for and shown.
    """
    app, longest, left = TraceApp([path], Options()), [0.0, 0.0], 100
    async with app.run_test(size=SIZE):
        before = time.perf_counter()
        while left:
            await asyncio.sleep(0.001)
            now = time.perf_counter()
            complete = app.has_trace and app.state.trace.complete
            longest[complete] = max(longest[complete], (now - before) * 1000 - 1)
            left -= complete and app.state.findings is not None
            before = now
    return longest[0], longest[1]


def stalls_anew(path: Path, folder: Path, rounds: int) -> tuple[float, float]:
    """Return the medians of `stalls`, each time in a new process that knows no index."""
    code = "import asyncio, sys; from tests.bench import viewer_tui as bench; "
    code += "print(*asyncio.run(bench.stalls(sys.argv[1])))"
    found = []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory(dir=folder) as cache:
            environment = {**os.environ, "XDG_CACHE_HOME": cache}
            words = [sys.executable, "-c", code, str(path)]
            done = subprocess.run(words, env=environment, stdout=subprocess.PIPE, check=True)
            found.append([float(ms) for ms in done.stdout.split()])
    opening, looking = map(statistics.median, zip(*found, strict=True))
    return opening, looking


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


def count_events() -> int:
    """Return how many events the big file has."""
    return int(os.environ.get("TRACEVIEW_BENCH", "1000000"))


def main() -> None:
    """Print the table."""
    rounds, count = 9, count_events()
    with _table.folder() as folder:
        counts = {"small": count // 100, "big": count}
        if os.environ.get("TRACEVIEW_BENCH_HUGE"):
            counts["huge"] = 10 * count
        files = {name: write(folder / f"events-{n}.jsonl", n) for name, n in counts.items()}
        line(f"{count:,} events, median of {rounds} starts", "measured", "must", "stretch")
        _starts(starts(files, "big", folder, rounds), files)
        opening, looking = stalls_anew(files["big"], folder, 5)
        row("longest stall while a file is opened and indexed", opening, " ms", (16, 16))
        row("  while causes are looked for", looking, " ms", (16, 16))
        row("minimal Textual app, key to painted, p95", p95(asyncio.run(bare_keys())), " ms")
        heavies = {
            size: heavy(folder / f"heavy-{size}.jsonl", size) for size in (20_000, 1_000_000)
        }
        quick, filtered, followed = (30, 16), (50, 20), (120, 60)
        _timed("key to painted, p95", files["big"], keys, quick)
        _timed("  20 KB events", heavies[20_000], keys, quick)
        _timed("  1 MB events", heavies[1_000_000], keys, quick)
        _timed("filter on an indexed column to painted, p95", files["big"], filters, filtered)
        _timed("  by a pattern of methods", files["big"], method_filters, filtered)
        grows = folder / "grows.jsonl"
        shutil.copyfile(files["big"], grows)
        _timed("follow: append to visible, p95", grows, follow(grows), followed)
        grows.unlink()


def _starts(took: dict[str, float], files: dict[str, Path]) -> None:
    base = took["minimal"]
    row("first event rows / python -c pass", took["rows"] / took["pass"], "", (40, 5))
    row("  python -c pass", took["pass"], " ms")
    row("minimal Textual app to its first paint", base, " ms")
    for name, file in files.items():
        size = f"{file.stat().st_size / 1e6:,.0f} MB"
        row(f"live interface, {size} / minimal app", took[name] / base, "", (1.4, 1.15))
    lives = [took[name] for name in files]
    row("  slowest / fastest of these sizes", max(lives) / min(lives), "", (1.1, 1.1))
    row("  with the beginning indexed", took["indexed"] / base)
    row("reopen with the sidecar / minimal app", took["reopen"] / base, "", (1.6, 1.2))
    row("  with the index itself", took["ready"] / base)


def _timed(
    what: str,
    path: Path,
    work: Callable[[Timed], Awaitable[list[float]]],
    goal: tuple[float, float],
) -> None:
    times = asyncio.run(opened(path, work, "all"))
    row(what, p95(times), " ms", goal, note=f"median {statistics.median(times):.1f}")


if __name__ == "__main__":
    main()
