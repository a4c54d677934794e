"""The tab Session: files, who recorded and how, processes, clocks, gaps, damage."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tracer.schema.events import Kind
from viewer.model.columns import moment
from viewer.model.trace import Trace
from viewer.report.story import facts_of
from viewer.report.words import named
from viewer.tui.look import Look
from viewer.tui.paint import Part, fit
from viewer.tui.sources import Item, ItemSource, plain

_MOST: Final = 1_000
_FACTS: Final = ("label", "by", "bodies", "expires", "cap", "session", "reason")
_PROCESS: Final = ("argv0", "python", "platform", "hooks", "events", "dropped")


def session_source(trace: Trace, look: Look) -> ItemSource:
    """Return the tab's lines."""
    return ItemSource(list(_Session(trace, look).items()))


class _Session:
    def __init__(self, trace: Trace, look: Look) -> None:
        self.trace = trace
        self.look = look

    def items(self) -> Iterator[Item]:
        yield from self._files()
        yield from self._recorded(Kind.SESSION, "session.recorded", _FACTS)
        yield from self._recorded(Kind.PROCESS, "session.processes", _PROCESS)
        yield from self._clocks()
        yield from self._gaps()
        yield from self._damage()

    def _title(self, message_id: str, count: int) -> Item:
        text = (f"  {self.look.number(count)}", "dim")
        return Item(plain((f" {self.look(message_id)}", "title"), text))

    def _pair(self, label: str, *parts: Part, row: int | None = None) -> Item:
        return Item(plain(("   ", ""), (fit(label, 14), "dim"), (" ", ""), *parts), row)

    def _files(self) -> Iterator[Item]:
        yield self._title("session.files", len(self.trace.files))
        for source in self.trace.sources:
            size = self.look.size(source.size())
            name = Path(source.name).name
            whole = f"  {source.name}" if source.name != name else ""
            yield self._pair(size, (name, "bold"), (whole, "dim"))
        for notice in self.trace.notices:
            what, _, name = notice.partition(" ")
            text = f"{self.look.glyph('warning')} {self.look(f'session.{what}')}: {name}"
            yield self._pair("", (text, "warning"))
        yield Item(plain())

    def _recorded(self, kind: str, title: str, keys: tuple[str, ...]) -> Iterator[Item]:
        rows = self.trace.select(kinds=[kind])
        if not len(rows):
            return
        yield self._title(title, len(rows))
        for row in rows[:_MOST].tolist():
            yield from self._lines_of(row, keys)
        yield Item(plain())

    def _lines_of(self, row: int, keys: tuple[str, ...]) -> Iterator[Item]:
        head = self.trace.head(row)
        facts = facts_of(self.trace, head.id)
        first = self.trace.head(self.trace.rows_of(head.id)[0])
        span = f"{first.ts[:10]} {first.ts[11:19]} UTC"
        ended = f"{head.ts[11:19]} UTC" if head.phase == "end" else self.look("session.not-ended")
        link = self.look.glyph("link")
        pid = f"  {self.look('session.pid', pid=head.pid)}" if head.kind == Kind.PROCESS else ""
        yield Item(
            plain(("  ", ""), (head.name, "bold"), (f"{pid}  {span} {link} {ended}", "dim")), row
        )
        for key in keys:
            value = facts.get(key)
            if value not in (None, "", []):
                text = self._text(key, value)
                ink = "alarm" if key == "bodies" and value == "full" else ""
                yield self._pair(self.look(f"field.{key}"), (text, ink), row=row)
        versions = facts.get("versions")
        if isinstance(versions, dict):
            text = ", ".join(f"{name} {version}" for name, version in versions.items())
            yield self._pair(self.look("field.versions"), (text, ""), row=row)

    def _text(self, key: str, value: object) -> str:
        if key == "cap" and isinstance(value, int):
            return self.look.size(value)
        if key == "expires":
            return moment(str(value))
        return ", ".join(map(str, value)) if isinstance(value, list) else str(value)

    def _clocks(self) -> Iterator[Item]:
        skews = self.trace.skews
        if not skews:
            return
        yield self._title("session.clocks", len(skews))
        for skew in skews:
            ahead = self.look.duration(abs(skew.ms))
            word = self.look("session.ahead" if skew.ms > 0 else "session.behind", by=ahead)
            name = Path(skew.file).name
            pid = self.look("session.pid", pid=skew.pid)
            yield self._pair(pid, (word, "warning"), (f"  {name}", "dim"))
        yield Item(plain())

    def _gaps(self) -> Iterator[Item]:
        rows = self.trace.select(kinds=[Kind.GAP])
        if not len(rows):
            return
        yield self._title("summary.gaps", len(rows))
        for row in rows[:_MOST].tolist():
            head = self.trace.head(row)
            data = self.trace.event(row).data
            facts = "  ".join(f"{k} {v}" for k, v in data.items() if k != "mono")
            text = named(self.look.report, "gap", head.name)
            yield self._pair(head.ts[11:19], (text, "warning"), (f"  {facts}", "dim"), row=row)
        yield Item(plain())

    def _damage(self) -> Iterator[Item]:
        damage = self.trace.damage
        if not damage:
            return
        yield self._title("session.damage", len(damage))
        for one in damage[:_MOST]:
            where = self.look("session.line", n=self.look.number(one.line))
            text = f"{one.reason}  ({self.look.size(one.size)}, {Path(one.file).name})"
            yield self._pair(where, (text, "warning"))
