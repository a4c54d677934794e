"""``calls``, ``call``, ``grep``: events as lists."""

from collections.abc import Iterator

from tracer.schema.events import Kind
from viewer.commands.base import CommandError, Job, Result, as_object, dumps, table
from viewer.exits import Exit
from viewer.i18n import Catalogue
from viewer.model.columns import short_ms
from viewer.model.search import Search, SearchError, search
from viewer.model.trace import Rows, Trace
from viewer.model.tree import Bar, waterfall
from viewer.model.visible import visible

_AROUND = 60
"""Characters shown on either side of a hit."""


def calls(job: Job) -> Result:
    """List every call of the API, or what ``--filter`` lets through of them."""
    trace = job.trace()
    return _listed(job, trace, trace.select(kinds=[Kind.CALL]))


def events(job: Job) -> Result:
    """List what ``--filter`` lets through of all events."""
    trace = job.trace()
    return _listed(job, trace, trace.shown())


def _listed(job: Job, trace: Trace, among: Rows) -> Result:
    rows = job.sifted(trace, among).tolist()
    code = Exit.OK if rows or not job.args.filter else Exit.NOTHING
    if job.args.json:
        return Result((dumps(as_object(trace, row)) for row in rows), code)
    return Result(table(trace, rows, job.width, job.texts), code)


def call(job: Job) -> Result:
    """Show one event with everything under it; the exact lines with ``--json``."""
    trace = job.trace()
    wanted = job.args.id.lower()
    row = trace.row_of(wanted) if len(wanted) == 16 else _by_prefix(trace, wanted, job)
    if row is None:
        raise CommandError(job.texts("error.no-event", id=visible(job.args.id)), Exit.NOTHING)
    bars = waterfall(trace, trace.head(row).id)
    if job.args.json:
        return Result(_exact(trace, bars))
    return Result(_drawn(trace, bars, job))


def _by_prefix(trace: Trace, wanted: str, job: Job) -> int | None:
    from viewer.model.filter import FilterError
    from viewer.model.sieve import apply_text

    try:
        rows = apply_text(trace, f"id:{wanted}").tolist()
    except FilterError:
        return None
    if len({trace.id_of(row) for row in rows}) > 1:
        raise CommandError(job.texts("error.several", id=visible(wanted), count=len(rows)))
    return rows[-1] if rows else None


def _exact(trace: Trace, bars: list[Bar]) -> Iterator[str]:
    for bar in bars:
        if bar.kind != "wait":
            for row in trace.rows_of(bar.id):
                yield trace.raw(row).decode("utf-8", "replace")


def _drawn(trace: Trace, bars: list[Bar], job: Job) -> Iterator[str]:
    """Yield the tree with times, then the data of its root."""
    for bar in bars:
        ms = "…" if bar.end is None else short_ms(bar.end - bar.start)
        what = job.texts("call.wait") if bar.kind == "wait" else bar.name
        status = "" if bar.status is None else str(bar.status)
        role = f" ({_role(bar.role, job)})" if bar.role not in {"", "call"} else ""
        sign = "✖" if bar.failed else " "
        name = "  " * bar.depth + what + role
        yield visible(f"+{bar.start:10.1f} {ms:>7} {sign} {status:>4} {name:<60} {bar.id}")
        if bar.left_out:
            yield job.texts("call.left-out", count=bar.left_out)
    if bars:
        yield ""
        yield visible(_pretty(trace.raw(bars[0].row)), lines=True)


def _role(role: str, job: Job) -> str:
    from viewer.report.words import named

    return named(Catalogue("tui", job.lang), "role", role)


def _pretty(raw: bytes) -> str:
    """Return a line with its JSON laid out; its numbers stay as they are written."""
    import msgspec

    try:
        return msgspec.json.format(raw, indent=2).decode("utf-8", "replace")
    except (msgspec.MsgspecError, RecursionError):
        return raw.decode("utf-8", "replace")


def grep(job: Job) -> Result:
    """List the events whose lines hold a text, in every byte of them."""
    trace = job.trace()
    try:
        found = search(
            trace,
            job.args.text,
            regex=job.args.regex,
            case=True if job.args.case else None,
        )
    except SearchError as error:
        raise CommandError(job.texts("error.regex", detail=visible(str(error)))) from None
    rows = job.sifted(trace, found.rows).tolist()
    code = Exit.OK if rows else Exit.NOTHING
    if job.args.count:
        return Result([str(len(rows))], code)
    if job.args.json:
        return Result(_hit_objects(trace, found, rows), code)
    return Result(_hits(trace, found, rows, job), code)


def _hit_objects(trace: Trace, found: Search, rows: list[int]) -> Iterator[str]:
    for row in rows:
        redacted = found.only_redacted(row)
        yield dumps({**as_object(trace, row), "only_in_redaction": redacted})


def _hits(trace: Trace, found: Search, rows: list[int], job: Job) -> Iterator[str]:
    lines = iter(table(trace, rows, job.width, job.texts))
    yield next(lines)
    for row, line in zip(rows, lines, strict=True):
        yield line
        yield "    " + _excerpt(trace, found, row)
        if found.only_redacted(row):
            yield "    " + job.texts("grep.redacted")


def _excerpt(trace: Trace, found: Search, row: int) -> str:
    """Return the first hit of `row` with a little around it."""
    for one in trace.rows_of(trace.id_of(row))[::-1] or [row]:
        begin, end = found.first_hit(one)
        if end:
            raw = trace.raw(one)
            piece = raw[max(0, begin - _AROUND) : end + _AROUND].decode("utf-8", "replace")
            before = "…" if begin > _AROUND else ""
            return before + visible(piece) + ("…" if end + _AROUND < len(raw) else "")
    return ""
