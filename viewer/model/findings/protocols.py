"""What SMTP, LDAP, EWS and MAPI servers said, told by their own codes."""

import re
from collections.abc import Iterator
from typing import Any

from viewer.model.finding import Evidence, Finding
from viewer.model.findings.build import from_failures, grouped, listed, of_rule
from viewer.model.findings.facts import Facts
from viewer.model.findings.failure import Failure, at, text
from viewer.model.findings.tables import HRESULTS, LDAP_SUBCODES

_UNKNOWN = "?"
_ADDRESS = re.compile(r"[^\s<>:;,'\"(){}]+@[^\s<>:;,'\"(){}]+")
_RULES = (
    "smtp-auth", "smtp-relay", "smtp-sender", "smtp-recipient", "smtp-size", "smtp-tls",
    "smtp-later", "ldap-auth", "ldap-tls", "ldap-base", "ldap-rights", "ldap-size",
    "ews-auth", "ews-rights", "ews-mailbox", "ews-size", "ews-busy",
)  # fmt: skip


def servers(facts: Facts) -> Iterator[Finding]:
    """One finding a server and cause, in the server's words."""
    for rule in _RULES:
        for group in grouped(of_rule(facts, rule), lambda f: _server(facts, f)):
            failures = [failure for failure, _ in group]
            last = failures[-1]
            who = [name for one in failures if (name := _who(facts, rule, one)) != _UNKNOWN]
            args: dict[str, Any] = {
                "who": listed(who) if who else "word.nobody-told",
                "server": _server(facts, last),
                "message": last.message or last.reason or "word.not-told",
                "account": _account(facts, last),
            }
            if rule == "ldap-auth":
                args["data"] = f"word.{subcode(last.message)}"
            yield from_failures(rule, group, args)


def subcode(message: str) -> str:
    """Return the meaning of Active Directory's ``data NNN`` as a text id's end, or ``unknown``."""
    found = re.search(r"\bdata\s+([0-9a-f]{3})\b", message, re.IGNORECASE)
    return LDAP_SUBCODES.get(found.group(1).lower(), "unknown") if found else "unknown"


def mapi_failed(facts: Facts) -> Iterator[Finding]:
    """Outlook or MAPI returned an error; its number has a name."""
    group = of_rule(facts, "mapi-failed")
    for one in grouped(group, lambda f: (f.status, f.reason)):
        first = one[0][0]
        number = (first.status or 0) & 0xFFFFFFFF
        name = HRESULTS.get(number)
        args = {
            "hresult": f"0x{number:08X}" if first.status else _UNKNOWN,
            "name": name or first.reason or _UNKNOWN,
            "message": _description(first.message) or "word.not-told",
            "member": listed(f.method for f, _ in one),
        }
        also = [Evidence(first.event, "status")]
        sure = max(confidence for _, confidence in one) * (1 if name else 0.6)
        yield from_failures("mapi-failed", one, args, also=also, confidence=sure)


def _description(message: str) -> str:
    """Return what a COM error says; pywin32 writes it as a tuple, of which it is the second."""
    found = re.match(r"\(-?\d+, '(.*?)', ", message)
    return found.group(1) if found else message


def _server(facts: Facts, failure: Failure) -> str:
    """Return host and port, as far as the exchange or its call says."""
    for event_id in (failure.event, failure.call or ""):
        event = facts.event(event_id) if event_id else None
        data = event.data if event else {}
        for path in ("server", "host", "params.host", "params.server", "wire.0.peer"):
            told = at(data, path)
            if isinstance(told, str) and told:
                return told
        url = text(data.get("url"))
        if url.count("/") > 1:
            return url.split("/")[2]
    return _connected_to(facts, failure)


def _connected_to(facts: Facts, failure: Failure) -> str:
    """Return where the dialogue was connected to: SMTP says it in an exchange of its own."""
    event = facts.event(failure.event)
    own = text(at(event.data, "request.args")) if event and event.name == "connect" else ""
    if own or event is None or not (event.parent or event.op):
        return own or _UNKNOWN
    for parent in dict.fromkeys((event.parent, event.op)):
        for row in facts.trace.children(parent) if parent else ():
            sibling = facts.trace.event(row)
            if sibling.name == "connect" and text(at(sibling.data, "request.args")):
                return text(at(sibling.data, "request.args"))
    return _UNKNOWN


def _who(facts: Facts, rule: str, failure: Failure) -> str:
    """Return the address that is refused; where it is no address, the account."""
    if rule in {"smtp-sender", "smtp-recipient"}:
        event = facts.event(failure.event)
        command = text(at(event.data, "request.args")) if event else ""
        if found := _ADDRESS.search(command) or _ADDRESS.search(failure.message):
            return found[0]
    return _account(facts, failure)


def _account(facts: Facts, failure: Failure) -> str:
    for event_id in (failure.call or "", failure.op or "", failure.event):
        event = facts.event(event_id) if event_id else None
        for path in ("account", "params.user", "user", "request.user"):
            told = at(event.data, path) if event else None
            if isinstance(told, str) and told:
                return told
    return _UNKNOWN


RULES = (servers, mapi_failed)
