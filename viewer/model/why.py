"""Why an account was used: the recorded facts of each resolution, and nothing else.

What was not recorded is None here and "unknown" in the text; nothing is guessed.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from tracer.protocol.resolution import fold
from tracer.schema.events import Event, Kind, Phase
from viewer.model.decisions import Decision, args, candidate, decisions
from viewer.model.trace import Rows, Trace
from viewer.model.visible import visible

PARTS: Final = ("environment", "harmony_user", "windows_account")
"""Of an identity, in the order they are shown."""


class Say(Protocol):
    """What a catalogue offers: `viewer.i18n.Catalogue("findings", lang)`."""

    def __call__(self, message_id: str, **values: Any) -> str:
        """Return the text of `message_id`, filled in."""
        ...


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting that took part in the decision."""

    key: str
    value: Any
    origin: str
    event: str
    """Where it was recorded."""


@dataclass(frozen=True, slots=True)
class Source:
    """A call that a decision rests on."""

    event: str
    name: str
    status: int | None
    """None: no answer, or the call is not in the trace."""
    recorded: bool


@dataclass(frozen=True, slots=True)
class Reason:
    """One decision, with what it rests on."""

    event: Event
    sources: tuple[Source, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """Why one operation used the account it used."""

    operation: str
    """Id of the operation that resolved."""
    name: str
    ts: str
    identity: Mapping[str, str | None]
    """`PARTS` → value; None: not recorded."""
    account: str | None
    """The account used; None: none, or unknown (see `outcome`)."""
    via: str | None
    outcome: str | None
    """``chosen``, ``refused``, ``none``; None: the end of the resolution is not recorded."""
    settings: tuple[Setting, ...]
    reasons: tuple[Reason, ...]
    cached: str | None
    """Until when the result was remembered, if it was not decided anew."""
    unknown: tuple[str, ...]
    """Text ids (``why.unknown.…``) of what was not recorded."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """The answers to a query, in order of time; empty when nothing fits it."""

    query: str
    answers: tuple[Answer, ...]


def explain(trace: Trace, query: str) -> Explanation:
    """Explain the resolutions that `query` names.

    `query` is an account's address, a Windows account, a Harmony user, an environment, or an
    operation's id or name; case and surrounding space do not matter. Empty: every resolution.
    """
    wanted = fold(query)
    found = [d for d in decisions(trace) if not wanted or _fits(trace, d, wanted)]
    return Explanation(query, tuple(_answer(trace, decision) for decision in found))


def explain_steps(trace: Trace, rows: Rows) -> tuple[Answer, ...]:
    """Explain the resolutions that the steps `rows` belong to."""
    return tuple(_answer(trace, decision) for decision in decisions(trace, rows))


def _fits(trace: Trace, decision: Decision, wanted: str) -> bool:
    told: list[str] = [decision.operation, decision.op, *decision.identity.values()]
    for event_id in (decision.operation, decision.op):
        event = _event(trace, event_id)
        told.append(event.name if event else "")
    told.append(str(decision.facts.get("account") or ""))
    for step in decision.steps:
        told += [candidate(step), str(args(step).get("asked") or "")]
    return any(fold(one) == wanted for one in told)


def _answer(trace: Trace, decision: Decision) -> Answer:
    operation = _event(trace, decision.operation) or _event(trace, decision.op)
    outcome = decision.outcome
    settings = tuple(_settings(trace, decision))
    identity = {part: decision.identity.get(part) for part in PARTS}
    cached = args(outcome).get("cached_until") if outcome else None
    reasons = tuple(Reason(step, tuple(_sources(trace, step))) for step in decision.steps)
    unknown = []
    if not decision.identity:
        unknown.append("why.unknown.identity")
    if outcome is None:
        unknown.append("why.unknown.outcome")
    if not settings:
        unknown.append("why.unknown.settings")
    if cached and len(decision.steps) == 1:
        unknown.append("why.unknown.cached")
    if any(not source.recorded for reason in reasons for source in reason.sources):
        unknown.append("why.unknown.sources")
    numbers = [step.data.get("n") for step in decision.steps]
    if not cached and numbers != list(range(1, len(numbers) + 1)):
        unknown.append("why.unknown.steps")
    return Answer(
        operation=decision.operation,
        name=operation.name if operation else "?",
        ts=operation.ts if operation else decision.steps[0].ts,
        identity=identity,
        account=(candidate(outcome) or None) if outcome else None,
        via=str(args(outcome).get("via") or "") or None if outcome else None,
        outcome=str(outcome.data.get("verdict")) if outcome else None,
        settings=settings,
        reasons=reasons,
        cached=str(cached) if cached else None,
        unknown=tuple(unknown),
    )


def settings_of(trace: Trace, decision: Decision) -> Event | None:
    """Return the settings in force for a resolution: its own, else its operation's."""
    for parent in (decision.operation, decision.op):
        for row in trace.children(parent):
            event = trace.event(row)
            if event.kind == Kind.SETTINGS:
                return event
    return None


def _settings(trace: Trace, decision: Decision) -> Iterator[Setting]:
    event = settings_of(trace, decision)
    values = event.data.get("values") if event else None
    for key, entry in values.items() if event and isinstance(values, dict) else ():
        if isinstance(entry, dict) and (key == "account" or key.startswith("attributes.")):
            value, origin = entry.get("value"), str(entry.get("origin") or "?")
            if key == "account" or origin != "default":
                yield Setting(key, value, origin, event.id if event else "")


def _sources(trace: Trace, step: Event) -> Iterator[Source]:
    ids = step.data.get("source")
    for event_id in ids if isinstance(ids, list) else ():
        event = _event(trace, str(event_id))
        if event is None:
            yield Source(str(event_id), "?", None, recorded=False)
        else:
            ended = event.phase == Phase.END
            yield Source(event.id, event.name, event.status if ended else None, recorded=True)


def _event(trace: Trace, event_id: str) -> Event | None:
    row = trace.row_of(event_id)
    return None if row is None else trace.event(row)


def text(explanation: Explanation, say: Say, sentence: Callable[[Event], str]) -> str:
    """Return `explanation` as plain text.

    `sentence` says one step (`viewer.report.words.step_sentence` with the report's catalogue).
    """
    if not explanation.answers:
        return say("why.nothing", query=visible(explanation.query))
    blocks = ["\n".join(lines(answer, say, sentence)) for answer in explanation.answers]
    return "\n\n".join(blocks)


def lines(answer: Answer, say: Say, sentence: Callable[[Event], str]) -> Iterator[str]:
    """Yield the sentences of one answer."""
    yield say("why.operation", name=visible(answer.name), ts=answer.ts[:19], id=answer.operation)
    who = [
        say(f"why.{part}", value=say("why.unknown") if value is None else visible(value) or "–")
        for part, value in answer.identity.items()
    ]
    yield say("why.identity", who=", ".join(who))
    for setting in answer.settings:
        value = visible(str(setting.value)) if setting.value else say("why.empty")
        yield say("why.setting", key=setting.key, value=value, origin=visible(setting.origin))
    if answer.cached:
        yield say("why.cached", until=visible(answer.cached))
    for number, reason in enumerate(answer.reasons, 1):
        yield f"  {number}. {sentence(reason.event)}{_from(reason, say)}"
    yield say(f"why.outcome.{answer.outcome or 'unknown'}", account=visible(answer.account or "?"))
    for one in answer.unknown:
        yield say(one)


def _from(reason: Reason, say: Say) -> str:
    if not reason.sources:
        return ""
    calls = ", ".join(
        f"{visible(source.name)} {'?' if source.status is None else source.status} [{source.event}]"
        for source in reason.sources
    )
    return " " + say("why.source", calls=calls)


def as_json(explanation: Explanation) -> dict[str, Any]:
    """Return `explanation` for ``--json``."""
    return {
        "query": explanation.query,
        "answers": [
            {
                "operation": answer.operation,
                "name": answer.name,
                "ts": answer.ts,
                "identity": dict(answer.identity),
                "account": answer.account,
                "via": answer.via,
                "outcome": answer.outcome,
                "settings": [
                    {"key": s.key, "value": s.value, "origin": s.origin, "event": s.event}
                    for s in answer.settings
                ],
                "cached_until": answer.cached,
                "steps": [
                    {
                        "event": reason.event.id,
                        "rule": reason.event.name,
                        **{
                            key: reason.event.data.get(key)
                            for key in ("attribute", "candidate", "compared", "verdict", "reason")
                        },
                        "source": [source.event for source in reason.sources],
                    }
                    for reason in answer.reasons
                ],
                "unknown": [one.removeprefix("why.unknown.") for one in answer.unknown],
            }
            for answer in explanation.answers
        ],
    }
