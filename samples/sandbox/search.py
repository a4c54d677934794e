"""The Directory's query language: clauses of ``field=value`` and ``field:value``, all must hold."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from samples.sandbox.errors import Refused
from samples.sandbox.wire import Json
from samples.sandbox.world import User, World

_CLAUSE = re.compile(
    r"\s*(?P<field>[A-Za-z_][\w\-]*(?:\.[\w\-]+)?)\s*(?P<operator>[=:])\s*"
    r"(?:'(?P<quoted>(?:[^'\\]|\\.)*)'|(?P<bare>[^\s'\"]+))(?=\s|$)"
)
_WORDS = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Clause:
    """One condition."""

    field: str
    operator: str
    """``=`` the whole value, ``:`` its words in this order."""
    value: str
    prefix: bool = False
    """The value ended in ``*``; custom attributes do not know that."""


def parse(query: str) -> list[Clause]:
    """Take a query apart.

    Raises:
        Refused: 400 "Invalid Input: query" when it is malformed, for example a quote too many.
    """
    clauses: list[Clause] = []
    at = 0
    text = query.rstrip()
    while at < len(text):
        found = _CLAUSE.match(text, at)
        if found is None:
            raise Refused("bad-query")
        clauses.append(_clause(found))
        at = found.end()
    return clauses


def _clause(found: re.Match[str]) -> Clause:
    name, operator = found["field"], found["operator"]
    if found["quoted"] is not None:
        return Clause(name, operator, re.sub(r"\\(.)", r"\1", found["quoted"]))
    bare = found["bare"]
    prefix = bare.endswith("*")
    return Clause(name, operator, bare.rstrip("*"), prefix)


def matcher(world: World, query: str) -> Callable[[User], bool]:
    """Return what tells whether a user satisfies `query`.

    A field that no schema has, or that is not indexed, matches nobody: no error says so.
    """
    tests = [_test(world, clause) for clause in parse(query)]
    return lambda user: all(test(user) for test in tests)


def _test(world: World, clause: Clause) -> Callable[[User], bool]:
    if "." in clause.field:
        return _custom(world, clause)
    values = _BUILT_IN.get(clause.field)
    if values is None:
        raise Refused("bad-query")
    wanted = clause.value.lower()

    def holds(user: User) -> bool:
        return any(_compare(clause, wanted, text.lower()) for text in values(user))

    return holds


def _custom(world: World, clause: Clause) -> Callable[[User], bool]:
    schema, _, name = clause.field.partition(".")
    spec = _specification(world, schema, name)
    if spec is None or not spec["indexed"] or clause.prefix:
        return lambda user: False
    fold = str.lower if world.search_ignores_case else str
    wanted = fold(clause.value)

    def holds(user: User) -> bool:
        if user.primary in world.not_yet_searchable:
            return False
        value = user.custom.get(schema, {}).get(name)
        if value is None:
            return False
        entries = value if isinstance(value, list) else [{"value": value}]
        return any(_compare(clause, wanted, fold(str(entry["value"]))) for entry in entries)

    return holds


def _specification(world: World, schema: str, name: str) -> Json | None:
    fields: list[Json] = world.schemas.get(schema, {}).get("fields", [])
    return next((spec for spec in fields if spec["fieldName"] == name), None)


def _compare(clause: Clause, wanted: str, text: str) -> bool:
    if clause.prefix:
        return text.startswith(wanted)
    if clause.operator == "=":
        return text == wanted
    words, sought = _WORDS.findall(text), _WORDS.findall(wanted)
    size = len(sought)
    return any(words[at : at + size] == sought for at in range(len(words) - size + 1))


def _addresses(user: User) -> Iterator[str]:
    yield from user.addresses


_BUILT_IN: dict[str, Callable[[User], Iterator[str]]] = {
    "email": _addresses,
    "name": lambda user: iter((user.name,)),
    "givenName": lambda user: iter((user.given,)),
    "familyName": lambda user: iter((user.family,)),
    "isSuspended": lambda user: iter((str(user.suspended),)),
    "isAdmin": lambda user: iter((str(user.admin),)),
    "orgUnitPath": lambda user: iter(("/",)),
}
