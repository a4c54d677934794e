"""The reading of one line: tolerant, with one error type."""

from dataclasses import fields
from typing import Any, Final

import orjson

from tracer.schema.events import VERSION, Event


class DamagedLineError(ValueError):
    """A line that is no event; the text says why, in a few words."""


class NewerVersionError(DamagedLineError):
    """A line that a later format wrote; the text asks for an update."""


_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "ts": (str,),
    "topic": (str,),
    "kind": (str,),
    "phase": (str,),
    "id": (str,),
    "parent": (str, type(None)),
    "op": (str, type(None)),
    "pid": (int,),
    "seq": (int,),
    "name": (str,),
    "status": (int, type(None)),
    "ms": (float, int, type(None)),
    "data": (dict,),
}
assert set(_TYPES) | {"v"} == {field.name for field in fields(Event)}


def parse(line: bytes) -> Event:
    """Return the event of one line; keys that this version does not know are ignored.

    Raises:
        NewerVersionError: a later version of the format wrote it.
        DamagedLineError: anything else that is not an event.
    """
    try:
        raw: Any = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise DamagedLineError(f"not JSON: {error.msg}") from None
    if not isinstance(raw, dict):
        raise DamagedLineError("not a JSON object")
    version = raw.get("v")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise DamagedLineError("no format version")
    if version > VERSION:
        raise NewerVersionError(f"format version {version}: please update mapi-tracer")
    values: dict[str, Any] = {}
    for name, types in _TYPES.items():
        value = raw.get(name)
        if not isinstance(value, types) or isinstance(value, bool):
            raise DamagedLineError(f"{name} is missing or of the wrong type")
        values[name] = value
    return Event(v=version, **values)
