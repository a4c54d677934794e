"""Every method of the APIs played here, with path, verb and accepted scopes.

Google's static discovery documents come with google-api-python-client, so nothing is copied and
*every* method has its scopes, also those that no handler plays.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import unquote

import orjson
from googleapiclient.discovery_cache import get_static_doc

from samples.sandbox.wire import Json

APIS: dict[str, str] = {
    "admin": "directory_v1",
    "gmail": "v1",
    "people": "v1",
    "calendar": "v3",
    "tasks": "v1",
}
"""name -> version, as ``googleapiclient.discovery.build`` takes them."""


@dataclass(frozen=True, slots=True)
class Method:
    """One method of an API."""

    id: str
    """``gmail.users.messages.send``; the Directory's begin with ``directory.``."""
    verb: str
    pattern: re.Pattern[str]
    scopes: frozenset[str]
    ordered_scopes: tuple[str, ...]
    service: str
    """``gmail.googleapis.com``."""
    title: str
    """``Gmail API``."""
    upload: bool
    body: Json | None
    """The schema of the request body."""
    schemas: Json
    """The schemas of the API, by name."""


def document(name: str, version: str) -> Json:
    """Return a fresh copy of the static discovery document."""
    text = get_static_doc(name, version)  # type: ignore[no-untyped-call] # the stubs lack it
    if text is None:
        raise KeyError(f"google-api-python-client has no document for {name} {version}")
    parsed: Json = orjson.loads(text)
    return parsed


def find(verb: str, path: str) -> tuple[Method, dict[str, str]] | None:
    """Return the method at `path` and its decoded path parameters."""
    for method in _table().get((verb, path.count("/")), ()):
        found = method.pattern.fullmatch(path)
        if found:
            return method, {name: unquote(text) for name, text in found.groupdict().items()}
    return None


def fits(value: Any, schema: Json, schemas: Json) -> bool:
    """Tell whether `value` has the shape of `schema`: objects, lists and plain values in place."""
    schema = schemas[schema["$ref"]] if "$ref" in schema else schema
    kind = schema.get("type")
    if value is None or kind == "any":
        return True
    if kind == "object":
        if not isinstance(value, dict):
            return False
        known, other = schema.get("properties", {}), schema.get("additionalProperties", _ANY)
        return all(fits(held, known.get(name, other), schemas) for name, held in value.items())
    if kind == "array":
        return isinstance(value, list) and all(fits(o, schema["items"], schemas) for o in value)
    return not isinstance(value, dict | list)


_ANY: Json = {"type": "any"}


@cache
def _table() -> dict[tuple[str, int], list[Method]]:
    """Methods by verb and number of slashes; literal paths before those with parameters."""
    table: dict[tuple[str, int], list[Method]] = {}
    for name, version in APIS.items():
        doc = document(name, version)
        for entry in _walk(doc):
            method = _method(doc, entry)
            slashes = method.pattern.pattern.replace(_SEGMENT, "").count("/")
            table.setdefault((method.verb, slashes), []).append(method)
    for methods in table.values():
        methods.sort(key=lambda method: (method.pattern.groups, -len(method.pattern.pattern)))
    return table


_SEGMENT = "[^/]+"


def _walk(node: Json) -> Iterator[Json]:
    yield from node.get("methods", {}).values()
    for resource in node.get("resources", {}).values():
        yield from _walk(resource)


def _method(doc: Json, entry: Json) -> Method:
    scopes = tuple(entry.get("scopes", ()))
    host = doc["rootUrl"].removeprefix("https://").rstrip("/")
    calendar = doc["name"] == "calendar"
    return Method(
        id=entry["id"],
        verb=entry["httpMethod"],
        pattern=re.compile(_regex("/" + doc["servicePath"] + entry["path"], entry)),
        scopes=frozenset(scopes),
        ordered_scopes=scopes,
        service="calendar-json.googleapis.com" if calendar else host,
        title="Google " + doc["title"] if calendar else doc["title"],
        upload="mediaUpload" in entry,
        body=entry.get("request"),
        schemas=doc.get("schemas", {}),
    )


def _regex(path: str, entry: Json) -> str:
    """Turn a URI template into a regular expression."""

    def parameter(found: re.Match[str]) -> str:
        reserved, name = found.groups()
        pattern = entry["parameters"][name].get("pattern") if reserved else None
        return f"(?P<{name}>{pattern.strip('^$') if pattern else _SEGMENT})"

    parts = re.split(r"(\{\+?\w+\})", path)
    return "".join(
        parameter(found) if (found := re.fullmatch(r"\{(\+?)(\w+)\}", part)) else re.escape(part)
        for part in parts
    )
