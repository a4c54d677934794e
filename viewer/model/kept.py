"""Where the index of a trace is kept for next time, and what it says before numpy is there."""

import json
from pathlib import Path
from typing import IO, Any, Final

from viewer.model import counts
from viewer.model.source import MIB

FLOOR: Final = 32 * MIB
"""Smaller files are indexed faster than anybody looks."""
MAGIC: Final = b"traceview index 2\n"
_STAMP_LIMIT: Final = MIB


def folder() -> Path:
    """Return where sidecars are kept."""
    import platformdirs

    return Path(platformdirs.user_cache_dir("traceview", appauthor=False))


def path_for(trace: Path) -> Path:
    """Return the sidecar of `trace`."""
    from hashlib import blake2b  # not needed without a trace

    name = blake2b(str(trace.resolve()).encode("utf-8", "surrogatepass"), digest_size=16)
    return folder() / f"{name.hexdigest()}.index"


def stamp(kept: IO[bytes]) -> dict[str, Any]:
    """Read the first lines of the sidecar open as `kept`: which file it is of, and its counts.

    Raises:
        ValueError: it is none.
    """
    if kept.readline(64) != MAGIC:
        raise ValueError("not an index")
    facts = json.loads(kept.readline(_STAMP_LIMIT))
    if not isinstance(facts, dict):
        raise ValueError("not an index")
    return facts


def counts_of(path: str) -> counts.Counts | None:
    """Return what was counted in the file at `path` if it has not changed since, by size and time.

    Loading the index looks closer.
    """
    try:
        status = Path(path).stat()
        if status.st_size < FLOOR:
            return None
        with path_for(Path(path)).open("rb") as kept:
            facts = stamp(kept)
        if (facts["whole"], facts["mtime"]) != (status.st_size, status.st_mtime_ns):
            return None
        return counts.read(facts["counts"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
