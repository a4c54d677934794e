"""What goes in and out of the stand-in, apart from the library that carries it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson

Json = dict[str, Any]
JSON_TYPE = "application/json; charset=UTF-8"


@dataclass(slots=True)
class Request:
    """One HTTP request, also one part of a batch."""

    method: str
    target: str
    """Path and query as sent, still percent-encoded."""
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    origin: str
    """What this server is called from outside: ``http://127.0.0.1:PORT``."""
    shift: float = 0.0
    """Seconds a fault adds to the clock of the world for this request."""
    received: tuple[int, str] = (0, "")
    """Size and SHA-256 of the body as it came in."""

    @property
    def path(self) -> str:
        """The path as sent, still percent-encoded."""
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, list[str]]:
        """The query, decoded."""
        return parse_qs(urlsplit(self.target).query, keep_blank_values=True)


@dataclass(slots=True)
class Reply:
    """One HTTP response, before gzip."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    reason: str | None = None
    subject: str | None = None
    faults: tuple[str, ...] = ()
    parts: tuple["Seen", ...] = ()

    @classmethod
    def of(cls, value: Any, status: int = 200, **headers: str) -> "Reply":
        """Make a JSON answer."""
        names = {name.replace("_", "-"): text for name, text in headers.items()}
        return cls(
            status,
            orjson.dumps(value, option=orjson.OPT_INDENT_2),
            {"Content-Type": JSON_TYPE, **names},
        )


@dataclass(frozen=True, slots=True)
class Seen:
    """One request as it arrived here: the truth that a trace is compared with."""

    n: int
    """Counts the requests of the sandbox, from 1; 0 for a part of a batch."""
    method: str
    path: str
    query: str
    method_id: str
    """``gmail.users.messages.send``, ``oauth2.token``, ``batch``, ``ews.CreateItem``."""
    kind: str
    status: int | None
    """None when the connection was dropped or left hanging."""
    size: int
    digest: str
    """SHA-256 of the request body, hex."""
    connection: int
    """Counts the connections of the sandbox, from 1; the same number means kept alive."""
    subject: str | None
    faults: tuple[str, ...] = ()
    parts: tuple["Seen", ...] = ()
