"""For each rule about tokens, identity and calls: what shows it, and what looks alike."""

from collections.abc import Mapping

from tests.support.traces import TraceBuilder
from tests.viewer.model.findings.build import (
    ACCOUNT,
    DATE,
    ENV,
    SCOPES,
    USER,
    WIN,
    Make,
    body,
    compared,
    exchanged,
    google,
    resolution,
    token,
)

GRANT = "invalid_grant"
SEND = "gmail.users.messages.send"
LIST = "directory.users.list"
UNAUTHORIZED = (
    "Client is unauthorized to retrieve access tokens using this method, "
    "or client not authorized for any of the scopes requested."
)
SHORT_LIVED = "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable"
LATE = "Wed, 18 Nov 2026 10:56:40 GMT"  # ten minutes before the builder's clock
UNTIL = "User-rate limit exceeded.  Retry after 2026-11-18T12:06:40.961Z (Mail sending)"


def _plain(status: int, message: str, reason: str = "", *details: str, method: str = SEND) -> Make:
    return lambda b: google(b, method, status, message, reason, *details)


def _token(status: int, error: str, description: str = "", **more: str) -> Make:
    return lambda b: token(b, status, error, description, **more)


def _nothing(code: str = "nothing-found") -> tuple[str, str, str, dict[str, object]]:
    return ("outcome", "none", code, {})


def _users(*users: Mapping[str, object], **params: str) -> Make:
    listing = {"response": {"status": 200, "headers": {}, "body": body({"users": list(users)})}}
    return lambda b: google(b, LIST, exchange=listing, params={"customer": "my_customer", **params})


def _hidden(b: TraceBuilder, projection: str = "basic") -> None:
    resolution(
        b,
        [("account", "none", "no-match", WIN | compared("Dupond@soc-windows.com")), _nothing()],
        status=1,
        before=_users({"primaryEmail": "a@masoc.com"}, projection=projection),
    )


def _near(b: TraceBuilder, code: str = "other-notation") -> None:
    near = WIN | {"candidate": ACCOUNT} | compared("Dupond@soc-windows.com", r"SOC\Dupond")
    resolution(b, [("account", "rejected", code, near), _nothing()], status=1)


def _nobody(b: TraceBuilder) -> None:
    none = WIN | compared("Dupond@soc-windows.com")
    resolution(b, [("account", "none", "no-match", none), _nothing()], status=1)


def _chosen(b: TraceBuilder, *others: str) -> None:
    steps = [("account", "granted", "matched", WIN | {"candidate": ACCOUNT})]
    for other in others:
        steps.append(("account", "ambiguous", "also-matches", WIN | {"candidate": other}))
    args = {"via": "account", "others": len(others)}
    outcome = ("outcome", "chosen", "chosen", WIN | {"candidate": ACCOUNT, "args": args})
    resolution(b, [*steps, outcome], identity={"windows_account": "Dupond@soc-windows.com"})


def _lower(b: TraceBuilder, near: str | None) -> None:
    steps = []
    if near:
        both = compared("Dupond@soc-windows.com", "Dupond@soc-windows.com",
                        environment=("LESPETITSPAINS", near))  # fmt: skip
        data = ENV | {"candidate": "b@masoc.com"} | both
        steps.append(("env", "rejected", "other-environment", data))
    steps.append(("env", "none", "no-match", ENV))
    steps.append(("user", "granted", "matched", USER | {"candidate": ACCOUNT}))
    args = {"via": "user", "others": 0}
    steps.append(("outcome", "chosen", "chosen", USER | {"candidate": ACCOUNT, "args": args}))
    resolution(b, steps)


def _configured(b: TraceBuilder, verdict: str, code: str, **data: object) -> None:
    args = {"via": "configured", "others": 0}
    outcome = ("outcome", "chosen", "chosen", {"candidate": ACCOUNT, "args": args})
    resolution(b, [("configured", verdict, code, {"candidate": ACCOUNT, **data}), outcome])


def _refused(b: TraceBuilder, code: str, verdict: str = "refused") -> None:
    looked = WIN | {"candidate": ACCOUNT} | compared("Durand@soc", "Dupond@soc-windows.com")
    resolution(
        b,
        [("configured", "rejected", "not-equal", looked),
         ("configured", verdict, code, {"candidate": ACCOUNT, "args": {"asked": "x@masoc.com"}}),
         ("outcome", verdict, code, {"candidate": ACCOUNT})],
        status=1,
    )  # fmt: skip


def _blind(b: TraceBuilder, found: bool) -> None:
    def listings(inner: TraceBuilder) -> None:
        user = {"primaryEmail": ACCOUNT, "customSchemas": {"Divalto": {}}}
        query = "Divalto.DivaltoInfinityWinAccount='Dupond'"
        _users(*([user] if found else []), query=query)(inner)
        _users(user, projection="full")(inner)

    args = {"via": "account", "others": 0}
    outcome = ("outcome", "chosen", "chosen", WIN | {"candidate": ACCOUNT, "args": args})
    resolution(b, [outcome], before=listings, identity={"windows_account": "Dupond"})


def _scope(b: TraceBuilder, *details: str) -> None:
    token(b)
    google(b, "calendar.events.insert", 403, "Request had insufficient authentication scopes.",
           "insufficientPermissions", "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
           exchange={"token": "aa11"},
           scopes=["https://www.googleapis.com/auth/calendar.events"])  # fmt: skip


def _read_back(b: TraceBuilder, got: str) -> None:
    mime = {"headers": {"from": "Ventes <ventes@masoc.com>"}, "size": 100}
    sent = {
        "request": {"headers": {}, "body": {"size": 100, "json": {"raw": {"mime": mime}}}},
        "response": {"status": 200, "headers": {}, "body": body({"id": "m1"})},
    }
    google(b, SEND, exchange=sent)
    headers = [{"name": "From", "value": got}]
    back = {"response": {"status": 200, "body": body({"payload": {"headers": headers}})}}
    google(b, "gmail.users.messages.get", exchange=back, params={"id": "m1"})


def _limit(b: TraceBuilder, *waits_ms: float) -> None:
    for wait in (0.0, *waits_ms):
        b.wait(wait)
        google(b, SEND, 429, UNTIL, "rateLimitExceeded")


def _replayed(b: TraceBuilder, second: int) -> None:
    again = {"role": "replay-401"}
    exchanged(b, SEND, "gmail", [{"status": 401}, {"status": second, **again}], status=second)


def _batch(b: TraceBuilder, status: int) -> None:
    batch = b.add("exchange", "end", "POST gmail.googleapis.com", "gmail", status=200, role="batch")
    part = {"role": "part", "batch": batch}
    google(b, "gmail.users.messages.get", status, "gone" if status > 399 else "", exchange=part)


SAMPLES: dict[str, tuple[Make, Make]] = {
    "delegation-missing": (
        _token(401, "unauthorized_client", UNAUTHORIZED),
        _token(400, GRANT, "Invalid email or User ID"),
    ),
    "delegation-scopes-malformed": (
        _token(401, "unauthorized_client", UNAUTHORIZED, scope=SCOPES.replace(" ", ",")),
        _token(401, "unauthorized_client", UNAUTHORIZED),
    ),
    "client-refused": (
        _token(403, "access_denied", "Requested client not authorized"),
        _token(401, "unauthorized_client", UNAUTHORIZED),
    ),
    "subject-unknown": (
        _token(400, GRANT, "Invalid email or User ID", subject="SOC\\dupond"),
        _token(400, GRANT, "Invalid grant: account not found"),
    ),
    "service-account-disabled": (
        _token(400, GRANT, "Robot is disabled."),
        _token(400, GRANT, "Invalid email or User ID"),
    ),
    "key-invalid": (
        _token(400, GRANT, "Invalid JWT Signature."),
        _token(400, GRANT, SHORT_LIVED),
    ),
    "clock-skew": (
        _token(400, GRANT, SHORT_LIVED, date=LATE),
        _token(400, GRANT, "Invalid JWT Signature."),
    ),
    "user-credentials": (
        _token(400, GRANT, "Token has been expired or revoked."),
        _token(400, GRANT, "Invalid email or User ID"),
    ),
    "client-disabled": (
        _token(401, "deleted_client", "The OAuth client was deleted."),
        _token(401, "unauthorized_client", UNAUTHORIZED),
    ),
    "clock-offset": (_token(200, "", date=LATE), _token(200, "", date=DATE)),
    "scope-not-granted": (
        _token(200, "", granted=SCOPES.split()[0]),
        _token(200, "", granted=SCOPES),
    ),
    "directory-not-admin": (
        _plain(403, "Not Authorized to access this resource/api", "forbidden", method=LIST),
        _plain(403, "Delegation denied for a@masoc.com", "forbidden"),
    ),
    "attributes-hidden": (_hidden, lambda b: _hidden(b, "full")),
    "attribute-not-found": (_near, _nobody),
    "query-malformed": (
        _plain(400, "Invalid Input: query", "invalid", method=LIST),
        _plain(400, "Bad Request", "badRequest", method=LIST),
    ),
    "ambiguous": (lambda b: _chosen(b, "b@masoc.com", "c@masoc.com"), _chosen),
    "lower-attribute": (lambda b: _lower(b, "LES PETITS PAINS"), _chosen),
    "unprotected": (
        lambda b: _configured(b, "unprotected", "unprotected"),
        lambda b: _configured(b, "granted", "matched", **WIN),
    ),
    "directory-domain": (
        _plain(404, "Domain not found.", "notFound", method=LIST),
        _plain(404, "Resource Not Found: userKey", "notFound", method="directory.users.get"),
    ),
    "user-not-found": (
        lambda b: google(b, "directory.users.get", 404, "Resource Not Found: userKey", "notFound",
                         params={"userKey": "gone@masoc.com"}),
        _plain(404, "Domain not found.", "notFound", method=LIST),
    ),
    "schema-not-found": (
        lambda b: google(b, "directory.schemas.get", 404, "Resource Not Found: schema", "notFound",
                         params={"schemaKey": "Divalto"}),
        _plain(404, "Domain not found.", "notFound", method=LIST),
    ),
    "resolution-refused": (
        lambda b: _refused(b, "not-admitted"),
        lambda b: _configured(b, "granted", "matched", **WIN),
    ),
    "account-unusable": (
        lambda b: _refused(b, "suspended"),
        lambda b: _refused(b, "not-admitted"),
    ),
    "account-unknown": (
        lambda b: _refused(b, "configured-not-found", "none"),
        lambda b: _refused(b, "not-admitted"),
    ),
    "identity-incomplete": (
        lambda b: resolution(
            b,
            [("account", "none", "identity-incomplete", {"args": {"missing": "windows_account"}}),
             _nothing()],
            status=1, identity={},
        ),
        _nobody,
    ),
    "query-blind": (lambda b: _blind(b, found=False), lambda b: _blind(b, found=True)),
    "scope-insufficient": (_scope, _plain(403, "Delegation denied for x", "forbidden")),
    "api-disabled": (
        _plain(403, "Gmail API has not been used in project 1234 before or it is disabled. Enable "
               "it by visiting https://console.developers.google.com/apis/api/gmail.googleapis.com"
               "/overview?project=1234 then retry.", "accessNotConfigured", "SERVICE_DISABLED"),
        _plain(403, "The domain administrators have disabled Gmail apps.", "domainPolicy"),
    ),
    "metadata-scope": (
        _plain(403, "Metadata scope does not support 'q' parameter", "forbidden"),
        _plain(403, "Request had insufficient authentication scopes.", "insufficientPermissions"),
    ),
    "domain-policy": (
        _plain(403, "The domain administrators have disabled Gmail apps.", "domainPolicy"),
        _plain(403, "Delegation denied for x", "forbidden"),
    ),
    "delegation-denied": (
        lambda b: google(b, SEND, 403, "Delegation denied for a@masoc.com", "forbidden",
                         params={"userId": "alias@masoc.com"}),
        _plain(403, "Not Authorized to access this resource/api", "forbidden", method=LIST),
    ),
    "subject-not-path": (
        lambda b: google(b, SEND, params={"userId": "other@masoc.com"}),
        lambda b: google(b, SEND, params={"userId": "Dupond@MASOC.com"}),
    ),
    "mailbox-missing": (
        _plain(400, "Mail service not enabled", "failedPrecondition", "FAILED_PRECONDITION"),
        _plain(400, "Precondition check failed.", "failedPrecondition"),
    ),
    "subject-missing": (
        _plain(400, "Precondition check failed.", "failedPrecondition"),
        _plain(400, "Mail service not enabled", "failedPrecondition"),
    ),
    "directory-sharing": (
        _plain(403, "", "PERMISSION_DENIED", method="people.people.listDirectoryPeople"),
        _plain(403, "", "PERMISSION_DENIED", method="people.people.connections.list"),
    ),
    "from-rewritten": (
        lambda b: _read_back(b, "dupond@masoc.com"),
        lambda b: _read_back(b, "Ventes <Ventes@masoc.com>"),
    ),
    "from-not-allowed": (
        _plain(400, "Custom from requires smtpMsa configuration", "invalidArgument"),
        _plain(400, "Invalid To header", "invalidArgument"),
    ),
    "message-malformed": (
        _plain(400, "Invalid To header", "invalidArgument", "INVALID_ARGUMENT"),
        _plain(400, "Invalid value for maxResults: 0", "invalidArgument", "INVALID_ARGUMENT"),
    ),
    "message-too-large": (
        lambda b: google(b, SEND, 413, exchange={"request": {"body": {"size": 9_000_000}}}),
        _plain(400, "Recipient address required", "invalidArgument"),
    ),
    "send-limit": (
        _plain(429, UNTIL, "rateLimitExceeded"),
        _plain(429, "Resource has been exhausted (e.g. check quota).", "rateLimitExceeded"),
    ),
    "retry-too-early": (
        lambda b: _limit(b, 2_000, 4_000),
        lambda b: _limit(b, 3_700_000),
    ),
    "quota-exceeded": (
        _plain(403, "Rate Limit Exceeded", "rateLimitExceeded"),
        _plain(429, UNTIL, "rateLimitExceeded"),
    ),
    "token-rejected": (lambda b: _replayed(b, 401), lambda b: _replayed(b, 200)),
    "history-expired": (
        _plain(404, "Requested entity was not found.", method="gmail.users.history.list"),
        _plain(404, "Requested entity was not found.", method="gmail.users.messages.get"),
    ),
    "sync-expired": (
        _plain(410, "Sync token is no longer valid", method="calendar.events.list"),
        _plain(404, "Not Found", "notFound", method="calendar.events.list"),
    ),
    "page-token-invalid": (
        _plain(400, "Invalid pageToken", "invalid", method=LIST),
        _plain(400, "Invalid Input: query", "invalid", method=LIST),
    ),
    "already-exists": (
        _plain(409, "Entity already exists.", "duplicate", method="directory.schemas.insert"),
        _plain(404, "Resource Not Found: schema", "notFound", method="directory.schemas.get"),
    ),
    "stale-version": (
        _plain(412, "Precondition Failed", "conditionNotMet", method="calendar.events.update"),
        _plain(400, "Precondition check failed.", "failedPrecondition"),
    ),
    "batch-partial": (lambda b: _batch(b, 404), lambda b: _batch(b, 200)),
}  # fmt: skip
