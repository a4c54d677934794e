"""A ticket from a stranger: verified, or refused with one line; never half opened."""

import hashlib
import json
import stat
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zstandard

from tests.support.traces import TraceBuilder
from viewer.model.trace import Trace
from viewer.ticket.bundle import Order, bundle
from viewer.ticket.open import LockedError, TicketError, is_ticket, open_ticket


@pytest.fixture
def ticket(tmp_path: Path) -> Path:
    """Return a good ticket."""
    trace = TraceBuilder()
    with trace.operation("send", "gmail"):
        trace.call("gmail.users.messages.send", "gmail")
    session = trace.write(tmp_path / "s.jsonl")
    return bundle(Order(sessions=[session], out=tmp_path / "good.zip")).path


Members = dict[str, bytes]


def rewritten(ticket: Path, change: Callable[[Members], None], *, honest: bool = False) -> Path:
    """Return a copy of `ticket` with its members changed; `honest`: with a manifest to match."""
    with zipfile.ZipFile(ticket) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    if honest:
        manifest = json.loads(members["manifest.json"])
        for name in members.keys() - {"manifest.json"}:
            about = manifest["files"].setdefault(name, {})
            about |= {"sha256": hashlib.sha256(members[name]).hexdigest()}
        members["manifest.json"] = json.dumps(manifest).encode()
    path = ticket.with_name("bad.zip")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def refused(path: Path, password: bytes | None = None) -> str:
    """Return the one line with which `path` is refused."""
    with pytest.raises(TicketError) as caught, open_ticket(path, password):
        pass
    text = str(caught.value)
    assert "\n" not in text
    assert text.isprintable()
    assert str(path) in text
    return text


def test_a_good_ticket_opens_in_place(ticket: Path) -> None:
    """The traces of an unlocked ticket are read where they lie."""
    with open_ticket(ticket) as opened:
        assert opened.manifest["counts"]["events"] == 6
        trace = Trace.open(opened.traces, cache=False)
        assert len(trace) == 6
        trace.close()
    assert is_ticket(ticket)
    assert not is_ticket(ticket.parent / "s.jsonl")
    assert not is_ticket(ticket.parent / "none")


def change_of(name: str) -> tuple[Callable[[Members], None], bool, str]:
    """Return what a hostile ticket does, whether its manifest goes along, and what is said."""
    bomb = zstandard.compress(b"\0" * (80 << 20))
    inner = b"PK\x03\x04" + b"x" * 40

    def put(name: str, data: bytes) -> Callable[[Members], None]:
        return lambda members: members.update({name: data})

    def manifest(**changes: Any) -> Callable[[Members], None]:
        return lambda members: members.update(
            {"manifest.json": json.dumps(json.loads(members["manifest.json"]) | changes).encode()}
        )

    return {
        "zip slip": (put("../evil.txt", b"x"), True, "outside its folder"),
        "zip slip, Windows": (put("..\\evil.txt", b"x"), True, "outside its folder"),
        "absolute": (put("/etc/passwd", b"x"), True, "outside its folder"),
        "drive": (put("C:evil", b"x"), True, "outside its folder"),
        "terminal escape in a name": (put("\x1b[31mx", b"x"), True, "outside its folder"),
        "nested zip by name": (put("more.zip", b"x"), True, "archive inside"),
        "nested zip by bytes": (put("more.txt", inner), True, "archive inside"),
        "changed member": (put("report.md", b"changed"), False, "SHA-256"),
        "added member": (put("extra.txt", b"x"), False, "not in its manifest"),
        "missing member": (lambda members: members.pop("report.md") and None, False, "is missing"),
        "bomb": (put("session-1.jsonl.zst", bomb), True, "unpacks to"),
        "zip bomb": (put("report.md", b"\0" * (90 << 20)), True, "unpacks to"),
        "no manifest": (lambda m: m.pop("manifest.json") and None, False, "no manifest.json"),
        "broken manifest": (put("manifest.json", b"{"), False, "not one of tracer bundle"),
        "other manifest": (put("manifest.json", b"{}"), False, "not one of tracer bundle"),
        "newer": (manifest(version=99), False, "please update"),
        "odd files": (manifest(files=[1]), False, "damaged"),
        "damaged trace": (put("session-1.jsonl.zst", b"\x28\xb5\x2f\xfdxx"), True, "another size"),
    }[name]  # fmt: skip


@pytest.mark.parametrize(
    "name",
    ["zip slip", "zip slip, Windows", "absolute", "drive", "terminal escape in a name",
     "nested zip by name", "nested zip by bytes", "changed member", "added member",
     "missing member", "bomb", "zip bomb", "no manifest", "broken manifest", "other manifest",
     "newer", "odd files", "damaged trace"],
)  # fmt: skip
def test_hostile_tickets_are_refused(ticket: Path, name: str) -> None:
    """Each trick gets one clear line, and nothing appears on the disk."""
    change, honest, said = change_of(name)
    bad = rewritten(ticket, change, honest=honest)
    before = sorted(ticket.parent.iterdir())
    assert said in refused(bad)
    assert sorted(ticket.parent.iterdir()) == before


def test_links_and_doubles_are_refused(ticket: Path) -> None:
    """A symbolic link and a name that comes twice, in whatever case, are refused."""
    bad = ticket.with_name("bad.zip")
    link = zipfile.ZipInfo("link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(bad, "w") as archive:
        archive.writestr(link, "/etc/passwd")
    assert "is a link" in refused(bad)
    with zipfile.ZipFile(bad, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        archive.writestr("a.txt", "1")
        archive.writestr("A.txt", "2")
    assert "twice" in refused(bad)


def test_too_many_members_are_refused(tmp_path: Path) -> None:
    """An archive of a thousand files is no ticket."""
    bad = tmp_path / "bad.zip"
    with zipfile.ZipFile(bad, "w") as archive:
        for n in range(1_001):
            archive.writestr(f"f{n}", b"")
    assert "no ticket has so many" in refused(bad)


@pytest.mark.parametrize("cut", [10, 300, -30])
def test_a_torn_ticket_is_refused(ticket: Path, cut: int) -> None:
    """A download that broke off is called damaged."""
    bad = ticket.with_name("bad.zip")
    bad.write_bytes(ticket.read_bytes()[:cut])
    assert "damaged" in refused(bad)


def test_a_flipped_bit_is_noticed(ticket: Path) -> None:
    """One bit inside a stored trace: the archive's checksum or our hash says so."""
    data = bytearray(ticket.read_bytes())
    at = bytes(data).index(b"\x28\xb5\x2f\xfd") + 20
    data[at] ^= 1
    bad = ticket.with_name("bad.zip")
    bad.write_bytes(data)
    refused(bad)


def test_a_locked_ticket_says_so(tmp_path: Path) -> None:
    """Without a password, or with another one, it is asked for."""
    session = TraceBuilder()
    session.add("note", "point", "n", "session")
    path = session.write(tmp_path / "s.jsonl")
    locked = bundle(Order(sessions=[path], out=tmp_path / "t.zip", password=b"sesame")).path
    for password, said in ((None, "is locked"), (b"other", "password is wrong")):
        with pytest.raises(LockedError, match=said), open_ticket(locked, password):
            pass
