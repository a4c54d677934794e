"""The pages of a directory server's list, from servers that number them in their own way."""

from types import SimpleNamespace
from typing import Any

import pytest

from tracer.protocol.errors import ServiceError
from tracer.protocol.ldap import DirectoryServer
from tracer.protocol.options import Ldap, Options
from tracer.protocol.settings import Settings

PAGED = "1.2.840.113556.1.4.319"


class Connection:
    """Answers a search with one page after the other, the last one for ever."""

    def __init__(self, *pages: tuple[bytes, list[str]]) -> None:
        self.pages = list(pages)
        self.server = SimpleNamespace(schema=None)
        self.asked: list[bytes | None] = []

    def search(self, base: str, wanted: str, paged_cookie: bytes | None, **_: Any) -> None:
        """Take the next page."""
        assert len(self.asked) < 9, "it goes on for ever"
        self.asked.append(paged_cookie)
        cookie, names = self.pages.pop(0) if len(self.pages) > 1 else self.pages[0]
        self.response = [
            {"type": "searchResEntry", "dn": name, "attributes": {"cn": [name]}} for name in names
        ]
        self.result = {"result": 0, "controls": {PAGED: {"value": {"cookie": cookie}}}}


def search(connection: Connection) -> list[str]:
    """Return the names that the layer's reader finds."""
    reader = DirectoryServer(Settings(Options(ldap=Ldap(url="ldap://127.0.0.1")), {}))
    return [contact.name for contact in reader._search(connection, "(cn=*)").contacts]


def test_a_server_with_one_cookie_is_read_to_its_end() -> None:
    """What the cookie says is the server's business: some give the same one with every page."""
    connection = Connection((b"0", ["a"]), (b"0", ["b"]), (b"", ["c"]))
    assert search(connection) == ["a", "b", "c"]
    assert connection.asked == [None, b"0", b"0"]


def test_an_empty_page_is_not_the_end() -> None:
    """Where the cookie moves on, the list does too."""
    assert search(Connection((b"1", ["a"]), (b"2", []), (b"", ["b"]))) == ["a", "b"]


def test_a_page_that_comes_again_ends_in_an_error() -> None:
    """The same cookie and nobody new: it would go on for ever."""
    with pytest.raises(ServiceError, match="does not end"):
        search(Connection((b"1", ["a"])))
