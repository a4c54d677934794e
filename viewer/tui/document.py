"""What the detail shows: lines that fold, made only when they are opened."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from viewer.model.visible import visible
from viewer.tui.paint import Line, Part

_UNSET: Final = object()


@dataclass(slots=True)
class Node:
    """One line, and what unfolds below it."""

    parts: Line
    children: "Sequence[Node] | Callable[[], Iterable[Node]] | None" = None
    open: bool = False
    target: str = ""
    """Where ``enter`` leads: ``event:ID``, ``text:WORDS`` (search), ``url:…``; empty: folds."""
    path: str = ""
    """JSON path inside the line; for copying, and for evidence to point at."""
    value: Any = field(default=_UNSET)
    """What the copy menu copies; unset: the text of the line."""

    def unfold(self) -> Sequence["Node"]:
        """Return the children, made on the first call."""
        if callable(self.children):
            self.children = list(self.children())
        return self.children or ()

    @property
    def has_value(self) -> bool:
        """Whether there is a value of its own to copy."""
        return self.value is not _UNSET

    @property
    def text(self) -> str:
        """The words of the line."""
        return "".join(text for text, _ in self.parts)


class Page(Protocol):
    """Lines by number; the number of lines changes when something folds."""

    def __len__(self) -> int: ...

    def at(self, n: int) -> tuple[int, Node]:
        """Return the depth and the node of line `n`."""
        ...

    def toggle(self, n: int, to: bool | None = None) -> bool:
        """Fold or unfold line `n`; tell whether anything changed."""
        ...

    def fold_all(self, to: bool) -> None:
        """Fold everything, or unfold what is reasonable."""
        ...


EVERYTHING: Final = "*"
"""The path of a node below which every field can be found."""
_MANY: Final = 5_000
"""Lines that unfolding everything stops at."""


class TreePage:
    """Nodes, flattened as far as they are open."""

    def __init__(self, roots: Iterable[Node]) -> None:
        self.roots = list(roots)
        self._lines: list[tuple[int, Node]] = []
        self._flatten()

    def __len__(self) -> int:
        return len(self._lines)

    def at(self, n: int) -> tuple[int, Node]:
        """Return the depth and the node of line `n`."""
        return self._lines[n]

    def toggle(self, n: int, to: bool | None = None) -> bool:
        """Fold or unfold line `n`; tell whether anything changed."""
        depth, node = self._lines[n]
        if node.children is None or node.open == to:
            return False
        node.open = not node.open
        if node.open:
            self._lines[n + 1 : n + 1] = self._below(node, depth)
        else:
            end = n + 1
            while end < len(self._lines) and self._lines[end][0] > depth:
                end += 1
            del self._lines[n + 1 : end]
        return True

    def fold_all(self, to: bool) -> None:
        """Fold everything, or unfold level by level while lines are few."""
        if to:
            level, made = self.roots, len(self.roots)
            while level and made < _MANY:
                below: list[Node] = []
                for node in level:
                    if node.children is not None and made + len(below) < _MANY:
                        node.open = True
                        below.extend(node.unfold())
                made += len(below)
                level = below
        else:
            for _, node in self._lines:
                node.open = False
        self._flatten()

    def reveal(self, path: str) -> int | None:
        """Unfold down to the node of `path` and return its line."""
        at = self._descend(path)
        if at is None:
            for n, (_, node) in enumerate(self._lines):
                if node.path == EVERYTHING:
                    self.toggle(n, to=True)
                    return self._descend(path)
        return at

    def _descend(self, path: str) -> int | None:
        n = 0
        best: int | None = None
        while n < len(self._lines):
            node = self._lines[n][1]
            if node.path and node.path == path:
                return n
            if node.path and path.startswith((f"{node.path}.", f"{node.path}[")):
                best = n
                self.toggle(n, to=True)
            n += 1
        return best

    def _flatten(self) -> None:
        self._lines = []
        for root in self.roots:
            self._lines.append((0, root))
            if root.open:
                self._lines.extend(self._below(root, 0))

    def _below(self, node: Node, depth: int) -> Iterator[tuple[int, Node]]:
        stack = [(depth + 1, child) for child in reversed(node.unfold())]
        while stack:
            level, child = stack.pop()
            yield level, child
            if child.open:
                stack.extend((level + 1, grandchild) for grandchild in reversed(child.unfold()))


class TextPage:
    """A long text, cut into lines of a fixed number of characters; only the shown ones are made."""

    def __init__(self, text: str, width: int, ink: str = "") -> None:
        text = visible(text)
        per_line = max(8, width if _is_narrow(text) else width // 2)
        self._text = text
        self._per_line = per_line
        self._ink = ink

    def __len__(self) -> int:
        return max(1, -(-len(self._text) // self._per_line))

    def at(self, n: int) -> tuple[int, Node]:
        """Return line `n`."""
        begin = n * self._per_line
        return 0, Node(((self._text[begin : begin + self._per_line], self._ink),))

    def toggle(self, n: int, to: bool | None = None) -> bool:
        """Nothing folds here."""
        return False

    def fold_all(self, to: bool) -> None:
        """Nothing folds here."""

    def find(self, needle: str) -> int | None:
        """Return the line where `needle` begins."""
        at = self._text.find(needle)
        return None if at < 0 else at // self._per_line


_WIDE: Final = re.compile("[\u1100-\U0010ffff]")


def _is_narrow(text: str) -> bool:
    """Tell whether every character takes at most one cell."""
    return text.isascii() or _WIDE.search(text) is None


_BLOCK: Final = 500


def wrapped(text: str, width: int, ink: str) -> Callable[[], Iterable[Node]]:
    """Return a maker of the lines of `text`, in blocks that unfold when there are very many."""

    def make() -> Iterator[Node]:
        lines = list(_cut(text, max(8, width)))
        if len(lines) <= _BLOCK:
            yield from (Node(((line, ink),)) for line in lines)
            return
        for begin in range(0, len(lines), _BLOCK):
            block = lines[begin : begin + _BLOCK]
            yield Node(
                ((f"{begin + 1} … {begin + len(block)}", "dim"),),
                [Node(((line, ink),)) for line in block],
                open=begin == 0,
            )

    return make


def _cut(text: str, width: int) -> Iterator[str]:
    for line in visible(text, lines=True).split("\n"):
        step = width if not line or _is_narrow(line) else width // 2
        for begin in range(0, max(1, len(line)), step):
            yield line[begin : begin + step]


_BREAK: Final = re.compile("(?<!«) (?![:;!?»])")
"""Where a line may end: French has spaces inside its punctuation."""


def words(text: str, width: int) -> Iterator[str]:
    """Yield lines of `text` of at most `width` characters, broken between words if possible."""
    line = ""
    for word in _BREAK.split(visible(text)):
        if line and len(line) + 1 + len(word) > width:
            yield line
            line = ""
        line = f"{line} {word}" if line else word
        while len(line) > width:
            yield line[:width]
            line = line[width:]
    if line:
        yield line


def sentence_node(
    prefix: Sequence[Part],
    sentence: Part,
    width: int,
    *,
    suffix: Sequence[Part] = (),
    below: Callable[[], Iterable[Node]] | None = None,
    open: bool = True,  # noqa: A002 - as the field of Node
    target: str = "",
) -> Node:
    """Return a node whose sentence goes on in the lines below it when it is long."""
    text, ink = sentence
    room = max(16, width - sum(len(part) for part, _ in prefix))
    first, *_ = [*words(text, room), ""]
    rest = list(words(visible(text)[len(first) :].strip(), width - 2))

    def lines() -> Iterator[Node]:
        yield from (Node(((line, ink),)) for line in rest)
        if below:
            yield from below()

    parts = (*prefix, (first, ink), *suffix)
    return Node(parts, lines if rest or below else None, open, target=target, value=text)
