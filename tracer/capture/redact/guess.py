"""Which API method a Google URL belongs to, for bodies that no call names. Only when certain.

The verb is not known here: an allow-list that does not fit the body keeps nothing of it.
"""

import re
from functools import lru_cache
from typing import Final

_USER: Final = r"gmail/v1/users/[^/]+"
_PATHS: Final = {
    rf"{_USER}/messages/send": "gmail.users.messages.send",
    rf"{_USER}/messages": "gmail.users.messages.list",
    rf"{_USER}/messages/[^/]+": "gmail.users.messages.get",
    rf"{_USER}/messages/[^/]+/attachments/[^/]+": "gmail.users.messages.attachments.get",
    rf"{_USER}/threads": "gmail.users.threads.list",
    rf"{_USER}/threads/[^/]+": "gmail.users.threads.get",
    rf"{_USER}/drafts/send": "gmail.users.drafts.send",
    rf"{_USER}/drafts/[^/]+": "gmail.users.drafts.get",
    rf"{_USER}/history": "gmail.users.history.list",
    rf"{_USER}/profile": "gmail.users.getProfile",
    rf"{_USER}/labels": "gmail.users.labels.list",
    rf"{_USER}/settings/sendAs": "gmail.users.settings.sendAs.list",
    r"admin/directory/v1/users": "directory.users.list",
    r"admin/directory/v1/users/[^/]+": "directory.users.get",
    r"admin/directory/v1/customer/[^/]+/schemas": "directory.schemas.list",
    r"v1/people/[^/]+/connections": "people.people.connections.list",
    r"v1/people:searchContacts": "people.people.searchContacts",
    r"v1/people:listDirectoryPeople": "people.people.listDirectoryPeople",
    r"v1/people:searchDirectoryPeople": "people.people.searchDirectoryPeople",
    r"v1/otherContacts": "people.otherContacts.list",
    r"calendar/v3/calendars/[^/]+/events": "calendar.events.list",
    r"calendar/v3/calendars/[^/]+/events/[^/]+": "calendar.events.get",
    r"calendar/v3/users/[^/]+/calendarList": "calendar.calendarList.list",
    r"tasks/v1/lists/[^/]+/tasks": "tasks.tasks.list",
    r"tasks/v1/lists/[^/]+/tasks/[^/]+": "tasks.tasks.get",
}
_WRITES: Final = {
    "gmail.users.messages.list": "gmail.users.messages.insert",
    "calendar.events.list": "calendar.events.insert",
    "calendar.events.get": "calendar.events.update",
    "directory.schemas.list": "directory.schemas.insert",
    "tasks.tasks.list": "tasks.tasks.insert",
    "tasks.tasks.get": "tasks.tasks.update",
    "gmail.users.drafts.get": "gmail.users.drafts.update",
}
_IDS: Final = list(_PATHS.values())
_PATTERN: Final = re.compile(
    r"(?:https?://[^/?#]+)?/(?:(?:resumable/)?upload/)?(?:"
    + "|".join(f"({path})" for path in _PATHS)
    + r")(?:[?#]|\Z)"
)


def method_of(url: str, direction: str) -> str | None:
    """Return the method id of the body that goes to or comes from `url`, or None."""
    found = _of_place(url.partition("?")[0][:300])
    return _WRITES.get(found, found) if found and direction == "request" else found


@lru_cache(maxsize=256)
def _of_place(place: str) -> str | None:
    match = _PATTERN.match(place)
    return _IDS[match.lastindex - 1] if match and match.lastindex else None
