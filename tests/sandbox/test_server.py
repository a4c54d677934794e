"""The server itself: HTTP, TLS, clock, connections, and the command for people."""

import gzip
import json
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from pathlib import Path
from typing import Any

import httplib2
import pytest
from google.oauth2 import service_account

from samples.sandbox import Sandbox, seed_world
from samples.sandbox.client import MAIL, service
from samples.sandbox.wire import Request

DUPOND = "dupond@masoc.com"
Connect = Callable[..., Any]


def test_connections_are_kept_alive_and_counted(box: Sandbox, connect: Connect) -> None:
    """One client keeps one connection; a second client has its own."""
    for _ in range(2):
        users = connect("gmail", DUPOND, MAIL).users()
        users.getProfile(userId="me").execute()
        users.getProfile(userId="me").execute()
    assert [seen.connection for seen in box.requests] == [1, 1, 1, 2, 2, 2]
    assert [seen.n for seen in box.requests] == [1, 2, 3, 4, 5, 6]


def test_a_client_that_leaves_in_the_middle_is_no_noise(
    box: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    """A request cut off in its body is not processed, not recorded, and not complained about."""
    with socket.create_connection(("127.0.0.1", int(box.url.rpartition(":")[2]))) as client:
        client.sendall(b"POST /token HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc")
        time.sleep(0.1)
    time.sleep(0.1)
    http = httplib2.Http()
    assert http.request(box.url + "/")[0].status == 404
    http.close()
    assert len(box.requests) == 1
    assert not caplog.records


def test_date_is_the_servers_clock(box: Sandbox) -> None:
    """Every answer has a Date, off by the world's offset."""
    http = httplib2.Http()
    honest, _ = http.request(box.url + "/token", "POST", body="")
    box.world.clock_offset = -7200
    behind, _ = http.request(box.url + "/token", "POST", body="")
    http.close()
    gap = parsedate_to_datetime(honest["date"]) - parsedate_to_datetime(behind["date"])
    assert 7198 <= gap.total_seconds() <= 7202


def test_compressed_when_asked(box: Sandbox) -> None:
    """A body of some size is gzip for a client that takes it, and plain for one that does not."""
    address = f"{box.url}/gmail/v1/users/me/labels"
    headers = {"Authorization": f"Bearer {box.token(DUPOND, MAIL)}"}
    bodies = []
    for extra in ({}, {"Accept-Encoding": "gzip"}):
        request = urllib.request.Request(address, headers={**headers, **extra})
        with urllib.request.urlopen(request) as answer:
            bodies.append((answer.headers["Content-Encoding"], answer.read()))
    assert [encoding for encoding, _ in bodies] == [None, "gzip"]
    assert gzip.decompress(bodies[1][1]) == bodies[0][1]


def test_long_address_by_post(box: Sandbox, connect: Connect) -> None:
    """The client's GET in a POST (address over 2048 characters) is the method it means."""
    messages = connect("gmail", DUPOND, MAIL).users().messages()
    found = messages.list(userId="me", q="-" + "x" * 3000).execute()
    assert len(found["messages"]) == 4
    assert box.requests[-1].method_id == "gmail.users.messages.list"


def test_tls_with_its_own_certificate(tmp_path: Path) -> None:
    """Over https everything is on one origin, trusted through the certificate it hands out."""
    with Sandbox(seed_world(), tls=True) as box:
        http = httplib2.Http(ca_certs=str(box.ca_file(tmp_path / "ca.pem")))
        key = json.loads(box.key_file(tmp_path / "key.json").read_text())
        assert key["token_uri"] == box.url + "/token"
        assert http.request(box.url + "/token", "POST", body="")[0].status == 400
        http.close()
        stranger = httplib2.Http()
        with pytest.raises(OSError, match="certificate verify failed"):
            stranger.request(box.url + "/token")
        stranger.close()


def test_key_file_is_a_service_account(box: Sandbox, tmp_path: Path) -> None:
    """google-auth reads the key file as it reads Google's."""
    path = box.key_file(tmp_path / "key.json")
    found = service_account.Credentials.from_service_account_file(str(path))  # type: ignore[no-untyped-call]
    assert found.service_account_email == box.world.service_account.email


def test_two_sandboxes_do_not_know_each_other() -> None:
    """Worlds are apart, and a token of one is nothing to the other."""
    with Sandbox(seed_world()) as one, Sandbox(seed_world()) as two:
        token = one.token(DUPOND, MAIL)
        http = httplib2.Http()
        headers = {"Authorization": f"Bearer {token}"}
        path = "/gmail/v1/users/me/profile"
        assert http.request(one.url + path, headers=headers)[0].status == 200
        assert http.request(two.url + path, headers=headers)[0].status == 401
        http.close()
        assert len(two.requests) == 1


def test_many_clients_at_once(box: Sandbox) -> None:
    """Eight clients at once get their own answers, and every request is on record once."""

    def play(number: int) -> set[str]:
        users = service(box, "gmail", f"{('dupond', 'accueil')[number % 2]}@masoc.com", MAIL)
        try:
            request = users.users().getProfile(userId="me")
            return {request.execute()["emailAddress"] for _ in range(10)}
        finally:
            users.close()

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(play, range(8)))
    assert answers == [{"dupond@masoc.com"}, {"accueil@masoc.com"}] * 4
    assert [seen.n for seen in box.requests] == list(range(1, 89))
    assert len({seen.connection for seen in box.requests}) == 8


def test_end_does_not_wait_for_a_hanging_client() -> None:
    """Leaving the sandbox breaks the connections that still wait for an answer."""
    http = httplib2.Http(timeout=60)
    with ThreadPoolExecutor(1) as pool:
        with Sandbox(seed_world()) as box:
            box.fault("hang", times=0)
            waiting = pool.submit(http.request, box.url + "/token", "POST", body="")
            while not box.requests:
                time.sleep(0.01)
        with pytest.raises((OSError, HTTPException)):
            waiting.result()
    http.close()


def test_worlds_are_the_same_in_every_run() -> None:
    """Ids, schemas and messages do not change between two seedings at the same time."""
    first, second = (seed_world(at=1_795_000_000.0) for _ in range(2))
    assert [user.id for user in first] == [user.id for user in second]
    assert first.schemas == second.schemas
    assert list(first[DUPOND].mailbox.messages) == list(second[DUPOND].mailbox.messages)
    assert first[DUPOND].events == second[DUPOND].events


def test_request_parses_its_target() -> None:
    """Path stays encoded, the query is decoded."""
    request = Request("GET", "/a%40b?q=x%3Dy&q=z&empty=", {}, b"", "http://x")
    assert (request.path, request.query) == ("/a%40b", {"q": ["x=y", "z"], "empty": [""]})


def test_command_runs_until_interrupted(tmp_path: Path) -> None:
    """`python -m samples.sandbox` says where it is, answers, and ends on Ctrl-C with code 0."""
    key = tmp_path / "key.json"
    command = [sys.executable, "-m", "samples.sandbox", "--key", str(key)]
    flags = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
    running = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, creationflags=flags)
    assert running.stdout is not None
    lines = dict(running.stdout.readline().split() for _ in range(2))
    assert lines["key"] == str(key)
    http = httplib2.Http()
    assert http.request(lines["url"] + "/_sandbox/requests")[0].status == 200
    http.close()
    running.send_signal(getattr(signal, "CTRL_BREAK_EVENT", signal.SIGINT))
    running.communicate(timeout=20)
    assert running.returncode == 0


def test_command_with_a_port_in_use_says_so(box: Sandbox) -> None:
    """A port that is taken is one line, not a traceback."""
    port = box.url.rpartition(":")[2]
    command = [sys.executable, "-m", "samples.sandbox", "--port", port]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert port in done.stderr
