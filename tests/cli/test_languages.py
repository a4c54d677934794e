"""French and English: what the administrator is told, and that every text of it is there."""

import argparse
import json
import os
import re
import sys
from pathlib import Path

import pytest

from tests.support.commands import run
from tests.viewer.ticket import planted
from tracer import cli, control, i18n
from tracer.cli.main import main
from tracer.control import ControlError
from tracer.i18n import LANGUAGES, SayableError
from viewer import ticket
from viewer.i18n import Catalogue
from viewer.ticket.detectors import PATTERNS
from viewer.ticket.leaks import Leak

NBSP = "\N{NO-BREAK SPACE}"


@pytest.fixture
def french(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the environment speak French."""
    monkeypatch.setenv("LANG", "fr_FR.UTF-8")
    monkeypatch.setenv("PYTHONUTF8", "1")  # the locale itself need not be installed here


def source(package: object) -> str:
    """Return the code of a package as one text."""
    (folder,) = package.__path__  # type: ignore[attr-defined]
    return "".join(path.read_text(encoding="utf-8") for path in Path(folder).glob("*.py"))


@pytest.mark.usefixtures("french")
def test_the_round_trip_in_french(clean_environment: Path) -> None:
    """On, on again, status, off, off again: each answer and its hint are French."""
    on = run("tracer", "on", "--label", "acme 4711").stdout
    assert on.startswith("Debug actif jusqu’au ")
    assert f"ensuite réalisez les actions à tester, puis{NBSP}: tracer off" in on
    assert "Le debug est déjà actif" in run("tracer", "on").stdout
    status = run("tracer", "status").stdout
    assert status.startswith("Debug actif (acme 4711) depuis le ")
    assert f"au plus 1,0{NBSP}Gio" in status
    off = run("tracer", "off").stdout
    assert off.startswith(f"Debug désactivé{NBSP}: ")
    assert f"contenu rien{NBSP}:" in off
    (file,) = (clean_environment / "sessions").glob("*.jsonl")
    assert f"ensuite traceview {file}" in off
    assert run("tracer", "off").stdout == "Le debug est déjà désactivé.\n"


@pytest.mark.usefixtures("french")
def test_a_ticket_in_french(tmp_path: Path) -> None:
    """What was made, what stays here, what to do next; then what cannot be done."""
    session = planted.write(tmp_path / "s.jsonl")
    words = ("tracer", "bundle", session, "-o", tmp_path / "t.zip")
    made = run(*words)
    assert (made.returncode, made.stderr) == (0, "")
    assert "contrôle des fuites réussi" in made.stdout
    assert f"personnes{NBSP}: " in made.stdout
    assert "ne l’envoyez jamais" in made.stdout
    again = run(*words)
    assert again.returncode == 2
    assert f"existe déjà{NBSP}: choisissez un autre nom avec -o" in again.stderr
    leaking = run("tracer", "bundle", "--check", session)
    assert leaking.returncode == 1
    assert f"{NBSP}: adresse\n" in leaking.stderr


@pytest.mark.usefixtures("french")
def test_what_machines_read_is_the_same(clean_environment: Path) -> None:
    """`--json`, exit codes and what is written into a session know no language."""
    assert run("tracer", "status", "--json").stdout == '{"on": false}\n'
    run("tracer", "on")
    shown = [run("tracer", "status", "--json", "--lang", lang).stdout for lang in LANGUAGES]
    assert shown[0] == shown[1]
    assert json.loads(shown[0])["bodies"] == "structure"
    run("tracer", "off")
    (file,) = (clean_environment / "sessions").glob("*.jsonl")
    assert '"name":"session"' in file.read_text(encoding="utf-8")
    assert run("tracer", "run", "--", "no-such-command-4711").returncode == 127


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("on", "--for", "soon"), 2, f"'soon' n’est pas une durée{NBSP}: écrivez 90s"),
        (("on", "--bodies", "some"), 2, f"choix incorrect{NBSP}: 'some'"),
        (("on", "--out", os.curdir), 3, f"est un dossier{NBSP}: nommez"),
        (("run",), 2, f"dites quoi lancer{NBSP}: tracer run"),
        (("run", "--", "no-such-4711"), 127, f"pas de commande 'no-such-4711'{NBSP}: vérifiez"),
        ((), 2, f"erreur{NBSP}: il manque{NBSP}: COMMANDE"),
        (("bundle",), 2, "traceview sessions en donne la liste"),
    ],
)
@pytest.mark.usefixtures("french")
def test_errors_in_french(words: tuple[str, ...], code: int, says: str) -> None:
    """Our errors, those of the control file, and those that argparse words."""
    done = run("tracer", *words)
    assert (done.returncode, done.stdout) == (code, "")
    assert says in done.stderr


@pytest.mark.usefixtures("french")
@pytest.mark.parametrize("command", ["on", "off", "status", "run", "bundle"])
def test_the_help_in_french(command: str) -> None:
    """Usage, headings and texts; no id of a text that is missing."""
    shown = run("tracer", command, "--help").stdout
    assert shown.startswith(f"usage{NBSP}: tracer {command} ")
    assert f"\noptions{NBSP}:\n" in shown
    assert "montrer cette aide" in shown
    assert not re.search(r"(?:help|meta|bundle)[.-]-?[a-z]", shown)


def test_the_option_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """`--lang` before or after the command; a variable that asks for no language we have: English.

    What belongs to the program of `tracer run` is its own.
    """
    assert run("tracer", "off").stdout == "Debug is off already.\n"
    assert run("tracer", "off", "--lang", "fr").stdout == "Le debug est déjà désactivé.\n"
    assert run("tracer", "--lang=fr", "off").stdout == "Le debug est déjà désactivé.\n"
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    assert run("tracer", "off").stdout == "Debug is off already.\n"
    code = "import sys; print(sys.argv[1:])"
    done = run("tracer", "run", "--", sys.executable, "-c", code, "--lang", "fr")
    assert done.stdout == "['--lang', 'fr']\n"
    assert done.stderr == "tracer: debug is off; recording starts with `tracer on`\n"


def test_a_terminal_without_a_sign_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """An encoding that lacks the apostrophe gets a question mark for it."""
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    done = run("tracer", "on", "--lang", "fr")
    assert done.returncode == 0
    assert done.stdout.startswith("Debug actif jusqu?au ")


def test_argparse_is_english_again_afterwards() -> None:
    """Who calls us from a program of his own keeps his language and his variables."""
    before = dict(os.environ)
    with pytest.raises(SystemExit):
        main(["--lang", "fr", "--help"])
    assert dict(os.environ) == before
    assert "\noptions:\n" in argparse.ArgumentParser().format_help()


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_text_that_is_named_is_there(lang: str) -> None:
    """Ids in the code of the commands, of the control file's errors and of the ticket's."""
    texts = i18n.Catalogue("cli", lang)
    asked = set(re.findall(r'\btexts\(\s*"([a-z][\w.-]+)"', source(cli)))
    asked |= {f"help.{name}" for name in ("on", "off", "status", "run", "bundle")}
    asked |= {f"bundle{name}" for name in re.findall(r'(?:flag|path)\("(--[\w-]+)"', source(cli))}
    asked |= {f"count.{kind}" for kind in ("operation", "call", "exchange")}
    asked |= {f"size.{unit}" for unit in ("b", "kb", "mb", "gb")}
    asked |= {f"stage.{name}" for name in re.findall(r'progress\("(\w+)"', source(ticket))}
    kinds = set(re.findall(r"""\bnamed\(["'](\w+)["']""", source(ticket)))
    asked |= {f"pseudonym.{kind}" for kind in kinds}
    assert len(asked) > 90
    assert {one for one in asked if not texts.has(one)} == set()
    errors = set(re.findall(r'ControlError\(\s*"([\w-]+)"', source(control)))
    assert len(errors) == 17
    assert {one for one in errors if not i18n.Catalogue("control", lang).has(one)} == set()
    said = set(re.findall(r'(?:BundleError|MapError|super\(\).__init__)\(\s*"([\w.-]+)"',
                          source(ticket)))  # fmt: skip
    said |= {f"kind.{kind}" for kind in (*PATTERNS, *(f"known {kind}" for kind in kinds))}
    assert {one for one in said if not Catalogue("ticket", lang).has(one)} == set()


def test_an_error_is_english_where_nobody_chose() -> None:
    """Its `str`, which goes into a trace or a log, knows no environment."""
    error: SayableError = ControlError("folder", path="x")
    assert (str(error), error.text("fr")) == (
        "x is a folder: name a file in it",
        f"x est un dossier{NBSP}: nommez un fichier qu’il contiendra",
    )


def test_a_leak_names_place_and_kind() -> None:
    """Words of ours are translated, names of files and of other people's detectors are not."""
    own = Leak("private key, encoded", "the archive's comment", 3, "0a", "data.url")
    assert own.text("fr") == (
        f"le commentaire de l’archive, ligne 3, événement 0a, data.url{NBSP}: clé privée, encodé"
    )
    assert Leak("Slack Token", "host", 1).text("fr") == f"host, ligne 1{NBSP}: Slack Token"
