"""The bytes of a session file, readable at any place, whatever it is wrapped in.

Plain files are read where they lie. A ``.zst`` of several frames is too, frame by frame. Everything
else that is compressed, and a pipe, goes through a temporary file: memory stays bounded.
"""

import os
import threading
from collections.abc import Generator
from pathlib import Path
from typing import IO, Final, Protocol

MIB: Final = 1 << 20
EXPANSION: Final = 300
"""How many times its stored size a file may unpack to; our traces reach 20."""
ALLOWANCE: Final = 256 * MIB
"""What any compressed file may unpack to."""


class SourceError(Exception):
    """A file that cannot be opened. `code` names the text ``error.CODE`` of the catalogue."""

    def __init__(self, code: str, path: str, detail: str = "") -> None:
        super().__init__(f"{path}: {detail or code}")
        self.code = code
        self.path = path
        self.detail = detail


class Source(Protocol):
    """Bytes with a beginning; the end may still move."""

    name: str
    stored: int
    """Bytes on disk; what progress is measured by."""
    path: Path | None
    """The file itself, for what needs to look at it; None for a pipe."""

    def size(self) -> int:
        """Return how many bytes can be read now."""
        ...

    def read(self, offset: int, count: int) -> bytes:
        """Return at most `count` bytes from `offset`; fewer only at the end."""
        ...

    def advance(self, budget: int) -> bool:
        """Make up to `budget` bytes more readable, without waiting; tell whether more may come."""
        ...

    def changed(self) -> str | None:
        """Return ``truncated`` or ``replaced`` when what was read is no longer what is there."""
        ...

    def close(self) -> None:
        """Let go of the file."""
        ...


class FileSource:
    """A plain file, which may grow. It is closed with its last user, if nobody closes it before."""

    def __init__(self, path: Path, name: str = "") -> None:
        self.path: Path | None = path
        self.name = name or str(path)
        self._file = -1
        self._file = open_file(path)
        self._lock = threading.Lock()
        status = os.fstat(self._file)
        self._identity = (status.st_dev, status.st_ino)
        self._seen = self.stored = status.st_size

    def size(self) -> int:
        """Return the size of the file now."""
        size = os.fstat(self._file).st_size
        self._seen = max(self._seen, size)
        self.stored = size
        return size

    def read(self, offset: int, count: int) -> bytes:
        """Read without moving anything that another thread uses."""
        if hasattr(os, "pread"):
            return os.pread(self._file, count, offset)
        with self._lock:  # Windows
            os.lseek(self._file, offset, os.SEEK_SET)
            return os.read(self._file, count)

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._file

    def advance(self, budget: int) -> bool:
        """Return False: all there is can be read."""
        return False

    def changed(self) -> str | None:
        """Tell whether the file was cut off, or another one took its name."""
        if os.fstat(self._file).st_size < self._seen:
            return "truncated"
        assert self.path is not None
        try:
            status = self.path.stat()
        except OSError:
            return None  # deleted: what we have open stays readable
        return None if (status.st_dev, status.st_ino) == self._identity else "replaced"

    def close(self) -> None:
        """Close the file."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    __del__ = close


def read_into(source: Source, offset: int, buffer: memoryview) -> int:
    """Fill `buffer` from `offset`, without a copy where the system can; return how much came."""
    if isinstance(source, FileSource) and hasattr(os, "preadv"):
        return os.preadv(source.fileno(), [buffer], offset)
    piece = source.read(offset, len(buffer))
    buffer[: len(piece)] = piece
    return len(piece)


class PartSource:
    """A stretch of another source: a member that lies uncompressed in an archive."""

    def __init__(self, whole: Source, offset: int, size: int, name: str) -> None:
        self._whole = whole
        self._offset = offset
        self.stored = size
        self.name = name
        self.path = whole.path

    def size(self) -> int:
        """Return the size of the stretch."""
        return self.stored

    def read(self, offset: int, count: int) -> bytes:
        """Read inside the stretch."""
        return self._whole.read(self._offset + offset, max(0, min(count, self.stored - offset)))

    def advance(self, budget: int) -> bool:
        """Return False: all there is can be read."""
        return False

    def changed(self) -> str | None:
        """Tell whether the archive changed."""
        return self._whole.changed()

    def close(self) -> None:
        """Close the archive."""
        self._whole.close()


class SpoolSource:
    """What `pieces` bring, kept in a temporary file as far as it was asked for."""

    def __init__(self, whole: Source, pieces: Generator[bytes], *, limited: bool = True) -> None:
        self.name = whole.name
        self.path = whole.path
        self.stored = whole.stored
        self._whole = whole
        self._pieces = pieces
        self._spool = _Spool()
        self._size = 0
        self._limit = max(ALLOWANCE, EXPANSION * whole.stored) if limited else None
        self._done = False
        self.failure: str | None = None
        """Why unpacking stopped early, if it did: what came before stays readable."""

    def size(self) -> int:
        """Return how much is unpacked."""
        return self._size

    def read(self, offset: int, count: int) -> bytes:
        """Read from what is unpacked."""
        return self._spool.read_at(offset, count)

    def advance(self, budget: int) -> bool:
        """Unpack some more; a damaged or exploding file just ends there."""
        goal = self._size + budget
        while not self._done and self._size < goal:
            try:
                piece = next(self._pieces, None)
            except Exception as error:  # noqa: BLE001 - zlib, zstandard and zipfile raise their own
                piece, self.failure = None, f"cannot be unpacked further: {error}"
            if piece is None:
                self._done = True
            elif self._limit is not None and self._size + len(piece) > self._limit:
                self._done = True
                self.failure = f"stopped: it unpacks to more than {self._limit >> 20} MiB"
            else:
                self._spool.append(piece)
                self._size += len(piece)
        return not self._done

    def changed(self) -> str | None:
        """Tell whether the packed file changed."""
        return self._whole.changed()

    def close(self) -> None:
        """Close both; the temporary file is gone then."""
        self._done = True
        self._pieces.close()
        self._spool.close()
        self._whole.close()


class PipeSource:
    """A pipe, copied aside by a thread as it comes."""

    def __init__(self, stream: IO[bytes], name: str = "-") -> None:
        self.name = name
        self.path: Path | None = None
        self.stored = 0
        self._spool = _Spool()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._copy, args=(stream,), daemon=True)
        self._thread.start()

    def _copy(self, stream: IO[bytes]) -> None:
        try:
            while piece := stream.read1(MIB) if hasattr(stream, "read1") else stream.read(MIB):
                self._spool.append(piece)
                self.stored += len(piece)
        except (OSError, ValueError):
            pass  # closed under us: what came is what there is
        finally:
            self._done.set()

    def size(self) -> int:
        """Return how much came so far."""
        return self.stored

    def read(self, offset: int, count: int) -> bytes:
        """Read from what came."""
        return self._spool.read_at(offset, count)

    def advance(self, budget: int) -> bool:
        """Tell whether more may come; `budget` 0 does not wait, else a moment at most."""
        if budget and not self._done.is_set():
            self._done.wait(0.005)
        return not self._done.is_set()

    def changed(self) -> str | None:
        """Return None: a pipe only goes on."""
        return None

    def close(self) -> None:
        """Drop what came; the thread ends with the pipe."""
        if self._done.is_set():
            self._spool.close()


class _Spool:
    """A temporary file that one thread appends to and others read."""

    def __init__(self) -> None:
        import tempfile

        self._file = tempfile.TemporaryFile(prefix="traceview-")  # noqa: SIM115 - closed by close()
        self._lock = threading.Lock()

    def append(self, piece: bytes) -> None:
        with self._lock:
            self._file.seek(0, os.SEEK_END)
            self._file.write(piece)
            self._file.flush()

    def read_at(self, offset: int, count: int) -> bytes:
        with self._lock:
            self._file.seek(offset)
            return self._file.read(count)

    def close(self) -> None:
        self._file.close()

    def __del__(self) -> None:
        if hasattr(self, "_file"):  # a signal may have come before it was made
            self.close()


def open_file(path: Path) -> int:
    """Open `path` for reading; what is no readable file becomes a `SourceError`."""
    try:
        if path.is_dir():
            raise SourceError("directory", str(path))
        if path.exists() and not path.is_file():
            raise SourceError("no-file", str(path))  # a fifo or device would block us
        return os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0))
    except FileNotFoundError:
        raise SourceError("missing", str(path)) from None
    except (OSError, ValueError) as error:
        detail = error.strerror if isinstance(error, OSError) else str(error)
        raise SourceError("unreadable", str(path), detail or "") from None


def check(path: Path | str) -> None:
    """Open `path` for a moment, to say now what is wrong with it.

    Raises:
        SourceError: it is missing, a directory, or unreadable.
    """
    if str(path) != "-":
        os.close(open_file(Path(path)))
