"""JSON as lines that fold, built one level at a time."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from viewer.tui.document import Node, wrapped
from viewer.tui.jsonvalue import ARRAYS, Number
from viewer.tui.look import Look
from viewer.tui.paint import Part

REDACTED: Final = "⟨redacted "
_GROUP: Final = 200
_LONG: Final = 60
_OPEN_AT_MOST: Final = 12


class JsonTree:
    """Makes nodes of JSON values for one look and one width."""

    def __init__(self, look: Look, width: int) -> None:
        self.look = look
        self.width = width

    def node(self, key: str | None, value: Any, path: str, *, levels: int = 1) -> Node:
        """Return the node of `value`; its first `levels` levels are open if they are small."""
        label: tuple[Part, ...] = () if key is None else ((key, "key"), (": ", "dim"))
        if isinstance(value, Mapping):
            return self._container(label, value, path, "{", "}", self._members, levels)
        if isinstance(value, ARRAYS):
            return self._container(label, value, path, "[", "]", self._items, levels)
        return self._scalar(label, value, path)

    def members(self, value: Mapping[str, Any], path: str, *, levels: int = 1) -> list[Node]:
        """Return a node for each member of `value`."""
        return list(self._members(value, path, levels))

    def _container(
        self,
        label: tuple[Part, ...],
        value: Any,
        path: str,
        opener: str,
        closer: str,
        below: Callable[[Any, str, int], Iterable[Node]],
        levels: int,
    ) -> Node:
        if not value:
            return Node((*label, (opener + closer, "dim")), path=path, value=value)
        return Node(
            (*label, (f"{opener}{self.look.number(len(value))}{closer}", "dim")),
            lambda: below(value, path, levels - 1),
            open=levels > 0 and len(value) <= _OPEN_AT_MOST,
            path=path,
            value=value,
        )

    def _members(self, value: Mapping[str, Any], path: str, levels: int) -> Iterator[Node]:
        yield from self._grouped(
            list(value), lambda key, _: self.node(key, value[key], join(path, key), levels=levels)
        )

    def _items(self, value: Sequence[Any], path: str, levels: int) -> Iterator[Node]:
        yield from self._grouped(
            value, lambda item, n: self.node(str(n), item, f"{path}[{n}]", levels=levels)
        )

    def _grouped(self, items: Sequence[Any], make: Callable[[Any, int], Node]) -> Iterator[Node]:
        if len(items) <= _GROUP:
            yield from (make(item, n) for n, item in enumerate(items))
            return
        for begin in range(0, len(items), _GROUP):
            part = items[begin : begin + _GROUP]
            yield Node(
                ((f"{begin} … {begin + len(part) - 1}", "dim"),),
                lambda part=part, begin=begin: [  # type: ignore[misc]
                    make(item, begin + n) for n, item in enumerate(part)
                ],
            )

    def _scalar(self, label: tuple[Part, ...], value: Any, path: str) -> Node:
        if value is None or isinstance(value, bool):
            word = "null" if value is None else str(value).lower()
            return Node((*label, (word, "literal")), path=path, value=value)
        if isinstance(value, Number | int | float):
            return Node((*label, (str(value), "number")), path=path, value=value)
        text = str(value)
        ink = "redacted" if text.startswith(REDACTED) else "string"
        if len(text) <= _LONG and "\n" not in text:
            return Node((*label, (text, ink)), path=path, value=value)
        room = self.width - sum(len(part) for part, _ in label) - 2 * path.count(".") - 4
        if len(text) <= room and "\n" not in text:
            return Node((*label, (text, ink)), path=path, value=value)
        size = self.look("json.characters", count=self.look.number(len(text)))
        return Node(
            (*label, (text[: max(12, room - len(size) - 2)], ink), (f" … {size}", "dim")),
            wrapped(text, self.width - 2 * path.count(".") - 6, ink),
            path=path,
            value=value,
        )


def join(path: str, key: str) -> str:
    """Return the path of member `key` below `path`."""
    if key.isidentifier() or all(c.isalnum() or c in "_-" for c in key):
        return f"{path}.{key}" if path else key
    return f"{path}[{json.dumps(key)}]"
