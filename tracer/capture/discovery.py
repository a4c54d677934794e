"""What the installed discovery documents say of a method: its scopes, its path, its parameters."""

import re
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, unquote_plus

import orjson


@dataclass(frozen=True, slots=True)
class Method:
    """Facts of one API method. `scopes` is a JSON list of alternatives: any of them is enough."""

    http_method: str
    scopes: orjson.Fragment | None
    path: re.Pattern[str] | None
    """Finds the parameters in a URL's path, when a look at its last segments does not."""
    segments: tuple[tuple[str, str], ...] = ()
    """The path's segments, each as (literal, "") or ("", parameter); empty if one is both, or if
    there are no parameters."""


_UNKNOWN: Final = Method("", None, None)
_VARIABLE: Final = re.compile(r"\{\+?([\w.]+)\}")


@lru_cache(maxsize=1024)
def method(method_id: str) -> Method:
    """Return the facts of `method_id`; empty ones when no document has it."""
    return next(
        (found for document in _documents(method_id.partition(".")[0])
         if (found := document.get(method_id)) is not None),
        _UNKNOWN,
    )  # fmt: skip


def parameters(method_id: str, url: str) -> dict[str, Any]:
    """Return the parameters that a URL of `method_id` carries by name; repeated ones as lists."""
    place, _, query = url.partition("?")
    found: dict[str, Any] = {}
    facts = method(method_id)
    if facts.segments:
        _take_segments(facts.segments, place, found)
    elif facts.path is not None and (match := facts.path.search(place)) is not None:
        found.update((_name(key), unquote(value)) for key, value in match.groupdict().items())
    for pair in query.split("&") if query else ():
        if pair == "alt=json":
            continue  # the client adds it to every request
        key, value = _key_and_value(pair)
        before = found.get(key)
        if before is None:
            found[key] = value
        else:
            found[key] = [*before, value] if isinstance(before, list) else [before, value]
    return found


@lru_cache(maxsize=1024)
def _key_and_value(pair: str) -> tuple[str, str]:
    key, _, value = pair.partition("=")
    return key, unquote_plus(value) if "%" in value or "+" in value else value


def _take_segments(
    segments: tuple[tuple[str, str], ...], place: str, found: dict[str, Any]
) -> None:
    texts = place.rsplit("/", len(segments))[1:]
    if len(texts) != len(segments):
        return
    for (literal, name), text in zip(segments, texts, strict=True):
        if name:
            found[name] = unquote(text) if "%" in text else text
        elif literal != text:
            found.clear()
            return


@lru_cache(maxsize=32)
def _documents(service: str) -> list[dict[str, Method]]:
    """Return the methods of each document that may describe `service`, the latest version first."""
    spec = find_spec("googleapiclient")
    if spec is None or spec.origin is None or not service.isidentifier():
        return []
    folder = Path(spec.origin).parent / "discovery_cache" / "documents"
    files = [*folder.glob(f"{service}.*.json"), *folder.glob(f"admin.{service}_*.json")]
    return [_methods(file) for file in sorted(files, reverse=True)]


def _methods(file: Path) -> dict[str, Method]:
    try:
        document = orjson.loads(file.read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return {}
    return dict(_walk(document)) if isinstance(document, dict) else {}


def _walk(resource: dict[str, Any]) -> list[tuple[str, Method]]:
    found = []
    for each in resource.get("methods", {}).values():
        template = each.get("flatPath") if "{+" not in each.get("path", "") else each["path"]
        found.append(
            (
                each["id"],
                Method(
                    each.get("httpMethod", ""),
                    orjson.Fragment(orjson.dumps(each.get("scopes", []))),
                    _pattern(template or each.get("path", "")),
                    _segments(template or each.get("path", "")),
                ),
            )
        )
    for inner in resource.get("resources", {}).values():
        found += _walk(inner)
    return found


def _pattern(template: str) -> re.Pattern[str] | None:
    """Return what finds the parameters in a URL's path; None when there are none."""
    parts = _VARIABLE.split(template)
    if len(parts) == 1:
        return None
    text = ""
    for number, part in enumerate(parts):
        if number % 2 == 0:
            text += re.escape(part)
        else:
            reserved = "{+" + part in template
            text += f"(?P<{part.replace('.', '__')}>{'.+' if reserved else '[^/]+'})"
    return re.compile(f"(?:^|/){text}$")


def _segments(template: str) -> tuple[tuple[str, str], ...]:
    found = []
    for part in template.split("/"):
        match = _VARIABLE.fullmatch(part)
        if "{+" in part or ("{" in part and match is None):
            return ()
        found.append(("", match[1]) if match else (part, ""))
    return tuple(found) if "{" in template else ()


def _name(group: str) -> str:
    return group.replace("__", ".")
