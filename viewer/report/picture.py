"""The report as a picture (SVG): what happened, and when, at a glance."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Final
from xml.sax.saxutils import escape

from viewer.i18n import Catalogue
from viewer.model.finding import Finding, Severity
from viewer.model.trace import Trace
from viewer.report.story import Call, Overview, Story, loose_calls, overview, stories
from viewer.report.text import totals
from viewer.report.words import duration, say, times, value_text

WIDTH: Final = 1200
_ROW: Final = 26
_LEFT: Final = 430
_RIGHT: Final = 1110
_MOST_ROWS: Final = 60
_MOST_FINDINGS: Final = 6

_STYLE: Final = """
text{font:13px -apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;fill:#1f2933}
.h{font-size:20px;font-weight:600}.s{fill:#616e7c;font-size:12px}.m{font-family:ui-monospace,
"DejaVu Sans Mono",Consolas,monospace;font-size:12px}.w{fill:#fff;font-weight:600;font-size:11px}
.op{font-weight:600}.e{fill:#b42318}
"""
_COLOURS: Final = {
    "gmail": "#b6488f",
    "directory": "#2f6fde",
    "auth": "#8e5bd0",
    "contacts": "#128a7d",
    "calendar": "#0f8a4b",
    "smtp": "#b7791f",
    "ews": "#0c7bb3",
    "mapi": "#5b6b7b",
    "ldap": "#7a5c3e",
    "http": "#6b7785",
}
_SEVERITY: Final = {
    Severity.ERROR: ("✕", "#b42318"),
    Severity.WARNING: ("!", "#b7791f"),
    Severity.NOTE: ("i", "#2f6fde"),
    Severity.CHAT: ("·", "#6b7785"),
}


def picture(
    trace: Trace, findings: Sequence[Finding], lang: str = "en", *, titled: bool = True
) -> str:
    """Return the picture: title and counts, findings, a bar for each operation and call.

    Not `titled`, it is the bars alone, for a page that says the rest itself.
    """
    drawing = _Drawing(trace, findings, Catalogue("report", lang))
    body = "".join(drawing.parts(titled=titled))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {drawing.y + 24}" '
        f'width="{WIDTH}" height="{drawing.y + 24}" role="img"><style>{_STYLE}</style>'
        f'<rect width="100%" height="100%" fill="#fbfcfd"/>{body}</svg>\n'
    )


class _Drawing:
    def __init__(self, trace: Trace, findings: Sequence[Finding], words: Catalogue) -> None:
        self.trace = trace
        self.findings = findings
        self.words = words
        self.y = 44

    def parts(self, *, titled: bool) -> Iterator[str]:
        counts = overview(self.trace)
        if titled:
            yield from self.title(counts)
        shown = list(islice(stories(self.trace), _MOST_ROWS))
        loose, _ = loose_calls(self.trace, _MOST_ROWS)
        yield from self.timeline(shown, loose)
        if counts.operations > len(shown):
            left = {"count": counts.operations - len(shown)}
            self.y += _ROW
            yield self.text(32, say(self.words, "left-out", left), "s")

    def title(self, counts: Overview) -> Iterator[str]:
        yield self.text(32, say(self.words, "title", {"label": counts.label or "–"}), "h")
        self.y += 24
        yield self.text(32, say(self.words, "title.counts", totals(counts)), "s")
        self.y += 30
        yield from self.draw_findings()
        self.y += 16

    def text(self, x: float, text: str, kind: str = "", most: int = 150, anchor: str = "") -> str:
        shown = text if len(text) <= most else text[: most - 1] + "…"
        shown = "".join(char for char in shown if char.isprintable())
        extra = f' text-anchor="{anchor}"' if anchor else ""
        return f'<text x="{x:.1f}" y="{self.y}" class="{kind}"{extra}>{escape(shown)}</text>'

    def draw_findings(self) -> Iterator[str]:
        if not self.findings:
            yield self.badge("✓", "#0f8a4b") + self.text(60, self.words("findings.none"))
            self.y += _ROW
            return
        texts = Catalogue("findings", self.words.lang)
        for finding in self.findings[:_MOST_FINDINGS]:
            title = say(texts, f"{finding.rule}.title", finding.args)
            yield self.badge(*_SEVERITY[finding.severity])
            yield self.text(60, f"{title}{times(finding.count, '  ')}", "op", 140)
            self.y += _ROW

    def badge(self, sign: str, colour: str) -> str:
        centre = self.y - 4.5
        mark = f'<text x="41" y="{self.y}" class="w" text-anchor="middle">{sign}</text>'
        return f'<circle cx="41" cy="{centre}" r="9" fill="{colour}"/>{mark}'

    def timeline(self, shown: Sequence[Story], loose: Sequence[Call]) -> Iterator[str]:
        if not shown and not loose:
            return
        starts = [_us(one.began) for one in shown] + [self.start_of(one) for one in loose]
        ends = [self.end_of(one) for one in shown]
        ends += [self.start_of(one) + (one.event.ms or 0) * 1000 for one in loose]
        begin = min(starts)
        end = max(*ends, begin + 1)
        rows = 0
        top = self.y
        lines: list[str] = []
        for story in shown:
            if rows >= _MOST_ROWS:
                break
            lines += self.operation(story, begin, end)
            rows += 1
            for call in story.calls[: max(0, min(8, _MOST_ROWS - rows))]:
                lines += self.call(call, begin, end)
                rows += 1
        if loose:  # else they would seem to be those of the operation above
            self.y += _ROW
            lines.append(self.text(32, say(self.words, "loose", {"count": len(loose)}), "op"))
        for call in loose[: max(0, _MOST_ROWS - rows)]:
            lines += self.call(call, begin, end)
        yield from self.grid(top, begin, end)
        yield from lines

    def start_of(self, call: Call) -> float:
        return _us(self.trace.head(self.trace.rows_of(call.event.id)[0]).ts)

    def end_of(self, story: Story) -> float:
        return _us(story.began) + (story.event.ms or 0) * 1000

    def grid(self, top: int, begin: float, end: float) -> Iterator[str]:
        """Draw where the seconds are, behind the bars."""
        bottom, self.y = self.y, top - 6
        for part in range(5):
            x = _LEFT + (_RIGHT - _LEFT) * part / 4
            yield f'<path d="M{x:.1f} {top}V{bottom - 12}" stroke="#e1e6eb"/>'
            took = duration((end - begin) / 1000 * part / 4)
            yield self.text(x, took if part else "0", "s", anchor="middle")
        self.y = bottom

    def operation(self, story: Story, begin: float, end: float) -> Iterator[str]:
        self.y += _ROW
        kind = "op e" if story.failed else "op"
        sign = "✕" if story.failed else ("✓" if story.answered else "…")
        name = value_text(story.event.name)
        yield self.text(32, f"{sign}  {name}", kind, 20)
        yield self.text(190, value_text(story.account), "s", 34)
        yield self.bar(_us(story.began), story.event.ms or 0, "#9aa7b4", begin, end, 6)
        yield self.label(_us(story.began), story.event.ms, begin, end)

    def call(self, call: Call, begin: float, end: float) -> Iterator[str]:
        self.y += _ROW - 5
        event = call.event
        status = "…" if not call.answered else ("–" if event.status is None else str(event.status))
        yield self.text(54, value_text(event.name), "m e" if call.failed else "m", 40)
        yield self.text(_LEFT - 24, status, "m e" if call.failed else "m", anchor="end")
        start = self.start_of(call)
        colour = _COLOURS.get(event.topic, "#6b7785")
        yield self.bar(start, event.ms or 0, colour, begin, end, 11, failed=call.failed)
        yield self.label(start, event.ms, begin, end)

    def bar(
        self,
        start: float,
        ms: float,
        colour: str,
        begin: float,
        end: float,
        height: int,
        *,
        failed: bool = False,
    ) -> str:
        scale = (_RIGHT - _LEFT) / (end - begin)
        x = _LEFT + (start - begin) * scale
        width = max(3.0, ms * 1000 * scale)
        edge = ' stroke="#b42318" stroke-width="2"' if failed else ""
        return (
            f'<rect x="{x:.1f}" y="{self.y - 4.5 - height / 2:.1f}" width="{width:.1f}" '
            f'height="{height}" rx="3" fill="{colour}"{edge}/>'
        )

    def label(self, start: float, ms: float | None, begin: float, end: float) -> str:
        scale = (_RIGHT - _LEFT) / (end - begin)
        x = _LEFT + (start - begin) * scale + max(3.0, (ms or 0) * 1000 * scale) + 7
        return self.text(x, duration(ms), "s")


def _us(ts: str) -> float:
    """Return a timestamp of the format as µs since 1970."""
    return datetime.fromisoformat(ts).timestamp() * 1e6
