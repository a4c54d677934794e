"""The viewer complete in the app, against lnav's load with a JSON format (issue: viewer, speed).

Needs lnav (Debian) and takes `TRACEVIEW_BENCH_EVENTS` events, a million unless told otherwise.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.bench.generate import write

FORMAT = Path("samples/lnav/mapi_tracer.json")
ROUNDS = 3

_COMPLETE = """
import asyncio, sys
from viewer.tui.app import TraceApp
from viewer.tui.options import Options

async def main():
    app = TraceApp([sys.argv[1]], Options())
    async with app.run_test(size=(160, 45)):
        while not (app.has_trace and app.state.trace.complete):
            await asyncio.sleep(0.01)

asyncio.run(main())
"""


def main() -> None:
    """Print the table."""
    lnav = shutil.which("lnav")
    if lnav is None:
        sys.stdout.write("lnav is not installed: apt-get install lnav\n")
        return
    events = int(os.environ.get("TRACEVIEW_BENCH_EVENTS", "1000000"))
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        trace = write(home / "t.jsonl", events)
        environment = {**os.environ, "HOME": folder, "XDG_CACHE_HOME": folder}
        subprocess.run([lnav, "-i", FORMAT], env=environment, check=True, capture_output=True)
        query = ";select count(*) from mapi_tracer"
        runs: dict[str, Callable[[], object]] = {
            "lnav": lambda: subprocess.run(
                [lnav, "-n", "-c", query, trace], env=environment, check=True, capture_output=True
            ),
            "traceview": lambda: subprocess.run(
                [sys.executable, "-c", _COMPLETE, trace], env=environment, check=True
            ),
        }
        seconds = {name: [_timed(run) for _ in range(ROUNDS)] for name, run in runs.items()}
    theirs, ours = (statistics.median(seconds[name]) for name in ("lnav", "traceview"))
    ratio = ours / theirs
    sys.stdout.write(
        f"{events:,} events, medians of {ROUNDS}: lnav {theirs:.2f} s, "
        f"complete in the app {ours:.2f} s\nratio {ratio:.2f}   must 0.40   stretch 0.25\n"
    )


def _timed(run: Callable[[], object]) -> float:
    began = time.perf_counter()
    run()
    return time.perf_counter() - began
