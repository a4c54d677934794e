"""Which failure is whose: status, reason, details, then message, in that order, as data.

The first line that fits decides, so the narrow ones stand before the wide ones. Google changes its
messages; they change here and nowhere else.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from tracer.schema.events import Kind
from viewer.model.findings.failure import UNREADABLE, Failure


@dataclass(frozen=True, slots=True)
class Pattern:
    """What a failure must be for `rule`; what is empty does not matter."""

    rule: str
    place: tuple[str, ...]
    status: tuple[int | None, ...] = ()
    reason: tuple[str, ...] = ()
    details: tuple[str, ...] = ()
    message: str = ""
    """A regular expression, searched without regard to case."""
    method: str = ""
    """The beginning of the method id."""
    confidence: float = 0.9

    def fits(self, failure: Failure) -> bool:
        """Tell whether `failure` is of this kind."""
        return (
            failure.place in self.place
            and (not self.status or failure.status in self.status)
            and (not self.reason or failure.reason in self.reason)
            and (not self.details or not set(self.details).isdisjoint(failure.details))
            and (not self.message or bool(re.search(self.message, failure.message, re.IGNORECASE)))
            and failure.method.startswith(self.method)
        )


_TOKEN: Final = ("token",)
_GOOGLE: Final = ("google",)
_DIRECTORY: Final = "directory."
_HTTP: Final = ("token", "google", "http", "ews")
_RETRY: Final = (500, 502, 503, 504)

PATTERNS: Final[tuple[Pattern, ...]] = (
    # token: the service account, then the delegation, then the subject
    Pattern("service-account-disabled", _TOKEN, (400, 401), ("invalid_grant",), (),
            r"account not found|robot is disabled", confidence=0.95),
    Pattern("key-invalid", _TOKEN, (400, 401), ("invalid_grant",), (),
            r"invalid jwt signature|no valid verifier", confidence=0.95),
    Pattern("clock-skew", _TOKEN, (400, 401), ("invalid_grant",), (),
            r"short-lived token|reasonable timeframe|check your iat", confidence=0.7),
    Pattern("subject-unknown", _TOKEN, (400, 401), ("invalid_grant",), (),
            r"invalid email|not a valid email|user id|account has been deleted", confidence=0.9),
    Pattern("subject-unknown", _TOKEN, (400,), ("invalid_request",), (),
            r"impersonation", confidence=0.9),
    Pattern("user-credentials", _TOKEN, (400, 401), ("invalid_grant",), (),
            r"expired or revoked|invalid_rapt|reauth", confidence=0.8),
    Pattern("delegation-missing", _TOKEN, (), ("unauthorized_client",), (), "", confidence=0.9),
    Pattern("client-refused", _TOKEN, (), ("access_denied", "admin_policy_enforced"), (), "",
            confidence=0.8),
    Pattern("client-disabled", _TOKEN, (), ("disabled_client", "deleted_client", "invalid_client")),
    Pattern("subject-unknown", _TOKEN, (400,), ("invalid_grant",), (), r"^bad request$",
            confidence=0.5),
    # the same, told by the exception alone (bodies not recorded, or the exchange is missing)
    *(
        Pattern(rule, ("token", "google"), (), ("RefreshError",), (), message, confidence=sure)
        for rule, message, sure in (
            ("service-account-disabled", r"account not found|robot is disabled", 0.9),
            ("key-invalid", r"invalid jwt signature|no valid verifier", 0.9),
            ("clock-skew", r"short-lived token", 0.6),
            ("delegation-missing", r"unauthorized_client", 0.8),
            ("client-refused", r"access_denied", 0.7),
            ("user-credentials", r"expired or revoked", 0.7),
            ("subject-unknown", r"invalid email|not a valid email", 0.8),
        )
    ),
    # who may, and what is switched on
    Pattern("api-disabled", _GOOGLE, (403,), ("accessNotConfigured",), (), "", confidence=0.95),
    Pattern("api-disabled", _GOOGLE, (403,), (), ("SERVICE_DISABLED",), "", confidence=0.95),
    Pattern("api-disabled", _GOOGLE, (403,), (), (), r"has not been used in project|is disabled\b",
            confidence=0.8),
    Pattern("metadata-scope", _GOOGLE, (403,), (), (), r"metadata scope does", confidence=0.95),
    Pattern("scope-insufficient", _GOOGLE, (403,), ("insufficientPermissions",), (), "",
            confidence=0.9),
    Pattern("scope-insufficient", _GOOGLE, (403,), (), ("ACCESS_TOKEN_SCOPE_INSUFFICIENT",), "",
            confidence=0.9),
    Pattern("scope-insufficient", _GOOGLE, (403,), (), (), r"insufficient authentication scopes",
            confidence=0.8),
    Pattern("domain-policy", _GOOGLE, (403,), ("domainPolicy",), (), "", confidence=0.9),
    Pattern("domain-policy", _GOOGLE, (403,), (), (), r"domain administrators have disabled",
            confidence=0.9),
    Pattern("delegation-denied", _GOOGLE, (403,), (), (), r"delegation denied", confidence=0.9),
    Pattern("directory-not-admin", _GOOGLE, (403,), (), (), r"not authorized to access this",
            _DIRECTORY, confidence=0.9),
    Pattern("directory-sharing", _GOOGLE, (403,), (), (), "", "people.people.listDirectory",
            confidence=0.6),
    Pattern("directory-sharing", _GOOGLE, (403,), (), (), "", "people.people.searchDirectory",
            confidence=0.6),
    Pattern("mailbox-missing", _GOOGLE, (400,), (), (), r"mail service not enabled",
            confidence=0.95),
    Pattern("subject-missing", _GOOGLE, (400,), ("failedPrecondition",), (), r"precondition check",
            "gmail.", confidence=0.7),
    Pattern("token-rejected", _GOOGLE, (401,), (), (), "", confidence=0.8),
    # the Directory's answers
    Pattern("query-malformed", _GOOGLE, (400,), (), (), r"invalid input: query", _DIRECTORY,
            confidence=0.95),
    Pattern("directory-domain", _GOOGLE, (404,), (), (), r"domain not found", _DIRECTORY),
    Pattern("directory-domain", _GOOGLE, (400,), ("badRequest",), (), r"^bad request$",
            "directory.users.list", confidence=0.8),
    Pattern("user-not-found", _GOOGLE, (404,), (), (), r"userkey", _DIRECTORY, confidence=0.95),
    Pattern("user-not-found", _GOOGLE, (404,), (), (), "", "directory.users.get", confidence=0.8),
    Pattern("schema-not-found", _GOOGLE, (404,), (), (), "", "directory.schemas.", confidence=0.8),
    Pattern("already-exists", _GOOGLE, (409,), (), (), ""),
    Pattern("stale-version", _GOOGLE, (412,), (), (), ""),
    # limits
    Pattern("send-limit", _GOOGLE, (403, 429), (), (), r"retry after|mail sending|user-rate limit",
            confidence=0.95),
    Pattern("quota-exceeded", _GOOGLE, (403, 429), ("rateLimitExceeded", "userRateLimitExceeded",
            "quotaExceeded", "dailyLimitExceeded"), (), "", confidence=0.9),
    Pattern("quota-exceeded", _GOOGLE, (429,), (), (), "", confidence=0.8),
    # the message
    Pattern("message-too-large", _GOOGLE, (413,), (), (), "", confidence=0.95),
    Pattern("message-too-large", _GOOGLE, (400,), (), (), r"payload size exceeds|too large",
            confidence=0.95),
    Pattern("from-not-allowed", _GOOGLE, (400,), (), (), r"smtpmsa", confidence=0.9),
    Pattern("message-malformed", _GOOGLE, (400,), (), (),
            r"invalid (to|cc|bcc|from|reply-to) header|recipient address required|raw.{0,20}rfc822|"
            r"base64 decoding failed|invalid value at 'message", confidence=0.95),
    # cursors and the service
    Pattern("history-expired", _GOOGLE, (404,), (), (), "", "gmail.users.history."),
    Pattern("sync-expired", _GOOGLE, (410,), (), (), ""),
    Pattern("sync-expired", _GOOGLE, (400, 410), (), ("EXPIRED_SYNC_TOKEN",), ""),
    Pattern("page-token-invalid", _GOOGLE, (400,), (), (), r"page ?token", confidence=0.8),
    # SMTP: RFC 5321 codes, RFC 3463 and 4954 meanings
    Pattern("smtp-auth", ("smtp",), (454, 530, 534, 535, 538), (), (), "", confidence=0.9),
    Pattern("smtp-auth", ("smtp",), (), ("SMTPAuthenticationError",), (), "", confidence=0.8),
    Pattern("smtp-size", ("smtp",), (552, 523, 554), (), (),
            r"5\.3\.4|5\.2\.3|size|too (large|big)", confidence=0.9),
    Pattern("smtp-size", ("smtp",), (552,), (), (), "", confidence=0.7),
    Pattern("smtp-relay", ("smtp",), (450, 550, 551, 553, 554), (), (),
            r"relay|5\.7\.1\b|not permitted", confidence=0.9),
    Pattern("smtp-sender", ("smtp",), (550, 553, 554, 501), (), (),
            r"5\.7\.60|5\.7\.0|5\.1\.[78]|send ?as|sender", confidence=0.8),
    Pattern("smtp-recipient", ("smtp",), (450, 501, 510, 511, 550, 551, 553), (), (), "",
            confidence=0.8),
    Pattern("smtp-recipient", ("smtp",), (), ("SMTPRecipientsRefused",), (), "", confidence=0.7),
    Pattern("smtp-tls", ("smtp",), (), (), (), r"starttls|tls|ssl|certificate",
            confidence=0.8),
    Pattern("smtp-later", ("smtp",), (421, 450, 451, 452), (), (), "", confidence=0.8),
    # LDAP: RFC 4511 result codes; 'data NNN' is Active Directory's
    Pattern("ldap-auth", ("ldap",), (49, 48, 8, 7), (), (), "", confidence=0.9),
    Pattern("ldap-tls", ("ldap",), (13,), (), (), "", confidence=0.9),
    Pattern("ldap-size", ("ldap",), (4, 3, 11), (), (), "", confidence=0.95),
    Pattern("ldap-rights", ("ldap",), (50,), (), (), "", confidence=0.9),
    Pattern("ldap-base", ("ldap",), (32, 34, 10), (), (), "", confidence=0.9),
    Pattern("ldap-tls", ("ldap",), (None,), (), (), r"tls|ssl|certificate", confidence=0.8),
    Pattern("ldap-auth", ("ldap",), (None,), (), (), r"invalid ?credentials", confidence=0.8),
    # EWS: MS-OXWSCDATA response codes, before plain HTTP
    Pattern("ews-auth", ("ews",), (401, 403), (), (), "", confidence=0.85),
    Pattern("ews-auth", ("ews",), (), (), (), r"UnauthorizedError|invalid credentials|AADSTS",
            confidence=0.8),
    Pattern("ews-rights", ("ews",), (), (), (),
            r"ErrorAccessDenied|ErrorImpersonat|ErrorSendAsDenied|access is denied"),
    Pattern("ews-mailbox", ("ews",), (), (), (),
            r"ErrorNonExistentMailbox|ErrorMailbox(?!StoreU)|SMTP address has no mailbox"),
    Pattern("ews-size", ("ews",), (), (), (), r"ErrorMessageSizeExceeded|ErrorAttachmentSize"),
    Pattern("ews-busy", ("ews",), (), (), (), r"ErrorServerBusy|ErrorExceededConnection|throttl"),
    Pattern("ews-busy", ("ews",), (429, 503), (), (), "", confidence=0.7),
    # MAPI: the table of HRESULTs is in `hresults`
    Pattern("mapi-failed", ("mapi",), (), (), (), "", confidence=0.8),
    # the way there, any protocol over HTTP
    Pattern("proxy-refused", _HTTP, (407,), (), (), "", confidence=0.95),
    Pattern("backend-error", ("token", "google"), _RETRY, (), (), "", confidence=0.7),
    Pattern("backend-error", _TOKEN, (), ("internal_failure", "server_error",
            "temporarily_unavailable"), (), "", confidence=0.7),
    Pattern("proxy-refused", _HTTP, (None,), ("ProxyError", "HTTPError", "SOCKS5Error",
            "ProxyConnectionError", "GeneralProxyError"), (), "", confidence=0.85),
    Pattern("proxy-refused", _HTTP, (None,), (), (), r"proxy|tunnel connection failed"),
    Pattern("tls-intercepted", (*_HTTP, "smtp"), (None,), ("SSLCertVerificationError",), (), "",
            confidence=0.85),
    Pattern("tls-intercepted", _HTTP, (None,), (), (), r"certificate.verify|CERTIFICATE_VERIFY|ssl",
            confidence=0.7),
    Pattern("name-unknown", (*_HTTP, "smtp", "ldap"), (None,), ("gaierror", "ServerNotFoundError",
            "NameResolutionError"), (), "", confidence=0.9),
    Pattern("name-unknown", (*_HTTP, "smtp", "ldap"), (None,), (), (),
            r"name or service not known|getaddrinfo|unable to find the server", confidence=0.9),
    Pattern("timeout", (*_HTTP, "smtp", "ldap"), (None,), ("TimeoutError", "timeout",
            "ReadTimeout", "ConnectTimeout", "socket.timeout"), (), "", confidence=0.85),
    Pattern("timeout", (*_HTTP, "smtp", "ldap"), (None,), (), (), r"timed? ?out", confidence=0.8),
    Pattern("answer-broken", ("token", "google"), (200,), (UNREADABLE,), (), "", confidence=0.8),
    Pattern("answer-broken", ("google",), (), ("JSONDecodeError",), (), "", confidence=0.6),
    Pattern("connection-refused", (*_HTTP, "smtp", "ldap"), (None,), ("ConnectionRefusedError",),
            (), "", confidence=0.9),
    Pattern("connection-refused", (*_HTTP, "smtp", "ldap"), (None,), (), (),
            r"refused|unreachable|no route|socket connection error|unable to open socket",
            confidence=0.8),
    Pattern("connection-dropped", (*_HTTP, "smtp", "ldap"), (None,), (), (),
            r"reset|aborted|broken pipe|closed|dropped|remote end|disconnected|incomplete|eof",
            confidence=0.8),
    Pattern("connection-dropped", (*_HTTP, "smtp", "ldap"), (None,), ("RemoteDisconnected",
            "ConnectionResetError", "BrokenPipeError", "ConnectionAbortedError", "IncompleteRead",
            "SMTPServerDisconnected", "BadStatusLine", "ResponseNotReady", "EOFError"), (), "",
            confidence=0.8),
)  # fmt: skip


def classify(failure: Failure) -> Pattern | None:
    """Return the first pattern that fits, else None."""
    return next((pattern for pattern in PATTERNS if pattern.fits(failure)), None)


def by_rule(failures: Iterable[Failure]) -> dict[str, list[tuple[Failure, float]]]:
    """Return the failures of each rule with the confidence of the pattern that fitted."""
    found: dict[str, list[tuple[Failure, float]]] = {}
    known: dict[tuple[object, ...], Pattern | None] = {}
    for failure in failures:
        key = (
            failure.place,
            failure.status,
            failure.reason,
            failure.details,
            failure.message,
            failure.method,
        )
        if key not in known:
            known[key] = classify(failure)
        pattern = known[key]
        sure = pattern.confidence if pattern else 0.5
        told_by_exception = failure.kind == Kind.CALL
        rule = pattern.rule if pattern else "refused"
        found.setdefault(rule, []).append((failure, sure * (0.8 if told_by_exception else 1)))
    return found
