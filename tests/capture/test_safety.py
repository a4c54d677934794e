"""The tracer never breaks its host, and the trace declares what it lacks."""

import json
import os
import random
import select
import shutil
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from samples.sandbox import Sandbox, seed_world
from samples.sandbox.world import World
from tests.support.capture import Recording, damaged, read, recording, service
from tracer import control
from tracer.capture.recorder import Recorder
from tracer.capture.session import head_of
from tracer.operation import operation, set_sink
from tracer.schema.events import new_id

forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
A_LOOK = 0.03
"""Seconds after which the control file and the session's file are looked at again."""


@pytest.fixture
def traced(clean_environment: Path) -> Iterator[Recording]:
    """Debug that is on, in this process; errors of ours are counted, not raised."""
    with recording() as running:
        running.recorder.raising = False
        yield running


def note(recorder: Recorder, n: int, padding: int = 0) -> None:
    """Record one numbered event."""
    recorder.emit(
        topic="session", kind="note", phase="point", name="n", id=new_id(),
        data={"n": n, "padding": "x y " * (padding // 4)},
    )  # fmt: skip


def numbers(traced: Recording) -> list[int]:
    """Return the numbers of the numbered events in the file."""
    return [event["data"]["n"] for event in traced.events("note")]


@forks
@pytest.mark.parametrize("size", [3_000, 300_000])
def test_a_kill_loses_no_completed_event_and_no_line_of_others(
    traced: Recording, size: int
) -> None:
    """100 kills among four writers: what `emit` had returned for is in the file, whole."""
    rounds, writers = (25, 4) if size < 100_000 else (3, 4)
    completed: set[tuple[int, int]] = set()
    for _ in range(rounds):
        children = [_writer(traced.recorder, size) for _ in range(writers)]
        for _, pipe in children:
            select.select([pipe], [], [], 30)  # each has completed one at least
        time.sleep(random.uniform(0, 0.02))
        for pid, _ in children:
            os.kill(pid, signal.SIGKILL)
        for pid, pipe in children:
            os.waitpid(pid, 0)
            with os.fdopen(pipe, "rb") as reader:
                said = reader.read()
            completed |= {(pid, n) for (n,) in struct.iter_unpack("q", said[: len(said) // 8 * 8])}
    found = {(event["pid"], event["data"]["n"]) for event in traced.events("note")}
    assert len(completed) >= rounds * writers
    assert completed <= found
    assert damaged(traced.path) <= rounds * writers  # the tails of the killed, and nothing else


def _writer(recorder: Recorder, size: int) -> tuple[int, int]:
    """Fork a process that records until it is killed, and says what it has completed."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writer)
        return pid, reader
    n = 0
    while True:
        n += 1
        note(recorder, n, random.randrange(size))
        os.write(writer, struct.pack("q", n))


@contextmanager
def _small_disk(kind: str, folder: Path) -> Iterator[Path]:
    """Mount a disk of about a megabyte."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("mounting a small disk takes root on Linux")
    place = folder / "disk"
    place.mkdir()
    if kind == "tmpfs":
        command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)]
    else:
        image = folder / "image"
        image.write_bytes(b"\0" * (4 << 20))
        subprocess.run(["mkfs.ext4", "-q", "-m", "0", str(image)], check=True)
        command = ["mount", "-o", "loop", str(image), str(place)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"this system does not let us mount a {kind}: {done.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.mark.parametrize("kind", ["tmpfs", "ext4"])
def test_a_full_disk_is_invisible_to_the_host(
    kind: str, clean_environment: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """No exception, nothing on stderr; a gap counts what is missing, and no line is glued."""
    with _small_disk(kind, tmp_path) as disk:
        filler = disk / "filler"
        with recording(out=disk / "trace.jsonl") as traced:
            traced.recorder.raising = False
            note(traced.recorder, 1)
            free = shutil.disk_usage(disk).free
            filler.write_bytes(b"x" * max(0, free - 100_000))
            for n in range(2, 40):
                note(traced.recorder, n, 15_000)
            filler.unlink()
            time.sleep(A_LOOK)
            for n in range(40, 45):
                note(traced.recorder, n)
            found = numbers(traced)
            gaps = [each for each in traced.events("gap") if each["name"] == "dropped"]
            missing = 44 - len(found)
            assert missing >= 30
            assert sum(each["data"]["count"] for each in gaps) == missing
            assert {each["data"]["reason"] for each in gaps} <= {"ENOSPC", "short write"}
            assert found[-5:] == [40, 41, 42, 43, 44]
            assert damaged(traced.path) <= 1  # the one that was written in part
    assert capfd.readouterr().err == ""


def test_a_removed_file_is_made_anew_and_says_so(traced: Recording) -> None:
    """The events before are gone; a gap says so, and the process introduces itself again."""
    note(traced.recorder, 1)
    traced.path.unlink()
    time.sleep(A_LOOK)
    for n in (2, 3):
        note(traced.recorder, n)
    assert numbers(traced) == [2, 3]
    assert ("lost", "the file had been removed") in traced.gaps()
    assert traced.events("process", "start")
    if sys.platform != "win32":
        assert traced.path.stat().st_mode & 0o777 == 0o600


def test_a_file_that_is_removed_after_off_stays_removed(traced: Recording) -> None:
    """Only the session that is on gets a new file."""
    with operation("send", "gmail"):
        control.turn_off()
        traced.path.unlink()
        time.sleep(A_LOOK)
    assert not traced.path.exists()


def test_a_folder_that_is_gone_costs_events_and_nothing_else(
    traced: Recording, tmp_path: Path
) -> None:
    """Nowhere to write: counted, and told when there is a place again."""
    note(traced.recorder, 1)
    folder = traced.path.parent
    folder.rename(tmp_path / "aside")
    (tmp_path / "aside" / traced.path.name).unlink()
    time.sleep(A_LOOK)
    note(traced.recorder, 2)
    folder.mkdir()
    time.sleep(A_LOOK)
    note(traced.recorder, 3)
    assert numbers(traced) == [3]
    assert ("dropped", "ENOENT") in traced.gaps()


def test_a_descriptor_that_the_host_closed_is_not_written_to(
    traced: Recording, tmp_path: Path
) -> None:
    """A daemon closes all descriptors; the number is another file's afterwards."""
    note(traced.recorder, 1)
    assert traced.recorder.current is not None
    number = traced.recorder.current._writer._descriptor
    foreign = os.open(tmp_path / "database", os.O_RDWR | os.O_CREAT)
    try:
        os.dup2(foreign, number)  # closes ours, and takes its number
        time.sleep(A_LOOK)
        note(traced.recorder, 2)
        assert os.fstat(number).st_size == 0
        assert numbers(traced) == [1, 2]
    finally:
        os.close(foreign)
        os.close(number)


@forks
def test_a_forked_child_is_a_process_of_its_own(traced: Recording) -> None:
    """Its own start line, its own pid, its own numbers from 1; the parent goes on."""
    note(traced.recorder, 1)
    pid = os.fork()
    if pid == 0:
        try:
            note(traced.recorder, 2)
        finally:
            os._exit(0)
    os.waitpid(pid, 0)
    note(traced.recorder, 3)
    events = [event for event in traced.events() if event["pid"] == pid]
    assert [(event["kind"], event["seq"]) for event in events] == [("process", 1), ("note", 2)]
    assert numbers(traced) == [1, 2, 3]
    ids = [event["id"] for event in traced.events()]
    assert len(set(ids)) == len(ids)


def test_an_event_of_five_megabytes_stays_whole(traced: Recording) -> None:
    """One line, one write."""
    assert traced.recorder.current is None
    session = traced.recorder.session()
    assert session is not None
    head = head_of("http", "note", "big", new_id())
    session.emit(head, "point", None, None, {"n": "y" * 5_000_000})
    note(traced.recorder, 2)
    big, small = traced.events("note")
    assert len(big["data"]["n"]) == 5_000_000
    assert small["data"]["n"] == 2


def test_the_size_cap_ends_the_recording_with_a_gap(clean_environment: Path) -> None:
    """The oldest events are kept; the gap is the last line, and the host sees nothing of it."""
    with recording(cap=50_000) as traced:
        for n in range(100):
            note(traced.recorder, n, 2000)
        assert traced.path.stat().st_size < 51_000
        found = numbers(traced)
        assert found == list(range(len(found)))
        assert traced.gaps() == [("size-cap", "the session has reached 50000 bytes")]
        assert traced.recorder.current is not None
        assert traced.recorder.current.dropped == 100 - len(found)


def test_the_expiry_ends_the_recording_with_a_gap(clean_environment: Path) -> None:
    """After its time nothing is recorded, and the trace says why."""
    later = 0.0
    recorder = Recorder(clock=control.Clock(monotonic=lambda: time.monotonic() + later))
    with recording(attach=False, lifetime=60.0) as traced:
        note(recorder, 1)
        later = 61.0
        time.sleep(A_LOOK)
        note(recorder, 2)
        assert numbers(traced) == [1]
        assert [name for name, _ in traced.gaps()] == ["expired"]
        recorder.close()


def test_what_began_while_debug_was_on_ends_in_its_file(
    traced: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`off` during a call: its exchange, call and operation still end there; the next is silent."""

    def off_and_now(world: World) -> float:
        control.turn_off()  # the request has arrived, the answer is being made
        return time.time()

    with Sandbox(seed_world()) as box, closing(service(box, tmp_path)) as gmail:
        labels = gmail.users().labels()
        labels.list(userId="me").execute()
        with monkeypatch.context() as patched, operation("read mailbox", "gmail"):
            patched.setattr(World, "now", off_and_now)
            labels.list(userId="me").execute()
        time.sleep(A_LOOK)
        labels.list(userId="me").execute()
    kinds = [(event["kind"], event["phase"]) for event in traced.events()]
    assert ("session", "end") in kinds[:-3]
    assert kinds[-3:] == [("exchange", "end"), ("call", "end"), ("operation", "end")]
    assert len(traced.calls()) == 2


def test_an_error_of_ours_is_counted_and_the_host_gets_its_answer(
    traced: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """A redactor that fails: the call works, stderr is empty, the next event carries the count."""
    session = traced.recorder.session()
    assert session is not None
    with Sandbox(seed_world()) as box, closing(service(box, tmp_path)) as gmail:
        with monkeypatch.context() as broken:
            broken.setattr(session.redactor, "body", lambda *_, **__: 1 / 0)
            assert gmail.users().labels().list(userId="me").execute()["labels"]
        note(traced.recorder, 1)
    reasons = {reason for name, reason in traced.gaps() if name == "internal-error"}
    assert reasons
    assert all(reason.startswith("ZeroDivisionError at test_safety.py:") for reason in reasons)
    assert capfd.readouterr().err == ""


def test_an_error_of_ours_is_loud_under_pytest(
    traced: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unless told otherwise, by attribute or by variable."""
    traced.recorder.raising = None
    session = traced.recorder.session()
    assert session is not None
    monkeypatch.setattr(session, "emit", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        note(traced.recorder, 1)
    monkeypatch.setenv("TRACER_RAISE", "0")
    note(traced.recorder, 1)


PROGRAM = """
import json, sys, time
from pathlib import Path
import httplib2
from tracer.capture import google
from tracer.capture.recorder import Recorder

google.attach(Recorder())
http = httplib2.Http()
stop = Path(sys.argv[2])
while not stop.exists():
    http.request(sys.argv[1] + "/gmail/v1/users/me/labels")
    time.sleep(0.005)
"""


def test_switching_reaches_another_process_on_its_open_connection(
    clean_environment: Path, tmp_path: Path
) -> None:
    """A program that runs already: recorded after `on`, silent after `off`, no new connection."""
    stop = tmp_path / "stop"
    with Sandbox(seed_world()) as box:
        command = [sys.executable, "-c", PROGRAM, box.url, str(stop)]
        program = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        try:
            _wait_for_requests(box, 3)
            state, _ = control.turn_on()
            first = _wait_for(state.file, "exchange")
            control.turn_off()
            _wait_for_requests(box, 20)
            size = Path(state.file).stat().st_size
            _wait_for_requests(box, 20)
            assert Path(state.file).stat().st_size == size
            again, _ = control.turn_on()
            _wait_for(again.file, "exchange")
        finally:
            stop.touch()
            _, complaints = program.communicate(timeout=20)
    assert complaints == ""
    assert first["data"]["wire"][0]["reused"] is True
    last = read(again.file)[-1]
    assert (last["kind"], last["phase"]) == ("process", "end")
    assert last["data"]["dropped"] == 0
    assert last["data"]["events"] == last["seq"] - 1


def _wait_for(file: str, kind: str) -> dict[str, Any]:
    """Return the first end line of that kind, once it is there."""
    while True:  # a hang is the whole test's
        for event in read(file):
            if (event["kind"], event["phase"]) == (kind, "end"):
                return event
        time.sleep(0.01)


def _wait_for_requests(box: Sandbox, more: int) -> None:
    """Wait until that many more requests have come; the program pauses 5 ms between two."""
    wanted = len(box.requests) + more
    while len(box.requests) < wanted:
        time.sleep(0.01)


def test_a_recorder_without_a_session_costs_no_file(clean_environment: Path) -> None:
    """Off: nothing is written anywhere, and the home is not made."""
    recorder = Recorder()
    before = set_sink(recorder)
    try:
        with operation("send", "gmail") as running:
            running.note("n", {})
    finally:
        set_sink(before)
        recorder.close()
    assert not clean_environment.exists()


def test_lines_carry_what_json_cannot_hold(traced: Recording) -> None:
    """Lone surrogates, bytes, huge numbers and objects become text, never an exception."""
    traced.recorder.emit(
        topic="session", kind="note", phase="point", name="odd \ud800", id=new_id(),
        data={"n": 1, "odd": ["\ud800", b"\xff", 10**30, object(), float("nan")]},
    )  # fmt: skip
    assert damaged(traced.path) == 0
    assert json.dumps(traced.events("note")[0])
