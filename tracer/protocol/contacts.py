"""Contacts, wherever they come from: one shape, finding the one who calls or writes, raising it."""

import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol
from urllib.parse import quote, urlencode

import phonenumbers

from tracer.protocol.errors import MessageError, UnreachableError
from tracer.protocol.options import Contact as Raising

REGION: Final = "FR"
"""Where a number without a country code is from: Divalto's users are."""

_SAME: Final = frozenset(
    {
        phonenumbers.MatchType.EXACT_MATCH,
        phonenumbers.MatchType.NSN_MATCH,
        phonenumbers.MatchType.SHORT_NSN_MATCH,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """Somebody one writes to or hears from."""

    name: str
    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    company: str = ""
    title: str = ""
    source: str
    """``ldap``, ``google``, ``directory``, ``ews`` or ``mapi``."""
    key: str = ""
    """What the source calls it: a DN, a resource name, an item id."""

    def fields(self) -> dict[str, str]:
        """Return what the templates of the settings may name."""
        return {
            "name": self.name,
            "email": self.emails[0] if self.emails else "",
            "phone": self.phones[0] if self.phones else "",
            "company": self.company,
            "title": self.title,
            "key": self.key,
        }


@dataclass(frozen=True, slots=True)
class Found:
    """Contacts, and whether the server gave all it has."""

    contacts: tuple[Contact, ...]
    complete: bool = True


class ContactReader(Protocol):
    """Whoever can be asked for contacts."""

    def contacts(self, query: str = "") -> Found:
        """Return the contacts whose name or address contains `query`; all when it is empty."""
        ...

    def find(self, who: str) -> Found:
        """Return the contacts with the mail address or telephone number `who`."""
        ...

    def close(self) -> None:
        """Close every connection."""
        ...


def same_phone(one: str, other: str) -> bool:
    """Tell whether two ways of writing are one number (``06 12…`` and ``+33 6 12…``)."""
    try:
        numbers = [phonenumbers.parse(text, REGION) for text in (one, other)]
    except phonenumbers.NumberParseException:
        return False
    return phonenumbers.is_number_match(*numbers) in _SAME


def is_phone(text: str) -> bool:
    """Tell whether `text` is a telephone number rather than an address or a name."""
    try:
        return phonenumbers.is_possible_number(phonenumbers.parse(text, REGION))
    except phonenumbers.NumberParseException:
        return False


def containing(contacts: Iterable[Contact], query: str) -> list[Contact]:
    """Return the contacts whose name or address contains `query`; all when it is empty."""
    wanted = query.casefold()
    return [c for c in contacts if wanted in f"{c.name} {' '.join(c.emails)}".casefold()]


def matching(contacts: Iterable[Contact], who: str) -> list[Contact]:
    """Return the contacts with the mail address or telephone number `who`."""
    if "@" in who:
        wanted = who.strip().casefold()
        return [c for c in contacts if wanted in {mail.strip().casefold() for mail in c.emails}]
    return [c for c in contacts if any(same_phone(who, phone) for phone in c.phones)]


def record_url(contact: Contact, template: str) -> str:
    """Return the address of a contact's record; every value is percent-encoded.

    Raises:
        MessageError: the template names what a contact has not.
    """
    encoded = {name: quote(value, safe="") for name, value in contact.fields().items()}
    return _filled(template, encoded)


def record_command(contact: Contact, template: Sequence[str]) -> list[str]:
    """Return the command that raises a contact's record, a word an argument: no shell reads it.

    Raises:
        MessageError: the template names what a contact has not.
    """
    return [_filled(word, contact.fields()) for word in template]


def _filled(template: str, values: dict[str, str]) -> str:
    try:
        return template.format_map(values)
    except (KeyError, ValueError, IndexError, AttributeError):
        known = ", ".join(f"{{{name}}}" for name in values)
        raise MessageError(
            f"cannot fill in {template!r}",
            cause="it names a field that a contact does not have",
            remedy=f"use {known} in the settings' [contact] section",
        ) from None


def start_record_command(contact: Contact, raising: Raising) -> "subprocess.Popen[bytes]":
    """Start the configured command with the contact's fields, and do not wait for its end.

    Raises:
        MessageError: the template names what a contact has not.
        UnreachableError: the command cannot be started.
    """
    command = record_command(contact, raising.command)
    try:
        return subprocess.Popen(command)  # noqa: S603 - the customer's own command, without a shell
    except OSError as error:
        raise UnreachableError(
            f"cannot start {command[0]}: {error.strerror}",
            remedy="correct contact.command in the settings",
        ) from None


def compose_url(account: str, email: str) -> str:
    """Return Gmail's page for writing to `email`, signed in as `account` (``authuser``)."""
    query = {"authuser": account, "view": "cm", "fs": "1", "tf": "1", "to": email}
    return "https://mail.google.com/mail/?" + urlencode(query, quote_via=quote)


def search_url(account: str, email: str) -> str:
    """Return Gmail's page of all mail with `email`, signed in as `account`."""
    authuser = urlencode({"authuser": account}, quote_via=quote)
    wanted = quote(f"from:({email}) OR to:({email})", safe="")
    return f"https://mail.google.com/mail/?{authuser}#search/{wanted}"
