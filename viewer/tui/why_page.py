"""The page Why: the decisions of the resolution as sentences, each with what it rests on."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.schema.events import Kind
from viewer.model.trace import Trace
from viewer.model.why import explain_steps
from viewer.tui.document import Node, sentence_node
from viewer.tui.jsontree import JsonTree
from viewer.tui.jsonvalue import ARRAYS
from viewer.tui.look import Look
from viewer.tui.overview import Overview
from viewer.tui.record import Record, as_float, load
from viewer.tui.resolutions import VERDICT_INKS

if TYPE_CHECKING:
    from viewer.tui.paint import Part


class WhyPage:
    """Makes the decision tree of the resolution that an event belongs to."""

    def __init__(self, trace: Trace, look: Look, width: int, overview: Overview) -> None:
        self.trace = trace
        self.look = look
        self.width = width
        self.tree = JsonTree(look, width)
        self.overview = overview

    def nodes(self, record: Record) -> list[Node]:
        """Return the page: the decisions, what is unknown, then those that rest on this event."""
        steps = self._steps(record)
        nodes = [*self._identity(record, steps), *(self._step(step, record) for step in steps)]
        nodes += self._unknown(steps)
        nodes += self._used_by(record, steps)
        return nodes or [Node(((self.look("why.none"), "dim"),))]

    def _steps(self, record: Record) -> list[Record]:
        op = record.head.op
        if op is None:
            return [record] if record.head.kind == Kind.STEP else []
        rows = self.trace.select(kinds=[Kind.STEP], op=op).tolist()
        return sorted((load(self.trace, row) for row in rows), key=_number)

    def _identity(self, record: Record, steps: list[Record]) -> Iterator[Node]:
        row = self.trace.row_of(record.head.op or "")
        if row is None or not steps:
            return
        operation = load(self.trace, row)
        words = []
        for key in ("environment", "harmony_user", "windows_account"):
            if value := operation.text("identity", key):
                words.append(self.look.reported(f"identity.{key}", value=value))
        if words:
            prefix = [(f"{self.look('why.wanted')} ", "dim")]
            yield sentence_node(prefix, (", ".join(words), "bold"), self.width - 2)

    def _step(self, step: Record, record: Record) -> Node:
        verdict = step.text("verdict") or "none"
        glyph, ink = VERDICT_INKS.get(verdict, ("unknown", "dim"))
        outcome = step.head.name == "outcome"
        here = step.head.id == record.head.id and not outcome
        prefix: list[Part] = [
            (f"{self.look.glyph(glyph)} ", ink),
            (self.look.label(self.look.rule(step.head.name)), "bold" if outcome else "title"),
        ]
        suffix = ((f"  {self.look('why.here')}", "mark"),) if here else ()
        return sentence_node(
            prefix,
            (self.sentence(step), ink if outcome else ""),
            self.width - 2,
            suffix=suffix,
            below=lambda: self._evidence(step),
            open=outcome or verdict not in {"none", "rejected"} or here,
            target="" if here else f"event:{step.head.id}",
        )

    def sentence(self, step: Record) -> str:
        """Return the sentence of a step, from its reason code."""
        return self.look.step(self.trace.event(step.row))

    def _evidence(self, step: Record) -> Iterator[Node]:
        for key in ("attribute", "candidate"):
            if value := step.text(key):
                label = self.look.label(self.look(f"field.{key}"))
                yield Node(((label, "dim"), (value, "")), path=key, value=value)
        compared = step.object("compared")
        if compared:
            yield from self._compared(compared)
        for source in step.items("source"):
            yield self.overview.link(str(source), self.look("field.source"))
        if not step.items("source") and step.text("candidate"):
            yield Node(((self.look("why.no-source"), "warning"),))

    def _compared(self, compared: Mapping[str, Any]) -> Iterator[Node]:
        environment = compared.get("environment")
        pairs = [("why.compared", compared)]
        if isinstance(environment, Mapping):
            pairs.insert(0, ("why.environment", environment))
        for message_id, pair in pairs:
            found = pair.get("found")
            found = found if isinstance(found, ARRAYS) else []
            wanted, values = str(pair.get("wanted", "")), ", ".join(map(str, found))
            label, other = self.look.label(self.look(message_id)), self.look("why.found")
            parts: list[Part] = [(label, "dim"), (wanted, "string")]
            answer: list[Part] = [
                (self.look.label(other), "dim"),
                (values or self.look.glyph("dash"), "string"),
            ]
            if len(label) + len(wanted) + len(other) + len(values) + 10 > self.width:
                yield Node(tuple(parts))
                yield Node(tuple(answer), value=values)
            else:
                yield Node((*parts, ("  ", ""), *answer))
        if compared.get("folded"):
            yield Node(((self.look("why.folded"), "warning"),))

    def _unknown(self, steps: list[Record]) -> Iterator[Node]:
        """Yield what the trace does not say of these decisions."""
        rows = np.array([step.row for step in steps], dtype=np.int64)
        answers = explain_steps(self.trace, rows)
        for message_id in dict.fromkeys(one for answer in answers for one in answer.unknown):
            prefix = [(f"{self.look.glyph('unknown')} ", "warning")]
            yield sentence_node(prefix, (self.look.findings(message_id), "dim"), self.width - 2)

    def _used_by(self, record: Record, steps: list[Record]) -> Iterator[Node]:
        ids = {record.head.id, record.head.parent}
        for step in steps:
            if step.head.id != record.head.id and ids & set(step.items("source")):
                yield Node(
                    (
                        (f"{self.look('why.used')} ", "dim"),
                        (f"{self.look.rule(step.head.name)}: {self.sentence(step)}", "link"),
                    ),
                    target=f"event:{step.head.id}",
                )


def _number(step: Record) -> tuple[float, int]:
    return as_float(step.get("n")) or 0, step.row
