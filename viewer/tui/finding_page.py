"""The page of a finding: cause, chain, what to do, what would refute it, and the evidence."""

from collections.abc import Iterator

from viewer.model.finding import Finding
from viewer.model.visible import visible
from viewer.report.words import say
from viewer.tui.document import Node, sentence_node, words
from viewer.tui.look import SEVERITIES, Look
from viewer.tui.overview import Overview


def finding_nodes(finding: Finding, n: int, overview: Overview) -> list[Node]:
    """Return the lines of the finding number `n`."""
    return list(_nodes(finding, n, overview))


def _nodes(finding: Finding, n: int, overview: Overview) -> Iterator[Node]:
    look, width = overview.look, overview.width
    name = SEVERITIES[finding.severity]
    sure = look("finding.sure", percent=f"{finding.confidence:.0%}")
    prefix = [(f"{look.glyph(name)} {look(f'severity.{name}')}  ", name)]
    yield sentence_node(prefix, (look.finding(finding, "title"), "bold"), width - 2)
    yield Node(((f"{sure}  {finding.rule}", "dim"),))
    for part in ("cause", "action", "refute"):
        text = look.finding(finding, part)
        yield Node(
            ((look(f"finding.{part}"), "title"),),
            [Node(((line, ""),)) for line in words(text, width - 6)],
            open=True,
            value=text,
        )
    if finding.chain:
        arrow = [(f"{look.glyph('link')} ", "dim")]
        steps = [
            sentence_node(arrow, (say(look.findings, one, finding.args), ""), width - 4)
            for one in finding.chain
        ]
        yield Node(((look("finding.chain"), "title"),), steps, open=True)
    yield Node(
        ((look("finding.evidence", count=look.number(finding.count)), "title"),),
        list(_evidence(finding, n, overview)),
        open=True,
    )
    if finding.source:
        source = say(look.findings, finding.source, {})
        yield Node(((f"{look.label(look('finding.source'))}{source}", "dim"),))


def _evidence(finding: Finding, n: int, overview: Overview) -> Iterator[Node]:
    for at, evidence in enumerate(finding.evidence):
        node = overview.link(evidence.event, str(at + 1))
        if node.target:
            node.target = f"evidence:{n}:{at}"
        if evidence.path:
            node.parts = (*node.parts, (f"  {evidence.path}", "dim"))
        yield node


def finding_markdown(finding: Finding, look: Look) -> str:
    """Return a finding to paste into a ticket."""
    from viewer.report.markdown import code, escaped  # not needed for the first paint

    name = SEVERITIES[finding.severity]
    lines = [
        f"### {escaped(look(f'severity.{name}'))}: {escaped(look.finding(finding, 'title'))}",
        "",
    ]
    for part in ("cause", "action", "refute"):
        lines.append(f"**{look(f'finding.{part}')}.** {escaped(look.finding(finding, part))}")
        lines.append("")
    lines += [
        f"- {code(visible(evidence.event))} {code(visible(evidence.path))}".rstrip()
        for evidence in finding.evidence
    ]
    return "\n".join(lines) + "\n"
