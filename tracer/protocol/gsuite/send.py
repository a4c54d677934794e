"""Sending by Gmail: once, or known to be in doubt; never twice behind the caller's back."""

import base64
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from googleapiclient.http import MediaUpload

from tracer.operation import Operation
from tracer.protocol.errors import (
    DoubtfulSendError,
    LayerError,
    MessageError,
    RateLimitError,
    RefusedError,
    ServiceError,
    UnreachableError,
)
from tracer.protocol.gsuite.client import Google
from tracer.protocol.gsuite.failures import local
from tracer.protocol.identity import fold
from tracer.protocol.mime import Composed

LIMIT: Final = 36_700_160
"""Bytes of a message that Gmail takes: 35 MiB, of which base64 eats a quarter."""

_JSON_LIMIT: Final = 3 * 1024 * 1024
"""Bytes up to which a message goes as JSON; as base64 in JSON, 413 begins somewhere above 5 MB."""

_RESUMABLE_FROM: Final = 5 * 1024 * 1024
_CHUNK: Final = 4 * 1024 * 1024  # a multiple of 256 KiB, as the protocol wants
_LOOKS: Final = 3
"""How often Sent is searched before a mail counts as not there: the search lags."""


class Once(bytes):
    """A body that goes over the wire once.

    httplib2 silently sends a request again when the server drops the connection instead of
    answering, which for a mail makes two. http.client reads anything that has `read`; the second
    reading raises. `seek` re-arms it: the replay after a 401, which Google has not processed, asks.
    """

    touched = False
    """Whether any of it was ever read: until then nothing has been sent."""
    _at = 0
    _spent = False

    def read(self, size: int = -1) -> bytes:
        """Return the next `size` bytes."""
        if self._spent:
            raise ConnectionError("the connection was dropped while sending; not sent again")
        self.touched = True
        end = len(self) if size < 0 else min(len(self), self._at + size)
        part = bytes(self[self._at : end])
        self._at = end
        if not part:
            self._spent = True
        return part

    def tell(self) -> int:
        """Return how much has been read."""
        return self._at

    def seek(self, position: int) -> int:
        """Make it readable again from `position`."""
        self._at, self._spent = position, False
        return position


class _Upload(MediaUpload):
    """A message to upload, part by part, each as bytes.

    A stream, which the library offers, is not rewound when a part has to be sent again: the server
    then waits for bytes that never come.
    """

    def __init__(self, raw: bytes, *, resumable: bool) -> None:
        self._raw = raw
        self._resumable = resumable

    def chunksize(self) -> int:
        return _CHUNK

    def mimetype(self) -> str:
        return "message/rfc822"

    def size(self) -> int:
        return len(self._raw)

    def resumable(self) -> bool:
        return self._resumable

    def getbytes(self, begin: int, length: int) -> bytes:
        return self._raw[begin : begin + length]


def _surely_not_sent(error: LayerError) -> bool:
    """Tell whether Google said that it did not take the mail, or was never reached."""
    if isinstance(error, UnreachableError):
        return error.nothing_sent
    return isinstance(error, ServiceError) and 300 <= error.status < 500


class Sender:
    """Sends composed mail from one account after the other."""

    def __init__(
        self, google: Google, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self.google = google
        self._now = now
        self._not_before: dict[str, datetime] = {}

    def send(self, op: Operation, account: str, mail: Composed, *, known: bool) -> tuple[str, bool]:
        """Send `mail` from `account`; return Gmail's id, and whether it was found in Sent instead.

        `known`: the Message-ID is from an earlier try, so Sent is searched before anything is sent.

        Raises:
            LayerError: It did not leave; DoubtfulSendError when nobody knows.
        """
        if len(mail.raw) > LIMIT:
            raise MessageError(
                f"the message has {len(mail.raw):,} bytes, Gmail takes {LIMIT:,}",
                "attachments grow by a third on their way",
                "send a link to the document",
            )
        self._check_time(account)
        if known:
            found = self._find(account, mail.message_id)
            if found:
                op.note("already sent", {"message_id": mail.message_id, "id": found})
                return found, True
        try:
            return self._transmit(account, mail), False
        except RateLimitError as error:
            if error.retry_at:
                self._not_before[account] = error.retry_at
            raise
        except (UnreachableError, ServiceError) as error:
            if _surely_not_sent(error):
                raise
            return self._clear_doubt(op, account, mail.message_id, error), True

    def check_sender(self, account: str, sender: str) -> None:
        """See that `account` may send as the address `sender`; Gmail would silently rewrite it.

        Raises:
            RefusedError: It is no verified address of the account.
        """
        gmail = self.google.service("gmail", account, "send-as")
        answer = self.google.run(gmail.users().settings().sendAs().list(userId="me"))
        allowed = [
            str(entry.get("sendAsEmail", ""))
            for entry in answer.get("sendAs", [])
            if entry.get("isPrimary") or entry.get("verificationStatus") == "accepted"
        ]
        if fold(sender) not in map(fold, allowed):
            raise RefusedError(
                f"{account} may not send as {sender}",
                f"it is no verified address of the account; those are: {', '.join(allowed)}",
                "add and verify it in Gmail › Settings › Accounts, or send from its own account",
            )

    def _check_time(self, account: str) -> None:
        until = self._not_before.get(account)
        if until is None or self._now() >= until:
            return
        error = RateLimitError(
            f"not sent: Gmail refuses mail from {account} until {local(until)}",
            "the mailbox's sending limit is reached; every try before its end prolongs it",
            f"do not send from this mailbox before {local(until)}",
        )
        error.retry_at = until
        raise error

    # over the wire

    def _transmit(self, account: str, mail: Composed) -> str:
        self.google.close_idle()  # a connection the server gave up would put the mail in doubt
        messages = self.google.service("gmail", account, "send").users().messages()
        if len(mail.raw) <= _JSON_LIMIT:
            raw = base64.urlsafe_b64encode(mail.raw).decode("ascii")
            request = messages.send(userId="me", body={"raw": raw})
        else:
            resumable = len(mail.raw) > _RESUMABLE_FROM
            media = _Upload(mail.raw, resumable=resumable)
            request = messages.send(userId="me", media_body=media)
            if resumable:
                return self._upload(request)
        body = request.body
        request.body = once = Once(body.encode() if isinstance(body, str) else body)
        try:
            return str(self.google.run(request).get("id", ""))
        except UnreachableError as error:
            self.google.close()  # a second transmission may hang half-way on one of them
            error.nothing_sent = not once.touched
            raise

    def _upload(self, request: Any) -> str:
        """Send in parts; after a failure the server says how far it got, and nothing doubles."""
        failures = 0
        while True:
            try:
                done = self.google.run_chunk(request)
                failures = 0
            except (UnreachableError, ServiceError) as error:
                final = isinstance(error, ServiceError) and error.status < 500
                failures += 1
                if final or failures > self.google.retries:
                    raise
                self.google.close()
                self.google.sleep(2.0**failures / 2)
                continue
            if done is not None:
                return str(done.get("id", ""))

    # in doubt

    def _clear_doubt(self, op: Operation, account: str, message_id: str, error: LayerError) -> str:
        """Return the id of the mail found in Sent, else raise: in doubt."""
        op.note("send in doubt", {"message_id": message_id, "error": error.data()})
        remedy = (
            f"look for rfc822msgid:{message_id.strip('<>')} in Sent before sending again;"
            f" --message-id '{message_id}' keeps it recognisable"
        )
        try:
            for look in range(_LOOKS):
                found = self._find(account, message_id)
                if found:
                    op.note("found in Sent", {"message_id": message_id, "id": found})
                    return found
                if look < _LOOKS - 1:
                    self.google.sleep(2.0**look)
        except LayerError as second:
            raise DoubtfulSendError(
                f"nobody knows whether the mail left: {error}",
                f"the answer was lost, and Sent cannot be searched: {second}",
                remedy,
                message_id,
            ) from None
        raise DoubtfulSendError(
            f"the mail probably did not leave: {error}",
            f"the answer was lost; {_LOOKS} looks into Sent did not find the mail",
            remedy,
            message_id,
        ) from None

    def _find(self, account: str, message_id: str) -> str:
        gmail = self.google.service("gmail", account, "read")
        answer = self.google.run(
            gmail.users()
            .messages()
            .list(userId="me", q=f"rfc822msgid:{message_id.strip('<> ')}", labelIds="SENT")
        )
        found = answer.get("messages") or [{}]
        return str(found[0].get("id", ""))
