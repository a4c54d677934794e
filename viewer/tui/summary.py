"""The first tab: what happened in a few lines, what was found, what is missing."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

from tracer.schema.events import Kind
from viewer.model.finding import Finding
from viewer.model.trace import Trace
from viewer.report.story import Overview, Story, overview, stories
from viewer.report.words import named
from viewer.tui.look import SEVERITIES, Look
from viewer.tui.paint import Part, fit
from viewer.tui.sources import Item, ItemSource, plain

_STORIES: Final = 30
_GAPS: Final = 100


class Summary:
    """Makes the lines of the tab; reads the trace, so it runs in a worker."""

    def __init__(self, trace: Trace, look: Look) -> None:
        self.trace = trace
        self.look = look

    def source(self, findings: Sequence[Finding] | None, paths: Sequence[str]) -> ItemSource:
        """Return the tab; `findings` None: they are not known yet."""
        facts = overview(self.trace)
        items = [
            *self._findings(findings),  # first: it is what one opens a trace for
            *self._happened(facts, paths),
            *self._gaps(),
            *self._stories(facts),
        ]
        return ItemSource(items)

    def _title(self, message_id: str, count: int | None = None) -> Item:
        words = self.look(message_id)
        extra = "" if count is None else f"  {self.look.number(count)}"
        return Item(plain((words, "title"), (extra, "dim")))

    def _pair(self, message_id: str, *parts: Part, row: int | None = None) -> Item:
        label = fit(self.look(message_id), 12)
        return Item(plain(("  ", ""), (label, "dim"), (" ", ""), *parts), row)

    def _happened(self, facts: Overview, paths: Sequence[str]) -> Iterator[Item]:
        look, number = self.look, self.look.number
        yield self._title("summary.happened")
        name = facts.label or ", ".join(path.replace("\\", "/").split("/")[-1] for path in paths)
        yield self._pair("summary.session", (name, "bold"), *self._span(facts))
        operations: list[Part] = [(look("summary.count", n=number(facts.operations)), "")]
        if facts.operations_failed:
            text = look("summary.failed", n=number(facts.operations_failed))
            operations.append((f"  {look.glyph('error')} {text}", "error"))
        yield self._pair("summary.operations", *operations)
        calls: list[Part] = [
            (look("summary.calls-of", n=number(facts.calls), m=number(facts.exchanges)), "")
        ]
        if facts.calls_failed:
            text = look("summary.failed", n=number(facts.calls_failed))
            calls.append((f"  {look.glyph('error')} {text}", "error"))
        if facts.unanswered:
            text = look("summary.unanswered", n=number(facts.unanswered))
            calls.append((f"  {look.glyph('unanswered')} {text}", "error"))
        yield self._pair("summary.calls", *calls)
        yield self._pair("summary.bodies", *self._bodies(facts))
        yield self._pair("summary.events", *self._events(facts))
        yield Item(plain())

    def _span(self, facts: Overview) -> Iterator[Part]:
        if facts.first:
            yield "  ", ""
            yield f"{facts.first[:10]} {facts.first[11:19]} {self.look.glyph('link')} ", "dim"
            yield f"{facts.last[11:19]} UTC", "dim"

    def _bodies(self, facts: Overview) -> Iterator[Part]:
        if not facts.bodies:
            yield self.look("bodies.unknown"), "warning"
        for level in facts.bodies:
            text = self.look(f"bodies.{level}") if self.look.texts.has(f"bodies.{level}") else level
            yield (f"{text} ", "alarm" if level == "full" else "")

    def _events(self, facts: Overview) -> Iterator[Part]:
        look = self.look
        yield look.number(facts.events), ""
        if self.trace.damage:
            text = look("summary.damaged", n=look.number(len(self.trace.damage)))
            yield f"  {look.glyph('warning')} {text}", "warning"
        if self.trace.skews:
            text = look("summary.skewed", n=look.number(len(self.trace.skews)))
            yield f"  {look.glyph('warning')} {text}", "warning"

    def _findings(self, findings: Sequence[Finding] | None) -> Iterator[Item]:
        yield self._title("summary.findings", None if findings is None else len(findings))
        if findings is None:
            yield Item(plain((f"  {self.look('summary.looking')}", "dim")))
        elif not findings:
            ok = self.look.glyph("ok")
            yield Item(plain((f"  {ok} {self.look('summary.nothing')}", "ok")))
        for finding in findings or ():
            yield self._finding(finding)
        yield Item(plain())

    def _finding(self, finding: Finding) -> Item:
        name = SEVERITIES[finding.severity]
        word = fit(f"{self.look.glyph(name)} {self.look(f'severity.{name}')}", 12)
        parts: list[Part] = [
            ("  ", ""),
            (word, name),
            (self.look.finding(finding, "title"), "" if name in {"note", "chat"} else "bold"),
        ]
        if finding.count > 1:
            parts.append((f"  {self.look.glyph('times')}{self.look.number(finding.count)}", "dim"))
        first = finding.evidence[0].event if finding.evidence else ""
        return Item(plain(*parts), self.trace.row_of(first), finding)

    def _gaps(self) -> Iterator[Item]:
        rows = self.trace.select(kinds=[Kind.GAP])
        if not len(rows):
            return
        yield self._title("summary.gaps", len(rows))
        for row in rows[:_GAPS].tolist():
            head = self.trace.head(row)
            text = named(self.look.report, "gap", head.name)
            glyph = self.look.glyph("gap")
            clock = head.ts[11:19]
            yield Item(plain((f"  {glyph} ", "warning"), (clock, "dim"), (f"  {text}", "")), row)
        yield Item(plain())

    def _stories(self, facts: Overview) -> Iterator[Item]:
        if not facts.operations:
            return
        yield self._title("summary.who")
        shown = list(islice(stories(self.trace), _STORIES))
        yield from (self._story(story) for story in shown)
        if facts.operations > len(shown) == _STORIES:
            rest = self.look.number(facts.operations - _STORIES)
            yield Item(plain((f"  {self.look('summary.more', n=rest)}", "dim")))

    def _story(self, story: Story) -> Item:
        look = self.look
        name = "error" if story.failed else "ok"
        if not story.answered:
            name = "unanswered"
        identity = [str(value) for value in story.identity.values() if value]
        parts: list[Part] = [
            (f"  {look.glyph(name)} ", "error" if name == "unanswered" else name),
            (f"{fit(story.event.name, 16)} ", "bold"),
            *self._account(story),  # before who asked: it must not be cut off
        ]
        if identity:
            parts.append((f"{look('summary.for')} {' / '.join(identity)}", "dim"))
        if story.attribute:
            parts.append((f"  {story.attribute}", "dim"))
        return Item(plain(*parts), story.row)

    def _account(self, story: Story) -> Iterator[Part]:
        if story.account:
            yield f"{story.account} ", "note"
        elif story.steps:
            data = story.outcome.data if story.outcome else {}
            refused = data.get("candidate") if data.get("verdict") == "refused" else None
            yield (
                f"{self.look('resolution.refused' if refused else 'resolution.nobody')} ",
                "warning",
            )
            if refused:
                yield f"{refused} ", "note"
