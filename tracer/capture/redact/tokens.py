"""JSON Web Tokens and the token endpoint."""

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

import orjson

from tracer.capture.redact.mail import decode_loosely
from tracer.capture.redact.names import OPAQUE, SECRET_IN_QUERY, fold, secret_kind
from tracer.capture.redact.notes import Notes

if TYPE_CHECKING:
    from tracer.capture.redact.redactor import Redactor

_HEADER: Final = frozenset({"alg", "typ", "kid", "cty"})
_CLAIMS: Final = frozenset(
    {"iss", "sub", "aud", "scope", "iat", "exp", "nbf", "azp", "prn", "scp", "target_audience",
     "appid", "tid", "roles", "hd", "email"}
)  # fmt: skip
_FIELDS: Final = 1000


def jwt(redactor: "Redactor", token: str, notes: Notes, path: str) -> dict[str, Any] | None:
    """Return ``{"jwt": {"header", "claims"}}``: readable, and of no use without its signature."""
    pieces = token.split(".")
    if len(pieces) != 3:
        return None
    try:
        header, claims = (orjson.loads(decode_loosely(piece) or b"") for piece in pieces[:2])
    except orjson.JSONDecodeError:
        return None
    if not isinstance(header, dict) or not isinstance(claims, dict):
        return None
    notes.append({"path": path, "kind": "signature"})
    return {
        "jwt": {
            "header": _only(redactor, header, _HEADER, notes, f"{path}.jwt.header"),
            "claims": _only(redactor, claims, _CLAIMS, notes, f"{path}.jwt.claims"),
        }
    }


def _only(
    redactor: "Redactor", value: dict[str, Any], names: frozenset[str], notes: Notes, path: str
) -> dict[str, Any]:
    kept = {name: item for name, item in value.items() if name in names}
    return redactor.walker.facts(kept, notes, path)


def form(redactor: "Redactor", text: str, notes: Notes, path: str) -> dict[str, Any]:
    """Return the fields of a form; assertions are decoded, credentials replaced."""
    fields: dict[str, Any] = {}
    for name, value in parse_qsl(text, keep_blank_values=True, max_num_fields=_FIELDS):
        key = redactor.text(name, notes, path)
        fields[key] = _field(redactor, name, value, notes, f"{path}.{key[:60]}")
    return fields


def _field(redactor: "Redactor", name: str, value: str, notes: Notes, path: str) -> Any:
    folded = fold(name)
    kind = secret_kind(folded) or OPAQUE.get(folded) or SECRET_IN_QUERY.get(folded)
    if kind == "jwt" and (decoded := jwt(redactor, value, notes, path)):
        return decoded
    if kind:
        notes.append({"path": path, "kind": kind})
        return redactor.scrubber.mark(kind, value)
    kept = redactor.walker.content({"": value}, notes, path)
    return kept[""]
