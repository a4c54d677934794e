"""What a rule says: a diagnosed cause, as data; the words come from the catalogues."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any


class Severity(IntEnum):
    """Wireshark's four, worst last; also the exit code's order."""

    CHAT = 0
    NOTE = 1
    WARNING = 2
    ERROR = 3


@dataclass(frozen=True, slots=True)
class Evidence:
    """An event that shows the cause, and the field in it to look at."""

    event: str
    """The event's id."""
    path: str = ""
    """Into ``data`` (``response.body.json.error.message``) or a head field (``status``)."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A hint at a cause, never a proof; it says what would refute it."""

    rule: str
    """Stable id; its texts are ``RULE.title``, ``RULE.cause``, ``RULE.action``, ``RULE.refute``."""
    severity: Severity
    confidence: float
    """0 … 1."""
    topic: str
    evidence: tuple[Evidence, ...]
    args: Mapping[str, Any] = field(default_factory=dict)
    """Fills the ``{names}`` of the texts."""
    chain: tuple[str, ...] = ()
    """Cause to effect, as text ids of the findings catalogue."""
    source: str = ""
    """Where the knowledge is from."""
    count: int = 1
    """How many symptoms this one cause explains."""
    symptoms: tuple[str, ...] = ()
    """Ids of the events that show the effects: what "apply as filter" keeps."""
    ops: tuple[str, ...] = ()
    """The operations concerned."""
