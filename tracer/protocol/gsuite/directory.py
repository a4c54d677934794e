"""The Directory's users, asked for as cheaply as the question allows."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from tracer.operation import Operation
from tracer.protocol.errors import ServiceError
from tracer.protocol.gsuite.client import Google, pages
from tracer.protocol.identity import Encoding, Identity, Rules, User
from tracer.protocol.steps import Rule

_PAGE: Final = 500
_USER: Final = (
    "id,primaryEmail,aliases,nonEditableAliases,suspended,archived,isMailboxSetup,customSchemas"
)


@dataclass(slots=True)
class Cost:
    """What a resolution took."""

    requests: int = 0
    users: int = 0
    """Users read."""


@dataclass(slots=True)
class Directory:
    """Reads users for one operation; remembers the cost, and which calls answered which rule."""

    google: Google
    rules: Rules
    op: Operation
    cost: Cost = field(default_factory=Cost)
    sources: dict[Rule, tuple[str, ...]] = field(default_factory=dict)

    def by_address(self, address: str) -> list[User]:
        """Return the user with this address, alias or id; empty when there is none."""
        before = len(self.op.calls)
        request = self._users.get(
            userKey=address,
            projection="custom",
            customFieldMask=self.rules.schema,
            fields=_USER,
        )
        try:
            found = [self._user(self._run(request))]
        except ServiceError as error:
            if error.status != 404:
                raise
            found = []
        self._came_from([Rule.CONFIGURED], before)
        return found

    def by_rule(self, rule: Rule, identity: Identity) -> list[User] | None:
        """Return the users that the server's search finds for `rule`; None: it cannot search so."""
        before = len(self.op.calls)
        try:
            found = list(self._list(query=query(rule, identity, self.rules)))
        except ServiceError as error:
            if error.status != 400:
                raise
            return None
        finally:
            self._came_from([rule], before)
        return found

    def everybody(self) -> list[User]:
        """Return every user of the customer; 500 a request."""
        before = len(self.op.calls)
        found = list(self._list())
        self._came_from([Rule.ENV, Rule.USER, Rule.ACCOUNT], before)
        return found

    @property
    def _users(self) -> Any:
        return self.google.directory().users()

    def _list(self, **more: str) -> Iterator[User]:
        ask = partial(
            self._users.list,
            customer=self.google.settings.options.customer,
            projection="custom",
            customFieldMask=self.rules.schema,
            orderBy="email",  # without it "the first found" is a different one every day
            maxResults=_PAGE,
            fields=f"nextPageToken,users({_USER})",
            **more,
        )
        for page in pages(self._run, ask):
            items = page.get("users")
            for item in items if isinstance(items, list) else []:
                yield self._user(item)

    def _run(self, request: Any) -> dict[str, Any]:
        self.cost.requests += 1  # one that fails was asked too
        return self.google.run(request)

    def _user(self, item: dict[str, Any]) -> User:
        self.cost.users += 1
        return User.from_directory(item, self.rules)

    def _came_from(self, rules: Iterable[Rule], before: int) -> None:
        calls = tuple(self.op.calls[before:])
        for rule in rules:
            self.sources[rule] = self.sources.get(rule, ()) + calls


def query(rule: Rule, identity: Identity, rules: Rules) -> str:
    """Return the server's search for `rule`.

    It asks for the words of the value in their order (``:``), which Google documents for
    multi-valued fields; it may find more than asked for, never what decides: `resolve` compares.
    """
    if rule == Rule.USER:
        name, value = rules.user, identity.harmony_user
    elif rule == Rule.ACCOUNT:
        name, value = rules.account, identity.windows_account
    else:
        name, value = rules.field_of(identity.environment), identity.windows_account
        if rules.encoding == Encoding.ENTRY:
            value = f"{identity.environment.strip()}{rules.separator}{value.strip()}"
    escaped = value.strip().replace("\\", "\\\\").replace("'", "\\'")
    return f"{rules.schema}.{name}:'{escaped}'"
