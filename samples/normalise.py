"""Takes out of a recorded session what differs from one recording to the next.

What a value is decides what becomes of it: identifiers and tags are counted in the order in which
they appear, so that equal stays equal; every time of the recording moves onto a clock that advances
by a plan, so that order and causes stay; places (ports, folders, versions, names of this machine)
get fixed names. All else is as the code wrote it.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from pathlib import Path
from typing import Any, Final

from tracer.schema.events import Event, Kind, Phase, encode, timestamp
from tracer.schema.lines import parse

START_NS: Final = 1_781_510_400 * 10**9
"""The clock's first time: 2026-06-15T08:00:00Z."""

MONO_NS: Final = 3600 * 10**9
"""What the machine's own clock shows then."""

_STEP_MS: Final = {Kind.EXCHANGE: 40, Kind.CALL: 2, Kind.OPERATION: 2}
"""How long an end line is after the line before; every other line comes after 1 ms."""

_TIMEOUT_MS: Final = 1000
_PHASES_MS: Final = {"dns": 1, "connect": 2, "tls": 6, "send": 1, "wait": 20, "read": 1}
_ROOT: Final = Path(__file__).parents[1]
_PLACE: Final = "/srv/erp"
_CODE: Final = "/srv/mapi-tracer"
_DAY: Final = 86400
_GRAIN: Final = 60
"""Seconds: how far from its line a time lies is rounded to this; all that are told are minutes."""

_PORT: Final = re.compile(r"(?<=127\.0\.0\.1:)\d{4,5}|(?<=port=)\d{4,5}")
_TAG: Final = re.compile(r"(?<= #)[0-9a-f]{10}(?=⟩)")
_UUID: Final = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")
_BOUNDARY: Final = re.compile(r"(?<=batch_)[\w-]{27}(?![\w-])")
_MESSAGE_ID: Final = re.compile(r"(?<!\d)\d{12}(?=\.4711\.\d+(?:@|%40))")
_ISO: Final = re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d{3,6})?(?=Z|\+00:00| UTC)")
_HTTP_DATE: Final = re.compile(r"\b\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d (?:GMT|\+0000)")
_SECONDS: Final = re.compile(r"\b\d{10}(?:\d{3})?\b")
_AHEAD: Final = re.compile(r"\d+ s (?:ahead|behind)")
_VERSION: Final = re.compile(r"(?<=[\w)]/)\d+(?:\.\d+)+\w*|(?<=Python SMTP )[\d.]+")
_ADDRESS: Final = re.compile(r"0x[0-9a-f]{9,16}\b")

_FIXED: Final[dict[str, Any]] = {
    "boot": "00000000-0000-4000-8000-000000000001", "by": "erp", "platform": "Linux", "python": "3",
}  # fmt: skip
_GREETINGS: Final = frozenset({"EHLO", "HELO"})
"""SMTP verbs by which this machine tells its name."""

_TAGS: Final = frozenset({"digest", "token"})


def normalise(raw: bytes, folder: Path) -> bytes:
    """Return the session `raw`, which was recorded in `folder`, as every recording of it is."""
    events = [parse(line) for line in raw.split(b"\n") if line]
    session = _Session(events, folder)
    return b"".join(b"\n" + encode(session.event(event)) + b"\n" for event in events)


class _Session:
    """What has been counted, and the clock."""

    def __init__(self, events: list[Event], folder: Path) -> None:
        self._places = {str(folder): _PLACE, folder.as_posix(): _PLACE, str(_ROOT): _CODE}
        self._known: dict[tuple[str, str], str] = {}
        self._ids = {event.id for event in events}
        self._session = str(events[0].data.get("session", ""))
        self._ns = START_NS
        self._began: dict[str, int] = {}
        self._real = 0.0
        self._salt = ""

    def event(self, event: Event) -> Event:
        """Return one line; to be called for each, in order."""
        self._real = datetime.fromisoformat(event.ts).timestamp()
        self._ns += _duration_ms(event) * 10**6
        if event.phase == Phase.START:
            self._began[event.id] = self._ns
        began = self._began.get(event.id, self._ns)
        # assertions of the same second are the same bytes: chance, so no two token requests are
        self._salt = event.id if event.data.get("role") == "token" else ""
        data = {key: self._value(key, value) for key, value in event.data.items()}
        data["mono"] = MONO_NS + self._ns - START_NS
        if "started" in data:
            data["started"] = timestamp(began)
        if event.kind == Kind.EXCHANGE:
            _size_up(data)
        return replace(
            event, ts=timestamp(self._ns), id=self._id(event.id), data=data,
            parent=event.parent and self._id(event.parent), op=event.op and self._id(event.op),
            pid=int(self._count("pid", str(event.pid), "{}")), name=self._text(event.name),
            ms=None if event.ms is None else (self._ns - began) / 10**6,
        )  # fmt: skip

    # --- values -----------------------------------------------------------------------------------

    def _value(self, key: str, value: Any) -> Any:
        if isinstance(value, dict):
            if key == "versions":
                return dict.fromkeys(value, "1")
            if key == "phases":
                return {name: _PHASES_MS.get(name, 1) for name in value}
            if "verb" in value:
                value = {**value, "args": _spelled(value["verb"], str(value.get("args")))}
            inside = "port" if key.endswith(".port") else ""
            return {name: self._value(inside or name, one) for name, one in value.items()}
        if isinstance(value, list):
            return [self._value(key, one) for one in value]
        if isinstance(value, str):
            return self._named(key, value)
        if isinstance(value, int) and not isinstance(value, bool):
            return self._number(key, value)
        return value

    def _named(self, key: str, value: str) -> str:
        if key in _FIXED:
            return str(_FIXED[key])
        if key in _TAGS and re.fullmatch(r"[0-9a-f]{10}", value):
            return self._tag(value + self._salt if key == "digest" else value)
        if value in self._ids or value == self._session:
            return self._id(value)
        return self._text(value)

    def _number(self, key: str, value: int) -> int:
        if key == "port":
            return int(self._port(str(value)))
        if key == "conn":
            return int(self._count("conn", str(value), "{}"))
        return int(self._seconds(str(value)))

    def _text(self, text: str) -> str:
        for place, name in self._places.items():
            text = text.replace(place, name)
        for pattern, counted in self._rules():
            text = pattern.sub(lambda found, counted=counted: counted(found[0]), text)  # type: ignore[misc] # mypy cannot infer a default's type
        return text

    def _rules(self) -> Iterator[tuple[re.Pattern[str], Callable[[str], str]]]:
        yield _PORT, self._port
        yield _TAG, self._tag
        yield _UUID, lambda found: self._count("uuid", found, "{:08x}-0000-4000-8000-000000000000")
        yield _BOUNDARY, lambda found: self._count("boundary", found, "{:027d}")
        yield _MESSAGE_ID, self._message_time
        yield _ISO, self._iso
        yield _HTTP_DATE, self._http_date
        yield _SECONDS, self._seconds
        yield _AHEAD, lambda _: "0 s ahead"
        yield _VERSION, lambda _: "1"
        yield _ADDRESS, lambda _: "0x0"

    # --- counted ----------------------------------------------------------------------------------

    def _count(self, kind: str, value: str, form: str) -> str:
        """Return the form of the first, second … value of a kind."""
        key = kind, value
        if key not in self._known:
            number = sum(known == kind for known, _ in self._known) + 1
            self._known[key] = form.format(number)
        return self._known[key]

    def _id(self, value: str) -> str:
        if value in {self._session, self._session[:16]}:
            return f"{1:0{len(value)}x}"
        return self._count("id", value, "{:015x}0")

    def _tag(self, value: str) -> str:
        return self._count("tag", value, "{:010x}")

    def _port(self, value: str) -> str:
        return str(40000 + int(self._count("port", value, "{}")))

    # --- moments ----------------------------------------------------------------------------------

    def _moved(self, seconds: float) -> float | None:
        """Return where a time of the recording lies on the clock; None for any other time."""
        distance = seconds - self._real
        if abs(distance) > _DAY:
            return None
        return self._ns // 10**9 + round(distance / _GRAIN) * _GRAIN

    def _message_time(self, text: str) -> str:
        key = "message", text
        if key not in self._known:
            number = int(self._count("message-time", text, "{}"))
            self._known[key] = f"{self._ns // 10**7 + number:012d}"
        return self._known[key]

    def _iso(self, text: str) -> str:
        moved = self._moved(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())
        if moved is None:
            return text
        whole = datetime.fromtimestamp(moved, UTC).strftime(f"%Y-%m-%d{text[10]}%H:%M:%S")
        return whole + ("." + "0" * (len(text) - 20) if len(text) > 19 else "")

    def _http_date(self, text: str) -> str:
        moved = self._moved(parsedate_to_datetime(text).timestamp())
        if moved is None:
            return text
        when = datetime.fromtimestamp(moved, UTC)
        return format_datetime(when, usegmt=text.endswith("GMT"))

    def _seconds(self, text: str) -> str:
        if not _SECONDS.fullmatch(text):
            return text
        unit = 1000 if len(text) == 13 else 1
        moved = self._moved(int(text) / unit)
        return text if moved is None else str(int(moved * unit))


def _spelled(verb: str, args: str) -> str:
    """Return the arguments of an SMTP verb, the same whoever greets and whichever smtplib it is."""
    if verb in _GREETINGS:
        return "[127.0.0.1]"
    keyword, colon, rest = args.partition(":<")  # Python 3.13 writes it small
    return keyword.upper() + colon + rest if colon else args


def _duration_ms(event: Event) -> int:
    if event.phase != Phase.END:
        return 1
    error = event.data.get("error")
    if event.kind == Kind.EXCHANGE and "timed out" in json.dumps(error):
        return _TIMEOUT_MS
    return _STEP_MS.get(Kind(event.kind), 1)


def _size_up(data: dict[str, Any]) -> None:
    """Make sizes independent of the versions in headers, and of how well an answer compressed."""
    request, response = data.get("request") or {}, data.get("response") or {}
    whole = int((request.get("body") or {}).get("size") or 0)
    sent = _settle(request.get("body"))
    received = _settle(response.get("body"))
    length = (request.get("headers") or {}).get("content-length")
    if length not in {None, "0"}:
        request["headers"]["content-length"] = str(sent)
    for transmission in data.get("wire") or ():
        # of a body that may not be sent twice, a second transmission has the headers only
        transmission["sent"] = 500 + (sent if transmission.get("sent", 0) >= whole else 0)
        if transmission.get("received"):
            transmission["received"] = received


def _settle(body: Any) -> int:
    """Give HTTP requests inside of a batch a size of their own; return that of the body."""
    if not isinstance(body, dict):
        return 0
    parts = body.get("parts") or ()
    for part in parts:
        if part.get("type") == "application/http":
            part["size"] = 500
    if any(part.get("type") == "application/http" for part in parts):
        body["size"] = 700 * len(parts)
    return int(body.get("size") or 0)
