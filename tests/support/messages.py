"""Compiles the gettext catalogues; ``make messages``. The same sources give the same bytes."""

import sys
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Final

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from tracer import i18n
from viewer.i18n import Catalogue

LOCALES: Final = (i18n.Catalogue.locales, Catalogue.locales)

_NEVER: Final = datetime(2026, 1, 1, tzinfo=UTC)
"""Instead of the time of day, which would make every compilation differ."""


def sources() -> list[Path]:
    """Return every catalogue's source."""
    return sorted(path for place in LOCALES for path in place.glob("*/LC_MESSAGES/*.po"))


def read(path: Path) -> Catalog:
    """Return the catalogue of a source; a duplicate or broken entry is an error."""
    with path.open("rb") as file:
        return read_po(file, locale=path.parts[-3], abort_invalid=True)


def compiled(path: Path) -> bytes:
    """Return the bytes of the ``.mo`` of a source, without dates or the name of a generator."""
    catalogue = read(path)
    plain = Catalog(
        locale=path.parts[-3], project="mapi-tracer", creation_date=_NEVER, revision_date=_NEVER
    )
    for message in catalogue:
        if message.id:
            plain.add(message.id, message.string)
    buffer = BytesIO()
    write_mo(buffer, plain)
    return buffer.getvalue()


def main() -> int:
    """Compile what changed; print what was written."""
    for path in sources():
        target = path.with_suffix(".mo")
        data = compiled(path)
        if not target.exists() or target.read_bytes() != data:
            target.write_bytes(data)
            sys.stdout.write(f"{target}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
