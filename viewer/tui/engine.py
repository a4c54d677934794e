"""Searching and filtering, as the interface asks for them."""

import numpy as np

from viewer.model.trace import Rows, Trace


def search(trace: Trace, needle: str) -> Rows:
    """Return the shown rows whose bytes hold `needle`, whatever the case."""
    wanted = needle.encode("utf-8", "backslashreplace").lower()
    rows = [row for row in trace.shown().tolist() if wanted in trace.raw(row).lower()]
    return np.array(rows, dtype=np.int64)
