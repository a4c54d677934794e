"""What a request is: which method, and in which of the protocol's shapes."""

import re
from dataclasses import dataclass, field

from samples.sandbox.methods import Method, find
from samples.sandbox.wire import Request

EWS_PATH = "/EWS/Exchange.asmx"
_UPLOAD = re.compile(r"/(resumable/)?upload(/.*)")
_SOAP_OPERATION = re.compile(rb"<(?:\w+:)?Body[^>]*>\s*<(?:\w+:)?(\w+)")


@dataclass(frozen=True, slots=True)
class Route:
    """Where a request goes."""

    id: str
    """Method id; ``oauth2.token``, ``batch``, ``ews.CreateItem``; empty when nothing is there."""
    kind: str
    """call | token | batch | part | upload-start | chunk | media | ews"""
    path: str = ""
    """The API path, without an upload prefix."""
    method: Method | None = None
    params: dict[str, str] = field(default_factory=dict)


def identify(request: Request) -> Route:
    """Tell what `request` is, from its request line alone (for EWS from the body, too)."""
    path = request.path
    if path == "/token":
        return Route("oauth2.token", "token")
    if path == "/batch" or path.startswith("/batch/"):
        return Route("batch", "batch")
    if path == EWS_PATH:
        found = _SOAP_OPERATION.search(request.body)
        return Route("ews." + (found[1].decode() if found else "unknown"), "ews")
    upload = _UPLOAD.fullmatch(path)
    kind = "call"
    if upload:
        path = upload[2]
        kind = _upload_kind(request, resumable=bool(upload[1]))
    # the chunks of a session are PUT to the path that was POSTed to
    at = find("POST" if kind == "chunk" else request.method, path)
    if at is None or (upload and not at[0].upload):
        return Route("", kind, path)
    method, params = at
    return Route(method.id, kind, path, method, params)


def _upload_kind(request: Request, *, resumable: bool) -> str:
    if "upload_id" in request.query:
        return "chunk"
    if resumable or request.query.get("uploadType") == ["resumable"]:
        return "upload-start"
    return "media"
