"""What must not be in a trace, looked for in the bytes of the file, in every encoding."""

import re
from collections.abc import Iterable

from tests.capture.redact.planting import forms

SHAPES = re.compile(rb"ya29\.|-----BEGIN|GOCSPX-|eyJ[\w-]{12,}\.")
"""Tokens, keys, client secrets, signed assertions."""

SEEDED = (
    "Bon de commande n° 4711",
    "Relance : facture en attente",
    "Devis brioches, 40 pièces",
    "Réunion de mardi",
    "Bonjour,\n\nau sujet de",
    "%PDF-1.4",
)
"""Subjects, text and attachment of the mails in the sandbox's mailboxes."""


def leaked(raw: bytes, secrets: Iterable[str]) -> list[str]:
    """Return what of `secrets`, and of everything shaped like one, stands in `raw`."""
    found = {
        secret for secret in secrets for form in forms(secret) if form and form.encode() in raw
    }
    return sorted(found) + sorted({match.decode() for match in SHAPES.findall(raw)})
