"""One event as the detail needs it: the head, the data with numbers as written, the line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from viewer.model.trace import Head, Trace
from viewer.tui.jsonvalue import ARRAYS, Number, Object, parse_exactly


@dataclass(frozen=True, slots=True)
class Record:
    """One decoded line."""

    row: int
    head: Head
    raw: bytes
    data: Mapping[str, Any] = field(default_factory=dict)
    problem: str = ""
    """Why the data could not be read, if so."""

    def get(self, *path: str) -> Any:
        """Return what is at `path` in the data, or None."""
        value: Any = self.data
        for key in path:
            if not isinstance(value, Mapping):
                return None
            value = value.get(key)
        return value

    def object(self, *path: str) -> Mapping[str, Any]:
        """Return the object at `path`, or an empty one."""
        value = self.get(*path)
        return value if isinstance(value, Mapping) else {}

    def items(self, *path: str) -> Sequence[Any]:
        """Return the list at `path`, or an empty one."""
        value = self.get(*path)
        return value if isinstance(value, ARRAYS) else []

    def text(self, *path: str) -> str:
        """Return the string or number at `path`, or an empty string."""
        value = self.get(*path)
        return value if isinstance(value, str) else ""


class _Line(msgspec.Struct):
    data: dict[str, msgspec.Raw] = msgspec.field(default_factory=dict)


_line: Final = msgspec.json.Decoder(_Line)


def load(trace: Trace, row: int) -> Record:
    """Read `row`; a line that cannot be read still has its head and its bytes."""
    raw = trace.raw(row)
    head = trace.head(row)
    try:
        return Record(row, head, raw, Object(_line.decode(raw).data))
    except (ValueError, RecursionError):
        pass  # not quite JSON
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
