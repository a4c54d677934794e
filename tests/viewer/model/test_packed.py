"""Wrapped files: gzip, zstd of one and of many frames, the ticket's zip, and hostile ones."""

import contextlib
import gc
import gzip
import io
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import zstandard

from tests.support.traces import TraceBuilder
from viewer.model.packed import FramesSource, open_source
from viewer.model.source import PipeSource, SourceError
from viewer.model.trace import Trace


def made_lines() -> tuple[TraceBuilder, bytes]:
    """Return a few hundred events and their lines."""
    made = TraceBuilder()
    for n in range(400):
        made.add("note", "point", f"n{n}", "session", text=f"é{n}" * 40)
        made.wait(1)
    return made, made.lines()


def framed(data: bytes, size: int = 8000) -> bytes:
    """Compress `data` into frames of about `size` bytes, cut anywhere."""
    packer = zstandard.ZstdCompressor()
    return b"".join(packer.compress(data[n : n + size]) for n in range(0, len(data), size))


def streamed(data: bytes) -> bytes:
    """Compress `data` into one frame that does not say its size."""
    out = io.BytesIO()
    with zstandard.ZstdCompressor().stream_writer(out, closefd=False) as writer:
        writer.write(data)
    return out.getvalue()


@pytest.mark.parametrize(
    "packed",
    [gzip.compress, lambda d: gzip.compress(d[:5000]) + gzip.compress(d[5000:]), framed, streamed],
    ids=["gzip", "gzip-members", "zstd-frames", "zstd-stream"],
)
def test_packed_files_read_as_plain_ones(tmp_path: Path, packed: object) -> None:
    """Whatever it is wrapped in, told by its first bytes, rows and lines are the same."""
    made, data = made_lines()
    path = tmp_path / "any-name"
    path.write_bytes(packed(data))  # type: ignore[operator]
    trace = Trace.open([path])
    assert [trace.event(row) for row in range(len(trace))] == made.events
    assert trace.event(3) == made.events[3]
    assert not trace.damage
    trace.close()


def test_frames_are_read_at_random(tmp_path: Path) -> None:
    """A zstd of several frames is not unpacked as a whole."""
    _, data = made_lines()
    path = tmp_path / "s.jsonl.zst"
    path.write_bytes(framed(data))
    (source,) = open_source(path)
    assert isinstance(source, FramesSource)
    for at in (0, 7990, len(data) - 10, 12345):
        assert source.read(at, 100) == data[at : at + 100]
    source.close()


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("inner", ["trace/session.jsonl.zst", "session.jsonl"])
def test_a_ticket_opens_without_unpacking(tmp_path: Path, method: int, inner: str) -> None:
    """The trace in a ticket is read out of the zip, whatever else is in there."""
    made, data = made_lines()
    path = tmp_path / "ticket.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("report.html", "<html>" * 500)
        archive.writestr(inner, framed(data) if inner.endswith("zst") else data)
    trace = Trace.open([path])
    assert [trace.event(row) for row in range(len(trace))] == made.events
    assert trace.files == [f"{path}!{inner}"]
    trace.close()


def test_paths_in_an_archive_are_never_written(tmp_path: Path) -> None:
    """A member that names a path outside is read like any other; no file appears anywhere."""
    made, data = made_lines()
    inside = tmp_path / "in"
    inside.mkdir()
    path = inside / "ticket.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../../evil.jsonl", data)
    trace = Trace.open([path])
    assert len(trace) == len(made.events)
    assert [p.name for p in tmp_path.rglob("*") if p.is_file()] == ["ticket.zip"]
    trace.close()


@pytest.mark.parametrize("kind", ["gzip", "zstd", "zip"])
def test_bombs_stop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """What unpacks to far more than any trace is stopped and listed; what came before is there."""
    monkeypatch.setattr("viewer.model.source.ALLOWANCE", 4 << 20)
    _, data = made_lines()
    bomb = data + b" " * (64 << 20)
    path = tmp_path / "bomb"
    if kind == "gzip":
        path.write_bytes(gzip.compress(bomb))
    elif kind == "zstd":
        path.write_bytes(streamed(bomb))
    else:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("s.jsonl", bomb)
    trace = Trace.open([path])
    assert len(trace) == 400
    assert any("unpacks to more than" in damage.reason for damage in trace.damage)
    assert sum(source.size() for source in trace.sources) < 48 << 20
    trace.close()


@pytest.mark.parametrize("packed", [gzip.compress, streamed], ids=["gzip", "zstd"])
def test_a_cut_off_archive_gives_what_it_has(tmp_path: Path, packed: object) -> None:
    """A download that stopped half-way is read to where it stopped, without an exception."""
    made = TraceBuilder()
    for n in range(4000):
        made.add("note", "point", f"n{n}", "session", text=os.urandom(100).hex())
    data = made.lines()
    whole = packed(data)  # type: ignore[operator]
    path = tmp_path / "s.gz"
    path.write_bytes(whole[: len(whole) * 2 // 3])
    trace = Trace.open([path])
    assert len(trace) > 100
    trace.close()


def test_a_broken_frame_is_listed(tmp_path: Path) -> None:
    """A damaged frame in the middle costs its own lines only, and is listed."""
    _, data = made_lines()
    frames = [
        zstandard.ZstdCompressor().compress(data[n : n + 8000]) for n in range(0, 64000, 8000)
    ]
    frames[3] = frames[3][:20] + bytes(b ^ 0xFF for b in frames[3][20:-20]) + frames[3][-20:]
    path = tmp_path / "s.zst"
    path.write_bytes(b"".join(frames))
    trace = Trace.open([path])
    assert len(trace) > 50
    assert trace.damage
    trace.close()


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("missing", "missing"),
        ("folder", "directory"),
        ("empty.zip", "no-trace"),
        ("cut.zip", "archive"),
    ],
)
def test_what_cannot_be_opened_says_why(tmp_path: Path, name: str, code: str) -> None:
    """Every file that is no trace raises one error with a code for its text."""
    (tmp_path / "folder").mkdir()
    with zipfile.ZipFile(tmp_path / "empty.zip", "w") as archive:
        archive.writestr("readme.txt", "hello")
    whole = (tmp_path / "empty.zip").read_bytes()
    (tmp_path / "cut.zip").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(SourceError) as caught:
        Trace.open([tmp_path / name])
    assert caught.value.code == code


def test_an_encrypted_ticket_says_so(tmp_path: Path) -> None:
    """An AES zip asks for its password to be used first."""
    import pyzipper

    path = tmp_path / "ticket.zip"
    with pyzipper.AESZipFile(path, "w", encryption=pyzipper.WZ_AES) as archive:
        archive.setpassword(b"secret")
        archive.writestr("s.jsonl", b"{}")
    with pytest.raises(SourceError) as caught:
        Trace.open([path])
    assert caught.value.code == "encrypted"


def test_standard_input(tmp_path: Path) -> None:
    """`-` reads a pipe to its end, through a temporary file."""
    made, data = made_lines()
    program = (
        "from viewer.model.trace import Trace; t = Trace.open(['-']);"
        "print(len(t), t.event(5).name, t.damage)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], input=data, capture_output=True, check=True, timeout=60
    )
    assert done.stdout.split() == [b"400", made.events[5].name.encode(), b"[]"]


def test_an_interrupted_beginning_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A signal while the temporary file is made is all that is told, nothing of its going."""
    said: list[object] = []

    def interrupt(**_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(sys, "unraisablehook", said.append)
    monkeypatch.setattr("tempfile.TemporaryFile", interrupt)
    with contextlib.suppress(KeyboardInterrupt):
        PipeSource(io.BytesIO())
    gc.collect()
    assert not said
