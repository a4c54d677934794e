"""requests, urllib3, httpx and http.client: exactly one record for each exchange on the wire."""

import gc
import pickle
import urllib.request
from collections.abc import Callable
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import httplib2
import httpx
import pytest
import requests
import urllib3
from requests.adapters import HTTPAdapter

from tests.capture.web import ANSWER, PADDING, Web
from tests.support.capture import Recording, recording
from tracer.capture.install import install, uninstall
from tracer.operation import operation

SOAP = (
    '<?xml version="1.0"?><s:Envelope xmlns:s="x"><s:Body><m:CreateItem><t:Subject>Confidentiel'
    "</t:Subject></m:CreateItem></s:Body></s:Envelope>"
)


def with_requests(url: str) -> tuple[int, bytes]:
    """GET with requests, a session of its own."""
    with requests.Session() as session:
        answer = session.get(url, headers={"Authorization": "Bearer ya29.SECRETSECRETSECRET"})
        return answer.status_code, answer.content


def with_urllib3(url: str) -> tuple[int, bytes]:
    """GET with urllib3 itself."""
    with urllib3.PoolManager(retries=urllib3.Retry(3)) as pool:
        answer = pool.request("GET", url)
        return answer.status, answer.data


def with_httpx(url: str) -> tuple[int, bytes]:
    """GET with httpx, following redirects."""
    with httpx.Client(follow_redirects=True) as client:
        answer = client.get(url)
        return answer.status_code, answer.content


def with_urllib(url: str) -> tuple[int, bytes]:
    """GET with the standard library."""
    with urllib.request.urlopen(url) as answer:
        return answer.status, answer.read()


CLIENTS = {
    "requests": with_requests,
    "urllib3": with_urllib3,
    "httpx": with_httpx,
    "urllib": with_urllib,
}
Client = Callable[[str], tuple[int, bytes]]


@pytest.mark.parametrize("name", CLIENTS)
def test_an_exchange_is_recorded_once_with_its_answer(
    name: str, web: Web, traced: Recording
) -> None:
    """Method, scrubbed URL and headers, status and what is kept of the body, on both lines."""
    with operation("check", "session") as running:
        assert CLIENTS[name](f"{web.url}/json?key=SECRETSECRETSECRET&a=1") == (200, ANSWER)
    [start] = traced.events("exchange", "start")
    [end] = traced.exchanges()
    assert start["id"] == end["id"]
    assert (end["parent"], end["op"], end["status"]) == (running.id, running.root, 200)
    assert end["data"]["method"] == "GET"
    assert end["data"]["url"].startswith(f"{web.url}/json?key=⟨redacted")
    assert end["data"]["url"].endswith("&a=1")
    assert end["data"]["response"]["headers"]["set-cookie"].startswith("⟨redacted cookie")
    body = end["data"]["response"]["body"]
    if name == "urllib":
        assert body["stream"] is True  # the program reads it, we do not
    else:
        assert body["json"]["ok"] is True
        assert body["json"]["access_token"].startswith("⟨redacted token")
    assert b"SECRET" not in traced.path.read_bytes()


@pytest.mark.parametrize("name", CLIENTS)
def test_each_hop_of_a_redirect_is_an_exchange(name: str, web: Web, traced: Recording) -> None:
    """What the wire carried and what the trace shows is the same list, in the same order."""
    assert CLIENTS[name](f"{web.url}/redirect")[0] == 200
    seen = [
        f"{e['data']['method']} /{e['data']['url'].split('/', 3)[3]}" for e in traced.exchanges()
    ]
    assert [one.partition("?")[0] for one in seen] == web.requests
    assert [e["status"] for e in traced.exchanges()] == [302, 200]
    assert [e["data"]["role"] for e in traced.exchanges()] == ["call", "redirect"]
    assert b"SECRET" not in traced.path.read_bytes()


@pytest.mark.parametrize("name", ["requests", "urllib3"])
def test_retries_inside_urllib3_are_exchanges(name: str, web: Web, traced: Recording) -> None:
    """The tries that urllib3 makes by itself, on a status, are each recorded."""
    retry = urllib3.Retry(3, status_forcelist=[503], backoff_factor=0)
    web.failures = 2
    if name == "requests":
        with requests.Session() as session:
            session.mount("http://", HTTPAdapter(max_retries=retry))
            assert session.get(f"{web.url}/flaky").json()["ok"]
    else:
        with urllib3.PoolManager(retries=retry) as pool:
            assert pool.request("GET", f"{web.url}/flaky").status == 200
    assert [each["status"] for each in traced.exchanges()] == [503, 503, 200]
    tries = [(e["data"]["role"], e["data"]["attempt"]) for e in traced.exchanges()]
    assert tries == [("call", 1), ("retry", 2), ("retry", 3)]
    assert len(web.requests) == 3


@pytest.mark.parametrize(("name", "error"), [
    ("requests", requests.ConnectionError), ("httpx", httpx.RemoteProtocolError),
])  # fmt: skip
def test_no_answer_is_an_error_and_the_host_sees_its_own(
    name: str, error: type[Exception], web: Web, traced: Recording
) -> None:
    """A connection that drops ends the exchange without status; the exception stays the host's."""
    with pytest.raises(error):
        CLIENTS[name](f"{web.url}/drop")
    [end] = traced.exchanges()
    assert end["status"] is None
    assert end["data"]["error"]["message"]
    assert "response" not in end["data"]


def test_gzip_bodies_are_read_as_what_they_hold(web: Web, traced: Recording) -> None:
    """requests and httpx undo the encoding; what is kept is the same."""
    assert with_requests(f"{web.url}/gzip")[1] == ANSWER
    assert with_httpx(f"{web.url}/gzip")[1] == ANSWER
    kept = [each["data"]["response"]["body"]["json"]["ok"] for each in traced.exchanges()]
    assert kept == [True, True]


def test_transmissions_of_urllib3(web: Web, traced: Recording) -> None:
    """Connecting is a phase of its own, a kept connection is marked as used again."""
    with requests.Session() as session:
        session.get(f"{web.url}/json")
        session.get(f"{web.url}/json")
    wires = [each["data"]["wire"] for each in traced.exchanges()]
    [first], [second] = wires
    assert list(first["phases"]) == ["connect", "send", "wait", "read"]
    assert list(second["phases"]) == ["send", "wait", "read"]
    assert (first["reused"], second["reused"]) == (False, True)
    assert first["conn"] == second["conn"]
    assert web.url.endswith(first["peer"])
    assert first["sent"] > 100
    with pytest.raises(requests.ConnectionError):
        requests.get("http://127.0.0.1:9/", timeout=1)
    [refused] = traced.exchanges()[2]["data"]["wire"]
    assert refused["error"]


def test_a_stream_is_left_to_the_program(web: Web, traced: Recording) -> None:
    """With stream=True nothing is read ahead: the record ends at the headers."""
    with requests.get(f"{web.url}/big", stream=True) as answer:
        [end] = traced.exchanges()
        assert end["data"]["response"]["body"] == {
            "size": len(PADDING), "type": "application/octet-stream", "kept": "none",
            "stream": True,
        }  # fmt: skip
        assert b"".join(answer.iter_content(1000)) == PADDING
    body = iter([b"a", b"b"])
    requests.post(f"{web.url}/json", data=body, headers={"Content-Length": "2"})
    assert traced.exchanges()[1]["data"]["request"]["body"]["stream"] is True


def test_a_body_that_is_cut_off_is_an_error(web: Web, traced: Recording) -> None:
    """Headers had come, the body ended early: the host gets its exception, the record says so."""
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        requests.get(f"{web.url}/cut")
    [end] = traced.exchanges()
    assert end["status"] is None
    assert "IncompleteRead" in end["data"]["error"]["message"]


def test_answers_thrown_away_unread_are_recorded(web: Web, traced: Recording) -> None:
    """When a response hook raises, nobody reads the body; the record ends all the same."""

    def refuse(answer: Any, **_: Any) -> None:
        raise LookupError("refused")

    with pytest.raises(LookupError, match="refused"):
        requests.get(f"{web.url}/json", hooks={"response": refuse})
    gc.collect()
    [end] = traced.exchanges()
    assert end["status"] == 200
    assert end["data"]["response"]["body"]["stream"] is True


def test_answers_stay_what_they_were(web: Web, traced: Recording) -> None:
    """A response of requests pickles, iterates and repeats as without us."""
    answer = requests.get(f"{web.url}/json")
    assert pickle.loads(pickle.dumps(answer)).json() == answer.json()
    assert b"".join(answer.iter_content(7)) == ANSWER
    assert "iter_content" not in vars(answer)


def test_a_soap_request_is_a_call_of_ews(web: Web, traced: Recording) -> None:
    """The call is named by the SOAP action; a redirect within it is the same call."""
    url = f"{web.url}/EWS/Exchange.asmx"
    answer = requests.post(url, data=SOAP, headers={"Content-Type": "text/xml; charset=utf-8"})
    assert answer.status_code == 200
    [call] = traced.calls()
    assert (call["name"], call["topic"], call["status"]) == ("ews.CreateItem", "ews", 200)
    [exchange] = traced.exchanges()
    assert (exchange["topic"], exchange["parent"]) == ("ews", call["id"])
    sent = exchange["data"]["request"]["body"]["text"]
    assert "<m:CreateItem>" in sent
    assert "Confidentiel" not in traced.path.read_text("utf-8")


async def test_httpx_async(web: Web, traced: Recording) -> None:
    """The async client is recorded like the sync one."""
    async with httpx.AsyncClient() as client:
        assert (await client.get(f"{web.url}/json")).content == ANSWER
        with pytest.raises(httpx.RemoteProtocolError):
            await client.get(f"{web.url}/drop")
        async with client.stream("GET", f"{web.url}/big") as answer:
            assert answer.status_code == 200
    assert [each["status"] for each in traced.exchanges()] == [200, None, 200]
    assert traced.exchanges()[0]["data"]["response"]["body"]["json"]["ok"] is True


async def test_aiohttp_leaves_a_gap(web: Web, traced: Recording) -> None:
    """A transport that is not recorded is named by a gap, once, never passed over in silence."""
    import aiohttp

    async with aiohttp.ClientSession() as client:
        for _ in range(2):
            async with client.get(f"{web.url}/json") as answer:
                assert answer.status == 200
    assert traced.gaps() == [("unseen-transport", "aiohttp is not recorded")]


def test_a_urllib3_inside_another_library_is_no_secret(web: Web, traced: Recording) -> None:
    """The copies that pip and others carry are seen one layer below; version 2 can but be named."""
    vendored = pytest.importorskip("pip._vendor.urllib3", reason="a venv of uv has no pip")
    pool = vendored.PoolManager()
    with closing(pool.connection_from_url(web.url)) as connections:
        assert connections.request("GET", "/json").status == 200
        with pytest.raises(vendored.exceptions.MaxRetryError):
            connections.request("GET", "/drop", retries=0)
    assert web.requests == ["GET /json", "GET /drop"]
    if vendored.__version__ < "2":
        assert [each["status"] for each in traced.exchanges()] == [200, None]
        assert traced.exchanges()[0]["data"]["url"] == f"{web.url}/json"
        assert traced.gaps() == []
    else:
        named = "a request of pip._vendor.urllib3.connection.HTTPConnection is not recorded"
        assert traced.gaps() == [("unseen-transport", named)]


class Derived(HTTPConnection):
    """A connection as libraries derive them."""

    def __init__(self, host: str, port: int | None = None, **_: Any) -> None:
        super().__init__(host, port)


def test_a_connection_that_httplib2_is_given_is_recorded_once(web: Web, traced: Recording) -> None:
    """Whose class it is does not matter: httplib2 records what it sends through it."""
    http = httplib2.Http()
    http.request(f"{web.url}/json", connection_type=Derived)
    http.close()
    assert [each["status"] for each in traced.exchanges()] == [200]
    assert traced.gaps() == []


def test_requests_put_together_by_hand_leave_a_gap(web: Web, traced: Recording) -> None:
    """putrequest, putheader, endheaders: their requests are named, once a class of connection."""
    connection = Derived(web.url.removeprefix("http://"))
    for _ in range(2):
        connection.putrequest("GET", "/json")
        connection.endheaders()
        assert connection.getresponse().read() == ANSWER
    connection.close()
    named = f"a request of {__name__}.Derived is not recorded"
    assert traced.gaps() == [("unseen-transport", named)]
    assert traced.exchanges() == []


def test_http_client_itself(web: Web, traced: Recording) -> None:
    """http.client without anything above it is recorded, its errors too."""
    connection = HTTPConnection(web.url.removeprefix("http://"))
    connection.request("POST", "/json", b'{"password": "SECRETSECRETSECRET"}')
    assert connection.getresponse().read() == ANSWER
    connection.close()
    refused = HTTPConnection("127.0.0.1", 9, timeout=1)
    with pytest.raises(OSError, match=r"."):
        refused.request("GET", "/")
    good, bad = traced.exchanges()
    assert (good["status"], bad["status"]) == (200, None)
    assert b"SECRET" not in traced.path.read_bytes()


def test_off_means_nothing_is_written(web: Web, clean_environment: Path) -> None:
    """With debug off the seams are there and record nothing."""
    with recording(attach=False, on=False) as running:
        install(running.recorder)
        try:
            for client in CLIENTS.values():
                assert client(f"{web.url}/redirect")[0] == 200
        finally:
            uninstall()
        assert running.events() == [] or [e["kind"] for e in running.events()] == ["session"] * 2
