"""The report as one HTML file that needs nothing but a browser: no server, no network, no tool."""

import base64
import hashlib
import json
from collections.abc import Iterator, Sequence
from html import escape
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Any, Final, TextIO

import numpy as np

from tracer.schema.events import Event, Kind
from viewer.i18n import Catalogue
from viewer.model.finding import Finding
from viewer.model.trace import Rows, Trace
from viewer.report.picture import picture
from viewer.report.story import Overview, Story, overview, stories
from viewer.report.text import account_used, asked_by, redaction_level, totals
from viewer.report.words import clock, named, say, step_sentence, times, value_text

MOST_EVENTS: Final = 50_000
MOST_BYTES: Final = 96 << 20
MOST_OPERATIONS: Final = 500
_LONGEST_LINE: Final = 2 << 20
_ASSETS: Final = Path(__file__).parent / "assets"
_FOR_SCRIPT: Final = (
    "search", "all-topics", "only-errors", "hits", "raw", "copy", "time", "topic", "name", "pick",
    "expand", "collapse", "starts", "parent", "children", "too-long",
)  # fmt: skip


def write_html(
    trace: Trace,
    findings: Sequence[Finding],
    file: TextIO,
    lang: str = "en",
    *,
    note: str = "",
    ticket: str = "",
) -> None:
    """Write the report on `trace` to `file`: summary, findings, timeline, resolution, all events.

    Of a trace with more than `MOST_EVENTS` events it holds those that matter most, and says so.
    Everything of the trace is data in it, never markup or script; the page may not load anything.
    """
    page = _Page(trace, findings, Catalogue("report", lang))
    for piece in page.pieces(note, ticket):
        file.write(piece)


class _Page:
    def __init__(self, trace: Trace, findings: Sequence[Finding], words: Catalogue) -> None:
        self.trace = trace
        self.findings = findings
        self.words = words
        self.rows = chosen(trace)

    def say(self, message_id: str, **values: object) -> str:
        return escape(say(self.words, message_id, values))

    def pieces(self, note: str, ticket: str) -> Iterator[str]:
        counts = overview(self.trace)
        style = (_ASSETS / "report.css").read_text("utf-8")
        script = (_ASSETS / "report.js").read_text("utf-8")
        drawing = picture(self.trace, self.findings, self.words.lang, titled=False)
        drawn_style = drawing.partition("<style>")[2].partition("</style>")[0]
        policy = (
            f"default-src 'none'; script-src {_hash(script)}; "
            f"style-src {_hash(style)} {_hash(drawn_style)}; base-uri 'none'; form-action 'none'"
        )
        title = value_text(" · ".join(filter(None, (ticket, counts.label))) or "mapi-tracer")
        yield (
            f'<!doctype html>\n<html lang="{self.words.lang}">\n<head>\n<meta charset="utf-8">\n'
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            '<meta name="referrer" content="no-referrer">\n'
            f"<title>{escape(title)} – {self.say('html.title')}</title>\n"
            f"<style>{style}</style>\n</head>\n<body>\n"
        )
        yield from self.header(counts, title, note)
        yield "<main>\n"
        yield from self.findings_part()
        yield (
            f'<section id="timeline"><h2>{self.say("html.timeline")}</h2>'
            f'<div class="drawing">{drawing}</div></section>\n'
        )
        yield from self.resolution(counts)
        yield self.events_part()
        yield "</main>\n"
        made_by = self.say("html.made-by", version=version("mapi-tracer"))
        yield f"<footer>{made_by}</footer>\n"
        yield from self.data()
        yield f"<script>{script}</script>\n</body>\n</html>\n"

    def header(self, counts: Overview, title: str, note: str) -> Iterator[str]:
        links = "".join(
            f'<a href="#{name}">{self.say(f"html.{name}")}</a>'
            for name in ("findings", "timeline", "resolution", "events")
        )
        danger = " danger" if "full" in counts.bodies or not counts.bodies else ""
        yield (
            f'<header id="top"><div class="bar"><h1>{escape(title)}</h1><nav>{links}'
            f'<button id="theme" type="button">{self.say("html.theme")}</button></nav></div>\n'
        )
        values = totals(counts)
        yield f'<p class="when">{self.say("title.when", **values)}</p><dl class="tiles">'
        for name, bad in (
            ("operations", counts.operations_failed),
            ("calls", counts.calls_failed),
            ("exchanges", counts.unanswered),
            ("events", 0),
        ):
            failed = self.say(f"tile.{name}.bad", count=bad) if bad else ""
            yield (
                f"<div><dt>{self.say(f'tile.{name}')}</dt><dd>{values[name]}"
                f'<small class="bad">{failed}</small></dd></div>'
            )
        yield "</dl>"
        if note:
            yield f'<p class="note"><b>{self.say("html.note")}</b> {escape(value_text(note))}</p>'
        level = escape(redaction_level(counts, self.words))
        yield f'<p class="level{danger}"><b>{self.say("redaction")}</b> {level}</p></header>\n'

    def findings_part(self) -> Iterator[str]:
        yield f'<section id="findings"><h2>{self.say("findings", count=len(self.findings))}</h2>'
        if not self.findings:
            yield f'<p class="good">{self.say("findings.none")}</p>'
        for finding in self.findings:
            yield from self.finding(finding, Catalogue("findings", self.words.lang))
        yield "</section>\n"

    def finding(self, finding: Finding, texts: Catalogue) -> Iterator[str]:
        level = finding.severity.name.lower()
        title = escape(say(texts, f"{finding.rule}.title", finding.args))
        shown = named(self.words, "severity", level)
        sure = self.say("confidence", percent=round(finding.confidence * 100))
        yield (
            f'<article class="finding {level}"><h3>{title}</h3><p class="meta">'
            f'<span class="badge">{escape(shown)}</span> {sure}{times(finding.count, " · ")} · '
            f"<code>{escape(finding.rule)}</code></p><dl>"
        )
        for part in ("cause", "action", "refute"):
            if texts.has(f"{finding.rule}.{part}"):
                text = escape(say(texts, f"{finding.rule}.{part}", finding.args))
                yield f"<dt>{self.say(f'finding.{part}')}</dt><dd>{text}</dd>"
        links = " ".join(link(one.event, one.path) for one in finding.evidence[:12])
        yield f"<dt>{self.say('finding.evidence')}</dt><dd>{links}</dd></dl></article>"

    def resolution(self, counts: Overview) -> Iterator[str]:
        yield f'<section id="resolution"><h2>{self.say("html.resolution")}</h2>'
        shown = 0
        for one in islice(stories(self.trace), MOST_OPERATIONS):
            shown += 1
            yield from self.operation(one)
        if counts.operations > shown:
            yield f"<p>{self.say('left-out', count=counts.operations - shown)}</p>"
        yield "</section>\n"

    def operation(self, story: Story) -> Iterator[str]:
        state = "failed" if story.failed else "worked"
        account = escape(account_used(story, self.words))
        opened = " open" if story.failed else ""
        yield (
            f'<details class="operation {state}"{opened}><summary><time>{clock(story.began)}</time>'
            f"<b>{escape(value_text(story.event.name))}</b><span>{account}</span></summary>"
            f'<p class="asked">{self.say("asked-by")}: {escape(asked_by(story, self.words))} '
            f"{link(story.event.id, '')}</p><ol>"
        )
        for step in story.steps:
            verdict = str(step.data.get("verdict") or "")
            shown = escape(named(self.words, "verdict", verdict))
            sources = "".join(f" {link(one, '')}" for one in _sources(step))
            known = verdict if verdict.isalpha() else ""
            yield (
                f'<li><span class="verdict {escape(known)}">{shown}</span> '
                f"{escape(step_sentence(step, self.words))}{sources}</li>"
            )
        yield "</ol>"
        error = story.facts.get("error")
        if isinstance(error, dict):
            text = ": ".join(value_text(error[k]) for k in ("type", "message") if error.get(k))
            yield f'<p class="error">{escape(text)}</p>'
        yield "</details>"

    def events_part(self) -> str:
        left_out = ""
        if len(self.rows) < len(self.trace):
            left_out = self.say("html.left-out", shown=len(self.rows), total=len(self.trace))
        columns = "".join(
            f"<span>{self.say(f'html.{c}')}</span>" for c in ("time", "topic", "name")
        )
        return (
            f'<section id="events"><h2>{self.say("html.events")}</h2>'
            f'<p class="left">{left_out}</p>'
            f'<noscript><p class="error">{self.say("html.no-script")}</p></noscript>'
            '<div class="tools"><input id="search" type="search" autocomplete="off" '
            f'spellcheck="false" placeholder="{self.say("html.search")}" '
            f'aria-label="{self.say("html.search")}">'
            f'<select id="topics"></select><label><input id="errors" type="checkbox"> '
            f"{self.say('html.only-errors')}</label><label><input id='starts' type='checkbox'> "
            f'{self.say("html.starts")}</label><output id="hits"></output></div>'
            f'<div class="columns"><span class="heads">{columns}'
            f"<span>{self.say('column.status')}</span><span>{self.say('column.ms')}</span></span></div>"
            '<div class="panes"><div id="list" tabindex="0" role="listbox"><div id="space"></div>'
            '<div id="rows"></div></div><div id="detail"></div></div></section>\n'
        )

    def data(self) -> Iterator[str]:
        """Yield the events as data: one line each, as recorded, only ``<`` written as an escape."""
        texts = {name: self.words(f"html.{name}") for name in _FOR_SCRIPT}
        yield f'<script type="application/json" id="words">{_json(texts)}</script>\n'
        places = np.flatnonzero(self.trace.failures(self.rows)).tolist()
        yield f'<script type="application/json" id="failed">{_json(places)}</script>\n'
        yield '<script type="application/x-ndjson" id="lines">'
        left = MOST_BYTES
        for row in self.rows.tolist():
            raw = self.trace.raw(row).strip()
            left -= len(raw)
            if len(raw) > _LONGEST_LINE or left < 0:
                raw = _shortened(self.trace.event(row), self.words("html.too-long"))
            yield raw.decode("utf-8", "replace").replace("<", "\\u003c") + "\n"
        yield "</script>\n"


def chosen(trace: Trace) -> Rows:
    """Return the rows that the page holds: all of them, or those that matter most."""
    if len(trace) <= MOST_EVENTS:
        return np.arange(len(trace), dtype=np.int64)
    kept = np.zeros(len(trace), dtype=np.bool_)
    count = 0
    for rows in (
        trace.select(kinds={Kind.SESSION, Kind.PROCESS, Kind.SETTINGS, Kind.GAP, Kind.NOTE}),
        trace.select(errors=True),
        trace.select(kinds={Kind.OPERATION, Kind.STEP}),
        trace.select(kinds={Kind.CALL}),
        trace.select(),
        np.arange(len(trace), dtype=np.int64),
    ):
        fresh = rows[~kept[rows]][: MOST_EVENTS - count]
        kept[fresh] = True
        count += len(fresh)
    return np.flatnonzero(kept).astype(np.int64)


def link(event_id: str, path: str) -> str:
    """Return a link to an event of the page."""
    shown = escape(value_text(event_id[:32] + (f" {path}" if path else "")))
    safe = "".join(char for char in event_id[:32] if char.isalnum())
    return f'<a class="event" href="#e={safe}">{shown}</a>'


def _sources(step: Event) -> list[str]:
    source = step.data.get("source")
    return [one for one in source[:8] if isinstance(one, str)] if isinstance(source, list) else []


def _shortened(event: Event, text: str) -> bytes:
    head = {name: getattr(event, name) for name in Event.__dataclass_fields__ if name != "data"}
    return _json({**head, "data": {"…": text}}).encode()


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
