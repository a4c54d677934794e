"""The first page of the detail: what this is, how it ended, what it belongs to."""

from collections.abc import Iterator, Mapping
from typing import Final

from tracer.schema.events import Kind, Phase
from viewer.model.finding import Finding
from viewer.model.glance import facts
from viewer.model.trace import Head, Trace
from viewer.model.tree import links
from viewer.tui.document import EVERYTHING, Node, wrapped
from viewer.tui.jsontree import JsonTree
from viewer.tui.look import SEVERITIES, Look
from viewer.tui.paint import Line, Part
from viewer.tui.record import Record, as_float

_PHASES: Final = ("dns", "connect", "tls", "send", "wait", "read")
_PHASE_INKS: Final = {
    "dns": "note", "connect": "bar-call", "tls": "bar-token", "send": "bar-ok",
    "wait": "bar-wait", "read": "bar",
}  # fmt: skip
_PLAIN: Final = ("via", "role", "attempt", "attempts", "subject", "token", "http_method", "label")
_RELATED_AT_MOST: Final = 100
_SIGN: Final = 2
"""Cells of the sign that folds a line, kept free in front of every line."""
_ORIGINS: Final = frozenset({"default", "env", "flag"})


class Overview:
    """Makes the overview of one event."""

    def __init__(self, trace: Trace, look: Look, width: int, findings: list[Finding]) -> None:
        self.trace = trace
        self.look = look
        self.width = width
        self.findings = findings
        self.tree = JsonTree(look, width)

    def nodes(self, record: Record) -> list[Node]:
        """Return the lines of the page."""
        return [
            *self._title(record),
            *self._error(record),
            *self._findings(record),
            *self._facts(record),
            *self._timing(record),
            *self._family(record),
            *self._rest(record),
        ]

    def _title(self, record: Record) -> Iterator[Node]:
        head = record.head
        failed = self.trace.failed(record.row)
        status = self.look.status(head, failed)
        yield Node(
            (
                (f"{self.look(f'kind.{head.kind}')} ", "dim"),
                (self._name(head), "bold"),
                ("  ", ""),
                status,
                (f"  {self.look.duration(head.ms)}" if head.ms is not None else "", "dim"),
            )
        )
        if record.problem:
            yield Node(((self.look("detail.undecoded", why=record.problem), "warning"),))

    def _error(self, record: Record) -> Iterator[Node]:
        error = record.object("error")
        if not error:
            return
        text = f"{error.get('type', '')}: {error.get('message', '')}"
        yield self._long(((f"{self.look.glyph('error')} ", "error"),), text, "error", "error")
        for key in ("cause", "remedy"):
            if error.get(key):
                label: Line = ((self.look.label(self.look(f"error.{key}")), "dim"),)
                yield self._long(label, str(error[key]), "", f"error.{key}")

    def _long(self, label: Line, text: str, ink: str, path: str) -> Node:
        room = self.width - _SIGN - sum(len(part) for part, _ in label)
        if len(text) <= room and "\n" not in text:
            return Node((*label, (text, ink)), path=path, value=text)
        lines = list(wrapped(text, room, ink)())
        first, *more = lines
        return Node((*label, *first.parts), more, open=len(more) < 20, path=path, value=text)

    def _findings(self, record: Record) -> Iterator[Node]:
        for n, finding in enumerate(self.findings):
            if any(evidence.event == record.head.id for evidence in finding.evidence):
                name = SEVERITIES[finding.severity]
                yield Node(
                    (
                        (
                            self.look.label(
                                f"{self.look.glyph(name)} {self.look(f'severity.{name}')}"
                            ),
                            name,
                        ),
                        (self.look.finding(finding, "title"), "link"),
                    ),
                    target=f"finding:{n}",
                )

    def _facts(self, record: Record) -> Iterator[Node]:
        head = record.head
        yield self._fact("time", (head.ts.replace("T", " "), ""), path="")
        if url := record.text("url"):
            yield self._long(self._label("url"), url, "", "url")
        account = self.trace.account(record.row)
        if account:
            yield Node(
                (*self._label("account"), (account, "link")),
                target=f"account:{account}",
                value=account,
            )
        for key in _PLAIN:
            value = record.get(key)
            if isinstance(value, str | int | float) and value != account:
                ink = "link" if key == "token" else ""
                target = f"text:{value}" if key == "token" else ""
                shown = str(value)
                if key == "role":
                    shown = self.look(f"role.{value}")
                elif key == "via":
                    shown = self.look.rule(shown)
                yield self._fact(key, (shown, ink), path=key, target=target, value=value)
        yield from self._settings(record)
        for key in ("identity", "scopes", "proxy"):
            if value := record.get(key):
                yield self.tree.node(self.look(f"field.{key}"), value, key)

    def _settings(self, record: Record) -> Iterator[Node]:
        for name, entry in record.object("values").items():
            if isinstance(entry, Mapping):
                value, origin = entry.get("value"), entry.get("origin") or ""
                parts: list[Part] = [
                    (self.look.label(entry.get("label") or name), "key"),
                    (self.look.glyph("dash") if value is None else str(value), "string"),
                    (f"  {self.look.glyph('link')} {self._origin(str(origin))}", "dim"),
                ]
                yield Node(tuple(parts), path=f"values.{name}", value=value)

    def _origin(self, origin: str) -> str:
        return self.look(f"origin.{origin}") if origin in _ORIGINS else origin

    def _label(self, key: str) -> tuple[Part, ...]:
        return ((self.look.label(self.look(f"field.{key}")), "dim"),)

    def _fact(
        self, key: str, part: Part, *, path: str, target: str = "", value: object = None
    ) -> Node:
        return Node((*self._label(key), part), path=path, target=target, value=value or part[0])

    def _timing(self, record: Record) -> Iterator[Node]:
        wires = [wire for wire in record.items("wire") if isinstance(wire, Mapping)]
        for wire in wires:
            phases = wire.get("phases")
            values = {
                name: ms
                for name in _PHASES
                if isinstance(phases, Mapping) and (ms := as_float(phases.get(name))) is not None
            }
            label = self.look("detail.wire", n=str(wire.get("n", 1)))
            total = sum(values.values())
            yield Node(
                ((f"{label} ", "dim"), (self.look.duration(total), "")),
                [
                    Node(tuple(self._bar(values, total))),
                    *(self._phase(name, ms, total) for name, ms in values.items()),
                    self.tree.node(self.look("detail.all"), wire, "wire", levels=0),
                ],
                open=True,
            )
        if len(wires) > 1:
            yield Node(((self.look("detail.resent", count=str(len(wires))), "warning"),))

    def _bar(self, values: dict[str, float], total: float) -> Iterator[Part]:
        room = min(60, self.width - 4)
        for name, ms in values.items():
            cells = max(1, round(ms / total * room)) if total else 0
            letter = self.look.glyph({"wait": "wait", "read": "read"}.get(name, name))
            yield letter * cells, _PHASE_INKS[name]

    def _phase(self, name: str, ms: float, total: float) -> Node:
        glyph = self.look.glyph(name)
        share = f"{ms / total:4.0%}" if total else ""
        return Node(
            (
                (f"{glyph} ", _PHASE_INKS[name]),
                (f"{self.look(f'phase.{name}'):<12}", "dim"),
                (f"{self.look.duration(ms):>9} {share}", ""),
            )
        )

    # What it belongs to

    def _family(self, record: Record) -> Iterator[Node]:
        head = record.head
        for key, event_id in (("operation", head.op), ("parent", head.parent)):
            if event_id and event_id != head.id and not (key == "parent" and event_id == head.op):
                yield self.link(event_id, self.look(f"field.{key}"))
        if head.kind == Kind.EXCHANGE and head.parent:
            siblings = [row for row in self.trace.children(head.parent) if row != record.row]
            if siblings:
                yield self._group("detail.siblings", siblings)
        if head.kind in {Kind.OPERATION, Kind.CALL}:
            children = list(self.trace.children(head.id))
            if children:
                yield self._group("detail.children", children)
        if record.text("token"):
            yield self._related(record.row, "same_token")
        if self.trace.account(record.row):
            yield self._related(record.row, "same_account")
        yield from self._origins(record)

    def _origins(self, record: Record) -> Iterator[Node]:
        for source in record.items("source"):
            yield self.link(str(source), self.look("field.source"))
        if batch := record.text("batch"):
            yield self.link(batch, self.look("field.batch"))

    def _related(self, row: int, key: str) -> Node:
        def make() -> list[Node]:
            rows = getattr(links(self.trace, row), key)[:_RELATED_AT_MOST]
            nothing = [Node(((self.look("detail.none"), "dim"),))]
            return [self.row_link(one) for one in rows] or nothing

        return Node(((self.look(f"detail.{key.replace('_', '-')}"), "dim"),), make)

    def _group(self, message_id: str, rows: list[int]) -> Node:
        label = self.look(message_id, count=self.look.number(len(rows)))
        nodes = lambda: [self.row_link(row) for row in rows[:_RELATED_AT_MOST]]  # noqa: E731
        return Node(((label, "dim"),), nodes, open=len(rows) <= 12)

    def link(self, event_id: str, label: str) -> Node:
        """Return a line that leads to `event_id`, if the trace has it."""
        row = self.trace.row_of(event_id)
        if row is None:
            text = self.look("detail.absent", id=event_id)
            return Node(((self.look.label(label), "dim"), (text, "warning")))
        node = self.row_link(row)
        return Node(((f"{label} ", "dim"), *node.parts), target=node.target)

    def row_link(self, row: int) -> Node:
        """Return a line that leads to the event of `row`."""
        head = self.trace.head(row)
        status = self.look.status(head, self.trace.failed(row))
        parts: list[Part] = [(f"{self.look.glyph('link')} ", "dim"), (self._name(head), "link")]
        if status[0]:
            parts += [("  ", ""), status]
        if head.ms is not None:
            parts.append((f"  {self.look.duration(head.ms)}", "dim"))
        if head.kind == Kind.EXCHANGE and head.phase == Phase.END:
            parts.append((self._role(row), "dim"))
        return Node(tuple(parts), target=f"event:{head.id}")

    def _name(self, head: Head) -> str:
        return self.look.rule(head.name) if head.kind == Kind.STEP else head.name

    def _role(self, row: int) -> str:
        # The line of the start says it too, and has no body.
        first = self.trace.rows_of(self.trace.id_of(row))[0]
        role = facts(self.trace.raw(first)).role
        known = isinstance(role, str) and role not in {"", "call"}
        return f"  {self.look(f'role.{role}')}" if known else ""

    def _rest(self, record: Record) -> Iterator[Node]:
        redacted = record.items("redacted")
        if redacted:
            label = self.look("detail.redacted", count=self.look.number(len(redacted)))
            yield Node(
                ((label, "redacted"),),
                lambda: [self.tree.node(str(n), item, f"redacted[{n}]") for n, item in
                         enumerate(redacted)],
            )  # fmt: skip
        if record.data:
            yield Node(
                ((self.look("detail.all"), "dim"),),
                lambda: self.tree.members(record.data, ""),
                path=EVERYTHING,
                open=record.head.kind not in {Kind.EXCHANGE, Kind.CALL, Kind.OPERATION, Kind.STEP},
            )
