"""The recorded sessions: what is done in each, in the words of the command line."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from samples.demo import story
from samples.record_stage import Stage, StoryError
from samples.servers import certificates, slapd, smtpd
from samples.servers.outlook import Outlook
from tracer.capture.com_proxy import wrap
from tracer.capture.install import install
from tracer.protocol.errors import LayerError
from tracer.protocol.identity import Identity
from tracer.protocol.mapi import MapiMessaging
from tracer.protocol.mime import Attachment, Mail

TEXT: Final = "Bonjour, votre commande de quarante brioches est prête."
SUBJECT: Final = "Commande 4711 : brioches"
ATTACHED: Final = b"%PDF-1.4 bon-de-livraison-4711 " + bytes(range(256)) * 8
PLANTED: Final = (TEXT[:30], SUBJECT, "bon-de-livraison-4711", smtpd.PASSWORD, slapd.PASSWORD)
"""Mail and passwords that the sessions handle and must not hold."""

TEST: Final = ("--windows-account", "test@divalto.com")
DUPOND: Final = ("--windows-account", "Dupond@soc-windows.com")
BAKER: Final = ("--environment", "LESPETITSPAINS", *DUPOND)
MASOC: Final = ("--account", "dupond@masoc.com")
MAIL: Final = ("--to", "client@example.com", "--subject", SUBJECT, "--text", TEXT)

Play = Callable[[Stage], object]


@dataclass(frozen=True, slots=True)
class Row:
    """One recorded session; `topics` are the tabs that must not be empty."""

    name: str
    play: Play
    topics: tuple[str, ...]
    needs: str | None = ""
    """The program it needs; None when it is not installed here."""


def options(stage: Stage) -> None:
    """Show the six options and where they come from, and let an operation state them."""
    stage.act("settings")
    stage.act("resolve", *TEST, "--set", "code_page=cp1252", "--set", "contact_dialog=true")


def send(stage: Stage) -> None:
    """Send text, HTML, a big attachment in parts, as another sender; then be refused."""
    big, page = stage.folder / "plan.bin", stage.folder / "page.html"
    big.write_bytes(ATTACHED.ljust(5_500_000, b"\0"))
    page.write_text(f"<p>{TEXT}</p>", encoding="utf-8")
    stage.act("send", *TEST, *MAIL)
    stage.act("send", *TEST, *MAIL, "--html-file", page, "--attach", big, "--cc", "a@example.com")
    stage.act("send", *TEST, *MAIL, "--from", "ventes@diva-gs.com", "--reply-to", "r@example.com")
    stage.act("send", *TEST, *MAIL, "--from", "autre@diva-gs.com", fails=True)
    stage.act("send", *TEST, *MAIL, "--set", "use_gmail=false", fails=True)


def crm(stage: Stage) -> None:
    """Raise a contact's record by address and by number; keep an appointment."""
    url = ("--set", "contact.url=https://erp.example/fiche?mail={email}")
    stage.act("raise", "--print", "marie.lefevre@moulins-du-rhin.example", *TEST, *url)
    stage.act("raise", "--print", "03 88 12 34 56", *TEST, *url)
    added = ("--add", SUBJECT, "--start", "2026-06-16T14:00", "--guest", "client@example.com")
    event = stage.act("calendar", *TEST, *added).split()[-1]
    stage.act("calendar", *TEST, "--change", event, "--place", "Quai des Bateliers")
    stage.act("calendar", *TEST, "--start", "2026-06-15T00:00", "--days", "3")
    stage.act("calendar", *TEST, "--delete", event)


def compose(stage: Stage) -> None:
    """Open Gmail's dialog for a contact, as the user's own account."""
    stage.act("compose", "--print", "client@example.com", *TEST)
    stage.act("compose", "--print", "--search", "client@example.com", *BAKER)


def check(stage: Stage) -> None:
    """Look whether the link is right; once more with a scope that is not delegated."""
    stage.act("check", *TEST)
    delegated = stage.box.world.service_account.delegated
    delegated.discard("https://www.googleapis.com/auth/gmail.modify")
    stage.act("check", *TEST, fails=True)


def mailbox(stage: Stage) -> None:
    """List, search, read with attachments, mark as read, read what is new."""
    stage.act("read", *BAKER)
    stage.act("read", "--new", *BAKER)
    unread = stage.act("read", "--query", "is:unread", *BAKER)
    message = unread.split()[1]
    stage.act("read", "--id", message, "--save", stage.folder / "mail", "--mark-read", *BAKER)
    stage.act("send", *BAKER, *MAIL[2:], "--to", "dupond@lespetitspains.com")
    stage.act("read", "--new", *BAKER)


def contacts(stage: Stage) -> None:
    """Read Google's contacts: one's own, and the domain's."""
    stage.act("contacts", *TEST, "--source", "google")
    stage.act("contacts", "diva", *TEST, "--source", "domain")


def ldap(stage: Stage) -> None:
    """Read contacts from a directory server with an account of its own; then with a wrong one."""
    with _secret(slapd.PASSWORD) as secret:
        folder = stage.folder / "slapd"
        folder.mkdir()
        tls = certificates.make(stage.folder)
        with slapd.slapd(folder, tls, people=510) as server:
            words = _flags(
                ldap__url=server.url, ldap__base=slapd.BASE, ldap__bind_dn=slapd.READER,
                ldap__password=secret, network__ca_file=tls.authority,
            )  # fmt: skip
            stage.act("contacts", *words)
            stage.act("contacts", "(achats) *", *words)
            stage.act("raise", "--print", "0612345678", *words)
            os.environ[secret.removeprefix("env:")] = "un-autre-mot"
            stage.act("contacts", *words, fails=True)


def code_page(stage: Stage) -> None:
    """Send text of code page 850; write a mail in one that cannot hold all of its letters."""
    file = stage.folder / "lettre.txt"
    file.write_bytes(TEXT.encode("cp850"))
    cp850 = ("--set", "code_page=cp850")
    stage.act("send", *BAKER, *MAIL[:4], "--text-file", file, *cp850)
    message = stage.act("read", "--query", "Devis", *BAKER, *cp850).split()[1]
    stage.act("read", "--id", message, "--save", stage.folder / "mail", *BAKER, *cp850)
    folder = stage.folder / "ascii"
    ascii_only = ("--set", "code_page=ascii")
    stage.act("read", "--id", message, "--save", folder, *BAKER, *ascii_only, fails=True)


def protection(stage: Stage) -> None:
    """Use an unprotected account, a protected one with each of its list, and be refused."""
    intruder = ("--windows-account", "intrus@ailleurs.example")
    stage.act("send", "--account", "accueil@masoc.com", *intruder, *MAIL)
    for windows in ("Dupond@soc-windows.com", " dupond@SOC-WINDOWS.fr"):
        stage.act("send", *MASOC, "--windows-account", windows, *MAIL)
    stage.act("send", *MASOC, *intruder, *MAIL, fails=True)


def first_found(stage: Stage) -> None:
    """No account is set: ask the server, read everybody where its search does not know yet."""
    world = stage.box.world
    stage.act("resolve", *TEST)
    world.not_yet_searchable.add("dupond@masoc.com")
    stage.act("resolve", "--windows-account", "dupond@soc-windows.eu")
    world.grant("accueil@masoc.com", "test@divalto.com")
    stage.act("resolve", *TEST)
    stage.act("resolve", "--windows-account", "personne@ailleurs.example", fails=True)


def priority(stage: Stage) -> None:
    """Environment first, then the Harmony user, then the Windows account."""
    harmony = ("--harmony-user", "CCOMPTA")
    stage.act("resolve", "--environment", "ERP215", *TEST, *harmony)
    stage.act("resolve", "--environment", "ERP999", *TEST, *harmony)
    stage.act("resolve", "--environment", "ERP999", *TEST)
    stage.act("send", *BAKER, *MAIL)
    stage.act("send", "--environment", "LABRIOCHEDOREE", *DUPOND, *MAIL)


def attributes(stage: Stage) -> None:
    """Create the attributes, show who may use what, grant and revoke."""
    world = stage.box.world
    world.schemas.clear()
    who = ("accueil@masoc.com", "--environment", "ERP215", "--windows-account", "a@soc.example")
    stage.act("attributes", "create")
    stage.act("attributes", "create", "--apply")
    stage.act("attributes", "grant", *who, "--apply")
    stage.act("attributes", "show")
    stage.act("attributes", "revoke", *who, "--apply")


def smtp(stage: Stage) -> None:
    """Send to a server with STARTTLS and AUTH, be refused a recipient, use a pickup folder."""
    tls = certificates.make(stage.folder)
    file, folder = stage.folder / "bon.pdf", stage.folder / "pickup"
    file.write_bytes(ATTACHED)
    folder.mkdir()
    with _secret(smtpd.PASSWORD) as secret, smtpd.smtpd(tls) as (server, port):
        words = _flags(
            protocol="smtp", smtp__host="127.0.0.1", smtp__port=port, smtp__user=smtpd.USER,
            smtp__password=secret, network__ca_file=tls.authority,
        )  # fmt: skip
        stage.act("send", *TEST, *MAIL, "--attach", file, *words)
        server.refuse.add("client@example.com")
        stage.act("send", *TEST, *MAIL, *words, fails=True)
        os.environ[secret.removeprefix("env:")] = "un-autre-mot"
        stage.act("send", *TEST, *MAIL, *words, fails=True)
    pickup = _flags(protocol="smtp", smtp__pickup_folder=folder, smtp__sender=smtpd.USER)
    stage.act("send", *TEST, *MAIL, *pickup)


def ews(stage: Stage) -> None:
    """Send and read contacts by Exchange Web Services."""
    user = "dupond@masoc.com"
    file = stage.folder / "bon.pdf"
    file.write_bytes(ATTACHED)
    with _secret(stage.box.world[user].password) as secret:
        url = f"{stage.box.url}/EWS/Exchange.asmx"
        words = _flags(protocol="ews", ews__url=url, ews__user=user, ews__password=secret)
        stage.act("send", *TEST, *MAIL, "--attach", file, *words)
        stage.act("contacts", *TEST, *words)
        os.environ[secret.removeprefix("env:")] = "un-autre-mot"
        stage.act("send", *TEST, *MAIL, *words, fails=True)


def mapi(stage: Stage) -> None:
    """Send and read contacts through the object interface of an Outlook's double."""
    outlook = Outlook()
    settings = stage.settings(protocol="mapi", **{"mapi.profile": "Harmony"})
    layer = MapiMessaging(settings, lambda: wrap(outlook, install()))
    who = Identity(windows_account="test@divalto.com")
    mail = Mail(
        to=("client@example.com",), subject=SUBJECT, text=TEXT,
        attachments=(Attachment("bon.pdf", ATTACHED),),
    )  # fmt: skip
    layer.send(mail, who)
    layer.contacts("anna")
    outlook.fail = 0x80004004
    try:
        layer.send(mail, who)
    except LayerError:
        return
    raise StoryError("Outlook should have refused")


def lost_answers(stage: Stage) -> None:
    """Show what the wire hides: a reply lost after the mail was sent, a hang, a killed process."""
    quick = ("--set", "network.timeout=1", "--set", "network.retries=0")
    stage.act("resolve", *TEST)
    stage.box.fault("drop-after", times=1, match="gmail.users.messages.list")
    stage.act("read", *BAKER, "--max", "2")
    stage.box.fault("drop-after", times=1, match="gmail.users.messages.send")
    stage.act("send", *BAKER, *MAIL)
    stage.box.fault("hang", times=1, match="gmail.users.getProfile")
    stage.box.fault("hang-before", times=1, match="gmail.users.messages.list")
    stage.act("read", *BAKER, *quick, fails=True)
    stage.killed("send", *BAKER, *MAIL, during="gmail.users.messages.send")


def limits(stage: Stage) -> None:
    """Meet a rate limit, a batch with errors inside, a server that is busy, a missing scope."""
    stage.box.fault("rate-limit", times=1)
    stage.act("send", *BAKER, *MAIL, fails=True)
    stage.box.fault("too-many-concurrent", times=2, match="gmail.users.messages.get*")
    stage.act("read", *BAKER, fails=True)
    stage.box.fault("scope", times=1, match="gmail.users.messages.list")
    stage.act("read", *BAKER, fails=True)


@contextmanager
def _secret(value: str) -> Iterator[str]:
    """Put a secret into the environment; give what the settings say of it."""
    os.environ["SECRET_OF_THE_SAMPLE"] = value
    try:
        yield "env:SECRET_OF_THE_SAMPLE"
    finally:
        del os.environ["SECRET_OF_THE_SAMPLE"]


def _flags(**settings: str | int | Path) -> list[str]:
    """Return ``--set`` words; ``__`` stands for the dot of a key."""
    return [
        word
        for key, value in settings.items()
        for word in ("--set", f"{key.replace('__', '.')}={value}")
    ]


ROWS: Final = (
    Row("00-demo", story, ("resolution", "gmail", "directory", "auth", "settings")),
    Row("01-options", options, ("settings",)),
    Row("02-send", send, ("gmail",)),
    Row("03-contact-calendar", crm, ("contacts", "calendar")),
    Row("04-contact-button", compose, ("resolution", "directory")),
    Row("05-check", check, ("auth",)),
    Row("06-mailbox", mailbox, ("gmail",)),
    Row("07-contacts", contacts, ("contacts",)),
    Row("07-ldap", ldap, ("ldap",), slapd.PROGRAM),
    Row("08-code-page", code_page, ("gmail",)),
    Row("09-protection", protection, ("resolution",)),
    Row("10-first-found", first_found, ("resolution", "directory")),
    Row("11-priority", priority, ("resolution",)),
    Row("12-attributes", attributes, ("directory",)),
    Row("13-smtp", smtp, ("smtp",)),
    Row("13-ews", ews, ("ews",)),
    Row("13-mapi", mapi, ("mapi",)),
    Row("20-lost-answers", lost_answers, ("gmail",)),
    Row("21-limits", limits, ("gmail",)),
)
"""A session for each row of the protocol layer's table, the demo's, and incidents."""
