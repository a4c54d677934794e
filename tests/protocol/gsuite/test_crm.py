"""Contacts and calendar of the resolved account, against the sandbox."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest

from samples.sandbox import Sandbox
from tests.protocol.gsuite.conftest import Listener
from tracer.protocol.errors import MessageError, RefusedError, ServiceError, UnreachableError
from tracer.protocol.gsuite.calendar import Appointment
from tracer.protocol.gsuite.layer import GSuite
from tracer.protocol.identity import Identity

DUPOND = Identity("LESPETITSPAINS", "", "Dupond@soc-windows.com")
Layers = Callable[..., GSuite]


def test_own_contacts_are_listed_and_searched(layers: Layers) -> None:
    """All of the account's contacts, and those whose name contains a text."""
    with layers().people(DUPOND) as (people, _):
        assert len(people.contacts().contacts) == 3
        (marie,) = people.contacts("LEFÈVRE").contacts
    assert marie.company == "Moulins du Rhin"
    assert marie.source == "google"


def test_the_domains_people_are_contacts_too(layers: Layers, box: Sandbox) -> None:
    """The Directory's profiles, with the scope that serves them."""
    box.world.service_account.delegated.add("https://www.googleapis.com/auth/directory.readonly")
    with layers().people(DUPOND) as (people, _):
        names = {email for c in people.contacts(domain=True).contacts for email in c.emails}
    assert "dupond@labriochedoree.com" in names


@pytest.mark.parametrize("who", ["03 88 12 34 56", "MARIE.lefevre@moulins-du-rhin.example"])
def test_somebody_is_found_by_number_or_address(layers: Layers, who: str) -> None:
    """However it is written."""
    with layers().people(DUPOND) as (people, _):
        (found,) = people.find(who).contacts
    assert found.name == "Marie Lefèvre"


def test_an_event_is_entered_changed_and_deleted(layers: Layers) -> None:
    """What was entered is listed, as it was changed, until it is deleted."""
    start = datetime(2026, 12, 1, 14, tzinfo=UTC)
    made = Appointment(
        title="Visite", start=start, end=start + timedelta(hours=1), place="Strasbourg",
        guests=("client@example.com",),
    )  # fmt: skip
    with layers().calendar(DUPOND) as (book, _):
        event_id = book.create(made)
        changed = book.change(event_id, title="Visite annulée", start=start + timedelta(minutes=30))
        assert (changed.title, changed.place) == ("Visite annulée", "Strasbourg")
        listed = book.between(start - timedelta(hours=1), start + timedelta(days=1))
        assert [(e.id, e.title, e.guests) for e in listed] == [
            (event_id, "Visite annulée", ("client@example.com",))
        ]
        book.delete(event_id)
        assert book.between(start - timedelta(hours=1), start + timedelta(days=1)) == []


def test_a_lost_answer_enters_nothing_twice(layers: Layers, box: Sandbox) -> None:
    """The server entered the event and hung up: the request is not silently sent again."""
    start = datetime(2026, 12, 1, 14, tzinfo=UTC)
    made = Appointment(title="Visite", start=start, end=start + timedelta(hours=1))
    with layers().calendar(DUPOND) as (book, _):
        book.between(start, start + timedelta(days=1))  # a connection to drop
        box.fault("drop-after", match="calendar.events.insert")
        with pytest.raises(UnreachableError):
            book.create(made)
    assert [r.method_id for r in box.requests].count("calendar.events.insert") == 1


def test_whole_days_keep_their_last_day(layers: Layers) -> None:
    """From the 1st to the 2nd is two days, both ways."""
    made = Appointment(title="Salon", start=date(2026, 12, 1), end=date(2026, 12, 2))
    with layers().calendar(DUPOND) as (book, _):
        book.create(made)
        (found,) = book.between(
            datetime(2026, 12, 2, 10, tzinfo=UTC), datetime(2026, 12, 2, 11, tzinfo=UTC)
        )
    assert (found.start, found.end) == (made.start, made.end)


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (datetime(2026, 12, 1, 14, tzinfo=UTC), datetime(2026, 12, 1, 13, tzinfo=UTC)),
        (datetime(2026, 12, 1, 14, tzinfo=UTC), date(2026, 12, 1)),
    ],
)
def test_impossible_times_are_refused_before_google_is_asked(
    start: datetime, end: datetime | date, layers: Layers, box: Sandbox
) -> None:
    """An end before the start, or a day with a time."""
    with layers().calendar(DUPOND) as (book, _):
        before = len(box.requests)
        with pytest.raises(MessageError):
            book.create(Appointment(title="x", start=start, end=end))
        assert len(box.requests) == before


def test_an_unknown_event_is_a_service_error(layers: Layers) -> None:
    """Google's 404 is kept."""
    with layers().calendar(DUPOND) as (book, _), pytest.raises(ServiceError) as caught:
        book.delete("nothing")
    assert caught.value.status == 404


def test_the_operations_are_stated(layers: Layers, listener: Listener) -> None:
    """Both end with the account they used."""
    one = layers()
    with one.people(DUPOND), one.calendar(DUPOND):
        pass
    assert listener.end("contacts")["account"] == "dupond@lespetitspains.com"
    assert listener.end("calendar")["status"] == 0


def test_switched_off_gmail_refuses_both(layers: Layers) -> None:
    """« Utiliser Gmail pour l'envoi de mail et le CRM » governs the CRM too."""
    one = layers(use_gmail="false")
    with pytest.raises(RefusedError), one.people(DUPOND):
        pass
    with pytest.raises(RefusedError), one.calendar(DUPOND):
        pass
