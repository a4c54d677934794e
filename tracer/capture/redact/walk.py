"""The generic walk over decoded JSON, for what no allow-list knows."""

import re
from collections.abc import Callable, Mapping
from types import NoneType
from typing import Any, Final

import orjson

from tracer.capture.redact.mail import KEPT_HEADERS, decode_loosely
from tracer.capture.redact.names import OPAQUE, PERSONAL, fold, secret_kind
from tracer.capture.redact.notes import Notes
from tracer.capture.redact.patterns import Scrubber

_DEPTH: Final = 100
_LONG_TEXT: Final = 512
_MAIL_TEXT: Final = 65_536
_MAIL_SCRUBBED: Final = 81_920
_NOTES: Final = 200
_NAMES_LIMIT: Final = 4096
_OPAQUE_FROM: Final = 40
_OPAQUE_VALUE: Final = re.compile(r"(?=.*[a-z])(?=.*[A-Z])(?=.*[0-9])[A-Za-z0-9+/=_-]{40,}")
_CODE: Final = re.compile(r"(?=.*[0-9])[\w/-]{20,}")


class Walker:
    """Walks values; thread-safe, because what it remembers only saves time."""

    def __init__(self, scrubber: Scrubber, tag: Callable[[str], str], *, full: bool) -> None:
        self._scrubber = scrubber
        self._tag = tag
        self._full = full
        self._rules: dict[str, tuple[str, str] | None] = {}

    def content(self, value: Any, notes: Notes, path: str) -> Any:
        """Return the content of a body: shape, numbers and short words, no personal text."""
        return self._walk(value, notes, path, 0, not self._full)

    def facts(self, data: Mapping[str, Any], notes: Notes, path: str) -> dict[str, Any]:
        """Return the facts of an event: only secrets are dropped."""
        result: dict[str, Any] = self._mapping(data, notes, path, 0, False)
        return result

    def is_secret(self, name: str) -> bool:
        """Tell whether what is filed under `name` is dropped."""
        rule = self._rule(name)
        return rule is not None and rule[0] in {"secret", "opaque"}

    def _walk(self, value: Any, notes: Notes, path: str, depth: int, strict: bool) -> Any:
        kind = type(value)
        if kind is str:
            return self._string(value, notes, path, strict)
        if kind in _PLAIN:
            return value
        if depth > _DEPTH:
            return "…"
        if isinstance(value, Mapping):
            return self._mapping(value, notes, path, depth, strict)
        if isinstance(value, _LISTS):
            return [self._walk(item, notes, path, depth + 1, strict) for item in value]
        return self._other(value, notes, path, strict)

    def _other(self, value: Any, notes: Notes, path: str, strict: bool) -> Any:
        if isinstance(value, _NUMBERS):
            return value
        if isinstance(value, _BYTES):
            value = bytes(value).decode("utf-8", "backslashreplace")
        return self._string(str(value), notes, path, strict)

    def _mapping(
        self, value: Mapping[Any, Any], notes: Notes, path: str, depth: int, strict: bool
    ) -> dict[str, Any]:
        if "value" in value and (named := value.get("name") or value.get("key")):
            value = self._named(str(named), value, notes, path)
            if strict and len(value) == 2 and "name" in value:
                return self._header(value, notes, path)
        result: dict[str, Any] = {}
        rules, clean = self._rules, self._scrubber.clean
        for key, item in value.items():
            name = key if isinstance(key, str) else str(key)
            rule = rules[name] if name in rules else self._rule(name)
            kind = type(item)
            if kind is NoneType or kind is bool or (rule is None and kind in _PLAIN):
                kept: Any = item
            elif rule is None and kind is str and item in clean and len(item) < _OPAQUE_FROM:
                kept = item
            elif rule is None:
                kept = self._walk(item, notes, _below(path, name), depth + 1, strict)
            else:
                kept = self._ruled(rule, item, notes, _below(path, name), depth, strict)
            result[name if name in clean else self._string(name, notes, path, False)] = kept
        return result

    def _named(
        self, name: str, pair: Mapping[Any, Any], notes: Notes, path: str
    ) -> Mapping[Any, Any]:
        """Return a pair of name and value, as lists of settings have it, without a secret value."""
        rule, value = self._rule(name), pair["value"]
        if rule is None or rule[0] not in {"secret", "opaque"} or value is None:
            return pair
        return {**pair, "value": self._mark(rule[1], value, notes, f"{path}.value")}

    def _header(self, pair: Mapping[Any, Any], notes: Notes, path: str) -> dict[str, Any]:
        """Return a header of a mail, as JSON has it: name and value."""
        name, value = str(pair["name"]), pair["value"]
        if isinstance(value, str) and name.lower() not in KEPT_HEADERS:
            kept: Any = self._mark(f"text-{len(value)}", value, notes, path)
        else:
            kept = self._walk(value, notes, path, _DEPTH, True)
        return {"name": self._string(name, notes, path, True), "value": kept}

    def _rule(self, name: str) -> tuple[str, str] | None:
        """Return what to do for a name: ("secret" "opaque" "personal" "mail" "code", kind)."""
        try:
            return self._rules[name]
        except KeyError:
            folded = fold(name)
            rule: tuple[str, str] | None = None
            if kind := OPAQUE.get(folded):
                rule = ("opaque", kind)
            elif kind := secret_kind(folded):
                rule = ("secret", kind)
            elif folded in {"code", "key"}:
                rule = ("code", folded)
            elif self._full and folded in {"raw", "data"}:
                rule = ("mail", "mail")
            elif folded in PERSONAL:
                rule = ("personal", "personal")
            if len(self._rules) < _NAMES_LIMIT and len(name) < 100:
                self._rules[name] = rule
            return rule

    def _ruled(
        self, rule: tuple[str, str], item: Any, notes: Notes, path: str, depth: int, strict: bool
    ) -> Any:
        what, kind = rule
        if what == "mail" and isinstance(item, str):
            return self._mail_text(item, notes, path)
        if what in {"personal", "mail"}:
            return self._personal(item, notes, path, depth, strict)
        if what == "code" and not (isinstance(item, str) and _CODE.fullmatch(item)):
            return self._walk(item, notes, path, depth + 1, strict)
        if isinstance(item, _NUMBERS) and kind != "password":
            return item
        if isinstance(item, Mapping) and "value" in item and "origin" in item:
            return {
                **self._mapping(item, notes, path, depth, strict),
                "value": self._mark(kind, item["value"], notes, path),
            }
        if what == "opaque" and not isinstance(item, str):
            return self._walk(item, notes, path, depth + 1, strict)
        return self._mark(kind, item, notes, path)

    def _mark(self, kind: str, item: Any, notes: Notes, path: str) -> str:
        text = item if isinstance(item, str) else repr(item)
        if text.startswith("⟨redacted "):
            return text
        _note(notes, path, kind.partition("-")[0] if kind.startswith("text-") else kind)
        return self._scrubber.mark(kind, text)

    def _personal(self, item: Any, notes: Notes, path: str, depth: int, strict: bool) -> Any:
        """Drop text, keep the shape: how many there were, how long each was."""
        if not strict or isinstance(item, _NUMBERS):
            return self._walk(item, notes, path, depth + 1, strict)
        if isinstance(item, str):
            _note(notes, path, "personal")
            return self._scrubber.mark(f"text-{len(item)}", item)
        _note(notes, path, "personal")
        if isinstance(item, Mapping):
            return {"keys": len(item)}
        return {"items": len(item)} if isinstance(item, list | tuple) else "…"

    def _mail_text(self, item: str, notes: Notes, path: str) -> str:
        """Return what Gmail's base64url says, for the level ``full`` only."""
        plain = decode_loosely(item)
        try:
            text = item if plain is None else plain.decode()
        except UnicodeDecodeError:
            return self._scrubber.mark(f"bytes-{len(plain or b'')}", item)
        return self._string(text[:_MAIL_SCRUBBED], notes, path, False)[:_MAIL_TEXT]

    def _string(self, value: str, notes: Notes, path: str, strict: bool) -> str:
        result = value
        if value not in self._scrubber.clean:
            kinds: list[str] = []
            result = self._scrubber.scrub(value, kinds)
            for kind in kinds:
                _note(notes, path, kind)
        if not strict or len(result) < _OPAQUE_FROM or result.startswith("⟨redacted "):
            return result
        if len(result) > _LONG_TEXT:
            _note(notes, path, "text")
            return self._scrubber.mark(f"text-{len(value)}", value)
        if _OPAQUE_VALUE.fullmatch(result):
            _note(notes, path, "opaque")
            return self._scrubber.mark("opaque", value)
        return result


def _below(path: str, name: str) -> str:
    return f"{path}.{name[:60]}" if path else name[:60]


# Tuples: a union is made anew each time it is looked at.
_LISTS: Final = (list, tuple, set, frozenset)
_NUMBERS: Final = (int, float)
_BYTES: Final = (bytes, bytearray, memoryview)
_PLAIN: Final = frozenset({int, float, bool, NoneType, orjson.Fragment})


def _note(notes: Notes, path: str, kind: str) -> None:
    """Leave a note, up to a number that a page of a thousand items cannot pass."""
    if len(notes) < _NOTES:
        notes.append({"path": path, "kind": kind})
