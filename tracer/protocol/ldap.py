"""Contacts from a directory server (Active Directory, OpenLDAP) with its own account."""

import ipaddress
import ssl
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, Final
from urllib.parse import urlsplit

import ldap3
from ldap3.core.exceptions import LDAPException, LDAPOperationResult
from ldap3.utils.conv import escape_filter_chars

from tracer.protocol.contacts import Contact, Found, is_phone, matching
from tracer.protocol.errors import (
    CredentialsError,
    ServiceError,
    SettingsError,
    UnreachableError,
)
from tracer.protocol.options import Options, Security
from tracer.protocol.running import running
from tracer.protocol.settings import Settings
from tracer.schema.events import Topic

_MAIL: Final = ("mail", "proxyAddresses", "userPrincipalName")
_PHONE: Final = ("telephoneNumber", "mobile", "homePhone", "ipPhone", "otherTelephone")
_NAME: Final = ("displayName", "cn", "name")
_PEOPLE: Final = "(|(objectClass=person)(objectClass=contact))"
_SIZE_LIMIT: Final = 4
_INVALID_CREDENTIALS: Final = 49


class DirectoryServer:
    """The server of ``[ldap]`` in the settings; one connection a request, as an ERP client does."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._options = settings.options
        self._ldap = settings.options.ldap
        if not self._ldap.url:
            raise SettingsError("no directory server is set", remedy="set ldap.url in the settings")

    def contacts(self, query: str = "") -> Found:
        """Return the people whose name or address contains `query`; all of them when it is empty.

        Raises:
            LayerError: the server refused, or did not answer.
        """
        text = escape_filter_chars(query)
        fields = ("cn", "displayName", "sn", "mail")
        wanted = "".join(f"({field}=*{text}*)" for field in fields) if query else ""
        return self._read(_and(f"(|{wanted})" if wanted else ""), query)

    def find(self, who: str) -> Found:
        """Return the people with the mail address or telephone number `who`, verified on our side.

        Raises:
            LayerError: the server refused, or did not answer.
        """
        if "@" in who:
            text = escape_filter_chars(who.strip())
            tests = f"(mail={text})(userPrincipalName={text})(proxyAddresses=smtp:{text})"
        else:
            # Directories write numbers in every way: the last six digits, whatever stands between.
            digits = [char for char in who if char.isdigit()][-6:]
            if not digits or not is_phone(who):
                return Found(())
            tests = "".join(f"({name}=*{'*'.join(digits)})" for name in _PHONE)
        found = self._read(_and(f"(|{tests})"), who)
        return Found(tuple(matching(found.contacts, who)), found.complete)

    def close(self) -> None:
        """Nothing stays open."""

    def _read(self, filter_: str, query: str) -> Found:
        url = self._ldap.url
        with running("contacts", Topic.LDAP, self._settings, server=url, query=query) as op:
            with _translated(url), self._connection() as connection:
                found = self._search(connection, filter_)
            op.result(found=len(found.contacts), complete=found.complete)
            return found

    def _search(self, connection: Any, filter_: str) -> Found:
        contacts: dict[str, Contact] = {}
        cookie: bytes | None = None
        while True:
            connection.search(
                self._ldap.base,
                filter_,
                attributes=self._attributes(connection.server),
                paged_size=self._ldap.page_size,
                paged_cookie=cookie,
            )
            before, known = cookie, len(contacts)
            contacts |= {one.key: one for one in map(_contact, _entries(connection.response))}
            if connection.result["result"] == _SIZE_LIMIT:
                return Found(tuple(contacts.values()), complete=False)
            _require_success(connection.result)
            controls = connection.result.get("controls") or {}
            paging = controls.get("1.2.840.113556.1.4.319", {})
            cookie = paging.get("value", {}).get("cookie")
            if not cookie:
                return Found(tuple(contacts.values()))
            if cookie == before and len(contacts) == known:  # some servers have but one cookie
                raise ServiceError(
                    "the directory server's list does not end",
                    cause="it gave the same page twice",
                    remedy="raise ldap.page_size, or narrow ldap.base",
                )

    def _attributes(self, server: Any) -> list[str]:
        """Return the attributes to ask for: those that the server's schema knows."""
        wanted = dict.fromkeys((*_NAME, *_MAIL, *_PHONE, *self._ldap.attributes))
        schema = server.schema
        if schema is None or not schema.attribute_types:
            return list(self._ldap.attributes)
        return [name for name in wanted if name in schema.attribute_types]

    @contextmanager
    def _connection(self) -> Iterator[Any]:
        settings = self._ldap
        network = self._options.network
        address = _address(settings.url)
        tls = ldap3.Tls(
            validate=ssl.CERT_REQUIRED,
            ca_certs_file=str(network.ca_file) if network.ca_file else None,
            valid_names=["*"] if address else None,
        )
        server = ldap3.Server(
            settings.url,
            use_ssl=settings.security is Security.TLS or settings.url.startswith("ldaps:"),
            tls=tls,
            get_info=ldap3.SCHEMA,
            connect_timeout=network.timeout,
        )
        user = self._options.contacts_account or settings.bind_dn
        connection = ldap3.Connection(
            server,
            user=user or None,
            password=_password(self._options) if user else None,
            auto_referrals=False,  # a referral could carry the password to another server
            receive_timeout=network.timeout,
            read_only=True,
        )
        try:
            connection.open()
            if settings.security is Security.STARTTLS and not server.ssl:
                connection.start_tls()
                _require_success(connection.result)
            if address and hasattr(connection.socket, "getpeercert"):
                _require_address(connection.socket.getpeercert(), address)
            connection.bind()
            _require_success(connection.result)
            yield connection
        finally:
            with suppress(LDAPException, OSError):  # the connection may be gone
                connection.unbind()
            if connection.socket is not None:  # ldap3 leaves it open when it cannot connect
                connection.socket.close()


def _address(url: str) -> str:
    """Return the host of `url` when it is an IP address, which ldap3 cannot find in certificates.

    It asks the standard library, which has no such match since Python 3.12; its own knows names.
    """
    host = urlsplit(url).hostname or ""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return ""


def _require_address(certificate: Mapping[str, Any], address: str) -> None:
    names = certificate.get("subjectAltName", ())
    wanted = ipaddress.ip_address(address)
    for kind, value in names:
        if kind == "IP Address" and ipaddress.ip_address(value.strip()) == wanted:
            return
    raise UnreachableError(
        f"the certificate of the directory server is not one of {address}",
        remedy="write in ldap.url the name that stands in the certificate",
    )


def _password(options: Options) -> str:
    secret = options.ldap.password
    if secret is None:
        raise CredentialsError(
            "the directory account has no password",
            remedy="set ldap.password to env:NAME or file:PATH",
        )
    try:
        return secret.read()
    except LookupError as error:
        text = f"the directory password cannot be read: {error}"
        raise CredentialsError(text, remedy="correct ldap.password") from None


def _and(tests: str) -> str:
    return f"(&{_PEOPLE}{tests})" if tests else _PEOPLE


def _entries(response: Iterable[Mapping[str, Any]] | None) -> Iterator[Mapping[str, Any]]:
    return (entry for entry in response or () if entry.get("type") == "searchResEntry")


def _contact(entry: Mapping[str, Any]) -> Contact:
    values: Mapping[str, Any] = entry["attributes"]
    names = _texts(values, _NAME)
    mails = [text[5:] if text[:5].lower() == "smtp:" else text for text in _texts(values, _MAIL)]
    return Contact(
        name=names[0] if names else str(entry["dn"]),
        emails=tuple(dict.fromkeys(mail for mail in mails if "@" in mail)),
        phones=tuple(dict.fromkeys(_texts(values, _PHONE))),
        company=next(iter(_texts(values, ("company", "o"))), ""),
        title=next(iter(_texts(values, ("title",))), ""),
        source="ldap",
        key=str(entry["dn"]),
    )


def _texts(values: Mapping[str, Any], names: Iterable[str]) -> list[str]:
    found: list[str] = []
    for name in names:
        value = values.get(name)
        several = value if isinstance(value, list) else [value]
        found += [text for text in several if isinstance(text, str) and text]
    return found


def _require_success(result: Mapping[str, Any]) -> None:
    code = result["result"]
    if code == 0:
        return
    said = str(result.get("description", code))
    if code == _INVALID_CREDENTIALS:
        raise CredentialsError(
            "the directory server refused the account",
            cause="wrong account or password (invalidCredentials)",
            remedy="correct the account for reading contacts and ldap.password",
        )
    raise ServiceError(
        f"the directory server answered {said}",
        remedy="check ldap.base and the rights of the account",
        status=code,
        reason=said,
    )


@contextmanager
def _translated(url: str) -> Iterator[None]:
    """Make ldap3's errors errors of the layer."""
    try:
        yield
    except LDAPOperationResult as error:
        said = str(error.description)
        raise ServiceError(
            f"the directory server answered {said}", status=int(error.result), reason=said
        ) from error
    except LDAPException as error:
        raise UnreachableError(
            f"cannot talk to {url}: {type(error).__name__}",
            cause=str(error)[:200],
            remedy="check ldap.url, ldap.security and network.ca_file",
        ) from error
