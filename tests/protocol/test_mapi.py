"""Mail and contacts through the object interface, exercised with a COM-shaped double."""

import sys

import pytest

from tests.support.outlook import Outlook
from tracer.protocol.errors import MessageError, ServiceError, SettingsError
from tracer.protocol.identity import Identity
from tracer.protocol.mapi import MapiMessaging
from tracer.protocol.mime import Attachment, Mail
from tracer.protocol.options import Mapi, Options, Protocol
from tracer.protocol.settings import Settings

WHO = Identity("MASOC", "jdupond", "Dupond@soc-windows.com")
MAIL = Mail(
    to=("anna@client.example",), cc=("chef@masoc.com",), subject="Commande", text="Voilà",
    attachments=(Attachment("../a.pdf", b"%PDF"), Attachment("a.pdf", b"2")),
)  # fmt: skip


def messaging(outlook: Outlook, profile: str = "") -> MapiMessaging:
    """Return the layer on the double."""
    options = Options(protocol=Protocol.MAPI, mapi=Mapi(profile=profile))
    return MapiMessaging(Settings(options, {}), lambda: outlook)


def test_a_mail_is_handed_to_outlook() -> None:
    """Recipients by kind, text, and attachments under safe names of their own."""
    outlook = Outlook()
    sent = messaging(outlook).send(MAIL, WHO)
    (item,) = outlook.sent
    assert [(r.Address, r.Type) for r in item.Recipients.added] == [
        ("anna@client.example", 1),
        ("chef@masoc.com", 2),
    ]
    assert item.Body == "Voilà"
    names = [name for name, _ in item.Attachments.added]
    assert len(set(names)) == 2
    assert all("/" not in name for name in names)
    assert sent.account == "dupond@masoc.com"


def test_the_profile_is_signed_in() -> None:
    """The settings' profile is used, and a wrong one is told by its HRESULT."""
    outlook = Outlook()
    messaging(outlook, "Harmony").send(MAIL, WHO)
    assert outlook.profile == "Harmony"
    with pytest.raises(ServiceError, match="0x80040111") as caught:
        messaging(Outlook(), "Autre").send(MAIL, WHO)
    assert "sign in" in caught.value.cause


def test_a_refused_send_is_a_service_error() -> None:
    """The HRESULT, what it means, and what to do."""
    outlook = Outlook()
    outlook.fail = 0x80004004
    with pytest.raises(ServiceError) as caught:
        messaging(outlook).send(MAIL, WHO)
    assert caught.value.status == 0x80004004
    assert "Trust Center" in caught.value.remedy


@pytest.mark.parametrize(
    "mail", [Mail(to=("Anna",)), Mail(to=()), Mail(to=("a@b.example",), sender="x@y.example")]
)
def test_what_outlook_cannot_do_is_said_before(mail: Mail) -> None:
    """An unknown name, no recipient, a sender of one's own: nothing is sent."""
    outlook = Outlook()
    with pytest.raises(MessageError):
        messaging(outlook).send(mail, WHO)
    assert outlook.sent == []


def test_contacts_are_read_and_found() -> None:
    """People only, no lists; by name and by number."""
    layer = messaging(Outlook())
    (anna,) = layer.contacts("anna").contacts
    assert layer.find("+33612345678").contacts == (anna,)
    assert layer.find("someone@else.example").contacts == ()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows may have Outlook")
def test_without_outlook_the_error_says_what_is_missing() -> None:
    """Elsewhere than on Windows: one clear error."""
    with pytest.raises(SettingsError, match="Windows"):
        MapiMessaging(Settings(Options(), {})).send(MAIL, WHO)
