"""On, act, off, load: by processes that know nothing of each other, and what they refuse."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson
import pytest

from samples.sandbox import Sandbox
from tests.support.capture import Event, read
from tests.support.commands import run

ROOT = Path(__file__).parents[1]
TEST = ("--windows-account", "test@divalto.com")

SENDER = """
import sys
from functools import partial
from tracer.capture import google
from tracer.capture.install import install
from tracer.protocol.gsuite.layer import GSuite
from tracer.protocol.identity import Identity
from tracer.protocol.mime import Mail
from tracer.protocol.settings import load

recorder = install()
layer = GSuite(load(), http=partial(google.http, recorder),
               request_builder=google.request_builder(recorder))
for line in sys.stdin:  # one mail for each line that is asked for, all on one connection
    mail = Mail(to=("client@example.com",), subject="Commande", text="Bonjour")
    print(layer.send(mail, Identity(windows_account="test@divalto.com")).message_id, flush=True)
"""

PLAIN = """
import sys
import google_auth_httplib2
from google.oauth2 import service_account
from googleapiclient import discovery
from googleapiclient.discovery_cache import get_static_doc

url, key = sys.argv[1:]
document = get_static_doc("gmail", "v1")
document = document.replace("https://gmail.googleapis.com", url)
credentials = service_account.Credentials.from_service_account_file(
    key, scopes=["https://www.googleapis.com/auth/gmail.readonly"], subject="dupond@masoc.com")
gmail = discovery.build_from_document(document, credentials=credentials)
print(len(gmail.users().messages().list(userId="me").execute()["messages"]))
"""


@pytest.fixture
def settings(box: Sandbox, tmp_path: Path) -> Path:
    """Return a settings file for it."""
    key = box.key_file(tmp_path / "key.json")
    file = tmp_path / "settings.toml"
    file.write_text(
        f'endpoint = "{box.url}"\nservice_account_file = "{key.as_posix()}"\n'
        'directory_account = "admin@diva-gs.com"\n',
        encoding="utf-8",
    )
    return file


class Sender:
    """A running program of the layer that sends a mail whenever it is told."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process

    def send(self) -> str:
        """Let it send one; return the Message-ID."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()


@contextmanager
def sender(settings: Path) -> Iterator[Sender]:
    """Start it, and end it by closing its input."""
    environment = {**os.environ, "TRACER_SETTINGS": str(settings)}
    with subprocess.Popen(
        [sys.executable, "-c", SENDER], cwd=ROOT, env=environment, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        yield Sender(process)
    assert process.returncode == 0


def recorded_mails(events: list[Event]) -> list[str]:
    """Return the Message-IDs of the sends in a session."""
    return [
        event["data"]["message_id"]
        for event in events
        if (event["kind"], event["phase"], event["name"]) == ("operation", "end", "send")
    ]


def test_a_running_program_is_recorded_from_on_to_off(
    box: Sandbox, settings: Path, clean_environment: Path
) -> None:
    """Another process switches debug on and off: no restart, and the connection stays the same."""
    with sender(settings) as program:
        assert program.send()
        run("tracer", "on")
        wanted = [program.send(), program.send()]
        run("tracer", "off")
        assert program.send()
    (file,) = (clean_environment / "sessions").glob("*.jsonl")
    events = read(file)
    assert recorded_mails(events) == wanted
    wire = [
        one
        for event in events
        if event["kind"] == "exchange" and event["phase"] == "end"
        for one in event["data"]["wire"]
    ]
    assert wire
    assert all(one["reused"] for one in wire)
    assert len({seen.connection for seen in box.requests}) == 1
    assert len(box.sent) == 4


def test_a_program_that_knows_nothing_of_us_is_recorded(
    box: Sandbox, tmp_path: Path, clean_environment: Path
) -> None:
    """`tracer run -- python app.py`: call, token request and exchange are in the session."""
    app = tmp_path / "app.py"
    app.write_text(PLAIN, encoding="utf-8")
    key = box.key_file(tmp_path / "key.json")
    run("tracer", "on")
    done = run("tracer", "run", "--", sys.executable, app, box.url, key)
    run("tracer", "off")
    assert (done.returncode, done.stdout.strip()) == (0, "4"), done.stderr
    (file,) = (clean_environment / "sessions").glob("*.jsonl")
    events = read(file)
    ended = [(e["kind"], e["name"], e["status"]) for e in events if e["phase"] == "end"]
    assert ("call", "gmail.users.messages.list", 200) in ended
    roles = [e["data"]["role"] for e in events if e["kind"] == "exchange" and e["phase"] == "end"]
    assert roles == ["token", "call"]


def test_a_session_opens_in_the_viewer(settings: Path, clean_environment: Path) -> None:
    """What `tracer off` says to type next prints the report of what was done."""
    run("tracer", "on")
    acted = run("tracer", "act", "send", *TEST, "--settings", settings, "--to", "a@example.com")
    off = run("tracer", "off")
    assert acted.returncode == 0, acted.stderr
    (line,) = [line for line in off.stdout.splitlines() if "traceview" in line]
    done = run(*line.partition("next")[2].split())
    assert done.returncode == 0
    assert "test@diva-gs.com" in done.stdout
    assert "gmail.users.messages.send" in done.stdout


def act(*words: str | Path) -> tuple[str | Path, ...]:
    """Return the words of `tracer act resolve` with `words`."""
    return ("tracer", "act", "resolve", *TEST, *words)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (act(), "service_account_file"),
        (act("--set", "service_account_file=nowhere.json"), "nowhere.json"),
        (act("--set", "service_account_file=broken.json"), "broken.json"),
        (act("--set", "colour=red"), "colour"),
        (act("--settings", "broken.toml"), "broken.toml"),
        (act("--settings", "unknown.toml"), "unknown.toml:2"),
        (("traceview", "nowhere.jsonl"), "nowhere.jsonl"),
        (("traceview", "newer.jsonl"), "please update mapi-tracer"),
        (("traceview", "folder"), "folder"),
    ],
)
def test_bad_input_is_one_line_and_an_exit_code(
    words: tuple[str | Path, ...], says: str, tmp_path: Path
) -> None:
    """Each says in one line what is wrong and what to do next; none is a traceback."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "broken.json").write_text("{")
    (tmp_path / "broken.toml").write_text("account = \n")
    (tmp_path / "unknown.toml").write_text('protocol = "gsuite"\ncolour = "red"\n')
    newer = orjson.dumps({"v": 99, "ts": "2030-01-01T00:00:00.000000Z", "data": {}})
    (tmp_path / "newer.jsonl").write_bytes(b"\n" + newer + b"\n")
    done = run(*words, cwd=tmp_path)
    assert done.returncode != 0
    assert says in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert "Traceback" not in done.stderr
