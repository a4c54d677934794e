"""Every setting of the layer: key, type, default, French label, in one place.

A field's name is its key (``smtp.host``: section and name); its annotation holds the label and,
where the type does not say enough, a check.
"""

import codecs
import dataclasses
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final, get_args, get_origin, get_type_hints
from urllib.parse import urlsplit

from tracer.protocol.identity import Encoding


class Protocol(StrEnum):
    """What the layer speaks: one line of the settings chooses."""

    GSUITE = "gsuite"
    SMTP = "smtp"
    EWS = "ews"
    MAPI = "mapi"


class Security(StrEnum):
    """How a connection is protected."""

    NONE = "none"
    STARTTLS = "starttls"
    TLS = "tls"


class EwsAuth(StrEnum):
    """How EWS asks who one is."""

    BASIC = "basic"
    NTLM = "ntlm"
    OAUTH = "oauth"


@dataclass(frozen=True, slots=True)
class Secret:
    """Where a secret is, ``env:NAME`` or ``file:PATH``: the settings never hold the secret."""

    source: str

    def read(self) -> str:
        """Return the secret.

        Raises:
            LookupError: The variable is not set, or the file cannot be read.
        """
        kind, _, place = self.source.partition(":")
        if kind == "env":
            try:
                return os.environ[place]
            except KeyError:
                raise LookupError(f"the environment variable {place} is not set") from None
        try:
            return Path(place).read_text(encoding="utf-8").strip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            raise LookupError(f"cannot read {place}: {error}") from None

    def __str__(self) -> str:
        return self.source


Check = Callable[[Any], str]
"""Returns what is wrong with a value, or nothing."""


def _url(*schemes: str) -> Check:
    def check(value: str) -> str:
        if not value:
            return ""
        try:
            parts = urlsplit(value)
            usable = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
        except ValueError:
            usable = False
        return "" if usable else f"must be a URL that begins with {' or '.join(schemes)}://"

    return check


def _between(low: int, high: int) -> Check:
    def check(value: int) -> str:
        return "" if low <= value <= high else f"must lie between {low} and {high}"

    return check


def _code_page(value: str) -> str:
    try:
        name = codecs.lookup(value).name
        plain = "Aa1 \r\n".encode(name) == b"Aa1 \r\n"
    except (LookupError, UnicodeError):
        plain, name = False, ""
    if plain and name not in {"idna", "punycode", "unicode_escape", "raw_unicode_escape", "utf-7"}:
        return ""
    return "is not a code page that mail can use; try utf-8, cp1252 or cp850"


def _address(value: str) -> str:
    return "" if not value or "@" in value.strip("@") else "must be an address, name@domain"


def _separator(value: str) -> str:
    plain = any(char.isalnum() or char.isspace() for char in value)
    return "must be a sign, neither letter, digit nor space" if plain or not value else ""


@dataclass(frozen=True, slots=True)
class Attributes:
    """The custom attributes of the Google users."""

    schema: Annotated[str, "Catégorie des attributs personnalisés"] = "Divalto"
    env: Annotated[str, "Attribut environnement + compte Windows"] = "DivaltoInfinityWinAccountEnv"
    user: Annotated[str, "Attribut utilisateur Harmony"] = "DivaltoInfinityWinAccountUser"
    account: Annotated[str, "Attribut compte Windows"] = "DivaltoInfinityWinAccount"
    encoding: Annotated[Encoding, "Codage de l'environnement dans l'attribut"] = Encoding.ENTRY
    separator: Annotated[str, "Séparateur environnement / compte Windows", _separator] = "="


@dataclass(frozen=True, slots=True)
class Network:
    """The way out."""

    proxy: Annotated[str, "Serveur mandataire (proxy)", _url("http", "socks4", "socks5")] = ""
    ca_file: Annotated[Path | None, "Fichier des autorités de certification"] = None
    timeout: Annotated[int, "Délai de réponse en secondes", _between(1, 600)] = 60
    retries: Annotated[int, "Nouvelles tentatives (jamais pour un envoi)", _between(0, 10)] = 3


@dataclass(frozen=True, slots=True)
class Smtp:
    """SMTP: to a server, or a file into the pickup folder of one."""

    host: Annotated[str, "Serveur SMTP"] = ""
    port: Annotated[int, "Port SMTP", _between(1, 65535)] = 587
    security: Annotated[Security, "Sécurité de la connexion SMTP"] = Security.STARTTLS
    user: Annotated[str, "Utilisateur SMTP"] = ""
    password: Annotated[Secret | None, "Mot de passe SMTP (env:NOM ou file:CHEMIN)"] = None
    sender: Annotated[str, "Adresse de l'expéditeur", _address] = ""
    pickup_folder: Annotated[Path | None, "Dossier de dépôt du service SMTP"] = None


@dataclass(frozen=True, slots=True)
class Ldap:
    """The directory server that contacts are read from."""

    url: Annotated[str, "Serveur d'annuaire", _url("ldap", "ldaps")] = ""
    base: Annotated[str, "Base de recherche"] = ""
    bind_dn: Annotated[str, "Compte pour la lecture de l'annuaire"] = ""
    password: Annotated[Secret | None, "Mot de passe de l'annuaire (env:NOM ou file:CHEMIN)"] = None
    security: Annotated[Security, "Sécurité de la connexion à l'annuaire"] = Security.STARTTLS
    attributes: Annotated[tuple[str, ...], "Attributs à lire"] = (
        "cn",
        "mail",
        "telephoneNumber",
        "mobile",
        "company",
        "title",
    )
    page_size: Annotated[int, "Taille de page", _between(1, 10000)] = 500


@dataclass(frozen=True, slots=True)
class Ews:
    """Exchange Web Services."""

    url: Annotated[str, "Adresse du service EWS", _url("http", "https")] = ""
    user: Annotated[str, "Utilisateur EWS"] = ""
    password: Annotated[Secret | None, "Mot de passe EWS (env:NOM ou file:CHEMIN)"] = None
    auth: Annotated[EwsAuth, "Authentification EWS"] = EwsAuth.BASIC
    address: Annotated[str, "Boîte aux lettres EWS", _address] = ""


@dataclass(frozen=True, slots=True)
class Mapi:
    """Outlook on this Windows machine."""

    profile: Annotated[str, "Profil Outlook"] = ""


@dataclass(frozen=True, slots=True)
class Contact:
    """Raising a contact's record; the fields are filled in at {email}, {phone}, {name}."""

    url: Annotated[str, "Adresse de la fiche"] = ""
    command: Annotated[tuple[str, ...], "Commande de montée de fiche"] = ()


@dataclass(frozen=True, slots=True)
class Options:
    """All settings with their values."""

    protocol: Annotated[Protocol, "Protocole de messagerie"] = Protocol.GSUITE
    # the window « Protocole G Suite »; « Accès au serveur Gmail » is computed: `tracer act check`
    use_gmail: Annotated[bool, "Utiliser Gmail pour l'envoi de mail et le CRM"] = True
    contact_dialog: Annotated[
        bool, "Utiliser la boite de dialogue pour Gmail pour le bouton contact de DivaltoViewer"
    ] = False
    account: Annotated[
        str,
        "Compte utilisateur pour la connexion à Gmail et la lecture de la boîte aux lettres",
        _address,
    ] = ""
    contacts_account: Annotated[
        str,
        "Compte pour la lecture des contacts dans Active Directory"
        " (si différent de celui de Gmail)",
    ] = ""
    code_page: Annotated[str, "Code page du texte", _code_page] = "utf-8"
    # the link with G Suite
    service_account_file: Annotated[Path | None, "Clé du compte de service (fichier JSON)"] = None
    directory_account: Annotated[
        str, "Compte administrateur pour la lecture de l'annuaire Google", _address
    ] = ""
    customer: Annotated[str, "Client Google Workspace"] = "my_customer"
    scopes: Annotated[tuple[str, ...], "Autorisations déléguées au compte de service"] = ()
    endpoint: Annotated[
        str, "Adresse de remplacement des serveurs Google", _url("http", "https")
    ] = ""
    cache_seconds: Annotated[int, "Durée de validité d'une résolution", _between(0, 86400)] = 600
    # who acts, when the caller does not say
    environment: Annotated[str, "Environnement"] = ""
    harmony_user: Annotated[str, "Utilisateur Harmony"] = ""
    windows_account: Annotated[str, "Compte Windows"] = ""

    attributes: Attributes = dataclasses.field(default_factory=Attributes)
    network: Network = dataclasses.field(default_factory=Network)
    smtp: Smtp = dataclasses.field(default_factory=Smtp)
    ldap: Ldap = dataclasses.field(default_factory=Ldap)
    ews: Ews = dataclasses.field(default_factory=Ews)
    mapi: Mapi = dataclasses.field(default_factory=Mapi)
    contact: Contact = dataclasses.field(default_factory=Contact)


INFORMATIVE: Final = {"gmail_access": "Accès au serveur Gmail"}
"""The option of the window that nobody sets: it tells what the last check found."""


@dataclass(frozen=True, slots=True)
class Option:
    """One setting: what may stand at `key`."""

    key: str
    kind: Any
    label: str
    default: Any
    check: Check | None

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        return "TRACER_" + self.key.replace(".", "_").upper()


def _walk(section: type, prefix: str = "") -> Iterator[Option]:
    hints = get_type_hints(section, include_extras=True)
    for field in dataclasses.fields(section):
        kind = hints[field.name]
        if get_origin(kind) is Annotated:
            plain, label, *check = get_args(kind)
            found = check[0] if check else None
            yield Option(prefix + field.name, plain, label, field.default, found)
        else:
            yield from _walk(kind, f"{prefix}{field.name}.")


OPTIONS: Final = {option.key: option for option in _walk(Options)}
"""key -> option, in the order in which they are shown."""

SECTIONS: Final[dict[str, Any]] = {
    name: kind for name, kind in get_type_hints(Options).items() if dataclasses.is_dataclass(kind)
}
"""section -> its class."""
