"""Headers, of requests, responses and the parts of a batch alike."""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from tracer.capture.redact.notes import Notes
from tracer.capture.redact.patterns import Scrubber
from tracer.capture.redact.urls import scrub_url

_CREDENTIALS: Final = frozenset({"authorization", "proxy-authorization"})
_SECRET: Final[dict[str, str]] = {
    "cookie": "cookie",
    "set-cookie": "cookie",
    "set-cookie2": "cookie",
    "x-goog-api-key": "api-key",
    "x-goog-iam-authorization-token": "token",
    "x-goog-iam-authority-selector": "token",
    "x-guploader-uploadid": "upload-id",
    "x-backendcookie": "cookie",
}
_URLS: Final = frozenset(
    {"location", "content-location", "link", "referer", "refresh", "x-goog-upload-url",
     "x-goog-upload-control-url", "x-goog-upload-chunk-url"}
)  # fmt: skip
_SECRET_WORD: Final = re.compile(
    r"token|secret|api-?key|password|passwd|session|signature|credential|csrf|xsrf|cookie|"
    r"authorization|auth-key|auth-data"
)
_PLAIN: Final = re.compile(r"[\w ,:;/.+*-]{0,15}|[\w ,:+-]{0,40}")
_EXPIRED_COOKIES: Final = frozenset(
    {"access-control-expose-headers", "access-control-allow-headers"}
)


def scrub_headers(
    scrubber: Scrubber,
    headers: Iterable[tuple[str, str]] | Mapping[str, str],
    notes: Notes,
    path: str,
) -> dict[str, str]:
    """Return lower-case names with scrubbed values."""
    result: dict[str, str] = {}
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    for name, value in pairs:
        key = _text(name).lower()
        kept = _value(scrubber, key, _text(value), notes, path)
        result[key] = f"{result[key]}, {kept}" if key in result else kept
    return result


def _text(value: object) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _value(scrubber: Scrubber, name: str, value: str, notes: Notes, path: str) -> str:
    if name in _CREDENTIALS:
        return credentials(scrubber, value, notes, f"{path}.{name}")
    kind = _SECRET.get(name)
    if kind is None and name not in _EXPIRED_COOKIES and _SECRET_WORD.search(name):
        kind = "secret"
    if kind:
        notes.append({"path": f"{path}.{name}", "kind": kind})
        return scrubber.mark(kind, value)
    if name in _URLS:
        return scrub_url(scrubber, value, notes, f"{path}.{name}")
    kinds: list[str] = []
    result = scrubber.scrub(value, kinds)
    notes += [{"path": f"{path}.{name}", "kind": found} for found in kinds]
    return result


def credentials(scrubber: Scrubber, value: str, notes: Notes, path: str) -> str:
    """Return an Authorization value: the scheme stays, the rest becomes a tag."""
    scheme, _, secret = value.strip().partition(" ")
    kind = "token" if scheme.lower() in {"bearer", "oauth"} else "credentials"
    notes.append({"path": path, "kind": kind})
    if not secret:
        return scrubber.mark("credentials", scheme)
    return f"{scheme} {scrubber.mark(kind, secret.strip())}"
