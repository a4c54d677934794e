"""Mail and contacts by EWS: exchangelib against a SOAP endpoint on loopback."""

import email
from collections.abc import Iterator

import pytest

from samples.sandbox import Sandbox
from tracer.protocol.errors import (
    CredentialsError,
    DoubtfulSendError,
    SettingsError,
    UnreachableError,
)
from tracer.protocol.ews import EwsMessaging
from tracer.protocol.identity import Identity
from tracer.protocol.mime import Attachment, Mail
from tracer.protocol.options import Ews, Options, Protocol, Secret
from tracer.protocol.settings import Settings

WHO = Identity("MASOC", "jdupond", "Dupond@soc-windows.com")
USER = "dupond@masoc.com"
MAIL = Mail(
    to=("Anna <anna@client.example>",),
    bcc=("archive@masoc.com",),
    subject="Commande é",
    text="Voilà",
    attachments=(Attachment("a.pdf", b"%PDF"),),
)


def messaging(url: str) -> EwsMessaging:
    """Return the layer's EWS side for the server at `url`."""
    ews = Ews(url=f"{url}/EWS/Exchange.asmx", user=USER, password=Secret("env:EWS_SECRET"))
    return EwsMessaging(Settings(Options(protocol=Protocol.EWS, ews=ews), {}))


@pytest.fixture
def layer(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[EwsMessaging]:
    """Return the layer, signed in with the right password."""
    monkeypatch.setenv("EWS_SECRET", box.world[USER].password)
    opened = messaging(box.url)
    yield opened
    opened.close()


def test_a_mail_leaves_whole(layer: EwsMessaging, box: Sandbox) -> None:
    """Recipients, attachment and Message-ID arrive as they were composed."""
    sent = layer.send(MAIL, WHO)
    (arrived,) = box.sent
    message = email.message_from_bytes(arrived.raw)
    assert message["Message-ID"] == sent.message_id
    assert "anna@client.example" in arrived.recipients
    assert [part.get_filename() for part in message.walk() if part.get_filename()] == ["a.pdf"]


def test_contacts_are_read_and_found(layer: EwsMessaging) -> None:
    """All of them, by a part of the name, and by a number however written."""
    assert len(layer.contacts().contacts) == 3
    (marie,) = layer.contacts("lefèvre").contacts
    assert layer.find("03 88 12 34 56").contacts == (marie,)
    assert marie.company == "Moulins du Rhin"


def test_a_wrong_password_is_a_credentials_error(
    box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The text says what to correct and holds no password."""
    monkeypatch.setenv("EWS_SECRET", "falsch-4711")
    layer = messaging(box.url)
    with pytest.raises(CredentialsError, match="refused the account") as caught:
        layer.send(MAIL, WHO)
    layer.close()
    assert "falsch-4711" not in str(caught.value.data())


def test_a_lost_answer_is_a_doubtful_send(layer: EwsMessaging, box: Sandbox) -> None:
    """The server took the mail and hung up: sent once, and the doubt is said."""
    box.fault("drop-after", times=1, match="ews.CreateItem")
    with pytest.raises(DoubtfulSendError):
        layer.send(MAIL, WHO)
    assert len(box.sent) == 1


def test_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    """No connection is no doubt: unreachable, with the address."""
    monkeypatch.setenv("EWS_SECRET", "x")
    layer = messaging("http://127.0.0.1:9")
    with pytest.raises(UnreachableError, match=r"127\.0\.0\.1:9"):
        layer.send(MAIL, WHO)
    layer.close()


def test_a_missing_server_names_the_setting() -> None:
    """The error names ews.url."""
    with pytest.raises(SettingsError) as caught:
        EwsMessaging(Settings(Options(), {}))
    assert "ews.url" in caught.value.remedy
