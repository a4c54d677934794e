"""Say a finding in words. The catalogue is handed in: `viewer.i18n.Catalogue("findings", lang)`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from viewer.model.finding import Evidence, Finding
from viewer.model.visible import visible


class Say(Protocol):
    """What a catalogue offers."""

    def __call__(self, message_id: str, **values: Any) -> str:
        """Return the text of `message_id`, filled in."""
        ...

    def has(self, message_id: str) -> bool:
        """Tell whether there is a text for `message_id`."""
        ...


@dataclass(frozen=True, slots=True)
class Words:
    """A finding in one language, harmless to a terminal."""

    title: str
    cause: str
    action: str
    refute: str
    chain: tuple[str, ...]
    severity: str
    confidence: str
    source: str


def words(finding: Finding, say: Say) -> Words:
    """Return the texts of `finding` with its arguments filled in."""
    values = {name: shown(value, say) for name, value in finding.args.items()}
    title, cause, action, refute = (
        say(f"{finding.rule}.{part}", **values) for part in ("title", "cause", "action", "refute")
    )
    return Words(
        title=title,
        cause=cause,
        action=action,
        refute=refute,
        chain=tuple(say(link) for link in finding.chain),
        severity=say(f"severity.{finding.severity.name.lower()}"),
        confidence=say(f"confidence.{degree(finding.confidence)}"),
        source=say(finding.source) if say.has(finding.source) else finding.source,
    )


def shown(value: object, say: Say) -> str:
    """Return one argument as the texts show it; ``word.…`` is an id of the catalogue."""
    if isinstance(value, tuple):
        return ", ".join(shown(one, say) for one in value)
    text = visible(str(value))
    return say(text) if text.startswith("word.") and say.has(text) else text


def degree(confidence: float) -> str:
    """Return ``low``, ``middle`` or ``high``."""
    return "high" if confidence >= 0.8 else "middle" if confidence >= 0.5 else "low"


def markdown(finding: Finding, say: Say) -> str:
    """Return `finding` as Markdown, to paste into a ticket."""
    told = words(finding, say)
    lines = [
        f"### {_escape(told.title)}",
        "",
        f"{told.severity} · `{finding.rule}` · {told.confidence} ({finding.confidence:.0%})"
        + (f" · {say('label.count', count=finding.count)}" if finding.count > 1 else ""),
        "",
        f"- **{say('label.cause')}** : {_escape(told.cause)}",
        f"- **{say('label.action')}** : {_escape(told.action)}",
        f"- **{say('label.refute')}** : {_escape(told.refute)}",
        f"- **{say('label.chain')}** : {' → '.join(told.chain)}",
        f"- **{say('label.evidence')}** : {evidence(finding.evidence)}",
        f"- **{say('label.source')}** : {_escape(told.source)}",
        "",
        f"_{say('label.hint')}_",
    ]
    return "\n".join(lines)


def evidence(shown_events: tuple[Evidence, ...]) -> str:
    """Return the events and fields of `shown_events` in one line."""
    return ", ".join(f"`{e.event}`" + (f" `{e.path}`" if e.path else "") for e in shown_events)


def _escape(text: str) -> str:
    """Return `text` so that Markdown shows it as it is."""
    for sign in "\\`*_<>[]|":
        text = text.replace(sign, "\\" + sign)
    return text


def as_json(finding: Finding, say: Say) -> Mapping[str, Any]:
    """Return `finding` with its texts, for ``--json``."""
    told = words(finding, say)
    return {
        "rule": finding.rule,
        "severity": finding.severity.name.lower(),
        "confidence": finding.confidence,
        "topic": finding.topic,
        "title": told.title,
        "cause": told.cause,
        "action": told.action,
        "refute": told.refute,
        "chain": list(told.chain),
        "evidence": [{"event": e.event, "path": e.path} for e in finding.evidence],
        "count": finding.count,
        "symptoms": list(finding.symptoms),
        "operations": list(finding.ops),
        "args": dict(finding.args),
        "source": told.source,
    }
