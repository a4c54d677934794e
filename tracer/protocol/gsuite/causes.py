"""What Google's errors mean, as data: the first row that fits gives cause and remedy."""

import re
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Cause:
    """A row: empty conditions always hold; `message` is a pattern."""

    status: int
    reason: str
    message: str
    cause: str
    remedy: str

    def fits(self, status: int, reasons: set[str], message: str) -> bool:
        """Tell whether every condition holds."""
        return (
            self.status in {0, status}
            and (not self.reason or self.reason in reasons)
            and bool(re.search(self.message, message, re.IGNORECASE))
        )


_DELEGATION: Final = "Admin console › Security › API controls › Domain-wide delegation"

TOKEN: Final = (
    Cause(
        0, "unauthorized_client", "",
        "the client id is not delegated, or one of the scopes asked for is not",
        f"{_DELEGATION}: add the numeric client id with exactly these scopes;"
        " `tracer act check` prints the link",
    ),
    Cause(
        0, "access_denied", "", "a policy of the customer refuses the client",
        "Admin console › Security › API controls: allow the app for the user's unit",
    ),
    Cause(
        0, "invalid_grant", "invalid email or user id|not a valid email|account has been deleted",
        "the account acted for is no active primary address: misspelt, alias, group or suspended",
        "correct the account in the settings or on the Google user",
    ),
    Cause(
        0, "invalid_grant", "account not found|robot is disabled",
        "the service account itself is deleted or disabled",
        "enable it in the Google Cloud project, or create a new one with its delegation",
    ),
    Cause(
        0, "invalid_grant", "signature", "the key was deleted, or file and key do not match",
        "create a new JSON key and replace the file on the server and all clients",
    ),
    Cause(
        0, "invalid_grant", "short-lived", "the clock of this machine is wrong",
        "synchronise the clock (NTP); `tracer act check` shows the offset",
    ),
    Cause(
        0, "invalid_grant", "", "Google does not accept the grant",
        "run `tracer act check`",
    ),
    Cause(0, "invalid_request", "sub", "the account acted for is malformed",
          "correct the account in the settings"),
)  # fmt: skip

API: Final = (
    Cause(
        403, "ACCESS_TOKEN_SCOPE_INSUFFICIENT", "", "the token lacks a scope this method needs",
        f"add the scope to the settings and to {_DELEGATION}",
    ),
    Cause(
        403, "", "metadata scope", "gmail.metadata among the scopes forbids this request",
        "take gmail.metadata out of the settings and of the delegation",
    ),
    Cause(
        403, "insufficientPermissions", "", "the token lacks a scope this method needs",
        f"add the scope to the settings and to {_DELEGATION}",
    ),
    Cause(
        403, "accessNotConfigured", "", "the API is off in the service account's project",
        "Google Cloud console › APIs: enable it in that project and wait a few minutes",
    ),
    Cause(
        403, "", "not authorized to access this resource", "the subject may not read the Directory",
        "set directory_account to an administrator with the right Users › Read",
    ),
    Cause(
        403, "", "delegation denied", "the path names another user than the token's subject",
        "use the primary address of the account",
    ),
    Cause(
        403, "domainPolicy", "", "the administrators have switched Gmail off for this user's unit",
        "switch Gmail on for the unit, or use another account",
    ),
    Cause(403, "dailyLimitExceeded", "", "the project's daily quota is used up",
          "wait until tomorrow or ask Google for a higher quota"),
    Cause(429, "", "concurrent", "too many parallel requests on one mailbox",
          "send one after the other"),
    Cause(429, "", "user-rate limit", "the mailbox's sending limit is reached;"
          " every try before its end prolongs it", "wait; send mass mail by other means"),
    Cause(429, "", "", "the quota of the API is used up", "wait a minute, send less at a time"),
    Cause(403, "rateLimitExceeded", "", "the quota of the API is used up", "wait a minute"),
    Cause(403, "userRateLimitExceeded", "", "the user's quota is used up", "wait a minute"),
    Cause(
        400, "failedPrecondition", "mail service not enabled", "the account has no Gmail mailbox",
        "assign a Gmail licence to the account",
    ),
    Cause(
        400, "failedPrecondition", "precondition check", "the service account acted for nobody",
        "configure the account",
    ),
    Cause(400, "", "invalid to header|recipient address", "a recipient's address is malformed",
          "correct the address in the record"),
    Cause(400, "", "custom from", "the From address needs its own mail server",
          "verify the address in Gmail's settings"),
    Cause(400, "", "payload size", "the message is too large for this way of sending",
          "send a link to the document"),
    Cause(413, "", "", "the message is too large for this way of sending",
          "send a link to the document"),
    Cause(401, "", "", "Google no longer accepts the token", "run `tracer act check`"),
    Cause(404, "", "domain not found", "the customer or domain is not this administrator's",
          "correct customer in the settings"),
    Cause(404, "", "userkey", "there is no such user", "correct the address"),
    Cause(409, "", "", "it exists already", ""),
    Cause(410, "", "", "the stored position is too old", "a full synchronisation is needed"),
    Cause(412, "", "", "it was changed in the meantime", "read it again and repeat"),
)  # fmt: skip


def look_up(
    table: tuple[Cause, ...], status: int, reasons: set[str], message: str
) -> tuple[str, str]:
    """Return cause and remedy, both empty when no row fits."""
    for row in table:
        if row.fits(status, reasons, message):
            return row.cause, row.remedy
    if status >= 500:
        return "trouble at Google's", "try again in a few minutes"
    return "", ""
