"""What the seams of google-api-python-client record, exchange by exchange."""

import io
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import httplib2
import pytest
from googleapiclient.errors import HttpError
from googleapiclient.http import BatchHttpRequest, HttpMock, MediaIoBaseDownload, MediaIoBaseUpload

from samples.sandbox import Sandbox, seed_world
from tests.support.capture import RAW, SUBJECT, Recording, recording, service
from tracer import control
from tracer.operation import operation


@pytest.fixture
def traced(clean_environment: Path) -> Iterator[Recording]:
    """Debug that is on, in this process."""
    with recording() as running:
        yield running


@pytest.fixture
def gmail(box: Sandbox, traced: Recording, tmp_path: Path) -> Iterator[Any]:
    """A Gmail client of the sandbox."""
    with closing(service(box, tmp_path)) as client:
        yield client


def quick(request: Any) -> Any:
    """Return `request` without the pauses between its tries."""
    request._sleep = lambda _: None
    return request


def roles(traced: Recording) -> list[str]:
    """Return the roles of the exchanges so far."""
    return [each["data"]["role"] for each in traced.exchanges()]


def send(gmail: Any) -> Any:
    """Send one small mail."""
    return gmail.users().messages().send(userId="me", body={"raw": RAW}).execute()


def test_a_call_hangs_under_its_operation_and_its_exchanges_under_the_call(
    gmail: Any, traced: Recording
) -> None:
    """operation → call → exchange, with the method id, the parameters and the scopes accepted."""
    with operation("send", "gmail") as running:
        send(gmail)
    [call] = traced.calls()
    assert (call["name"], call["parent"], call["op"]) == (
        "gmail.users.messages.send", running.id, running.root,
    )  # fmt: skip
    assert running.calls == [call["id"]]
    assert call["status"] == 200
    assert call["data"]["params"] == {"userId": "me"}
    assert call["data"]["http_method"] == "POST"
    assert "https://www.googleapis.com/auth/gmail.send" in call["data"]["scopes"]
    assert call["data"]["attempts"] == 1
    assert call["data"]["account"] == SUBJECT
    token, sent = traced.exchanges()
    assert {token["parent"], sent["parent"]} == {call["id"]}
    assert (token["topic"], token["data"]["role"]) == ("auth", "token")
    assert (sent["topic"], sent["data"]["role"], sent["data"]["attempt"]) == ("gmail", "call", 1)


def test_a_token_request_names_subject_and_scopes_and_its_token_is_known_later(
    gmail: Any, traced: Recording
) -> None:
    """The decoded assertion says who and what for; the exchange that uses the token too."""
    send(gmail)
    token, sent = traced.exchanges()
    assert token["data"]["subject"] == SUBJECT
    assert "https://www.googleapis.com/auth/gmail.send" in token["data"]["scopes"]
    assert sent["data"]["subject"] == SUBJECT
    assert f"#{sent['data']['token']}⟩" in sent["data"]["request"]["headers"]["authorization"]
    answer = token["data"]["response"]["body"]["json"]["access_token"]
    assert f"#{sent['data']['token']}⟩" in answer


def test_nothing_secret_reaches_the_file(
    gmail: Any, traced: Recording, box: Sandbox, tmp_path: Path
) -> None:
    """Neither the token, nor the assertion's signature, nor the mail."""
    send(gmail)
    trace = traced.path.read_bytes()
    for secret in (RAW[:40].encode(), b"planned", b"hello", b"PRIVATE KEY"):
        assert secret not in trace
    token = gmail._http.credentials.token
    assert token.encode() not in trace


def test_each_retry_of_the_client_is_an_exchange(
    gmail: Any, traced: Recording, box: Sandbox
) -> None:
    """Two 503 and a success: three exchanges, attempts 1 to 3, one call of three attempts."""
    send(gmail)
    box.fault("503-twice")
    quick(gmail.users().messages().list(userId="me")).execute(num_retries=2)
    tries = [each for each in traced.exchanges() if each["name"].startswith("GET")]
    assert [(each["status"], each["data"]["role"], each["data"]["attempt"]) for each in tries] == [
        (503, "call", 1), (503, "retry", 2), (200, "retry", 3),
    ]  # fmt: skip
    assert traced.calls()[-1]["data"]["attempts"] == 3


def test_a_401_is_recorded_with_its_new_token_and_its_replay(
    gmail: Any, traced: Recording, box: Sandbox
) -> None:
    """A real 401, a token request, and the same request again: three exchanges of one call."""
    send(gmail)
    box.revoke_tokens()
    gmail.users().labels().list(userId="me").execute()
    assert roles(traced)[2:] == ["call", "token", "replay-401"]
    assert [each["status"] for each in traced.exchanges()[2:]] == [401, 200, 200]


def test_a_redirect_hop_is_an_exchange_of_its_own(
    gmail: Any, traced: Recording, box: Sandbox
) -> None:
    """httplib2 follows by itself; the trace has both."""
    box.fault("redirect")
    gmail.users().labels().list(userId="me").execute()
    assert roles(traced) == ["token", "call", "redirect"]
    assert traced.exchanges()[1]["status"] == 302


def test_a_hidden_resend_is_two_transmissions_of_one_exchange(
    gmail: Any, traced: Recording, box: Sandbox
) -> None:
    """The mail went out twice on two connections with the same bytes, and the trace says so."""
    send(gmail)
    box.fault("drop-after")
    send(gmail)
    assert len(box.sent) == 3
    last = traced.exchanges()[-1]
    assert last["status"] == 200
    first, second = last["data"]["wire"]
    assert (first["n"], first["reused"], first["error"]) == (1, True, "RemoteDisconnected")
    assert (second["n"], second["reused"]) == (2, False)
    assert "error" not in second
    assert first["conn"] != second["conn"]
    assert first["digest"] == second["digest"]
    assert first["sent"] == second["sent"] > 100


def test_phases_are_recorded_of_a_connection_that_was_open_before(
    box: Sandbox, clean_environment: Path, tmp_path: Path
) -> None:
    """Debug is switched on between two calls: the second shows send, wait and read, no connect."""
    with recording(on=False) as traced, ExitStack() as stack:
        gmail = stack.enter_context(closing(service(box, tmp_path)))
        send(gmail)
        state, _ = control.turn_on("later")
        traced.recorder.look_again = traced.recorder.off_until = 0.0
        traced.recorder.watch.look_again = 0.0
        send(gmail)
        later = Recording(traced.recorder, state)
        [exchange] = later.exchanges()
    [wire] = exchange["data"]["wire"]
    assert wire["reused"] is True
    assert set(wire["phases"]) == {"send", "wait", "read"}
    assert wire["peer"] == box.url.removeprefix("http://")


def test_connecting_with_tls_has_its_phases(clean_environment: Path, tmp_path: Path) -> None:
    """dns, connect and tls are told apart, over HTTPS too; the URL keeps its scheme."""
    with Sandbox(seed_world(), tls=True) as box, recording() as traced:
        http = httplib2.Http(timeout=10, ca_certs=str(box.ca_file(tmp_path / "ca.pem")))
        with closing(service(box, tmp_path, http=http)) as client:
            send(client)
        token, sent = traced.exchanges()
    assert set(token["data"]["wire"][0]["phases"]) == {
        "dns", "connect", "tls", "send", "wait", "read",
    }  # fmt: skip
    assert set(sent["data"]["wire"][0]["phases"]) == {"send", "wait", "read"}
    assert token["data"]["url"].startswith("https://127.0.0.1:")


def test_a_connection_is_itself_again_after_the_exchange(gmail: Any, traced: Recording) -> None:
    """The class of a connection is changed for the exchange only."""
    send(gmail)
    [connection] = gmail._http.http.connections.values()
    assert type(connection) is httplib2.HTTPConnectionWithTimeout
    assert "_tracer_wire" not in vars(connection)


def test_an_unreachable_server_leaves_an_exchange_without_a_status(
    traced: Recording, unused_port: int
) -> None:
    """A refused connection: status null, the exception, the connect phase."""
    http = httplib2.Http(timeout=5)
    with pytest.raises(ConnectionRefusedError):
        http.request(f"http://127.0.0.1:{unused_port}/gmail/v1/x")
    [exchange] = traced.exchanges()
    assert exchange["status"] is None
    assert "response" not in exchange["data"]
    assert exchange["data"]["error"]["type"] == "ConnectionRefusedError"
    assert exchange["data"]["wire"][0]["error"] == "ConnectionRefusedError"
    assert exchange["parent"] is None


@pytest.fixture
def unused_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def test_an_error_answer_ends_the_call_with_its_status_and_exception(
    gmail: Any, traced: Recording
) -> None:
    """404: the call's status is the last exchange's, its error the exception the program got."""
    with pytest.raises(HttpError):
        gmail.users().messages().get(userId="me", id="nope").execute()
    [call] = traced.calls()
    assert call["status"] == 404
    assert call["data"]["error"]["type"] == "googleapiclient.errors.HttpError"


def test_a_resumable_upload_is_one_call_of_chunks(gmail: Any, traced: Recording) -> None:
    """The session request, then one exchange for each chunk; the stream is never read by us."""
    content = b"From: a@masoc.com\r\nTo: b@masoc.com\r\n\r\n" + b"x" * 600_000
    stream = io.BytesIO(content)
    media = MediaIoBaseUpload(stream, "message/rfc822", chunksize=262_144, resumable=True)
    request = gmail.users().messages().send(userId="me", media_body=media)
    body = None
    while body is None:
        _, body = request.next_chunk()
    assert roles(traced) == ["token", "call", "chunk", "chunk", "chunk"]
    [call] = traced.calls()
    assert call["data"]["attempts"] == 4
    chunk = traced.exchanges()[2]
    assert chunk["data"]["request"]["body"]["stream"] is True
    assert chunk["data"]["request"]["body"]["size"] == 262_144
    assert chunk["data"]["wire"][0]["sent"] > 262_144
    assert chunk["status"] == 308


def test_a_resumable_upload_by_execute_is_one_call(gmail: Any, traced: Recording) -> None:
    """execute() runs the chunks itself: still one call."""
    stream = io.BytesIO(b"From: a@masoc.com\r\nTo: b@masoc.com\r\n\r\nx")
    media = MediaIoBaseUpload(stream, "message/rfc822", resumable=True)
    gmail.users().messages().send(userId="me", media_body=media).execute()
    assert len(traced.calls()) == 1
    assert roles(traced) == ["token", "call", "chunk"]


def test_a_media_download_is_one_call_of_ranges(gmail: Any, traced: Recording) -> None:
    """MediaIoBaseDownload bypasses execute(); its chunks hang under one call all the same."""
    found = gmail.users().messages().list(userId="me").execute()["messages"][0]["id"]
    request = gmail.users().messages().get(userId="me", id=found)
    download = MediaIoBaseDownload(io.BytesIO(), request)
    done = False
    while not done:
        _, done = download.next_chunk()
    assert roles(traced)[-1] == "media"
    assert traced.calls()[-1]["name"] == "gmail.users.messages.get"


def test_each_part_of_a_batch_is_a_call_with_an_exchange(gmail: Any, traced: Recording) -> None:
    """Method id, status and redacted body of each part; all say which post carried them."""
    messages = gmail.users().messages()
    found = messages.list(userId="me").execute()["messages"]
    answers: dict[str, Any] = {}
    batch = gmail.new_batch_http_request(
        callback=lambda key, body, error: answers.update({key: error or body})
    )
    batch.add(messages.get(userId="me", id=found[0]["id"]), request_id="first")
    batch.add(messages.get(userId="me", id="nope"), request_id="second")
    with operation("read mailbox", "gmail") as running:
        batch.execute()
    assert set(answers) == {"first", "second"}
    post = next(each for each in traced.exchanges() if each["data"]["role"] == "batch")
    parts = [each for each in traced.exchanges() if each["data"]["role"] == "part"]
    assert {part["topic"] for part in parts} == {"gmail"}
    assert post["parent"] == running.id
    assert [(each["status"], each["data"]["content_id"]) for each in parts] == [
        (200, "first"), (404, "second"),
    ]  # fmt: skip
    assert {each["data"]["batch"] for each in parts} == {post["id"]}
    calls = traced.calls()[-2:]
    assert [each["parent"] for each in parts] == [each["id"] for each in calls]
    assert {each["parent"] for each in calls} == {running.id}
    assert {each["name"] for each in calls} == {"gmail.users.messages.get"}
    assert parts[0]["data"]["response"]["body"]["json"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_the_inner_401_round_of_a_batch_is_recorded_with_its_token_request(
    gmail: Any, traced: Recording, box: Sandbox
) -> None:
    """Parts refused with 401 travel in a second post, after a refresh by a transport of its own.

    (The library never closes that transport: hence the warning.)
    """
    messages = gmail.users().messages()
    messages.list(userId="me").execute()
    batch: BatchHttpRequest = gmail.new_batch_http_request()
    batch.add(messages.list(userId="me"))
    batch.add(gmail.users().labels().list(userId="me"))
    box.revoke_tokens()
    batch.execute()
    assert roles(traced)[2:] == ["batch", "part", "part", "token", "batch", "part", "part"]
    parts = [each for each in traced.exchanges() if each["data"]["role"] == "part"]
    assert {part["topic"] for part in parts} == {"gmail"}
    assert [(each["status"], each["data"]["attempt"]) for each in parts] == [
        (401, 1), (401, 1), (200, 2), (200, 2),
    ]  # fmt: skip
    assert [call["data"]["attempts"] for call in traced.calls()[-2:]] == [2, 2]


def test_a_transport_that_replaces_ours_leaves_a_gap(gmail: Any, traced: Recording) -> None:
    """HttpMock answers without httplib2: the call is there, and the gap names the transport."""
    mock = HttpMock(headers={"status": "200"})
    mock.data = b"{}"
    gmail.users().labels().list(userId="me").execute(http=mock)
    [call] = traced.calls()
    assert call["status"] is None
    assert traced.gaps() == [
        ("unseen-transport", "gmail.users.labels.list went through googleapiclient.http.HttpMock")
    ]


@pytest.mark.parametrize("fault", ["hang-before", "hang"])
def test_a_call_that_waits_is_in_the_file_before_its_answer(
    gmail: Any, box: Sandbox, traced: Recording, fault: str
) -> None:
    """On a connection that is open already: both start lines stand while the server keeps still."""
    gmail._http.http.timeout = 4
    profile = gmail.users().getProfile(userId="me")
    profile.execute()
    box.fault(fault)

    def wait() -> None:
        with pytest.raises(TimeoutError):
            profile.execute()

    waiting = threading.Thread(target=wait)
    waiting.start()
    starts: list[str] = []
    while len(starts) < 5 and waiting.is_alive():  # of two calls; the first asked for a token
        starts = [
            e["kind"] for e in traced.events(phase="start") if e["parent"] or e["kind"] == "call"
        ]
    assert starts == ["call", "exchange", "exchange", "call", "exchange"]
    assert waiting.is_alive()
    waiting.join()


def test_what_reached_the_program_is_in_the_file(gmail: Any, traced: Recording) -> None:
    """When a call returns, its end line and its exchange's are written, in this order."""
    send(gmail)
    send(gmail)
    ends = [(e["kind"], e["id"]) for e in traced.events() if e["phase"] == "end"]
    assert [kind for kind, _ in ends[-2:]] == ["exchange", "call"]
    assert len(traced.calls()) == 2
    numbers = [e["seq"] for e in traced.events()]
    assert numbers == sorted(numbers)


def run_all(threads: list[threading.Thread]) -> None:
    """Start all threads and wait for all."""
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_threads_record_side_by_side(box: Sandbox, traced: Recording, tmp_path: Path) -> None:
    """Four threads with transports of their own: each call has its own exchanges."""

    def work(client: Any) -> None:
        for _ in range(5):
            client.users().labels().list(userId="me").execute()

    with ExitStack() as stack:
        clients = [stack.enter_context(closing(service(box, tmp_path))) for _ in range(4)]
        run_all([threading.Thread(target=work, args=(client,)) for client in clients])
    calls = {each["id"] for each in traced.calls()}
    assert len(calls) == 20
    assert len(traced.exchanges()) == 24  # a token each
    assert {each["parent"] for each in traced.exchanges()} == calls
    sequence = sorted(each["seq"] for each in traced.events() if each["kind"] != "session")
    assert sequence[-1] - sequence[0] == len(sequence) - 1


def test_a_long_query_keeps_its_logical_verb(gmail: Any, traced: Recording) -> None:
    """A GET beyond 2,048 characters travels as POST; the call says GET."""
    gmail.users().messages().list(userId="me", q="x" * 2100).execute()
    [call] = traced.calls()
    assert call["data"]["http_method"] == "GET"
    assert traced.exchanges()[-1]["name"].startswith("POST ")


def test_the_class_is_as_it_was_after_detaching() -> None:
    """Attaching twice changes nothing more, and detaching restores the very same functions."""
    before = (httplib2.Http.__dict__["_conn_request"], BatchHttpRequest.__dict__["execute"])
    with recording() as traced:
        assert traced.recorder.hooks == ["httplib2", "googleapiclient"]
        from tracer.capture import google

        undo = google.attach(traced.recorder)
        inside = httplib2.Http.__dict__["_conn_request"]
        undo()
        assert httplib2.Http.__dict__["_conn_request"] is inside
    assert (
        httplib2.Http.__dict__["_conn_request"],
        BatchHttpRequest.__dict__["execute"],
    ) == before


def test_a_seam_that_somebody_wrapped_stays_and_only_passes_through(
    box: Sandbox, clean_environment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Detaching beneath another patch must neither break it nor go on recording."""
    with recording() as traced:
        ours: Any = httplib2.Http.__dict__["_conn_request"]
        monkeypatch.setattr(httplib2.Http, "_conn_request", lambda *args: ours(*args))
        original = ours.__wrapped__
    try:
        control.turn_on("again")
        with closing(service(box, tmp_path)) as client:
            send(client)
        assert len(box.sent) == 1
        assert control.sessions()
        assert traced.events("exchange") == []
    finally:
        monkeypatch.undo()
        httplib2.Http._conn_request = original  # type: ignore[attr-defined]
        control.turn_off()
