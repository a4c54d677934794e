"""Google's error bodies as data: one table for the token endpoint, one for the APIs.

The texts are what the servers really send, because a trace is searched for them word for word.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from samples.sandbox.wire import Json, Reply

UNAUTHORIZED = (
    "Client is unauthorized to retrieve access tokens using this method, "
    "or client not authorized for any of the scopes requested."
)
SHORT_LIVED = (
    "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. "
    "Check your iat and exp values and use a clock with skew to account for clock differences "
    "between systems."
)

TOKEN: Mapping[str, tuple[int, str, str]] = {
    "unauthorized-client": (401, "unauthorized_client", UNAUTHORIZED),
    "access-denied": (403, "access_denied", "Requested client not authorized."),
    "invalid-grant-email": (400, "invalid_grant", "Invalid email or User ID"),
    "not-an-address": (400, "invalid_grant", "Not a valid email."),
    "sa-deleted": (400, "invalid_grant", "Invalid grant: account not found"),
    "sa-disabled": (400, "invalid_grant", "Robot is disabled."),
    "bad-signature": (400, "invalid_grant", "Invalid JWT Signature."),
    "bad-audience": (
        400,
        "invalid_grant",
        "Invalid JWT: Failed audience check. "
        "The right audience is https://oauth2.googleapis.com/token",
    ),
    "no-issuer": (400, "invalid_grant", "Invalid JWT: No valid verifier found for issuer."),
    "short-lived": (400, "invalid_grant", SHORT_LIVED),
    "revoked": (400, "invalid_grant", "Token has been expired or revoked."),
    "bad-code": (400, "invalid_grant", "Malformed auth code."),
    "bad-client": (401, "invalid_client", "The provided client secret is invalid."),
    "bad-assertion": (400, "invalid_request", "Bad Request"),
    "no-scope": (
        400,
        "invalid_scope",
        "Empty or missing scope not allowed.",
    ),
    "bad-grant-type": (400, "unsupported_grant_type", "Invalid grant_type: {grant_type}"),
}
"""name -> (HTTP status, `error`, `error_description`) of the token endpoint."""


@dataclass(frozen=True, slots=True)
class ApiError:
    """One error of an API: the message may hold ``{placeholders}``."""

    code: int
    message: str
    reason: str
    domain: str = "global"
    status: str | None = None
    inner: str | None = None
    """The message of ``errors[0]`` where it differs from the outer one."""
    extra: Mapping[str, str] = field(default_factory=dict)
    """More keys of ``errors[0]``: location, locationType, extendedHelp."""
    info: tuple[str, Mapping[str, str]] | None = None
    """Reason and metadata of the ``google.rpc.ErrorInfo`` in ``details``."""


_CREDENTIALS = (
    "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie "
    "or other valid authentication credential. "
    "See https://developers.google.com/identity/sign-in/web/devconsole-project."
)
_ACTIVATE = "https://console.developers.google.com/apis/api/{service}/overview?project={project}"
_API_OFF = (
    "{title} has not been used in project {project} before or it is disabled. Enable it by "
    "visiting "
    + _ACTIVATE
    + " then retry. If you enabled this API recently, wait a few minutes for the action to "
    "propagate to our systems and retry."
)
_INVALID = "invalidArgument"
_IA = "INVALID_ARGUMENT"
_FP = "FAILED_PRECONDITION"
_PD = "PERMISSION_DENIED"
_LIMITS = "usageLimits"

API: Mapping[str, ApiError] = {
    "401": ApiError(
        401,
        _CREDENTIALS,
        "authError",
        status="UNAUTHENTICATED",
        inner="Invalid Credentials",
        extra={"location": "Authorization", "locationType": "header"},
    ),
    "scope": ApiError(
        403,
        "Request had insufficient authentication scopes.",
        "insufficientPermissions",
        status=_PD,
        inner="Insufficient Permission",
        info=("ACCESS_TOKEN_SCOPE_INSUFFICIENT", {"service": "{service}", "method": "{method}"}),
    ),
    "api-off": ApiError(
        403,
        _API_OFF,
        "accessNotConfigured",
        _LIMITS,
        _PD,
        extra={"extendedHelp": "https://console.developers.google.com"},
        info=(
            "SERVICE_DISABLED",
            {"service": "{service}", "consumer": "projects/{project}", "activationUrl": _ACTIVATE},
        ),
    ),
    "not-admin": ApiError(403, "Not Authorized to access this resource/api", "forbidden"),
    "delegation-denied": ApiError(403, "Delegation denied for {subject}", "forbidden", status=_PD),
    "domain-policy": ApiError(
        403, "The domain administrators have disabled Gmail apps.", "domainPolicy"
    ),
    "metadata-q": ApiError(
        403, "Metadata scope does not support 'q' parameter", "forbidden", status=_PD
    ),
    "metadata-format": ApiError(
        403, "Metadata scope doesn't allow format {format}", "forbidden", status=_PD
    ),
    "quota-403": ApiError(403, "Rate Limit Exceeded", "rateLimitExceeded", _LIMITS),
    "user-quota-403": ApiError(403, "User Rate Limit Exceeded", "userRateLimitExceeded", _LIMITS),
    "daily-limit": ApiError(403, "Daily Limit Exceeded", "dailyLimitExceeded", _LIMITS),
    "quota-metric": ApiError(
        403,
        "Quota exceeded for quota metric 'Queries' and limit 'Queries per minute per user' of "
        "service '{service}' for consumer 'project_number:{project}'.",
        "rateLimitExceeded",
        _LIMITS,
    ),
    "exhausted": ApiError(
        429,
        "Resource has been exhausted (e.g. check quota).",
        "rateLimitExceeded",
        status="RESOURCE_EXHAUSTED",
    ),
    "rate-limit": ApiError(
        429,
        "User-rate limit exceeded.  Retry after {until} (Mail sending)",
        "rateLimitExceeded",
        _LIMITS,
    ),
    "too-many-concurrent": ApiError(
        429, "Too many concurrent requests for user", "rateLimitExceeded", _LIMITS
    ),
    "no-mailbox": ApiError(400, "Mail service not enabled", "failedPrecondition", status=_FP),
    "no-subject": ApiError(400, "Precondition check failed.", "failedPrecondition", status=_FP),
    "bad-to": ApiError(400, "Invalid To header", _INVALID, status=_IA),
    "no-recipient": ApiError(400, "Recipient address required", _INVALID, status=_IA),
    "raw-required": ApiError(
        400,
        "'raw' RFC822 payload message string or uploading message via /upload/* URL required",
        _INVALID,
        status=_IA,
    ),
    "base64": ApiError(
        400,
        "Invalid value at 'message.raw' (TYPE_BYTES), Base64 decoding failed for \"{value}\"",
        _INVALID,
        status=_IA,
    ),
    "bad-json": ApiError(
        400, "Invalid JSON payload received. Unexpected token.", "parseError", status=_IA
    ),
    "payload-size": ApiError(
        400,
        "Request payload size exceeds the limit: {limit} bytes.",
        "badRequest",
        status=_IA,
    ),
    "too-large": ApiError(413, "Request Too Large", "uploadTooLarge"),
    "argument": ApiError(400, "Invalid value for {name}: {value}", _INVALID, status=_IA),
    "missing-argument": ApiError(
        400,
        "Required parameter: {name}",
        "required",
        extra={"location": "{name}", "locationType": "parameter"},
    ),
    "read-mask": ApiError(
        400,
        "{name} mask is required. Please specify one or more valid paths.",
        _INVALID,
        status=_IA,
    ),
    "not-in-a-domain": ApiError(403, "Must be a G Suite domain user.", "forbidden", status=_PD),
    "bad-request": ApiError(400, "Bad Request", "badRequest"),
    "bad-query": ApiError(400, "Invalid Input: query", "invalid"),
    "bad-input": ApiError(400, "Invalid Input: {name}", "invalid"),
    "bad-page-token": ApiError(400, "Invalid Value", "invalid"),
    "unknown-user": ApiError(404, "Resource Not Found: userKey", "notFound"),
    "unknown-schema": ApiError(404, "Resource Not Found: schema", "notFound"),
    "unknown-domain": ApiError(404, "Domain not found.", "notFound"),
    "not-found": ApiError(404, "Not Found", "notFound"),
    "entity-not-found": ApiError(
        404, "Requested entity was not found.", "notFound", status="NOT_FOUND"
    ),
    "duplicate": ApiError(409, "Entity already exists.", "duplicate"),
    "batch-size": ApiError(
        400,
        "The batch request contains too many calls: {count}. The limit is 100.",
        "badRequest",
        status=_IA,
    ),
    "event-deleted": ApiError(410, "Resource has been deleted", "deleted"),
    "event-exists": ApiError(409, "The requested identifier already exists.", "duplicate"),
    "no-end-time": ApiError(400, "Missing end time.", "required"),
    "empty-range": ApiError(
        400, "The specified time range is empty.", "timeRangeEmpty", "calendar"
    ),
    "sync-expired": ApiError(
        410,
        "Sync token is no longer valid, a full sync is required.",
        "fullSyncRequired",
        "calendar",
        extra={"locationType": "parameter", "location": "syncToken"},
    ),
    "precondition": ApiError(
        412,
        "Precondition Failed",
        "conditionNotMet",
        extra={"locationType": "header", "location": "If-Match"},
    ),
    "500-backend": ApiError(500, "Backend Error", "backendError"),
    "503": ApiError(503, "Service unavailable. Please try again", "backendError"),
    "unimplemented": ApiError(
        501,
        "The sandbox does not play {method}.",
        "notImplemented",
        status="UNIMPLEMENTED",
    ),
}
"""name -> body of an API error. `status` stands only where the real service sends one."""

HTML: Mapping[str, tuple[int, str, str]] = {
    "413": (
        413,
        "Error 413 (Request Entity Too Large)!!1",
        "Your client issued a request that was too large.",
    ),
    "html-502": (
        502,
        "Error 502 (Server Error)!!1",
        "The server encountered a temporary error and could not complete your request. "
        "Please try again in 30 seconds.",
    ),
    "404": (404, "Error 404 (Not Found)!!1", "The requested URL was not found on this server."),
}
"""name -> (status, title, sentence): pages of the front end, no JSON at all."""


class Refused(Exception):  # noqa: N818 - not a failure of the program: the answer is an error body
    """The request gets the error body `name` of one of the tables."""

    def __init__(self, name: str, /, **values: Any) -> None:
        super().__init__(name)
        self.name = name
        self.values = values

    def reply(self) -> Reply:
        """Return the answer this refusal is."""
        return render(self.name, **self.values)


def render(name: str, /, **values: Any) -> Reply:
    """Build the answer `name` of `API`, `TOKEN` or `HTML`; `values` fill its placeholders."""
    if name in API:
        return _api(API[name], values)
    if name in TOKEN:
        status, error, description = TOKEN[name]
        said = description.format_map(values)
        return Reply.of({"error": error, "error_description": said}, status)
    status, title, sentence = HTML[name]
    page = (
        f"<!DOCTYPE html>\n<html lang=en>\n<meta charset=utf-8>\n<title>{title}</title>\n"
        f"<p><b>{status}.</b> <ins>That’s an error.</ins>\n<p>{sentence} "
        f"<ins>That’s all we know.</ins>\n"
    )
    return Reply(status, page.encode(), {"Content-Type": "text/html; charset=UTF-8"})


def _api(error: ApiError, values: Mapping[str, Any]) -> Reply:
    message = error.message.format_map(values)
    first = {
        "message": (error.inner or error.message).format_map(values),
        "domain": error.domain,
        "reason": error.reason,
        **{key: text.format_map(values) for key, text in error.extra.items()},
    }
    body: Json = {"code": error.code, "message": message, "errors": [first]}
    if error.status:
        body["status"] = error.status
    if error.info:
        reason, metadata = error.info
        body["details"] = [
            {
                "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                "reason": reason,
                "domain": "googleapis.com",
                "metadata": {key: text.format_map(values) for key, text in metadata.items()},
            }
        ]
    reply = Reply.of({"error": body}, error.code)
    if error.code == 401:
        reply.headers["WWW-Authenticate"] = (
            'Bearer realm="https://accounts.google.com/", error="invalid_token"'
        )
    if "accepted" in values:
        reply.headers["WWW-Authenticate"] = (
            'Bearer realm="https://accounts.google.com/", error="insufficient_scope", '
            f'scope="{" ".join(values["accepted"])}"'
        )
    return reply
