"""Takes out the bodies that a session recorded with ``--bodies full``; numbers keep their text."""

import json
from typing import Any, Final

import orjson

_CONTENT: Final = ("json", "form", "text", "mime", "parts")
FULL: Final = b'"full"'
"""A line without it has nothing to take out."""


def without_full_bodies(line: bytes) -> bytes:
    """Return `line` with every body that was kept whole reduced to its size, type and digest."""
    event = json.loads(line, parse_float=_number, parse_int=_number)
    data = event.get("data")
    if isinstance(data, dict):
        if event.get("kind") == "session" and data.get("bodies") == "full":
            data["bodies"] = "headers"
        _strip(data)
    return orjson.dumps(event)


def _number(text: str) -> orjson.Fragment:
    return orjson.Fragment(text.encode())


def _strip(value: Any) -> None:
    pending = [value]
    while pending:
        one = pending.pop()
        if isinstance(one, dict):
            if one.get("kept") == "full":
                for key in _CONTENT:
                    one.pop(key, None)
                one["kept"] = "digest"
            pending += one.values()
        elif isinstance(one, list):
            pending += one
