"""Gmail API: reading a mailbox."""

import base64

from samples.sandbox.call import Call, plays
from samples.sandbox.errors import Refused
from samples.sandbox.gmail_search import holds
from samples.sandbox.mailbox import SYSTEM_LABELS, Mailbox, Message
from samples.sandbox.mime import FORMATS, attachment, resource
from samples.sandbox.wire import Json

METADATA = "https://www.googleapis.com/auth/gmail.metadata"


def mailbox_of(call: Call) -> Mailbox:
    """Return the mailbox the path names.

    Raises:
        Refused: With Gmail's error when it is not the subject's, is not there, or is switched off.
    """
    user = call.user
    asked = call.params["userId"]
    if asked != "me" and asked.lower() != user.primary:
        raise Refused("delegation-denied", subject=user.primary)
    if user.policy_off:
        raise Refused("domain-policy")
    if not user.has_mailbox:
        raise Refused("no-mailbox")
    return user.mailbox


def _message(call: Call, mailbox: Mailbox, name: str = "id") -> Message:
    found = mailbox.messages.get(call.params[name])
    if found is None:
        raise Refused("entity-not-found")
    return found


@plays("gmail.users.getProfile")
def get_profile(call: Call) -> Json:
    """Address and counts."""
    mailbox = mailbox_of(call)
    return {
        "emailAddress": mailbox.primary,
        "messagesTotal": len(mailbox.messages),
        "threadsTotal": len({message.thread for message in mailbox.messages.values()}),
        "historyId": str(mailbox.history),
    }


@plays("gmail.users.messages.list")
def messages_list(call: Call) -> Json:
    """Ids of the messages that `q` and `labelIds` select, newest first."""
    mailbox = mailbox_of(call)
    query = call.arg("q")
    if query and METADATA in call.scopes:
        raise Refused("metadata-q")
    labels = set(call.args("labelIds"))
    everywhere = call.flag("includeSpamTrash") or labels & {"SPAM", "TRASH"}
    found = [
        {"id": message.id, "threadId": message.thread}
        for message in mailbox.newest_first()
        if labels <= message.labels
        and (everywhere or not message.labels & {"SPAM", "TRASH"} or "in:" in query)
        and holds(message, query, mailbox, call.now)
    ]
    page, following = call.page(found, call.number("maxResults", 100, 1, 500))
    answer: Json = {"resultSizeEstimate": len(found) or len(page)}
    if page:
        answer["messages"] = page
    if following:
        answer["nextPageToken"] = following
    return answer


@plays("gmail.users.messages.get")
def messages_get(call: Call) -> Json:
    """One message, in one of the four formats."""
    mailbox = mailbox_of(call)
    wanted = call.arg("format", "full").lower()
    if wanted not in FORMATS:
        raise Refused("argument", name="format", value=wanted)
    if METADATA in call.scopes and wanted in ("full", "raw"):
        raise Refused("metadata-format", format=wanted.upper())
    return resource(_message(call, mailbox), wanted, call.args("metadataHeaders"))


@plays("gmail.users.messages.attachments.get")
def attachments_get(call: Call) -> Json:
    """The content of an attachment."""
    message = _message(call, mailbox_of(call), "messageId")
    content = attachment(message, call.params["id"])
    if content is None:
        raise Refused("argument", name="attachment token", value=call.params["id"])
    return {"size": len(content), "data": base64.urlsafe_b64encode(content).decode()}


@plays("gmail.users.messages.modify")
def messages_modify(call: Call) -> Json:
    """Add and remove labels; removing UNREAD marks a message read."""
    mailbox = mailbox_of(call)
    message = _message(call, mailbox)
    change = call.json()
    add, remove = set(change.get("addLabelIds", ())), set(change.get("removeLabelIds", ()))
    for name in add | remove:
        if name not in SYSTEM_LABELS and name not in mailbox.labels:
            raise Refused("argument", name="label", value=name)
    mailbox.relabel(message, add, remove)
    return resource(message, "minimal", [])


@plays("gmail.users.messages.trash")
def messages_trash(call: Call) -> Json:
    """Move to the bin."""
    mailbox = mailbox_of(call)
    message = _message(call, mailbox)
    mailbox.relabel(message, {"TRASH"}, {"INBOX"})
    return resource(message, "minimal", [])


@plays("gmail.users.messages.delete")
def messages_delete(call: Call) -> None:
    """Delete for good."""
    mailbox = mailbox_of(call)
    mailbox.remove(_message(call, mailbox))


@plays("gmail.users.history.list")
def history_list(call: Call) -> Json:
    """What changed since a history id; 404 when it is too old."""
    mailbox = mailbox_of(call)
    start = call.number("startHistoryId", -1, 0, 2**63)
    if start < mailbox.oldest_history:
        raise Refused("entity-not-found")
    kinds = set(call.args("historyTypes")) or None
    entries: list[Json] = []
    for at, kind, name, labels in mailbox.changes:
        short = kind.replace("messagesAdded", "messageAdded").replace("labelsA", "labelA")
        short = short.replace("labelsR", "labelR").replace("messagesD", "messageD")
        if at <= start or (kinds and short not in kinds):
            continue
        entries.append(_history_entry(mailbox, at, kind, name, labels))
    page, following = call.page(entries, call.number("maxResults", 100, 1, 500))
    answer: Json = {"historyId": str(mailbox.history)}
    if page:
        answer["history"] = page
    if following:
        answer["nextPageToken"] = following
    return answer


def _history_entry(
    mailbox: Mailbox, at: int, kind: str, name: str, labels: tuple[str, ...]
) -> Json:
    kept = mailbox.messages.get(name)
    brief: Json = {"id": name, "threadId": kept.thread if kept else name}
    detail: Json = {"message": {**brief, "labelIds": sorted(kept.labels) if kept else []}}
    if kind.startswith("labels"):
        detail["labelIds"] = list(labels)
    return {"id": str(at), "messages": [brief], kind: [detail]}


@plays("gmail.users.labels.list")
def labels_list(call: Call) -> Json:
    """System labels and the user's own."""
    mailbox = mailbox_of(call)
    system = [{"id": name, "name": name, "type": "system"} for name in SYSTEM_LABELS]
    own = [{"id": key, "name": name, "type": "user"} for key, name in mailbox.labels.items()]
    return {"labels": [*system, *own]}


@plays("gmail.users.settings.sendAs.list")
def send_as_list(call: Call) -> Json:
    """The addresses the user may send as."""
    mailbox = mailbox_of(call)
    primary = {
        "sendAsEmail": mailbox.primary,
        "displayName": mailbox.name,
        "isPrimary": True,
        "isDefault": True,
    }
    return {"sendAs": [primary, *mailbox.send_as]}


@plays("gmail.users.drafts.list")
def drafts_list(call: Call) -> Json:
    """The drafts."""
    mailbox = mailbox_of(call)
    entries: list[Json] = [
        {"id": draft, "message": {"id": name, "threadId": mailbox.messages[name].thread}}
        for draft, name in mailbox.drafts.items()
    ]
    page, following = call.page(entries, call.number("maxResults", 100, 1, 500))
    answer: Json = {"resultSizeEstimate": len(entries)}
    if page:
        answer["drafts"] = page
    if following:
        answer["nextPageToken"] = following
    return answer
