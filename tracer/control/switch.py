"""Debug on and off: what `tracer on`, `off` and `status` stand on."""

import contextlib
import os
import re
import secrets
import stat
import sys
import time
import unicodedata
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson

from tracer.control.file import (
    BODIES,
    CAP,
    LIFETIME,
    SYSTEM_CLOCK,
    Clock,
    ControlError,
    State,
    Variable,
    boot_id,
    control_file,
    home,
    is_shared,
    read,
    sequence,
)
from tracer.schema.events import Event, Kind, Phase, Topic, encode, new_session_id, timestamp
from tracer.schema.files import open_for_append


@dataclass(frozen=True, slots=True)
class Closed:
    """Debug that has just been switched off, and why: `off` or `expired`."""

    state: State
    reason: str


@dataclass(frozen=True, slots=True)
class SessionFile:
    """A recorded session in `TRACER_HOME`; `modified` is Unix time."""

    path: Path
    size: int
    modified: float


def turn_on(
    label: str = "",
    lifetime: float = LIFETIME,
    out: Path | None = None,
    bodies: str = "structure",
    cap: int = CAP,
    clock: Clock = SYSTEM_CLOCK,
) -> tuple[State, bool]:
    """Switch debug on; return its state, and whether it was on already (then nothing changes).

    `lifetime` is in seconds, `cap` in bytes; `out` is the session's file when it shall not be in
    the home.

    Raises:
        ControlError: an argument is out of range, or the home or the file cannot be used.
    """
    if bodies not in BODIES:
        raise ControlError("level", level=bodies, known=", ".join(BODIES))
    if lifetime <= 0 or cap <= 0:
        raise ControlError("not-positive")
    before = state(clock)
    if before is not None:
        return before, True
    shared = _prepare_home()
    now = clock.time_ns()
    session = new_session_id()
    new = State(
        session=session,
        label=label,
        file=str(_session_path(out, label, session, now)),
        bodies=bodies,
        since=timestamp(now),
        expires=timestamp(now + int(lifetime * 1e9)),
        cap=cap,
        by=_user(),
        key=secrets.token_hex(16),
        boot=boot_id(),
        until=clock.monotonic() + lifetime,
    )
    _write_session_event(new, Phase.START, _start_data(new), shared=shared, new=True, clock=clock)
    if _publish(new, shared=shared):
        return new, False
    Path(new.file).unlink(missing_ok=True)  # somebody else was faster
    other = state(clock)
    if other is None:
        raise ControlError("same-moment")
    return other, True


def turn_off(clock: Clock = SYSTEM_CLOCK) -> Closed | None:
    """Switch debug off and return what was closed; None when it was off.

    Raises:
        ControlError: the control file cannot be read or removed.
    """
    current = read(control_file())
    if current is None:
        return None
    return _close(current, "expired" if current.expired(clock) else "off", clock)


def state(clock: Clock = SYSTEM_CLOCK) -> State | None:
    """Return what is on, or None. Debug whose time is over is closed here.

    Raises:
        ControlError: the control file cannot be trusted, read or removed.
    """
    current = read(control_file())
    if current is not None and current.expired(clock):
        _close(current, "expired", clock)
        return None
    return current


def sessions() -> list[SessionFile]:
    """Return the recorded sessions of the home, the newest first."""
    found = []
    for path in (home() / "sessions").glob("*.jsonl*"):
        try:
            facts = path.stat()
        except OSError:
            continue
        if stat.S_ISREG(facts.st_mode):
            found.append(SessionFile(path, facts.st_size, facts.st_mtime))
    return sorted(found, key=lambda file: (file.modified, file.path.name), reverse=True)


def reaches() -> list[str]:
    """Return the users whose programs `tracer on` reaches: oneself, or those who share the home."""
    if sys.platform == "win32":
        return [_user()]
    import grp
    import pwd

    try:
        facts = home().stat()
        if not is_shared(facts):
            return [_user()]
        group = grp.getgrgid(facts.st_gid)
        primary = [user.pw_name for user in pwd.getpwall() if user.pw_gid == facts.st_gid]
        return sorted({_user(), *group.gr_mem, *primary})
    except (OSError, KeyError):
        return [_user()]


def _prepare_home() -> bool:
    """Make the home and the sessions' folder; tell whether the home is shared by a group."""
    folder = home()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        facts = folder.stat()
        shared = is_shared(facts)
        sessions_folder = folder / "sessions"
        with contextlib.suppress(FileExistsError):  # of an earlier session, or of one just now
            sessions_folder.mkdir(mode=0o700)
            if shared:
                sessions_folder.chmod(0o2770)
    except OSError as error:
        raise ControlError(
            "unwritable-home", path=folder, reason=error.strerror, variable=Variable.HOME
        ) from None
    if sys.platform != "win32" and facts.st_mode & stat.S_IWOTH:
        raise ControlError("written-by-everybody", path=folder)
    return shared


def _session_path(out: Path | None, label: str, session: str, now: int) -> Path:
    if out is None:
        day = re.sub(r"[-:]", "", timestamp(now)[:19])
        plain = unicodedata.normalize("NFKD", label).encode("ascii", "ignore").decode()
        slug = re.sub(r"[^\w-]+", "-", plain).strip("-")[:40]
        return home() / "sessions" / "-".join(filter(None, (day, slug, f"{session[:6]}.jsonl")))
    path = out.absolute()
    if path.is_dir():
        raise ControlError("folder", path=path)
    if path.exists() and not path.is_file():  # a pipe would wait; a device is not ours
        raise ControlError("no-file", path=path)
    if path.exists() and path.stat().st_size:
        raise ControlError("exists", path=path)
    return path


def _publish(new: State, *, shared: bool) -> bool:
    """Put the control file in place at once; tell whether none was there before."""
    path = control_file()
    temporary = path.with_name(f".control-{os.getpid()}-{new.session[:8]}.tmp")
    mode = 0o640 if shared else 0o600
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        try:
            os.write(descriptor, orjson.dumps(asdict(new), option=orjson.OPT_INDENT_2))
            if sys.platform != "win32":
                os.fchmod(descriptor, mode)  # whatever the umask
        finally:
            os.close(descriptor)
        try:
            if sys.platform == "win32":
                temporary.rename(path)  # fails when it exists
            else:
                os.link(temporary, path)  # the same, where a rename would replace
        except FileExistsError:
            return False
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise ControlError(
            "unwritable-control", path=path, reason=error.strerror, variable=Variable.HOME
        ) from None
    return True


def _close(current: State, reason: str, clock: Clock) -> Closed | None:
    """Remove the control file and end the session; None when somebody else was faster."""
    path = control_file()
    aside = path.with_name(f".closing-{os.getpid()}-{current.session[:8]}.tmp")
    try:
        path.rename(aside)
        aside.unlink()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ControlError(
            "unremovable", path=path, reason=error.strerror, user=current.by
        ) from None
    with contextlib.suppress(ControlError):  # debug is off all the same
        _write_session_event(current, Phase.END, {"reason": reason}, clock=clock)
    return Closed(current, reason)


def _start_data(new: State) -> dict[str, Any]:
    from importlib.metadata import PackageNotFoundError, version

    try:
        own = version("mapi-tracer")
    except PackageNotFoundError:  # a checkout on the path, not installed
        own = "unknown"
    return {
        "label": new.label,
        "bodies": new.bodies,
        "expires": new.expires,
        "cap": new.cap,
        "session": new.session,
        "by": new.by,
        "versions": {"mapi-tracer": own, "python": sys.version.split()[0]},
    }


def _write_session_event(
    of: State,
    phase: Phase,
    data: dict[str, Any],
    *,
    clock: Clock,
    shared: bool = False,
    new: bool = False,
) -> None:
    event = Event(
        ts=timestamp(clock.time_ns()),
        topic=Topic.SESSION,
        kind=Kind.SESSION,
        phase=phase,
        id=of.session[:16],
        parent=None,
        op=None,
        pid=os.getpid(),
        seq=next(sequence(of.session)),
        name=of.label or "session",
        status=None,
        ms=None,
        data={"mono": time.monotonic_ns(), **data},
    )
    try:
        descriptor = open_for_append(of.file, create=new)
        try:
            if new and sys.platform != "win32":
                os.fchmod(descriptor, 0o660 if shared else 0o600)
            os.write(descriptor, b"\n" + encode(event) + b"\n")
        finally:
            os.close(descriptor)
    except OSError as error:
        raise ControlError("unwritable", path=of.file, reason=error.strerror) from None


def _user() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a user id without a name, as in containers
        return "unknown" if sys.platform == "win32" else str(os.getuid())
