"""Lists that come in pages, from a server that always names the same next page."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from samples.sandbox import Sandbox
from tests.protocol.gsuite.conftest import Layer, Listener
from tracer.protocol.errors import ServiceError
from tracer.protocol.identity import Identity

DUPOND = Identity("LESPETITSPAINS", "", "Dupond@soc-windows.com")
YEAR = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)


def users(layer: Layer) -> None:
    """Look the account up."""
    layer.resolve(DUPOND)


def messages(layer: Layer) -> None:
    """List the mailbox."""
    with layer.mailbox(DUPOND) as (mailbox, _):
        mailbox.search(limit=50)


def history(layer: Layer) -> None:
    """List what is new."""
    with layer.mailbox(DUPOND) as (mailbox, op):
        mailbox.news(op, mailbox.news(op, "").position)


def contacts(layer: Layer) -> None:
    """List the account's contacts."""
    with layer.people(DUPOND) as (people, _):
        people.contacts()


def domain(layer: Layer) -> None:
    """List the domain's people."""
    with layer.people(DUPOND) as (people, _):
        people.contacts(domain=True)


def agenda(layer: Layer) -> None:
    """List the agenda."""
    with layer.calendar(DUPOND) as (calendar, _):
        calendar.between(*YEAR)


LISTS: dict[str, Callable[[Layer], None]] = {
    "directory.users.list": users,
    "gmail.users.messages.list": messages,
    "gmail.users.history.list": history,
    "people.people.connections.list": contacts,
    "people.people.listDirectoryPeople": domain,
    "calendar.events.list": agenda,
}


@pytest.mark.parametrize("method", LISTS)
def test_a_list_without_an_end_is_given_up(
    method: str, layer: Layer, box: Sandbox, listener: Listener
) -> None:
    """The token that comes back a second time ends it: one error, told by the operation too."""
    box.world.service_account.delegated.add("https://www.googleapis.com/auth/directory.readonly")
    box.fault("same-page", match=method)
    with pytest.raises(ServiceError, match="the list does not end") as caught:
        LISTS[method](layer)
    assert caught.value.reason == "repeatedPageToken"
    assert [seen.method_id for seen in box.requests].count(method) == 2
    [error] = [e["data"]["error"] for e in listener.of("operation", "end") if "error" in e["data"]]
    assert error["message"] == f"{method}: the list does not end"
    assert error["cause"] == "the server gave the same page token twice"


def test_all_pages_of_the_domains_people_are_read(layer: Layer, box: Sandbox) -> None:
    """The second page too, though its request names two sources."""
    box.world.service_account.delegated.add("https://www.googleapis.com/auth/directory.readonly")
    with layer.people(DUPOND) as (people, _):
        everybody = people.contacts(domain=True)
        box.fault("empty-page", match="people.people.listDirectoryPeople")
        assert people.contacts(domain=True) == everybody
    assert everybody.contacts


def test_a_list_that_goes_on_for_long_is_read_to_its_end(layer: Layer, box: Sandbox) -> None:
    """Pages with tokens of their own are no circle, however many there are."""
    box.fault("empty-page", times=7, match="gmail.users.messages.list")
    with layer.mailbox(DUPOND) as (mailbox, _):
        assert len(mailbox.search(limit=50)) == 4
