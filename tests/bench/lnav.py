"""The viewer complete in the app, against lnav's load with a JSON format (issue: viewer, speed).

Needs lnav (Debian); how many events, and where the file lies, as for `viewer_model`. The machine
should be quiet: ours has two threads, lnav one.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.bench import _table
from tests.bench._table import line, row
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
        line("lnav is not installed: apt-get install lnav")
        return
    events = int(os.environ.get("TRACEVIEW_BENCH", "1000000"))
    with _table.folder() as folder, tempfile.TemporaryDirectory() as home:
        trace = write(folder / f"events-{events}.jsonl", events)
        plain = _without_blank_lines(trace, Path(home) / "plain.jsonl")
        environment = {**os.environ, "HOME": home}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        subprocess.run([lnav, "-i", FORMAT], env=environment, check=True, capture_output=True)
        query = ";select count(*) from mapi_tracer"
        theirs, ours = [], []
        for _ in range(ROUNDS):
            theirs.append(_timed([lnav, "-n", "-c", query, plain], environment))
            cache = tempfile.mkdtemp(dir=home)  # an index kept from the last round does not count
            ours.append(
                _timed(
                    [sys.executable, "-c", _COMPLETE, trace],
                    {**environment, "XDG_CACHE_HOME": cache},
                )
            )
    line(f"{events:,} events, median of {ROUNDS} rounds", "measured", "must", "stretch")
    (wall, cpu), (their_wall, their_cpu) = _medians(ours), _medians(theirs)
    row("complete in the app / lnav's load", wall / their_wall, "", (0.4, 0.25))
    row("  complete in the app", wall, " s")
    row("  lnav", their_wall, " s")
    row("  the same in processor time", cpu / their_cpu)


def _without_blank_lines(trace: Path, plain: Path) -> Path:
    """Write what lnav can read: 0.11 crashes on some blank lines, and counts the others."""
    with trace.open("rb") as source, plain.open("wb", buffering=1 << 20) as target:
        target.writelines(one for one in source if one != b"\n")
    return plain


def _timed(command: list[str | Path], environment: dict[str, str]) -> tuple[float, float]:
    """Return the time and the processor time that `command` takes, s."""
    began, before = time.perf_counter(), os.times()
    subprocess.run(command, env=environment, check=True, capture_output=True)
    after = os.times()
    used = after.children_user + after.children_system
    return time.perf_counter() - began, used - before.children_user - before.children_system


def _medians(times: list[tuple[float, float]]) -> tuple[float, float]:
    wall, cpu = zip(*times, strict=True)
    return statistics.median(wall), statistics.median(cpu)


if __name__ == "__main__":
    main()
