"""Batches: many calls in one ``multipart/mixed`` post, each answered with its own status."""

import re
import secrets
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from http.client import responses

from samples.sandbox import multipart
from samples.sandbox.errors import Refused
from samples.sandbox.routes import Route, identify
from samples.sandbox.wire import Reply, Request, Seen

LIMIT = 100


def answer(request: Request, process: Callable[[Request, Route], Reply]) -> Reply:
    """Process each part and answer 200, whatever became of the parts.

    Raises:
        Refused: 400 when there are no parts, or more than 100.
    """
    parts = multipart.split(request.body, request.headers.get("content-type", ""))
    if not parts:
        raise Refused("bad-request")
    if len(parts) > LIMIT:
        raise Refused("batch-size", count=len(parts))
    boundary = "batch_" + secrets.token_urlsafe(20)
    chunks: list[bytes] = []
    seen: list[Seen] = []
    for headers, content in parts:
        inner = _inner(content, request)
        size, digest = len(inner.body), sha256(inner.body).hexdigest()
        route = replace(identify(inner), kind="part")
        reply = process(inner, route)
        chunks.append(_part(headers.get("content-id", ""), reply))
        path, _, query = inner.target.partition("?")
        seen.append(
            Seen(
                0,
                inner.method,
                path,
                query,
                route.id,
                "part",
                reply.status,
                size,
                digest,
                0,
                reply.subject,
                reply.faults,
            )
        )
    body = b"".join(b"--" + boundary.encode() + b"\r\n" + chunk for chunk in chunks)
    body += b"--" + boundary.encode() + b"--\r\n"
    kind = {"Content-Type": f"multipart/mixed; boundary={boundary}"}
    return Reply(200, body, kind, parts=tuple(seen))


def _inner(content: bytes, outer: Request) -> Request:
    found = re.match(rb"\s*([A-Z]+) (\S+)[^\r\n]*\r?\n", content)
    if found is None:
        raise Refused("bad-request")
    headers, body = multipart.headers_and_content(content[found.end() :])
    if "authorization" in outer.headers:
        headers.setdefault("authorization", outer.headers["authorization"])
    verb, target = (text.decode("ascii", "replace") for text in found.groups())
    target = re.sub(r"^https?://[^/]+", "", target)
    return Request(verb, target, headers, body.strip(), outer.origin, outer.shift)


def _part(content_id: str, reply: Reply) -> bytes:
    name = content_id.strip("<>")
    reason = reply.reason or responses.get(reply.status, "")
    lines = [
        "Content-Type: application/http",
        f"Content-ID: <response-{name}>",
        "",
        f"HTTP/1.1 {reply.status} {reason}",
        *(f"{key}: {value}" for key, value in reply.headers.items()),
        f"Content-Length: {len(reply.body)}",
        "",
        "",
    ]
    return "\r\n".join(lines).encode() + reply.body + b"\r\n"
