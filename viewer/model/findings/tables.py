"""Facts about Google's APIs that change now and then: data, not code."""

from typing import Final

_AUTH: Final = "https://www.googleapis.com/auth/"
_MAIL: Final = "https://mail.google.com/"


def _scopes(names: str) -> tuple[str, ...]:
    return tuple(name if name.startswith("https") else _AUTH + name for name in names.split())


ACCEPTED: Final = {
    method: _scopes(names)
    for methods, names in (
        (
            "gmail.users.messages.send",
            f"gmail.send gmail.compose gmail.modify {_MAIL}",
        ),
        (
            "gmail.users.messages.list gmail.users.history.list gmail.users.messages.get",
            f"gmail.readonly gmail.modify {_MAIL} gmail.metadata",
        ),
        ("gmail.users.messages.attachments.get", f"gmail.readonly gmail.modify {_MAIL}"),
        ("gmail.users.messages.modify", f"gmail.modify {_MAIL}"),
        (
            "gmail.users.getProfile",
            f"gmail.readonly gmail.compose gmail.modify {_MAIL} gmail.metadata",
        ),
        (
            "gmail.users.settings.sendAs.list",
            f"gmail.settings.basic gmail.readonly gmail.modify {_MAIL}",
        ),
        (
            "directory.users.list directory.users.get",
            "admin.directory.user.readonly admin.directory.user",
        ),
        ("directory.users.update directory.users.patch", "admin.directory.user"),
        (
            "directory.schemas.list directory.schemas.get",
            "admin.directory.userschema.readonly admin.directory.userschema",
        ),
        ("directory.schemas.insert directory.schemas.patch", "admin.directory.userschema"),
        (
            "people.people.connections.list people.people.searchContacts people.people.get",
            "contacts.readonly contacts",
        ),
        (
            "people.people.listDirectoryPeople people.people.searchDirectoryPeople",
            "directory.readonly",
        ),
        ("people.otherContacts.list people.otherContacts.search", "contacts.other.readonly"),
        (
            "calendar.events.list calendar.events.get",
            "calendar.events.readonly calendar.readonly calendar.events calendar",
        ),
        (
            "calendar.events.insert calendar.events.update calendar.events.patch "
            "calendar.events.delete",
            "calendar.events calendar",
        ),
        ("tasks.tasks.list", "tasks.readonly tasks"),
    )
    for method in methods.split()
}
"""Method id -> scopes it accepts, the narrowest first; for traces whose calls do not name them."""

NARROW: Final = ("send", "readonly", "events.readonly", "basic", "compose", "events", "modify")
"""Endings of scopes, the narrowest first."""

AVOID: Final = frozenset({_AUTH + "gmail.metadata"})
"""Scopes not to recommend: this one forbids ``q`` and full messages even beside wider ones."""


def narrowest(scopes: tuple[str, ...]) -> str:
    """Return the scope that gives away least among `scopes`."""

    def width(scope: str) -> tuple[bool, int, int]:
        ending = [n for n, end in enumerate(NARROW) if scope.endswith("." + end)]
        return scope in AVOID, min(ending, default=len(NARROW)), len(scope)

    return min(scopes, key=width, default="?")


QUOTA_UNITS: Final = {
    "gmail.users.messages.send": 100,
    "gmail.users.drafts.send": 100,
    "gmail.users.messages.list": 5,
    "gmail.users.messages.get": 5,
    "gmail.users.messages.attachments.get": 5,
    "gmail.users.messages.modify": 5,
    "gmail.users.messages.insert": 25,
    "gmail.users.history.list": 2,
    "gmail.users.labels.list": 1,
    "gmail.users.getProfile": 1,
    "gmail.users.settings.sendAs.list": 1,
}
"""Gmail's price of a call. Google's own pages disagree; these are the ones most often stated."""

QUOTA_PER_MINUTE: Final = 15_000
"""Units a user has in a minute, by most of Google's pages."""

DIRECTORY_UNITS: Final = {
    f"directory.{name}": 1
    for name in (
        "users.list",
        "users.get",
        "users.update",
        "users.patch",
        "groups.list",
        "members.list",
        "schemas.list",
        "schemas.get",
    )
}
"""Directory counts queries."""

DIRECTORY_PER_MINUTE: Final = 2_400
"""Directory queries a user has in a minute."""

HRESULTS: Final = {
    0x80040102: "MAPI_E_NO_SUPPORT",
    0x80040107: "MAPI_E_INVALID_ENTRYID",
    0x80040108: "MAPI_E_INVALID_OBJECT",
    0x8004010F: "MAPI_E_NOT_FOUND",
    0x80040111: "MAPI_E_LOGON_FAILED",
    0x80040113: "MAPI_E_USER_CANCEL",
    0x80040115: "MAPI_E_NETWORK_ERROR",
    0x8004011D: "MAPI_E_FAILONEPROVIDER",
    0x80040201: "MAPI_E_UNKNOWN_CPID",
    0x80040305: "MAPI_E_TOO_BIG",
    0x80040600: "MAPI_E_CORRUPT_STORE",
    0x80040607: "MAPI_E_NOT_INITIALIZED",
    0x80040700: "MAPI_E_AMBIGUOUS_RECIP",
    0x80004004: "E_ABORT",
    0x80004005: "E_FAIL",
    0x80070005: "E_ACCESSDENIED",
    0x80070057: "E_INVALIDARG",
    0x800401E3: "MK_E_UNAVAILABLE",
    0x800401F3: "CO_E_CLASSSTRING",
    0x80010001: "RPC_E_CALL_REJECTED",
    0x8001010A: "RPC_E_SERVERCALL_RETRYLATER",
    0x800706BA: "RPC_S_SERVER_UNAVAILABLE",
    0x80080005: "CO_E_SERVER_EXEC_FAILURE",
}
"""Names of the HRESULTs that Outlook's object model and MAPI return most."""

LDAP_SUBCODES: Final = {
    "525": "user-not-found",
    "52e": "password-wrong",
    "530": "not-at-this-time",
    "531": "not-at-this-workstation",
    "532": "password-expired",
    "533": "account-disabled",
    "701": "account-expired",
    "773": "password-must-change",
    "775": "account-locked",
}
"""Active Directory's ``data NNN`` in a refused bind; text: ``ldap-data.NAME``."""
