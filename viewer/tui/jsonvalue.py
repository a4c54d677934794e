"""JSON as the detail needs it: decoded one level at a time, numbers as they were written.

A level of a megabyte takes 0.4 ms, however much is in it; decoding all of it would take 5 ms, on
every key that moves the cursor.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, overload

import msgspec
from msgspec import Raw

_object: Final = msgspec.json.Decoder(dict[str, Raw])
_array: Final = msgspec.json.Decoder(list[Raw])


class Number(str):
    """A number exactly as the line spells it; reading it as a float could change it."""

    __slots__ = ()


class Object(Mapping[str, Any]):
    """A JSON object; a member is decoded when it is asked for."""

    __slots__ = ("_members",)

    def __init__(self, members: dict[str, Raw]) -> None:
        self._members = members

    def __getitem__(self, key: str) -> Any:
        return read(self._members[key])

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)

    def __contains__(self, key: object) -> bool:
        return key in self._members

    def __str__(self) -> str:
        members = (f"{json.dumps(key)}:{_text(raw)}" for key, raw in self._members.items())
        return f"{{{','.join(members)}}}"


class Array(Sequence[Any]):
    """A JSON array; an item is decoded when it is asked for."""

    __slots__ = ("_items",)

    def __init__(self, items: list[Raw]) -> None:
        self._items = items

    @overload
    def __getitem__(self, at: int) -> Any: ...
    @overload
    def __getitem__(self, at: slice) -> list[Any]: ...
    def __getitem__(self, at: int | slice) -> Any:
        if isinstance(at, slice):
            return [read(raw) for raw in self._items[at]]
        return read(self._items[at])

    def __len__(self) -> int:
        return len(self._items)

    def __str__(self) -> str:
        return f"[{','.join(map(_text, self._items))}]"


ARRAYS: Final = (list, Array)
"""What an array can be: a line that is not quite JSON is decoded at once."""


def read(raw: Raw) -> Any:
    """Return the value of a piece of JSON that was found to be well-formed; its text at worst."""
    text = memoryview(raw)
    try:
        match text[0]:
            case 0x7B:
                return Object(_object.decode(text))
            case 0x5B:
                return Array(_array.decode(text))
            case 0x22 | 0x74 | 0x66 | 0x6E:  # a string, true, false, null
                return msgspec.json.decode(text)
            case _:
                return Number(_text(raw))
    except (ValueError, RecursionError):  # bytes that are no UTF-8, a depth that was just possible
        return _read_at_once(bytes(text))


def _read_at_once(text: bytes) -> Any:
    try:
        return parse_exactly(text)
    except ValueError:
        return text.decode("utf-8", "backslashreplace")


def _text(raw: Raw) -> str:
    return str(memoryview(raw), "utf-8", "backslashreplace")


def parse_exactly(text: bytes) -> Any:
    """Return the JSON value of `text`, all of it, with its numbers as `Number`.

    Raises:
        ValueError: it is no JSON, or nested too deeply to be shown as a tree.
    """
    try:
        return json.loads(
            text.decode("utf-8", "surrogateescape"),
            parse_int=Number,
            parse_float=Number,
            parse_constant=Number,
        )
    except RecursionError:
        raise ValueError("nested too deeply") from None
