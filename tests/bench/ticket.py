"""What a ticket costs: time and private memory of each stage of `tracer bundle`.

On a hundred thousand events (108 MB); ``TICKET_BENCH=1000000`` makes it a gigabyte. Everything is
written into a temporary folder that is removed.
"""

import itertools
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from tests.bench.generate import write

_MOST_MB: Final = 200
_BUNDLE: Final = """
import json, sys, threading, time
from pathlib import Path
from viewer.ticket.bundle import Order, bundle

stage = "rewrite"
begun = {stage: time.perf_counter()}
peaks = {}
over = threading.Event()

def note(name, done, total):
    global stage
    stage = name
    begun.setdefault(name, time.perf_counter())

def private():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("RssAnon")) / 1024

def watch():
    while not over.wait(0.02):
        peaks[stage] = max(peaks.get(stage, 0), private())

if Path("/proc/self/status").exists():
    threading.Thread(target=watch).start()
try:
    ticket = bundle(Order(sessions=[Path(sys.argv[1])], out=Path(sys.argv[2]), progress=note))
finally:
    over.set()
begun["end"] = time.perf_counter()
print(json.dumps({"begun": begun, "peaks": peaks, "size": ticket.size, "events": ticket.events}))
"""


def main() -> None:
    """Print the table."""
    count = int(os.environ.get("TICKET_BENCH", "100000"))
    with tempfile.TemporaryDirectory(prefix="ticket-bench-") as name:
        session = write(Path(name) / "session.jsonl", count)
        report(session, Path(name) / "ticket.zip")


def report(session: Path, out: Path) -> None:
    """Bundle `session` to `out` in a process of its own and print what each stage took."""
    done = subprocess.run(
        [sys.executable, "-c", _BUNDLE, str(session), str(out)], stdout=subprocess.PIPE, check=True
    )
    told = json.loads(done.stdout)
    megabytes = session.stat().st_size / 1e6
    _line(f"{told['events']:,} events, {megabytes:,.0f} MB", "s", "MB/s", "peak MB", "must")
    names = list(told["begun"])
    for name, following in itertools.pairwise(names):
        seconds = told["begun"][following] - told["begun"][name]
        _row(name, seconds, megabytes, told["peaks"].get(name))
    seconds = told["begun"]["end"] - told["begun"][names[0]]
    _row("the whole", seconds, megabytes, max(told["peaks"].values(), default=None))
    _line("archive / session", f"{100 * told['size'] / session.stat().st_size:.1f} %")


def _row(name: str, seconds: float, megabytes: float, peak: float | None) -> None:
    shown = "no /proc" if peak is None else f"{peak:.0f}"
    must = "" if peak is None else f"≤ {_MOST_MB}" if peak <= _MOST_MB else "MISSED"
    _line(name, f"{seconds:.1f}", f"{megabytes / seconds:.1f}", shown, must)


def _line(label: str, *cells: str) -> None:
    sys.stdout.write(f"{label:<44}" + "".join(f"{cell:>12}" for cell in cells) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
