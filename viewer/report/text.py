"""The report for a terminal without an interface, a pipe, or a mail: plain text, nothing but it."""

import textwrap
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Final

from tracer.schema.events import Event, Kind, Phase
from viewer.i18n import Catalogue
from viewer.model.finding import Finding, Severity
from viewer.model.trace import Trace
from viewer.report.story import Call, Overview, Story, loose_calls, overview, stories
from viewer.report.words import clock, duration, named, say, step_sentence, times, value_text

MOST_OPERATIONS: Final = 200
MOST_CALLS: Final = 40
_MOST_LINES: Final = 50
_SIGNS: Final = {
    Severity.ERROR: "✘",
    Severity.WARNING: "▲",
    Severity.NOTE: "●",
    Severity.CHAT: "·",
}


def report(trace: Trace, findings: Sequence[Finding], lang: str = "en", width: int = 100) -> str:
    """Return the whole report on `trace`: operations, findings, gaps, damage, redaction level.

    Never longer than a few thousand lines: what is left out is said. No character in it can act on
    a terminal.
    """
    writer = _Writer(trace, findings, Catalogue("report", lang), max(width, 40))
    return "\n".join(writer.lines()) + "\n"


class _Writer:
    def __init__(
        self, trace: Trace, findings: Sequence[Finding], words: Catalogue, width: int
    ) -> None:
        self.trace = trace
        self.findings = findings
        self.words = words
        self.width = width

    def lines(self) -> Iterator[str]:
        counts = overview(self.trace)
        yield from self.title(counts)
        yield from self.operations(counts)
        yield from self.loose()
        yield from self.explain_findings()
        yield from self.gaps()
        yield from self.damage()
        yield from self.redaction(counts)

    def wrapped(self, text: str, first: str, rest: str | None = None) -> Iterator[str]:
        yield from textwrap.wrap(
            text,
            self.width,
            initial_indent=first,
            subsequent_indent=" " * len(first) if rest is None else rest,
            break_on_hyphens=False,
        ) or [first.rstrip()]

    def labelled(self, label: str, text: str) -> Iterator[str]:
        """Yield `text` after its label, under one another, with the label's column kept."""
        yield from self.wrapped(text, f"    {self.words(label):<11} ")

    def heading(self, message_id: str, **values: object) -> Iterator[str]:
        text = say(self.words, message_id, values)
        yield ""
        yield f"── {text} " + "─" * max(0, self.width - len(text) - 4)

    def title(self, counts: Overview) -> Iterator[str]:
        names = ", ".join(Path(name).name for name in self.trace.files)
        yield say(self.words, "title", {"label": counts.label or names})
        yield from self.wrapped(say(self.words, "title.counts", totals(counts)), "")

    # operations

    def operations(self, counts: Overview) -> Iterator[str]:
        yield from self.heading("operations", count=counts.operations)
        for story in islice(stories(self.trace), MOST_OPERATIONS):
            yield ""
            yield from self.operation(story)
        if counts.operations == 0:
            yield "    " + self.words("operations.none")
        if counts.operations > MOST_OPERATIONS:
            yield ""
            left = {"count": counts.operations - MOST_OPERATIONS}
            yield "    " + say(self.words, "left-out", left)

    def loose(self) -> Iterator[str]:
        calls, count = loose_calls(self.trace, MOST_CALLS)
        if not count:
            return
        yield from self.heading("loose", count=count)
        for number, call in enumerate(calls):
            yield from self.call("calls" if number == 0 else "nothing", call)
        if count > len(calls):
            yield from self.labelled(
                "nothing", say(self.words, "left-out", {"count": count - len(calls)})
            )

    def operation(self, story: Story) -> Iterator[str]:
        event = story.event
        sign = "✘" if story.failed else ("✔" if story.answered else "…")
        took = duration(event.ms) if story.answered else self.words("never-ended")
        title = f"{clock(story.began)}  {value_text(event.name)}  ({took})  {event.id}"
        yield from self.wrapped(title, f"{sign} ")
        yield from self.labelled("asked-by", asked_by(story, self.words))
        yield from self.labelled("account", account_used(story, self.words))
        for number, step in enumerate(story.steps):
            yield from self.labelled("decided" if number == 0 else "nothing", self.step(step))
        for number, call in enumerate(story.calls[:MOST_CALLS]):
            yield from self.call("calls" if number == 0 else "nothing", call)
        if len(story.calls) > MOST_CALLS:
            left = {"count": len(story.calls) - MOST_CALLS}
            yield from self.labelled("nothing", say(self.words, "left-out", left))
        yield from self.error(story)

    def step(self, step: Event) -> str:
        number = step.data.get("n")
        return f"{number if isinstance(number, int) else '·'}. {step_sentence(step, self.words)}"

    def call(self, label: str, call: Call) -> Iterator[str]:
        yield from self.labelled(label, "  " * call.depth + call_line(call, self.words))
        if call.error:
            yield from self.wrapped(value_text(call.error), " " * 18 + "└ ")

    def error(self, story: Story) -> Iterator[str]:
        error = story.facts.get("error")
        if not isinstance(error, dict):
            return
        kind, message = error.get("type"), error.get("message")
        yield from self.labelled("error", f"{value_text(kind)}: {value_text(message)}")
        for part in ("cause", "remedy"):
            if error.get(part):
                yield from self.labelled(f"error.{part}", value_text(error[part]))

    # findings

    def explain_findings(self) -> Iterator[str]:
        yield from self.heading("findings", count=len(self.findings))
        if not self.findings:
            yield "    " + self.words("findings.none")
            return
        texts = Catalogue("findings", self.words.lang)
        for finding in self.findings[:_MOST_LINES]:
            yield ""
            yield from self.finding(finding, texts)

    def finding(self, finding: Finding, texts: Catalogue) -> Iterator[str]:
        title = say(texts, f"{finding.rule}.title", finding.args)
        level = named(self.words, "severity", finding.severity.name.lower())
        sure = say(self.words, "confidence", {"percent": round(finding.confidence * 100)})
        yield from self.wrapped(
            f"{title}  ({level}, {sure}{times(finding.count, ', ')})",
            f"{_SIGNS[finding.severity]} ",
        )
        for part in ("cause", "action", "refute"):
            if texts.has(f"{finding.rule}.{part}"):
                text = say(texts, f"{finding.rule}.{part}", finding.args)
                yield from self.labelled(f"finding.{part}", text)
        shown = [f"{e.event} {e.path}".rstrip() for e in finding.evidence[:6]]
        more = len(finding.evidence) - len(shown)
        text = ", ".join(shown) + (f", +{more}" if more else "")
        yield from self.labelled("finding.evidence", value_text(text))

    # what the trace does not hold

    def gaps(self) -> Iterator[str]:
        rows = self.trace.select(kinds={Kind.GAP})
        yield from self.heading("gaps", count=len(rows))
        if not len(rows):
            yield "    " + self.words("gaps.none")
        for row in rows[:_MOST_LINES].tolist():
            event = self.trace.event(row)
            known = {
                key: event.data[key] for key in ("count", "bytes", "reason") if key in event.data
            }
            said = ", ".join(f"{key} {value_text(value)}" for key, value in known.items())
            name = named(self.words, "gap", event.name)
            yield from self.wrapped(
                f"{name} ({said})" if said else name, f"    {clock(event.ts)}  "
            )

    def damage(self) -> Iterator[str]:
        damage = self.trace.damage
        yield from self.heading("damage", count=len(damage))
        if not damage:
            yield "    " + self.words("damage.none")
        for one in damage[:_MOST_LINES]:
            line = f"{value_text(one.file)}:{one.line}  {value_text(one.reason)}"
            yield from self.wrapped(line, "    ")
        if len(damage) > _MOST_LINES:
            left = {"count": len(damage) - _MOST_LINES}
            yield "    " + say(self.words, "left-out", left)

    def redaction(self, counts: Overview) -> Iterator[str]:
        yield from self.heading("redaction")
        yield from self.wrapped(redaction_level(counts, self.words), "    ")


def totals(counts: Overview) -> dict[str, object]:
    """Return what the line under the title counts, as values for a text."""
    return {
        "first": counts.first[:19].replace("T", " ") or "–",
        "last": counts.last[11:19] or "–",
        "events": counts.events,
        "operations": counts.operations,
        "operations_failed": counts.operations_failed,
        "calls": counts.calls,
        "calls_failed": counts.calls_failed,
        "exchanges": counts.exchanges,
        "unanswered": counts.unanswered,
    }


def asked_by(story: Story, words: Catalogue) -> str:
    """Return who asked for the operation: environment, Windows account, Harmony user."""
    parts = [
        say(words, f"identity.{key}", {"value": story.identity[key]})
        for key in ("environment", "windows_account", "harmony_user")
        if story.identity.get(key)
    ]
    return " · ".join(parts) or words("identity.none")


def account_used(story: Story, words: Catalogue) -> str:
    """Return which account was used, and which attribute or setting decided."""
    via = story.facts.get("via")
    values = {
        "account": story.account,
        "attribute": story.attribute,
        "via": named(words, "rule", via),
    }
    if not story.account:
        return words("account.none")
    if story.attribute:
        return say(words, "account.attribute", values)
    return say(words, "account.via" if via else "account.known", values)


def call_line(call: Call, words: Catalogue) -> str:
    """Return status, duration, name and attempts of a call, in columns."""
    event = call.event
    sign = "✘" if call.failed else "✔"
    if not call.answered:
        status, took = "…", words("never-answered")
    else:
        status, took = status_text(event), duration(event.ms)
    text = f"{sign} {status:<4} {took:>8}  {value_text(event.name)}"
    if call.attempts > 1:
        text += "  " + say(words, "attempts", {"count": call.attempts})
    return text


def status_text(event: Event) -> str:
    """Return the status as its protocol writes it; ``–`` when there was no answer."""
    if event.status is None:
        return "…" if event.phase == Phase.START else "–"
    return f"0x{event.status:08X}" if event.topic == "mapi" else str(event.status)


def redaction_level(counts: Overview, words: Catalogue) -> str:
    """Return what was taken out before the trace was written, and what therefore may be in it."""
    levels = [named(words, "bodies", level) for level in counts.bodies]
    return " ".join(levels) or words("bodies.unknown")
