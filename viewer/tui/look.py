"""The look of texts: language, glyphs, numbers, durations and times."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from tracer.schema.events import Event, Kind, Phase, Topic
from viewer.i18n import Catalogue
from viewer.model.finding import Finding, Severity
from viewer.report.words import named, say, step_sentence

if TYPE_CHECKING:
    from viewer.model.trace import Head

UNICODE: Final = {
    "error": "✖", "warning": "▲", "note": "◆", "chat": "·", "ok": "✓", "open": "▾", "closed": "▸",
    "leaf": "·", "retry": "↻", "token": "◇", "unanswered": "…", "gap": "!", "mark": "●",
    "comment": "✎", "link": "→", "bar": "━", "wait": "┈", "hang": "╌", "edge": "╸", "cut": "…",
    "yes": "✓", "no": "✗", "unknown": "?", "pointer": "▌", "dash": "—", "times": "×", "dot": "•",
    "batch": "▤", "redirect": "↪", "operation": "■", "call": "◼", "exchange": "⇄", "step": "¶",
    "session": "§", "process": "⚙", "settings": "≡", "tee": "├─", "last": "└─", "pipe": "│",
    "up": "↑", "down": "↓", "dns": "░", "connect": "▒", "tls": "▓", "send": "▪", "read": "█",
}  # fmt: skip
ASCII: Final = {
    "error": "x", "warning": "!", "note": "*", "chat": ".", "ok": "v", "open": "v", "closed": ">",
    "leaf": "-", "retry": "r", "token": "t", "unanswered": "?", "gap": "!", "mark": "*",
    "comment": ";", "link": "->", "bar": "=", "wait": ".", "hang": "-", "edge": "-", "cut": "~",
    "yes": "+", "no": "x", "unknown": "?", "pointer": ">", "dash": "-", "times": "x", "dot": "*",
    "batch": "b", "redirect": "d", "operation": "#", "call": "o", "exchange": ".", "step": "=",
    "session": "S", "process": "P", "settings": "=", "tee": "|-", "last": "`-", "pipe": "|",
    "up": "^", "down": "v", "dns": "d", "connect": "c", "tls": "s", "send": ">", "read": "#",
}  # fmt: skip
SEVERITIES: Final = {
    Severity.ERROR: "error",
    Severity.WARNING: "warning",
    Severity.NOTE: "note",
    Severity.CHAT: "chat",
}


@dataclass(frozen=True)
class Look:
    """Language and glyphs, handed to everything that makes lines."""

    texts: Catalogue
    ascii_only: bool = False

    @cached_property
    def findings(self) -> Catalogue:
        """The texts of the rules."""
        return Catalogue("findings", self.texts.lang)

    @cached_property
    def model(self) -> Catalogue:
        """The texts of filters, which the command line has too."""
        return Catalogue("model", self.texts.lang)

    @cached_property
    def cli(self) -> Catalogue:
        """The texts of columns, which the command line has too."""
        return Catalogue("cli", self.texts.lang)

    @cached_property
    def report(self) -> Catalogue:
        """The texts that the reports have too."""
        return Catalogue("report", self.texts.lang)

    def finding(self, finding: Finding, part: str) -> str:
        """Return the ``title``, ``cause``, ``action`` or ``refute`` of a finding."""
        return say(self.findings, f"{finding.rule}.{part}", finding.args)

    def step(self, event: Event) -> str:
        """Return the sentence of a decision of the resolution."""
        return step_sentence(event, self.report)

    def reported(self, message_id: str, **values: Any) -> str:
        """Return a text that the reports have too."""
        return say(self.report, message_id, values)

    def rule(self, name: str) -> str:
        """Return what a rule of the resolution is called."""
        return named(self.report, "rule", name)

    def event_name(self, head: "Head", name: str) -> str:
        """Return what a list calls an event, from its visible `name`: a step by its rule, a token
        request as one; its host alone would say nothing.
        """
        if head.kind == Kind.STEP:
            return self.rule(name)
        if head.kind == Kind.EXCHANGE and head.topic == Topic.AUTH:
            return f"{self('role.token')} {name}"
        return name

    def __call__(self, message_id: str, **values: Any) -> str:
        """Return a text of the catalogue, its ``{names}`` filled in."""
        return self.texts(message_id, **values)

    def glyph(self, name: str) -> str:
        """Return a glyph by name; each takes one cell, but ``link``, ``tee`` and ``last``."""
        return (ASCII if self.ascii_only else UNICODE)[name]

    def label(self, text: object) -> str:
        """Return `text` as the label of what follows it: French has a space before the colon."""
        return f"{text} : " if self.texts.lang == "fr" else f"{text}: "

    def key(self, name: str) -> str:
        """Return what is written on a key, as keyboards of the language have it."""
        message_id = f"keyname.{name}"
        return self.texts(message_id) if self.texts.has(message_id) else name

    def number(self, value: int) -> str:
        """Return `value` with the thousands grouped as the language does."""
        grouped = f"{value:,}"
        if self.texts.lang == "fr":
            return grouped.replace(",", " " if self.ascii_only else "\N{NARROW NO-BREAK SPACE}")
        return grouped

    def decimal(self, value: float, digits: int) -> str:
        """Return `value` with a point or a comma."""
        return f"{value:.{digits}f}".replace(".", self.texts.point)

    def size(self, count: int) -> str:
        """Return a number of bytes in a few characters."""
        value = float(count)
        units = ["size.gb", "size.mb", "size.kb", "size.b"]
        while value >= 1000 and len(units) > 1:
            value /= 1000
            units.pop()
        unit = units[-1]
        return f"{self.decimal(value, 0 if unit == 'size.b' or value >= 10 else 1)} {self(unit)}"

    def duration(self, ms: float | None) -> str:
        """Return milliseconds in at most seven cells."""
        if ms is None:
            return ""
        if ms < 1:
            return f"{self.decimal(ms, 1)} ms"
        if ms < 1000:
            return f"{ms:.0f} ms"
        if ms < 60_000:
            return f"{self.decimal(ms / 1000, 2 if ms < 10_000 else 1)} s"
        if ms < 3_600_000:
            return f"{ms / 60_000:.0f} min"
        return f"{self.decimal(ms / 3_600_000, 1)} h"

    def reltime(self, ms: float) -> str:
        """Return an offset on the timeline: ``+12.345``, ``+3:07.120``, ``+1:02:03``."""
        sign = "-" if ms < 0 else "+"
        seconds, rest = divmod(abs(round(ms)), 1000)
        minutes, seconds = divmod(seconds, 60)
        hours, minutes = divmod(minutes, 60)
        point = self.texts.point
        if hours:
            return f"{sign}{hours}:{minutes:02}:{seconds:02}"
        if minutes:
            return f"{sign}{minutes}:{seconds:02}{point}{rest:03}"
        return f"{sign}{seconds}{point}{rest:03}"

    def status(self, event: "Head", failed: bool) -> tuple[str, str]:
        """Return the words of an event's outcome and their ink; never colour alone."""
        if event.phase == Phase.START and event.kind in {Kind.CALL, Kind.EXCHANGE, Kind.OPERATION}:
            return f"{self.glyph('unanswered')} {self('status.unanswered')}", "error"
        if event.kind == Kind.GAP:
            return f"{self.glyph('gap')} {self('status.gap')}", "warning"
        if event.phase != Phase.END:
            return "", "dim"
        if event.kind == Kind.OPERATION:
            name = "error" if failed else "ok"
            return f"{self.glyph(name)} {self('status.failed' if failed else 'status.ok')}", name
        if event.status is None:
            if not failed:
                return "", "dim"
            return f"{self.glyph('error')} {self('status.none')}", "error"
        code = f"0x{event.status:08X}" if event.status > 0xFFFF else str(event.status)
        return f"{self.glyph('error' if failed else 'ok')} {code}", "error" if failed else "ok"


def clock(ts: str) -> str:
    """Return the time of day of a timestamp, UTC, to the millisecond."""
    try:
        moment = datetime.fromisoformat(ts)
    except ValueError:
        return ts[:23]
    return moment.astimezone(UTC).strftime("%H:%M:%S.%f")[:-3]
