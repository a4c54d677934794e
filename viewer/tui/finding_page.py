"""The page of a finding: cause, chain, what to do, what would refute it, and the evidence."""

from collections.abc import Iterator

from viewer.model.finding import Finding
from viewer.report.words import say
from viewer.tui.document import Node, wrapped
from viewer.tui.look import SEVERITIES
from viewer.tui.overview import Overview


def finding_nodes(finding: Finding, n: int, overview: Overview) -> list[Node]:
    """Return the lines of the finding number `n`."""
    return list(_nodes(finding, n, overview))


def _nodes(finding: Finding, n: int, overview: Overview) -> Iterator[Node]:
    look, width = overview.look, overview.width
    name = SEVERITIES[finding.severity]
    sure = look("finding.sure", percent=f"{finding.confidence:.0%}")
    yield Node(
        (
            (f"{look.glyph(name)} {look(f'severity.{name}')}  ", name),
            (look.finding(finding, "title"), "bold"),
        )
    )
    yield Node(((f"{sure}  {finding.rule}", "dim"),))
    for part in ("cause", "action", "refute"):
        text = look.finding(finding, part)
        yield Node(
            ((look(f"finding.{part}"), "title"),),
            list(wrapped_words(text, width - 6)),
            open=True,
            value=text,
        )
    if finding.chain:
        steps = [
            Node(((f"{look.glyph('link')} ", "dim"), (say(look.findings, one, finding.args), "")))
            for one in finding.chain
        ]
        yield Node(((look("finding.chain"), "title"),), steps, open=True)
    yield Node(
        ((look("finding.evidence", count=look.number(finding.count)), "title"),),
        list(_evidence(finding, n, overview)),
        open=True,
    )
    if finding.source:
        yield Node(((f"{look('finding.source')}: {finding.source}", "dim"),))


def _evidence(finding: Finding, n: int, overview: Overview) -> Iterator[Node]:
    for at, evidence in enumerate(finding.evidence):
        node = overview.link(evidence.event, str(at + 1))
        if node.target:
            node.target = f"evidence:{n}:{at}"
        if evidence.path:
            node.parts = (*node.parts, (f"  {evidence.path}", "dim"))
        yield node


def wrapped_words(text: str, width: int) -> Iterator[Node]:
    """Yield lines of `text`, broken between words where that is possible."""
    line = ""
    for word in text.split():
        if line and len(line) + 1 + len(word) > width:
            yield Node(((line, ""),))
            line = ""
        line = f"{line} {word}" if line else word
        if len(line) > width:
            *full, rest = list(wrapped(line, width, "")())
            yield from full
            line = rest.text
    if line:
        yield Node(((line, ""),))
