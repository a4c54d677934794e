"""A private folder to work in, beside what is made there; whoever is killed leaves it to the next.

The kernel gives up the lock in it when its process dies, however it dies.
"""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Final

_LOCK: Final = "tracer-bundle.lock"
_MARK: Final = ".unfinished-"


@contextmanager
def workshop(target: Path) -> Iterator[Path]:
    """Give a folder (0700) in the folder of `target`, gone at the end whatever happens.

    Folders left there by bundles that were killed go first.
    """
    _clear(target.parent)
    prefix = f".{target.name[:80]}{_MARK}"
    with tempfile.TemporaryDirectory(prefix=prefix, dir=target.parent) as name:
        folder = Path(name)
        with (folder / _LOCK).open("xb") as file:
            _lock(file)
            yield folder


def _clear(parent: Path) -> None:
    for folder in parent.glob(f".*{_MARK}*"):
        # one that is being made by another process has a lock, or no file yet
        with suppress(OSError):
            with (folder / _LOCK).open("rb+") as file:
                _lock(file)
            shutil.rmtree(folder)


if sys.platform == "win32":
    import msvcrt

    def _lock(file: IO[bytes]) -> None:
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(file: IO[bytes]) -> None:
        """Raise OSError when another process has it; give it up when the file is closed."""
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
