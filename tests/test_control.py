"""Debug on and off: the control file, who may write it, expiry, and who sees it."""

import json
import os
import sys
import threading
from pathlib import Path

import pytest

from tracer import control
from tracer.control import Clock, ControlError, Watch
from tracer.schema.lines import parse

posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
as_root = pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() != 0, reason="only root can make files of others"
)


class Hands:
    """A clock that moves when it is told."""

    def __init__(self) -> None:
        self.wall = 1_795_000_000_000_000_000
        self.mono = 1000.0
        self.clock = Clock(lambda: self.wall, lambda: self.mono)

    def pass_by(self, seconds: float) -> None:
        self.wall += int(seconds * 1e9)
        self.mono += seconds


def kinds(path: str) -> list[tuple[str, str]]:
    """Return kind and phase of each event of a file."""
    lines = [line for line in Path(path).read_bytes().split(b"\n") if line]
    return [(event.kind, event.phase) for event in map(parse, lines)]


def test_on_begins_a_session_and_off_ends_it(clean_environment: Path) -> None:
    """The control file names the session's file, which gets a start and an end line."""
    state, already = control.turn_on("first try")
    assert not already
    assert Path(state.file).parent == clean_environment / "sessions"
    assert "first-try" in state.file
    assert control.state() == state
    closed = control.turn_off()
    assert closed is not None
    assert (closed.state, closed.reason) == (state, "off")
    assert control.state() is None
    assert kinds(state.file) == [("session", "start"), ("session", "end")]


@posix
def test_folder_and_files_belong_to_the_user_alone(clean_environment: Path) -> None:
    """Directory 0700, files 0600, whatever the umask."""
    before = os.umask(0)
    try:
        state, _ = control.turn_on()
    finally:
        os.umask(before)
    modes = [
        path.stat().st_mode & 0o777
        for path in (clean_environment, control.control_file(), Path(state.file))
    ]
    assert modes == [0o700, 0o600, 0o600]


def test_on_twice_keeps_the_first_session(clean_environment: Path) -> None:
    """The second `on` says so and changes nothing."""
    first, _ = control.turn_on("one")
    second, already = control.turn_on("two")
    assert (second, already) == (first, True)
    assert len(control.sessions()) == 1


def test_off_when_off_is_no_error(clean_environment: Path) -> None:
    """There is nothing to close, and not even a home."""
    assert control.turn_off() is None
    assert not clean_environment.exists()


def test_many_at_once_begin_one_session(clean_environment: Path) -> None:
    """Eight threads switch on together: one session, one file, all agree."""
    found: list[str] = []
    gate = threading.Barrier(8)

    def switch() -> None:
        gate.wait()
        found.append(control.turn_on()[0].session)

    threads = [threading.Thread(target=switch) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1
    assert len(control.sessions()) == 1


def test_debug_expires_and_whoever_looks_closes_it(clean_environment: Path) -> None:
    """After its time the state is None, and the end line says why."""
    hands = Hands()
    state, _ = control.turn_on(lifetime=60, clock=hands.clock)
    hands.pass_by(59)
    assert control.state(hands.clock) == state
    hands.pass_by(2)
    assert control.state(hands.clock) is None
    last = json.loads(Path(state.file).read_bytes().split(b"\n")[-2])
    assert last["data"]["reason"] == "expired"
    assert not control.control_file().exists()


def test_a_jump_of_the_wall_clock_neither_ends_debug_nor_keeps_it_on(
    clean_environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Within one boot only the monotonic clock counts; after another boot only the wall clock."""
    monkeypatch.setattr("tracer.control.file._boot", "this boot")
    hands = Hands()
    state, _ = control.turn_on(lifetime=60, clock=hands.clock)
    hands.wall += 10**18  # 30 years ahead
    assert not state.expired(hands.clock)
    hands.wall -= 2 * 10**18
    hands.mono += 61
    assert state.expired(hands.clock)
    monkeypatch.setattr("tracer.control.file._boot", "the next boot")
    assert not state.expired(hands.clock)
    hands.wall += 2 * 10**18
    assert state.expired(hands.clock)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"bodies": "all"}, "none, headers, structure, full"),
        ({"lifetime": 0}, "greater than zero"),
        ({"cap": -1}, "greater than zero"),
    ],
)
def test_what_is_out_of_range_is_refused(options: dict[str, object], says: str) -> None:
    """One line that says what is allowed."""
    with pytest.raises(ControlError, match=says) as caught:
        control.turn_on(**options)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


def test_a_home_that_cannot_be_made_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file where the folder should be: the error names the variable to set."""
    (tmp_path / "file").write_text("x")
    monkeypatch.setenv("TRACER_HOME", str(tmp_path / "file" / "home"))
    with pytest.raises(ControlError, match="TRACER_HOME"):
        control.turn_on()


def test_the_session_file_may_be_elsewhere(clean_environment: Path, tmp_path: Path) -> None:
    """`out` names it; a folder, or a file that has something in it, is refused."""
    state, _ = control.turn_on(out=tmp_path / "trace.jsonl")
    assert state.file == str(tmp_path / "trace.jsonl")
    control.turn_off()
    with pytest.raises(ControlError, match="exists already"):
        control.turn_on(out=tmp_path / "trace.jsonl")
    with pytest.raises(ControlError, match="is a folder"):
        control.turn_on(out=tmp_path)
    with pytest.raises(ControlError, match="another file"):
        control.turn_on(out=tmp_path / "no" / "folder.jsonl")
    assert control.state() is None


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"session": 1}', b"\xff"])
def test_a_damaged_control_file_is_named(clean_environment: Path, content: bytes) -> None:
    """The error says which file to delete; a traced process takes it for off."""
    clean_environment.mkdir()
    control.control_file().write_bytes(content)
    control.control_file().chmod(0o600)
    with pytest.raises(ControlError, match=r"control\.json is damaged: delete it"):
        control.state()
    watch = Watch()
    assert watch.state() is None
    assert "damaged" in str(watch.refused)


@posix
def test_a_link_instead_of_the_control_file_is_refused(
    clean_environment: Path, tmp_path: Path
) -> None:
    """Neither the command nor a traced process follows it."""
    state, _ = control.turn_on()
    control.control_file().rename(tmp_path / "elsewhere.json")
    control.control_file().symlink_to(tmp_path / "elsewhere.json")
    with pytest.raises(ControlError, match="not a plain file"):
        control.state()
    watch = Watch()
    assert watch.state() is None
    assert "not a plain file" in str(watch.refused)
    assert kinds(state.file) == [("session", "start")]


@posix
def test_a_control_file_that_others_may_write_is_refused(clean_environment: Path) -> None:
    """Group or world: the error says how to mend it."""
    control.turn_on()
    control.control_file().chmod(0o620)
    with pytest.raises(ControlError, match="chmod go-w"):
        control.turn_off()
    assert Watch().state() is None


@posix
def test_a_home_that_everybody_may_write_is_refused(clean_environment: Path) -> None:
    """Who could replace the control file could make us write anywhere."""
    clean_environment.mkdir()
    clean_environment.chmod(0o777)
    with pytest.raises(ControlError, match="writable by everybody"):
        control.turn_on()


@as_root
def test_a_control_file_of_another_user_is_refused(
    clean_environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unless a group shares the folder, and then only for a file inside of it."""
    state, _ = control.turn_on()
    os.chown(control.control_file(), 12345, -1)
    with pytest.raises(ControlError, match="belongs to another user"):
        control.state()
    clean_environment.chmod(0o2770)
    assert control.state() == state
    content = control.control_file().read_text().replace("/sessions/", "/")
    control.control_file().write_text(content)
    with pytest.raises(ControlError, match="outside of its home"):
        control.state()


@posix
def test_a_shared_home_lets_its_group_in(clean_environment: Path) -> None:
    """setgid and group-writable: the group may read the control file and append to the session."""
    clean_environment.mkdir()
    clean_environment.chmod(0o2770)
    state, _ = control.turn_on()
    assert control.control_file().stat().st_mode & 0o777 == 0o640
    assert Path(state.file).stat().st_mode & 0o777 == 0o660
    assert Path(state.file).parent.stat().st_mode & 0o7777 == 0o2770
    assert state.by in control.reaches()


def test_a_home_of_ones_own_reaches_oneself(clean_environment: Path) -> None:
    """`reaches` names the user alone."""
    state, _ = control.turn_on()
    assert control.reaches() == [state.by]


def test_sessions_are_listed_the_newest_first(clean_environment: Path) -> None:
    """Files of the home, by the time they were last written."""
    first, _ = control.turn_on("first")
    control.turn_off()
    os.utime(first.file, (1, 1))
    second, _ = control.turn_on("second")
    assert [str(each.path) for each in control.sessions()] == [second.file, first.file]
    assert control.sessions()[1].size == Path(first.file).stat().st_size


def test_a_traced_process_sees_on_off_and_a_new_session(clean_environment: Path) -> None:
    """A look follows the control file, at most once per 20 ms."""
    hands = Hands()
    watch = Watch(clock=hands.clock)
    assert watch.state() is None
    first, _ = control.turn_on(clock=hands.clock)
    assert watch.state() is None  # it has looked a moment ago
    hands.pass_by(0.021)
    assert watch.state() == first
    control.turn_off(hands.clock)
    second, _ = control.turn_on(clock=hands.clock)
    hands.pass_by(0.021)
    assert watch.state() == second
    control.turn_off(hands.clock)
    hands.pass_by(0.021)
    assert watch.state() is None


def test_a_traced_process_stops_at_the_time_of_expiry(clean_environment: Path) -> None:
    """Nobody has to switch off, and the control file may still be there."""
    hands = Hands()
    control.turn_on(lifetime=60, clock=hands.clock)
    watch = Watch(clock=hands.clock)
    assert watch.state() is not None
    hands.pass_by(60)
    assert watch.state() is None
    assert control.control_file().exists()


def test_events_of_one_process_are_counted_for_each_session(clean_environment: Path) -> None:
    """start is 1 and end is 2 when one process writes both."""
    state, _ = control.turn_on()
    control.turn_off()
    lines = [line for line in Path(state.file).read_bytes().split(b"\n") if line]
    assert [parse(line).seq for line in lines] == [1, 2]
