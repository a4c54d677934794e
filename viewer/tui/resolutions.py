"""The tab Resolution: one row per decision, that is per account that was looked for."""

from typing import Final

from viewer.report.story import facts_of
from viewer.tui.eventsource import EventSource, mark_of
from viewer.tui.paint import Line, Part, fit
from viewer.tui.record import load
from viewer.tui.sources import highlighted

VERDICT_INKS: Final = {
    "chosen": ("yes", "ok"), "granted": ("yes", "ok"), "unprotected": ("yes", "warning"),
    "refused": ("no", "error"), "rejected": ("no", "dim"), "ambiguous": ("warning", "warning"),
    "none": ("no", "dim"),
}  # fmt: skip
_IDENTITY: Final = ("environment", "harmony_user", "windows_account")


class ResolutionSource(EventSource):
    """Who asked, which account it became, and by which attribute."""

    def header(self, width: int) -> Line:
        """Return the titles of the columns."""
        return [
            (f"  {fit(self.look(f'resolution.{name}'), wide)} ", "dim") if not n else
            (f"{fit(self.look(f'resolution.{name}'), wide)} ", "dim")
            for n, (name, wide) in enumerate(self._columns(width))
        ]  # fmt: skip

    def line(self, n: int, width: int) -> Line:
        """Return row `n` of the list."""
        row = int(self.rows[n])
        step = load(self.trace, row)
        facts = facts_of(self.trace, step.head.op) if step.head.op else {}
        identity = facts.get("identity")
        identity = identity if isinstance(identity, dict) else {}
        verdict = step.text("verdict") if step.head.name == "outcome" else ""
        glyph, ink = VERDICT_INKS.get(verdict, ("unknown", "warning"))
        candidate = step.text("candidate")
        account = candidate if verdict == "chosen" else ""
        denied = f"{self.look('resolution.refused')} {candidate}" if verdict == "refused" else ""
        texts = {
            "who": " / ".join(str(identity[key]) for key in _IDENTITY if identity.get(key)),
            "account": account or denied or self._verdict(verdict),
            "via": step.text("attribute") or self._via(step.text("reason", "args", "via")),
            "operation": self._operation(step.head.op),
        }
        inks = {"who": "", "account": "note" if account else ink, "via": "dim", "operation": "dim"}
        mark = mark_of(self.look, self.notes, step.head.id, row)
        sign = mark if mark[0] != " " else (self.look.glyph(glyph), ink)
        parts: list[Part] = [sign, (" ", "")]
        for name, wide in self._columns(width):
            text = texts[name]
            if name == "via" and len(text) > wide:  # what differs stands at the end
                text = f"{self.look.glyph('cut')}{text[1 - wide :]}"
            parts += highlighted(fit(text, wide), inks[name], self.notes.needle)
            parts.append((" ", ""))
        return parts

    def _verdict(self, verdict: str) -> str:
        return self.look.reported(f"verdict.{verdict}") if verdict else self.look("status.unknown")

    def _via(self, via: str) -> str:
        return self.look.rule(via) if via else ""

    def _operation(self, op: str | None) -> str:
        row = self.trace.row_of(op) if op else None
        return "" if row is None else self.trace.head(row).name

    def _columns(self, width: int) -> list[tuple[str, int]]:
        names = ["who", "account"] if width < 70 else ["who", "account", "via"]
        if width >= 110:
            names.append("operation")
        shares = {"who": 5, "account": 4, "via": 4, "operation": 2}
        room = width - 2 - len(names)
        total = sum(shares[name] for name in names)
        return [(name, max(4, room * shares[name] // total)) for name in names]
