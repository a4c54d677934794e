"""What the viewer's index, search and filters cost, against DuckDB and ripgrep on the same file.

On a million events (1 GB); ``TRACEVIEW_BENCH=100000`` makes it a tenth. The file lies in a
temporary folder that is removed, or in ``TRACEVIEW_BENCH_DIR``, where it is kept for the next run.
Rounds are interleaved; a figure is the median. ripgrep: the one on the PATH, else the wheel of that
name from PyPI, in an environment of its own.
"""

import os
import shutil
import statistics
import subprocess
import sys
import time
import venv
from collections.abc import Callable
from pathlib import Path
from typing import Final

import duckdb

from tests.bench import _table
from tests.bench._table import line, row
from tests.bench.generate import NEEDLE, write
from viewer.model import kept
from viewer.model.filter import parse
from viewer.model.findings import diagnose
from viewer.model.search import search
from viewer.model.sieve import apply
from viewer.model.trace import Trace

ROUNDS: Final = 5
_TELL: Final = """
with open("/proc/self/status") as status:
    print(next(int(l.split()[1]) for l in status if l.startswith("RssAnon")) / 1024)
"""
_INDEX: Final = """
import sys
from viewer.model.trace import Trace
trace = Trace.open([sys.argv[1]], cache=False)
trace.shown()
"""
_APPLICATION: Final = """
import asyncio, sys
from viewer.tui.app import TraceApp
from viewer.tui.options import Options
async def show():
    async with app.run_test(size=(160, 45)) as pilot:
        while not app.has_trace or app.state.findings is None or not app.state.trace.complete:
            await pilot.pause(0.05)
        await pilot.pause(0.5)
        exec(sys.argv[2])
app = TraceApp([sys.argv[1]], Options())
asyncio.run(show())
"""


def main() -> None:
    """Print the table."""
    count = int(os.environ.get("TRACEVIEW_BENCH", "1000000"))
    with _table.folder() as folder:
        path = write(folder / f"events-{count}.jsonl", count)
        _warm(path)
        rg = _ripgrep(folder)
        size = path.stat().st_size
        line(f"{count:,} events, {size / 1e6:,.0f} MB, median of {ROUNDS} rounds")
        line("", "measured", "must", "stretch")
        _engine(path)
        _causes(path)
        _search(path, rg)
        _filter(path)
        _sidecar(path, folder)
        _memory(path, count, folder / "cache")


def _warm(path: Path) -> None:
    with path.open("rb") as file:
        while file.read(1 << 24):
            pass


def _times(**tasks: Callable[[], object]) -> dict[str, float]:
    """Return the median time of each task, s; a round runs every one of them."""
    taken: dict[str, list[float]] = {name: [] for name in tasks}
    for _ in range(ROUNDS):
        for name, task in tasks.items():
            began = time.perf_counter()
            task()
            taken[name].append(time.perf_counter() - began)
    return {name: statistics.median(values) for name, values in taken.items()}


def _engine(path: Path) -> None:
    def duck() -> None:
        duckdb.connect().execute(
            "SELECT topic, count(*), count(*) FILTER (status >= 400) FROM read_ndjson(?, "
            "columns={topic: 'VARCHAR', status: 'BIGINT'}) GROUP BY topic",
            [str(path)],
        ).fetchall()

    def index() -> None:
        trace = Trace.open([path], cache=False)
        trace.topic_counts()
        trace.close()

    taken = _times(duck=duck, index=index)
    row("index engine / DuckDB two-column scan", taken["index"] / taken["duck"], "", (1.7, 1))
    row("  index", taken["index"], " s")
    row("  DuckDB", taken["duck"], " s")
    opened = _times(first=lambda: Trace.open([path], wait=False, cache=False).close())
    row("  first rows of the index", opened["first"] * 1000, " ms")
    trace = Trace.open([path], wait=False, cache=False)
    steps = []
    while not trace.complete:
        began = time.perf_counter()
        trace.feed(0)
        steps.append((time.perf_counter() - began) * 1000)
    steps.sort()
    row("one step while somebody watches, p95", steps[len(steps) * 95 // 100], " ms", (16, 16))


def _causes(path: Path) -> None:
    def index() -> Trace:
        return Trace.open([path], cache=False)

    taken = _times(index=lambda: index().close(), both=lambda: diagnose(index()))
    row("search for causes / index", taken["both"] / taken["index"] - 1, "", (3, 1.5))


def _search(path: Path, rg: str | None) -> None:
    trace = Trace.open([path], cache=False)
    tasks: dict[str, Callable[[], object]] = {"ours": lambda: search(trace, NEEDLE, case=True)}
    if rg is not None:
        tasks["rg"] = lambda: subprocess.run([rg, "-cF", NEEDLE, path], stdout=subprocess.DEVNULL)
    taken = _times(**tasks)
    row("  literal search", taken["ours"] * 1000, " ms")
    if rg is None:
        line("literal search, all hits / rg -c", "no rg here")
    else:
        row("literal search, all hits / rg -c", taken["ours"] / taken["rg"], "", (3, 1))
    either = _times(any=lambda: search(trace, NEEDLE.lower()))
    row("  whatever the case", either["any"] * 1000, " ms")


def _filter(path: Path) -> None:
    trace = Trace.open([path], cache=False)
    for text in ("status>=400", "topic:gmail ms>2s", "method:gmail.*"):
        node = parse(text)
        taken = _times(filter=lambda node=node: apply(trace, node))  # type: ignore[misc]
        row(f"filter {text}", taken["filter"] * 1000, " ms", (50, 20))


def _sidecar(path: Path, folder: Path) -> None:
    where = kept.folder
    kept.folder = lambda: folder / "cache"
    try:
        Trace.open([path]).close()
        taken = _times(open=lambda: Trace.open([path]).close())
        size = kept.path_for(path).stat().st_size
    finally:
        kept.folder = where
    row("  reopen with the sidecar", taken["open"] * 1000, " ms")
    row("  sidecar / trace", 100 * size / path.stat().st_size, " %")


def _memory(path: Path, count: int, cache: Path) -> None:
    if not Path("/proc/self/status").exists():
        line("private memory with the whole index", "no /proc")
        return
    small = write(path.with_name(f"events-{count // 10}.jsonl"), count // 10)
    for what, code, cached in (
        ("private memory with the whole index", _INDEX + _TELL, cache),
        ("private memory of the application, causes found", _APPLICATION, cache),
        ("  where no cache can be written", _APPLICATION, path / "no-folder"),
    ):
        whole, tenth = _private(path, code, cached), _private(small, code, cached)
        row(what, whole, " MB", (100, 75))
        row("  each event beyond", (whole - tenth) * 2**20 / (count - count // 10), " B", (60, 40))


def _private(path: Path, code: str, cache: Path) -> float:
    """Return the private memory of a process that runs `code` on `path`, MB."""
    done = subprocess.run(
        [sys.executable, "-c", code, str(path), _TELL],
        env={**os.environ, "XDG_CACHE_HOME": str(cache)},
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout)


def _ripgrep(folder: Path) -> str | None:
    found = shutil.which("rg")
    if found:
        return found
    where = folder / "ripgrep"
    program = where / "bin" / "rg"
    if not program.exists():
        venv.create(where, with_pip=True)
        got = subprocess.run(
            [where / "bin" / "python", "-m", "pip", "install", "-q", "ripgrep==14.1.0"],
            capture_output=True,
        )
        if got.returncode:
            return None
    return str(program) if program.exists() else None


if __name__ == "__main__":
    main()
