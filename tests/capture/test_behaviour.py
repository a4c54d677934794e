"""One suite, run bare and traced: same results, same exceptions, same requests on the wire."""

import asyncio
import copy
import io
import json
import pickle
import re
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import google_auth_httplib2
import httplib2
import pytest
from googleapiclient import http as client

from samples.sandbox import Sandbox, seed_world
from tests.support.capture import RAW, credentials, recording, service
from tracer.capture import google
from tracer.capture.http import TracedHttp
from tracer.capture.recorder import Recorder

Scenario = Callable[[Sandbox, Any], Any]
AT = 1_795_000_000.0


def quick(request: Any) -> Any:
    """Return `request` without the pauses between its tries."""
    request._sleep = lambda _: None
    return request


def send(box: Sandbox, gmail: Any) -> Any:
    """Send one mail."""
    return gmail.users().messages().send(userId="me", body={"raw": RAW}).execute()["labelIds"]


def read_a_message(box: Sandbox, gmail: Any) -> Any:
    """List, then get."""
    messages = gmail.users().messages()
    found = messages.list(userId="me", maxResults=1).execute()["messages"]
    return messages.get(userId="me", id=found[0]["id"]).execute()["payload"]


def pages(box: Sandbox, gmail: Any) -> Any:
    """Follow list_next to the end."""
    messages, count = gmail.users().messages(), 0
    request = messages.list(userId="me", maxResults=1)
    while request is not None:
        answer = request.execute()
        count += len(answer["messages"])
        request = messages.list_next(request, answer)
    return count


def not_found(box: Sandbox, gmail: Any) -> Any:
    """404."""
    return gmail.users().messages().get(userId="me", id="nope").execute()


def retries(box: Sandbox, gmail: Any) -> Any:
    """503 twice, then an answer."""
    box.fault("503-twice")
    return quick(gmail.users().labels().list(userId="me")).execute(num_retries=3)


def retries_in_vain(box: Sandbox, gmail: Any) -> Any:
    """503 to the end."""
    box.fault("500-backend", times=0)
    return quick(gmail.users().labels().list(userId="me")).execute(num_retries=2)


def new_token(box: Sandbox, gmail: Any) -> Any:
    """A real 401 between two calls."""
    send(box, gmail)
    box.revoke_tokens()
    return send(box, gmail)


def refresh_refused(box: Sandbox, gmail: Any) -> Any:
    """The token endpoint does not know the subject."""
    gmail._http.credentials._subject = "nobody@masoc.com"
    return send(box, gmail)


def redirected(box: Sandbox, gmail: Any) -> Any:
    """302 to the same resource."""
    box.fault("redirect")
    return gmail.users().labels().list(userId="me").execute()


def dropped(box: Sandbox, gmail: Any) -> Any:
    """The keep-alive connection ends after the mail was taken: httplib2 sends it twice."""
    send(box, gmail)
    box.fault("drop-after")
    return send(box, gmail)


def dropped_for_good(box: Sandbox, gmail: Any) -> Any:
    """Every transmission is dropped."""
    box.fault("drop-before", times=0)
    return send(box, gmail)


def timed_out(box: Sandbox, gmail: Any) -> Any:
    """No answer within the timeout."""
    send(box, gmail)
    gmail._http.http.timeout = 0.3
    gmail._http.http.close()
    box.fault("hang", times=0)
    return send(box, gmail)


def half_an_answer(box: Sandbox, gmail: Any) -> Any:
    """200 and half of the JSON."""
    send(box, gmail)
    box.fault("truncated-json")
    return gmail.users().labels().list(userId="me").execute()


def packed(box: Sandbox, gmail: Any) -> Any:
    """A gzip body."""
    box.fault("gzip", times=0)
    return gmail.users().labels().list(userId="me").execute()


def a_page_of_html(box: Sandbox, gmail: Any) -> Any:
    """The front end's 502."""
    box.fault("html-502")
    return send(box, gmail)


def rate_limited(box: Sandbox, gmail: Any) -> Any:
    """429 with a time."""
    box.fault("rate-limit", seconds=0)
    return send(box, gmail)


def batch(box: Sandbox, gmail: Any) -> Any:
    """Two parts, one of them 404, with callbacks."""
    answers: list[Any] = []
    made = gmail.new_batch_http_request(
        callback=lambda key, body, error: answers.append((key, body, outcome_of(error)))
    )
    made.add(gmail.users().labels().list(userId="me"))
    made.add(gmail.users().messages().get(userId="me", id="nope"), request_id="mine")
    made.execute()
    return answers


def batch_refused_inside(box: Sandbox, gmail: Any) -> Any:
    """The parts get 401, a new token and a second post."""
    send(box, gmail)
    box.revoke_tokens()
    return batch(box, gmail)


def resumable(box: Sandbox, gmail: Any) -> Any:
    """A stream in three chunks; the program sees the progress."""
    stream = io.BytesIO(b"From: a@masoc.com\r\nTo: b@masoc.com\r\n\r\n" + b"x" * 600_000)
    media = client.MediaIoBaseUpload(stream, "message/rfc822", chunksize=262_144, resumable=True)
    request = gmail.users().messages().send(userId="me", media_body=media)
    seen, body = [], None
    while body is None:
        progress, body = request.next_chunk()
        seen.append(progress.resumable_progress if progress else None)
    return seen, body["labelIds"], stream.tell()


def multipart(box: Sandbox, gmail: Any) -> Any:
    """Media with metadata in one request."""
    mail = b"From: a@masoc.com\r\nTo: b@masoc.com\r\n\r\nx"
    media = client.MediaInMemoryUpload(mail, "message/rfc822")
    users = gmail.users().messages()
    return users.send(userId="me", body={}, media_body=media).execute()["labelIds"]


def download(box: Sandbox, gmail: Any) -> Any:
    """MediaIoBaseDownload."""
    target = io.BytesIO()
    download = client.MediaIoBaseDownload(target, gmail.users().labels().list(userId="me"))
    done = False
    while not done:
        _, done = download.next_chunk()
    return json.loads(target.getvalue())


def changed_transport(box: Sandbox, gmail: Any) -> Any:
    """set_user_agent and tunnel_patch put functions of their own onto the transport."""
    changed: Any = client
    changed.set_user_agent(gmail._http.http, "harmony/1.0")
    changed.tunnel_patch(gmail._http)
    return send(box, gmail)


def copied(box: Sandbox, gmail: Any) -> Any:
    """google-auth deep-copies transports; pickling drops connections."""
    send(box, gmail)
    twin = copy.deepcopy(gmail._http.http)
    other = pickle.loads(pickle.dumps(twin))
    with closing(twin), closing(other):
        answers = [each.request(f"{box.url}/gmail/v1/users/me/labels")[0] for each in (twin, other)]
    return [answer.status for answer in answers], type(other).__name__


def plain_transport(box: Sandbox, gmail: Any) -> Any:
    """No client, no credentials: 401, and the response object."""
    with closing(httplib2.Http()) as http:
        response, content = http.request(f"{box.url}/gmail/v1/users/me/labels", headers={"A": "b"})
    return response.status, response["content-type"], type(content).__name__


def callbacks(box: Sandbox, gmail: Any) -> Any:
    """add_response_callback sees the final response."""
    seen: list[int] = []
    request = gmail.users().labels().list(userId="me")
    request.add_response_callback(lambda response: seen.append(response.status))
    request.execute()
    return seen, sorted(json.loads(request.to_json()))


def by_position(box: Sandbox, gmail: Any) -> Any:
    """The library warns of positional arguments, and goes on."""
    return gmail.users().labels().list(userId="me").execute(gmail._http)


def unknown_argument(box: Sandbox, gmail: Any) -> Any:
    """A TypeError of the library's."""
    return gmail.users().labels().list(userId="me").execute(retries=3)


def in_executors(box: Sandbox, gmail: Any) -> Any:
    """asyncio runs the client in threads."""
    request = gmail.users().labels().list

    async def work() -> list[Any]:
        loop = asyncio.get_running_loop()
        first = await loop.run_in_executor(None, request(userId="me").execute)
        return [first, await asyncio.to_thread(request(userId="me").execute)]

    return asyncio.run(work())


def in_a_thread(box: Sandbox, gmail: Any) -> Any:
    """A plain thread, with no context of its own."""
    answers: list[Any] = []
    thread = threading.Thread(target=lambda: answers.append(send(box, gmail)))
    thread.start()
    thread.join()
    return answers


def certificates(box: Sandbox, gmail: Any) -> Any:
    """The attributes that programs reach for on a transport."""
    http = gmail._http.http
    http.add_certificate("key", "cert", "example.com")
    return http.timeout, http.follow_redirects, 308 in http.redirect_codes, type(http).__mro__[-2:]


SCENARIOS = [
    send, read_a_message, pages, not_found, retries, retries_in_vain, new_token, refresh_refused,
    redirected, dropped, dropped_for_good, timed_out, half_an_answer, packed, a_page_of_html,
    rate_limited, batch, batch_refused_inside, resumable, multipart, download, changed_transport,
    copied, plain_transport, callbacks, by_position, unknown_argument, in_executors, in_a_thread,
    certificates,
]  # fmt: skip


def outcome_of(error: BaseException | None) -> Any:
    """Return type and message of an exception."""
    return error and (type(error).__name__, str(error), sorted(vars(error)))


def play(scenario: Scenario, folder: Path, http: Any = None, builder: Any = None) -> Any:
    """Return what a scenario returns or raises, and what it puts on the wire."""
    with Sandbox(seed_world(at=AT)) as box:
        options = {"requestBuilder": builder} if builder else {}
        with closing(service(box, folder, http=http, **options)) as gmail:
            try:
                outcome = ("returned", scenario(box, gmail))
            except Exception as error:
                outcome = ("raised", outcome_of(error))
        wire = [
            (seen.method, seen.path, seen.query, seen.status, seen.size) for seen in box.requests
        ]
        port = box.url.rpartition(":")[2]
    return normal(outcome, port), normal(wire, port)


_bare: dict[Scenario, Any] = {}


def bare(scenario: Scenario, folder: Path) -> Any:
    """Return what `play` says without any of ours; played once."""
    if scenario not in _bare:
        _bare[scenario] = play(scenario, folder)
    return _bare[scenario]


def normal(value: Any, port: str) -> str:
    """Return `value` as text without what differs from run to run."""
    text = repr(value).replace(port, "PORT")
    text = re.sub(r"(sandbox_ticket|upload_id|pageToken)=[\w%~-]+", r"\1=X", text)
    text = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "TIME", text)
    text = text.replace("TracedHttpRequest.", "HttpRequest.")
    return re.sub(r"\('POST', '/token', '', (\w+), \d+\)", r"('POST', '/token', '', \1, N)", text)


pytestmark = pytest.mark.filterwarnings(
    # the library leaves the refresh transport of a batch open; see batch_refused_inside
    "ignore::pytest.PytestUnraisableExceptionWarning"
)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_a_program_behaves_the_same_under_debug(
    scenario: Scenario, clean_environment: Path, tmp_path: Path
) -> None:
    """Attached to the process: result or exception and the wire are those of the bare run."""
    before = bare(scenario, tmp_path)
    with recording() as traced:
        assert play(scenario, tmp_path) == before
        sent = sum(
            each["sent"] > 0
            for exchange in traced.exchanges()
            for each in exchange["data"].get("wire", ())
        )
        assert sent == before[1].count("('")  # each transmission is in the trace, once
        gaps = [name for name, _ in traced.gaps()]
    assert "internal-error" not in gaps
    assert "unseen-transport" not in gaps


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_a_program_behaves_the_same_with_the_traced_transport(
    scenario: Scenario, clean_environment: Path, tmp_path: Path
) -> None:
    """Built in by hand, without any patch: the same again."""
    before = bare(scenario, tmp_path)
    with recording(attach=False) as traced:
        http = google.http(traced.recorder)
        builder = google.request_builder(traced.recorder)
        found = play(scenario, tmp_path, http=http, builder=builder)
    if scenario is copied:
        found = (found[0].replace("TracedHttp", "Http"), found[1])
    assert found == before
    assert "internal-error" not in [name for name, _ in traced.gaps()]


def test_both_ways_at_once_record_each_exchange_once(
    clean_environment: Path, tmp_path: Path
) -> None:
    """The traced transport in an attached process: joined, not doubled."""
    with recording() as traced:
        http = google.http(traced.recorder)
        builder = google.request_builder(traced.recorder)
        _, wire = play(retries, tmp_path, http=http, builder=builder)
        assert len(traced.exchanges()) == wire.count("('") == 4
        assert len(traced.calls()) == 1


def test_a_copy_of_a_traced_transport_records_and_a_pickle_does_not(
    clean_environment: Path,
) -> None:
    """google-auth copies its transport; another process has no recorder."""
    with recording(attach=False) as traced:
        http: TracedHttp = google.http(traced.recorder)
        assert copy.deepcopy(http).recorder is traced.recorder
        assert pickle.loads(pickle.dumps(http)).recorder is None


def test_credentials_are_found_through_a_traced_transport(
    clean_environment: Path, tmp_path: Path
) -> None:
    """Batches look for `.credentials` on the transport to refresh an inner 401."""
    with Sandbox(seed_world()) as box, closing(Recorder()) as recorder:
        made = credentials(box, tmp_path)
        authorized = google_auth_httplib2.AuthorizedHttp(made, http=google.http(recorder))
        assert authorized.credentials is made
        assert isinstance(authorized.http, httplib2.Http)
