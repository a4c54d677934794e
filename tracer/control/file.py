"""The control file: where it is, what it says, and when it is not to be trusted."""

import itertools
import os
import stat
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import orjson
import platformdirs

from tracer.i18n import SayableError
from tracer.schema.events import timestamp

LIFETIME: Final = 2 * 3600.0
"""Seconds after which debug switches itself off, unless told otherwise."""

CAP: Final = 1 << 30
"""Bytes a session may grow to, unless told otherwise."""

BODIES: Final = ("none", "headers", "structure", "full")
"""How much of a body is kept; `full` is the only level that keeps mail."""

LOOK_EVERY: Final = 0.02
"""Seconds between two looks at the control file."""


class Variable(StrEnum):
    """The environment variables of the tracer that this module and the capture read."""

    HOME = "TRACER_HOME"
    """The folder of the control file and the sessions."""
    RAISE = "TRACER_RAISE"
    """`1`: errors inside the tracer are raised; `0`: never. Unset: raised under pytest only."""


class ControlError(SayableError):
    """Debug cannot be switched or looked at; the text says why and what to do next, in one line."""

    domain = "control"


@dataclass(frozen=True, slots=True)
class Clock:
    """The two clocks that expiry needs, replaceable in tests."""

    time_ns: Callable[[], int] = time.time_ns
    monotonic: Callable[[], float] = time.monotonic


SYSTEM_CLOCK: Final = Clock()


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Debug that is on: the contents of the control file."""

    session: str
    label: str
    file: str
    bodies: str
    since: str
    expires: str
    cap: int
    by: str
    key: str
    """Hex; makes the tags of redacted values, alike in every process of the session."""
    boot: str
    until: float
    """`expires` on the monotonic clock, for as long as the machine has not booted anew."""

    def expired(self, clock: Clock) -> bool:
        """Tell whether its time is over; a jump of the wall clock does not change the answer."""
        if self.boot and self.boot == boot_id():
            return clock.monotonic() >= self.until
        return timestamp(clock.time_ns()) >= self.expires


def home() -> Path:
    """Return the folder of the control file and the sessions; it need not exist."""
    configured = os.environ.get(Variable.HOME)
    return Path(configured) if configured else platformdirs.user_state_path("mapi-tracer")


def control_file() -> Path:
    """Return the path of the file that exists while debug is on."""
    return home() / "control.json"


def boot_id() -> str:
    """Return what tells this boot of the machine from the others; empty where nothing does."""
    global _boot
    if _boot is None:
        try:
            _boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        except (OSError, ValueError):
            _boot = ""
    return _boot


_boot: str | None = None


def sequence(session: str) -> Iterator[int]:
    """Return the counter of this process's events in `session`, from 1."""
    return _sequences.setdefault(session, itertools.count(1))


_sequences: dict[str, Iterator[int]] = {}
if hasattr(os, "register_at_fork"):  # a forked child is another process
    os.register_at_fork(after_in_child=_sequences.clear)


def is_shared(facts: os.stat_result) -> bool:
    """Tell whether a group shares the folder: setgid and writable by its group."""
    wanted = stat.S_ISGID | stat.S_IWGRP
    return sys.platform != "win32" and facts.st_mode & wanted == wanted


def read(path: Path) -> State | None:
    """Return what the control file says; None when there is none.

    Raises:
        ControlError: it is not to be trusted, or not readable.
    """
    try:
        facts = os.lstat(path)
        _refuse_untrusted(path, facts)
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ControlError(
            "unreadable", path=path, reason=error.strerror, variable=Variable.HOME
        ) from None
    found = _parse(content)
    if found is None:
        raise ControlError("damaged", path=path)
    if _foreign(facts) and not Path(found.file).is_relative_to(path.parent / "sessions"):
        raise ControlError("outside", path=path)
    return found


def _parse(content: bytes) -> State | None:
    try:
        raw: Any = orjson.loads(content)
        values = {field.name: raw[field.name] for field in fields(State)}
        bytes.fromhex(values["key"])
        numbers = isinstance(values["cap"], int) and isinstance(values["until"], int | float)
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        return None
    texts = all(isinstance(values[name], str) for name in values if name not in {"cap", "until"})
    return State(**values) if numbers and texts and values["bodies"] in BODIES else None


def _foreign(facts: os.stat_result) -> bool:
    return sys.platform != "win32" and facts.st_uid not in {os.geteuid(), 0}


def _refuse_untrusted(path: Path, facts: os.stat_result) -> None:
    """Refuse what another user could have put there to make us write somewhere."""
    if not stat.S_ISREG(facts.st_mode):
        raise ControlError("no-plain-file", path=path)
    if sys.platform == "win32":
        return  # the access list of the user's own folder protects it
    if facts.st_mode & 0o022:
        raise ControlError("written-by-others", path=path)
    if _foreign(facts) and not is_shared(path.parent.stat()):
        raise ControlError("of-another", path=path)
