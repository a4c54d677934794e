"""What can go wrong in the layer, each with its cause and what to do next.

    LayerError
    ├── SettingsError        a setting, the key file: wrong words
    ├── MessageError         the mail cannot be made: address, code page, size
    ├── RefusedError         a rule said no: protected account, option switched off, foreign From
    ├── CredentialsError     Google gives no token
    ├── ServiceError         the API answered with an error; `status` and `reason` are Google's
    │   └── RateLimitError   too much; `retry_at` when Google says until when
    ├── UnreachableError     no answer: connection, TLS, proxy, timeout
    └── DoubtfulSendError    nobody knows whether the mail left; its Message-ID says how to look

No text holds a secret: what a server said passes `scrub`.
"""

import re
from datetime import datetime
from typing import Final

_SECRET: Final = re.compile(
    r"ya29\.[\w.-]+|1//[\w-]+|GOCSPX-[\w-]+|AIza[\w-]{20,}|eyJ[\w-]+\.[\w.-]+"
    r"|-----BEGIN[^-]+-----.*?(?:-----END[^-]+-----|$)|[A-Za-z0-9+/_=-]{80,}",
    re.DOTALL,
)


def scrub(text: str, limit: int = 300) -> str:
    """Return what a server said without tokens, keys or long encoded runs, on one line."""
    return " ".join(_SECRET.sub("⟨…⟩", text).split())[:limit]


class LayerError(Exception):
    """Something of the layer failed.

    Args:
        message: What happened, one line.
        cause: Why, as far as it is known.
        remedy: What to do next, and who.
    """

    def __init__(self, message: str, cause: str = "", remedy: str = "") -> None:
        super().__init__(message)
        self.cause = cause
        self.remedy = remedy

    def data(self) -> dict[str, str]:
        """Return what the operation's end line says under ``error``."""
        facts = {"type": type(self).__name__, "message": str(self)}
        if self.cause:
            facts["cause"] = self.cause
        if self.remedy:
            facts["remedy"] = self.remedy
        return facts


class SettingsError(LayerError):
    """A setting or the key file is wrong."""


class MessageError(LayerError):
    """The mail cannot be made as asked."""


class RefusedError(LayerError):
    """A rule of the layer said no; nothing was sent.

    `admits`: whom the protected account does admit; in no text, because the trace keeps texts.
    """

    def __init__(
        self, message: str, cause: str = "", remedy: str = "", admits: tuple[str, ...] = ()
    ) -> None:
        super().__init__(message, cause, remedy)
        self.admits = admits


class CredentialsError(LayerError):
    """Google gave no token for this subject and these scopes."""


class ServiceError(LayerError):
    """An API answered with an error. `status` is HTTP's, `reason` Google's code."""

    def __init__(
        self, message: str, cause: str = "", remedy: str = "", status: int = 0, reason: str = ""
    ) -> None:
        super().__init__(message, cause, remedy)
        self.status = status
        self.reason = reason


class RateLimitError(ServiceError):
    """Too many requests, or the mailbox's limit; nothing is retried before `retry_at`."""

    retry_at: datetime | None = None


class UnreachableError(LayerError):
    """There was no answer. `nothing_sent`: the connection never stood."""

    nothing_sent = False


class DoubtfulSendError(LayerError):
    """The connection broke while sending, and the mail is not in Sent (yet)."""

    def __init__(self, message: str, cause: str, remedy: str, message_id: str) -> None:
        super().__init__(message, cause, remedy)
        self.message_id = message_id
