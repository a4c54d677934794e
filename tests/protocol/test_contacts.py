"""Finding the contact who calls or writes, and raising the record."""

import sys
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from tracer.protocol import contacts
from tracer.protocol.contacts import Contact
from tracer.protocol.errors import MessageError, UnreachableError
from tracer.protocol.options import Contact as Raising

ANNA = Contact(
    name="Anna & Fils", emails=("Anna@Client.example",), phones=("06 12 34 56 78",), source="ldap"
)


@pytest.mark.parametrize("who", ["anna@client.example", "+33 6 12 34 56 78", "0612345678"])
def test_address_and_number_match_however_written(who: str) -> None:
    """Case of the address, spaces and country code of the number do not matter."""
    assert contacts.matching([ANNA], who) == [ANNA]


@pytest.mark.parametrize("who", ["anna@client.exampl", "0612345679", "nobody", ""])
def test_nobody_else_matches(who: str) -> None:
    """One sign off is somebody else."""
    assert contacts.matching([ANNA], who) == []


def test_record_address_is_encoded() -> None:
    """A name cannot add parameters to the record's address."""
    url = contacts.record_url(ANNA, "https://erp.example/fiche?nom={name}&mail={email}")
    assert parse_qs(urlsplit(url).query) == {
        "nom": ["Anna & Fils"],
        "mail": ["Anna@Client.example"],
    }


def test_record_command_is_no_shell(tmp_path: Path) -> None:
    """The command gets the fields as whole words."""
    out = tmp_path / "out"
    code = "import sys, pathlib; pathlib.Path(sys.argv[1]).write_text(sys.argv[2])"
    hostile = Contact(name="$(touch x); `id`", source="ldap")
    raising = Raising(command=(sys.executable, "-c", code, str(out), "{name}"))
    assert contacts.start_record_command(hostile, raising).wait(30) == 0
    assert out.read_text() == "$(touch x); `id`"


@pytest.mark.parametrize("template", ["{nom}", "{", "{0}", "{name.x}"])
def test_a_wrong_template_names_the_right_fields(template: str) -> None:
    """The error lists what may stand there."""
    with pytest.raises(MessageError) as caught:
        contacts.record_url(ANNA, template)
    assert "{email}" in caught.value.remedy


def test_a_command_that_is_not_there_is_said() -> None:
    """The error names the setting."""
    with pytest.raises(UnreachableError) as caught:
        contacts.start_record_command(ANNA, Raising(command=("no-such-program-4711",)))
    assert "contact.command" in caught.value.remedy


def test_gmail_pages_open_as_the_account() -> None:
    """Both pages carry `authuser` and the encoded address."""
    compose = urlsplit(contacts.compose_url("dupond@masoc.example", "a&b@x.example"))
    assert parse_qs(compose.query)["authuser"] == ["dupond@masoc.example"]
    assert parse_qs(compose.query)["to"] == ["a&b@x.example"]
    search = urlsplit(contacts.search_url("dupond@masoc.example", "a&b@x.example"))
    assert parse_qs(search.query)["authuser"] == ["dupond@masoc.example"]
    assert search.fragment.startswith("search/from%3A%28a%26b%40x.example")
