"""Contacts from a real directory server on loopback."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support import certificates, slapd
from tests.support.outside import needs
from tracer.protocol.errors import CredentialsError, ServiceError, SettingsError, UnreachableError
from tracer.protocol.ldap import DirectoryServer
from tracer.protocol.options import Ldap, Network, Options, Secret, Security
from tracer.protocol.settings import Settings

pytestmark = [pytest.mark.outside, needs(slapd.PROGRAM, "slapd")]


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> certificates.Certificates:
    """Return certificates for 127.0.0.1."""
    return certificates.make(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory, tls: certificates.Certificates
) -> Iterator[slapd.Slapd]:
    """Run a directory of 1,202 contacts."""
    with slapd.slapd(tmp_path_factory.mktemp("slapd"), tls, people=1200) as running:
        yield running


@pytest.fixture
def options(
    server: slapd.Slapd, tls: certificates.Certificates, monkeypatch: pytest.MonkeyPatch
) -> Options:
    """Return settings that read it with its own account."""
    monkeypatch.setenv("ANNUAIRE", slapd.PASSWORD)
    settings = Ldap(
        url=server.url, base=slapd.BASE, bind_dn=slapd.READER,
        password=Secret("env:ANNUAIRE"), security=Security.STARTTLS,
    )  # fmt: skip
    return Options(ldap=settings, network=Network(ca_file=tls.authority, timeout=10))


def reader_of(options: Options) -> DirectoryServer:
    """Return the layer's reader with these settings."""
    return DirectoryServer(Settings(options, {}))


def test_starttls_and_paging_read_everybody(options: Options) -> None:
    """1,202 people come in pages of 500 over StartTLS."""
    found = reader_of(options).contacts()
    assert len(found.contacts) == 1202
    assert found.complete


def test_ldaps_reads_the_same(options: Options, server: slapd.Slapd) -> None:
    """The same over LDAPS."""
    settings = replace(options.ldap, url=server.secure_url, security=Security.TLS)
    found = reader_of(replace(options, ldap=settings)).contacts("dupond")
    assert [contact.name for contact in found.contacts] == ["DUPOND Jeanne"]


@pytest.mark.parametrize(
    "who", ["JEANNE.DUPOND@masoc.example", "+33612345678", "0612345678", "03.88.12.34.56"]
)
def test_somebody_is_found_by_address_or_number(options: Options, who: str) -> None:
    """Case and the ways of writing a number do not matter."""
    (contact,) = reader_of(options).find(who).contacts
    assert contact.emails == ("jeanne.dupond@masoc.example",)
    assert contact.title == "Directrice"
    assert contact.company == "Ma société"


def test_signs_of_the_filter_language_are_names(options: Options) -> None:
    """A name with `(`, `)` and `*` is looked for as it stands."""
    reader = reader_of(options)
    assert [c.emails for c in reader.contacts("(achats) *").contacts] == [
        ("achats@fournisseur.example",)
    ]
    assert reader.contacts("*)(mail=*").contacts == ()


def test_wrong_password_is_a_credentials_error(
    options: Options, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The text says what to correct and holds no password."""
    monkeypatch.setenv("ANNUAIRE", "falsch-4711")
    with pytest.raises(CredentialsError, match="refused the account") as caught:
        reader_of(options).contacts()
    assert "falsch-4711" not in f"{caught.value} {caught.value.data()}"


def test_an_unknown_certificate_is_refused(options: Options) -> None:
    """Without the customer's CA file nothing is sent, the password least of all."""
    stranger = replace(options, network=Network(timeout=10))
    with pytest.raises(UnreachableError, match="cannot talk to"):
        reader_of(stranger).contacts()


def test_a_certificate_for_another_address_is_refused(options: Options, tmp_path: Path) -> None:
    """The server is known to the CA, but as somebody else: no password is sent."""
    other = certificates.make(tmp_path, "127.0.0.9")
    with slapd.slapd(tmp_path, other) as server:
        settings = replace(options.ldap, url=server.url)
        network = replace(options.network, ca_file=other.authority)
        with pytest.raises(UnreachableError, match=r"is not one of 127\.0\.0\.1"):
            reader_of(replace(options, ldap=settings, network=network)).contacts()


def test_a_size_limit_is_said(
    options: Options, tmp_path: Path, tls: certificates.Certificates
) -> None:
    """What the server cut off is not taken for everything."""
    with slapd.slapd(tmp_path, tls, people=50, limit="20") as small:
        settings = replace(options.ldap, url=small.url, page_size=15)
        found = reader_of(replace(options, ldap=settings)).contacts()
    assert not found.complete
    assert 0 < len(found.contacts) <= 20


def test_a_wrong_base_is_a_service_error(options: Options) -> None:
    """The server's own word for it stands in the text."""
    wrong = replace(options, ldap=replace(options.ldap, base="dc=nowhere"))
    with pytest.raises(ServiceError, match="noSuchObject"):
        reader_of(wrong).contacts()


def test_nobody_there_is_unreachable(options: Options) -> None:
    """A port that nobody listens on is one clear error."""
    closed = replace(options, ldap=replace(options.ldap, url="ldap://127.0.0.1:9"))
    with pytest.raises(UnreachableError, match=r"ldap://127\.0\.0\.1:9"):
        reader_of(closed).contacts()


def test_no_server_set_says_which_setting() -> None:
    """The error names the setting."""
    with pytest.raises(SettingsError) as caught:
        reader_of(Options())
    assert "ldap.url" in caught.value.remedy
