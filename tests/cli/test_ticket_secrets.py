"""`tracer bundle` and the secrets of the settings in force: looked for, never in the way."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from samples.sandbox.keys import KEY_ID, pem, service_key
from tests.support.traces import TraceBuilder
from tracer.cli.main import main


def key_file(folder: Path) -> Path:
    """Write a service account's key file."""
    path = folder / "key.json"
    path.write_text(json.dumps({"private_key": pem(service_key()), "private_key_id": KEY_ID}))
    return path


def session(folder: Path, text: str = "nothing") -> Path:
    """Write a session with `text` in an event."""
    trace = TraceBuilder()
    trace.add("note", "point", "n", "session", text=text)
    return trace.write(folder / "s.jsonl")


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return settings that name every kind of secret."""
    (tmp_path / "smtp.txt").write_text("kouign amann\n")
    monkeypatch.setenv("LDAP_WORD", "far breton")
    monkeypatch.setenv("EWS_WORD", "gwastell")
    path = tmp_path / "settings.toml"
    path.write_text(
        f"service_account_file = '{key_file(tmp_path)}'\n"
        f"[smtp]\npassword = 'file:{tmp_path / 'smtp.txt'}'\n"
        "[ldap]\npassword = 'env:LDAP_WORD'\n"
        "[ews]\npassword = 'env:EWS_WORD'\n"
        "[network]\nproxy = 'http://me:krampouezh@proxy.masoc.com:3128'\n"
    )
    return path


def key_line(number: int) -> str:
    """Return a line of the private key that gives itself away by nothing."""
    return pem(service_key()).splitlines()[number]


SECRETS: dict[str, Callable[[], str]] = {
    "a line of the key": lambda: key_line(5),
    "the key without its breaks": lambda: "x" + "".join(map(key_line, range(4, 9))),
    "the key's id": lambda: f"id {KEY_ID}.",
    "smtp": lambda: "said kouign amann",
    "ldap": lambda: "said%20far%20breton",
    "ews": lambda: "said gwastell",
    "proxy": lambda: "said krampouezh",
}


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_of_the_settings_refuses(
    name: str, settings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In a field of an event, whatever the kind: no archive, and the value is not said."""
    path = session(tmp_path, SECRETS[name]())
    out = tmp_path / "t.zip"
    assert main(["bundle", str(path), "-o", str(out), "--settings", str(settings)]) == 1
    said = capsys.readouterr().err
    assert "data.text: known secret" in said
    assert SECRETS[name]()[5:] not in said
    assert not out.exists()
    assert not out.with_suffix(".map").exists()


def test_without_the_settings_these_secrets_look_harmless(tmp_path: Path) -> None:
    """The refusals above come from the settings alone."""
    for name, text in SECRETS.items():
        folder = tmp_path / name.replace(" ", "-")
        folder.mkdir()
        assert main(["bundle", str(session(folder, text())), "-o", str(folder / "t.zip")]) == (
            1 if name == "the key without its breaks" else 0  # a long block is suspicious by itself
        )


@pytest.mark.parametrize("how", ["flag", "variable", "home"])
def test_the_settings_in_force_are_found(
    how: str, settings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By --settings, TRACER_SETTINGS, TRACER_HOME; here the secret is in the note."""
    words = ["bundle", str(session(tmp_path)), "-o", str(tmp_path / "t.zip"), "--note", key_line(7)]
    if how == "flag":
        words += ["--settings", str(settings)]
    elif how == "variable":
        monkeypatch.setenv("TRACER_SETTINGS", str(settings))
    else:
        monkeypatch.setenv("TRACER_HOME", str(settings.parent))
    assert main(words) == 1
    assert not (tmp_path / "t.zip").exists()


def test_check_knows_them_too(settings: Path, tmp_path: Path) -> None:
    """`--check` looks for the secrets of the settings in any file."""
    path = tmp_path / "any.txt"
    path.write_text("said gwastell")
    assert main(["bundle", "--check", str(path)]) == 0
    assert main(["bundle", "--check", str(path), "--settings", str(settings)]) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("smtp = [", "not TOML"),
        ("[smtp]\npassword = 'env:NOT_SET'", "NOT_SET is not set"),
        ("[smtp]\npassword = 'file:/not/there'", "cannot read /not/there"),
        ("[ews]\npassword = 'env:SHORT'", "shorter than 6"),
        ("service_account_file = 'missing.json'", "cannot read"),
        ("service_account_file = 'settings.toml'", "is no key file"),
        ("service_account_file = 'list.json'", "is no key file"),
        (None, "cannot read the settings"),
    ],
)
def test_broken_settings_stop_no_ticket(
    text: str | None,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What cannot be read is one line on stderr; the ticket is made."""
    monkeypatch.setenv("SHORT", "abc")
    (tmp_path / "list.json").write_text("[]")
    settings = tmp_path / "settings.toml"
    if text is not None:
        settings.write_text(text)
    words = ["bundle", str(session(tmp_path)), "-o", str(tmp_path / "t.zip")]
    assert main([*words, "--settings", str(settings)]) == 0
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1
    assert (tmp_path / "t.zip").exists()
