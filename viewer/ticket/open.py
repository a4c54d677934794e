"""Opening a ticket that a stranger sent: verify everything before anything is read from it."""

import hashlib
import os
import re
import stat
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson
import pyzipper
import zstandard

MANIFEST_VERSION: Final = 1
_MEMBERS: Final = 1_000
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_MANIFEST_SIZE: Final = 4 << 20
_RATIO: Final = 200
"""How many times its packed size a member may unpack to; ours reach 40."""
_ALLOWANCE: Final = 16 << 20
"""What any member may unpack to."""
_CHUNK: Final = 1 << 20
_ARCHIVES: Final = (b"PK\x03\x04", b"7z\xbc\xaf", b"Rar!", b"\x1f\x8b")


class TicketError(ValueError):
    """A ticket that is damaged, hostile or locked; the text is one line and says what to do."""


class LockedError(TicketError):
    """The ticket needs a password, or another one."""


@dataclass(frozen=True, slots=True)
class OpenTicket:
    """A verified ticket."""

    manifest: dict[str, Any]
    traces: tuple[Path, ...]
    """What to hand to ``Trace.open``; the archive itself where nothing had to be unpacked."""


def is_ticket(path: Path) -> bool:
    """Tell by its first bytes whether `path` is a zip."""
    try:
        with path.open("rb") as file:
            return file.read(4) in {b"PK\x03\x04", b"PK\x05\x06"}
    except OSError:
        return False


@contextmanager
def open_ticket(path: Path, password: bytes | None = None) -> Iterator[OpenTicket]:
    """Verify the ticket `path`, and keep its traces readable while the block runs.

    A locked ticket is unpacked into a private temporary folder that goes away with the block.

    Raises:
        LockedError: it needs a password, or another one.
        TicketError: it is no ticket, or not the one that was made: damaged, changed or hostile.
    """
    manifest, locked = _verified(path, password)
    if not locked:
        yield OpenTicket(manifest, (path,))
        return
    with tempfile.TemporaryDirectory(prefix="traceview-") as folder:
        yield OpenTicket(manifest, tuple(_unlocked(path, password, manifest, Path(folder))))


def _verified(path: Path, password: bytes | None) -> tuple[dict[str, Any], bool]:
    try:
        with pyzipper.AESZipFile(path) as archive:
            members = archive.infolist()
            _plain_members(path, members)
            locked = any(info.flag_bits & 1 for info in members)
            if locked and password is None:
                raise LockedError(f"{path}: is locked; give its password")
            archive.setpassword(password)
            manifest = _manifest(path, archive)
            _same_files(path, members, manifest)
            for info in members:
                if info.filename != "manifest.json":
                    _verify(path, archive, info, manifest["files"][info.filename])
            return manifest, locked
    except TicketError:
        raise
    except RuntimeError as error:
        if "password" in str(error).lower():
            raise LockedError(f"{path}: the password is wrong") from None
        raise TicketError(f"{path}: {_one_line(error)}; ask for it again") from None
    except (
        zipfile.BadZipFile,
        pyzipper.BadZipFile,
        ValueError,
        EOFError,
        NotImplementedError,
    ) as e:
        raise TicketError(f"{path}: damaged ({_one_line(e)}); ask for it again") from None
    except Exception as error:
        if type(error).__module__ in {"zlib", "zstandard", "zstd", "lzma", "_lzma"}:
            raise TicketError(f"{path}: damaged ({_one_line(error)}); ask for it again") from None
        raise


def _one_line(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return "".join(char if char.isprintable() else "?" for char in text)[:120] or "unreadable"


def _plain_members(path: Path, members: list[Any]) -> None:
    """Refuse what a ticket never holds: other folders, links, doubles, archives, bombs."""
    if len(members) > _MEMBERS:
        raise TicketError(f"{path}: {len(members)} files in it, no ticket has so many; not opened")
    seen: set[str] = set()
    for info in members:
        name = info.filename
        shown = _one_line(ValueError(ascii(name)))
        if _NAME.fullmatch(name) is None:
            raise TicketError(f"{path}: {shown} would land outside its folder; not opened")
        if stat.S_ISLNK(info.external_attr >> 16):
            raise TicketError(f"{path}: {shown} is a link; not opened")
        if name.lower() in seen:
            raise TicketError(f"{path}: {shown} is in it twice; not opened")
        if name.lower().endswith((".zip", ".7z", ".rar", ".tar", ".gz")):
            raise TicketError(f"{path}: {shown} is an archive inside the archive; not opened")
        if info.file_size > _ALLOWANCE + _RATIO * info.compress_size:
            raise TicketError(f"{path}: {shown} unpacks to {info.file_size} bytes; not opened")
        seen.add(name.lower())
    if "manifest.json" not in seen:
        raise TicketError(f"{path}: no manifest.json in it, so no ticket of tracer bundle")


def _manifest(path: Path, archive: Any) -> dict[str, Any]:
    with archive.open("manifest.json") as member:
        raw = member.read(_MANIFEST_SIZE + 1)
    try:
        manifest = orjson.loads(raw[:_MANIFEST_SIZE])
    except orjson.JSONDecodeError:
        manifest = None
    if not isinstance(manifest, dict) or manifest.get("mapi-tracer") != "ticket":
        raise TicketError(f"{path}: its manifest.json is not one of tracer bundle")
    number = manifest.get("version")
    if isinstance(number, int) and number > MANIFEST_VERSION:
        raise TicketError(f"{path}: ticket version {number}: please update mapi-tracer")
    files = manifest.get("files")
    if not isinstance(files, dict) or not all(isinstance(one, dict) for one in files.values()):
        raise TicketError(f"{path}: its manifest.json is damaged; ask for it again")
    return manifest


def _same_files(path: Path, members: list[Any], manifest: dict[str, Any]) -> None:
    there = {info.filename for info in members} - {"manifest.json"}
    listed = set(manifest["files"])
    for name in sorted(there ^ listed):
        what = "is missing" if name in listed else "is not in its manifest"
        raise TicketError(f"{path}: {_one_line(ValueError(ascii(name)))} {what}; ask for it again")


def _verify(path: Path, archive: Any, info: Any, about: dict[str, Any]) -> None:
    """Read one member whole: its hash is that of the manifest, and it is no bomb."""
    digest = hashlib.sha256()
    with archive.open(info) as member:
        begin = member.read(_CHUNK)
        if begin.startswith(_ARCHIVES):
            raise TicketError(f"{path}: {info.filename} is an archive inside it; not opened")
        piece = begin
        while piece:
            digest.update(piece)
            piece = member.read(_CHUNK)
    if digest.hexdigest() != about.get("sha256"):
        raise TicketError(
            f"{path}: {info.filename} is not what was packed (other SHA-256); ask for it again"
        )
    if info.filename.endswith(".zst"):
        _verify_unpacked(path, archive, info, about)


def _verify_unpacked(path: Path, archive: Any, info: Any, about: dict[str, Any]) -> None:
    declared = about.get("unpacked")
    limit = _ALLOWANCE + _RATIO * info.file_size
    if not isinstance(declared, int) or declared > limit:
        raise TicketError(f"{path}: {info.filename} unpacks to too much; not opened")
    with archive.open(info) as member:
        decompressor = zstandard.ZstdDecompressor(max_window_size=1 << 27)
        reader = decompressor.stream_reader(member, read_across_frames=True)
        size = 0
        while piece := reader.read(_CHUNK):
            size += len(piece)
            if size > declared:
                break
    if size != declared:
        raise TicketError(f"{path}: {info.filename} unpacks to another size; not opened")


def _unlocked(
    path: Path, password: bytes | None, manifest: dict[str, Any], folder: Path
) -> Iterator[Path]:
    with pyzipper.AESZipFile(path) as archive:
        archive.setpassword(password)
        for name in manifest["files"]:
            if name.endswith(".jsonl.zst"):
                target = folder / name
                descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                with archive.open(name) as member, os.fdopen(descriptor, "wb") as file:
                    while piece := member.read(_CHUNK):
                        file.write(piece)
                yield target
