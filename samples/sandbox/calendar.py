"""Calendar API: the events of one's own calendar, with sync tokens and entity tags."""

import itertools
import secrets
from datetime import UTC, date, datetime

from samples.sandbox.call import Call, plays
from samples.sandbox.errors import Refused
from samples.sandbox.wire import Json, Reply
from samples.sandbox.world import User, rfc3339

_ids = itertools.count(1)


@plays("calendar.calendarList.list")
def calendar_list(call: Call) -> Json:
    """The calendars of the user: the primary one."""
    entry = {
        "kind": "calendar#calendarListEntry",
        "id": call.user.primary,
        "summary": call.user.primary,
        "timeZone": "Europe/Paris",
        "primary": True,
        "accessRole": "owner",
    }
    return {"kind": "calendar#calendarList", "etag": '"calendars"', "items": [entry]}


@plays("calendar.events.list")
def events_list(call: Call) -> Json:
    """Events in a span of time, or those changed since a sync token."""
    user = _owner(call)
    since = 0
    if token := call.arg("syncToken"):
        known = call.state.sync_tokens.get(token)
        if known is None or known[0] != user.primary:
            raise Refused("sync-expired")
        since = known[1]
    found = [event for event in user.events.values() if _selected(call, event, since)]
    if call.arg("orderBy") == "startTime":
        found.sort(key=lambda event: _moment(event["start"]))
    page, following = call.page(found, call.number("maxResults", 250, 1, 2500))
    answer: Json = {
        "kind": "calendar#events",
        "etag": f'"events-{call.state.calendar_revision}"',
        "summary": user.primary,
        "updated": rfc3339(call.now),
        "timeZone": "Europe/Paris",
        "accessRole": "owner",
        "items": [_shown(event) for event in page],
    }
    if following:
        answer["nextPageToken"] = following
    else:
        new = "CPDAlvWDx70CEPDAlvWDx70CGAU" + secrets.token_urlsafe(8)
        call.state.sync_tokens[new] = (user.primary, call.state.calendar_revision)
        answer["nextSyncToken"] = new
    return answer


def _selected(call: Call, event: Json, since: int) -> bool:
    if since:
        return bool(event["_revision"] > since)
    if event["status"] == "cancelled" and not call.flag("showDeleted"):
        return False
    text = f"{event.get('summary', '')} {event.get('description', '')} {event.get('location', '')}"
    if call.arg("q").lower() not in text.lower():
        return False
    start, end = _moment(event["start"]), _moment(event["end"])
    low, high = call.arg("timeMin"), call.arg("timeMax")
    return (not low or end > _time(low)) and (not high or start < _time(high))


@plays("calendar.events.get")
def events_get(call: Call) -> Json:
    """One event; a deleted one is shown cancelled."""
    return _shown(_event(call))


@plays("calendar.events.insert")
def events_insert(call: Call) -> Json:
    """A new event."""
    user = _owner(call)
    given = call.json()
    name = str(given.get("id") or f"sandbox{next(_ids):019d}")
    if name in user.events:
        raise Refused("event-exists")
    event = {
        "kind": "calendar#event",
        "id": name,
        "status": "confirmed",
        "created": rfc3339(call.now),
        "creator": {"email": user.primary, "self": True},
        "organizer": {"email": user.primary, "self": True},
        "iCalUID": f"{name}@google.com",
        "htmlLink": f"https://www.google.com/calendar/event?eid={name}",
        **given,
    }
    return _kept(call, user, event)


@plays("calendar.events.patch", "calendar.events.update")
def events_change(call: Call) -> Json:
    """Change an event, in part or as a whole; with If-Match only the version one knows."""
    user, event = _owner(call), _event(call)
    _check_etag(call, event)
    given = call.json()
    own = ("kind", "id", "created", "creator", "organizer", "iCalUID", "htmlLink", "status")
    base = event if call.method.verb == "PATCH" else {key: event[key] for key in own}
    changed = {key: value for key, value in {**base, **given}.items() if value is not None}
    return _kept(call, user, changed)


@plays("calendar.events.delete")
def events_delete(call: Call) -> Reply:
    """Cancel an event."""
    user, event = _owner(call), _event(call)
    if event["status"] == "cancelled":
        raise Refused("event-deleted")
    _check_etag(call, event)
    _kept(call, user, {**event, "status": "cancelled"})
    return Reply(204)


def _owner(call: Call) -> User:
    if call.params["calendarId"].lower() not in ("primary", call.user.primary):
        raise Refused("not-found")
    return call.user


def _event(call: Call) -> Json:
    found = _owner(call).events.get(call.params["eventId"])
    if found is None:
        raise Refused("not-found")
    return found


def _kept(call: Call, user: User, event: Json) -> Json:
    """Check, stamp and keep an event; return it as the API shows it."""
    if "start" not in event or "end" not in event:
        raise Refused("no-end-time")
    if _moment(event["end"]) < _moment(event["start"]):
        raise Refused("empty-range")
    call.state.calendar_revision += 1
    event = {**event, "updated": rfc3339(call.now), "_revision": call.state.calendar_revision}
    event["etag"] = f'"{int(call.now * 1000)}{call.state.calendar_revision:04d}"'
    user.events[event["id"]] = event
    return _shown(event)


def _check_etag(call: Call, event: Json) -> None:
    wanted = call.request.headers.get("if-match", "*")
    if wanted not in ("*", event["etag"]):
        raise Refused("precondition")


def _shown(event: Json) -> Json:
    return {key: value for key, value in event.items() if not key.startswith("_")}


def _moment(point: Json) -> datetime:
    """The time of a start or end, which is a moment or a whole day.

    Raises:
        Refused: 400 when it is neither.
    """
    try:
        if "dateTime" in point:
            return _time(point["dateTime"])
        return datetime.combine(date.fromisoformat(point["date"]), datetime.min.time(), UTC)
    except (KeyError, TypeError, ValueError) as error:
        raise Refused("bad-request") from error


def _time(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise Refused("bad-request") from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)
