"""`tracer act contacts | raise | compose | calendar`, as processes against the sandbox."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from samples.sandbox import Sandbox, seed_world
from tests.support.commands import run

DUPOND = ("--environment", "LESPETITSPAINS", "--windows-account", "Dupond@soc-windows.com")


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Path]:
    """Run the sandbox and return settings for it."""
    with Sandbox(seed_world()) as box:
        key = box.key_file(tmp_path / "key.json")
        file = tmp_path / "settings.toml"
        file.write_text(
            f'endpoint = "{box.url}"\nservice_account_file = "{key.as_posix()}"\n'
            'directory_account = "admin@diva-gs.com"\ncontact_dialog = true\n'
            '[contact]\nurl = "https://erp.example/fiche?mail={email}"\n'
        )
        yield file


def test_contacts_for_machines(settings: Path) -> None:
    """`act contacts --json` is JSON on stdout."""
    done = run("tracer", "act", "contacts", "marie", "--json", "--settings", settings, *DUPOND)
    assert [c["name"] for c in json.loads(done.stdout)] == ["Marie Lefèvre"]


def test_the_record_of_a_caller_is_raised(settings: Path) -> None:
    """A number in, the record's address out."""
    done = run("tracer", "act", "raise", "0388123456", "--print", "--settings", settings, *DUPOND)
    assert done.returncode == 0
    assert "https://erp.example/fiche?mail=marie.lefevre%40moulins" in done.stdout


def test_nobody_known_is_a_failure(settings: Path) -> None:
    """An unknown caller: exit code 1 and a line."""
    done = run("tracer", "act", "raise", "nobody@x.example", "--settings", settings, *DUPOND)
    assert (done.returncode, done.stdout) == (1, "nobody has nobody@x.example\n")


def test_gmails_page_opens_as_the_resolved_account(settings: Path) -> None:
    """The address carries the account of this environment as authuser."""
    done = run(
        "tracer", "act", "compose", "c@x.example", "--print", "--settings", settings, *DUPOND
    )
    assert "authuser=dupond%40lespetitspains.com" in done.stdout
    assert "to=c%40x.example" in done.stdout


def test_an_event_goes_through_the_shell(settings: Path) -> None:
    """Entered, listed, deleted."""
    act = ("tracer", "act", "calendar", "--settings", settings, *DUPOND)
    made = run(*act, "--add", "Visite", "--start", "2026-12-24T10:00", "--json")
    (event,) = json.loads(made.stdout)
    listed = run(*act, "--start", "2026-12-24T09:00", "--days", "1")
    assert "Visite" in listed.stdout
    assert run(*act, "--delete", event["id"]).returncode == 0
    assert "Visite" not in run(*act, "--start", "2026-12-24T09:00", "--days", "1").stdout


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("calendar", "--add", "x"), "--start"),
        (("calendar", "--add", "x", "--start", "soon"), "2026-11-23T14:00"),
        (("calendar", "--change", "x"), "--title"),
        (("contacts", "--source", "ldap"), "ldap.url"),
        (("contacts", "--source", "ews"), "ews.url"),
    ],
)
def test_bad_words_say_the_right_ones(settings: Path, words: tuple[str, ...], says: str) -> None:
    """Exit code 2 and what to write."""
    done = run("tracer", "act", *words, "--settings", settings, *DUPOND)
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr
