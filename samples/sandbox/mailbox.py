"""A mailbox: messages with labels, their history, and the addresses one may send as."""

import time
from dataclasses import dataclass, field
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from functools import cached_property
from zlib import crc32

from samples.sandbox.wire import Json

SYSTEM_LABELS = (
    "INBOX",
    "SENT",
    "DRAFT",
    "UNREAD",
    "STARRED",
    "IMPORTANT",
    "TRASH",
    "SPAM",
    "CATEGORY_PERSONAL",
)


@dataclass
class Message:
    """A message in a mailbox."""

    id: str
    thread: str
    raw: bytes
    labels: set[str]
    received: float
    """Seconds since 1970."""
    history: int

    @cached_property
    def parsed(self) -> EmailMessage:
        """The message as an object."""
        parser = BytesParser(policy=policy.default)
        return parser.parsebytes(self.raw)

    @cached_property
    def text(self) -> str:
        """Subject and readable text, for search and snippet."""
        body = self.parsed.get_body(("plain", "html"))
        try:
            content = body.get_content() if body is not None else ""
        except (LookupError, UnicodeError):
            content = ""
        return f"{self.parsed.get('subject', '')}\n{content}"


@dataclass
class Mailbox:
    """One user's mail."""

    primary: str
    name: str
    aliases: list[str]
    messages: dict[str, Message] = field(default_factory=dict)
    drafts: dict[str, str] = field(default_factory=dict)
    """Draft id -> message id."""
    changes: list[tuple[int, str, str, tuple[str, ...]]] = field(default_factory=list)
    """(history id, ``messagesAdded`` …, message id, labels)."""
    oldest_history: int = 1000
    """Asking for history before it is answered 404."""
    history: int = 1000
    made: int = 0
    """Messages ever put in: their ids count on, the same in every run."""
    labels: dict[str, str] = field(default_factory=dict)
    """Id -> name of the user's own labels."""
    send_as: list[Json] = field(default_factory=list)
    """Beyond the primary address: ``{"sendAsEmail", "verificationStatus", …}``."""

    def add(self, raw: bytes, *labels: str, at: float | None = None) -> Message:
        """Put a message in; the newest comes first in lists."""
        self.history += 1
        self.made += 1
        name = f"19{crc32(self.primary.encode()):08x}{self.made:06x}"
        message = Message(
            name, name, raw, set(labels), time.time() if at is None else at, self.history
        )
        reference = str(message.parsed.get("in-reply-to", "")).strip()
        for other in self.messages.values():
            if reference and str(other.parsed.get("message-id", "")).strip() == reference:
                message.thread = other.thread
        self.messages[message.id] = message
        self.changes.append((self.history, "messagesAdded", message.id, tuple(sorted(labels))))
        return message

    def relabel(self, message: Message, add: set[str], remove: set[str]) -> None:
        """Change labels and remember it in the history."""
        self.history += 1
        message.history = self.history
        for kind, names in (("labelsAdded", add), ("labelsRemoved", remove)):
            if names:
                self.changes.append((self.history, kind, message.id, tuple(sorted(names))))
        message.labels = (message.labels | add) - remove

    def remove(self, message: Message) -> None:
        """Delete for good."""
        self.history += 1
        del self.messages[message.id]
        self.changes.append((self.history, "messagesDeleted", message.id, ()))

    def forget_history(self) -> None:
        """Make every history id given so far too old."""
        self.history += 1
        self.oldest_history = self.history
        self.changes.clear()

    def newest_first(self) -> list[Message]:
        """All messages as a list shows them."""
        return sorted(self.messages.values(), key=lambda m: (m.received, m.id), reverse=True)

    def sender_addresses(self) -> set[str]:
        """Addresses a From line may hold without being rewritten."""
        verified = {
            entry["sendAsEmail"].lower()
            for entry in self.send_as
            if entry.get("verificationStatus", "accepted") == "accepted"
        }
        return {self.primary.lower(), *verified}
