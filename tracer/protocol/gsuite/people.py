"""Google contacts of an account: its own, the people of its domain, and whom it has written to."""

from collections.abc import Iterator
from functools import partial
from typing import Any, Final

from tracer.protocol.contacts import Contact, Found, containing, matching
from tracer.protocol.gsuite.client import Google, pages

_FIELDS: Final = "names,emailAddresses,phoneNumbers,organizations"
_SOURCES: Final = ["DIRECTORY_SOURCE_TYPE_DOMAIN_PROFILE", "DIRECTORY_SOURCE_TYPE_DOMAIN_CONTACT"]


class People:
    """The People API for `account`."""

    def __init__(self, google: Google, account: str) -> None:
        self._google = google
        self._account = account

    def contacts(self, query: str = "", *, domain: bool = False) -> Found:
        """Return the account's own contacts (or the domain's people) that contain `query`.

        Raises:
            LayerError: Google refused, or did not answer.
        """
        people = self._domain() if domain else self._own()
        return Found(tuple(containing(people, query)))

    def find(self, who: str) -> Found:
        """Return whoever has the address or number `who`: own contacts first, then the domain's.

        Raises:
            LayerError: Google refused, or did not answer.
        """
        return Found(tuple(matching(self._own(), who) or matching(self._domain(), who)))

    def _own(self) -> Iterator[Contact]:
        connections = self._google.service("people", self._account, "contacts").people()
        connections = connections.connections()
        ask = partial(
            connections.list,
            resourceName="people/me",
            personFields=_FIELDS,
            pageSize=1000,
            sortOrder="LAST_NAME_ASCENDING",
        )
        for page in pages(self._google.run, ask):
            yield from (_contact(one, "google") for one in page.get("connections") or [])

    def _domain(self) -> Iterator[Contact]:
        people = self._google.service("people", self._account, "directory-people").people()
        ask = partial(people.listDirectoryPeople, readMask=_FIELDS, sources=_SOURCES, pageSize=1000)
        for page in pages(self._google.run, ask):
            yield from (_contact(one, "directory") for one in page.get("people") or [])


def _contact(person: dict[str, Any], source: str) -> Contact:
    """Return a person; the resource leaves out what it has not (People API reference)."""
    organization: dict[str, Any] = next(iter(person.get("organizations") or []), {})
    emails = _values(person, "emailAddresses")
    names = [str(name.get("displayName") or "") for name in person.get("names") or []]
    return Contact(
        name=next(filter(None, names), emails[0] if emails else ""),
        emails=emails,
        phones=_values(person, "phoneNumbers"),
        company=str(organization.get("name") or ""),
        title=str(organization.get("title") or ""),
        source=source,
        key=str(person.get("resourceName") or ""),
    )


def _values(person: dict[str, Any], field: str) -> tuple[str, ...]:
    entries = person.get(field) or []
    return tuple(str(entry["value"]) for entry in entries if entry.get("value"))
