"""Reading a Gmail mailbox: list, search, read, mark, and what is new since the last time."""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from tracer.operation import Operation
from tracer.protocol.errors import ServiceError
from tracer.protocol.gsuite.client import Google, pages
from tracer.protocol.gsuite.failures import explain
from tracer.protocol.mime import Received, parse

_PART: Final = 50
"""Messages asked for in one batch; Google discourages more."""
_HEADERS: Final = ["From", "To", "Subject", "Date", "Message-ID"]


@dataclass(frozen=True, slots=True)
class Summary:
    """One line of a mailbox."""

    id: str
    headers: dict[str, str]
    """From, To, Subject, Date, Message-ID: those that it has."""
    labels: tuple[str, ...]

    @property
    def unread(self) -> bool:
        """Tell whether nobody has read it."""
        return "UNREAD" in self.labels


@dataclass(frozen=True, slots=True)
class News:
    """What arrived since the last read."""

    summaries: tuple[Summary, ...]
    position: str
    """Where the next read begins."""
    full: bool
    """The old position was unknown or too old: the newest messages were listed."""


class Mailbox:
    """The mailbox of `account`."""

    def __init__(self, google: Google, account: str) -> None:
        self.google = google
        self.account = account

    def search(self, query: str = "", limit: int = 20) -> list[Summary]:
        """Return the newest messages that fit Gmail's `query`, at most `limit`."""
        ask = partial(self._messages.list, userId="me", q=query or None, maxResults=min(limit, 500))
        ids: list[str] = []
        for page in pages(self.google.run, ask):
            ids += [str(entry["id"]) for entry in page.get("messages") or []]
            if len(ids) >= limit:
                break
        return self._summaries(ids[:limit])

    def read(self, message_id: str, code_page: str) -> Received:
        """Return one message: headers, text, attachments."""
        answer = self.google.run(self._messages.get(userId="me", id=message_id, format="raw"))
        raw = str(answer.get("raw", ""))
        return parse(base64.urlsafe_b64decode(raw + "=" * (-len(raw) % 4)), code_page)

    def mark_read(self, ids: list[str]) -> None:
        """Take the label UNREAD from messages; once more does no harm."""
        messages = self.google.service("gmail", self.account, "mark").users().messages()
        body = {"removeLabelIds": ["UNREAD"]}
        self._each(ids, lambda one: messages.modify(userId="me", id=one, body=body))

    def news(self, op: Operation, position: str, limit: int = 500) -> News:
        """Return all that was added since `position`.

        An empty or too old position lists the newest `limit` messages instead.
        """
        if position:
            try:
                ids, now = self._history(position)
                return News(tuple(self._summaries(ids)), now, full=False)
            except ServiceError as error:
                if error.status != 404:
                    raise
                op.note("full synchronisation", {"reason": "the position is too old"})
        profile = self.google.run(self._gmail.users().getProfile(userId="me"))
        found = self.search(limit=limit)
        return News(tuple(found), str(profile.get("historyId", "")), full=True)

    def _history(self, position: str) -> tuple[list[str], str]:
        ask = partial(
            self._gmail.users().history().list,
            userId="me",
            startHistoryId=position,
            historyTypes="messageAdded",
            maxResults=500,
        )
        ids: dict[str, None] = {}
        now = position
        for page in pages(self.google.run, ask):
            now = str(page.get("historyId", now))
            for record in page.get("history") or []:
                for added in record.get("messagesAdded") or []:
                    ids[str(added["message"]["id"])] = None
        return list(ids), now

    @property
    def _gmail(self) -> Any:
        return self.google.service("gmail", self.account, "read")

    @property
    def _messages(self) -> Any:
        return self._gmail.users().messages()

    def _summaries(self, ids: list[str]) -> list[Summary]:
        """Return the headers of messages, in the order of `ids`."""
        answers = self._each(
            ids,
            lambda one: self._messages.get(
                userId="me", id=one, format="metadata", metadataHeaders=_HEADERS
            ),
        )
        return [_summary(answers[one]) for one in ids if one in answers]

    def _each(self, ids: list[str], make: Callable[[str], Any]) -> dict[str, dict[str, Any]]:
        """Make a request for each message, 50 a batch; return the answers, those gone left out."""
        answers: dict[str, dict[str, Any]] = {}

        def answered(key: str, answer: Any, error: Exception | None) -> None:
            if error is None:
                answers[key] = answer
                return
            failure = explain(error, "gmail.users.messages")
            if not (isinstance(failure, ServiceError) and failure.status == 404):
                raise failure from None

        for start in range(0, len(ids), _PART):
            batch = self._gmail.new_batch_http_request(callback=answered)
            for one in ids[start : start + _PART]:
                batch.add(make(one), request_id=one)
            self.google.run_batch(batch)
        return answers


def _summary(answer: dict[str, Any]) -> Summary:
    headers = (answer.get("payload") or {}).get("headers") or []
    values = {str(one.get("name")).lower(): str(one.get("value")) for one in headers}
    return Summary(
        str(answer.get("id", "")),
        {name: values[name.lower()] for name in _HEADERS if name.lower() in values},
        tuple(map(str, answer.get("labelIds") or [])),
    )


def load_position(file: Path, account: str) -> str:
    """Return where the last read of `account` ended; empty when nobody knows."""
    try:
        found = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return ""
    return str(found.get(account, "")) if isinstance(found, dict) else ""


def save_position(file: Path, account: str, position: str) -> None:
    """Remember where the next read of `account` begins."""
    try:
        found = json.loads(file.read_bytes())
    except (OSError, ValueError):
        found = {}
    known = found if isinstance(found, dict) else {}
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = file.with_suffix(".new")
    fresh.write_text(json.dumps({**known, account: position}, indent=1), encoding="utf-8")
    fresh.replace(file)
