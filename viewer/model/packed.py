"""What session files come wrapped in: ``.gz``, ``.zst``, and the ticket's ``.zip``."""

import struct
import sys
import zipfile
import zlib
from bisect import bisect_right
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Final, cast

from viewer.model.source import (
    MIB,
    FileSource,
    PartSource,
    PipeSource,
    Source,
    SourceError,
    SpoolSource,
)

_GZIP: Final = b"\x1f\x8b"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
_ZIP: Final = (b"PK\x03\x04", b"PK\x05\x06")
_FRAME_LIMIT: Final = 64 * MIB
"""A frame that unpacks to more is not held in memory."""
_WINDOW_LIMIT: Final = 128 * MIB
_MEMBERS_LIMIT: Final = 1000
_TRACES: Final = (".jsonl", ".jsonl.zst", ".jsonl.gz")


def open_source(path: Path | str) -> list[Source]:
    """Open `path` (``-``: standard input) and return what it holds: one trace, or a zip's several.

    What is inside is told by the first bytes, not by the name.

    Raises:
        SourceError: it is missing, a directory, unreadable, encrypted, or an archive of no trace.
    """
    if str(path) == "-":
        return [PipeSource(sys.stdin.buffer)]
    source = FileSource(Path(path))
    if source.read(0, 4) in _ZIP:
        members = _members(source, Path(path))
        source.close()
        return members
    return [_unwrap(source)]


def _unwrap(source: Source) -> Source:
    start = source.read(0, 4)
    if start.startswith(_GZIP):
        return SpoolSource(source, _gunzip(source))
    if start == _ZSTD:
        frames = _frames(source)
        if frames is not None:
            return FramesSource(source, frames)
        return SpoolSource(source, _unzstd(source))
    return source


def _gunzip(source: Source) -> Generator[bytes]:
    """Unpack every member of a gzip file, piece by piece."""
    offset = 0
    inflate = zlib.decompressobj(wbits=31)
    while packed := source.read(offset, 256 * 1024):
        offset += len(packed)
        while packed:
            if piece := inflate.decompress(packed, MIB):
                yield piece
            packed = inflate.unconsumed_tail
            if inflate.eof:
                packed = inflate.unused_data
                inflate = zlib.decompressobj(wbits=31)
    if not inflate.eof and inflate.unconsumed_tail:
        raise EOFError("the file ends too early")


def _unzstd(source: Source) -> Generator[bytes]:
    """Unpack every frame of a zstd file, piece by piece."""
    import zstandard

    reader = zstandard.ZstdDecompressor(max_window_size=_WINDOW_LIMIT).stream_reader(
        cast("IO[bytes]", _Stream(source)), read_across_frames=True
    )
    while piece := reader.read(MIB):
        yield piece


class _Stream:
    """What zstandard reads from."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._offset = 0

    def read(self, size: int) -> bytes:
        """Return the next bytes."""
        piece = self._source.read(self._offset, size)
        self._offset += len(piece)
        return piece


@dataclass(frozen=True, slots=True)
class _Frame:
    packed: int
    """Where it begins in the file."""
    packed_size: int
    begin: int
    """Where its contents begin in the whole."""
    size: int


class FramesSource:
    """A ``.zst`` of several frames, each unpacked when something in it is read."""

    def __init__(self, whole: Source, frames: list[_Frame]) -> None:
        import zstandard

        self.name = whole.name
        self.path = whole.path
        self.stored = whole.stored
        self._whole = whole
        self._frames = frames
        self._begins = [frame.begin for frame in frames]
        self._unpack: zstandard.ZstdDecompressor = zstandard.ZstdDecompressor(
            max_window_size=_WINDOW_LIMIT
        )
        self._error = zstandard.ZstdError
        self._kept: dict[int, bytes] = {}
        self.failure: str | None = None
        """Why a frame is missing, if one could not be unpacked: it reads as blanks."""

    def size(self) -> int:
        """Return the size of all contents."""
        return self._frames[-1].begin + self._frames[-1].size if self._frames else 0

    def read(self, offset: int, count: int) -> bytes:
        """Unpack the frames that hold these bytes."""
        end = min(offset + count, self.size())
        pieces = []
        number = bisect_right(self._begins, offset) - 1
        while offset < end:
            frame = self._frames[number]
            piece = self._contents(number)[offset - frame.begin : end - frame.begin]
            pieces.append(piece)
            offset = frame.begin + frame.size
            number += 1
        return b"".join(pieces)

    def _contents(self, number: int) -> bytes:
        contents = self._kept.get(number)
        if contents is None:
            frame = self._frames[number]
            try:
                contents = self._unpack_frame(frame)
            except self._error as error:
                self.failure = f"frame {number + 1} cannot be unpacked: {error}"
                contents = b"\n" * frame.size
            while len(self._kept) >= 3:
                self._kept.pop(next(iter(self._kept)), None)
            self._kept[number] = contents
        return contents

    def _unpack_frame(self, frame: _Frame) -> bytes:
        packed = self._whole.read(frame.packed, frame.packed_size)
        contents: bytes = self._unpack.decompress(packed, max_output_size=frame.size)
        if len(contents) != frame.size:
            raise self._error("its size is not what it says")
        return contents

    def advance(self, budget: int) -> bool:
        """Return False: all there is can be read."""
        return False

    def changed(self) -> str | None:
        """Tell whether the packed file changed."""
        return self._whole.changed()

    def close(self) -> None:
        """Close the packed file."""
        self._kept.clear()
        self._whole.close()


def _frames(source: Source) -> list[_Frame] | None:
    """Return the frames of a zstd file; None unless each says its size and there are several."""
    import zstandard

    frames: list[_Frame] = []
    offset = begin = 0
    size = source.size()
    while offset < size:
        head = source.read(offset, 18)
        if len(head) >= 8 and 0x184D2A50 <= int.from_bytes(head[:4], "little") <= 0x184D2A5F:
            offset += 8 + int.from_bytes(head[4:8], "little")  # a skippable frame
            continue
        try:
            facts = zstandard.get_frame_parameters(head)
        except zstandard.ZstdError:
            return None
        packed_size = _packed_size(source, offset, head, has_checksum=bool(facts.has_checksum))
        if packed_size is None or not 0 < facts.content_size <= _FRAME_LIMIT:
            return None
        frames.append(_Frame(offset, packed_size, begin, facts.content_size))
        begin += facts.content_size
        offset += packed_size
    return frames if len(frames) > 1 or (frames and begin <= _FRAME_LIMIT) else None


def _packed_size(source: Source, offset: int, head: bytes, *, has_checksum: bool) -> int | None:
    """Walk over the blocks of the frame at `offset` (RFC 8878, 3.1.1.2); None if it is cut off."""
    import zstandard

    at = offset + zstandard.frame_header_size(head)
    end = source.size()
    while at + 3 <= end:
        block = int.from_bytes(source.read(at, 3), "little")
        last, kind, size = block & 1, (block >> 1) & 3, block >> 3
        at += 3 + (1 if kind == 1 else size)
        if last:
            at += 4 if has_checksum else 0
            return at - offset if at <= end else None
    return None


def _members(source: FileSource, path: Path) -> list[Source]:
    """Return the traces inside a zip; nothing is ever unpacked to a path that the archive names."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = [
                info
                for info in archive.infolist()[:_MEMBERS_LIMIT]
                if not info.is_dir() and info.filename.endswith(_TRACES)
            ]
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        source.close()
        raise SourceError("archive", str(path), str(error)) from None
    if not members or any(info.flag_bits & 1 for info in members):
        source.close()
        raise SourceError("encrypted" if members else "no-trace", str(path))
    return [_member(FileSource(path), path, info) for info in members]


def _member(source: FileSource, path: Path, info: zipfile.ZipInfo) -> Source:
    name = f"{path}!{PurePosixPath(info.filename.replace(chr(92), '/'))}"
    if info.compress_type == zipfile.ZIP_STORED:
        local = source.read(info.header_offset, 30)
        begin = info.header_offset + 30
        if len(local) == 30:
            begin += sum(struct.unpack("<HH", local[26:]))
        if begin + info.file_size <= source.size():
            return _unwrap(PartSource(source, begin, info.file_size, name))
    member = PartSource(source, info.header_offset, info.compress_size, name)
    spooled = SpoolSource(member, _unzip(path, info))
    if info.filename.endswith(".jsonl"):
        return spooled
    while spooled.advance(8 * MIB):  # packed twice: the outer one first
        pass
    return _unwrap(spooled)


def _unzip(path: Path, info: zipfile.ZipInfo) -> Generator[bytes]:
    with zipfile.ZipFile(path) as archive, archive.open(info) as member:
        while piece := member.read(MIB):
            yield piece
