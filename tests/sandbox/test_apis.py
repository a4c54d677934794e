"""People, Calendar, Tasks and batches."""

import json
from collections.abc import Callable
from typing import Any

import httplib2
import pytest
from googleapiclient.errors import HttpError

from samples.sandbox import Sandbox
from samples.sandbox.client import MAIL, SCOPE

DUPOND = "dupond@masoc.com"
SCOPES = ("admin.directory.user", "admin.directory.userschema", "calendar")
Connect = Callable[..., Any]


def status(request: Any) -> int:
    """Status of a request that must fail."""
    with pytest.raises(HttpError) as caught:
        request.execute()
    code: int = caught.value.status_code
    return code


def names(people: list[dict[str, Any]]) -> list[str]:
    """Display names."""
    return [person["names"][0]["displayName"] for person in people]


# --- People -----------------------------------------------------------------------------------


def test_contacts_by_page_and_mask(connect: Connect) -> None:
    """Contacts come by page, with the fields of the mask and no other."""
    connections = connect("people", DUPOND, "contacts.readonly").people().connections()
    request = connections.list(resourceName="people/me", personFields="names", pageSize=2)
    first = request.execute()
    second = connections.list_next(request, first).execute()
    assert names(first["connections"] + second["connections"]) == [
        "Marie Lefèvre",
        "Karim Benali",
        "Zoé O'Brien",
    ]
    assert set(first["connections"][0]) == {"resourceName", "etag", "names"}
    assert status(connections.list(resourceName="people/me")) == 400


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("mari", ["Marie Lefèvre"]),
        ("karim.benali@", ["Karim Benali"]),
        ("sucre", ["Karim Benali"]),
        ("0388123456", ["Marie Lefèvre"]),
        ("+33 1 40 20", ["Karim Benali"]),
        ("nobody", []),
    ],
)
def test_contact_is_found(connect: Connect, query: str, found: list[str]) -> None:
    """A contact is found by name, address, company or number."""
    people = connect("people", DUPOND, "contacts").people()
    answer = people.searchContacts(query=query, readMask="names,phoneNumbers").execute()
    assert names([result["person"] for result in answer.get("results", [])]) == found


def test_directory_people_need_their_own_scope(connect: Connect) -> None:
    """Colleagues are listed with directory.readonly only, and without the suspended one."""
    mask = {
        "readMask": "names,emailAddresses",
        "sources": ["DIRECTORY_SOURCE_TYPE_DOMAIN_PROFILE"],
    }
    people = connect("people", DUPOND, "directory.readonly").people()
    listed = people.listDirectoryPeople(**mask).execute()["people"]
    addresses = [person["emailAddresses"][0]["value"] for person in listed]
    assert "accueil@masoc.com" in addresses
    assert "ancien@masoc.com" not in addresses
    found = people.searchDirectoryPeople(query="accueil", **mask).execute()["people"]
    assert names(found) == ["Accueil Masoc"]
    assert status(people.listDirectoryPeople(readMask="names")) == 400
    other = connect("people", DUPOND, "contacts").people()
    assert status(other.listDirectoryPeople(**mask)) == 403


def test_other_contacts_and_one_person(connect: Connect) -> None:
    """Other contacts have their own list; a person is read by name; an unknown one is 404."""
    service = connect("people", DUPOND, "contacts", "contacts.other.readonly")
    listed = service.otherContacts().list(readMask="names").execute()["otherContacts"]
    assert names(listed) == ["Livraisons Express"]
    people = service.people()
    name = "people/c000000000000000003"
    person = people.get(resourceName=name, personFields="names,organizations").execute()
    assert person["organizations"][0]["name"] == "O'Brien Butter"
    me = people.get(resourceName="people/me", personFields="emailAddresses").execute()
    assert me["emailAddresses"][0]["value"] == DUPOND
    assert status(people.get(resourceName="people/c9", personFields="names")) == 404


# --- Calendar and Tasks -----------------------------------------------------------------------


def event(day: int = 1, **facts: Any) -> dict[str, Any]:
    """An event of an hour in January 2030."""
    start = {"dateTime": f"2030-01-{day:02d}T10:00:00+01:00"}
    end = {"dateTime": f"2030-01-{day:02d}T11:00:00+01:00"}
    return {"summary": "Visite", "start": start, "end": end, **facts}


def test_event_life(connect: Connect) -> None:
    """An event is made, read, changed against its etag only, and cancelled once."""
    events = connect("calendar", DUPOND, "calendar").events()
    made = events.insert(calendarId="primary", body=event()).execute()
    key = {"calendarId": DUPOND, "eventId": made["id"]}
    assert events.get(**key).execute() == made
    changed = events.patch(**key, body={"summary": "Reportée"}).execute()
    assert changed["start"] == made["start"]
    assert changed["etag"] != made["etag"]
    stale = events.update(**key, body=event())
    stale.headers["If-Match"] = made["etag"]
    assert status(stale) == 412
    stale.headers["If-Match"] = changed["etag"]
    assert stale.execute()["summary"] == "Visite"
    events.delete(**key).execute()
    assert events.get(**key).execute()["status"] == "cancelled"
    assert status(events.delete(**key)) == 410
    assert status(events.insert(calendarId="primary", body=event(id=made["id"]))) == 409
    assert status(events.insert(calendarId="primary", body={"summary": "x"})) == 400
    assert status(events.insert(calendarId="primary", body=event(start="x"))) == 400
    assert status(events.get(calendarId="accueil@masoc.com", eventId="x")) == 404


def test_events_are_listed_by_time_and_word(connect: Connect) -> None:
    """A span of time, a word and an order select; a read scope is not enough to write."""
    events = connect("calendar", DUPOND, "calendar").events()
    for day in (3, 1, 2):
        events.insert(calendarId="primary", body=event(day, location=f"salle {day}")).execute()
    span = {"calendarId": "primary", "timeMin": "2030-01-02T00:00:00Z", "orderBy": "startTime"}
    found = events.list(**span, singleEvents=True).execute()["items"]
    assert [one["location"] for one in found] == ["salle 2", "salle 3"]
    assert len(events.list(**span, q="SALLE 3").execute()["items"]) == 1
    assert status(events.list(calendarId="primary", timeMin="demain")) == 400
    reader = connect("calendar", DUPOND, "calendar.readonly")
    assert status(reader.events().insert(calendarId="primary", body=event())) == 403
    assert reader.calendarList().list().execute()["items"][0]["primary"] is True


def test_sync_token_brings_the_changes(box: Sandbox, connect: Connect) -> None:
    """A sync token brings what changed since, deletions too, until it expires."""
    events = connect("calendar", DUPOND, "calendar").events()
    request = events.list(calendarId="primary", maxResults=2)
    first = request.execute()
    assert "nextSyncToken" not in first
    token = events.list_next(request, first).execute()["nextSyncToken"]
    made = events.insert(calendarId="primary", body=event()).execute()
    events.delete(calendarId="primary", eventId="seed1").execute()
    changes = events.list(calendarId="primary", syncToken=token).execute()
    assert {(one["id"], one["status"]) for one in changes["items"]} == {
        (made["id"], "confirmed"),
        ("seed1", "cancelled"),
    }
    box.expire_sync_tokens()
    assert status(events.list(calendarId="primary", syncToken=token)) == 410


def test_tasks(connect: Connect) -> None:
    """The list of tasks, and the one in it."""
    tasks = connect("tasks", DUPOND, "tasks.readonly")
    [entry] = tasks.tasklists().list().execute()["items"]
    [task] = tasks.tasks().list(tasklist=entry["id"]).execute()["items"]
    assert task["title"] == "Rappeler Mme Lefèvre"
    assert status(tasks.tasks().list(tasklist="x")) == 404


# --- Batches and the rest ---------------------------------------------------------------------


def test_batch_answers_each_part(box: Sandbox, connect: Connect) -> None:
    """The outer status is 200 whatever the parts got; each part counts as its own method."""
    users = connect("gmail", DUPOND, MAIL)
    answers: dict[str, tuple[Any, Any]] = {}
    users.users().getProfile(userId="me").execute()
    batch = users.new_batch_http_request(
        lambda name, answer, e: answers.update({name: (answer, e)})
    )
    batch.add(users.users().getProfile(userId="me"), request_id="mine")
    batch.add(users.users().getProfile(userId="accueil@masoc.com"), request_id="other's")
    batch.add(
        users.users().messages().modify(userId="me", id="x", body={"addLabelIds": ["é"]}),
        request_id="missing",
    )
    batch.execute()
    assert answers["mine"][0]["emailAddress"] == DUPOND
    assert answers["other's"][1].status_code == 403
    assert answers["missing"][1].status_code == 404
    outer = box.requests[-1]
    assert (outer.method_id, outer.status) == ("batch", 200)
    assert [(part.method_id, part.status) for part in outer.parts] == [
        ("gmail.users.getProfile", 200),
        ("gmail.users.getProfile", 403),
        ("gmail.users.messages.modify", 404),
    ]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_batch_faults_hit_parts(box: Sandbox, connect: Connect) -> None:
    """A fault on a method hits the part that calls it; the client renews the token for it.

    It does so over a connection of its own, and never closes it: hence the filter.
    """
    service = connect("calendar", DUPOND, "calendar")
    box.fault("401-once", match="calendar.events.*#part")
    answers: list[tuple[Any, Any]] = []
    batch = service.new_batch_http_request(lambda _, answer, error: answers.append((answer, error)))
    batch.add(service.events().get(calendarId="primary", eventId="seed1"))
    batch.add(service.calendarList().list())
    service.calendarList().list().execute()
    batch.execute()
    assert [error for _, error in answers] == [None, None]
    batches = [seen for seen in box.requests if seen.kind == "batch"]
    assert [[part.status for part in seen.parts] for seen in batches] == [[401, 200], [200]]


def test_batch_of_too_many_is_refused(box: Sandbox, connect: Connect) -> None:
    """More than 100 parts are one 400."""
    service = connect("gmail", DUPOND, MAIL)
    service.users().getProfile(userId="me").execute()
    batch = service.new_batch_http_request()
    for _ in range(101):
        batch.add(service.users().getProfile(userId="me"))
    with pytest.raises(HttpError) as caught:
        batch.execute()
    assert caught.value.status_code == 400


def test_unknown_things(box: Sandbox, connect: Connect) -> None:
    """An unknown address is the front end's page; a method that nobody plays says so."""
    http = httplib2.Http()
    response, content = http.request(box.url + "/gmail/v9/nothing")
    assert (response.status, content[:9]) == (404, b"<!DOCTYPE")
    response, content = http.request(box.url + "/gmail/v1/users/me/profile")
    assert response.status == 401
    assert json.loads(content)["error"]["errors"][0]["reason"] == "authError"
    http.close()
    threads = connect("gmail", DUPOND, MAIL).users().threads()
    assert status(threads.list(userId="me")) == 501


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", "admin/directory/v1/users/test%40diva-gs.com", '{"customSchemas":"x"}'),
        (
            "PATCH",
            "admin/directory/v1/users/test%40diva-gs.com",
            '{"customSchemas":{"Divalto":[]}}',
        ),
        ("PATCH", "admin/directory/v1/users/test%40diva-gs.com", '{"name":[1]}'),
        ("PATCH", "admin/directory/v1/users/test%40diva-gs.com", "{"),
        ("POST", "admin/directory/v1/customer/my_customer/schemas", '{"schemaName":5,"fields":5}'),
        ("POST", "gmail/v1/users/me/messages/send", "[]"),
        ("POST", "gmail/v1/users/me/drafts", '{"message":5}'),
        ("POST", "calendar/v3/calendars/primary/events", '{"start":5,"end":5}'),
        ("GET", "gmail/v1/users/me/messages?q=after:foo", None),
        ("GET", "gmail/v1/users/me/messages?q=newer_than:x", None),
        ("GET", "gmail/v1/users/me/messages?maxResults=x", None),
        ("POST", "batch", "x"),
        ("POST", "upload/gmail/v1/users/me/messages/send?uploadType=multipart", "x"),
    ],
)
def test_malformed_request_is_a_400(box: Sandbox, method: str, path: str, body: str | None) -> None:
    """What has not the shape of the discovery document is refused, never a server error."""
    box.world[DUPOND].admin = True
    token = box.token(DUPOND, MAIL, *(SCOPE + name for name in SCOPES))
    http = httplib2.Http()
    headers = {"Authorization": f"Bearer {token}"}
    response, _ = http.request(f"{box.url}/{path}", method, body=body, headers=headers)
    http.close()
    assert response.status == 400
