"""The leak check: reads a finished file's bytes again and finds what must not be in them.

It knows the format only to say where a hit is. Every piece between two quotation marks is looked at
once, however often it comes, so that a gigabyte takes minutes and little memory.
"""

import gzip
import io
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

import orjson
import pyzipper
import zstandard

from viewer.i18n import Catalogue
from viewer.ticket import detectors
from viewer.ticket.needles import Needles

_BLOCK: Final = 1 << 21
_LONGEST: Final = 32 << 20
_OVERLAP: Final = 4096
_ENCODED: Final = ", encoded"
_SEEN: Final = 400_000
MOST: Final = 50
"""So many hits are enough to refuse a file."""


@dataclass(frozen=True, slots=True)
class Known:
    """A string that must not be in the file: an identity of the map, or a secret."""

    text: str
    kind: str


@dataclass(frozen=True, slots=True)
class Leak:
    """One hit. It never holds the value."""

    kind: str
    member: str
    line: int
    """Counted from 1."""
    event: str = ""
    path: str = ""
    """Where in the event, as ``data.request.url``."""

    def text(self, lang: str) -> str:
        """Return where it is and of which kind, in one line."""
        texts = Catalogue("ticket", lang)
        member, path = (_word(texts, "place", one) for one in (self.member, self.path))
        kind = _word(texts, "kind", self.kind.removesuffix(_ENCODED))
        if self.kind.endswith(_ENCODED):
            kind = texts("leak.encoded", kind=kind)
        place = texts("leak.line", member=member, line=self.line)
        if self.event:
            place += texts("leak.event", id=self.event)
        return texts("leak.said", place=f"{place}, {path}" if path else place, kind=kind)

    def __str__(self) -> str:
        return self.text("en")


def _word(texts: Catalogue, what: str, name: str) -> str:
    """Return `name` in the user's words; a file's or a vendor's stays as it is."""
    return texts(f"{what}.{name}") if texts.has(f"{what}.{name}") else name


class LeakCheck:
    """Checks files against shapes, the detectors of detect-secrets, and `known` strings."""

    def __init__(self, known: Sequence[Known] = (), *, addresses: bool = True) -> None:
        self._known = known
        self._addresses = addresses
        self._needles = Needles((n, one.text) for n, one in enumerate(known))
        self._seen: set[int] = set()

    def file(
        self,
        path: Path,
        password: bytes | None = None,
        progress: Callable[[int], None] = lambda _bytes: None,
    ) -> list[Leak]:
        """Return what `path` leaks, at most `MOST` hits; of an archive every member is read.

        Args:
            path: any file: a trace, compressed or not, a HAR, a zip.
            password: of an encrypted zip.
            progress: told the bytes looked at so far.

        Raises:
            OSError: it cannot be read, or is a damaged archive.
        """
        leaks: list[Leak] = []
        done = 0
        for member, stream in _streams(path, password):
            for leak_or_size in self._stream(member, stream):
                if isinstance(leak_or_size, Leak):
                    leaks.append(leak_or_size)
                    if len(leaks) >= MOST:
                        return leaks
                else:
                    done += leak_or_size
                    progress(done)
        return leaks

    def _stream(self, member: str, stream: IO[bytes]) -> Iterator[Leak | int]:
        for leak, _ in self._examine(member.encode(), member):
            yield Leak(leak, member, 0, path="the file's name")
        line = 1
        for block in _blocks(stream):
            told: set[tuple[str, int]] = set()
            for kind, at in self._examine(block, member):
                number = line + block.count(b"\n", 0, at)
                if (kind, number) not in told:
                    told.add((kind, number))
                    yield self._located(kind, member, number, block, at)
            line += block.count(b"\n")
            yield len(block)

    def _examine(self, block: bytes, member: str) -> Iterator[tuple[str, int]]:
        """Yield (kind, offset in `block`) of every hit in the pieces not seen before."""
        pieces = block.split(b'"')
        fresh = [piece for piece in set(pieces) if len(piece) > 3 and hash(piece) not in self._seen]
        if len(self._seen) > _SEEN:
            self._seen.clear()
        self._seen.update(map(hash, fresh))
        joined = b"\n".join(fresh)
        for at, kind in detectors.find(joined, addresses=self._addresses):
            yield kind, self._origin(block, joined, at)
        for word, kind in detectors.find_words(joined, addresses=self._addresses):
            yield kind, max(0, block.find(word))
        for at, number in self._needles.scan(joined):
            yield f"known {self._known[number].kind}", self._origin(block, joined, at)
        for piece, kind in (*detectors.find_named(pieces), *detectors.find_vendor(block)):
            yield kind, max(0, block.find(piece))

    def _origin(self, block: bytes, joined: bytes, at: int) -> int:
        """Return where in `block` the piece stands that has `at` in `joined`."""
        start = joined.rfind(b"\n", 0, at) + 1
        end = joined.find(b"\n", at)
        piece = joined[start : end if end >= 0 else None]
        whole = block.find(b'"' + piece + b'"') + 1  # else it is cut at the block's begin or end
        return (whole or max(0, block.find(piece))) + at - start

    def _located(self, kind: str, member: str, number: int, block: bytes, at: int) -> Leak:
        start = block.rfind(b"\n", 0, at) + 1
        end = block.find(b"\n", at)
        try:
            event = orjson.loads(block[start : end if end >= 0 else None])
        except orjson.JSONDecodeError:
            return Leak(kind, member, number)
        own = event.get("id") if isinstance(event, dict) else None
        searcher = LeakCheck(self._known_of(kind), addresses=self._addresses)
        path = next((p for p, text in _strings(event, "") if searcher.holds(text, kind)), "")
        return Leak(kind, member, number, own if isinstance(own, str) else "", path)

    def _known_of(self, kind: str) -> list[Known]:
        return [one for one in self._known if kind == f"known {one.kind}"]

    def holds(self, text: str, kind: str) -> bool:
        """Tell whether `text` alone has a hit of this kind."""
        self._seen.clear()
        raw = text.encode("utf-8", "replace")
        found = {one for one, _ in self._examine(raw, "")}
        return kind in found or kind in {one for one, _ in self._examine(orjson.dumps(text), "")}


def _strings(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Yield (path, text) of every string inside, a key as part of the path and as text."""
    pending = [(path, value)]
    while pending:
        path, value = pending.pop()
        if isinstance(value, str):
            yield path, value
        elif isinstance(value, list):
            pending += [(f"{path}[{n}]", one) for n, one in enumerate(value)]
        elif isinstance(value, dict):
            for key, one in value.items():
                if isinstance(one, str):  # its name says what it is
                    yield f"{path}.{key}".lstrip("."), f'"{key}":"{one}"'
                pending.append((f"{path}.{key}".lstrip("."), one))


def _blocks(stream: IO[bytes]) -> Iterator[bytes]:
    """Yield the bytes of `stream` in blocks that end at a line's end where there is one."""
    rest = b""
    while chunk := stream.read(_BLOCK):
        block = rest + chunk
        cut = block.rfind(b"\n") + 1
        if cut:
            yield block[:cut]
            rest = block[cut:]
        elif len(block) > _LONGEST:
            yield block
            rest = block[-_OVERLAP:]
        else:
            rest = block
    if rest:
        yield rest


def _streams(path: Path, password: bytes | None) -> Iterator[tuple[str, IO[bytes]]]:
    """Yield every member of the file with a name to tell it by, decompressed."""
    with path.open("rb") as file:
        if file.read(4) == b"PK\x03\x04":
            yield from _zip_members(path, password)
        else:
            file.seek(0)
            yield path.name, _unpacked(file)


def _zip_members(path: Path, password: bytes | None) -> Iterator[tuple[str, IO[bytes]]]:
    try:
        with pyzipper.AESZipFile(path) as archive:
            archive.setpassword(password)
            if archive.comment:
                yield "the archive's comment", io.BytesIO(archive.comment)
            for info in archive.infolist():
                with archive.open(info) as member:
                    yield info.filename, _unpacked(io.BufferedReader(member, _BLOCK))
    except (zipfile.BadZipFile, pyzipper.BadZipFile, RuntimeError) as error:
        raise OSError(f"{path}: {error}") from None


def _unpacked(file: Any) -> IO[bytes]:
    begin = file.peek(4)[:4]
    if begin == b"\x28\xb5\x2f\xfd":
        reader = zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True)
        stream: IO[bytes] = io.BufferedReader(reader, _BLOCK)
        return stream
    if begin[:2] == b"\x1f\x8b":
        unzipped: Any = gzip.GzipFile(fileobj=file)
        return io.BufferedReader(unzipped, _BLOCK)
    plain: IO[bytes] = file
    return plain
