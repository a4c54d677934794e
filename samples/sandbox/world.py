"""The world the stand-in plays: a Workspace customer, its users and the service account's rights.

Everything is a plain object that a test may change while the server runs.
"""

import itertools
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from zlib import crc32

from samples.sandbox.mailbox import Mailbox
from samples.sandbox.wire import Json

SCHEMA = "Divalto"
WIN_ACCOUNT = "DivaltoInfinityWinAccount"
HARMONY_USER = "DivaltoInfinityWinAccountUser"
ENV = "DivaltoInfinityWinAccountEnv"
ENCODINGS = ("env=account", "customType", "field-per-environment")

GOOGLE = "https://www.googleapis.com/auth/"
DELEGATED = frozenset(
    {"https://mail.google.com/", "https://www.google.com/m8/feeds"}
    | {
        GOOGLE + name
        for name in (
            "gmail.send",
            "gmail.compose",
            "gmail.modify",
            "gmail.readonly",
            "gmail.metadata",
            "gmail.labels",
            "gmail.settings.basic",
            "admin.directory.user",
            "admin.directory.user.readonly",
            "admin.directory.userschema",
            "admin.directory.userschema.readonly",
            "admin.directory.group.readonly",
            "admin.directory.group.member.readonly",
            "contacts",
            "contacts.readonly",
            "contacts.other.readonly",
            "directory.readonly",
            "calendar",
            "calendar.readonly",
            "calendar.events",
            "calendar.events.readonly",
            "tasks",
            "tasks.readonly",
        )
    }
)
"""The scopes of the domain-wide delegation, unless a test takes some away."""


@dataclass(slots=True)
class User:
    """A Google user."""

    id: str
    primary: str
    given: str
    family: str
    aliases: list[str] = field(default_factory=list)
    suspended: bool = False
    admin: bool = False
    deleted: bool = False
    has_mailbox: bool = True
    policy_off: bool = False
    """The administrators have switched Gmail off for the user's organisational unit."""
    password: str = "harmony"
    """For EWS only, which knows no delegation here."""
    custom: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Schema name -> field name -> value, or list of ``{"value", "type"?, "customType"?}``."""
    contacts: list[Json] = field(default_factory=list)
    other_contacts: list[Json] = field(default_factory=list)
    events: dict[str, Json] = field(default_factory=dict)
    tasks: list[Json] = field(default_factory=list)
    etag: int = 1
    _mailbox: Mailbox | None = None

    @property
    def name(self) -> str:
        """Full name."""
        return f"{self.given} {self.family}"

    @property
    def mailbox(self) -> Mailbox:
        """The mailbox, made when first asked for: most of 50,000 users never need one."""
        if self._mailbox is None:
            self._mailbox = Mailbox(self.primary, self.name, self.aliases)
        return self._mailbox

    @property
    def addresses(self) -> list[str]:
        """Primary address and aliases."""
        return [self.primary, *self.aliases]


@dataclass(slots=True)
class ServiceAccount:
    """The identity of the program, and what the customer delegated to it."""

    email: str = "mapi@divalto-demo.iam.gserviceaccount.com"
    client_id: str = "104857600000000000001"
    project: str = "divalto-demo"
    project_number: str = "402915660077"
    delegated: set[str] = field(default_factory=lambda: set(DELEGATED))
    disabled: bool = False
    deleted: bool = False


class World:
    """A customer with its domains, users, schemas and switches."""

    def __init__(self, domains: Iterable[str] = ()) -> None:
        self.domains = set(domains)
        self.customer_id = "C03sandbx"
        self.service_account = ServiceAccount()
        self.apis_off: set[str] = set()
        """Services switched off in the project: ``gmail.googleapis.com``, …"""
        self.clock_offset = 0.0
        """Seconds the servers' clock is ahead of this machine's."""
        self.token_lifetime = 3599
        """Seconds an access token is good for."""
        self.search_ignores_case = True
        """Whether a search in a custom attribute folds case: Google does not say."""
        self.not_yet_searchable: set[str] = set()
        """Primary addresses whose attributes the search index does not know yet."""
        self.schemas: dict[str, Json] = {}
        self.refresh_tokens: dict[str, tuple[str, frozenset[str]]] = {}
        """Refresh token -> (subject, scopes), for programs with user credentials."""
        self.auth_codes: dict[str, tuple[str, frozenset[str]]] = {}
        self.client_secret = "GOCSPX-sandbox-client-secret"
        self.revision = 0
        """Grows with every change of a user or schema."""
        self._users: list[User] = []
        self._by_address: dict[str, User] = {}
        self._by_id: dict[str, User] = {}
        self._ids = itertools.count(1)

    def now(self) -> float:
        """The servers' time, seconds since 1970."""
        return time.time() + self.clock_offset

    def __iter__(self) -> Iterator[User]:
        return iter(self._users)

    def __len__(self) -> int:
        return len(self._users)

    def add(self, address: str, given: str = "", family: str = "", **facts: Any) -> User:
        """Add a user; its domain becomes one of the customer's. `facts` are fields of `User`."""
        number = next(self._ids)
        local, _, domain = address.partition("@")
        user = User(
            f"1{number:020d}", address.lower(), given or local.title(), family or "Test", **facts
        )
        self.domains.add(domain.lower())
        self._users.append(user)
        self._by_id[user.id] = user
        for name in user.addresses:
            self._by_address[name.lower()] = user
        return user

    def user(self, key: str) -> User | None:
        """Find a user by primary address, alias or id."""
        return self._by_address.get(key.lower()) or self._by_id.get(key)

    def __getitem__(self, key: str) -> User:
        found = self.user(key)
        if found is None:
            raise KeyError(f"no user {key} in this world")
        return found

    def changed(self, user: User) -> None:
        """Count a change of `user`."""
        user.etag += 1
        self.revision += 1

    def grant(
        self,
        address: str,
        windows_account: str,
        environment: str | None = None,
        *,
        attribute: str | None = None,
        encoding: str = "env=account",
    ) -> None:
        """Let `windows_account` use the Google user `address`, as an administrator would.

        Args:
            address: The Google user.
            windows_account: The value; for `HARMONY_USER` a Harmony user.
            environment: With it the value goes into `ENV`.
            attribute: Another attribute than the one `environment` implies.
            encoding: How environment and account share the attribute: ``env=account`` (one value
                ``ENVIRONMENT=account``), ``customType`` (the environment is the value's custom
                type) or ``field-per-environment`` (one field ``…Env_ENVIRONMENT`` an environment).
        """
        user = self[address]
        fields = user.custom.setdefault(SCHEMA, {})
        name = attribute or (ENV if environment else WIN_ACCOUNT)
        value: Json = {"value": windows_account, "type": "work"}
        if environment and encoding == "env=account":
            value["value"] = f"{environment}={windows_account}"
        elif environment and encoding == "customType":
            value |= {"type": "custom", "customType": environment}
        elif environment and encoding == "field-per-environment":
            name = f"{name}_{environment}"
            self.define_field(name)
        elif environment:
            raise ValueError(f"unknown encoding {encoding!r}, not one of {', '.join(ENCODINGS)}")
        fields.setdefault(name, []).append(value)
        self.changed(user)

    def define_field(self, name: str, schema: str = SCHEMA, **facts: Any) -> None:
        """Add a field to a schema, text, multi-valued and indexed unless `facts` say otherwise."""
        found = self.schemas.setdefault(schema, new_schema(schema))
        if not any(known["fieldName"] == name for known in found["fields"]):
            found["fields"].append(new_field({"fieldName": name, **facts}))


def new_schema(name: str) -> Json:
    """Return an empty custom schema."""
    return {
        "kind": "admin#directory#schema",
        "schemaId": f"{crc32(name.encode()):012d}==",
        "schemaName": name,
        "displayName": name,
        "fields": [],
    }


def new_field(given: Json) -> Json:
    """Complete a field specification with Google's own defaults."""
    return {
        "kind": "admin#directory#schema#fieldspec",
        "fieldId": f"field-{given['fieldName']}",
        "fieldType": "STRING",
        "displayName": given["fieldName"],
        "multiValued": True,
        "indexed": True,
        "readAccessType": "ALL_DOMAIN_USERS",
        **given,
    }


def rfc3339(seconds: float) -> str:
    """Format a time as the APIs do: ``2026-11-22T13:16:33.123Z``."""
    text = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
