"""Mail by SMTP: to a server (STARTTLS, TLS, AUTH), or as a file in a server's pickup folder."""

import os
import smtplib
import ssl
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tracer.operation import Operation
from tracer.protocol.errors import (
    CredentialsError,
    DoubtfulSendError,
    LayerError,
    MessageError,
    ServiceError,
    SettingsError,
    UnreachableError,
    scrub,
)
from tracer.protocol.identity import Identity
from tracer.protocol.messaging import Sent
from tracer.protocol.mime import Composed, Mail, compose
from tracer.protocol.options import Security, Smtp
from tracer.protocol.running import running
from tracer.protocol.settings import Settings
from tracer.schema.events import Topic


class _Client(smtplib.SMTP):
    """Knows whether the mail itself was offered: before that, a broken connection is no doubt."""

    offered = False

    def data(self, msg: Any) -> tuple[int, bytes]:
        self.offered = True
        return super().data(msg)


class _TlsClient(smtplib.SMTP_SSL, _Client):
    """The same on a connection that is TLS from its first byte."""


class SmtpMessaging:
    """The layer's SMTP side: `settings.smtp` says where to."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._smtp: Smtp = settings.options.smtp
        if not self._smtp.host and self._smtp.pickup_folder is None:
            raise SettingsError(
                "SMTP has no server", remedy="set smtp.host or smtp.pickup_folder in the settings"
            )

    def send(self, mail: Mail, identity: Identity) -> Sent:
        """Send `mail` from `smtp.sender`, or from the SMTP user.

        Raises:
            LayerError: It did not leave, or (DoubtfulSendError) nobody knows.
        """
        smtp = self._smtp
        with running("send", Topic.SMTP, self._settings, identity) as op:
            account = smtp.sender or smtp.user
            if "@" not in account:
                raise SettingsError(
                    "SMTP has no sender address", remedy="set smtp.sender in the settings"
                )
            now = datetime.now(UTC)
            page = self._settings.options.code_page
            pickup = smtp.pickup_folder
            made = compose(mail, account, page, now, bcc=pickup is not None)
            op.result(account=account, via="smtp", message_id=made.message_id)
            if pickup is not None:
                return Sent(made.message_id, account, "smtp", id=_drop(pickup, made))
            self._deliver(made, account, op)
            return Sent(made.message_id, account, "smtp")

    def close(self) -> None:
        """Nothing stays open: every mail has its own connection, as servers like it best."""

    def _deliver(self, made: Composed, account: str, op: Operation) -> None:
        client: _Client | None = None
        try:
            client = self._connect()
            refused = client.sendmail(account, list(made.recipients), made.raw)
            with suppress(smtplib.SMTPException, OSError):  # the mail has left already
                client.quit()
        except (smtplib.SMTPException, OSError) as error:
            offered = client is not None and client.offered
            raise self._explain(error, made.message_id, offered=offered) from error
        finally:
            if client is not None:
                client.close()
        if refused:
            op.result(refused=sorted(refused))
            raise ServiceError(
                f"the mail left, but not for {', '.join(sorted(refused))}",
                cause=scrub("; ".join(_said(*answer) for answer in refused.values())),
                remedy="correct these addresses and send to them alone",
                status=max(code for code, _ in refused.values()),
            )

    def _connect(self) -> _Client:
        smtp = self._smtp
        network = self._settings.options.network
        context = ssl.create_default_context(cafile=network.ca_file)
        client: _Client
        if smtp.security is Security.TLS:
            client = _TlsClient(smtp.host, smtp.port, timeout=network.timeout, context=context)
        else:
            client = _Client(smtp.host, smtp.port, timeout=network.timeout)
        try:
            if smtp.security is Security.STARTTLS:
                client.starttls(context=context)
            if smtp.password is not None:
                client.login(smtp.user, _secret(smtp))
        except BaseException:
            client.close()
            raise
        return client

    def _explain(self, error: Exception, message_id: str, *, offered: bool) -> LayerError:
        where = f"{self._smtp.host}:{self._smtp.port}"
        if isinstance(error, smtplib.SMTPAuthenticationError):
            return CredentialsError(
                f"{where} refused the account",
                cause=_said(error.smtp_code, error.smtp_error),
                remedy="correct smtp.user and smtp.password; an account with two-step sign-in "
                "needs EWS or G Suite",
            )
        if isinstance(error, smtplib.SMTPRecipientsRefused):
            answers = list(error.recipients.values())
            return ServiceError(
                f"{where} refused every recipient",
                cause=scrub("; ".join(_said(*answer) for answer in answers)),
                remedy="correct the addresses, or sign in (smtp.user) if the server does not relay",
                status=answers[0][0],
            )
        if isinstance(error, smtplib.SMTPResponseException):
            return ServiceError(
                f"{where} refused the mail",
                cause=_said(error.smtp_code, error.smtp_error),
                remedy="the server's words say what it objects to",
                status=error.smtp_code,
            )
        if isinstance(error, smtplib.SMTPNotSupportedError):
            return ServiceError(
                f"{where} cannot do what the settings ask", cause=scrub(str(error)),
                remedy="set smtp.security and smtp.user as the server offers them",
            )  # fmt: skip
        if offered:
            return DoubtfulSendError(
                "the connection broke while the mail was handed over",
                f"{type(error).__name__}: {scrub(str(error))}",
                "ask the recipient or the server's log before sending again",
                message_id,
            )
        return UnreachableError(
            f"cannot talk to {where}",
            cause=f"{type(error).__name__}: {scrub(str(error))}",
            remedy="check smtp.host, smtp.port, smtp.security and network.ca_file",
        )


def _secret(smtp: Smtp) -> str:
    assert smtp.password is not None
    try:
        return smtp.password.read()
    except LookupError as error:
        raise SettingsError(
            f"the SMTP password cannot be read: {error}", remedy="correct smtp.password"
        ) from None


def _said(code: int, text: bytes | str) -> str:
    words = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return scrub(f"{code} {words}")


def _drop(folder: Path, made: Composed) -> str:
    """Put the mail into the pickup folder in one step: the service never sees half a file."""
    name = "".join(c if c.isalnum() else "-" for c in made.message_id.strip("<>"))
    part, whole = folder / f"{name}.part", folder / f"{name}.eml"
    try:
        with part.open("xb") as file:
            file.write(made.raw)
            file.flush()
            os.fsync(file.fileno())
        part.replace(whole)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise MessageError(
            f"cannot write into the pickup folder {folder}: {error.strerror}",
            remedy="check smtp.pickup_folder and who may write there",
        ) from error
    return whole.name
