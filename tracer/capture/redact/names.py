"""Secrets and personal data known by the name they are filed under."""

from typing import Final

SECRET: Final[dict[str, str]] = {
    "accesstoken": "token",
    "refreshtoken": "token",
    "idtoken": "token",
    "token": "token",
    "authtoken": "token",
    "oauthtoken": "token",
    "bearertoken": "token",
    "xsrftoken": "token",
    "csrftoken": "token",
    "jwt": "jwt",
    "assertion": "jwt",
    "clientassertion": "jwt",
    "samlrequest": "assertion",
    "samlresponse": "assertion",
    "authorization": "credentials",
    "proxyauthorization": "credentials",
    "credentials": "credentials",
    "credential": "credentials",
    "clientsecret": "secret",
    "sharedsecret": "secret",
    "secret": "secret",
    "consumersecret": "secret",
    "connectionstring": "secret",
    "codeverifier": "secret",
    "password": "password",
    "passwd": "password",
    "passwort": "password",
    "motdepasse": "password",
    "pwd": "password",
    "passphrase": "password",
    "passcode": "password",
    "otp": "password",
    "privatekey": "key",
    "privatekeyid": "key",
    "apikey": "api-key",
    "xgoogapikey": "api-key",
    "subscriptionkey": "api-key",
    "cookie": "cookie",
    "setcookie": "cookie",
    "sessionid": "cookie",
    "signature": "signature",
    "sig": "signature",
    "xgoogsignature": "signature",
    "xamzsignature": "signature",
    "xgoogcredential": "credentials",
    "xamzcredential": "credentials",
    "xamzsecuritytoken": "token",
}
"""Folded name -> kind. The value never reaches the disk, whatever the level."""

_SECRET_ENDINGS: Final = (
    ("password", "password"),
    ("passphrase", "password"),
    ("clientsecret", "secret"),
    ("accesstoken", "token"),
    ("refreshtoken", "token"),
    ("idtoken", "token"),
    ("authtoken", "token"),
    ("privatekey", "key"),
    ("apikey", "api-key"),
    ("cookie", "cookie"),
)

OPAQUE: Final[dict[str, str]] = {
    "pagetoken": "page",
    "nextpagetoken": "page",
    "synctoken": "sync",
    "nextsynctoken": "sync",
    "uploadid": "upload-id",
    "skiptoken": "page",
    "deltatoken": "sync",
}
"""Folded name -> kind: long, meaningless, and a way into somebody's data. Shortened to a tag."""

SECRET_IN_QUERY: Final[dict[str, str]] = {"key": "api-key", "code": "code", "state": "state"}
"""Names that are secrets in a query or a form, and everyday words elsewhere."""

PERSONAL: Final = frozenset(
    {
        "raw", "snippet", "subject", "htmlbody", "textbody", "bodypreview", "uniquebody", "content",
        "contentbytes", "recoveryemail", "recoveryphone", "phones", "phonenumbers", "phone",
        "mobilephone", "businessphones", "homephones", "addresses", "birthdays", "birthday",
        "genders", "organizations", "notes", "biographies", "attendees", "description", "summary",
        "location", "locations", "displayname", "fullname", "givenname", "familyname", "surname",
        "names", "name", "nicknames", "relations", "photos", "posixaccounts", "sshpublickeys",
        "ims", "websites", "filename", "thumbnailphotodata", "urls", "events", "hangoutlink",
        "conferencedata", "postaladdress", "streetaddress", "title", "hashfunction",
    }
)  # fmt: skip
"""Folded names of mail text and of facts about people: structure and size only."""


def fold(name: str) -> str:
    """Return `name` as the tables have it: lower case, without ``_ - . $`` and spaces."""
    return name.lower().translate(_DROPPED)


_DROPPED: Final = dict.fromkeys(map(ord, "_-. $@"))


def secret_kind(folded: str) -> str | None:
    """Return the kind of secret that is filed under a folded name, or None."""
    kind = SECRET.get(folded)
    if kind is None:
        for ending, found in _SECRET_ENDINGS:
            if folded.endswith(ending):
                return found
    return kind
