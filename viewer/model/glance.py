"""A few facts out of a line's data, without decoding the rest of it."""

from typing import Any, Final

import msgspec


class Facts(msgspec.Struct):
    """What lists, filters and the waterfall need of ``data``; FORMAT.md says what each is."""

    account: Any = None
    subject: Any = None
    candidate: Any = None
    via: Any = None
    url: Any = None
    role: Any = None
    attempt: Any = None
    attempts: Any = None
    token: Any = None
    started: Any = None
    batch: Any = None

    def who(self) -> str:
        """Return the account that the event names, or ""."""
        found = (self.account, self.subject, self.candidate)
        return next((value for value in found if isinstance(value, str) and value), "")

    def tries(self) -> int:
        """Return a call's number of tries, an exchange's own number; 0 when it says none."""
        for value in (self.attempts, self.attempt):
            if isinstance(value, int) and not isinstance(value, bool):
                return value
        return 0


class _Line(msgspec.Struct):
    data: Facts


_decoder: Final = msgspec.json.Decoder(_Line)


def facts(line: bytes) -> Facts:
    """Return the facts of `line`; none of them if it cannot be decoded."""
    try:
        return _decoder.decode(line).data
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return Facts()
