"""Help while a filter is written: what may come next, and what it says as a sentence."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from tracer.schema.events import Kind, Topic
from viewer.model.filter import FIELDS, IS, NUMBERS, TIMES, All, Any_, Node, Not, Test
from viewer.model.trace import Trace

_WORD: Final = re.compile(r'[^\s()"]*\Z')
_VALUES: Final = re.compile(r"([A-Za-z]+)(:|!=|=)([^,]*,)*([^,]*)\Z")
_OPERATORS: Final = ("and", "or", "not")
_LIMIT: Final = 50


class Texts(Protocol):
    """A catalogue: `viewer.i18n.Catalogue("model", lang)`."""

    def __call__(self, message_id: str, **values: Any) -> str:
        """Return the text of `message_id`, filled in."""
        ...


@dataclass(frozen=True, slots=True)
class Completion:
    """One way to go on: replace the text from `begin` up to the cursor by `text`."""

    begin: int
    text: str


def complete(text: str, cursor: int | None = None, trace: Trace | None = None) -> list[Completion]:
    """Return how the word before the cursor may go on, from the language and from `trace`."""
    before = text if cursor is None else text[:cursor]
    if before.count('"') % 2:
        return []
    match = _WORD.search(before)
    word = match.group() if match else ""
    values = _VALUES.match(word)
    if values:
        begin = len(before) - len(values[4])
        known = _values(values[1].lower(), trace)
        typed = values[4].lower()
        found = [value for value in known if value.lower().startswith(typed) and value != typed]
        return [Completion(begin, _quoted(value)) for value in found[:_LIMIT]]
    begin = len(before) - len(word)
    starts = [*(f"{name}{_sign(name)}" for name in FIELDS), *(f"{w} " for w in _OPERATORS)]
    return [Completion(begin, start) for start in starts if word and start.startswith(word.lower())]


def _sign(name: str) -> str:
    return ">" if name in NUMBERS else ":"


def _quoted(value: str) -> str:
    return (
        '"' + re.sub(r'(["\\])', r"\\\1", value) + '"' if re.search(r'[\s()"\\]', value) else value
    )


_FIXED: Final[dict[str, Sequence[str]]] = {
    "is": IS,
    "via": ("configured", "env", "user", "account"),
    "status": ("none", "4xx", "5xx", "2xx"),
}


def _values(name: str, trace: Trace | None) -> Sequence[str]:
    """Return the known values of a field: those of the trace, if there is one."""
    if name in _FIXED:
        return _FIXED[name]
    if trace is None:
        words: dict[str, Sequence[str]] = {"topic": [*Topic], "kind": [*Kind]}
        return words.get(name, ())
    return _of_trace(name, trace)


def _of_trace(name: str, trace: Trace) -> Sequence[str]:
    names = sorted(set(trace.names()))
    known: dict[str, Callable[[], Sequence[str]]] = {
        "topic": lambda: sorted(trace.topic_counts()),
        "kind": lambda: sorted({kind for _, kind, _ in trace.codes.sorts if kind}),
        "name": lambda: names,
        "method": lambda: [n for n in names if "." in n and " " not in n],
        "host": lambda: sorted({n.partition(" ")[2] for n in names if " " in n and "." in n}),
        "pid": lambda: sorted({str(pid) for _, pid in trace.codes.processes}),
        "file": lambda: trace.files,
    }
    return known[name]() if name in known else ()


def sentence(node: Node, texts: Texts) -> str:
    """Return what a filter lets through, said in words (catalogue ``model``)."""
    if node == All(()):
        return texts("filter.everything")
    return texts("filter.only", what=_said(node, texts))


def _said(node: Node, texts: Texts) -> str:
    if isinstance(node, Test):
        return _test_said(node, texts)
    if isinstance(node, Not):
        return texts("filter.not", what=_said_in_group(node.part, texts))
    word = texts("filter.and" if isinstance(node, All) else "filter.or")
    return f" {word} ".join(_said_in_group(part, texts) for part in node.parts)


def _said_in_group(node: Node, texts: Texts) -> str:
    said = _said(node, texts)
    return f"({said})" if isinstance(node, All | Any_) else said


def _test_said(test: Test, texts: Texts) -> str:
    if test.field == "text":
        return texts("filter.said.text", value=test.value)
    if test.field in TIMES:
        return texts(f"filter.said.{test.field}", value=test.value)
    if test.field == "is":
        said = texts(f"filter.said.is-{test.value.lower()}")
        return said if test.op == ":" else texts("filter.not", what=said)
    verb = {
        ":": "is",
        "!=": "differs",
        "<": "below",
        "<=": "at-most",
        ">": "above",
        ">=": "at-least",
    }
    part = test.field in {"account", "url"} and not set("*?,") & set(test.value)
    how = {":": "holds", "!=": "holds-not"}[test.op] if part else verb[test.op]
    name = texts(f"filter.field.{test.field}")
    value = test.value.replace(",", f" {texts('filter.or')} ") if not part else test.value
    return texts(f"filter.said.{how}", field=name, value=value)
