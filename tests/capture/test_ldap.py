"""ldap3: each message and its result, with a real directory server."""

import gc
import ssl
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import ldap3
import pytest
from ldap3.core.exceptions import LDAPSocketOpenError, LDAPStartTLSError

from tests.support import certificates
from tests.support.capture import Recording
from tests.support.certificates import Certificates
from tests.support.outside import needs
from tests.support.slapd import BASE, PASSWORD, PROGRAM, READER, Slapd, slapd
from tracer.operation import operation

pytestmark = [pytest.mark.outside, needs(PROGRAM, "slapd")]


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Certificates for 127.0.0.1."""
    return certificates.make(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory, tls: Certificates) -> Iterator[Slapd]:
    """A server with a few entries and a size limit."""
    with slapd(tmp_path_factory.mktemp("slapd"), tls, people=12, limit="9") as running:
        yield running


def connection(directory: Slapd, tls: Certificates | None = None, **options: Any) -> Any:
    """Return a connection that is not open yet."""
    trust = None
    if tls:  # by the certificate's name: from Python 3.12 on ldap3 finds no address in it
        files = str(tls.authority)
        trust = ldap3.Tls(
            validate=ssl.CERT_REQUIRED, ca_certs_file=files, valid_names=["localhost"]
        )
    server = ldap3.Server(directory.url, get_info=ldap3.NONE, tls=trust)
    arguments = {"user": READER, "password": PASSWORD} | options
    return ldap3.Connection(server, **arguments)


def names(traced: Recording) -> list[str]:
    """Return the names of the exchanges."""
    return [each["name"] for each in traced.exchanges()]


def test_a_search_is_recorded_with_what_it_asked_and_how_much_came(
    directory: Slapd, traced: Recording
) -> None:
    """connect, bind, search, unbind: base, filter and attributes; a count instead of entries."""
    with operation("contacts", "ldap") as running, connection(directory) as ldap:
        assert ldap.search(BASE, "(sn=Dupond)", attributes=["mail", "displayName"])
        assert ldap.entries[0].mail == "jeanne.dupond@masoc.example"
    assert names(traced) == ["connect", "bind", "search", "unbind"]
    assert [each["status"] for each in traced.exchanges()] == [0, 0, 0, 0]
    assert [call["name"] for call in traced.calls()] == ["ldap.bind", "ldap.search"]
    assert {call["parent"] for call in traced.calls()} == {running.id}
    search = traced.exchanges()[2]
    assert search["parent"] == traced.calls()[1]["id"]
    assert search["topic"] == "ldap"
    assert search["data"]["request"]["base"] == BASE
    assert search["data"]["request"]["filter"] == "(sn=Dupond)"
    assert search["data"]["request"]["attributes"] == ["mail", "displayName"]
    assert search["data"]["response"]["entries"] == 1
    assert traced.exchanges()[1]["data"]["request"]["name"] == READER
    written = traced.path.read_bytes()
    for secret in (PASSWORD, "jeanne.dupond@masoc.example", "DUPOND Jeanne"):
        assert secret.encode() not in written


def test_a_wrong_password_is_a_result_code(directory: Slapd, traced: Recording) -> None:
    """49 invalidCredentials, on the exchange and on the call; the password is nowhere."""
    ldap = connection(directory, password="pas-le-bon")
    assert not ldap.bind()
    ldap.unbind()
    bind = next(e for e in traced.exchanges() if e["name"] == "bind")
    assert bind["status"] == 49
    assert bind["data"]["response"]["description"] == "invalidCredentials"
    assert bind["data"]["request"]["authentication"] == ["simple"]
    assert traced.calls()[0]["status"] == 49
    assert b"pas-le-bon" not in traced.path.read_bytes()


def test_limits_and_pages(directory: Slapd, traced: Recording) -> None:
    """A size limit is a result with entries; pages carry a cookie that becomes a tag."""
    with connection(directory) as ldap:
        ldap.search(BASE, "(sn=P)", attributes=["mail"])
        ldap.search(BASE, "(sn=P)", attributes=["mail"], paged_size=5)
    limited, paged = [e for e in traced.exchanges() if e["name"] == "search"]
    assert (limited["status"], limited["data"]["response"]["entries"]) == (4, 9)
    assert paged["data"]["response"]["entries"] == 5
    assert paged["data"]["response"]["paged"]["cookie"].startswith("⟨redacted page #")


@contextmanager
def sockets_left_open() -> Iterator[None]:
    """Let ldap3 forget to close the socket of a connection that failed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        yield
        gc.collect()


def fail_to_start_tls(directory: Slapd) -> None:
    """Ask for a certificate that nobody here trusts."""
    strict = ldap3.Tls(validate=ssl.CERT_REQUIRED)
    bad = ldap3.Connection(ldap3.Server(directory.url, tls=strict, get_info=ldap3.NONE))
    bad.open()
    with pytest.raises(LDAPStartTLSError):
        bad.start_tls()


def fail_to_connect(server: ldap3.Server) -> None:
    """Connect to where nobody listens."""
    with pytest.raises(LDAPSocketOpenError):
        ldap3.Connection(server).bind()


def test_start_tls(directory: Slapd, tls: Certificates, traced: Recording) -> None:
    """The extended request is named, and a handshake that fails fails the call."""
    with connection(directory, tls) as ldap:
        ldap.open()
        assert ldap.start_tls()
        ldap.bind()
    assert "StartTLS" in names(traced)
    with sockets_left_open():
        fail_to_start_tls(directory)
    call = [each for each in traced.calls() if each["name"] == "ldap.start_tls"][-1]
    assert "LDAPStartTLSError" in call["data"]["error"]["type"]


def test_nobody_listens(traced: Recording) -> None:
    """The connect exchange has no status and says why."""
    server = ldap3.Server("127.0.0.1", port=9, connect_timeout=1, get_info=ldap3.NONE)
    with sockets_left_open():
        fail_to_connect(server)
    [connect] = traced.exchanges()
    assert (connect["name"], connect["status"]) == ("connect", None)
    assert "LDAPSocketOpenError" in connect["data"]["error"]["type"]


def test_the_asynchronous_strategy(directory: Slapd, traced: Recording) -> None:
    """The answer belongs to its message, whenever the program asks for it."""
    ldap = connection(directory, client_strategy=ldap3.ASYNC)
    ldap.open()
    number = ldap.bind()
    first = ldap.search(BASE, "(sn=P)", attributes=["mail"], size_limit=3)
    second = ldap.search(BASE, "(sn=Dupond)", attributes=["mail"])
    ldap.get_response(second)
    ldap.get_response(first)
    ldap.unbind()
    assert number
    searches = [e for e in traced.exchanges() if e["name"] == "search"]
    found = {e["data"]["request"]["filter"]: e["data"]["response"]["entries"] for e in searches}
    assert found == {"(sn=P)": 3, "(sn=Dupond)": 1}


def test_values_of_changes_are_not_recorded(directory: Slapd, traced: Recording) -> None:
    """An addition or a change shows the names of attributes only; a refusal its code."""
    with connection(directory) as ldap:
        ldap.add(f"cn=new,{BASE}", "inetOrgPerson", {"sn": "Secretname", "mail": "s@secret.fr"})
        changes = {"userPassword": [(ldap3.MODIFY_ADD, ["Secretword"])]}
        ldap.modify(f"cn=P0001,{BASE}", changes)
        ldap.compare(READER, "cn", "Secretname")
    add, modify, compare = (
        next(e for e in traced.exchanges() if e["name"] == name)
        for name in ("add", "modify", "compare")
    )
    assert add["status"] == 50  # insufficientAccessRights
    assert set(add["data"]["request"]["attributes"]) >= {"sn", "mail"}
    assert modify["data"]["request"]["attributes"] == ["userPassword"]
    assert compare["data"]["request"]["attribute"] == "cn"
    assert b"ecretname" not in traced.path.read_bytes()
    assert b"ecretword" not in traced.path.read_bytes()
