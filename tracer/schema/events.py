"""The words of the format and the writing of one line."""

import os
import random
import time
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import orjson

VERSION: Final = 1
"""The version of the format that this code writes; apart from the releases."""

HEAD_END: Final = b',"data":'
"""Ends the head; the first occurrence in a line is always this one."""


class Topic(StrEnum):
    """What a tab of the viewer shows."""

    SESSION = "session"
    SETTINGS = "settings"
    AUTH = "auth"
    DIRECTORY = "directory"
    RESOLUTION = "resolution"
    GMAIL = "gmail"
    CONTACTS = "contacts"
    CALENDAR = "calendar"
    SMTP = "smtp"
    EWS = "ews"
    MAPI = "mapi"
    LDAP = "ldap"
    HTTP = "http"
    """Traffic of a traced program that is none of the above."""


class Kind(StrEnum):
    """What a line records."""

    SESSION = "session"
    PROCESS = "process"
    OPERATION = "operation"
    CALL = "call"
    EXCHANGE = "exchange"
    STEP = "step"
    SETTINGS = "settings"
    GAP = "gap"
    NOTE = "note"


class Phase(StrEnum):
    """Where in its life the recorded thing is."""

    START = "start"
    END = "end"
    POINT = "point"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One line of a session file. FORMAT.md says what each field and each ``data`` holds."""

    ts: str
    topic: str
    kind: str
    phase: str
    id: str
    parent: str | None
    op: str | None
    pid: int
    seq: int
    name: str
    status: int | None
    ms: float | None
    data: dict[str, Any]
    v: int = VERSION


def new_id() -> str:
    """Return 16 random hex digits, the size of an OpenTelemetry span id; never all zero."""
    return f"{_random.getrandbits(64) or 1:016x}"


def new_session_id() -> str:
    """Return 32 random hex digits, the size of an OpenTelemetry trace id; never all zero."""
    return f"{_random.getrandbits(128) or 1:032x}"


_random = random.Random()  # noqa: S311 - ids, not secrets; 5x cheaper than os.urandom
if hasattr(os, "register_at_fork"):  # a forked child must not repeat its parent's ids
    os.register_at_fork(after_in_child=_random.seed)


def timestamp(time_ns: int) -> str:
    """Return `time_ns` (Unix time, ns) as fixed-width UTC, 27 characters, microseconds."""
    seconds, rest = divmod(time_ns, 1_000_000_000)
    prefix = _prefix.get(seconds)
    if prefix is None:
        prefix = time.strftime("%Y-%m-%dT%H:%M:%S.", time.gmtime(seconds))
        _prefix.clear()
        _prefix[seconds] = prefix
    return f"{prefix}{rest // 1000:06d}Z"


_prefix: dict[int, str] = {}  # of the current second: formatting it anew costs 1 µs an event


def encode(event: Event) -> bytes:
    """Return the line of `event`, head first, without newlines; never raises for odd values.

    ``data`` may hold ``orjson.Fragment`` for JSON that is encoded already. What JSON cannot hold
    (lone surrogates, huge integers, bytes, objects) is kept as text.
    """
    return encode_fields(
        {
            "v": event.v,
            "ts": event.ts,
            "topic": event.topic,
            "kind": event.kind,
            "phase": event.phase,
            "id": event.id,
            "parent": event.parent,
            "op": event.op,
            "pid": event.pid,
            "seq": event.seq,
            "name": event.name,
            "status": event.status,
            "ms": event.ms,
            "data": event.data,
        }
    )


def encode_fields(fields: dict[str, Any]) -> bytes:
    """Return the line of an event given as the fields of `Event`, ``v`` first, ``data`` last.

    What `encode` does, for the writer of many events: a frozen dataclass costs it 3 µs apiece.
    """
    try:
        return orjson.dumps(fields, default=_as_text)
    except (TypeError, ValueError):
        pass  # keys that are no strings: allowing them at once would cost every event a third more
    try:
        return orjson.dumps(fields, default=_as_text, option=orjson.OPT_NON_STR_KEYS)
    except (TypeError, ValueError):
        return orjson.dumps(_plain(fields), default=_as_text)


def _as_text(value: object) -> str:
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).decode("utf-8", "backslashreplace")
    return repr(value).encode("utf-8", "backslashreplace").decode()


def _plain(value: object, depth: int = 0) -> object:
    """Return `value` with all that orjson refuses made text."""
    if depth > 200:
        return "…"
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, bool) or value is None or isinstance(value, float | orjson.Fragment):
        return value
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**64 else str(value)
    if isinstance(value, dict):
        return {str(_plain(str(k), depth)): _plain(v, depth + 1) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v, depth + 1) for v in value]
    return _as_text(value)


def is_error(kind: str, phase: str, topic: str, status: int | None) -> bool:
    """Tell from the head alone whether the recorded thing failed.

    An exchange or call that ended without a status had no answer (its ``data.error`` says why).
    """
    if phase != Phase.END:
        return kind == Kind.GAP
    if kind == Kind.OPERATION:
        return bool(status)
    if kind not in {Kind.CALL, Kind.EXCHANGE}:
        return False
    if status is None:
        return True
    if topic == Topic.LDAP:
        return status not in _LDAP_FINE
    if topic == Topic.MAPI:
        return status >= 0x80000000
    return status >= 400


_LDAP_FINE: Final = frozenset(
    {0, 5, 6, 10, 14}
)  # success, compareFalse/True, referral, SASL continues
