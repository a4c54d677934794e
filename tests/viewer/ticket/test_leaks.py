"""The leak check alone: every kind, every encoding, every kind of file, never the value."""

import base64
import gzip
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.traces import TraceBuilder
from tests.viewer.ticket import planted
from tests.viewer.ticket.unpacked import encodings
from viewer.ticket.detectors import find, find_words
from viewer.ticket.leaks import Known, LeakCheck
from viewer.ticket.needles import Needles

SAMPLES = {
    "Google access token": "ya29.a0AfH6SMBx1234567890",
    "Google refresh token": "1//0gFooBarBazQuux1234567890",
    "Google authorization code": "4/0AX4XfWhFooBarBazQuux1234",
    "Google client secret": "GOCSPX-1234567890abcdef",
    "Google API key": "AIzaSyA1234567890abcdefghijklmnopqrstuv",
    "private key": "-----BEGIN RSA PRIVATE KEY-----",
    "signed JWT": planted.jwt({"a": 1}, "S" * 43),
    "bearer token": "Bearer abcdefghijklmnop",
    "basic credentials": "Basic dXNlcjpwYXNzd29yZA==",
    "named secret in a header": "x\\r\\nCookie: SID=abcdef",
    "secret in a URL": "https://h/x?access_token=abcdef123",
    "long encoded block": base64.b64encode(bytes(range(256))).decode(),
    "IP address": "peer 10.20.30.40",
    "phone number": "call +33612345678",
    "Google account id": "id 117654321098765432109",
    "Windows security id": "S-1-5-21-1234567890-1234567890-1234567890-500",
    "user folder": "C:\\Users\\dupond\\x",
    "address": "from dupond@masoc.com",
    "GitHub Token": "ghp_" + "a1B2" * 9,
    "AWS Access Key": "AKIAIOSFODNN7EXAMPLE",
    "Slack Token": "xoxb-1234567890-abcdefghij",
    "Basic Auth Credentials": "https://user:passw0rd@host/x",
}  # fmt: skip

CLEAN = (
    "person-3@domain-1 PERSON-3@DOMAIN-1 person-1+tag-2@host-3.domain-2",
    "service-1@project-1.iam.gserviceaccount.com message-0123456789ab@domain-1",
    "https://gmail.googleapis.com/gmail/v1/users/person-1%40domain-2/messages/send?alt=json",
    "user-agent Chrome/120.0.0.1 google-api-python-client/2.1 127.0.0.1",
    "2026-11-22T13:16:33.123456Z 1795000000000000000 00000064000000ab",
    "⟨redacted token #0123456789⟩ Bearer ⟨redacted token #0123456789⟩",
    "urn:ietf:params:oauth:grant-type:jwt-bearer @type type.googleapis.com/google.rpc.ErrorInfo",
    'href="#e=40fb46def39927c3" style="width=40px" pageToken=40ab',
    "77454057746a4c71 76404b482b286739 1795000027651613569 2026-11-18T11:07:07.651613Z",
    "mailer-daemon@googlemail.com C:\\Users\\person-1\\x /home/person-2/y",
)


@pytest.mark.parametrize("kind", SAMPLES)
def test_each_kind_is_found_and_placed(kind: str, tmp_path: Path) -> None:
    """One sample of each kind in an event: found, with event and path, without its value."""
    trace = TraceBuilder()
    trace.add("note", "point", "fine", "session", text="nothing here")
    own = trace.add("note", "point", "bad", "session", deep=[{"text": SAMPLES[kind]}])
    leaks = LeakCheck().file(trace.write(tmp_path / "t.jsonl"))
    found = [leak for leak in leaks if leak.kind == kind]
    assert found, leaks
    assert (found[0].event, found[0].path, found[0].line) == (own, "data.deep[0].text", 4)
    assert not [leak for leak in leaks if SAMPLES[kind] in str(leak)]


@pytest.mark.parametrize("text", CLEAN)
def test_what_a_ticket_is_made_of_is_no_leak(text: str) -> None:
    """Pseudonyms, tags, times, ids, Google's own names: nothing of it is refused."""
    assert list(find(text.encode())) == []
    assert list(find_words(text.encode())) == []


def test_a_secret_is_known_by_the_name_before_it(tmp_path: Path) -> None:
    """``"password":"…"`` is a leak whatever the value looks like; a tag is none."""
    path = tmp_path / "x.har"
    path.write_text(
        json.dumps({"password": "lapin-blanc", "text": '{"client_secret":"lapin-noir"}'})
    )
    assert {leak.kind for leak in LeakCheck().file(path)} == {"named secret"}
    path.write_text(json.dumps({"password": "⟨redacted password #1⟩", "secret": "no"}))
    assert LeakCheck().file(path) == []


KNOWN = "Anne-Sophie O'Brien & Fils"


@pytest.mark.parametrize("name", encodings(KNOWN))
@pytest.mark.parametrize("spelled", ["title", "lower", "upper"])
def test_a_known_name_is_found_in_every_encoding(name: str, spelled: str, tmp_path: Path) -> None:
    """Plain, percent, base64 at each alignment, quoted-printable, UTF-16, JSON escapes."""
    path = tmp_path / "x.txt"
    path.write_bytes(b"before \n" + encodings(getattr(KNOWN, spelled)())[name] + b"\n after")
    leaks = LeakCheck([Known(KNOWN, "name")]).file(path)
    assert [(leak.kind, leak.line) for leak in leaks] == [("known name", 2)]


@given(
    st.text("abcdefghijklmnopqrstuvwxyzéà -.'", min_size=9, max_size=30).map(str.strip).filter(
        lambda text: len(text) >= 9
    ),
    st.binary(max_size=40),
    st.sampled_from(sorted(encodings("x"))),
)  # fmt: skip
def test_any_known_name_between_any_bytes(name: str, around: bytes, encoding: str) -> None:
    """The table of needles misses nothing that a plain search of the same spelling finds."""
    spelling = encodings(name)[encoding]
    text = around + b" " + spelling + b" " + around
    if name[0].isalnum() and name[-1].isalnum():
        assert (len(around) + 1) in {at for at, _ in Needles([(0, name)]).scan(text)}


@pytest.mark.parametrize("inside", ["martingale", "xmartin", "martin2"])
def test_a_name_inside_a_word_is_not_that_name(inside: str) -> None:
    """A surname within another word refuses no ticket; after an escape it is a word of its own."""
    needles = Needles([(0, "martin")])
    assert list(needles.scan(inside.encode())) == []
    assert list(needles.scan(b"%2Fmartin%2F \\nmartin"))


@pytest.mark.parametrize("kind", ["plain", "gz", "zst", "zip"])
def test_every_kind_of_file_is_looked_into(kind: str, tmp_path: Path) -> None:
    """A trace, compressed or in an archive: the member is named."""
    data = b'{"x":"ya29.a0AfH6SMBx1234567890"}\n'
    path = tmp_path / f"file.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("inner.jsonl.zst", zstandard.compress(data) + zstandard.compress(data))
    else:
        packed = {"plain": data, "gz": gzip.compress(data), "zst": zstandard.compress(data)}
        path.write_bytes(packed[kind])
    leaks = LeakCheck().file(path)
    assert {leak.kind for leak in leaks} == {"Google access token"}
    assert leaks[0].member == ("inner.jsonl.zst" if kind == "zip" else path.name)


def test_a_name_of_a_member_is_looked_at(tmp_path: Path) -> None:
    """A file called after a person gives that person away."""
    path = tmp_path / "t.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("dupond@masoc.com.txt", b"")
    assert [leak.kind for leak in LeakCheck().file(path)] == ["address"]


def test_a_damaged_archive_is_an_error_of_one_line(tmp_path: Path) -> None:
    """What cannot be looked into is never called clean."""
    path = tmp_path / "t.zip"
    path.write_bytes(b"PK\x03\x04 and nothing")
    with pytest.raises(OSError, match=r"t\.zip"):
        LeakCheck().file(path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(st.integers(0, 200), st.integers(1, 60))
def test_a_hit_is_found_wherever_blocks_end(tmp_path: Path, before: int, size: int) -> None:
    """Reading in blocks loses nothing at the seams, and lines are counted across them."""
    path = tmp_path / "x.txt"
    path.write_bytes(b"\n" * before + b"x" * size + b" ya29.a0AfH6SMBx1234567890\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("viewer.ticket.leaks._BLOCK", 64)
        assert [leak.line for leak in LeakCheck().file(path)] == [before + 1]


def test_the_check_shares_no_code_with_what_it_checks() -> None:
    """It loads neither the redaction nor the pseudonyms: a mistake there is not repeated."""
    code = "import sys, viewer.ticket.leaks; print('\\n'.join(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(run.stdout.split())
    assert "viewer.ticket.detectors" in loaded
    assert not {name for name in loaded if name.startswith("tracer.capture")}
    made_by_us = {"registry", "shapes", "rewrite", "encodings", "common_words", "bodies", "bundle"}
    assert not loaded & {f"viewer.ticket.{name}" for name in made_by_us}
