"""Events in an account's primary calendar: create, list, change, delete."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from tracer.protocol.errors import MessageError
from tracer.protocol.gsuite.client import Google, pages
from tracer.protocol.gsuite.send import Once


@dataclass(frozen=True, slots=True, kw_only=True)
class Appointment:
    """An event. A whole day is given by dates instead of times; `end` is then the last day."""

    title: str
    start: datetime | date
    end: datetime | date
    place: str = ""
    text: str = ""
    guests: tuple[str, ...] = ()
    id: str = ""


class Calendar:
    """The primary calendar of `account`."""

    def __init__(self, google: Google, account: str) -> None:
        self._google = google
        self._account = account

    def between(self, since: datetime, until: datetime) -> list[Appointment]:
        """Return what takes place in that time, the earliest first; series as single events.

        Raises:
            LayerError: Google refused, or did not answer.
        """
        ask = partial(
            self._events.list, calendarId="primary",
            timeMin=since.isoformat(), timeMax=until.isoformat(),
            singleEvents=True, orderBy="startTime", maxResults=250,
        )  # fmt: skip
        found: list[Appointment] = []
        for page in pages(self._google.run, ask):
            found += [_appointment(item) for item in page.get("items") or [] if _has_times(item)]
        return found

    def create(self, appointment: Appointment) -> str:
        """Enter an event and return its id; guests are told by Google.

        Raises:
            LayerError: It was not entered.
        """
        body = _body(appointment)
        request = self._events.insert(calendarId="primary", body=body, sendUpdates="all")
        request.body = Once(request.body.encode())  # a hidden re-send would invite twice
        return str(self._google.run(request)["id"])

    def change(self, event_id: str, **fields: Any) -> Appointment:
        """Change the given fields of an event (those of `Appointment`) and return it as it is now.

        Raises:
            LayerError: It was not changed.
        """
        known = _appointment(
            self._google.run(self._events.get(calendarId="primary", eventId=event_id))
        )
        values = {name: getattr(known, name) for name in Appointment.__slots__} | fields
        whole = _body(Appointment(**values))
        body = {key: whole[key] for key in _keys(fields)}
        request = self._events.patch(
            calendarId="primary", eventId=event_id, body=body, sendUpdates="all"
        )
        return _appointment(self._google.run(request))

    def delete(self, event_id: str) -> None:
        """Delete an event; guests are told by Google.

        Raises:
            LayerError: It was not deleted.
        """
        request = self._events.delete(calendarId="primary", eventId=event_id, sendUpdates="all")
        self._google.run(request, empty=True)

    @property
    def _events(self) -> Any:
        return self._google.service("calendar", self._account, "calendar").events()


_KEYS = {
    "title": "summary",
    "start": "start",
    "end": "end",
    "place": "location",
    "text": "description",
    "guests": "attendees",
}


def _keys(fields: dict[str, Any]) -> set[str]:
    """Return the resource's keys for our fields; start and end go together."""
    keys = {_KEYS[name] for name in fields}
    return keys | {"start", "end"} if keys & {"start", "end"} else keys


def _body(appointment: Appointment) -> dict[str, Any]:
    start, end = appointment.start, appointment.end
    if isinstance(start, datetime) is not isinstance(end, datetime):
        raise MessageError(
            "one end of the event is a day, the other a time", remedy="give both alike"
        )
    if end < start or (isinstance(end, datetime) and end == start):
        raise MessageError("the event ends before it begins", remedy="exchange start and end")
    if not isinstance(end, datetime):
        end += timedelta(days=1)  # the resource's end is exclusive
    return {
        "summary": appointment.title,
        "start": _moment(start),
        "end": _moment(end),
        "location": appointment.place,
        "description": appointment.text,
        "attendees": [{"email": guest} for guest in appointment.guests],
    }


def _moment(value: datetime | date) -> dict[str, str]:
    if isinstance(value, datetime):
        return {
            "dateTime": value.astimezone().isoformat()
            if value.tzinfo is None
            else value.isoformat()
        }
    return {"date": value.isoformat()}


def _has_times(item: dict[str, Any]) -> bool:
    return bool(item.get("start")) and bool(item.get("end"))


def _appointment(item: dict[str, Any]) -> Appointment:
    end = _value(item["end"])
    if not isinstance(end, datetime):
        end -= timedelta(days=1)
    guests = tuple(str(one["email"]) for one in item.get("attendees") or [] if one.get("email"))
    return Appointment(
        title=str(item.get("summary") or ""),
        start=_value(item["start"]),
        end=end,
        place=str(item.get("location") or ""),
        text=str(item.get("description") or ""),
        guests=guests,
        id=str(item.get("id") or ""),
    )


def _value(moment: dict[str, str]) -> datetime | date:
    if "dateTime" in moment:
        return datetime.fromisoformat(moment["dateTime"])
    return date.fromisoformat(moment["date"])
