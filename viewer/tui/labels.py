"""What title and tabs say of a trace, from its counts alone: no numpy, for the first frame."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from tracer.schema.events import Topic
from viewer.model.counts import Counts
from viewer.model.finding import Finding, Severity
from viewer.tui.bars import Tab
from viewer.tui.look import SEVERITIES, Look
from viewer.tui.paint import Part

_TOPIC_TABS: Final = (
    Topic.GMAIL, Topic.DIRECTORY, Topic.AUTH, Topic.CONTACTS, Topic.CALENDAR, Topic.SMTP,
    Topic.EWS, Topic.MAPI, Topic.LDAP, Topic.HTTP, Topic.SETTINGS,
)  # fmt: skip


def extent(counts: Counts, look: Look) -> Iterator[Part]:
    """Say how many events there are, and from when to when."""
    if counts.events:
        yield f"  {look('title.events', n=look.number(counts.events))}", "dim"
        dash = "-" if look.ascii_only else "–"
        yield f"  {counts.first[11:19]}{dash}{counts.last[11:19]} UTC", "dim"


def missing(counts: Counts, look: Look) -> Iterator[Part]:
    """Say how many gaps the trace declares, and how many lines are damaged."""
    if counts.gaps:
        text = look("title.gaps", n=look.number(counts.gaps))
        yield f" {look.glyph('gap')} {text}", "warning"
    if counts.damaged:
        text = look("title.damaged", n=look.number(counts.damaged))
        yield f" {look.glyph('warning')} {text}", "warning"


def tabs_of(
    counts: Counts, look: Look, findings: Sequence[Finding] | None, hits: Mapping[str, int]
) -> list[Tab]:
    """Return the tabs of a trace, with how much is in them and how bad it is.

    `findings` None: they are not known yet. `hits`: how many rows of a tab the search found.
    """
    worst = dict(counts.worst)
    for finding in findings or ():
        worst[finding.topic] = max(finding.severity, worst.get(finding.topic, Severity.CHAT))

    def tab(own: str, count: int | None, severity: Severity | None = None) -> Tab:
        shown = severity is not None and severity >= Severity.WARNING
        name = SEVERITIES[severity] if shown and severity is not None else ""
        return Tab(own, look(f"tab.{own}"), count, name, hits.get(own, 0))

    overall = max(worst.values(), default=Severity.CHAT)
    tabs = [
        tab("summary", None if findings is None else len(findings), overall),
        tab("timeline", None),
    ]
    if counts.topics.get(Topic.RESOLUTION):
        tabs.append(tab("resolution", counts.resolutions, worst.get(Topic.RESOLUTION)))
    for topic in _TOPIC_TABS:
        if counts.topics.get(topic):
            tabs.append(tab(str(topic), counts.topics[topic], worst.get(topic)))
    tabs.append(tab("all", sum(counts.topics.values())))
    tabs.append(tab("session", None, worst.get(Topic.SESSION)))
    return tabs
