"""URLs: what is in the query, the user part, the path and the fragment."""

from functools import lru_cache
from typing import Final
from urllib.parse import unquote_plus

from tracer.capture.redact.names import OPAQUE, SECRET_IN_QUERY, fold, secret_kind
from tracer.capture.redact.notes import Notes
from tracer.capture.redact.patterns import Scrubber

_LONGEST: Final = 16_384


def scrub_url(scrubber: Scrubber, url: str, notes: Notes, path: str) -> str:
    """Return `url` with secrets replaced and everything else unchanged."""
    url, _, fragment = url[:_LONGEST].partition("#")
    place, mark, query = url.partition("?")
    result = _scrub(scrubber, place, notes, path)
    if mark:
        result += "?" + _query(scrubber, query, notes, path)
    if fragment:
        result += "#" + _query(scrubber, fragment, notes, path)
    return result


def _query(scrubber: Scrubber, query: str, notes: Notes, path: str) -> str:
    return "&".join(_pair(scrubber, pair, notes, path) for pair in query.split("&"))


def _pair(scrubber: Scrubber, pair: str, notes: Notes, path: str) -> str:
    name, mark, value = pair.partition("=")
    if not mark or not value:
        return _scrub(scrubber, pair, notes, path)
    kind = _kind(name)
    if kind:
        notes.append({"path": f"{path}.{name[:60]}", "kind": kind})
        plain = unquote_plus(value) if "%" in value or "+" in value else value
        return f"{name}={scrubber.mark(kind, plain)}"
    return f"{_scrub(scrubber, name, notes, path)}={_scrub(scrubber, value, notes, path)}"


@lru_cache(maxsize=256)
def _kind(name: str) -> str | None:
    """Return the kind of what is filed under `name` in a query, if it is a secret."""
    folded = fold(unquote_plus(name))
    return secret_kind(folded) or OPAQUE.get(folded) or SECRET_IN_QUERY.get(folded)


def _scrub(scrubber: Scrubber, text: str, notes: Notes, path: str) -> str:
    kinds: list[str] = []
    result = scrubber.scrub(text, kinds)
    notes += [{"path": path, "kind": kind} for kind in kinds]
    return result
