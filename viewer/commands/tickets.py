"""Tickets on the command line: verified before anything is read from them."""

import getpass
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from viewer.commands.base import CommandError
from viewer.exits import Exit
from viewer.i18n import Catalogue


def verified(files: Sequence[str], texts: Catalogue, stack: ExitStack) -> list[str]:
    """Return `files` with each ticket replaced by what to read; `stack` keeps it readable.

    Raises:
        CommandError: a ticket is damaged, changed, hostile, or its password is missing or wrong.
    """
    found: list[str] = []
    for file in files:
        path = Path(file)
        if file == "-" or not _is_zip(path):
            found.append(file)
        else:
            found += map(str, _opened(path, texts, stack))
    return found


def _is_zip(path: Path) -> bool:
    if not path.is_file():  # opening a pipe would wait for a writer
        return False
    try:
        with path.open("rb") as file:
            return file.read(2) == b"PK"
    except OSError:
        return False  # whoever reads it says what is wrong


def _opened(path: Path, texts: Catalogue, stack: ExitStack) -> Sequence[Path]:
    from viewer.ticket.open import LockedError, TicketError, open_ticket

    try:
        try:
            return stack.enter_context(open_ticket(path)).traces
        except LockedError:
            if not sys.stdin.isatty():
                raise
            password = getpass.getpass(texts("ask.password", path=path.name)).encode()
            return stack.enter_context(open_ticket(path, password)).traces
    except TicketError as error:
        raise CommandError(str(error), Exit.UNREADABLE) from None
