"""``why`` and ``what-if``: whose account it was, by which rule, and what would change it."""

from collections.abc import Iterator

from viewer.commands.base import CommandError, Job, Result, dumps
from viewer.exits import Exit
from viewer.i18n import Catalogue
from viewer.model import whatif
from viewer.model.visible import visible
from viewer.model.whatif import Changes, NotRecordedError, WhatIf, reresolve


def why(job: Job) -> Result:
    """Explain every resolution that an account, an operation or an identity names."""
    from viewer.model.why import as_json, explain, text
    from viewer.report.words import step_sentence

    explanation = explain(job.trace(), job.args.query)
    code = Exit.OK if explanation.answers else Exit.NOTHING
    if job.args.json:
        return Result([dumps(as_json(explanation))], code)
    report = Catalogue("report", job.lang)
    said = text(
        explanation, Catalogue("findings", job.lang), lambda event: step_sentence(event, report)
    )
    return Result(said.splitlines(), code)


def what_if(job: Job) -> Result:
    """Resolve again from the recorded facts, with something changed."""
    from viewer.model.decisions import decisions

    trace = job.trace()
    changes = Changes(
        environment=job.args.environment,
        harmony_user=job.args.harmony_user,
        windows_account=job.args.windows_account,
        account=job.args.account,
    )
    wanted = job.args.operation
    if wanted is None:
        found = list(decisions(trace))
        if not found:
            raise CommandError(job.texts("error.no-resolution"), Exit.NOTHING)
        wanted = found[-1].operation
        if len(found) > 1:
            job.notices.append(job.texts("notice.last-of", count=len(found)))
    try:
        answer = reresolve(trace, wanted, changes)
    except NotRecordedError as error:
        said = error.text(Catalogue("findings", job.lang))
        raise CommandError(said, Exit.NOTHING) from None
    if job.args.json:
        return Result([dumps({"operation": wanted} | whatif.as_json(answer))])
    row = trace.row_of(wanted)
    assert row is not None  # it was just resolved again
    head = trace.head(row)
    title = job.texts(
        "whatif.operation", id=wanted, name=visible(head.name), clock=visible(head.ts[11:19])
    )
    return Result([title, *_told(answer, job)])


_PARTS = ("environment", "harmony_user", "windows_account")


def _account(answer: WhatIf) -> str | None:
    resolution = answer.resolution
    return resolution.account if resolution is not None else None


def _told(answer: WhatIf, job: Job) -> Iterator[str]:
    """Yield the outcome, against what was recorded, its reasons, and what is not known."""
    from viewer.report.words import step_sentence

    texts = job.texts
    for name in _PARTS:
        value = getattr(answer.identity, name) or "–"
        yield texts(f"whatif.{name}", value=visible(value))
    yield texts("whatif.configured", value=visible(answer.configured or "–"))
    before = answer.before or texts("whatif.nobody")
    now = _account(answer) or texts("whatif.nobody")
    if answer.resolution is None:
        yield texts("whatif.unknown", before=visible(before))
    else:
        yield texts("whatif.outcome", before=visible(before), now=visible(now))
    report = Catalogue("report", job.lang)
    findings = Catalogue("findings", job.lang)
    yield from whatif.lines(answer, findings, lambda step: step_sentence(step, report))
