"""Gmail API: sending. Checks as Gmail does, rewrites a foreign From, delivers within the world."""

import base64
import binascii
import re
from email import policy
from email.parser import BytesHeaderParser
from email.utils import formataddr, formatdate, getaddresses, make_msgid, parseaddr

from samples.sandbox.call import Call, plays
from samples.sandbox.errors import Refused
from samples.sandbox.gmail import mailbox_of
from samples.sandbox.mailbox import Mailbox, Message
from samples.sandbox.state import Sent, State
from samples.sandbox.uploads import MAX_SIZE
from samples.sandbox.wire import Json
from samples.sandbox.world import User

_ADDRESS = re.compile(r"[^\s@<>,;:\"()\[\]]+@[^\s@<>,;:\"()\[\]]+")
RECIPIENTS = 500


@plays("gmail.users.messages.send")
def messages_send(call: Call) -> Json:
    """Send a message: raw in JSON, or as uploaded media."""
    mailbox = mailbox_of(call)
    raw = raw_message(call, call.json())
    message = deliver(call.state, call.user, mailbox, raw, "gmail", call.now)
    return {"id": message.id, "threadId": message.thread, "labelIds": ["SENT"]}


@plays("gmail.users.drafts.create")
def drafts_create(call: Call) -> Json:
    """Keep a message as a draft."""
    mailbox = mailbox_of(call)
    raw = raw_message(call, call.json().get("message") or {})
    message = mailbox.add(raw, "DRAFT", at=call.now)
    draft = f"r{message.id}"
    mailbox.drafts[draft] = message.id
    brief = {"id": message.id, "threadId": message.thread, "labelIds": ["DRAFT"]}
    return {"id": draft, "message": brief}


@plays("gmail.users.drafts.send")
def drafts_send(call: Call) -> Json:
    """Send a draft."""
    mailbox = mailbox_of(call)
    name = mailbox.drafts.pop(str(call.json().get("id")), None)
    if name is None:
        raise Refused("entity-not-found")
    draft = mailbox.messages[name]
    message = deliver(call.state, call.user, mailbox, draft.raw, "gmail", call.now)
    mailbox.remove(draft)
    return {"id": message.id, "threadId": message.thread, "labelIds": ["SENT"]}


def raw_message(call: Call, given: Json) -> bytes:
    """Return the RFC 5322 bytes of a message resource or its upload.

    Raises:
        Refused: With Gmail's error when there are none, or they are not base64url.
    """
    if call.media is not None:
        if not call.media:
            raise Refused("raw-required")
        return _within_limit(call.media)
    text = given.get("raw")
    if not isinstance(text, str) or not text:
        raise Refused("raw-required")
    if not re.fullmatch(r"[A-Za-z0-9_\-]+=*", text):
        raise Refused("base64", value=text[:60])
    try:
        return _within_limit(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (binascii.Error, ValueError) as error:
        raise Refused("base64", value=text[:60]) from error


def _within_limit(raw: bytes) -> bytes:
    if len(raw) > MAX_SIZE:
        raise Refused("too-large")
    return raw


def deliver(
    state: State, user: User, mailbox: Mailbox, raw: bytes, via: str, now: float
) -> Message:
    """Check a message, keep it in Sent, and put it into the inboxes that are of this world.

    Raises:
        Refused: For a bad To header, or no recipient at all.
    """
    recipients = _recipients(raw)
    asked, raw = _with_allowed_from(raw, user, mailbox)
    raw = _completed(raw, user, now)
    message = mailbox.add(raw, "SENT", at=now)
    state.sent.append(Sent(message.id, user.primary, raw, asked, tuple(recipients), via))
    for address in dict.fromkeys(recipients):
        receiver = state.world.user(address)
        if receiver is not None and receiver.has_mailbox:
            copy = _without_header(raw, "bcc")
            receiver.mailbox.add(copy, "INBOX", "UNREAD", at=now)
    return message


def _recipients(raw: bytes) -> list[str]:
    headers = BytesHeaderParser(policy=policy.compat32).parsebytes(_head(raw))
    found: list[str] = []
    for name in ("To", "Cc", "Bcc"):
        for value in headers.get_all(name, []):
            found += _addresses(str(value), name)
    if not found:
        raise Refused("no-recipient")
    if len(found) > RECIPIENTS:
        raise Refused("exhausted")
    return found


def _addresses(value: str, name: str) -> list[str]:
    """Return the addresses of one header. Gmail names the To header whichever is at fault."""
    parsed = [address for _, address in getaddresses([value])]
    if value.strip() and (";" in value or not all(_ADDRESS.fullmatch(a) for a in parsed)):
        raise Refused("bad-to")
    return [address for address in parsed if address]


def _with_allowed_from(raw: bytes, user: User, mailbox: Mailbox) -> tuple[str, bytes]:
    """Return the From address asked for, and the message with the one that is allowed."""
    headers = BytesHeaderParser(policy=policy.compat32).parsebytes(_head(raw))
    display, asked = parseaddr(str(headers.get("From", "")))
    if asked.lower() in mailbox.sender_addresses():
        return asked, raw
    allowed = formataddr((display or user.name, user.primary))
    return asked, f"From: {allowed}\r\n".encode() + _without_header(raw, "from")


def _completed(raw: bytes, user: User, now: float) -> bytes:
    headers = BytesHeaderParser(policy=policy.compat32).parsebytes(_head(raw))
    added = b""
    if "Message-ID" not in headers:
        added += f"Message-ID: {make_msgid(domain='mail.gmail.com')}\r\n".encode()
    if "Date" not in headers:
        added += f"Date: {formatdate(now)}\r\n".encode()
    return added + raw


def _head(raw: bytes) -> bytes:
    """The header block, which may be large only by mistake: the body is never looked at."""
    found = re.search(rb"\r?\n\r?\n", raw)
    return raw[: found.start()] if found else raw


def _without_header(raw: bytes, name: str) -> bytes:
    """Take a header field out, with its continuation lines."""
    head = _head(raw)
    field = re.compile(rb"^" + name.encode() + rb":.*\r?\n?(?:[ \t].*\r?\n?)*", re.I | re.M)
    kept = field.sub(b"", head)
    if kept and not kept.endswith(b"\n") and len(head) == len(raw):
        return kept
    return kept.rstrip(b"\r\n") + raw[len(head) :]
