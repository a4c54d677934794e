"""``--report``, ``findings``, ``why``, ``what-if``, ``export``, ``sessions``: answers."""

import sys
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from viewer.commands.base import CommandError, Job, Result, dumps
from viewer.exits import Exit
from viewer.i18n import Catalogue
from viewer.model.finding import Finding, Severity
from viewer.model.visible import visible

_EXITS = {Severity.WARNING: Exit.WARNING, Severity.ERROR: Exit.ERROR}


def report(job: Job) -> Result:
    """Print the report: what happened, why, what to do."""
    from viewer.model.findings import diagnose
    from viewer.report.text import report as text_report

    trace = job.trace()
    found = diagnose(trace)
    if job.args.json:
        return Result([dumps(_summary(trace, found, job))])
    return Result(text_report(trace, found, job.lang, job.width).splitlines())


def _summary(trace: Any, found: list[Finding], job: Job) -> dict[str, Any]:
    return {
        "files": trace.files,
        "events": len(trace),
        "topics": trace.topic_counts(),
        "worst": {topic: severity.name.lower() for topic, severity in trace.worst().items()},
        "damage": [asdict(one) for one in trace.damage],
        "skews": [asdict(one) for one in trace.skews],
        "findings": [_object(finding, job) for finding in found],
    }


def findings(job: Job) -> Result:
    """List the findings; the exit code tells the worst one."""
    from viewer.model.findings import diagnose

    found = diagnose(job.trace())
    worst = max((finding.severity for finding in found), default=Severity.CHAT)
    code = _EXITS.get(worst, Exit.OK)
    if job.args.json:
        return Result((dumps(_object(finding, job)) for finding in found), code)
    return Result(_told(found, job), code)


def _object(finding: Finding, job: Job) -> dict[str, Any]:
    from viewer.model.findings.words import words

    said = words(finding, Catalogue("findings", job.lang))
    return {
        "rule": finding.rule,
        "severity": finding.severity.name.lower(),
        "confidence": finding.confidence,
        "topic": finding.topic,
        "count": finding.count,
        "title": said.title,
        "cause": said.cause,
        "action": said.action,
        "refute": said.refute,
        "chain": list(finding.chain),
        "evidence": [asdict(evidence) for evidence in finding.evidence],
        "args": dict(finding.args),
        "source": said.source,
    }


def _told(found: list[Finding], job: Job) -> Iterator[str]:
    from viewer.model.findings.words import words

    if not found:
        yield job.texts("findings.none")
    for finding in found:
        said = words(finding, Catalogue("findings", job.lang))
        yield visible(f"{said.severity.upper()}  {said.title}  [{finding.rule}]")
        yield visible(f"    {said.cause}")
        yield visible(f"    {job.texts('findings.action')} {said.action}")
        yield visible(f"    {job.texts('findings.refute')} {said.refute}")
        if finding.evidence:
            ids = " ".join(dict.fromkeys(evidence.event for evidence in finding.evidence))
            yield visible(f"    {job.texts('findings.evidence')} {ids}")


def sessions(job: Job) -> Result:
    """List the recorded sessions, newest first, and whether debug is on."""
    from tracer.control import ControlError, home, state
    from tracer.control import sessions as recorded

    try:
        now = state()
    except ControlError as error:
        now = None
        job.notices.append(visible(error.text(job.lang)))
    found = sorted(recorded(), key=lambda session: session.modified, reverse=True)
    live = Path(now.file) if now else None
    if job.args.json:
        return Result(
            dumps(
                {
                    "path": str(one.path),
                    "size": one.size,
                    "modified": datetime.fromtimestamp(one.modified, UTC).isoformat(),
                    "live": one.path == live,
                }
            )
            for one in found
        )
    if not found:
        return Result([job.texts("sessions.none", home=visible(str(home())))], Exit.NOTHING)
    return Result(
        f"{datetime.fromtimestamp(one.modified).astimezone():%Y-%m-%d %H:%M:%S} {one.size:>12,} "
        f"{job.texts('sessions.live') if one.path == live else '':<4} {visible(str(one.path))}"
        for one in found
    )


def export(job: Job) -> Result:
    """Write the trace in another format."""
    from viewer.export import FORMATS
    from viewer.export import export as write
    from viewer.export.otlp import NoSessionError

    name = job.args.format
    if name not in FORMATS:
        known = ", ".join(sorted(FORMATS))
        raise CommandError(job.texts("error.format", format=visible(name), known=known))
    trace = job.trace()
    rows = job.sifted(trace, trace.shown()) if job.args.filter else None
    target = None if job.args.output in {None, "-"} else Path(job.args.output)
    try:
        if target is None:
            write(trace, name, sys.stdout.buffer, rows)
            return Result([])
        with target.open("wb") as out:
            write(trace, name, out, rows)
    except (ImportError, NoSessionError) as error:
        if target is not None:
            target.unlink(missing_ok=True)  # nothing came
        raise CommandError(str(error)) from None
    except OSError as error:
        if target is None:  # a reader that went away, which is no error
            raise
        detail = error.strerror or str(error)
        text = job.texts("error.output", path=visible(str(target)), detail=detail)
        raise CommandError(text, Exit.UNREADABLE) from None
    job.notices.append(job.texts("notice.written", path=visible(str(target))))
    return Result([])
