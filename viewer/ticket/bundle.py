"""Makes the ticket: pseudonyms, reports, archive, leak check; all of it or nothing."""

import hashlib
import os
import platform
import secrets
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any, Final

import orjson
import pyzipper
import zstandard

from tracer.i18n import SayableError
from tracer.schema.events import VERSION
from tracer.schema.lines import DamagedLineError, NewerVersionError, parse
from viewer.i18n import Catalogue, language
from viewer.model.findings import diagnose
from viewer.model.packed import open_source
from viewer.model.source import Source, SourceError
from viewer.model.trace import Trace
from viewer.report.html import write_html
from viewer.report.markdown import markdown
from viewer.report.picture import picture
from viewer.ticket.bodies import FULL, without_full_bodies
from viewer.ticket.idmap import MapWriter, private_file
from viewer.ticket.leaks import Known, Leak, LeakCheck
from viewer.ticket.registry import Registry
from viewer.ticket.rewrite import Rewriter
from viewer.ticket.workshop import workshop

MANIFEST_VERSION: Final = 1
_CHUNK: Final = 1 << 20
_FRAME: Final = 1 << 20
_LONGEST: Final = 64 << 20
_EXACT: Final = frozenset({"ip", "phone", "sid", "customer", "client"})

Progress = Callable[[str, int, int], None]
"""Told (stage, done, total): ``rewrite``, ``report``, ``check``; bytes."""


class _Archive(pyzipper.AESZipFile):  # type: ignore[misc] # untyped library
    """An archive that is closed by us alone: one that was cut off would complain on stderr."""

    def __del__(self) -> None:
        """Close nothing."""


class BundleError(SayableError):
    """No ticket was made; the text is one line and says what to do."""

    catalogue = Catalogue
    domain = "ticket"


class LeakError(BundleError):
    """The finished archive held something that must not leave the house; it is gone."""

    def __init__(self, leaks: Sequence[Leak]) -> None:
        super().__init__("bundle.leaks", count=len(leaks))
        self.leaks = leaks


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to put into a ticket, and how."""

    sessions: Sequence[Path]
    out: Path
    ticket: str = ""
    note: str = ""
    keep_addresses: bool = False
    full_bodies: bool = False
    """Keep bodies recorded with ``--bodies full``; else they are reduced to size and digest."""
    password: bytes | None = None
    known: Sequence[str] = ()
    """Secrets and names of the house that must not be found, in whatever encoding."""
    lang: str | None = None
    """Of the reports; None: that of the environment."""
    progress: Progress = lambda _stage, _done, _total: None


@dataclass(slots=True)
class Ticket:
    """A ticket that passed its check."""

    path: Path
    map_path: Path
    events: int
    pseudonyms: dict[str, int]
    left_out: int
    """Damaged lines; they could hold anything."""
    size: int
    """Bytes of the archive."""


def bundle(order: Order) -> Ticket:
    """Make the archive of `order`, 0600, and beside the first session the map of its pseudonyms.

    Raises:
        LeakError: the check refused it. Nothing is left behind.
        BundleError: a session is missing, or the target cannot be written or exists.
    """
    map_path = order.sessions[0].parent / f"{order.out.stem}.map"
    _look_before(order, map_path)
    registry = Registry(secrets.token_bytes(32), keep_addresses=order.keep_addresses)
    with workshop(order.out) as work:
        made = _Making(order, registry, work / "1")
        leaks = made.make()
        if any(leak.kind.startswith("known ") and leak.kind != "known secret" for leak in leaks):
            # a name was met before anything told that it is one; now it is known
            made = _Making(order, registry, work / "2")
            leaks = made.make()
        if leaks:
            raise LeakError(leaks)
        _place(made, map_path)
    return Ticket(
        path=order.out,
        map_path=map_path,
        events=made.events,
        pseudonyms=made.pseudonyms,
        left_out=made.left_out,
        size=order.out.stat().st_size,
    )


def _place(made: "_Making", map_path: Path) -> None:
    """Put map and archive where they belong: both or none."""
    out = made.order.out
    with workshop(map_path) as beside:
        with private_file(beside / "map") as file:
            made.write_map(file)
        try:
            (beside / "map").replace(map_path)
            made.archive.replace(out)
        except BaseException:
            if made.archive.exists():  # not moved yet
                map_path.unlink(missing_ok=True)
            raise


def _look_before(order: Order, map_path: Path) -> None:
    for session in order.sessions:
        if not session.is_file():
            kind = "no-file" if session.exists() else "missing"
            raise BundleError(f"bundle.{'folder' if session.is_dir() else kind}", path=session)
    if order.out.exists():
        raise BundleError("bundle.exists", path=order.out)
    if map_path.exists():
        raise BundleError("bundle.map-exists", path=map_path)
    if not os.access(order.out.parent, os.W_OK):
        raise BundleError("bundle.unwritable", path=order.out.parent)
    if not os.access(map_path.parent, os.W_OK):
        raise BundleError("bundle.map-unwritable", path=map_path.parent)
    needed = sum(session.stat().st_size for session in order.sessions)
    if shutil.disk_usage(order.out.parent).free < needed // 2:
        raise BundleError("bundle.disk-full", path=order.out.parent)


class _Making:
    """One attempt, in a folder of its own that vanishes with it."""

    def __init__(self, order: Order, registry: Registry, folder: Path) -> None:
        folder.mkdir(mode=0o700)
        self.order = order
        self.registry = registry
        self.folder = folder
        self.archive = folder / "ticket.zip"
        self.hashed = folder / "hashed"
        self.events = self.left_out = 0
        self._newer = False
        self.pseudonyms: dict[str, int] = {}
        self._files: dict[str, dict[str, Any]] = {}
        self._rewriter = Rewriter(registry)

    def make(self) -> list[Leak]:
        """Write the archive and return what the check found in it."""
        with self.hashed.open("wb") as spool:
            names = MapWriter(spool)
            self.registry.on_hashed = names.add
            traces = [self._trace(n, path) for n, path in enumerate(self.order.sessions, 1)]
            note = self._rewriter.text(self.order.note)
        self._rewriter.forget()  # the memory is needed for the index
        self.pseudonyms = dict(Counter(entry.kind for entry in self.registry.entries()))
        self._reports(traces, note)
        self._manifest(note)
        self._zip()
        return self._check()

    # the trace

    def _trace(self, number: int, session: Path) -> Path:
        """Write the pseudonymised trace: one pass, compressed in frames that open at random."""
        target = self.folder / f"session-{number}.jsonl.zst"
        compressor = zstandard.ZstdCompressor(level=6)
        total, done, unpacked = session.stat().st_size, 0, 0
        before, self._newer = self.events, False
        with target.open("wb") as file:
            for frame, read in _frames(self._lines(session)):
                file.write(compressor.compress(frame))
                unpacked += len(frame)
                done += read
                self.order.progress("rewrite", min(done, total), total)
        if self.events == before:  # it would be a ticket without a trace
            raise BundleError(f"bundle.{'newer' if self._newer else 'no-event'}", path=session)
        self._files[target.name] = {"unpacked": unpacked}
        return target

    def _lines(self, session: Path) -> Iterator[tuple[bytes, int]]:
        """Yield each event rewritten, and how many bytes it was; damaged lines are left out."""
        for line in _lines(session):
            if not line.strip(b"\0 \t\r"):
                continue
            try:
                parse(line)
            except DamagedLineError as error:
                self._newer |= isinstance(error, NewerVersionError)
                self.left_out += 1  # it could hold anything; its place stays, so that counts agree
                yield b'{"v":1,"left out":"damaged line of %d bytes"}' % len(line), len(line) + 1
                continue
            self.events += 1
            kept = line
            if FULL in line and not self.order.full_bodies:
                kept = without_full_bodies(line)
            yield self._rewriter.line(kept), len(line) + 1

    # what people read

    def _reports(self, traces: list[Path], note: str) -> None:
        order = self.order
        order.progress("report", 0, 1)
        lang = language(order.lang)
        trace = Trace.open(traces, cache=False)
        try:
            findings = diagnose(trace)
            texts = {
                "report.md": markdown(trace, findings, lang, note=note, ticket=order.ticket),
                "picture.svg": picture(trace, findings, lang),
            }
            for name, text in texts.items():
                (self.folder / name).write_text(text, "utf-8", newline="\n")
                self._files[name] = {}
            with (self.folder / "report.html").open("w", encoding="utf-8", newline="\n") as file:
                write_html(trace, findings, file, lang, note=note, ticket=order.ticket)
            self._files["report.html"] = {}
        finally:
            trace.close()
        order.progress("report", 1, 1)

    def _manifest(self, note: str) -> None:
        order = self.order
        for name, about in self._files.items():
            path = self.folder / name
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            about |= {"size": path.stat().st_size, "sha256": digest}
        manifest = {
            "mapi-tracer": "ticket",
            "version": MANIFEST_VERSION,
            "format": VERSION,
            "created": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "versions": {
                "mapi-tracer": version("mapi-tracer"),
                "python": platform.python_version(),
            },
            "ticket": self._rewriter.text(order.ticket),
            "note": note,
            "policy": {
                "addresses": "kept" if order.keep_addresses else "pseudonyms",
                "bodies": "full" if order.full_bodies else "as recorded, never full",
                "leak_check": "passed",
            },
            "counts": {
                "events": self.events,
                "damaged_lines_left_out": self.left_out,
                "pseudonyms": self.pseudonyms,
            },
            "files": self._files,
        }
        text = orjson.dumps(manifest, option=orjson.OPT_INDENT_2)
        (self.folder / "manifest.json").write_bytes(text + b"\n")

    def _zip(self) -> None:
        """Pack everything; traces are stored, so that they open without unpacking."""
        with self.archive.open("xb") as file:
            if os.name == "posix":
                os.fchmod(file.fileno(), 0o600)
            archive = _Archive(file, "w")
            if self.order.password:
                archive.setpassword(self.order.password)
                archive.setencryption(pyzipper.WZ_AES, nbits=256)
            for name in ("manifest.json", *self._files):
                packed = name.endswith(".zst")
                how = pyzipper.ZIP_STORED if packed else pyzipper.ZIP_DEFLATED
                archive.write(self.folder / name, name, compress_type=how)
            archive.close()
            file.flush()
            os.fsync(file.fileno())

    # the check

    def _check(self) -> list[Leak]:
        order = self.order
        total = sum(about.get("unpacked", about["size"]) for about in self._files.values())
        known = [
            Known(entry.original, entry.kind)
            for entry in self.registry.entries()
            if entry.bare or entry.kind in _EXACT
        ]
        known += [Known(text, "secret") for text in order.known]
        check = LeakCheck(known, addresses=not order.keep_addresses)
        return check.file(
            self.archive,
            order.password,
            lambda done: order.progress("check", min(done, total), total),
        )

    def write_map(self, file: IO[bytes]) -> None:
        """Write every pseudonym with its original."""
        with self.hashed.open("rb") as spool:
            shutil.copyfileobj(spool, file)
        writer = MapWriter(file, begun=True)
        for entry in self.registry.entries():
            writer.add(entry)


def _lines(session: Path) -> Iterator[bytes]:
    """Yield the lines of a session file, whatever it is wrapped in, with bounded memory."""
    for source in _opened(session):
        try:
            offset, rest = 0, b""
            while True:
                chunk = source.read(offset, _CHUNK)
                if not chunk:
                    if source.advance(_CHUNK):
                        continue
                    break
                offset += len(chunk)
                *lines, rest = (rest + chunk).split(b"\n")
                yield from lines
                if len(rest) > _LONGEST:
                    yield b"{"  # counted as damaged
                    rest = b""
            yield rest
        finally:
            source.close()


def _opened(session: Path) -> list[Source]:
    try:
        return open_source(session)
    except SourceError as error:
        reason = error.detail or error.code
        raise BundleError("bundle.unreadable", path=session, reason=reason) from None


def _frames(lines: Iterator[tuple[bytes, int]]) -> Iterator[tuple[bytes, int]]:
    """Join lines to frames of about `_FRAME` bytes; also say how many bytes were read for it."""
    held: list[bytes] = []
    size = read = 0
    for line, was in lines:
        held.append(line)
        size += len(line) + 1
        read += was
        if size >= _FRAME:
            yield b"\n".join(held) + b"\n", read
            held, size, read = [], 0, 0
    if held:
        yield b"\n".join(held) + b"\n", read
