"""`tracer act` from its arguments to its exit code, against the stand-in on loopback."""

import email
import email.policy
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from samples.sandbox import Sandbox, seed_world
from tests.support.capture import read
from tracer import control
from tracer.capture.install import uninstall
from tracer.cli.main import main
from tracer.protocol.gsuite import send

DUPOND = ("--windows-account", "Dupond@soc-windows.com")
PAINS = ("--environment", "LESPETITSPAINS", *DUPOND)
TEST = ("--windows-account", "test@divalto.com")
MAIL = ("--to", "client@example.com", "--subject", "Commande 4711", "--text", "Bonjour")

Act = Callable[..., tuple[int, str, str]]


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """The stand-in, and settings for it in the environment."""
    with Sandbox(seed_world()) as made:
        made.key_file(tmp_path / "key.json")
        settings = tmp_path / "settings.toml"
        settings.write_text(
            f'endpoint = "{made.url}"\nservice_account_file = "key.json"\n'
            'directory_account = "admin@diva-gs.com"\n',
            encoding="utf-8",
        )
        monkeypatch.setenv("TRACER_SETTINGS", str(settings))
        yield made


@pytest.fixture
def act(capsys: pytest.CaptureFixture[str]) -> Iterator[Act]:
    """Return what runs `tracer act …` and returns exit code, stdout, stderr."""

    def run(*words: str) -> tuple[int, str, str]:
        try:
            code = main(["act", *words])
        except SystemExit as left:  # argparse
            code = int(left.code or 0)
        out, err = capsys.readouterr()
        return code, out, err

    yield run
    uninstall()


def test_resolve_prints_every_step(box: Sandbox, act: Act) -> None:
    """People get a line a step and the account; machines the same as JSON."""
    code, out, _ = act("resolve", "--environment", "ERP215", *TEST)
    assert code == 0
    assert "granted" in out.splitlines()[0]
    assert out.splitlines()[-1] == "demo@diva-gs.com"
    code, out, _ = act("resolve", "--json", *TEST)
    found = json.loads(out)
    assert (code, found["account"], found["via"]) == (0, "test@diva-gs.com", "account")
    assert found["steps"][-1]["rule"] == "outcome"


def test_nothing_found_is_a_refusal(box: Sandbox, act: Act) -> None:
    """No account: exit code 3, on stdout what was tried, on stderr why and what to do."""
    code, out, err = act("resolve", "--windows-account", "x@y.fr")
    assert (code, out.splitlines()[-1]) == (3, "no account")
    assert "no account admits x@y.fr" in err
    assert "do: grant it" in err


@pytest.mark.parametrize("words", [("resolve",), ("send", *MAIL), ("raise", "+33388123456")])
def test_without_an_identity_it_says_what_to_give(
    box: Sandbox, act: Act, words: tuple[str, ...]
) -> None:
    """Nobody acts and no account is configured: the options that are missing are named."""
    code, _, err = act(*words)
    assert code == 3
    assert "nobody is named" in err
    assert "give --windows-account or --account" in err


def test_send_says_from_where_and_by_which_rule(box: Sandbox, act: Act) -> None:
    """The mail leaves; account, rule and Message-ID are told."""
    code, out, err = act("send", *PAINS, *MAIL)
    assert (code, err) == (0, "")
    named = "sent from dupond@lespetitspains.com (found by DivaltoInfinityWinAccountEnv): <"
    assert out.startswith(named)
    assert len(box.sent) == 1


def test_send_reads_texts_in_the_code_page(
    box: Sandbox, act: Act, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files and stdin are text of the code page; attachments are bytes."""
    text = tmp_path / "text.txt"
    text.write_bytes("Prêt à l'été".encode("cp850"))
    files = ("--text-file", str(text), "--attach", str(text))
    code, _, err = act("send", *PAINS, "--to", "a@b.fr", *files, "--set", "code_page=cp850")
    assert (code, err) == (0, "")
    message = email.message_from_bytes(box.sent[0].raw, policy=email.policy.default)
    body = message.get_body(("plain",))
    assert body is not None
    payload = body.get_payload(decode=True)
    assert isinstance(payload, bytes)
    assert payload.decode("cp850") == "Prêt à l'été"
    (part,) = message.iter_attachments()
    assert part.get_content() == text.read_bytes()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"l\xe9"), "ascii"))
    code, _, err = act("send", *PAINS, "--to", "a@b.fr", "--text-file", "-")
    assert code == 2
    assert "byte 0xE9 at line 1, column 2 is not utf-8" in err


def test_a_refusal_names_whom_the_account_admits(box: Sandbox, act: Act) -> None:
    """Protected account, stranger: why, whom it admits, what to do; exit code 3."""
    code, out, err = act("send", "--account", "dupond@masoc.com", "--windows-account", "x@y", *MAIL)
    assert (code, out) == (3, "")
    assert "x@y may not use dupond@masoc.com" in err
    assert "Dupond@soc-windows.fr" in err
    assert "tracer act attributes grant" in err
    assert not box.sent


@pytest.mark.parametrize(
    ("fault", "match", "code"),
    [
        ("rate-limit", "gmail.users.messages.send", 4),
        ("scope", "gmail.users.messages.send", 1),
        ("drop-before", "gmail.users.messages.send", 1),
        ("unauthorized-client", "*", 1),
    ],
)
def test_the_exit_code_tells_what_kind_of_failure(
    box: Sandbox, act: Act, fault: str, match: str, code: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Failed, or come back later: cause and remedy on stderr, nothing on stdout."""
    monkeypatch.setattr(send, "_LOOKS", 1)
    box.fault(fault, times=0 if match == "*" else 1, match=match)
    found, out, err = act("send", *PAINS, *MAIL)
    assert (found, out) == (code, "")
    assert "  why: " in err
    assert "  do: " in err


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("send", "--set", "acount=x", *MAIL), "did you mean account?"),
        (("send", "--set", "account", *MAIL), "write KEY=VALUE"),
        (("send", "--settings", "/no/such/file.toml", *MAIL), "cannot read the settings"),
        (("send", "--set", "service_account_file=/no/key.json", *MAIL), "cannot read the key file"),
        (("send", *PAINS, "--to", "a@b.fr;c@d.fr"), "separated by commas"),
        (("send", *PAINS, "--to", "a@b.fr", "--attach", "/no/file"), "cannot read /no/file"),
        (("send", *PAINS, "--text", "x"), "no recipient"),
        (("attributes", "grant", "accueil@masoc.com"), "whom?"),
    ],
)
def test_wrong_words_are_one_line(
    box: Sandbox, act: Act, words: tuple[str, ...], text: str
) -> None:
    """Bad input: one line that says what to do next, exit code 2."""
    code, out, err = act(*words)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert text in err


def test_read_lists_reads_saves_and_marks(box: Sandbox, act: Act, tmp_path: Path) -> None:
    """The mailbox from the shell: list, search, one message with its files, marks."""
    code, out, _ = act("read", *DUPOND, "--json", "--query", "is:unread")
    found = json.loads(out)
    assert (code, len(found)) == (0, 2)
    folder = tmp_path / "saved"
    code, out, _ = act(
        "read", *DUPOND, "--id", found[0]["id"], "--save", str(folder), "--mark-read"
    )
    assert code == 0
    assert "Devis brioches" in out
    assert {path.name for path in folder.iterdir()} == {
        "message.txt",
        "message.html",
        "pièce-2.pdf",
    }
    act("read", *DUPOND, "--id", found[0]["id"], "--save", str(folder))
    assert (folder / "message (2).txt").exists()
    _, out, _ = act("read", *DUPOND, "--query", "is:unread")
    assert len(out.splitlines()) == 1


def test_read_new_remembers_its_position(box: Sandbox, act: Act) -> None:
    """The first --new lists the newest and says so; the next one only what came since."""
    code, out, err = act("read", *DUPOND, "--new")
    assert (code, len(out.splitlines())) == (0, 4)
    assert "the newest are listed" in err
    assert act("read", *DUPOND, "--new")[1:] == ("no message\n", "")


def test_a_message_cannot_speak_to_the_terminal(box: Sandbox, act: Act) -> None:
    """Escape sequences in a subject are shown, not obeyed."""
    raw = b"From: a@b.fr\r\nSubject: x\x1b]52;c;ZXZpbA==\x07y\r\n\r\n\x1b[2Jz"
    box.world["dupond@masoc.com"].mailbox.add(raw, "INBOX")
    _, out, _ = act("read", *DUPOND)
    assert "\x1b" not in out
    found = json.loads(act("read", *DUPOND, "--json")[1])
    _, out, _ = act("read", *DUPOND, "--id", found[0]["id"])
    assert "\x1b" not in out
    assert "\\x1b[2Jz" in out


def test_check_is_remembered_by_settings(box: Sandbox, act: Act) -> None:
    """The informative option of the window shows what the last check found, and when."""
    assert "gmail_access: not checked" in act("settings")[1]
    code, out, _ = act("check", *TEST)
    assert (code, out.splitlines()[-1]) == (0, "ready")
    assert "gmail_access: ready  [check 20" in act("settings")[1]
    box.world.service_account.delegated.clear()
    code, out, _ = act("check", *TEST)
    assert (code, out.splitlines()[-1]) == (1, "not ready")
    assert "https://admin.google.com/ac/owl/domainwidedelegation?" in out
    shown = json.loads(act("settings", "--json")[1])
    assert shown["gmail_access"]["value"] == "not ready"
    assert shown["gmail_access"]["label"] == "Accès au serveur Gmail"


def test_settings_name_line_label_and_origin(
    box: Sandbox, act: Act, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each setting with its value, where it came from, and its French label."""
    monkeypatch.setenv("TRACER_ACCOUNT", "a@b.fr")
    code, out, _ = act("settings", "--environment", "ERP215")
    assert code == 0
    assert 'directory_account = "admin@diva-gs.com"  [settings.toml:3]' in out
    assert 'account = "a@b.fr"  [env]  Compte utilisateur pour la connexion à Gmail' in out
    assert 'environment = "ERP215"  [flag]  Environnement' in out
    assert "use_gmail = true  [default]  Utiliser Gmail pour l'envoi de mail et le CRM" in out


def test_attributes_are_dry_unless_applied(box: Sandbox, act: Act) -> None:
    """Grant says what it would do; with --apply it is done, and shown."""
    grant = ("attributes", "grant", "accueil@masoc.com", "--windows-account", "a@b.fr")
    assert "would: grant accueil@masoc.com to a@b.fr" in act(*grant)[1]
    assert "a@b.fr" not in act("attributes", "show")[1]
    assert "done: grant" in act(*grant, "--apply")[1]
    assert "nothing to do" in act(*grant, "--apply")[1]
    assert "    account  a@b.fr" in act("attributes", "show")[1].splitlines()


def test_everything_is_recorded_while_debug_is_on(box: Sandbox, act: Act, tmp_path: Path) -> None:
    """Operation, settings, steps with the calls their facts came from; no content, no token."""
    control.turn_on(out=tmp_path / "t.jsonl")
    act("send", *PAINS, *MAIL)
    uninstall()
    control.turn_off()
    events = read(tmp_path / "t.jsonl")
    operations = [e for e in events if e["kind"] == "operation" and e["phase"] == "end"]
    (operation,) = operations
    assert operation["data"]["account"] == "dupond@lespetitspains.com"
    assert operation["data"]["via"] == "env"
    calls = {e["id"]: e["name"] for e in events if e["kind"] == "call"}
    assert sorted(calls.values()) == ["directory.users.list", "gmail.users.messages.send"]
    steps = [e for e in events if e["kind"] == "step"]
    assert [e["name"] for e in steps] == ["env", "outcome"]
    for step in steps:
        assert [calls[source] for source in step["data"]["source"]] == ["directory.users.list"]
        assert step["op"] == operation["id"]
    (settings,) = (e for e in events if e["kind"] == "settings")
    assert settings["data"]["values"]["directory_account"]["origin"] == "file:3"
    raw = (tmp_path / "t.jsonl").read_bytes()
    key = json.loads((tmp_path / "key.json").read_text())["private_key"]
    for secret in (b"ya29.", b"Commande 4711", b"Bonjour", key[60:100].encode()):
        assert secret not in raw
