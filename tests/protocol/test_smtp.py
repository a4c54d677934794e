"""Mail by SMTP to a real server on loopback, and by the pickup folder."""

import email
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support import certificates, smtpd
from tests.support.smtpd import Mailbox
from tracer.protocol.errors import (
    CredentialsError,
    DoubtfulSendError,
    MessageError,
    ServiceError,
    SettingsError,
    UnreachableError,
)
from tracer.protocol.identity import Identity
from tracer.protocol.mime import Attachment, Mail
from tracer.protocol.options import Network, Options, Protocol, Secret, Security, Smtp
from tracer.protocol.settings import Settings
from tracer.protocol.smtp import SmtpMessaging

WHO = Identity("MASOC", "jdupond", "Dupond@soc-windows.com")
MAIL = Mail(
    to=("Anna <anna@client.example>",),
    bcc=("archive@masoc.example",),
    subject="Commande é",
    text="Voilà",
)


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> certificates.Certificates:
    """Return certificates for 127.0.0.1."""
    return certificates.make(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def server(tls: certificates.Certificates) -> Iterator[tuple[Mailbox, int]]:
    """Run a server that wants STARTTLS and AUTH."""
    with smtpd.smtpd(tls) as running:
        yield running


@pytest.fixture
def options(
    server: tuple[Mailbox, int], tls: certificates.Certificates, monkeypatch: pytest.MonkeyPatch
) -> Options:
    """Return settings for that server."""
    monkeypatch.setenv("SMTP_SECRET", smtpd.PASSWORD)
    smtp = Smtp(
        host="127.0.0.1", port=server[1], user=smtpd.USER, password=Secret("env:SMTP_SECRET")
    )
    network = Network(ca_file=tls.authority, timeout=10)
    return Options(protocol=Protocol.SMTP, smtp=smtp, network=network)


def messaging(options: Options) -> SmtpMessaging:
    """Return the layer with these settings."""
    return SmtpMessaging(Settings(options, {}))


def test_a_mail_leaves_by_starttls_and_auth(options: Options, server: tuple[Mailbox, int]) -> None:
    """Every recipient gets it, Bcc is in no header, the Message-ID is the one reported."""
    sent = messaging(options).send(replace(MAIL, attachments=(Attachment("a.pdf", b"%PDF"),)), WHO)
    (raw,) = server[0].mails
    message = email.message_from_bytes(raw)
    assert message["Message-ID"] == sent.message_id
    assert message["From"] == smtpd.USER == sent.account
    assert message["Bcc"] is None
    assert server[0].recipients == ["anna@client.example", "archive@masoc.example"]


def test_implicit_tls_works_too(options: Options, tls: certificates.Certificates) -> None:
    """`smtp.security = "tls"` speaks TLS from the first byte."""
    with smtpd.smtpd(tls, implicit=True) as (mailbox, port):
        smtp = replace(options.smtp, port=port, security=Security.TLS)
        messaging(replace(options, smtp=smtp)).send(MAIL, WHO)
    assert len(mailbox.mails) == 1


def test_a_wrong_password_is_a_credentials_error(
    options: Options, server: tuple[Mailbox, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is sent, and the text holds no password."""
    monkeypatch.setenv("SMTP_SECRET", "falsch-4711")
    with pytest.raises(CredentialsError, match="refused the account") as caught:
        messaging(options).send(MAIL, WHO)
    assert "falsch-4711" not in str(caught.value.data())
    assert server[0].mails == []


def test_some_refused_recipients_are_named(options: Options, server: tuple[Mailbox, int]) -> None:
    """The mail left for the others, and the error says for whom it did not."""
    server[0].refuse.add("anna@client.example")
    with pytest.raises(ServiceError, match=r"left, but not for anna@client\.example") as caught:
        messaging(options).send(MAIL, WHO)
    assert caught.value.status == 550
    assert len(server[0].mails) == 1


def test_all_recipients_refused(options: Options, server: tuple[Mailbox, int]) -> None:
    """Nothing left, and the server's words are the cause."""
    server[0].refuse |= {"anna@client.example", "archive@masoc.example"}
    with pytest.raises(ServiceError, match="every recipient") as caught:
        messaging(options).send(MAIL, WHO)
    assert "no such user" in caught.value.cause


def test_a_refused_mail_says_why(options: Options, server: tuple[Mailbox, int]) -> None:
    """The server's code and words are kept."""
    server[0].fault = "too-large"
    with pytest.raises(ServiceError, match="refused the mail") as caught:
        messaging(options).send(MAIL, WHO)
    assert caught.value.status == 552
    assert "size" in caught.value.cause


def test_a_lost_answer_is_a_doubtful_send(options: Options, server: tuple[Mailbox, int]) -> None:
    """The server took the mail and hung up: it is not sent again, and the doubt is said."""
    server[0].fault = "drop"
    with pytest.raises(DoubtfulSendError) as caught:
        messaging(options).send(MAIL, WHO)
    (raw,) = server[0].mails
    assert email.message_from_bytes(raw)["Message-ID"] == caught.value.message_id


def test_an_unknown_certificate_is_refused(options: Options, server: tuple[Mailbox, int]) -> None:
    """Without the CA file neither password nor mail are sent."""
    with pytest.raises(UnreachableError, match="cannot talk to"):
        messaging(replace(options, network=Network(timeout=10))).send(MAIL, WHO)
    assert server[0].mails == []


def test_nobody_listens(options: Options) -> None:
    """The error names host and port."""
    closed = replace(options, smtp=replace(options.smtp, port=9))
    with pytest.raises(UnreachableError, match=r"127\.0\.0\.1:9"):
        messaging(closed).send(MAIL, WHO)


def test_the_pickup_folder_gets_whole_files(tmp_path: Path) -> None:
    """One .eml with Bcc, as a pickup service wants it, and nothing half written beside it."""
    smtp = Smtp(pickup_folder=tmp_path, sender="erp@masoc.example")
    sent = messaging(Options(protocol=Protocol.SMTP, smtp=smtp)).send(MAIL, WHO)
    (file,) = tmp_path.iterdir()
    assert file.name == sent.id
    message = email.message_from_bytes(file.read_bytes())
    assert message["Bcc"] == "archive@masoc.example"


def test_a_missing_pickup_folder_is_said(tmp_path: Path) -> None:
    """The error names the setting."""
    smtp = Smtp(pickup_folder=tmp_path / "nowhere", sender="erp@masoc.example")
    with pytest.raises(MessageError) as caught:
        messaging(Options(smtp=smtp)).send(MAIL, WHO)
    assert "smtp.pickup_folder" in caught.value.remedy


@pytest.mark.parametrize(
    ("smtp", "names"), [(Smtp(), "smtp.host"), (Smtp(host="127.0.0.1"), "smtp.sender")]
)
def test_missing_settings_are_named(smtp: Smtp, names: str) -> None:
    """What is missing is said by its key."""
    with pytest.raises(SettingsError) as caught:
        messaging(Options(smtp=smtp)).send(MAIL, WHO)
    assert names in caught.value.remedy
