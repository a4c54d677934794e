"""The companies of the Divalto page, and a big one, as worlds."""

import time
from email.message import EmailMessage
from email.policy import SMTP

from samples.sandbox.world import (
    ENV,
    HARMONY_USER,
    SCHEMA,
    WIN_ACCOUNT,
    World,
    new_schema,
    rfc3339,
)

DUPOND = "Dupond@soc-windows.com"
TEST = "test@divalto.com"
DAY = 86400.0


def seed_world(encoding: str = "env=account", *, at: float | None = None) -> World:
    """Return the companies of the seed page, all domains of one customer.

    Args:
        encoding: How ``…Env`` holds environment and account: ``env=account``, ``customType`` or
            ``field-per-environment``; see `World.grant`.
        at: The time mails and events lie around, seconds since 1970; default: now.
    """
    world = World()
    define_attributes(world)
    _diva(world, encoding)
    _masoc(world)
    _bakeries(world, encoding)
    _content(world, time.time() if at is None else at)
    return world


def define_attributes(world: World, schema: str = SCHEMA) -> None:
    """Create the schema with the three attributes: text, multi-valued, indexed."""
    world.schemas[schema] = new_schema(schema)
    for name in (WIN_ACCOUNT, HARMONY_USER, ENV):
        world.define_field(name, schema)


def big_world(n: int = 50_000, encoding: str = "env=account") -> World:
    """Return the seeded world with `n` more users of big.example, every one protected.

    ``user00042@big.example`` admits the Windows account ``win00042@soc-windows.com``; they come
    after the users of the seed page.
    """
    world = seed_world(encoding)
    for number in range(n):
        world.add(
            f"user{number:05d}@big.example",
            "User",
            f"Number{number:05d}",
            custom={
                SCHEMA: {
                    WIN_ACCOUNT: [{"value": f"win{number:05d}@soc-windows.com", "type": "work"}]
                }
            },
        )
    return world


def _diva(world: World, encoding: str) -> None:
    world.add("admin@diva-gs.com", "Admin", "Diva", admin=True)
    world.add("test@diva-gs.com", "Test", "Diva")
    world.add("demo@diva-gs.com", "Demo", "Diva")
    world.grant("test@diva-gs.com", TEST)
    world.grant("demo@diva-gs.com", TEST, "ERP215", encoding=encoding)


def _masoc(world: World) -> None:
    world.add("admin@masoc.com", "Alice", "Martin", admin=True)
    world.add("dupond@masoc.com", "Jean", "Dupond", aliases=["j.dupond@masoc.com"])
    for account in (DUPOND, "Dupond@soc-windows.fr", "Dupond@soc-windows.eu"):
        world.grant("dupond@masoc.com", account)
    world.add("accueil@masoc.com", "Accueil", "Masoc")
    world.add("ancien@masoc.com", "Paul", "Ancien", suspended=True)
    world.grant("ancien@masoc.com", "ancien@soc-windows.com")
    world.add("sansboite@masoc.com", "Luc", "Sansboite", has_mailbox=False)
    world.grant("sansboite@masoc.com", "luc@soc-windows.com")
    world.add("compta@masoc.com", "Claire", "Compta")
    world.grant("compta@masoc.com", "CCOMPTA", attribute=HARMONY_USER)


def _bakeries(world: World, encoding: str) -> None:
    for environment, domain in (
        ("LESPETITSPAINS", "lespetitspains.com"),
        ("LABRIOCHEDOREE", "labriochedoree.com"),
    ):
        world.add(f"dupond@{domain}", "Jean", "Dupond")
        world.grant(f"dupond@{domain}", DUPOND, environment, encoding=encoding)


def _content(world: World, at: float) -> None:
    """Mail, contacts, events and a task for the people who are read in the samples."""
    for address in ("dupond@masoc.com", "test@diva-gs.com", "dupond@lespetitspains.com"):
        _mail(world, address, at)
        _contacts(world, address)
        _agenda(world, address, at)


def _mail(world: World, address: str, at: float) -> None:
    mailbox = world[address].mailbox
    mailbox.labels["Label_1"] = "Devis"
    mailbox.send_as.append(
        {
            "sendAsEmail": "ventes@" + address.partition("@")[2],
            "displayName": "Service des ventes",
            "isPrimary": False,
            "isDefault": False,
            "treatAsAlias": True,
            "verificationStatus": "accepted",
        }
    )
    for number, (subject, labels) in enumerate(
        (
            ("Bon de commande n° 4711", ("INBOX",)),
            ("Relance : facture en attente", ("INBOX", "UNREAD")),
            ("Devis brioches, 40 pièces", ("INBOX", "UNREAD", "Label_1")),
            ("Réunion de mardi", ("INBOX",)),
        )
    ):
        message = EmailMessage(policy=SMTP)
        message["From"] = f"Client {number} <client{number}@example.net>"
        message["To"] = address
        message["Subject"] = subject
        message["Message-ID"] = f"<commande-{number}.{address}>"
        message.set_content(f"Bonjour,\n\nau sujet de « {subject} ».\n\nÀ bientôt\n")
        if number % 2 == 0:
            message.add_alternative(f"<p>Bonjour, <b>{subject}</b></p>", subtype="html")
            content = b"%PDF-1.4\n" + bytes(range(256)) * 16
            message.add_attachment(
                content, maintype="application", subtype="pdf", filename=f"pièce-{number}.pdf"
            )
        mailbox.add(message.as_bytes(), *labels, at=at - DAY * (4 - number))


def _contacts(world: World, address: str) -> None:
    user = world[address]
    for number, (given, family, phone, company) in enumerate(
        (
            ("Marie", "Lefèvre", "+33 3 88 12 34 56", "Moulins du Rhin"),
            ("Karim", "Benali", "+33 1 40 20 50 50", "Sucre & Cie"),
            ("Zoé", "O'Brien", "+353 1 555 0199", "O'Brien Butter"),
        ),
        start=1,
    ):
        local = f"{given}.{family}".lower().replace("é", "e").replace("è", "e").replace("'", "")
        domain = company.lower().replace(" ", "-").replace("&", "et").replace("'", "")
        user.contacts.append(
            {
                "resourceName": f"people/c{number:018d}",
                "etag": f"%EgUBAgMuNxo{number}",
                "names": [
                    {
                        "displayName": f"{given} {family}",
                        "familyName": family,
                        "givenName": given,
                    }
                ],
                "emailAddresses": [{"value": f"{local}@{domain}.example", "type": "work"}],
                "phoneNumbers": [
                    {"value": phone, "canonicalForm": phone.replace(" ", ""), "type": "work"}
                ],
                "organizations": [{"name": company, "title": "Achats"}],
            }
        )
    user.other_contacts.append(
        {
            "resourceName": "otherContacts/c900000000000000001",
            "etag": "%EgUBAgMuNxo9",
            "names": [{"displayName": "Livraisons Express"}],
            "emailAddresses": [{"value": "livraisons@express.example"}],
        }
    )


def _agenda(world: World, address: str, at: float) -> None:
    user = world[address]
    for number, (summary, days, hours) in enumerate(
        (("Visite Moulins du Rhin", -2, 2), ("Point commercial", 1, 1), ("Livraison farine", 3, 4)),
        start=1,
    ):
        start = at - at % 3600 + DAY * days
        user.events[f"seed{number}"] = {
            "kind": "calendar#event",
            "etag": f'"seed{number}"',
            "id": f"seed{number}",
            "status": "confirmed",
            "created": rfc3339(at - 10 * DAY),
            "updated": rfc3339(at - 10 * DAY),
            "summary": summary,
            "location": "12 quai des Bateliers, Strasbourg",
            "description": "Prévoir le bon de commande.",
            "creator": {"email": address, "self": True},
            "organizer": {"email": address, "self": True},
            "attendees": [{"email": "client0@example.net", "responseStatus": "accepted"}],
            "start": {"dateTime": rfc3339(start), "timeZone": "Europe/Paris"},
            "end": {"dateTime": rfc3339(start + 3600 * hours), "timeZone": "Europe/Paris"},
            "iCalUID": f"seed{number}@google.com",
            "htmlLink": f"https://www.google.com/calendar/event?eid=seed{number}",
            "_revision": 1,
        }
    user.tasks.append(
        {
            "kind": "tasks#task",
            "id": "dGFzay0x",
            "etag": '"task-1"',
            "title": "Rappeler Mme Lefèvre",
            "status": "needsAction",
            "updated": "2026-11-20T09:00:00.000Z",
        }
    )
