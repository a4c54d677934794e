"""One API call on its way to a handler, and the register of handlers by method id."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import orjson

from samples.sandbox.errors import Refused
from samples.sandbox.methods import Method, fits
from samples.sandbox.wire import Json, Reply, Request
from samples.sandbox.world import User, World

if TYPE_CHECKING:
    from samples.sandbox.state import State


@dataclass(slots=True)
class Call:
    """An API call whose token, scopes and service were found in order."""

    state: "State"
    method: Method
    request: Request
    params: dict[str, str]
    """Path parameters, decoded."""
    subject: User | None
    """None: the service account itself."""
    scopes: frozenset[str]
    now: float
    media: bytes | None = None
    """The uploaded content, for the calls under ``/upload``."""
    acts: frozenset[str] = frozenset()
    """Faults that change how the call is processed."""
    query: dict[str, list[str]] = field(default_factory=dict)

    @property
    def world(self) -> World:
        """The world."""
        return self.state.world

    @property
    def user(self) -> User:
        """The subject, which must be a user."""
        if self.subject is None:
            raise Refused("no-subject")
        return self.subject

    def arg(self, name: str, default: str = "") -> str:
        """A query parameter."""
        return self.query.get(name, [default])[-1]

    def args(self, name: str) -> list[str]:
        """A query parameter that may be repeated, or separated by commas."""
        return [part for text in self.query.get(name, ()) for part in text.split(",") if part]

    def flag(self, name: str) -> bool:
        """A true or false query parameter; absent is false."""
        return self.arg(name).lower() == "true"

    def number(self, name: str, default: int, low: int, high: int) -> int:
        """A whole number within bounds.

        Raises:
            Refused: 400 otherwise.
        """
        text = self.arg(name, str(default))
        if not text.isdigit() or not low <= int(text) <= high:
            raise Refused("argument", name=name, value=text)
        return int(text)

    def json(self) -> Json:
        """The request body.

        Raises:
            Refused: 400 when it is no JSON object.
        """
        try:
            value = orjson.loads(self.request.body or b"{}")
        except orjson.JSONDecodeError as error:
            raise Refused("bad-json") from error
        method = self.method
        if not isinstance(value, dict) or not fits(value, method.body or {}, method.schemas):
            raise Refused("bad-json")
        return value

    def page(self, items: list[Json], size: int) -> tuple[list[Json], str | None]:
        """Cut the page out of `items` that the call asks for; return it and the next token."""
        return self.state.pages.cut(items, size, self.arg("pageToken"), self.acts)


Handler = Callable[[Call], Json | Reply | None]
HANDLERS: dict[str, Handler] = {}
"""Method id -> what plays it. A handler returns JSON, a whole reply, or None for 204."""


def plays(*method_ids: str) -> Callable[[Handler], Handler]:
    """Register a handler for these methods."""

    def register(handler: Handler) -> Handler:
        for name in method_ids:
            HANDLERS[name] = handler
        return handler

    return register
