"""SMTP and LDAP servers that refuse, recorded with the real capture: the rules name why."""

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import ldap3
import pytest

from tests.support import ports, slapd, smtpd
from tests.support.certificates import Certificates, make
from tests.support.outside import needs
from tracer import control
from tracer.capture.install import install, uninstall
from tracer.operation import operation
from viewer.model.finding import Finding
from viewer.model.findings import diagnose
from viewer.model.trace import Trace


@pytest.fixture(scope="module", name="tls")
def _tls(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Return certificates for 127.0.0.1."""
    return make(tmp_path_factory.mktemp("tls"))


@contextmanager
def recorded(folder: Path, name: str, topic: str) -> Iterator[list[Finding]]:
    """Record an operation that fails; give what the rules say to it afterwards."""
    found: list[Finding] = []
    file = folder / "s.jsonl"
    control.turn_on("servers", out=file)
    install()
    try:
        with pytest.raises(Exception), operation(name, topic):  # noqa: B017, PT011 - each its own
            yield found
    finally:
        uninstall()
        control.turn_off()
    trace = Trace.open([file], cache=False)
    found += diagnose(trace)
    trace.close()


def send(port: int, tls: Certificates, password: str, to: str = "a@client.example") -> None:
    """Send a mail as a program with smtplib does."""
    context = ssl.create_default_context(cafile=str(tls.authority))
    with smtplib.SMTP("127.0.0.1", port, timeout=10) as connection:
        connection.starttls(context=context)
        connection.login(smtpd.USER, password)
        connection.sendmail(smtpd.USER, [to], b"Subject: x\r\n\r\nBonjour")


def test_smtp_wrong_password(tls: Certificates, tmp_path: Path, clean_environment: Path) -> None:
    """A refused AUTH is the sign-in, and the server is named."""
    with smtpd.smtpd(tls) as (_, port), recorded(tmp_path, "send", "smtp") as found:
        send(port, tls, "falsch")
    assert found[0].rule == "smtp-auth"
    assert found[0].args["server"] == f"127.0.0.1:{port}"


def test_smtp_recipient(tls: Certificates, tmp_path: Path, clean_environment: Path) -> None:
    """A refused RCPT is the recipient."""
    with smtpd.smtpd(tls) as (mailbox, port), recorded(tmp_path, "send", "smtp") as found:
        mailbox.refuse.add("gone@client.example")
        send(port, tls, smtpd.PASSWORD, "gone@client.example")
    assert found[0].rule == "smtp-recipient"
    assert "no such user" in found[0].args["message"]


def test_smtp_size(tls: Certificates, tmp_path: Path, clean_environment: Path) -> None:
    """A refused DATA with 552 is the size."""
    with smtpd.smtpd(tls) as (mailbox, port), recorded(tmp_path, "send", "smtp") as found:
        mailbox.fault = "too-large"
        send(port, tls, smtpd.PASSWORD)
    assert found[0].rule == "smtp-size"


def test_smtp_certificate(tls: Certificates, tmp_path: Path, clean_environment: Path) -> None:
    """A certificate nobody trusts is the encryption."""
    with (
        smtpd.smtpd(tls) as (_, port),
        recorded(tmp_path, "send", "smtp") as found,
        smtplib.SMTP("127.0.0.1", port, timeout=10) as connection,
    ):
        connection.starttls(context=ssl.create_default_context())
    assert found[0].rule == "smtp-tls"


def test_smtp_nobody_listens(tmp_path: Path, clean_environment: Path) -> None:
    """A closed port is a refused connection."""
    with recorded(tmp_path, "send", "smtp") as found:
        smtplib.SMTP("127.0.0.1", ports.free_port(), timeout=5)
    assert found[0].rule == "connection-refused"


@pytest.mark.outside
@needs(slapd.PROGRAM, "slapd")
@pytest.mark.parametrize(
    ("password", "base", "rule"),
    [("falsch", slapd.BASE, "ldap-auth"), (slapd.PASSWORD, "dc=nowhere", "ldap-base")],
)
def test_ldap(
    password: str, base: str, rule: str, tls: Certificates, tmp_path: Path, clean_environment: Path
) -> None:
    """A wrong password is the sign-in, an unknown base the place to search."""
    folder = tmp_path / "slapd"
    folder.mkdir()
    with slapd.slapd(folder, tls) as server, recorded(tmp_path, "contacts", "ldap") as found:
        connection = ldap3.Connection(
            ldap3.Server(server.url), slapd.READER, password,
            raise_exceptions=True, auto_referrals=False,
        )  # fmt: skip
        try:
            connection.start_tls()
            connection.bind()
            connection.search(base, "(objectClass=*)")
        finally:
            connection.unbind()
    assert found[0].rule == rule
    assert found[0].args["server"] == server.url.removeprefix("ldap://")
