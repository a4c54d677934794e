"""`tracer bundle` from the shell: what it says, its exit codes, that nothing half made stays."""

import io
import os
import sys
from pathlib import Path

import pytest

from tests.support.traces import TraceBuilder
from tests.viewer.ticket import planted
from tracer.cli.main import main


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a session, and make its folder the current one."""
    monkeypatch.chdir(tmp_path)
    return planted.write(tmp_path / "s.jsonl")


def test_a_ticket_is_made_and_what_to_do_next_is_said(
    session: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The archive, the map that stays, the command for the answer; nothing on stderr in a pipe."""
    assert main(["bundle", str(session), "--ticket", "4711", "--note", "hello"]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    for text in ("ticket-4711.zip", "leak check passed", "ticket-4711.map", "--reveal"):
        assert text in said.out
    assert {path.name for path in session.parent.iterdir()} == {
        "s.jsonl", "ticket-4711.zip", "ticket-4711.map",
    }  # fmt: skip


def test_an_answer_is_turned_back(
    session: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """--reveal prints the answer with real names, from a file or from a pipe."""
    assert main(["bundle", str(session), "-o", "t.zip"]) == 0
    capsys.readouterr()
    monkeypatch.setattr(sys, "stdin", io.StringIO("ask PERSON-1 in ENVIRONMENT-1"))
    assert main(["bundle", "--reveal", "-", "--map", "t.map"]) == 0
    assert capsys.readouterr().out == "ask ACARPENTIER in BOULANGERIEDURAND"


def test_check_tells_a_clean_file_from_a_leaking_one(
    session: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A ticket is clean; its session is full of addresses; values are never printed."""
    assert main(["bundle", str(session), "-o", "t.zip"]) == 0
    assert main(["bundle", "--check", "t.zip"]) == 0
    capsys.readouterr()
    assert main(["bundle", "--check", str(session)]) == 1
    said = capsys.readouterr()
    assert "data." in said.err
    assert ": address" in said.err
    assert "boulangerie" not in said.err


def test_a_leak_refuses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A secret that reached the session: exit code 1, where it is, no archive."""
    trace = TraceBuilder()
    trace.add("note", "point", "n", "session", text="ya29.a0AfH6SMBx1234567890")
    path = trace.write(tmp_path / "s.jsonl")
    assert main(["bundle", str(path), "-o", str(tmp_path / "t.zip")]) == 1
    said = capsys.readouterr()
    assert "data.text: Google access token" in said.err
    assert "not made" in said.err
    assert "ya29" not in said.err
    assert [one.name for one in tmp_path.iterdir()] == ["s.jsonl"]


def test_a_map_that_has_no_place_is_told_before_any_work(
    session: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A session on a share that cannot be written: one line says what to do, nothing is made."""
    folder = session.parent.resolve()
    out = folder / "elsewhere"
    out.mkdir()
    real = os.access
    monkeypatch.setattr(os, "access", lambda at, mode: Path(at) != folder and real(at, mode))
    assert main(["bundle", str(folder / session.name), "-o", str(out / "t.zip")]) == 2
    assert "copy the session into a folder of your own" in capsys.readouterr().err
    assert not list(out.iterdir())


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "no event in it"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40, "no event in it"),
        (b'{"v":2,"ts":"2026-11-18T11:06:40Z"}\n', "please update mapi-tracer"),
    ],
)
def test_what_is_no_session_makes_no_ticket(
    content: bytes, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A ticket without an event would say “leak check passed” of nothing; none is made."""
    (tmp_path / "s.jsonl").write_bytes(content)
    assert main(["bundle", str(tmp_path / "s.jsonl"), "-o", str(tmp_path / "t.zip")]) == 2
    assert says in capsys.readouterr().err
    assert [one.name for one in tmp_path.iterdir()] == ["s.jsonl"]


@pytest.mark.parametrize(
    "words",
    [
        ["bundle"],
        ["bundle", "missing.jsonl"],
        ["bundle", "."],
        ["bundle", "s.jsonl", "-o", "nowhere/t.zip"],
        ["bundle", "s.jsonl", "-o", "s.jsonl"],
        ["bundle", "--check", "missing"],
        ["bundle", "--check", "."],
        ["bundle", "--reveal", "s.jsonl"],
        ["bundle", "--reveal", "s.jsonl", "--map", "s.jsonl"],
        ["bundle", "--reveal", "s.jsonl", "--map", "missing.map"],
        ["bundle", "s.jsonl", "--known", "missing.txt"],
    ],
)
def test_bad_words_are_one_line(
    words: list[str], session: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each mistake is one line on stderr, exit code 2, and leaves nothing."""
    assert session.exists()
    assert main(words) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert [one.name for one in session.parent.iterdir()] == ["s.jsonl"]


def test_a_password_comes_from_a_pipe(
    session: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With --password the archive is locked; an empty one is refused."""
    monkeypatch.setattr(sys, "stdin", io.StringIO("sesame\n"))
    assert main(["bundle", str(session), "-o", "t.zip", "--password"]) == 0
    monkeypatch.setattr(sys, "stdin", io.StringIO("sesame\n"))
    assert main(["bundle", "--check", "t.zip", "--password"]) == 0
    assert main(["bundle", "--check", "t.zip"]) == 2
    monkeypatch.setattr(sys, "stdin", io.StringIO("\n"))
    assert main(["bundle", str(session), "-o", "u.zip", "--password"]) == 2
    assert "locks nothing" in capsys.readouterr().err


def test_what_is_too_short_to_look_for_is_said(
    session: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A word of few letters would be found everywhere: it is told, never passed in silence."""
    (session.parent / "known.txt").write_text("abc\nlong enough\nde\n")
    assert main(["bundle", str(session), "-o", "t.zip", "--known", "known.txt"]) == 0
    said = capsys.readouterr().err
    assert "known.txt: 2 line(s) not looked for" in said
    assert "abc" not in said
