"""Mail and contacts by Exchange Web Services, through exchangelib (an optional extra: `ews`)."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final

from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from tracer.operation import Operation
from tracer.protocol.contacts import Contact, Found, containing, matching
from tracer.protocol.errors import (
    CredentialsError,
    DoubtfulSendError,
    LayerError,
    ServiceError,
    SettingsError,
    UnreachableError,
    scrub,
)
from tracer.protocol.identity import Identity
from tracer.protocol.messaging import Sent
from tracer.protocol.mime import Mail, compose
from tracer.protocol.options import EwsAuth
from tracer.protocol.running import running
from tracer.protocol.settings import Settings
from tracer.schema.events import Topic

_FIELDS: Final = ("display_name", "email_addresses", "phone_numbers", "company_name", "job_title")


class EwsMessaging:
    """The layer's EWS side: `settings.ews` says which mailbox."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._ews = settings.options.ews
        if not self._ews.url or not self._ews.user:
            raise SettingsError(
                "EWS has no server or user", remedy="set ews.url and ews.user in the settings"
            )
        self._library = _library()
        self._open: Any = None

    def send(self, mail: Mail, identity: Identity) -> Sent:
        """Send `mail` from the mailbox of the settings and keep it in its Sent Items.

        Raises:
            LayerError: It did not leave, or (DoubtfulSendError) nobody knows.
        """
        with running("send", Topic.EWS, self._settings, identity) as op:
            account = self._address()
            now = datetime.now(UTC)
            made = compose(mail, account, self._settings.options.code_page, now, bcc=True)
            op.result(account=account, via="ews", message_id=made.message_id)
            mailbox = self._mailbox(op)
            try:
                message = self._library.Message(account=mailbox, mime_content=made.raw)
                message.send(save_copy=True)
            except self._library.errors.EWSError as error:
                raise self._explain(error, made.message_id) from error
            return Sent(made.message_id, account, "ews")

    def contacts(self, query: str = "") -> Found:
        """Return the contacts whose name or address contains `query`; all when it is empty.

        Raises:
            LayerError: The server refused, or did not answer.
        """
        return Found(tuple(containing(self._read(query), query)))

    def find(self, who: str) -> Found:
        """Return the contacts with the mail address or telephone number `who`.

        Raises:
            LayerError: The server refused, or did not answer.
        """
        return Found(tuple(matching(self._read(who), who)))

    def close(self) -> None:
        """Close every connection."""
        if self._open is not None:
            self._open.protocol.close()
            self._open = None

    def _read(self, query: str) -> list[Contact]:
        with running("contacts", Topic.EWS, self._settings, query=query) as op:
            mailbox = self._mailbox(op)
            with self._translated():
                items = list(mailbox.contacts.all().only(*_FIELDS))
            contacts = [_contact(item) for item in items if isinstance(item, self._library.Contact)]
            op.result(found=len(contacts))
            return contacts

    def _address(self) -> str:
        address = self._ews.address or self._ews.user
        if "@" not in address:
            raise SettingsError(
                "EWS has no mailbox address", remedy="set ews.address in the settings"
            )
        return address

    def _mailbox(self, op: Operation) -> Any:
        """Return exchangelib's account; it is opened once and says which server it talks to."""
        if self._open is None:
            library = self._library
            auth = {EwsAuth.BASIC: library.BASIC, EwsAuth.NTLM: library.NTLM}
            configuration = library.Configuration(
                service_endpoint=self._ews.url,
                credentials=self._credentials(),
                auth_type=auth.get(self._ews.auth, library.OAUTH2),
                version=library.Version(build=library.EXCHANGE_2016),
                retry_policy=library.FailFast(),  # a send is never tried twice
            )
            self._open = library.Account(
                primary_smtp_address=self._address(),
                config=configuration,
                autodiscover=False,
                access_type=library.DELEGATE,
                default_timezone=library.UTC,
            )
        op.result(server=self._ews.url)
        return self._open

    def _credentials(self) -> Any:
        secret = self._ews.password
        try:
            value = secret.read() if secret is not None else ""
        except LookupError as error:
            raise SettingsError(
                f"the EWS password cannot be read: {error}", remedy="correct ews.password"
            ) from None
        if self._ews.auth is EwsAuth.OAUTH:  # the secret is the access token; it lives two hours
            token = {"access_token": value, "token_type": "Bearer"}
            return self._library.OAuth2AuthorizationCodeCredentials(access_token=token)
        return self._library.Credentials(self._ews.user, value)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except self._library.errors.EWSError as error:
            raise self._explain(error) from error

    def _explain(self, error: Exception, message_id: str = "") -> LayerError:
        errors = self._library.errors
        cause = f"{type(error).__name__}: {scrub(str(error))}"
        if isinstance(error, errors.UnauthorizedError):
            return CredentialsError(
                f"{self._ews.url} refused the account",
                cause=cause,
                remedy="correct ews.user, ews.password and ews.auth; Office 365 wants oauth",
            )
        if isinstance(error, errors.TransportError):
            if message_id and not _never_connected(error):
                return DoubtfulSendError(
                    "the connection broke while the mail was handed over",
                    cause,
                    "look in Sent Items before sending again",
                    message_id,
                )
            return UnreachableError(
                f"cannot talk to {self._ews.url}",
                cause=cause,
                remedy="check ews.url, the proxy and network.ca_file",
            )
        return ServiceError(
            "Exchange refused the request", cause=cause, reason=type(error).__name__,
            remedy="the server's words say what it objects to",
        )  # fmt: skip


def _never_connected(error: Exception) -> bool:
    """Tell whether there was no connection at all, so that nothing can have been sent."""
    inner = error.__context__
    reason = getattr(inner.args[0], "reason", None) if inner is not None and inner.args else None
    return isinstance(reason, NewConnectionError | ConnectTimeoutError)


def _contact(item: Any) -> Contact:
    return Contact(
        name=item.display_name or "",
        emails=tuple(e.email for e in item.email_addresses or () if e.email),
        phones=tuple(p.phone_number for p in item.phone_numbers or () if p.phone_number),
        company=item.company_name or "",
        title=item.job_title or "",
        source="ews",
        key=item.id or "",
    )


def _library() -> Any:
    """Return exchangelib: it takes half a second to import, and is an extra.

    Raises:
        SettingsError: It is not installed.
    """
    try:
        import exchangelib
        import exchangelib.errors
        import exchangelib.version
    except ImportError:
        raise SettingsError(
            "EWS needs exchangelib", remedy="pip install 'mapi-tracer[ews]'"
        ) from None
    exchangelib.EXCHANGE_2016 = exchangelib.version.EXCHANGE_2016
    return exchangelib
