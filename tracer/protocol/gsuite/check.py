"""« Accès au serveur Gmail »: each condition on its own, with its reason and what to do."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any, Final
from urllib.parse import urlencode

import google_auth_httplib2

from tracer.operation import Operation
from tracer.protocol.errors import CredentialsError, LayerError, SettingsError
from tracer.protocol.gsuite.accounts import Accounts, refusal
from tracer.protocol.gsuite.client import Google, HttpFactory
from tracer.protocol.gsuite.credentials import NEEDS, read_key, scope_for
from tracer.protocol.gsuite.failures import explain
from tracer.protocol.identity import Encoding, Identity
from tracer.protocol.running import running
from tracer.protocol.settings import Settings
from tracer.schema.events import Topic

CLOCK_LIMIT: Final = 30.0
"""Seconds that this machine's clock may be off; Google takes a little more."""

_PURPOSES: Final = ("send", "read", "mark", "send-as", "directory", "schema")
"""What mail needs, when the settings do not list the delegated scopes."""


class Outcome(StrEnum):
    """What is known of a condition."""

    PASS = "pass"  # noqa: S105 - no password
    FAIL = "fail"
    UNKNOWN = "unknown"
    """It could not be looked at, because something before it failed."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One line of the check."""

    name: str
    outcome: Outcome
    detail: str = ""
    remedy: str = ""

    def data(self) -> dict[str, str]:
        """Return it for machines and the trace."""
        return {
            "name": self.name,
            "outcome": self.outcome.value,
            "detail": self.detail,
            "remedy": self.remedy,
        }


@dataclass(frozen=True, slots=True)
class Report:
    """The whole check."""

    conditions: tuple[Condition, ...]
    delegation_link: str
    """Opens the Admin console with client id and scopes filled in; empty without a key."""

    @property
    def ready(self) -> bool:
        """Tell whether nothing failed."""
        return all(one.outcome != Outcome.FAIL for one in self.conditions)

    def data(self) -> dict[str, Any]:
        """Return it for machines and the trace."""
        return {
            "ready": self.ready,
            "conditions": [one.data() for one in self.conditions],
            "delegation_link": self.delegation_link,
        }


def check(settings: Settings, http: HttpFactory, **wiring: Any) -> Report:
    """Look at every condition; the operation ``check``. Nothing is changed, no error is raised."""
    with running("check", Topic.AUTH, settings, settings.identity) as op:
        run = _Check(settings, {"http": http, **wiring}, op)
        report = Report(tuple(run.conditions()), run.link())
        op.result(**report.data())
        failed = [one.name for one in report.conditions if one.outcome == Outcome.FAIL]
        if failed:
            op.result(error={"type": "NotReady", "message": ", ".join(failed)})
    return report


def scopes_of(settings: Settings) -> tuple[str, ...]:
    """Return the scopes that must be delegated."""
    delegated = settings.options.scopes
    return delegated or tuple(dict.fromkeys(scope_for(name, ()) for name in _PURPOSES))


class _Check:
    def __init__(self, settings: Settings, wiring: dict[str, Any], op: Operation) -> None:
        self.settings = settings
        self.op = op
        self.account = ""
        self.wiring = wiring
        self.google: Google | None = None
        self.missing: list[str] = []
        self.granted: set[str] = set()
        self.tried = 0

    def conditions(self) -> Iterator[Condition]:
        yield self.key_file()
        if self.google is None:
            return
        try:
            yield self.clock(self.google)
            for scope in scopes_of(self.settings):
                yield self.token(self.google, scope)
            yield self.delegation()
            yield self.attempt("Directory", "directory", self.directory)
            yield self.attempt("attributes", "schema", self.schema)
            yield self.attempt("account", "directory", self.resolved)
            yield self.attempt("mailbox", "read", self.mailbox)
        finally:
            self.google.close()

    def link(self) -> str:
        if self.google is None:
            return ""
        query = {
            "clientScopeToAdd": ",".join(scopes_of(self.settings)),
            "clientIdToAdd": self.google.tokens.client_id,
            "overwriteClientId": "true",
        }
        return (
            f"https://admin.google.com/ac/owl/domainwidedelegation?{urlencode(query, safe=':/,')}"
        )

    # one condition each

    def key_file(self) -> Condition:
        try:
            read_key(self.settings.options.service_account_file)
            self.google = Google(self.settings, **self.wiring)
        except SettingsError as error:
            return _failed("key file", error)
        tokens = self.google.tokens
        return Condition("key file", Outcome.PASS, f"{tokens.email}, client id {tokens.client_id}")

    def clock(self, google: Google) -> Condition:
        root = self.settings.options.endpoint or "https://www.googleapis.com"
        try:  # the list of APIs is public
            url = root.rstrip("/") + "/discovery/v1/apis?fields=kind"
            response, _ = google.http.request(url, "GET")
            there = parsedate_to_datetime(response.get("date", ""))
        except Exception as error:  # noqa: BLE001 - whatever it is, the clock is unknown
            failure = explain(error, "clock")
            return Condition("clock", Outcome.UNKNOWN, str(failure), failure.remedy)
        offset = (datetime.now(UTC) - there).total_seconds()
        detail = f"this machine is {abs(offset):.0f} s {'ahead' if offset > 0 else 'behind'}"
        if abs(offset) <= CLOCK_LIMIT:
            return Condition("clock", Outcome.PASS, detail)
        remedy = "synchronise the clock (NTP); Google refuses tokens of a wrong time"
        return Condition("clock", Outcome.FAIL, detail, remedy)

    def token(self, google: Google, scope: str) -> Condition:
        name = f"token {scope}"
        subject = self.subject(scope)
        if not subject:
            return Condition(
                name, Outcome.UNKNOWN, "no account to act for", "set directory_account or account"
            )
        self.tried += 1
        try:
            credentials = google.tokens.of(subject, frozenset({scope}))
            credentials.refresh(google_auth_httplib2.Request(google.http))
        except Exception as error:  # noqa: BLE001 - it becomes the condition
            failure = explain(error, "token")
            if isinstance(failure, CredentialsError) and "unauthorized_client" in str(failure):
                self.missing.append(scope)
            return _failed(name, failure)
        self.granted.add(scope)
        return Condition(name, Outcome.PASS, f"for {subject}")

    def subject(self, scope: str) -> str:
        options = self.settings.options
        directory = "/admin.directory." in scope
        first, second = options.account, options.directory_account
        return (second if directory else first) or second

    def delegation(self) -> Condition:
        if not self.tried:
            return Condition("delegation", Outcome.UNKNOWN, "no token was asked for")
        if self.missing:
            which = "every scope" if len(self.missing) == self.tried else ", ".join(self.missing)
            return Condition(
                "delegation", Outcome.FAIL, f"not delegated: {which}",
                "open the delegation link as a super administrator; it takes up to 24 hours",
            )  # fmt: skip
        if not self.granted:
            return Condition("delegation", Outcome.UNKNOWN, "no token came for another reason")
        return Condition("delegation", Outcome.PASS)

    def attempt(self, name: str, purpose: str, look: Callable[[Google], Condition]) -> Condition:
        """Look, when the token for it came; an error is the condition's failure."""
        if self.google is None or not self.granted & set(NEEDS[purpose]):
            return Condition(name, Outcome.UNKNOWN, "there is no token for it")
        try:
            return look(self.google)
        except LayerError as error:
            return _failed(name, error)

    def directory(self, google: Google) -> Condition:
        customer = self.settings.options.customer
        users = google.directory().users()
        google.run(users.list(customer=customer, maxResults=1, fields="users(id)"))
        return Condition("Directory", Outcome.PASS, f"read as {self.subject('/admin.directory.')}")

    def schema(self, google: Google) -> Condition:
        options = self.settings.options
        names = options.attributes
        schemas = google.directory("schema").schemas()
        found = google.run(schemas.get(customerId=options.customer, schemaKey=names.schema))
        fields = {str(field.get("fieldName")): field for field in found.get("fields") or []}
        wanted = {names.user, names.account}
        if names.encoding != Encoding.FIELD:
            wanted.add(names.env)
        missing = sorted(wanted - set(fields))
        plain = sorted(name for name in wanted & set(fields) if not fields[name].get("indexed"))
        if missing or plain:
            parts = [f"missing: {', '.join(missing)}"] if missing else []
            parts += [f"not indexed: {', '.join(plain)}"] if plain else []
            return Condition(
                "attributes", Outcome.FAIL, "; ".join(parts),
                "run `tracer act attributes create --apply`",
            )  # fmt: skip
        return Condition("attributes", Outcome.PASS, f"{names.schema}: {', '.join(sorted(wanted))}")

    def resolved(self, google: Google) -> Condition:
        identity, configured = self.settings.identity, self.settings.options.account
        if identity == Identity():
            self.account = configured
            detail = "nobody acts" if configured else "nobody acts, and no account is configured"
            remedy = "give --windows-account to see which account it gets"
            return Condition("account", Outcome.UNKNOWN, detail, remedy)
        found = Accounts(google).within(self.op, identity, configured)
        if found.account is None:
            return _failed("account", refusal(found, identity))
        self.account = found.account
        return Condition("account", Outcome.PASS, f"{found.account} (by {found.via})")

    def mailbox(self, google: Google) -> Condition:
        if not self.account:
            return Condition("mailbox", Outcome.UNKNOWN, "the account is not known")
        gmail = google.service("gmail", self.account, "read")
        profile = google.run(gmail.users().getProfile(userId="me"))
        return Condition("mailbox", Outcome.PASS, f"{profile.get('messagesTotal', 0)} messages")


def _failed(name: str, error: LayerError) -> Condition:
    detail = f"{error}: {error.cause}" if error.cause else str(error)
    return Condition(name, Outcome.FAIL, detail, error.remedy)
