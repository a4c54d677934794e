"""Requests for tokens, and what tokens say of themselves."""

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qs

import orjson

_TOKEN_PLACES: Final = re.compile(
    r"^[^/]*//(?:oauth2\.googleapis\.com|accounts\.google\.com|sts\.googleapis\.com)/.*token"
    r"|:generate(?:Access|Id)Token$"
)


def is_token_request(method: str, url: str, headers: Mapping[str, str], body: Any) -> bool:
    """Tell a request for a token from the others, by its form or by its place."""
    if method != "POST":
        return False
    kind = text(headers.get("content-type") or "")
    if kind.startswith("application/x-www-form-urlencoded"):
        if isinstance(body, bytes):
            return b"grant_type=" in body
        if isinstance(body, str):
            return "grant_type=" in body
    return _TOKEN_PLACES.search(url.partition("?")[0]) is not None


def bearer(authorization: object) -> str:
    """Return the bearer token in the value of a request's header; empty when there is none."""
    scheme, _, token = text(authorization or "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def text(value: object) -> str:
    """Return a header value, which some transports hold as bytes, as text."""
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def claims_of(jwt: str) -> dict[str, Any]:
    """Return the claims of a JWT; empty when it is none."""
    parts = jwt.split(".")
    if len(parts) != 3:
        return {}
    try:
        found = orjson.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (binascii.Error, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def asked_for(body: Any) -> tuple[str, tuple[str, ...]]:
    """Return the subject and the scopes that a token request asks for."""
    if not isinstance(body, bytes | bytearray | str) or not body:
        return "", ()
    form = parse_qs(text(bytes(body) if isinstance(body, bytearray) else body)[:65_536])
    claims = claims_of(form.get("assertion", [""])[0])
    scopes = str(claims.get("scope") or form.get("scope", [""])[0]).split()
    return str(claims.get("sub") or claims.get("iss") or ""), tuple(scopes)
