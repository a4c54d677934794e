"""Sentences for people: reasons of the resolution, sizes, durations, what a value is called.

Values come from a trace, that is from strangers: each is made visible before it goes into a text.
"""

from collections.abc import Mapping
from typing import Any, Final

from tracer.schema.events import Event
from viewer.i18n import Catalogue
from viewer.model.visible import visible

LONGEST: Final = 500
"""No single value of a trace takes more characters than this in a sentence."""


class _Known(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "?"


def value_text(value: object) -> str:
    """Return `value` as one harmless line of at most `LONGEST` characters."""
    if isinstance(value, list | tuple):
        inner = ("[…]" if isinstance(one, list | tuple) else value_text(one) for one in value[:20])
        text = ", ".join(inner)
        return text + (", …" if len(value) > 20 else "")
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:g}"
    text = visible(_plain(value)[: LONGEST + 1])
    return text[:LONGEST] + "…" if len(text) > LONGEST else text


def _plain(value: object) -> str:
    try:
        return str(value)
    except RecursionError:  # nested by somebody who means harm
        return "…"


def say(catalogue: Catalogue, message_id: str, values: Mapping[str, Any] | None = None) -> str:
    """Return the text of `message_id` with `values` in it; a value that is missing reads ``?``."""
    known = _Known({name: _worded(catalogue, value) for name, value in (values or {}).items()})
    return catalogue(message_id).format_map(known)


def _worded(catalogue: Catalogue, value: object) -> str:
    """Return `value` as text; what a finding names by an id of the catalogue, in words."""
    if isinstance(value, tuple):
        return ", ".join(_worded(catalogue, one) for one in value)
    text = value_text(value)
    return catalogue(text) if text.startswith("word.") and catalogue.has(text) else text


def step_sentence(event: Event, catalogue: Catalogue) -> str:
    """Return, as one sentence, what the step `event` decided and why.

    `catalogue` is that of the report. A code that this version does not know is shown as it is.
    """
    data = event.data
    reason = _mapping(data.get("reason"))
    code = str(reason.get("code", "?"))
    given = _mapping(reason.get("args"))
    compared = _mapping(data.get("compared"))
    environment = _mapping(compared.get("environment"))
    values = {
        **given,
        "candidate": data.get("candidate"),
        "attribute": data.get("attribute"),
        "wanted": compared.get("wanted"),
        "found": compared.get("found"),
        "env_wanted": environment.get("wanted"),
        "env_found": environment.get("found"),
        "code": code,
    }
    if "missing" in given:
        values["missing"] = named(catalogue, "part", given["missing"])
    if "via" in given:
        values["via"] = named(catalogue, "rule", given["via"])
    ids = (f"reason.{code}.{event.name}", f"reason.{code}", "reason.unknown")
    text = say(catalogue, next((one for one in ids if catalogue.has(one)), ids[-1]), values)
    if given.get("others"):
        text += " " + say(catalogue, "step.others", given)
    if given.get("mailbox") is False:
        text += " " + say(catalogue, "step.no-mailbox")
    if compared.get("folded") is True:
        text += " " + say(catalogue, "step.folded")
    return text


def named(catalogue: Catalogue, group: str, word: object) -> str:
    """Return the text of ``group.word``, or the word itself where the catalogue has none."""
    message_id = f"{group}.{value_text(word)}"
    return catalogue(message_id) if catalogue.has(message_id) else value_text(word)


def times(count: int, before: str) -> str:
    """Return how often something came, after `before`; once is not worth a word."""
    return f"{before}×{count}" if count > 1 else ""


def labelled(catalogue: Catalogue, message_id: str) -> str:
    """Return a text as the label of what follows it: French has a space before the colon."""
    return catalogue(message_id) + (" :" if catalogue.lang == "fr" else ":")


def duration(ms: float | None) -> str:
    """Return `ms` milliseconds in three digits: ``0.4 ms``, ``3.20 s``, ``2 min 5 s``."""
    if ms is None:
        return "–"
    if ms < 10:
        return f"{ms:.1f} ms"
    if ms < 1000:
        return f"{ms:.0f} ms"
    if ms < 60_000:
        return f"{ms / 1000:.2f} s"
    minutes, seconds = divmod(round(ms / 1000), 60)
    return f"{minutes} min {seconds} s"


def size(count: float) -> str:
    """Return `count` bytes in a unit that fits: ``812 B``, ``1.4 kB``, ``2.0 GB``."""
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"


def clock(ts: str) -> str:
    """Return the time of day of a timestamp of the format, to the millisecond."""
    return visible(ts)[11:23]


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
