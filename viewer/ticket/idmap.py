"""The map from pseudonyms to real names: one file that never leaves the customer's house."""

import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

import orjson

from tracer.i18n import SayableError
from viewer.i18n import Catalogue
from viewer.ticket.registry import Entry

_PSEUDONYM: Final = re.compile(r"(?i)\b[a-z]+-(?:[0-9a-f]{12}|\d+)(?:x\d+)?\b")


class MapError(SayableError):
    """A file that is no map; the text is one line and says what to do."""

    catalogue = Catalogue
    domain = "ticket"


class MapWriter:
    """Writes a map: a first line that says what it is, then one pseudonym a line."""

    def __init__(self, file: IO[bytes], *, begun: bool = False) -> None:
        self._file = file
        if not begun:
            self._line({"mapi-tracer": "map", "version": 1})

    def add(self, entry: Entry) -> None:
        """Write one pseudonym."""
        self._line({"pseudonym": entry.pseudonym, "original": entry.original, "kind": entry.kind})

    def _line(self, value: object) -> None:
        self._file.write(orjson.dumps(value, default=str) + b"\n")


@contextmanager
def private_file(path: Path) -> Iterator[IO[bytes]]:
    """Write `path` with mode 0600 beside itself and rename it when all went well."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name[:80]}.", dir=path.parent)  # 0600
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def reveal(text: str, map_path: Path) -> str:
    """Return `text`, an answer of the support, with real names for the pseudonyms of the map.

    Raises:
        MapError: `map_path` is no map.
        OSError: it cannot be read.
    """
    wanted = {found[0].lower() for found in _PSEUDONYM.finditer(text)}
    known: dict[str, str] = {}
    for pseudonym, original in _entries(map_path):
        if pseudonym.lower() in wanted:
            known[pseudonym] = original
            known.setdefault(pseudonym.lower(), original)
    return _PSEUDONYM.sub(
        lambda found: known.get(found[0]) or known.get(found[0].lower()) or found[0], text
    )


def _entries(map_path: Path) -> Iterable[tuple[str, str]]:
    with map_path.open("rb") as file:
        for number, line in enumerate(file):
            try:
                entry = orjson.loads(line)
            except orjson.JSONDecodeError:
                entry = None
            if not isinstance(entry, dict):
                raise MapError("map.damaged", path=map_path, line=number + 1)
            if number == 0:
                if entry.get("mapi-tracer") != "map":
                    break
            else:
                yield str(entry["pseudonym"]), str(entry["original"])
        else:
            return
    raise MapError("map.none", path=map_path)
