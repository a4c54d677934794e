"""smtplib: each command and its reply, the mail as structure, no credentials."""

import base64
import smtplib
import ssl
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.support import certificates
from tests.support.capture import Recording
from tests.support.smtpd import PASSWORD, USER, Mailbox, smtpd
from tracer.capture.install import install, uninstall
from tracer.operation import operation

TEXT = "Bonjour, voici le contrat confidentiel."


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[Mailbox, int, ssl.SSLContext]]:
    """A server that wants STARTTLS and AUTH, and a context that trusts it."""
    tls = certificates.make(tmp_path)
    with smtpd(tls) as (mailbox, port):
        yield mailbox, port, ssl.create_default_context(cafile=str(tls.authority))


Server = tuple[Mailbox, int, ssl.SSLContext]


def mail(*to: str) -> EmailMessage:
    """Return a mail."""
    message = EmailMessage()
    message["From"] = "erp@masoc.example"
    message["To"] = ", ".join(to)
    message["Subject"] = "Secret de polichinelle"
    message.set_content(TEXT)
    message.add_attachment(b"%PDF contrat", maintype="application", subtype="pdf", filename="c.pdf")
    return message


def names(traced: Recording) -> list[str]:
    """Return the names of the exchanges."""
    return [each["name"] for each in traced.exchanges()]


def test_a_whole_session_is_recorded(server: Server, traced: Recording) -> None:
    """Connect, EHLO, STARTTLS, AUTH, MAIL, RCPT, DATA, QUIT: each once, with its reply."""
    mailbox, port, context = server
    with operation("send", "smtp") as running, smtplib.SMTP("127.0.0.1", port) as smtp:
        smtp.starttls(context=context)
        smtp.login(USER, PASSWORD)
        smtp.send_message(mail("a@x.fr", "b@x.fr"))
    assert len(mailbox.mails) == 1
    assert names(traced) == [
        "connect", "EHLO", "STARTTLS", "EHLO", "AUTH", "MAIL", "RCPT", "RCPT", "DATA", "QUIT",
    ]  # fmt: skip
    assert [e["status"] for e in traced.exchanges()] == [
        220, 250, 220, 250, 235, 250, 250, 250, 250, 221,
    ]  # fmt: skip
    assert len(traced.events("exchange", "start")) == 10
    [call] = traced.calls()
    assert (call["name"], call["status"], call["parent"]) == ("smtp.send", 250, running.id)
    assert call["data"]["params"]["to"] == ["a@x.fr", "b@x.fr"]
    under = {e["name"] for e in traced.exchanges() if e["parent"] == call["id"]}
    assert under == {"MAIL", "RCPT", "DATA"}
    assert {e["op"] for e in traced.exchanges()} == {running.id}
    ehlo = traced.exchanges()[1]["data"]
    assert "STARTTLS" in ehlo["response"]["text"]
    data = traced.exchanges()[8]["data"]
    parts = data["request"]["body"]["mime"]["parts"]
    assert [part["headers"]["content-type"] for part in parts] == [
        "text/plain; charset=utf-8", "application/pdf",
    ]  # fmt: skip
    assert data["response"]["code"] == 250


def test_nothing_secret_of_it_reaches_the_disk(server: Server, traced: Recording) -> None:
    """No password in any encoding, no text, no subject, no attachment."""
    _, port, context = server
    for kind in ("login", "plain"):
        with smtplib.SMTP("127.0.0.1", port) as smtp:
            smtp.starttls(context=context)
            smtp.ehlo()
            smtp.user, smtp.password = USER, PASSWORD
            smtp.auth(kind, getattr(smtp, f"auth_{kind}"), initial_response_ok=kind == "plain")
            smtp.send_message(mail("a@x.fr"))
    written = traced.path.read_bytes()
    for secret in (PASSWORD, TEXT, "polichinelle", "%PDF contrat", "filename=c.pdf"):
        assert secret.encode() not in written
        for offset in range(3):
            encoded = base64.b64encode(b"\0" * offset + secret.encode())
            assert encoded[4:-4] not in written
    auth = [e["data"]["request"]["args"] for e in traced.exchanges() if e["name"] == "AUTH"]
    assert [args.partition(" ")[0] for args in auth] == ["LOGIN", "⟨redacted", "⟨redacted", "PLAIN"]
    assert all("⟨redacted credentials #" in args for args in auth[1:])


def test_debug_switched_on_in_the_middle_of_auth(server: Server, traced: Recording) -> None:
    """An answer to a challenge that we have not seen is no command: nothing of it is kept."""
    _, port, context = server
    uninstall()
    with smtplib.SMTP("127.0.0.1", port) as smtp:
        smtp.starttls(context=context)
        smtp.ehlo()
        smtp.docmd("AUTH", "LOGIN")
        smtp.docmd(base64.b64encode(USER.encode()).decode())
        install(traced.recorder)
        encoded = base64.b64encode(PASSWORD.encode()).decode()
        assert smtp.docmd(encoded)[0] == 235
    assert names(traced) == ["AUTH", "QUIT"]
    assert encoded[:12].encode() not in traced.path.read_bytes()
    assert encoded[:12].upper().encode() not in traced.path.read_bytes()


def test_refusals_carry_the_code(server: Server, traced: Recording) -> None:
    """A refused recipient, a refused mail, a wrong password: status and text of the reply."""
    mailbox, port, context = server
    mailbox.refuse = {"nobody@x.fr"}
    with smtplib.SMTP("127.0.0.1", port) as smtp:
        smtp.starttls(context=context)
        with pytest.raises(smtplib.SMTPAuthenticationError):
            smtp.login(USER, "wrong-password")
        smtp.login(USER, PASSWORD)
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            smtp.send_message(mail("nobody@x.fr"))
        assert smtp.send_message(mail("nobody@x.fr", "a@x.fr"))
        mailbox.fault = "too-large"
        with pytest.raises(smtplib.SMTPDataError):
            smtp.send_message(mail("a@x.fr"))
    assert [call["status"] for call in traced.calls()] == [550, 250, 552]
    assert traced.calls()[0]["data"]["error"]["type"] == "smtplib.SMTPRecipientsRefused"
    assert traced.calls()[1]["data"]["refused"] == 1
    refused = [e for e in traced.exchanges() if e["name"] == "RCPT" and e["status"] == 550]
    assert refused[0]["data"]["response"]["text"] == "5.1.1 no such user here"
    assert 535 in [e["status"] for e in traced.exchanges() if e["name"] == "AUTH"]
    assert b"wrong-password" not in traced.path.read_bytes()


def test_a_dropped_connection_has_no_status(server: Server, traced: Recording) -> None:
    """The mail was taken and no answer came: DATA ends without status, and so does the call."""
    mailbox, port, context = server
    mailbox.fault = "drop"
    smtp = smtplib.SMTP("127.0.0.1", port)
    smtp.starttls(context=context)
    smtp.login(USER, PASSWORD)
    with pytest.raises(smtplib.SMTPServerDisconnected):
        smtp.send_message(mail("a@x.fr"))
    [call] = traced.calls()
    assert call["status"] is None
    data = next(e for e in traced.exchanges() if e["name"] == "DATA")
    assert data["status"] is None
    assert data["data"]["error"]["type"] == "smtplib.SMTPServerDisconnected"


def test_connecting_and_the_handshake_can_fail(server: Server, traced: Recording) -> None:
    """Nobody listens: connect ends in an error. A certificate nobody trusts: TLS does."""
    _, port, _ = server
    with pytest.raises(OSError, match=r"."):
        smtplib.SMTP("127.0.0.1", 9, timeout=1)
    smtp = smtplib.SMTP("127.0.0.1", port)
    with pytest.raises(ssl.SSLCertVerificationError):
        smtp.starttls(context=ssl.create_default_context())
    smtp.close()
    failed = [
        (e["name"], e["data"]["error"]["type"]) for e in traced.exchanges() if not e["status"]
    ]
    assert failed == [
        ("connect", "ConnectionRefusedError"),
        ("TLS", "ssl.SSLCertVerificationError"),
    ]


def test_implicit_tls(tmp_path: Path, traced: Recording) -> None:
    """SMTP_SSL is recorded like SMTP."""
    tls = certificates.make(tmp_path)
    context = ssl.create_default_context(cafile=str(tls.authority))
    with (
        smtpd(tls, implicit=True) as (_, port),
        smtplib.SMTP_SSL("127.0.0.1", port, context=context) as smtp,
    ):
        smtp.noop()
    assert names(traced) == ["connect", "NOOP", "QUIT"]
    assert traced.exchanges()[0]["data"]["request"]["tls"] is True
