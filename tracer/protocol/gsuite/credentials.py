"""The service account's key, and tokens cached by subject and scopes."""

import json
from pathlib import Path
from typing import Any, Final

from google.oauth2 import service_account

from tracer.protocol.errors import SettingsError

AUTH: Final = "https://www.googleapis.com/auth/"
MAIL: Final = "https://mail.google.com/"

_MODIFY, _READ = AUTH + "gmail.modify", AUTH + "gmail.readonly"
_USER, _USER_READ = AUTH + "admin.directory.user", AUTH + "admin.directory.user.readonly"
_SCHEMA = AUTH + "admin.directory.userschema"

NEEDS: Final[dict[str, tuple[str, ...]]] = {
    "send": (_MODIFY, MAIL, AUTH + "gmail.compose", AUTH + "gmail.send"),
    "read": (_MODIFY, MAIL, _READ),
    "mark": (_MODIFY, MAIL),
    "send-as": (_MODIFY, MAIL, _READ, AUTH + "gmail.settings.basic"),
    "directory": (_USER_READ, _USER),
    "directory-write": (_USER,),
    "schema": (_SCHEMA + ".readonly", _SCHEMA),
    "schema-write": (_SCHEMA,),
    "contacts": (AUTH + "contacts.readonly", AUTH + "contacts"),
    "other-contacts": (AUTH + "contacts.other.readonly",),
    "directory-people": (AUTH + "directory.readonly",),
    "calendar": (AUTH + "calendar", AUTH + "calendar.events"),
}
"""purpose -> the scopes that serve it, preferred first: `gmail.modify` serves all of Gmail."""


def scope_for(purpose: str, delegated: tuple[str, ...]) -> str:
    """Return the scope to ask for: the first one that serves and is delegated.

    `delegated` empty: not known; the preferred one.
    """
    serving = NEEDS[purpose]
    return next((scope for scope in serving if scope in delegated), serving[0])


class _Delegated(service_account.Credentials):
    """A delegated user has no regional boundary, yet google-auth starts a thread to look for it."""

    def _is_regional_access_boundary_lookup_required(self) -> bool:
        return False


class Tokens:
    """Credentials of one service account, one per subject and scope set, so tokens are reused."""

    def __init__(self, key: dict[str, str], token_uri: str = "") -> None:
        self.email = key["client_email"]
        self.client_id = key.get("client_id", "")
        """The numeric id that the administrator delegates to."""
        try:
            made = _Delegated.from_service_account_info(key)  # type: ignore[no-untyped-call]
        except ValueError:  # its text may quote the key
            raise SettingsError(
                "the key file holds no usable private key",
                remedy="create a new JSON key of the service account and use that file unchanged",
            ) from None
        self._base: Any = made.with_token_uri(token_uri) if token_uri else made
        self._cache: dict[tuple[str, frozenset[str]], Any] = {}

    def of(self, subject: str, scopes: frozenset[str]) -> Any:
        """Return the credentials that act for `subject` with `scopes`."""
        key = subject, scopes
        if key not in self._cache:
            scoped = self._base.with_scopes(sorted(scopes))
            self._cache[key] = scoped.with_subject(subject)
        return self._cache[key]

    def forget(self) -> None:
        """Drop every token; the next call asks for a new one."""
        self._cache.clear()


def read_key(path: Path | None) -> dict[str, str]:
    """Return the contents of a service account's key file.

    Raises:
        SettingsError: It is not set, not readable, or not such a file; no text quotes it.
    """
    make = "create a JSON key of the service account in the Google Cloud console"
    if path is None:
        raise SettingsError(
            "service_account_file is not set", remedy=f"{make} and put its path into the settings"
        )
    try:
        found = json.loads(path.read_bytes())
    except OSError as error:
        raise SettingsError(
            f"cannot read the key file {path}: {error.strerror}",
            remedy="correct service_account_file in the settings",
        ) from None
    except ValueError:
        raise SettingsError(f"the key file {path} is not JSON", remedy=make) from None
    if not isinstance(found, dict) or found.get("type") != "service_account":
        raise SettingsError(
            f"the key file {path} is not that of a service account",
            'it has no "type": "service_account"; an OAuth client\'s file looks alike',
            make,
        )
    for name in ("client_email", "private_key", "token_uri"):
        if not isinstance(found.get(name), str) or not found[name]:
            raise SettingsError(f"the key file {path} has no {name}", remedy=make)
    return {name: value for name, value in found.items() if isinstance(value, str)}
