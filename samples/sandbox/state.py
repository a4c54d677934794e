"""What one running sandbox remembers, beside its world."""

import secrets
from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from samples.sandbox.errors import Refused
from samples.sandbox.faults import Faults
from samples.sandbox.tokens import Tokens
from samples.sandbox.uploads import Uploads
from samples.sandbox.world import World

if TYPE_CHECKING:
    from samples.sandbox.wire import Seen


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that Gmail, or EWS, accepted."""

    id: str
    account: str
    """Primary address of the mailbox it was sent from."""
    raw: bytes
    """As kept in Sent: after a foreign From was rewritten."""
    asked_from: str
    """The From address the client had put there."""
    recipients: tuple[str, ...]
    via: str
    """``gmail`` or ``ews``."""


class Pages:
    """Page tokens: opaque, and each page is cut from the list as it was at the first page."""

    def __init__(self) -> None:
        self._cursors: dict[str, tuple[Sequence[Any], int]] = {}

    def cut(
        self, items: Sequence[Any], size: int, token: str, acts: Set[str] = frozenset()
    ) -> tuple[list[Any], str | None]:
        """Return one page of `items`, or of the list that `token` continues, and the next token.

        `acts` are the faults that change it: ``empty-page``, ``same-page``.

        Raises:
            Refused: 400 for a page token that was never given out.
        """
        at = 0
        if token:
            if token not in self._cursors:
                raise Refused("bad-page-token")
            items, at = self._cursors[token]
        end = at if "empty-page" in acts else at + size
        page = list(items[at:end])
        if "same-page" in acts:
            following, end = token, at
        elif "empty-page" not in acts and end >= len(items):
            return page, None
        else:
            following = ""
        following = following or "~!!~" + secrets.token_urlsafe(60)
        self._cursors[following] = (items, end)
        return page, following


class State:
    """Tokens, faults, uploads and the record of what came in."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.tokens = Tokens(world)
        self.faults = Faults()
        self.uploads = Uploads()
        self.pages = Pages()
        self.requests: list[Seen] = []
        self.sent: list[Sent] = []
        self.sync_tokens: dict[str, tuple[str, int]] = {}
        """Calendar sync token -> (owner, revision); an unknown token is an expired one."""
        self.calendar_revision = 1
        self.tickets: dict[str, str] = {}
        """Ticket in the address of a redirect -> authorization header it stands for."""
