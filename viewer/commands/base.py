"""What all commands share: the trace, the texts, and one event as a line or an object."""

from argparse import Namespace
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tracer.schema.events import Phase
from viewer.exits import Exit
from viewer.i18n import Catalogue, language
from viewer.model.columns import cells, clip, layout
from viewer.model.visible import visible

if TYPE_CHECKING:  # numpy comes with it, and the interface wants to be painted first
    from viewer.model.filter import FilterError, Node
    from viewer.model.trace import Rows, Trace


class CommandError(Exception):
    """Something the user can put right; the text is one line, in the user's language."""

    def __init__(self, text: str, code: Exit = Exit.USAGE) -> None:
        super().__init__(text)
        self.code = code


class Result(NamedTuple):
    """What a command prints, and its exit code."""

    lines: Iterable[str]
    code: Exit = Exit.OK


@dataclass(slots=True)
class Job:
    """A command line, read."""

    args: Namespace
    texts: Catalogue
    """Domain ``cli``."""
    notices: list[str]
    """What goes to standard error before the data."""

    @property
    def width(self) -> int:
        """Return that of the terminal, or enough when there is none."""
        import shutil

        return max(40, shutil.get_terminal_size((120, 40)).columns)

    @property
    def lang(self) -> str:
        """``en`` or ``fr``."""
        return self.texts.lang

    def paths(self) -> list[str]:
        """Return the files named, else the newest session of TRACER_HOME.

        Raises:
            CommandError: there is none.
        """
        named = list(self.args.files)
        if named:
            return named
        newest = newest_session()
        if newest is None:
            raise CommandError(self.texts("error.no-session"), Exit.UNREADABLE)
        self.notices.append(self.texts("notice.newest", path=visible(str(newest))))
        return [str(newest)]

    def trace(self) -> "Trace":
        """Open the files, whole; say what is wrong with them.

        Raises:
            CommandError: not one event in them can be read.
        """
        from viewer.model.trace import Trace

        paths = self.paths()
        trace = Trace.open(paths, cache=not self.args.no_cache)
        damage = trace.damage
        newer = sum(one.newer for one in damage)
        where = visible(", ".join(trace.files))
        if damage and not len(trace):
            if newer:
                raise CommandError(self.texts("error.newer", path=where), Exit.NEWER)
            raise CommandError(self.texts("error.no-events", path=where), Exit.UNREADABLE)
        if newer:
            self.notices.append(self.texts("notice.newer", count=newer))
        if len(damage) - newer:
            first = damage[0]
            self.notices.append(
                self.texts(
                    "notice.damage",
                    count=len(damage) - newer,
                    file=visible(first.file),
                    line=first.line,
                    reason=visible(first.reason),
                )
            )
        self.notices += [
            self.texts("notice.skew", file=visible(s.file), pid=s.pid, ms=f"{s.ms:+.0f}")
            for s in trace.skews
        ]
        return trace

    def filter(self) -> "Node | None":
        """Return the filter of ``--filter``, if there is one.

        Raises:
            CommandError: it cannot be read; the text shows where.
        """
        text = self.args.filter
        if not text:
            return None
        from viewer.model.filter import FilterError, parse

        try:
            return parse(text)
        except FilterError as error:
            raise CommandError(filter_error(error, text, self.lang)) from None

    def sifted(self, trace: "Trace", rows: "Rows") -> "Rows":
        """Return those of `rows` that ``--filter`` lets through."""
        node = self.filter()
        if node is None:
            return rows
        from viewer.model.sieve import apply

        return apply(trace, node, findings_context(trace, node), rows)


def findings_context(trace: "Trace", node: "Node") -> Any:
    """Return what a filter needs to know of findings; looked for only if it asks."""
    from viewer.model.sieve import Context

    if "finding:" not in str(node) and "finding!=" not in str(node):
        return Context()
    from viewer.model.findings import diagnose

    rules: dict[str, set[str]] = {}
    for finding in diagnose(trace):
        rules.setdefault(finding.rule, set()).update(e.event for e in finding.evidence)
    return Context(findings={rule: frozenset(ids) for rule, ids in rules.items()})


def filter_error(error: "FilterError", text: str, lang: str) -> str:
    """Return what is wrong with a filter, with a sign under the place."""
    texts = Catalogue("model", lang)
    what = texts(f"filter.{error.code}", **{k: visible(v) for k, v in error.args_of_text.items()})
    shown = visible(text)
    return f"{what}\n  {shown}\n  {' ' * error.at}{'^' * max(1, error.size)}"


def make_job(args: Namespace) -> Job:
    """Return the job of a read command line."""
    lang = language(args.lang)
    return Job(args, Catalogue("cli", lang), [])


def newest_session() -> Path | None:
    """Return the newest session file of TRACER_HOME."""
    from tracer.control import sessions

    found = sorted(sessions(), key=lambda session: session.modified)
    return found[-1].path if found else None


def dumps(value: object) -> str:
    """Return `value` as one line of JSON."""
    import orjson

    return orjson.dumps(value, default=str).decode("utf-8", "backslashreplace")


def as_object(trace: "Trace", row: int) -> dict[str, Any]:
    """Return the head of `row` and what the index adds to it."""
    from viewer.model.trace import Head

    head = trace.head(row)
    found: dict[str, Any] = {name: getattr(head, name) for name in Head.__slots__}
    found["account"] = trace.account(row) or None
    found["failed"] = trace.failed(row)
    found["answered"] = head.phase != Phase.START
    if len(trace.files) > 1:
        found["file"] = trace.file_of(row)
    return found


def table(trace: "Trace", rows: Sequence[int], width: int, texts: Catalogue) -> Iterable[str]:
    """Yield `rows` as the list of the interface shows them, with the id of each at the end."""
    columns = [pair for pair in layout(max(40, width - 17)) if pair[0].id != "mark"]
    yield line([clip(_set(texts(f"column.{c.id}"), n, right=c.right), n) for c, n in columns], "id")
    base = trace.time_of(0) if len(trace) else 0
    for row in rows:
        shown = cells(trace, row, base=base)
        parts = [_set(clip(shown[c.id], n), n, right=c.right) for c, n in columns]
        yield line(parts, trace.head(row).id)


def _set(text: str, width: int, *, right: bool) -> str:
    return text.rjust(width) if right else text.ljust(width)


def line(parts: Sequence[str], last: str) -> str:
    """Join cells, one space between."""
    return f"{' '.join(parts)} {visible(last)}"
