"""Gmail's search box, as far as a mail layer needs it."""

import re
from collections.abc import Callable
from datetime import UTC, datetime

from samples.sandbox.errors import Refused
from samples.sandbox.mailbox import Mailbox, Message

_TERM = re.compile(r'(-?)(?:(\w+):)?(?:"([^"]*)"|\(([^)]*)\)|(\S+))')
_PERIOD = {"d": 86400, "m": 30 * 86400, "y": 365 * 86400, "h": 3600}


def holds(message: Message, query: str, mailbox: Mailbox, now: float) -> bool:
    """Tell whether `message` satisfies every term of `query`."""
    for negated, operator, quoted, grouped, bare in _TERM.findall(query):
        value = quoted or grouped or bare
        if _term(message, operator.lower(), value.lower(), mailbox, now) == bool(negated):
            return False
    return True


def _term(message: Message, operator: str, value: str, mailbox: Mailbox, now: float) -> bool:
    if operator in ("from", "to", "cc", "bcc", "subject"):
        return value in str(message.parsed.get(operator, "")).lower()
    if operator == "rfc822msgid":
        return value.strip("<>") == str(message.parsed.get("message-id", "")).strip(" <>").lower()
    if operator in ("in", "label"):
        return _labelled(message, value, mailbox)
    if operator in ("after", "before", "newer_than", "older_than"):
        return _dated(message, operator, value, now)
    known = _STATES.get((operator, value))
    if known is not None:
        return known(message)
    if operator == "filename":
        return any(value in (part.get_filename() or "").lower() for part in message.parsed.walk())
    text = f"{operator}:{value}" if operator else value
    return text in f"{message.text}\n{message.parsed.get('from', '')}".lower()


def _labelled(message: Message, value: str, mailbox: Mailbox) -> bool:
    if value == "anywhere":
        return True
    own = {name.lower(): key for key, name in mailbox.labels.items()}
    return own.get(value, value.upper()) in message.labels


def _dated(message: Message, operator: str, value: str, now: float) -> bool:
    if operator.endswith("_than"):
        if not re.fullmatch(r"\d+[hdmy]", value):
            raise Refused("argument", name="q", value=f"{operator}:{value}")
        age = int(value[:-1]) * _PERIOD[value[-1]]
        return (message.received > now - age) == (operator == "newer_than")
    if value.isdigit() and len(value) > 8:
        at = float(value)
    else:
        try:
            year, month, day = (int(part) for part in re.split(r"[/-]", value))
            at = datetime(year, month, day, tzinfo=UTC).timestamp()
        except ValueError as error:
            raise Refused("argument", name="q", value=f"{operator}:{value}") from error
    return (message.received >= at) == (operator == "after")


def _has_attachment(message: Message) -> bool:
    return any(part.get_filename() for part in message.parsed.walk())


_STATES: dict[tuple[str, str], Callable[[Message], bool]] = {
    ("is", "unread"): lambda message: "UNREAD" in message.labels,
    ("is", "read"): lambda message: "UNREAD" not in message.labels,
    ("is", "starred"): lambda message: "STARRED" in message.labels,
    ("has", "attachment"): _has_attachment,
}
