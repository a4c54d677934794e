"""`traceview` in a shell: data, talk, exit codes, both languages, and nothing that can act."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.traces import TraceBuilder
from viewer.cli import main
from viewer.commands.arguments import COMMANDS, make_command_parser, make_parser
from viewer.exits import Exit
from viewer.i18n import LANGUAGES, Catalogue

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Return what runs a command line here, and gives its exit code and both outputs."""

    def running(*words: object) -> tuple[int, str, str]:
        code = main([str(word) for word in words])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return running


@pytest.fixture
def session(tmp_path: Path) -> Path:
    """Return a session with a refused send and a read that worked."""
    made = TraceBuilder(7)
    identity = {"environment": "ERP215", "harmony_user": "", "windows_account": "test@divalto.com"}
    with made.operation("send", "gmail", status=1, identity=identity):
        made.step("env", "rejected", "no-env-match", candidate="dupond@masoc.example")
        made.call("gmail.users.messages.send", "gmail", status=403, ms=20.5)
    with made.operation("read mailbox", "gmail"):
        made.call("gmail.users.messages.list", "gmail", ms=1234.5678901)
    return made.write(tmp_path / "s.jsonl")


def rows(text: str) -> list[dict[str, object]]:
    """Read one object a line."""
    return [json.loads(line) for line in text.splitlines()]


def test_calls(run: Run, session: Path) -> None:
    """`calls` lists the calls, as a table and as objects; files may stand before the command."""
    code, out, err = run("calls", session)
    assert (code, err) == (Exit.OK, "")
    assert [line.split()[-1] for line in out.splitlines()[1:]] == [
        "0000000700000003",
        "0000000700000006",
    ]
    code, out, _ = run(session, "calls", "--json", "--filter", "status>=400")
    assert code == Exit.OK
    assert [(row["name"], row["status"], row["failed"]) for row in rows(out)] == [
        ("gmail.users.messages.send", 403, True)
    ]
    assert run("calls", session, "--filter", "status:5xx")[0] == Exit.NOTHING
    code, out, _ = run(session, "--filter", "kind:step", "--json")
    assert [(row["kind"], row["account"]) for row in rows(out)] == [
        ("step", "dupond@masoc.example")
    ]
    assert run("findings", session, "--filter", "kind:step")[0] == Exit.USAGE  # not ignored


def test_call_shows_the_exact_lines(run: Run, session: Path) -> None:
    """`call ID` shows the event and what is under it; numbers are never written anew."""
    code, out, _ = run("call", "0000000700000006", session, "--json")
    assert code == Exit.OK
    lines = set(session.read_text().splitlines())
    assert len(out.splitlines()) == 4
    assert all(line in lines for line in out.splitlines())
    code, out, _ = run("call", "000000070000000", session)
    assert code == Exit.USAGE  # several
    code, out, _ = run("call", "0000000700000006", session)
    assert "1234.5678901" in out
    assert run("call", "ffff", session)[0] == Exit.NOTHING


def test_grep(run: Run, session: Path) -> None:
    """`grep` finds text anywhere, says how often, and ends like grep when there is none."""
    code, out, _ = run("grep", "dupond", session)
    assert code == Exit.OK
    assert "dupond@masoc.example" in out
    for words in (["dupond", session, "-c"], ["-c", "dupond", session], ["dupond", "-c", session]):
        assert run("grep", *words)[1] == "1\n"
    assert [r["kind"] for r in rows(run("grep", "dupond", session, "--json")[1])] == ["step"]
    assert run("grep", "nowhere", session)[0] == Exit.NOTHING
    assert run("grep", "-E", r"messages\.(send|list)", session, "-c")[1] == "2\n"
    code, _, err = run("grep", "-E", "(", session)
    assert code == Exit.USAGE
    assert err.count("\n") == 1


@pytest.mark.parametrize("lang", LANGUAGES)
def test_answers(run: Run, session: Path, lang: str) -> None:
    """The report, the findings and the reasons are there in both languages and as objects."""
    code, out, _ = run(session, "--report", "--lang", lang)
    assert code == Exit.OK
    assert "gmail.users.messages.send" in out
    code, out, _ = run(session, "--json", "--lang", lang)
    assert json.loads(out)["events"] == 13
    code, out, _ = run("findings", session, "--lang", lang, "--json")
    severities = {row["severity"] for row in rows(out)}
    worst = next((s for s in ("error", "warning") if s in severities), "")
    assert code == {"warning": Exit.WARNING, "error": Exit.ERROR}.get(worst, Exit.OK)
    assert run("findings", session, "--lang", lang)[0] == code
    code, out, _ = run("why", "test@divalto.com", session, "--lang", lang)
    assert code == Exit.OK
    assert "ERP215" in out
    assert json.loads(run("why", "send", session, "--json")[1])["answers"][0]["name"] == "send"
    assert run("why", "nobody", session)[0] == Exit.NOTHING


def test_without_a_terminal_it_reports(session: Path) -> None:
    """In a pipe the report is printed; standard input is read with `-`."""
    command = [sys.executable, "-m", "viewer.cli"]
    named = subprocess.run([*command, str(session)], capture_output=True, timeout=60)
    piped = subprocess.run(
        [*command, "-"], input=session.read_bytes(), capture_output=True, timeout=60
    )
    assert named.returncode == piped.returncode == Exit.OK
    assert b"gmail.users.messages.send" in named.stdout
    assert named.stdout.splitlines()[1:] == piped.stdout.splitlines()[1:]  # the first names it
    assert b"\x1b" not in named.stdout + named.stderr


def test_a_closed_pipe_is_quiet(tmp_path: Path) -> None:
    """When the reader has seen enough, nothing is said and the exit code is 0."""
    made = TraceBuilder()
    for _ in range(3000):
        made.call("gmail.users.messages.list", "gmail")
    path = made.write(tmp_path / "s.jsonl")
    with subprocess.Popen(
        [sys.executable, "-m", "viewer.cli", "calls", str(path)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as running:  # fmt: skip
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.readline()
        running.stdout.close()
        assert running.stderr.read() == b""
        assert running.wait(60) == Exit.OK


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["calls", "missing.jsonl"], Exit.UNREADABLE),
        (["missing.jsonl"], Exit.UNREADABLE),
        (["calls", "."], Exit.UNREADABLE),
        (["calls", "text.txt"], Exit.UNREADABLE),
        (["calls", "newer.jsonl"], Exit.NEWER),
        (["calls", "s.jsonl", "--filter", "status>x"], Exit.USAGE),
        (["calls", "s.jsonl", "--wrong"], Exit.USAGE),
        (["call"], Exit.USAGE),
        (["calls"], Exit.UNREADABLE),
        (["what-if", "s.jsonl"], Exit.NOTHING),
    ],
)
@pytest.mark.parametrize("lang", LANGUAGES)
def test_errors_are_one_clear_line(
    run: Run,
    session: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    code: Exit,
    lang: str,
) -> None:
    """Every mistake has its exit code and a line on standard error; standard output is empty."""
    monkeypatch.chdir(session.parent)
    monkeypatch.setenv("LANG", f"{lang}_FR.UTF-8")
    Path("text.txt").write_text("hello\nworld\n")
    line = session.read_bytes().splitlines()[1]
    Path("newer.jsonl").write_bytes(line.replace(b'"v":1', b'"v":2') + b"\n")
    got, out, err = run(*words)
    assert (got, out) == (code, "")
    assert err.startswith("traceview: ")
    assert "Traceback" not in err
    assert len(err.splitlines()) <= (3 if "--filter" in words else 1)


def test_a_first_word_that_is_a_file_is_a_file(
    run: Run, session: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A session file called like a command is read, not run."""
    monkeypatch.chdir(session.parent)
    shutil.copy(session, "calls")
    code, out, _ = run("calls", "--json")
    assert code == Exit.OK
    assert json.loads(out)["files"] == ["calls"]


def test_sessions_and_the_newest(run: Run, clean_environment: Path, session: Path) -> None:
    """Without a file the newest session of TRACER_HOME is read, and it says which."""
    code, out, _ = run("sessions")
    assert code == Exit.NOTHING
    folder = clean_environment / "sessions"
    folder.mkdir(parents=True)
    shutil.copy(session, folder / "20260101T000000-abc.jsonl")
    code, out, _ = run("sessions", "--json")
    assert (code, len(rows(out))) == (Exit.OK, 1)
    code, out, err = run("calls")
    assert code == Exit.OK
    assert "20260101T000000-abc.jsonl" in err
    assert "messages.list" in out


def test_damage_is_told_beside_the_data(run: Run, session: Path) -> None:
    """Damaged lines do not stop a command; how many there are goes to standard error."""
    with session.open("ab") as file:
        file.write(b'{"v":1,"ts"\n\x00\x00')
    code, out, err = run("calls", session, "--json")
    assert (code, len(rows(out))) == (Exit.OK, 2)
    assert "1" in err
    assert err.count("\n") == 1


HOSTILE = "\x1b]52;c;ZXZpbA==\x1b\\\x9b31m\u202etxt\x00 [/] [@click=app.quit]x[/] 漢字 🎉 \ud800"


def test_nothing_in_a_trace_reaches_the_terminal(run: Run, tmp_path: Path) -> None:
    """No command prints a control character, a bidi override or a lone surrogate of a trace's."""
    made = TraceBuilder()
    with made.operation(HOSTILE, HOSTILE, status=1, identity={"environment": HOSTILE}):
        made.step(HOSTILE, HOSTILE, HOSTILE, candidate=HOSTILE, args={HOSTILE: HOSTILE})
        made.call(HOSTILE, HOSTILE, status=403, exchange={"url": f"https://{HOSTILE}/"})
    made.add("gap", "point", HOSTILE, "session", reason=HOSTILE)
    path = made.write(tmp_path / "s.jsonl")
    with path.open("ab") as file:
        file.write(b'\x1b[2J {"v":1} \x9b\n')
    first = made.events[0].id
    for words in (
        [path], ["calls", path], ["call", first, path], ["grep", "52;c", path],
        ["grep", "quit", path], ["findings", path], ["why", "", path], ["what-if", path],
        [path, "--lang", "fr"], ["calls", path, "--filter", f"account:{HOSTILE!r}"],
        ["call", HOSTILE.replace("\0", ""), path],
    ):  # fmt: skip
        _, out, err = run(*words)
        for sign in (out + err).replace("\n", ""):
            assert sign >= " ", (words, sign)
            assert not 0x7F <= ord(sign) <= 0x9F, (words, hex(ord(sign)))
            assert sign not in "\u202e\u2066", words
            assert not 0xD800 <= ord(sign) <= 0xDFFF, words


def test_version_names_the_formats(capsys: pytest.CaptureFixture[str]) -> None:
    """`--version` says which formats of the trace it reads."""
    with pytest.raises(SystemExit) as stopped:
        main(["--version"])
    assert stopped.value.code == 0
    assert "trace formats 1" in capsys.readouterr().out


def test_every_text_is_in_both_languages() -> None:
    """Each option, command and error has a help text in each catalogue, with the same holes."""
    english, french = (Catalogue("cli", lang) for lang in ("en", "fr"))
    for name in (*COMMANDS, "top", "files", "filter", "json", "lang"):
        assert english.has(f"help.{name}")
        assert french.has(f"help.{name}")
    for lang in LANGUAGES:
        text = make_parser(["--lang", lang]).format_help()
        text += make_command_parser(["--lang", lang]).format_help()
        assert "help." not in text


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell"])
def test_completion_scripts(run: Run, shell: str) -> None:
    """Each script names every command; what a shell here can check, it checks."""
    code, out, _ = run("completion", shell)
    assert code == Exit.OK
    assert all(name in out for name in COMMANDS)
    assert "--filter" in out or "-l filter" in out
    program = shutil.which(shell)
    if program and shell != "powershell":
        checked = subprocess.run([program, "-n"], input=out.encode(), capture_output=True)
        assert checked.returncode == 0, checked.stderr


def test_bash_completes(run: Run) -> None:
    """In a real bash, `traceview wh<TAB>` offers the commands that begin so."""
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("no bash here")
    _, script, _ = run("completion", "bash")
    script += '\nCOMP_WORDS=(traceview wh); COMP_CWORD=1; _traceview; echo "${COMPREPLY[@]}"'
    done = subprocess.run(
        [bash, "-c", script], capture_output=True, text=True, check=True, cwd=os.path.sep
    )
    assert set(done.stdout.split()) == {"why", "what-if"}


@pytest.mark.skipif(os.name != "posix", reason="a named pipe")
def test_a_named_pipe_is_refused_at_once(tmp_path: Path) -> None:
    """Opening it would wait for a writer for ever."""
    os.mkfifo(tmp_path / "pipe")
    command = [sys.executable, "-m", "viewer.cli", str(tmp_path / "pipe")]
    done = subprocess.run(command, capture_output=True, timeout=30)
    assert done.returncode == Exit.UNREADABLE
    assert b"no regular file: use - for standard input" in done.stderr


def test_a_tab_that_does_not_exist_is_a_usage_error(run: Run, session: Path) -> None:
    """What was asked for and cannot be is said, with what there is."""
    code, _, said = run("--tab", "mails", session)
    assert code == Exit.USAGE
    assert "no tab mails; there are summary, timeline" in said


def test_findings_say_what_each_line_is(run: Run, session: Path) -> None:
    """In words of the language, as in the report; no sign needs a manual."""
    _, said, _ = run("findings", session, "--lang", "fr")
    for label in ("à faire :", "réfuté si :", "voir :"):
        assert label in said


def test_what_if_tells_which_operation_it_took(run: Run) -> None:
    """Of several operations the last is taken, and how to take another is said."""
    demo = Path(__file__).parents[2] / "samples" / "sessions" / "00-demo.jsonl"
    _, said, notices = run("what-if", demo)
    assert "UTC [" in said.splitlines()[0]
    assert "--operation ID takes another" in notices


def test_an_export_that_cannot_be_made_is_one_line(
    run: Run, session: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A library that is not installed is named, with what to type; no empty file stays."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    out = tmp_path / "out.parquet"
    for words in (["-o", out], []):
        code, said, complaint = run("export", "parquet", session, *words)
        assert (code, said) == (Exit.USAGE, "")
        assert complaint == (
            "traceview: parquet needs pyarrow: pip install 'mapi-tracer[parquet]'\n"
        )
    assert not out.exists()
