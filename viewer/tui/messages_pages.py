"""The pages Request and Response: headers and bodies as far as the trace kept them."""

from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from tracer.schema.events import Kind
from viewer.tui.document import Node, wrapped
from viewer.tui.jsontree import JsonTree
from viewer.tui.jsonvalue import ARRAYS
from viewer.tui.look import Look
from viewer.tui.record import Record, as_float

_BODY: Final = frozenset({"size", "type", "digest", "kept", "truncated", "stream"})
_TEXT_OPEN: Final = 20_000


class MessagePages:
    """Makes the pages of one event."""

    def __init__(self, look: Look, width: int) -> None:
        self.look = look
        self.width = width
        self.tree = JsonTree(look, width)

    def request(self, record: Record) -> list[Node]:
        """Return what was asked."""
        nodes = list(self._request_line(record))
        request = record.object("request")
        nodes += self._message(request, "request")
        if record.head.kind in {Kind.CALL, Kind.OPERATION}:
            for key in ("params", "identity", "scopes", "http_method"):
                if key in record.data:
                    nodes.append(self.tree.node(self._field(key), record.data[key], key, levels=2))
        return nodes or [self._nothing("detail.no-request")]

    def response(self, record: Record) -> list[Node]:
        """Return what was answered."""
        response = record.object("response")
        nodes: list[Node] = []
        if "status" in response:
            failed = (as_float(response["status"]) or 0) >= 400
            status = f"{response['status']} {response.get('reason') or ''}"
            nodes.append(Node(((status, "error" if failed else "ok"),), path="response.status"))
        nodes += self._message(response, "response")
        if error := record.get("error"):
            nodes.append(self.tree.node(self._field("error"), error, "error", levels=2))
        if not nodes and record.head.kind == Kind.EXCHANGE:
            return [self._nothing("detail.no-answer", "error")]
        return nodes or [self._nothing("detail.no-response")]

    def _nothing(self, message_id: str, ink: str = "dim") -> Node:
        return Node(((self.look(message_id), ink),))

    def _field(self, key: str) -> str:
        return self.look(f"field.{key}")

    def _request_line(self, record: Record) -> Iterator[Node]:
        url = record.text("url")
        if not url:
            return
        method = record.text("method")
        label = ((f"{method} ", "bold"),)
        if len(url) + len(method) < self.width:
            yield Node((*label, (url, "")), path="url", value=url)
        else:
            cut = wrapped(url, self.width - 4, "")
            yield Node((*label, (url, "")), cut, path="url", value=url)
        try:
            query = parse_qsl(urlsplit(url).query, keep_blank_values=True)
        except ValueError:
            query = []
        if query:
            yield Node(
                ((self.look("detail.query"), "dim"),),
                [
                    Node(((name, "key"), (" = ", "dim"), (value, "string")), value=value)
                    for name, value in query
                ],
                open=True,
            )

    def _message(self, message: Mapping[str, Any], path: str) -> Iterator[Node]:
        for key, value in message.items():
            where = f"{path}.{key}"
            if key == "headers" and isinstance(value, Mapping):
                label = self.look("detail.headers", count=str(len(value)))
                yield Node(
                    ((label, "dim"),),
                    self.tree.members(value, where),
                    open=len(value) <= 30,
                    path=where,
                    value=value,
                )
            elif key == "body" and isinstance(value, Mapping):
                yield self.body(value, where)
            elif key not in {"status", "reason"}:
                yield self.tree.node(key, value, where, levels=2)

    def body(self, body: Mapping[str, Any], path: str) -> Node:
        """Return the node of a BODY of the format."""
        facts = [self.look.size(int(as_float(body.get("size")) or 0)), str(body.get("type") or "")]
        if kept := body.get("kept"):
            facts.append(self.look(f"kept.{kept}"))
        if cut := as_float(body.get("truncated")):
            facts.append(self.look("detail.truncated", size=self.look.size(int(cut))))
        if body.get("stream"):
            facts.append(self.look("detail.stream"))
        label = f"{self.look('detail.body')}  {', '.join(fact for fact in facts if fact)}"
        children = list(self._content(body, path))
        return Node(((label, "dim"),), children or None, open=True, path=path, value=body)

    def _content(self, body: Mapping[str, Any], path: str) -> Iterator[Node]:
        for key, value in body.items():
            where = f"{path}.{key}"
            if key in {"json", "form"}:
                yield from self._json(value, where)
            elif key == "text":
                text = str(value)
                node = Node(((self.look("detail.text"), "dim"),), wrapped(text, self.width - 6, ""))
                node.open, node.path, node.value = len(text) <= _TEXT_OPEN, where, text
                yield node
            elif key == "mime" and isinstance(value, Mapping):
                yield self._mime(value, where)
            elif key == "parts" and isinstance(value, ARRAYS):
                for n, part in enumerate(value):
                    if isinstance(part, Mapping):
                        yield self._part(part, f"{where}[{n}]", n)
            elif key not in _BODY:
                yield self.tree.node(key, value, where)
        if digest := body.get("digest"):
            yield Node((("digest: ", "dim"), (str(digest), "redacted")), value=digest)

    def _json(self, value: Any, path: str) -> Iterator[Node]:
        if isinstance(value, Mapping) and len(value) <= 200:
            yield from self.tree.members(value, path, levels=3)
        else:
            yield self.tree.node(None, value, path, levels=2)

    def _mime(self, mime: Mapping[str, Any], path: str) -> Node:
        headers = mime.get("headers")
        headers = headers if isinstance(headers, Mapping) else {}
        kind = str(headers.get("content-type") or "MIME").split(";")[0]
        size = self.look.size(int(as_float(mime.get("size")) or 0))
        below = self.tree.members(headers, f"{path}.headers")
        parts = mime.get("parts")
        for n, part in enumerate(parts if isinstance(parts, ARRAYS) else ()):
            if isinstance(part, Mapping):
                below.append(self._mime(part, f"{path}.parts[{n}]"))
        return Node(
            ((kind, "title"), (f"  {size}", "dim")), below, open=True, path=path, value=mime
        )

    def _part(self, part: Mapping[str, Any], path: str, n: int) -> Node:
        node = self.body(part, path)
        headers = part.get("headers")
        if isinstance(headers, Mapping):
            node.children = [*self.tree.members(headers, f"{path}.headers"), *node.unfold()]
        node.parts = ((f"{n}  ", "key"), *node.parts)
        return node
