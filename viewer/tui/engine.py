"""Searching and filtering, as the interface asks for them."""

import numpy as np

from viewer.model.trace import Rows, Trace


def search(trace: Trace, needle: str, most: int | None = None) -> Rows:
    """Return the shown rows whose bytes hold `needle`, whatever the case; at most `most`."""
    wanted = needle.encode("utf-8", "backslashreplace").lower()
    found: list[int] = []
    for row in trace.shown().tolist():
        if wanted in trace.raw(row).lower():
            found.append(row)
            if len(found) == most:
                break
    return np.array(found, dtype=np.int64)
