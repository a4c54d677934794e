"""Bodies: which reader fits, and what is kept."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson

from tracer.capture.redact.notes import Notes

if TYPE_CHECKING:
    from tracer.capture.redact.redactor import Redactor

KEPT_TEXT: Final = 65_536


@dataclass(frozen=True, slots=True)
class Source:
    """A body as it travelled, and what is known about it."""

    content: bytes | str | None
    type: str
    method_id: str | None
    direction: str
    url: str
    encoding: str
    size: int | None
    stream: bool


def body(redactor: "Redactor", source: Source, notes: Notes, path: str) -> dict[str, Any]:
    """Return the BODY of FORMAT.md."""
    content = source.content
    if content is None or source.stream:
        result: dict[str, Any] = {"size": source.size or 0, "type": source.type, "kept": "none"}
        if source.stream:
            result["stream"] = True
            result["size"] = source.size
        return result
    raw = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else bytes(content)
    result = {"size": len(raw), "type": source.type}
    if redactor.level in {"none", "headers"}:
        return {**result, "kept": "none"}
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return {**result, "digest": redactor.tag(raw), "kept": "digest"}
    return {**result, "json": redactor.walker.content(value, notes, path), "kept": "walk"}
