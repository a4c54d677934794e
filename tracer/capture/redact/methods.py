"""What is kept of the bodies of each API method: the allow-lists.

Only what is named here is decoded, so the cost follows what is kept. A value of an unexpected type
or length fails the whole decoding, and the generic walk takes over.
"""

from collections.abc import Callable
from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType, field

Short = Annotated[str, Meta(max_length=320)]
Id = Annotated[str, Meta(max_length=128)]
_Value = str | int | float | bool | None
Opaque = str
"""Long and meaningless; a tag takes its place."""


class _Kept(Struct, rename="camel", omit_defaults=True):
    pass


class Page(_Kept):
    """A page of a list, and how the next one is asked for."""

    next_page_token: Opaque | None = None
    next_sync_token: Opaque | None = None


class User(_Kept):
    """A Directory user: what the account resolution and the findings look at."""

    id: Id | None = None
    primary_email: Short | None = None
    aliases: list[Short] = field(default_factory=list)
    non_editable_aliases: list[Short] = field(default_factory=list)
    suspended: bool | None = None
    suspension_reason: Short | None = None
    archived: bool | None = None
    deletion_time: Short | None = None
    is_mailbox_setup: bool | None = None
    is_admin: bool | None = None
    is_delegated_admin: bool | None = None
    custom_schemas: msgspec.Raw | UnsetType = UNSET
    """`CustomSchemas`, decoded where it has not been seen before."""


CustomSchemas = dict[str, dict[str, _Value | list[dict[str, _Value]]]]


class Users(Page):
    """A page of ``directory.users.list``."""

    users: list[User] = field(default_factory=list)


class _SchemaField(_Kept):
    field_id: Id | None = None
    field_name: Short | None = None
    field_type: Short | None = None
    multi_valued: bool | None = None
    indexed: bool | None = None
    read_access_type: Short | None = None


class _Schema(_Kept):
    schema_id: Id | None = None
    schema_name: Short | None = None
    display_name: Short | None = None
    fields: list[_SchemaField] = field(default_factory=list)


class _Schemas(_Kept):
    schemas: list[_Schema] = field(default_factory=list)


class Header(_Kept):
    """A header of a mail."""

    name: Short = ""
    value: str = ""


class PartBody(_Kept):
    """How big a part is, and where its text can be had."""

    size: int | None = None
    attachment_id: Opaque | None = None


class Part(_Kept):
    """A part of a mail, as Gmail gives it; the text in it is not decoded."""

    part_id: Id | None = None
    mime_type: Short | None = None
    headers: list[Header] = field(default_factory=list)
    body: PartBody | None = None
    parts: list["Part"] = field(default_factory=list)


class Message(_Kept):
    """A Gmail message; ``snippet`` and ``raw`` are not decoded."""

    id: Id | None = None
    thread_id: Id | None = None
    label_ids: list[Short] = field(default_factory=list)
    history_id: Id | int | None = None
    internal_date: Id | None = None
    size_estimate: int | None = None
    payload: Part | None = None


class Messages(Page):
    """A page of ``gmail.users.messages.list``."""

    messages: list[Message] = field(default_factory=list)
    result_size_estimate: int | None = None


class _Thread(_Kept):
    id: Id | None = None
    history_id: Id | None = None
    messages: list[Message] = field(default_factory=list)


class _Threads(Page):
    threads: list[_Thread] = field(default_factory=list)
    result_size_estimate: int | None = None


class _Draft(_Kept):
    id: Id | None = None
    message: Message | None = None


class _Drafts(Page):
    drafts: list[_Draft] = field(default_factory=list)
    result_size_estimate: int | None = None


class _Changed(_Kept):
    message: Message | None = None
    label_ids: list[Short] = field(default_factory=list)


class _Change(_Kept):
    id: Id | None = None
    messages: list[Message] = field(default_factory=list)
    messages_added: list[_Changed] = field(default_factory=list)
    messages_deleted: list[_Changed] = field(default_factory=list)
    labels_added: list[_Changed] = field(default_factory=list)
    labels_removed: list[_Changed] = field(default_factory=list)


class _History(Page):
    history: list[_Change] = field(default_factory=list)
    history_id: Id | None = None


class _Profile(_Kept):
    email_address: Short | None = None
    messages_total: int | None = None
    threads_total: int | None = None
    history_id: Id | None = None


class _Label(_Kept):
    id: Id | None = None
    type: Short | None = None
    messages_total: int | None = None
    messages_unread: int | None = None


class _Labels(_Kept):
    labels: list[_Label] = field(default_factory=list)


class _SmtpMsa(_Kept):
    host: Short | None = None
    port: int | None = None
    security_mode: Short | None = None


class _SendAs(_Kept):
    send_as_email: Short | None = None
    reply_to_address: Short | None = None
    is_primary: bool | None = None
    is_default: bool | None = None
    treat_as_alias: bool | None = None
    verification_status: Short | None = None
    smtp_msa: _SmtpMsa | None = None


class _SendAsList(_Kept):
    send_as: list[_SendAs] = field(default_factory=list)


class _Modify(_Kept):
    ids: list[Id] = field(default_factory=list)
    add_label_ids: list[Short] = field(default_factory=list)
    remove_label_ids: list[Short] = field(default_factory=list)


class _EmailAddress(_Kept):
    value: Short | None = None
    type: Short | None = None


class _Person(_Kept):
    resource_name: Short | None = None
    email_addresses: list[_EmailAddress] = field(default_factory=list)


class _Found(_Kept):
    person: _Person | None = None


class _People(Page):
    connections: list[_Person] = field(default_factory=list)
    people: list[_Person] = field(default_factory=list)
    other_contacts: list[_Person] = field(default_factory=list)
    results: list[_Found] = field(default_factory=list)
    total_people: int | None = None
    total_items: int | None = None
    total_size: int | None = None


class _When(_Kept):
    date: Short | None = None
    date_time: Short | None = None
    time_zone: Short | None = None


class _Attendee(_Kept):
    response_status: Short | None = None
    self: bool | None = None
    organizer: bool | None = None


class _Organizer(_Kept):
    email: Short | None = None
    self: bool | None = None


class _Event(_Kept):
    id: Short | None = None
    status: Short | None = None
    created: Short | None = None
    updated: Short | None = None
    start: _When | None = None
    end: _When | None = None
    recurring_event_id: Short | None = None
    organizer: _Organizer | None = None
    attendees: list[_Attendee] = field(default_factory=list)
    visibility: Short | None = None
    transparency: Short | None = None
    event_type: Short | None = None
    sequence: int | None = None
    recurrence: list[Short] = field(default_factory=list)


class _Events(Page):
    items: list[_Event] = field(default_factory=list)
    time_zone: Short | None = None
    access_role: Short | None = None
    updated: Short | None = None


class _Calendar(_Kept):
    id: Short | None = None
    access_role: Short | None = None
    primary: bool | None = None
    time_zone: Short | None = None
    selected: bool | None = None
    deleted: bool | None = None


class _Calendars(Page):
    items: list[_Calendar] = field(default_factory=list)


class _Task(_Kept):
    id: Short | None = None
    status: Short | None = None
    due: Short | None = None
    updated: Short | None = None
    completed: Short | None = None
    deleted: bool | None = None
    hidden: bool | None = None
    parent: Short | None = None
    position: Short | None = None


class _Tasks(Page):
    items: list[_Task] = field(default_factory=list)


class Send(_Kept):
    """The request of ``gmail.users.messages.send``; `raw` becomes the structure of the mail."""

    raw: str | None = None
    thread_id: Id | None = None
    label_ids: list[Short] = field(default_factory=list)


class SendDraft(_Kept):
    """The request of ``gmail.users.drafts.create``."""

    id: Id | None = None
    message: Send | None = None


_RESPONSES: Final[dict[str, type[Struct]]] = {
    "directory.users.list": Users,
    "directory.users.get": User,
    "directory.schemas.list": _Schemas,
    "directory.schemas.get": _Schema,
    "directory.schemas.insert": _Schema,
    "gmail.users.messages.list": Messages,
    "gmail.users.messages.get": Message,
    "gmail.users.messages.send": Message,
    "gmail.users.messages.insert": Message,
    "gmail.users.messages.import": Message,
    "gmail.users.messages.modify": Message,
    "gmail.users.messages.trash": Message,
    "gmail.users.messages.untrash": Message,
    "gmail.users.messages.attachments.get": PartBody,
    "gmail.users.threads.list": _Threads,
    "gmail.users.threads.get": _Thread,
    "gmail.users.drafts.list": _Drafts,
    "gmail.users.drafts.get": _Draft,
    "gmail.users.drafts.create": _Draft,
    "gmail.users.drafts.update": _Draft,
    "gmail.users.drafts.send": Message,
    "gmail.users.history.list": _History,
    "gmail.users.getProfile": _Profile,
    "gmail.users.labels.list": _Labels,
    "gmail.users.labels.get": _Label,
    "gmail.users.settings.sendAs.list": _SendAsList,
    "gmail.users.settings.sendAs.get": _SendAs,
    "people.people.connections.list": _People,
    "people.people.searchContacts": _People,
    "people.people.searchDirectoryPeople": _People,
    "people.people.listDirectoryPeople": _People,
    "people.otherContacts.list": _People,
    "people.otherContacts.search": _People,
    "people.people.get": _Person,
    "calendar.events.list": _Events,
    "calendar.events.get": _Event,
    "calendar.events.insert": _Event,
    "calendar.events.import": _Event,
    "calendar.events.update": _Event,
    "calendar.events.patch": _Event,
    "calendar.calendarList.list": _Calendars,
    "calendar.calendarList.get": _Calendar,
    "calendar.calendars.get": _Calendar,
    "tasks.tasks.list": _Tasks,
    "tasks.tasks.get": _Task,
    "tasks.tasks.insert": _Task,
    "tasks.tasks.update": _Task,
    "tasks.tasks.patch": _Task,
    "tasks.tasklists.list": _Tasks,
}
REQUESTS: Final[dict[str, type[Struct]]] = {
    "gmail.users.messages.send": Send,
    "gmail.users.messages.insert": Send,
    "gmail.users.messages.import": Send,
    "gmail.users.drafts.create": SendDraft,
    "gmail.users.drafts.update": SendDraft,
    "gmail.users.drafts.send": SendDraft,
    "gmail.users.messages.modify": _Modify,
    "gmail.users.messages.batchModify": _Modify,
    "calendar.events.insert": _Event,
    "calendar.events.import": _Event,
    "calendar.events.update": _Event,
    "calendar.events.patch": _Event,
    "directory.schemas.insert": _Schema,
    "tasks.tasks.insert": _Task,
    "tasks.tasks.update": _Task,
    "tasks.tasks.patch": _Task,
}

Decode = Callable[[bytes], Any]

DECODERS: Final[dict[tuple[str, str | None], Decode]] = {
    **{("response", name): msgspec.json.Decoder(kept).decode for name, kept in _RESPONSES.items()},
    **{("request", name): msgspec.json.Decoder(kept).decode for name, kept in REQUESTS.items()},
}
"""(direction, method id) -> decoder of what is kept."""
