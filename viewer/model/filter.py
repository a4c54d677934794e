"""The filter language, which the interface (``f``) and the command line (``--filter``) share.

Tests, side by side or joined by ``and``; ``or`` binds less, ``not`` more, ``( )`` groups::

    status>=400 method:gmail.users.*
    topic:auth,gmail (retry>1 or ms>2s) not host:oauth2.googleapis.com
    account:dupond since:10:02:30 "délai dépassé"

=========== ===================== ==================================================================
``status``  ``= != < <= > >=``    HTTP status, SMTP reply, LDAP result, HRESULT; ``status:none``
``ms``      ``= != < <= > >=``    how long it took: ``150``, ``2s``, ``1.5m``
``retry``   ``= != < <= > >=``    tries: a call's number of them, an exchange's own number
``topic``   ``: !=``              ``auth``, ``gmail``, …; several with commas
``kind``    ``: !=``              ``operation``, ``call``, ``exchange``, ``step``, ``gap``, …
``name``    ``: !=``              the name of the event; ``*`` and ``?`` stand for anything
``method``  ``: !=``              the method id of a call, and the exchanges of such calls
``host``    ``: !=``              the host of an exchange
``url``     ``: !=``              the address of an exchange; a part of it is enough
``account`` ``: !=``              the Google account it names; a part of it is enough
``via``     ``: !=``              which rule granted the account: ``configured env user account``
``finding`` ``: !=``              the evidence of findings of this rule
``id``      ``: !=``              the event's id; its first digits are enough
``op``      ``: !=``              the operation it belongs to; its first digits are enough
``pid``     ``: !=``              the process
``file``    ``: !=``              the file, when several are open
``since``   ``:``                 from then on: ``10:02:30``, an ISO time, ``+90s`` after the first
``until``   ``:``                 up to this moment
``is``      ``: !=``              ``error``, ``unanswered``, ``retry``, ``marked``
``"text"``                        the line holds this text; a capital in it makes case count
=========== ===================== ==================================================================

Words are compared without regard to case. A word alone is a text. Quote what holds spaces or signs.
"""

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

NUMBERS: Final = ("status", "ms", "retry")
WORDS: Final = (
    "topic", "kind", "name", "method", "host", "url", "account", "via", "finding", "id", "op",
    "pid", "file", "is",
)  # fmt: skip
TIMES: Final = ("since", "until")
FIELDS: Final = (*NUMBERS, *WORDS, *TIMES)
IS: Final = ("error", "unanswered", "retry", "marked")

_TOKEN: Final = re.compile(
    r"""\s*(?:
        (?P<paren>[()])
      | (?P<field>[A-Za-z]+)(?P<op>:|!=|>=|<=|=|>|<)(?P<value>"(?:[^"\\]|\\.)*"?|[^\s()"]*)
      | (?P<quoted>"(?:[^"\\]|\\.)*"?)
      | (?P<word>[^\s()"]+)
    )""",
    re.VERBOSE | re.DOTALL,
)
_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)(us|ms|s|m|h)?\Z")
_UNITS: Final = {"us": 0.001, "ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, None: 1}
_DEPTH: Final = 60


class FilterError(ValueError):
    """A filter that cannot be read. `code` names the text ``filter.CODE`` of the catalogue."""

    def __init__(self, code: str, at: int, size: int = 1, **args: str) -> None:
        super().__init__(f"{code} at {at + 1}" + "".join(f" {v}" for v in args.values()))
        self.code = code
        self.at = at
        """Where, counted from 0."""
        self.size = size
        self.args_of_text = args


@dataclass(frozen=True, slots=True)
class Test:
    """One comparison; the field ``text`` is a text anywhere in the line."""

    field: str
    op: str
    value: str

    def __str__(self) -> str:
        value = self.value
        if self.field == "text" or not value or re.search(r'[\s()"\\]', value):
            value = '"' + re.sub(r'(["\\])', r"\\\1", value) + '"'
        return value if self.field == "text" else f"{self.field}{self.op}{value}"


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite."""

    part: "Node"

    def __str__(self) -> str:
        return f"not {_grouped(self.part)}"


@dataclass(frozen=True, slots=True)
class All:
    """Every part holds; without parts: always."""

    parts: tuple["Node", ...]

    def __str__(self) -> str:
        return " ".join(_grouped(p) if isinstance(p, Any_ | All) else str(p) for p in self.parts)


@dataclass(frozen=True, slots=True)
class Any_:  # noqa: N801 - `Any` is taken
    """One of the parts holds."""

    parts: tuple["Node", ...]

    def __str__(self) -> str:
        return " or ".join(_grouped(p) if isinstance(p, Any_) else str(p) for p in self.parts)


Node = Test | Not | All | Any_


def _grouped(node: Node) -> str:
    return str(node) if isinstance(node, Test) else f"({node})"


def parse(text: str) -> Node:
    """Return what `text` says; ``str()`` of it is the same filter, written plainly.

    Raises:
        FilterError: it cannot be read; says what and where.
    """
    parser = _Parser(_tokens(text), len(text))
    if not parser.more():
        return All(())
    node = parser.either(0)
    if parser.more():
        raise FilterError("unopened", parser.at())
    return node


def to_flags(node: Node) -> str:
    """Return the words that give the command line this filter, quoted for a POSIX shell."""
    return f"--filter {shlex.quote(str(node))}" if str(node) else ""


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    """``( ) and or not test``."""
    at: int
    test: Test | None = None


def _tokens(text: str) -> list[_Token]:
    tokens = []
    at = 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if match is None:
            raise FilterError("unreadable", at)
        begin = match.start(match.lastgroup or 0)
        tokens.append(_token(match, begin if not match["field"] else match.start("field")))
        at = match.end()
    return tokens


def _token(match: re.Match[str], at: int) -> _Token:
    if match["paren"]:
        return _Token(match["paren"], at)
    if match["field"]:
        value = _unquoted(match["value"], match.start("value"))
        return _Token("test", at, _checked(match["field"].lower(), match["op"], value, match))
    if match["quoted"]:
        return _Token("test", at, Test("text", ":", _unquoted(match["quoted"], at)))
    word = match["word"]
    if word.lower() in {"and", "or", "not"}:
        return _Token(word.lower(), at)
    return _Token("test", at, Test("text", ":", word))


def _unquoted(value: str, at: int) -> str:
    if not value.startswith('"'):
        return value
    if len(value) < 2 or not value.endswith('"') or re.fullmatch(r'"(?:[^"\\]|\\.)*', value):
        raise FilterError("unclosed-quote", at)
    return re.sub(r"\\(.)", r"\1", value[1:-1], flags=re.DOTALL)


def _checked(field: str, op: str, value: str, match: re.Match[str]) -> Test:
    at, end = match.start("field"), match.end("value")
    if field not in FIELDS:
        raise FilterError("unknown-field", at, len(field), field=field)
    allowed = {":", "="} if field in TIMES else {":", "=", "!="}
    if field in NUMBERS:
        allowed |= {"<", "<=", ">", ">="}
    if op not in allowed:
        raise FilterError("wrong-sign", match.start("op"), len(op), field=field, op=op)
    if not value:
        raise FilterError("no-value", end, 1, field=field)
    fine = _CHECKS.get(field, bool)(value)
    if not fine:
        raise FilterError(f"bad-{field}", match.start("value"), len(value), value=value)
    return Test(field, ":" if op == "=" else op, value)


def milliseconds(text: str) -> float | None:
    """Return a duration (``150``, ``2s``, ``1.5m``) in milliseconds, None if it is none."""
    match = _DURATION.match(text.lower())
    return float(match[1]) * _UNITS[match[2]] if match else None


def _is_status(text: str) -> bool:
    return text.isdecimal() or text == "none" or bool(re.fullmatch(r"[1-5]xx|0x[0-9a-fA-F]+", text))


def _is_time(text: str) -> bool:
    if text.startswith("+"):
        return milliseconds(text[1:]) is not None
    return bool(re.match(r"(\d{4}-\d\d-\d\d([T ]\d\d:\d\d.*)?|\d\d?:\d\d(:\d\d(\.\d+)?)?)\Z", text))


_CHECKS: Final[dict[str, Callable[[str], bool]]] = {
    "status": _is_status,
    "ms": lambda text: milliseconds(text) is not None,
    "retry": str.isdecimal,
    "pid": str.isdecimal,
    "is": lambda text: text.lower() in IS,
    "since": _is_time,
    "until": _is_time,
    "id": lambda text: bool(re.fullmatch("[0-9a-fA-F]{1,16}", text)),
    "op": lambda text: bool(re.fullmatch("[0-9a-fA-F]{1,16}", text)),
}


class _Parser:
    def __init__(self, tokens: list[_Token], end: int) -> None:
        self._tokens = tokens
        self._end = end
        self._n = 0

    def more(self) -> bool:
        return self._n < len(self._tokens)

    def at(self) -> int:
        return self._tokens[self._n].at if self.more() else self._end

    def _kind(self) -> str:
        return self._tokens[self._n].kind if self.more() else ""

    def either(self, depth: int) -> Node:
        parts = [self._every(depth)]
        while self._kind() == "or":
            self._n += 1
            parts.append(self._every(depth))
        return parts[0] if len(parts) == 1 else Any_(tuple(parts))

    def _every(self, depth: int) -> Node:
        parts = [self._one(depth)]
        while self._kind() in {"and", "not", "(", "test"}:
            if self._kind() == "and":
                self._n += 1
            parts.append(self._one(depth))
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def _one(self, depth: int) -> Node:
        if depth > _DEPTH:
            raise FilterError("too-deep", self.at())
        if not self.more():
            raise FilterError("unfinished", self._end)
        token = self._tokens[self._n]
        self._n += 1
        if token.test is not None:
            return token.test
        if token.kind == "not":
            return Not(self._one(depth + 1))
        if token.kind == "(":
            node = self.either(depth + 1)
            if self._kind() != ")":
                raise FilterError("unclosed", token.at)
            self._n += 1
            return node
        raise FilterError("misplaced", token.at, len(token.kind), word=token.kind)
