"""HAR 1.2 as a JSON Schema, from the specification (http://www.softwareishard.com/blog/har-12-spec/)."""

from typing import Any, Final

_TEXT: Final = {"type": "string"}
_NUMBER: Final = {"type": "number", "minimum": -1}
_PAIRS: Final = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["name", "value"],
        "properties": {"name": _TEXT, "value": _TEXT},
    },
}  # fmt: skip


def _object(required: dict[str, Any], **optional: Any) -> dict[str, Any]:
    """Return a closed object: a key outside of the specification begins with an underscore."""
    return {
        "type": "object",
        "required": sorted(required),
        "properties": {**required, **optional, "comment": _TEXT},
        "patternProperties": {"^_": {}},
        "additionalProperties": False,
    }


_COOKIES: Final = {"type": "array", "items": _object({"name": _TEXT, "value": _TEXT})}
_REQUEST: Final = _object(
    {
        "method": _TEXT, "url": {"type": "string", "pattern": "^https?://"}, "httpVersion": _TEXT,
        "cookies": _COOKIES, "headers": _PAIRS, "queryString": _PAIRS, "headersSize": _NUMBER,
        "bodySize": _NUMBER,
    },
    postData=_object({"mimeType": _TEXT, "text": _TEXT}, params=_PAIRS),
)  # fmt: skip
_RESPONSE: Final = _object(
    {
        "status": {"type": "integer"}, "statusText": _TEXT, "httpVersion": _TEXT,
        "cookies": _COOKIES, "headers": _PAIRS, "redirectURL": _TEXT, "headersSize": _NUMBER,
        "bodySize": _NUMBER,
        "content": _object(
            {"size": {"type": "integer", "minimum": 0}, "mimeType": _TEXT},
            text=_TEXT, encoding=_TEXT, compression=_NUMBER,
        ),
    }
)  # fmt: skip
_TIMINGS: Final = _object(
    {name: {"type": "number", "minimum": 0} for name in ("send", "wait", "receive")},
    blocked=_NUMBER, dns=_NUMBER, connect=_NUMBER, ssl=_NUMBER,
)  # fmt: skip
_ENTRY: Final = _object(
    {
        "startedDateTime": {
            "type": "string",
            "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+(Z|[+-]\d\d:\d\d)$",
        },
        "time": {"type": "number", "minimum": 0}, "request": _REQUEST, "response": _RESPONSE,
        "cache": _object({}), "timings": _TIMINGS,
    },
    pageref=_TEXT, serverIPAddress=_TEXT, connection=_TEXT,
)  # fmt: skip
HAR: Final = _object(
    {
        "log": _object(
            {
                "version": {"const": "1.2"},
                "creator": _object({"name": _TEXT, "version": _TEXT}),
                "entries": {"type": "array", "items": _ENTRY},
            },
            browser=_object({"name": _TEXT, "version": _TEXT}),
            pages={"type": "array"},
        )
    }
)
