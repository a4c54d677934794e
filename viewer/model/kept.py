"""Where the index of a trace is kept for next time, and what it says before numpy is there."""

import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import IO, Any, Final

from viewer.model import counts
from viewer.model.source import MIB

FLOOR: Final = 32 * MIB
"""Smaller files are indexed faster than anybody looks."""
MAGIC: Final = b"traceview index 2\n"
_STAMP_LIMIT: Final = MIB
_ENDS: Final = 4096


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


def ends(read: Callable[[int, int], bytes], size: int) -> str:
    """Hash the first and last bytes of the indexed part of a file, and some between.

    `size` is that of the part, `read` takes an offset and how many bytes to read there.
    """
    from hashlib import blake2b  # not needed without a trace

    digest = blake2b(digest_size=16)
    for eighth in range(9):
        at = max(0, min(size * eighth // 8, size - _ENDS))
        digest.update(read(at, min(_ENDS, size)))
    return digest.hexdigest()


def _read_at(file: IO[bytes], at: int, count: int) -> bytes:
    file.seek(at)
    return file.read(count)


def counts_of(paths: Sequence[str]) -> counts.Counts | None:
    """Return what was counted in a file if it is what it was then; None for several files."""
    if len(paths) != 1:
        return None
    path = paths[0]
    try:
        status = Path(path).stat()
        if status.st_size < FLOOR:
            return None
        with path_for(Path(path)).open("rb") as kept:
            facts = stamp(kept)
        if (facts["whole"], facts["mtime"]) != (status.st_size, status.st_mtime_ns):
            return None
        with Path(path).open("rb") as trace:
            if ends(partial(_read_at, trace), facts["size"]) != facts["ends"]:
                return None
        return counts.read(facts["counts"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
