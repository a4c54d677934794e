"""The report as Markdown, to paste into a ticket."""

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

from viewer.i18n import Catalogue
from viewer.model.finding import Finding
from viewer.model.trace import Trace
from viewer.report.story import Call, Story, loose_calls, overview, stories
from viewer.report.text import account_used, asked_by, redaction_level, status_text, totals
from viewer.report.words import (
    clock,
    duration,
    labelled,
    named,
    say,
    step_sentence,
    times,
    value_text,
)

MOST_OPERATIONS: Final = 100
MOST_CALLS: Final = 20
_SPECIAL: Final = re.compile(r"([\\`*_{}\[\]<>#|!~&]|^\s*(?:[-+]|\d+[.)])(?=\s))")

_FOREIGN_LINK: Final = re.compile(
    r"(?i)\b(?!https://(?:[\w-]+\.)*google(?:apis)?\.com(?![\w.-]))(https?|ftp|(?<!/)www)(://|\.)"
)
"""What readers of Markdown make a link of by themselves; a zero-width space prevents it."""


def escaped(text: str) -> str:
    """Return `text` such that Markdown shows it as it is: no link, no image, no HTML."""
    return _FOREIGN_LINK.sub("\\1\u200b\\2", _SPECIAL.sub(r"\\\1", text))


def code(text: str) -> str:
    """Return `text` as a code span, whatever backticks it holds."""
    fence = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{text}{pad}{fence}" if text else ""


def markdown(
    trace: Trace,
    findings: Sequence[Finding],
    lang: str = "en",
    *,
    note: str = "",
    ticket: str = "",
) -> str:
    """Return the report on `trace`; what is left out of a long one is said."""
    return "\n".join(_lines(trace, findings, Catalogue("report", lang), note, ticket)) + "\n"


def _lines(
    trace: Trace, findings: Sequence[Finding], words: Catalogue, note: str, ticket: str
) -> Iterator[str]:
    counts = overview(trace)
    label = value_text(" · ".join(filter(None, (ticket, counts.label))) or "mapi-tracer")
    yield "# " + escaped(say(words, "title", {"label": label}))
    yield ""
    if note:
        yield f"> {escaped(value_text(note))}"
        yield ""
    yield escaped(say(words, "title.counts", totals(counts)))
    yield ""
    yield f"**{words('redaction')}.** {escaped(redaction_level(counts, words))}"
    yield ""
    yield f"## {say(words, 'findings', {'count': len(findings)})}"
    yield ""
    if not findings:
        yield words("findings.none")
    for finding in findings:
        yield from _finding(finding, words, Catalogue("findings", words.lang))
    yield ""
    yield f"## {say(words, 'operations', {'count': counts.operations})}"
    for one in islice(stories(trace), MOST_OPERATIONS):
        yield from _operation(one, words)
    if counts.operations > MOST_OPERATIONS:
        yield ""
        yield say(words, "left-out", {"count": counts.operations - MOST_OPERATIONS})
    loose, count = loose_calls(trace, MOST_CALLS)
    if loose:
        yield ""
        yield f"## {say(words, 'loose', {'count': count})}"
        yield from _table(loose, count, words)
    yield from _missing(trace, words)


def _finding(finding: Finding, words: Catalogue, texts: Catalogue) -> Iterator[str]:
    level = named(words, "severity", finding.severity.name.lower())
    sure = say(words, "confidence", {"percent": round(finding.confidence * 100)})
    title = escaped(say(texts, f"{finding.rule}.title", finding.args))
    yield f"- **{title}** ({level}, {sure}{times(finding.count, ', ')})"
    for part in ("cause", "action", "refute"):
        if texts.has(f"{finding.rule}.{part}"):
            text = escaped(say(texts, f"{finding.rule}.{part}", finding.args))
            yield f"  - {labelled(words, f'finding.{part}')} {text}"
    shown = ", ".join(code(f"{e.event} {e.path}".strip()) for e in finding.evidence[:6])
    yield f"  - {labelled(words, 'finding.evidence')} {shown}"


def _operation(story: Story, words: Catalogue) -> Iterator[str]:
    sign = "❌" if story.failed else ("✅" if story.answered else "⏳")
    took = duration(story.event.ms) if story.answered else words("never-ended")
    name = escaped(value_text(story.event.name))
    yield ""
    yield f"### {sign} {clock(story.began)} {name} ({took})"
    yield ""
    yield f"- **{labelled(words, 'asked-by')}** {escaped(asked_by(story, words))}"
    yield f"- **{labelled(words, 'account')}** {escaped(account_used(story, words))}"
    for step in story.steps:
        yield f"- **{labelled(words, 'decided')}** {escaped(step_sentence(step, words))}"
    error = story.facts.get("error")
    if isinstance(error, dict):
        text = ": ".join(value_text(error[key]) for key in ("type", "message") if error.get(key))
        yield f"- **{labelled(words, 'error')}** {escaped(text)}"
        for part in ("cause", "remedy"):
            if error.get(part):
                yield f"- **{labelled(words, f'error.{part}')}** {escaped(value_text(error[part]))}"
    yield from _table(story.calls, len(story.calls), words)


def _table(calls: Sequence[Call], count: int, words: Catalogue) -> Iterator[str]:
    if calls:
        yield ""
        yield f"| | {words('column.status')} | {words('column.ms')} | {words('column.call')} | |"
        yield "|---|---:|---:|---|---|"
        for call in calls[:MOST_CALLS]:
            yield _row(call, words)
        if count > MOST_CALLS:
            left = {"count": count - MOST_CALLS}
            yield f"| | | | {say(words, 'left-out', left)} | |"


def _row(call: Call, words: Catalogue) -> str:
    event = call.event
    sign = "❌" if call.failed else "✅"
    status = status_text(event) if call.answered else words("never-answered")
    took = duration(event.ms) if call.answered else "–"
    more = say(words, "attempts", {"count": call.attempts}) if call.attempts > 1 else ""
    said = " · ".join(filter(None, (more, value_text(call.error) if call.error else "")))
    name = code(value_text(event.name)).replace("|", "\\|")
    return f"| {sign} | {status} | {took} | {name} | {escaped(said)} |"


def _missing(trace: Trace, words: Catalogue) -> Iterator[str]:
    gaps = trace.select(kinds={"gap"}).tolist()
    yield ""
    yield f"## {say(words, 'gaps', {'count': len(gaps)})}"
    yield ""
    for row in gaps[:MOST_CALLS]:
        event = trace.event(row)
        count = event.data.get("count")
        told = named(words, "gap", event.name) + (f" ({count})" if isinstance(count, int) else "")
        yield f"- {clock(event.ts)} {escaped(told)}"
    if not gaps:
        yield words("gaps.none")
    if trace.damage:
        yield ""
        yield f"## {say(words, 'damage', {'count': len(trace.damage)})}"
