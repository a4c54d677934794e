"""Who acts, the three attributes, and what a Google user says in them: pure, no I/O."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

_LIST: Final = re.compile(r"[;,\r\n]+")  # Windows refuses all of these in an account's name


class Encoding(StrEnum):
    """How the environment and the Windows account share the Env attribute."""

    ENTRY = "env=account"
    """Multi-valued; each value is the environment, the separator, the account."""
    CUSTOM_TYPE = "customType"
    """Multi-valued; the value is the account, its custom type the environment."""
    FIELD = "field-per-environment"
    """One field an environment: the attribute's name, ``_``, the environment."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who acts. What is unknown is empty."""

    environment: str = ""
    harmony_user: str = ""
    windows_account: str = ""

    def data(self) -> dict[str, str]:
        """Return what the trace records."""
        return {
            "environment": self.environment,
            "harmony_user": self.harmony_user,
            "windows_account": self.windows_account,
        }


@dataclass(frozen=True, slots=True)
class Rules:
    """Where the three attributes are and how they are written."""

    schema: str = "Divalto"
    env: str = "DivaltoInfinityWinAccountEnv"
    user: str = "DivaltoInfinityWinAccountUser"
    account: str = "DivaltoInfinityWinAccount"
    encoding: Encoding = Encoding.ENTRY
    separator: str = "="

    def field_of(self, environment: str) -> str:
        """Return the field that holds the Windows accounts of `environment`."""
        if self.encoding != Encoding.FIELD:
            return self.env
        return f"{self.env}_{re.sub(r'[^A-Za-z0-9_-]', '_', environment.strip())}"


@dataclass(frozen=True, slots=True)
class EnvEntry:
    """One Windows account in one environment; None: the entry names no environment."""

    environment: str | None
    account: str


@dataclass(frozen=True, slots=True)
class User:
    """What the resolution knows of a Google user."""

    primary: str
    id: str = ""
    aliases: tuple[str, ...] = ()
    suspended: bool = False
    archived: bool = False
    mailbox: bool = True
    env: tuple[EnvEntry, ...] = ()
    users: tuple[str, ...] = ()
    """Harmony users."""
    accounts: tuple[str, ...] = ()
    """Windows accounts."""

    @property
    def protected(self) -> bool:
        """Tell whether it carries any of the three attributes."""
        return bool(self.env or self.users or self.accounts)

    @classmethod
    def from_directory(cls, item: Mapping[str, Any], rules: Rules) -> "User":
        """Return the user of an item of ``directory.users.list`` or ``.get``; odd shapes are empty.

        A value may hold a list of accounts, separated by line ends, ``;`` or ``,``.
        """
        fields = _section(item.get("customSchemas"), rules.schema)
        aliases = [*_texts(item.get("aliases")), *_texts(item.get("nonEditableAliases"))]
        return cls(
            primary=str(item.get("primaryEmail") or ""),
            id=str(item.get("id") or ""),
            aliases=tuple(dict.fromkeys(aliases)),
            suspended=bool(item.get("suspended")),
            archived=bool(item.get("archived")),
            mailbox=bool(item.get("isMailboxSetup", True)),
            env=tuple(_env_entries(fields, rules)),
            users=tuple(_split(_section(fields, rules.user))),
            accounts=tuple(_split(_section(fields, rules.account))),
        )


def _section(raw: object, name: str) -> Any:
    """Return ``raw[name]``, in any case of the name; None when there is none."""
    if not isinstance(raw, Mapping):
        return None
    if name in raw:
        return raw[name]
    wanted = fold(name)
    return next((value for key, value in raw.items() if fold(str(key)) == wanted), None)


def _values(raw: object) -> Iterator[tuple[str, str | None]]:
    """Yield each value of a single- or multi-valued field, with its custom type."""
    for one in raw if isinstance(raw, list | tuple) else [raw]:
        kind = None
        if isinstance(one, Mapping):
            kind = one.get("customType") or None
            one = one.get("value")
        if one is not None:
            yield str(one), None if kind is None else str(kind)


def _texts(raw: object) -> list[str]:
    return [value for value, _ in _values(raw)]


def _split(raw: object) -> Iterator[str]:
    for value in _texts(raw):
        yield from (part.strip() for part in _LIST.split(value) if part.strip())


def _env_entries(fields: object, rules: Rules) -> Iterator[EnvEntry]:
    if rules.encoding == Encoding.FIELD:
        prefix = fold(rules.env) + "_"
        for name, raw in fields.items() if isinstance(fields, Mapping) else ():
            if fold(str(name)).startswith(prefix):
                yield from (EnvEntry(str(name).strip()[len(prefix) :], a) for a in _split(raw))
        return
    for value, kind in _values(_section(fields, rules.env)):
        for part in filter(None, (part.strip() for part in _LIST.split(value))):
            if rules.encoding == Encoding.CUSTOM_TYPE:
                yield EnvEntry(kind, part)
            else:
                environment, found, account = part.partition(rules.separator)
                readable = found and environment.strip() and account.strip()
                yield (
                    EnvEntry(environment.strip(), account.strip())
                    if readable
                    else EnvEntry(None, part)
                )


def fold(value: str) -> str:
    """Return `value` as it is compared: without surrounding space, composed, in lower case."""
    return unicodedata.normalize("NFC", value).strip().lower()


def find(address: str, users: Iterable[User]) -> User | None:
    """Return the user with this primary address, else alias, else id, else None."""
    wanted = fold(address)
    by_alias = None
    for user in users:
        if fold(user.primary) == wanted:
            return user
        if by_alias is None and (
            user.id == address.strip() or any(fold(alias) == wanted for alias in user.aliases)
        ):
            by_alias = user
    return by_alias


def other_notation(one: str, other: str) -> bool:
    r"""Tell whether one is ``DOMAIN\user`` and the other ``user@domain`` of the same user name."""
    names = [fold(value) for value in (one, other)]
    down = [name.rpartition("\\")[2] for name in names if "\\" in name]
    up = [name.partition("@")[0] for name in names if "@" in name and "\\" not in name]
    return len(down) == len(up) == 1 and down == up and bool(up[0])
