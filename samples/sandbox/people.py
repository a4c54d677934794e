"""People API: the user's contacts, other contacts, and the people of the directory."""

from collections.abc import Iterable

from samples.sandbox.call import Call, plays
from samples.sandbox.errors import Refused
from samples.sandbox.wire import Json
from samples.sandbox.world import User

_ALWAYS = ("resourceName", "etag")


@plays("people.people.connections.list")
def connections_list(call: Call) -> Json:
    """The user's contacts, by page."""
    if call.params["resourceName"] != "people/me":
        raise Refused("argument", name="resource_name", value=call.params["resourceName"])
    mask = _mask(call, "personFields")
    people = [_masked(person, mask) for person in call.user.contacts]
    page, following = call.page(people, call.number("pageSize", 100, 1, 2000))
    answer: Json = {"totalPeople": len(call.user.contacts), "totalItems": len(call.user.contacts)}
    if page:
        answer["connections"] = page
    return _with_page(answer, following)


@plays("people.people.searchContacts")
def search_contacts(call: Call) -> Json:
    """Contacts with a name, address, company or number that begins so."""
    mask = _mask(call, "readMask")
    size = call.number("pageSize", 10, 1, 30)
    found = [p for p in call.user.contacts if _matches(p, call.arg("query"))][:size]
    return {"results": [{"person": _masked(person, mask)} for person in found]} if found else {}


@plays("people.otherContacts.list")
def other_contacts_list(call: Call) -> Json:
    """People the user wrote to without keeping them as contacts."""
    mask = _mask(call, "readMask")
    people = [_masked(person, mask) for person in call.user.other_contacts]
    page, following = call.page(people, call.number("pageSize", 100, 1, 1000))
    answer: Json = {"totalSize": len(call.user.other_contacts)}
    if page:
        answer["otherContacts"] = page
    return _with_page(answer, following)


@plays("people.people.listDirectoryPeople", "people.people.searchDirectoryPeople")
def directory_people(call: Call) -> Json:
    """The customer's own users, as colleagues see them."""
    mask = _mask(call, "readMask")
    if not call.args("sources"):
        raise Refused("argument", name="sources", value="")
    query = call.arg("query")
    if call.subject is None:
        raise Refused("not-in-a-domain")
    shown = [user for user in call.world if not (user.suspended or user.deleted)]
    people = [_profile(user) for user in shown]
    found = [_masked(p, mask) for p in people if not query or _matches(p, query)]
    page, following = call.page(found, call.number("pageSize", 100, 1, 1000))
    answer: Json = {"people": page} if page else {}
    return _with_page(answer, following)


@plays("people.people.get")
def people_get(call: Call) -> Json:
    """The user's own profile, a contact, or a colleague."""
    mask = _mask(call, "personFields")
    name = call.params["resourceName"]
    known = [*call.user.contacts, *(_profile(user) for user in call.world)]
    if name == "people/me":
        return _masked(_profile(call.user), mask) | {"resourceName": _profile_name(call.user)}
    for person in known:
        if person["resourceName"] == name:
            return _masked(person, mask)
    raise Refused("entity-not-found")


def _mask(call: Call, name: str) -> list[str]:
    fields = call.args(name)
    if not fields:
        raise Refused("read-mask", name=name)
    return fields


def _masked(person: Json, mask: Iterable[str]) -> Json:
    return {key: person[key] for key in (*_ALWAYS, *mask) if key in person}


def _with_page(answer: Json, following: str | None) -> Json:
    return answer | ({"nextPageToken": following} if following else {})


def _profile_name(user: User) -> str:
    return f"people/1{user.id[1:]}"


def _profile(user: User) -> Json:
    return {
        "resourceName": _profile_name(user),
        "etag": f"%EgMBAgk{user.etag}",
        "names": [{"displayName": user.name, "givenName": user.given, "familyName": user.family}],
        "emailAddresses": [{"value": name} for name in user.addresses],
        "organizations": [{"name": user.primary.partition("@")[2]}],
    }


def _matches(person: Json, query: str) -> bool:
    """Tell whether any word of the person begins with `query`; of numbers only digits count."""
    wanted = query.strip().lower()
    digits = "".join(c for c in wanted if c.isdigit())
    for phone in person.get("phoneNumbers", ()):
        number = "".join(c for c in phone["value"] if c.isdigit())
        if len(digits) >= 4 and (number.startswith(digits) or number.endswith(digits.lstrip("0"))):
            return True
    texts = [
        *(name.get("displayName", "") for name in person.get("names", ())),
        *(address["value"] for address in person.get("emailAddresses", ())),
        *(company.get("name", "") for company in person.get("organizations", ())),
    ]
    return any(
        text.lower().startswith(wanted) or f" {wanted}" in f" {text.lower()}" for text in texts
    )
