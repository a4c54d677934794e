"""What the viewer's benchmarks share: the table, and the folder their files lie in."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def row(
    label: str,
    measured: float,
    unit: str = "",
    goal: tuple[float, float] | None = None,
    note: str = "",
) -> None:
    """Print a figure; `goal`: at most this must be, at most that is the stretch."""
    shown = f"{measured:.3g}{unit}"
    if goal is None:
        line(label, shown, note=note)
        return
    met = "stretch" if measured <= goal[1] else "must" if measured <= goal[0] else "MISSED"
    line(label, shown, f"≤ {goal[0]:g}", f"≤ {goal[1]:g}", met, note=note)


def line(label: str, *cells: str, note: str = "") -> None:
    """Print one line of the table."""
    columns = "".join(f"{cell:>12}" for cell in cells)
    sys.stdout.write(f"{label:<52}{columns}{f'  ({note})' if note else ''}\n")
    sys.stdout.flush()


@contextmanager
def folder() -> Iterator[Path]:
    """Yield a temporary folder, or ``TRACEVIEW_BENCH_DIR``, where files are kept."""
    kept = os.environ.get("TRACEVIEW_BENCH_DIR")
    if kept:
        Path(kept).mkdir(parents=True, exist_ok=True)
        yield Path(kept)
        return
    with tempfile.TemporaryDirectory(prefix="traceview-bench-") as name:
        yield Path(name)
