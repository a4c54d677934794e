"""One event as the detail needs it: the head, the data with numbers as written, the line."""

from dataclasses import dataclass, field
from typing import Any

from viewer.model.trace import Head, Trace
from viewer.tui.jsontree import Number, parse_exactly


@dataclass(frozen=True, slots=True)
class Record:
    """One decoded line."""

    row: int
    head: Head
    raw: bytes
    data: dict[str, Any] = field(default_factory=dict)
    problem: str = ""
    """Why the data could not be read, if so."""

    def get(self, *path: str) -> Any:
        """Return what is at `path` in the data, or None."""
        value: Any = self.data
        for key in path:
            if not isinstance(value, dict):
                return None
            value = value.get(key)
        return value

    def object(self, *path: str) -> dict[str, Any]:
        """Return the object at `path`, or an empty one."""
        value = self.get(*path)
        return value if isinstance(value, dict) else {}

    def items(self, *path: str) -> list[Any]:
        """Return the list at `path`, or an empty one."""
        value = self.get(*path)
        return value if isinstance(value, list) else []

    def text(self, *path: str) -> str:
        """Return the string or number at `path`, or an empty string."""
        value = self.get(*path)
        return value if isinstance(value, str) else ""


def load(trace: Trace, row: int, raw: bytes | None = None) -> Record:
    """Decode `row`; a line that cannot be read still has its head and its bytes.

    `raw` is the line if it has been read already.
    """
    raw = trace.raw(row) if raw is None else raw
    head = trace.head(row)
    try:
        whole = parse_exactly(raw)
        data = whole.get("data") if isinstance(whole, dict) else None
    except ValueError as error:
        return Record(row, head, raw, problem=str(error))
    return Record(row, head, raw, data if isinstance(data, dict) else {})


def as_float(value: Any) -> float | None:
    """Return a number of the data for arithmetic; never for showing."""
    if isinstance(value, Number | int | float) and not isinstance(value, bool):
        try:
            return float(value)
        except ValueError:
            return None
    return None
