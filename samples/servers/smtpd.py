"""A real SMTP server on loopback."""

import asyncio
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from samples.servers.certificates import Certificates
from samples.servers.closing import hang_up
from samples.servers.ports import free_port

USER, PASSWORD = "erp@masoc.example", "mot-de-passe-smtp"


class Mailbox:
    """What the server took in; `refuse` are recipients it does not want, `fault` what it does."""

    def __init__(self) -> None:
        self.mails: list[bytes] = []
        self.recipients: list[str] = []
        self.refuse: set[str] = set()
        self.fault = ""

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's names
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Accept or refuse a recipient."""
        if address in self.refuse:
            return "550 5.1.1 no such user here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Keep the mail; with the fault ``drop``, keep it and hang up without an answer."""
        assert isinstance(envelope.content, bytes)
        if self.fault == "too-large":
            return "552 5.3.4 message size exceeds limit"
        self.mails.append(envelope.content)
        self.recipients += envelope.rcpt_tos
        if self.fault == "drop":
            transport: Any = server.transport
            transport.abort()
        return "250 OK queued"


class _Controller(Controller):
    """Ends its connections when it stops; aiosmtpd leaves them to the garbage collector."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._made: list[SMTP] = []

    def factory(self) -> SMTP:
        self._made.append(super().factory())  # type: ignore[no-untyped-call]
        return self._made[-1]

    def _create_server(self) -> Any:
        return self.loop.create_server(
            self._factory_invoker,
            self.hostname,
            self.port,
            ssl=self.ssl_context,
            ssl_shutdown_timeout=0.2 if self.ssl_context else None,
        )

    def stop(self, no_assert: bool = False) -> None:
        asyncio.run_coroutine_threadsafe(self._hang_up(), self.loop).result()
        super().stop(no_assert)

    async def _hang_up(self) -> None:
        ours: list[Any] = self._made  # their transports are of the broader type, and do abort
        await hang_up(lambda: [each.transport for each in ours if each.transport is not None])
        await asyncio.sleep(0.005)  # under STARTTLS the socket closes one turn later


def _authenticate(
    server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
) -> AuthResult:
    right = (
        isinstance(data, LoginPassword)
        and data.login == USER.encode()
        and data.password == PASSWORD.encode()
    )
    return AuthResult(success=right, handled=False)


@contextmanager
def smtpd(tls: Certificates, *, implicit: bool = False) -> Iterator[tuple[Mailbox, int]]:
    """Run a server that wants TLS and AUTH; yield its mailbox and port."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tls.certificate, tls.key)
    mailbox = Mailbox()
    options: dict[str, Any] = {"authenticator": _authenticate}
    if implicit:
        options |= {"ssl_context": context, "auth_require_tls": False}
    else:
        options |= {"tls_context": context, "require_starttls": True, "auth_required": True}
    port = free_port()
    controller = _Controller(mailbox, hostname="127.0.0.1", port=port, **options)
    controller.start()
    try:
        yield mailbox, port
    finally:
        controller.stop()
