"""Handing things out: the copy menu and the export menu.

What only a menu needs is imported when the menu opens: the first paint does not wait for it.
"""

import shlex
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from textual import on, work
from textual.message import Message

from viewer.model.finding import Finding
from viewer.model.visible import visible
from viewer.tui.base import Base
from viewer.tui.clipboard import copy
from viewer.tui.document import EVERYTHING, Node
from viewer.tui.lookapp import app_of

if TYPE_CHECKING:
    from viewer.model.trace import Rows

_KEYS: Final = {
    "har": "h", "otlp": "o", "perfetto": "p", "curl": "u", "python": "y", "markdown": "m",
    "csv": "c", "parquet": "a", "jsonl": "j",
}  # fmt: skip
_REPORTS: Final = {"report-md": "r", "report-html": "w", "report-svg": "g", "ticket": "b"}
_SUFFIXES: Final = {"report-md": ".md", "report-html": ".html", "report-svg": ".svg"}


class Exported(Message):
    """A file was written, or could not be."""

    def __init__(self, path: Path, count: int | None = None, error: str = "") -> None:
        super().__init__()
        self.path = path
        self.count = count
        self.error = error


class Handout(Base):
    """The actions that give the user something to take along."""

    # Copying

    def copy_text(self, what: str, text: str) -> None:
        """Copy `text` and say what was copied and how."""
        how, where = copy(app_of(self), text)
        name = self.look(f"copy.{what}")
        count = self.look.number(len(text))
        self.say(f"copied.{how}", what=name, n=count, path=visible(where))

    def action_copy(self) -> None:
        """Open the copy menu."""
        from viewer.tui.menu import Choice, Menu

        copies = list(self.copies())
        choices = [
            Choice(letter, self.look(f"copy.{what}"), visible(text[:40]), what)
            for letter, what, text in copies
        ]
        texts = {what: text for _, what, text in copies}

        def chosen(what: str | None) -> None:
            if what:
                self.copy_text(what, texts[what])

        if choices:
            self.app.push_screen(Menu(self.look("copy.title"), choices), chosen)

    def copies(self) -> Iterator[tuple[str, str, str]]:
        """Yield (letter, what, text) of everything that can be copied here."""
        from viewer.tui.finding_page import finding_markdown

        finding = self.view.source.finding(self.view.cursor)
        if finding is not None:
            yield "f", "finding", finding_markdown(finding, self.look)
        node = self.detail.node
        if node is not None:
            yield "v", "value", value_text(node)
            if node.path and node.path != EVERYTHING:
                yield "p", "path", f"$.data.{node.path}"
        if self.view.row is not None:
            yield from self._event_copies(self.view.row)
        if self.state.filter_text:
            from viewer.model.filter import parse, to_flags

            yield "g", "flags", to_flags(parse(self.state.filter_text))

    def _event_copies(self, row: int) -> Iterator[tuple[str, str, str]]:
        from viewer.export import curl, event_markdown, python_call

        trace = self.state.trace
        event = trace.event(row)
        yield "r", "row", trace.raw(row).decode("utf-8", "backslashreplace")
        for letter, what, text in (("c", "curl", curl(event)), ("y", "python", python_call(event))):
            if text:
                yield letter, what, text
        yield "m", "markdown", event_markdown(trace, row)
        yield "l", "link", shlex.join(["traceview", *self.state.paths, "--goto", event.id])

    # Exporting

    def action_export(self) -> None:
        """Open the export menu: what is shown now, or the whole report."""
        from viewer.export import FORMATS
        from viewer.tui.menu import Choice, Menu

        rows = self._shown_rows()
        what = self.look("export.all")
        if rows is not None:
            what = self.look("export.shown", n=self.look.number(len(rows)))
        choices = [Choice("", what)]
        choices += [
            Choice(letter, self.look(f"export.{name}"), FORMATS[name].suffix, name)
            for name, letter in _KEYS.items()
            if name in FORMATS
        ]
        choices.append(Choice("", self.look("export.reports")))
        choices += [
            Choice(letter, self.look(f"export.{name}"), _SUFFIXES.get(name, ".zip"), name)
            for name, letter in _REPORTS.items()
        ]
        self.app.push_screen(Menu(self.look("export.title"), choices), self._export_as)

    def _shown_rows(self) -> "Rows | None":
        state = self.state
        if state.filter_on or state.only_marks:
            return state.rows(state.tab if state.tab not in {"summary", "timeline"} else "all")
        return None

    def _export_as(self, name: str | None) -> None:
        if name == "ticket":
            self.copy_text("ticket", shlex.join(["tracer", "bundle", *self.state.paths]))
        elif name is not None:
            from viewer.export import FORMATS

            suffix = _SUFFIXES.get(name) or FORMATS[name].suffix
            self._export(name, free_path(self.state.paths, suffix), self._shown_rows())

    @work(thread=True, group="export", exit_on_error=False)
    def _export(self, name: str, path: Path, rows: "Rows | None") -> None:
        try:
            count = self._write(name, path, rows, self.state.findings or [])
        except (OSError, ValueError, ImportError) as error:
            path.unlink(missing_ok=True)
            self.post_message(Exported(path, error=str(error)))
        else:
            self.post_message(Exported(path, count))

    def _write(
        self, name: str, path: Path, rows: "Rows | None", findings: Sequence[Finding]
    ) -> int | None:
        from viewer.export import export
        from viewer.report.html import write_html
        from viewer.report.markdown import markdown
        from viewer.report.picture import picture

        trace, lang = self.state.trace, self.look.texts.lang
        if name not in _SUFFIXES:
            with path.open("xb") as file:
                return export(trace, name, file, rows, findings)
        with path.open("x", encoding="utf-8", newline="\n") as text:
            if name == "report-html":
                write_html(trace, findings, text, lang)
            else:
                make = markdown if name == "report-md" else picture
                text.write(make(trace, findings, lang))
        return None

    @on(Exported)
    def _exported(self, event: Exported) -> None:
        path = visible(str(event.path))
        if event.error:
            self.say("export.failed", "error", path=path, text=visible(event.error))
        else:
            count = "" if event.count is None else self.look.number(event.count)
            self.say("export.done" if count else "export.written", path=path, n=count)


def value_text(node: Node) -> str:
    """Return what copying the line of `node` gives."""
    return str(node.value) if node.has_value else node.text


def free_path(paths: Sequence[str], suffix: str) -> Path:
    """Return a path in the current folder that is not taken, named after the first file."""
    stem = Path(paths[0]).name.split(".")[0] if paths else "trace"
    for n in range(1, sys.maxsize):
        path = Path(f"{stem}{suffix}" if n == 1 else f"{stem}-{n}{suffix}")
        if not path.exists():
            return path
    raise AssertionError
