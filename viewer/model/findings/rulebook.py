"""Every rule's fixed facts, in order: token, identity, call, wire, session, effects."""

from dataclasses import dataclass
from typing import Final

from tracer.schema.events import Topic
from viewer.model.finding import Severity

_ERROR, _WARNING, _NOTE, _CHAT = (
    Severity.ERROR,
    Severity.WARNING,
    Severity.NOTE,
    Severity.CHAT,
)


@dataclass(frozen=True, slots=True)
class Entry:
    """What does not depend on the trace."""

    rule: str
    severity: Severity
    topic: str
    chain: tuple[str, ...]
    source: str


def _entry(rule: str, severity: Severity, topic: str, chain: str, source: str) -> Entry:
    links = tuple(f"chain.{link}" for link in chain.split())
    return Entry(rule, severity, topic, links, source)


_SA: Final = "developers.google.com/identity/protocols/oauth2/service-account"
_GMAIL_ERRORS: Final = "Gmail API: Resolve errors"
_DIRECTORY: Final = "Directory API: Search for users; Manage custom fields"
_SEED: Final = "Divalto 10734469241: Utiliser GSuite pour l'envoi de mail et le CRM"
_DWD: Final = "Divalto 10787258948; support.google.com/a/answer/162106"
_OAUTH: Final = "OAuth 2.0 (RFC 6749 §5.2); Google's token endpoint"
_SMTP: Final = "RFC 5321, RFC 3463"
_LDAP: Final = "RFC 4511 §4.1.9; Active Directory sub-codes"
_EWS: Final = "Microsoft: EWS response codes"
_TRACE: Final = "source.trace"  # of the catalogue; the others are names

BOOK: Final = {
    entry.rule: entry
    for entry in (
        # token
        _entry("delegation-scopes-malformed", _ERROR, Topic.AUTH,
               "scopes-mistyped token-refused call-not-made operation-failed", _DWD),
        _entry("delegation-missing", _ERROR, Topic.AUTH,
               "delegation token-refused call-not-made operation-failed", _DWD),
        _entry("client-refused", _ERROR, Topic.AUTH,
               "policy token-refused call-not-made operation-failed", _OAUTH),
        _entry("subject-unknown", _ERROR, Topic.AUTH,
               "subject token-refused call-not-made operation-failed", _SA),
        _entry("service-account-disabled", _ERROR, Topic.AUTH,
               "service-account token-refused call-not-made operation-failed", _SA),
        _entry("key-invalid", _ERROR, Topic.AUTH,
               "key token-refused call-not-made operation-failed", _SA),
        _entry("clock-skew", _ERROR, Topic.AUTH,
               "clock token-refused call-not-made operation-failed", _SA),
        _entry("user-credentials", _ERROR, Topic.AUTH,
               "credentials token-refused call-not-made operation-failed", _OAUTH),
        _entry("client-disabled", _ERROR, Topic.AUTH,
               "service-account token-refused call-not-made operation-failed", _OAUTH),
        # identity
        _entry("directory-not-admin", _ERROR, Topic.DIRECTORY,
               "rights directory-refused no-account operation-failed",
               "Directory API: Manage user accounts"),
        _entry("attributes-hidden", _ERROR, Topic.DIRECTORY,
               "attributes-unseen no-account operation-failed", _DIRECTORY),
        _entry("attribute-not-found", _ERROR, Topic.RESOLUTION,
               "value-elsewhere no-account operation-failed", _DIRECTORY),
        _entry("query-malformed", _ERROR, Topic.DIRECTORY,
               "quote directory-refused no-account operation-failed", _DIRECTORY),
        _entry("ambiguous", _WARNING, Topic.RESOLUTION, "several-match first-taken wrong-account",
               _SEED),
        _entry("lower-attribute", _WARNING, Topic.RESOLUTION,
               "env-not-matched lower-decides wrong-account", _SEED),
        _entry("unprotected", _WARNING, Topic.RESOLUTION, "no-attribute anyone-sends", _SEED),
        _entry("directory-domain", _ERROR, Topic.DIRECTORY,
               "domain-unknown directory-refused no-account operation-failed",
               "Directory API: users.list"),
        _entry("user-not-found", _ERROR, Topic.DIRECTORY,
               "address-unknown no-account operation-failed", "Directory API: users.get"),
        _entry("schema-not-found", _ERROR, Topic.DIRECTORY,
               "schema-unknown attributes-unseen", _DIRECTORY),
        _entry("resolution-refused", _ERROR, Topic.RESOLUTION,
               "protected identity-not-admitted operation-failed", _SEED),
        _entry("account-unusable", _ERROR, Topic.RESOLUTION,
               "account-suspended no-account operation-failed", _SEED),
        _entry("account-unknown", _ERROR, Topic.RESOLUTION,
               "address-unknown no-account operation-failed", _SEED),
        _entry("identity-incomplete", _ERROR, Topic.RESOLUTION,
               "identity-not-told no-account operation-failed", _SEED),
        _entry("query-blind", _NOTE, Topic.DIRECTORY, "not-indexed listing-slow", _DIRECTORY),
        # call
        _entry("scope-insufficient", _ERROR, Topic.AUTH,
               "scope-not-asked token-weak call-refused operation-failed",
               "Google discovery documents; RFC 6750 §3.1"),
        _entry("api-disabled", _ERROR, Topic.GMAIL, "api-off call-refused operation-failed",
               "Google: ErrorInfo SERVICE_DISABLED"),
        _entry("metadata-scope", _ERROR, Topic.GMAIL,
               "metadata-in-token call-refused operation-failed",
               "issuetracker.google.com/115621456"),
        _entry("domain-policy", _ERROR, Topic.GMAIL, "gmail-off-ou call-refused operation-failed",
               _GMAIL_ERRORS),
        _entry("delegation-denied", _ERROR, Topic.GMAIL,
               "path-not-subject call-refused operation-failed", _GMAIL_ERRORS),
        _entry("subject-not-path", _WARNING, Topic.GMAIL, "path-not-subject wrong-account", _TRACE),
        _entry("mailbox-missing", _ERROR, Topic.GMAIL, "no-mailbox call-refused operation-failed",
               _GMAIL_ERRORS),
        _entry("subject-missing", _ERROR, Topic.AUTH, "no-subject call-refused operation-failed",
               _SA),
        _entry("directory-sharing", _ERROR, Topic.CONTACTS,
               "sharing-off call-refused operation-failed", "support.google.com/a/answer/6343701"),
        _entry("from-rewritten", _WARNING, Topic.GMAIL, "from-not-alias from-changed",
               "Gmail API: Manage aliases"),
        _entry("from-not-allowed", _ERROR, Topic.GMAIL,
               "from-not-alias call-refused operation-failed", "Gmail API: Manage aliases"),
        _entry("message-malformed", _ERROR, Topic.GMAIL,
               "message-broken call-refused operation-failed", _GMAIL_ERRORS),
        _entry("message-too-large", _ERROR, Topic.GMAIL,
               "message-big call-refused operation-failed", "Gmail discovery document: maxSize"),
        _entry("send-limit", _ERROR, Topic.GMAIL,
               "mailbox-limit call-refused operation-failed", _GMAIL_ERRORS),
        _entry("retry-too-early", _WARNING, Topic.GMAIL, "mailbox-limit retried-early limit-longer",
               _GMAIL_ERRORS),
        _entry("quota-exceeded", _ERROR, Topic.GMAIL, "quota-used call-refused operation-failed",
               "Gmail API: Usage limits"),
        _entry("token-rejected", _ERROR, Topic.AUTH,
               "token-invalid call-refused operation-failed", "RFC 6750 §3.1"),
        _entry("history-expired", _WARNING, Topic.GMAIL, "cursor-old call-refused",
               "Gmail API: Synchronize clients"),
        _entry("sync-expired", _WARNING, Topic.CALENDAR, "cursor-old call-refused",
               "Calendar API: Handle API errors"),
        _entry("page-token-invalid", _WARNING, Topic.DIRECTORY, "cursor-old call-refused",
               "Directory API: users.list"),
        _entry("already-exists", _WARNING, Topic.DIRECTORY, "name-taken call-refused",
               "Directory API: schemas"),
        _entry("stale-version", _WARNING, Topic.CALENDAR, "changed-meanwhile call-refused",
               "Calendar API: Handle API errors"),
        _entry("batch-partial", _WARNING, Topic.GMAIL, "batch-outer-ok part-failed",
               "Gmail API: Batch requests"),
        _entry("duplicate-send", _WARNING, Topic.GMAIL,
               "connection-lost sent-again mail-twice", "httplib2 resends once; measured"),
        _entry("send-doubtful", _ERROR, Topic.GMAIL,
               "connection-lost answer-unknown mail-maybe-sent",
               "google-api-python-client #1474"),
        # other protocols
        _entry("smtp-auth", _ERROR, Topic.SMTP, "login-refused operation-failed", "RFC 4954"),
        _entry("smtp-relay", _ERROR, Topic.SMTP, "relay-refused operation-failed", _SMTP),
        _entry("smtp-sender", _ERROR, Topic.SMTP, "sender-refused operation-failed", _SMTP),
        _entry("smtp-recipient", _ERROR, Topic.SMTP, "recipient-refused operation-failed", _SMTP),
        _entry("smtp-size", _ERROR, Topic.SMTP, "message-big operation-failed", "RFC 1870"),
        _entry("smtp-tls", _ERROR, Topic.SMTP, "tls-failed operation-failed", "RFC 3207"),
        _entry("smtp-later", _WARNING, Topic.SMTP, "server-defers operation-failed", _SMTP),
        _entry("ldap-auth", _ERROR, Topic.LDAP, "login-refused operation-failed", _LDAP),
        _entry("ldap-tls", _ERROR, Topic.LDAP, "tls-failed operation-failed", _LDAP),
        _entry("ldap-base", _ERROR, Topic.LDAP, "base-unknown operation-failed", _LDAP),
        _entry("ldap-rights", _ERROR, Topic.LDAP, "rights operation-failed", _LDAP),
        _entry("ldap-size", _WARNING, Topic.LDAP, "answer-cut", _LDAP),
        _entry("ews-auth", _ERROR, Topic.EWS, "login-refused operation-failed", _EWS),
        _entry("ews-rights", _ERROR, Topic.EWS, "rights operation-failed", _EWS),
        _entry("ews-mailbox", _ERROR, Topic.EWS, "no-mailbox operation-failed", _EWS),
        _entry("ews-size", _ERROR, Topic.EWS, "message-big operation-failed", _EWS),
        _entry("ews-busy", _WARNING, Topic.EWS, "server-defers operation-failed", _EWS),
        _entry("mapi-failed", _ERROR, Topic.MAPI, "outlook-error operation-failed",
               "Microsoft: MAPI return values"),
        # the layer itself
        _entry("gmail-off", _ERROR, Topic.SETTINGS, "option-off operation-failed", _SEED),
        _entry("sender-foreign", _ERROR, Topic.GMAIL, "from-not-alias operation-failed",
               "Gmail API: Manage aliases"),
        _entry("code-page", _ERROR, Topic.GMAIL, "message-broken operation-failed", _SEED),
        _entry("address-invalid", _ERROR, Topic.GMAIL, "message-broken operation-failed",
               "RFC 5322 §3.4"),
        # the way there
        _entry("proxy-refused", _ERROR, Topic.HTTP, "proxy call-not-made operation-failed", _TRACE),
        _entry("tls-intercepted", _ERROR, Topic.HTTP,
               "certificate call-not-made operation-failed", "Python ssl; company proxies"),
        _entry("name-unknown", _ERROR, Topic.HTTP, "dns call-not-made operation-failed", _TRACE),
        _entry("connection-refused", _ERROR, Topic.HTTP,
               "no-listener call-not-made operation-failed", _TRACE),
        _entry("upload-empty", _ERROR, Topic.GMAIL,
               "upload-not-rewound server-waits operation-failed",
               "google-api-python-client: resumable retry, measured"),
        _entry("timeout", _ERROR, Topic.HTTP, "server-silent operation-failed", _TRACE),
        _entry("connection-dropped", _ERROR, Topic.HTTP, "connection-lost operation-failed",
               _TRACE),
        _entry("answer-broken", _ERROR, Topic.HTTP, "answer-cut operation-failed", _TRACE),
        _entry("unanswered", _ERROR, Topic.HTTP, "server-silent answer-unknown", _TRACE),
        _entry("backend-error", _ERROR, Topic.HTTP, "google-fails operation-failed", _GMAIL_ERRORS),
        _entry("hidden-resend", _NOTE, Topic.HTTP, "connection-lost sent-again",
               "httplib2 resends once; measured"),
        _entry("slow", _WARNING, Topic.HTTP, "slow-phase user-waits", _TRACE),
        _entry("retried", _NOTE, Topic.HTTP, "passing-error retried-well", _TRACE),
        # session
        _entry("clock-offset", _WARNING, Topic.AUTH, "clock token-soon-refused",
               "GAM check serviceaccount: 30 s"),
        _entry("scope-not-granted", _WARNING, Topic.AUTH, "scope-dropped token-weak", _TRACE),
        _entry("quota-near", _WARNING, Topic.GMAIL, "quota-used limit-soon",
               "Gmail API: Usage limits"),
        _entry("token-unseen", _NOTE, Topic.AUTH, "token-elsewhere", _TRACE),
        _entry("debug-left-on", _NOTE, Topic.SESSION, "debug-on", _TRACE),
        _entry("trace-incomplete", _NOTE, Topic.SESSION, "events-missing", _TRACE),
        _entry("transport-unseen", _NOTE, Topic.SESSION, "events-missing", _TRACE),
        _entry("too-redacted", _NOTE, Topic.SESSION, "answer-hidden", _TRACE),
        # effects, told only where nothing above tells more
        _entry("nobody-found", _ERROR, Topic.RESOLUTION,
               "no-value no-account operation-failed", _SEED),
        _entry("refused", _ERROR, Topic.HTTP, "call-refused operation-failed", _TRACE),
        _entry("operation-failed", _ERROR, Topic.SESSION, "operation-failed", _TRACE),
    )
}  # fmt: skip
ORDER: Final = {rule: number for number, rule in enumerate(BOOK)}
