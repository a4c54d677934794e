"""Every fault by name does what its line of the table says."""

import json
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import Any

import httplib2
import pytest
from google.auth.exceptions import RefreshError
from googleapiclient.errors import HttpError

from samples.sandbox import Sandbox
from samples.sandbox.client import MAIL
from samples.sandbox.errors import API, HTML, TOKEN
from samples.sandbox.faults import TABLE
from tests.sandbox.conftest import mail, raw

DUPOND = "dupond@masoc.com"
Connect = Callable[..., Any]

ANSWERS = {
    "scope": (403, "Request had insufficient authentication scopes."),
    "503-twice": (503, "Service unavailable"),
    "500-backend": (500, "Backend Error"),
    "html-502": (502, ""),
    "413": (413, ""),
    "rate-limit": (429, "User-rate limit exceeded.  Retry after 2"),
    "quota-403": (403, "Rate Limit Exceeded"),
    "quota-metric": (403, "Quota exceeded for quota metric"),
    "exhausted": (429, "Resource has been exhausted"),
    "too-many-concurrent": (429, "Too many concurrent requests for user"),
    "api-off": (403, "Gmail API has not been used in project"),
    "delegation-denied": (403, "Delegation denied for dupond@masoc.com"),
    "domain-policy": (403, "The domain administrators have disabled Gmail apps."),
    "no-mailbox": (400, "Mail service not enabled"),
    "no-subject": (400, "Precondition check failed."),
    "bad-to": (400, "Invalid To header"),
}
TOKEN_FAULTS = (
    "unauthorized-client",
    "access-denied",
    "invalid-grant-email",
    "sa-deleted",
    "bad-signature",
)


@pytest.mark.parametrize("name", ANSWERS)
def test_answered_instead_of_processed(box: Sandbox, connect: Connect, name: str) -> None:
    """The body is Google's own, nothing is sent, and the fault ends by itself."""
    status, text = ANSWERS[name]
    send = connect("gmail", DUPOND, MAIL).users().messages().send(userId="me", body=raw(mail()))
    box.fault(name)
    with pytest.raises(HttpError) as caught:
        send.execute()
    assert caught.value.status_code == status
    assert caught.value.reason.startswith(text)
    assert box.sent == []
    assert box.requests[-1].faults == (name,)
    for _ in range((TABLE[name].times or 1) - 1):
        with pytest.raises(HttpError):
            send.execute()
    send.execute()
    assert len(box.sent) == 1


@pytest.mark.parametrize("name", TOKEN_FAULTS)
def test_token_refused(box: Sandbox, connect: Connect, name: str) -> None:
    """A token fault fails the call before it is made."""
    box.fault(name)
    with pytest.raises(RefreshError) as caught:
        connect("gmail", DUPOND, MAIL).users().getProfile(userId="me").execute()
    assert TOKEN[name][1] in str(caught.value)
    assert [seen.status for seen in box.requests] == [TOKEN[name][0]]


def test_not_admin(box: Sandbox, connect: Connect) -> None:
    """The Directory's refusal."""
    box.fault("not-admin")
    users = connect("admin", "admin@masoc.com", "admin.directory.user").users()
    with pytest.raises(HttpError, match="Not Authorized to access this resource/api"):
        users.list(customer="my_customer").execute()


def test_history_too_old(box: Sandbox, connect: Connect) -> None:
    """history.list answers 404."""
    box.fault("history-too-old")
    history = connect("gmail", DUPOND, MAIL).users().history()
    with pytest.raises(HttpError) as caught:
        history.list(userId="me", startHistoryId="1003").execute()
    assert caught.value.status_code == 404


def test_sync_expired(box: Sandbox, connect: Connect) -> None:
    """events.list answers 410."""
    box.fault("sync-expired")
    events = connect("calendar", DUPOND, "calendar").events()
    with pytest.raises(HttpError) as caught:
        events.list(calendarId="primary").execute()
    assert caught.value.status_code == 410


def test_drop_after_makes_a_duplicate(box: Sandbox, connect: Connect) -> None:
    """httplib2 silently sends again when the answer to a processed request is lost."""
    users = connect("gmail", DUPOND, MAIL).users()
    users.getProfile(userId="me").execute()
    box.fault("drop-after", match="gmail.users.messages.send")
    users.messages().send(userId="me", body=raw(mail())).execute()
    assert len(box.sent) == 2
    lost, answered = box.requests[-2:]
    assert (lost.status, answered.status) == (None, 200)
    assert lost.digest == answered.digest
    assert lost.connection != answered.connection


def test_drop_before_is_not_processed(box: Sandbox, connect: Connect) -> None:
    """A connection closed before processing costs a transmission, but sends once."""
    send = connect("gmail", DUPOND, MAIL).users().messages().send(userId="me", body=raw(mail()))
    box.fault("drop-before", match="gmail.*")
    send.execute()
    assert len(box.sent) == 1
    assert [seen.status for seen in box.requests] == [200, None, 200]


@pytest.mark.parametrize(("name", "sent"), [("hang", 1), ("hang-before", 0)])
def test_hang_ends_with_the_client(box: Sandbox, connect: Connect, name: str, sent: int) -> None:
    """A request that is never answered runs into the client's own timeout."""
    http = httplib2.Http(timeout=0.3)
    messages = connect("gmail", DUPOND, MAIL, http=http).users().messages()
    box.fault(name, match="gmail.*")
    with pytest.raises(TimeoutError):
        messages.send(userId="me", body=raw(mail())).execute()
    assert len(box.sent) == sent


def test_new_token_after_401(box: Sandbox, connect: Connect) -> None:
    """After one 401 the client gets a new token and plays the call again."""
    box.fault("401-once")
    connect("gmail", DUPOND, MAIL).users().getProfile(userId="me").execute()
    assert [(seen.kind, seen.status) for seen in box.requests] == [
        ("token", 200),
        ("call", 401),
        ("token", 200),
        ("call", 200),
    ]


def test_revoked_tokens_are_a_real_401(box: Sandbox, connect: Connect) -> None:
    """A token that is forgotten is no longer good."""
    users = connect("gmail", DUPOND, MAIL).users()
    users.getProfile(userId="me").execute()
    box.revoke_tokens()
    users.getProfile(userId="me").execute()
    assert [seen.status for seen in box.requests][2:] == [401, 200, 200]


def test_retries_get_over_503_twice(box: Sandbox, connect: Connect) -> None:
    """Two retries of the client reach the answer."""
    request = connect("gmail", DUPOND, MAIL).users().getProfile(userId="me")
    request._sleep = lambda seconds: None
    box.fault("503-twice")
    assert request.execute(num_retries=2)["emailAddress"] == DUPOND
    assert [seen.status for seen in box.requests] == [200, 503, 503, 200]


@pytest.mark.parametrize("name", ["slow", "slow-body", "gzip"])
def test_slow_and_compressed_answers_are_whole(box: Sandbox, connect: Connect, name: str) -> None:
    """Delay and compression change nothing in the answer."""
    box.fault(name, match="gmail.*", **({} if name == "gzip" else {"ms": 20}))
    profile = connect("gmail", DUPOND, MAIL).users().getProfile(userId="me").execute()
    assert profile["emailAddress"] == DUPOND
    assert box.requests[-1].faults == (name,)


def test_truncated_json_is_a_string(box: Sandbox, connect: Connect) -> None:
    """Half of a JSON answer comes out of the client as text, without an exception."""
    box.fault("truncated-json", match="gmail.*")
    answer = connect("gmail", DUPOND, MAIL).users().getProfile(userId="me").execute()
    assert isinstance(answer, str)


def test_redirect_is_followed(box: Sandbox, connect: Connect) -> None:
    """A redirected GET arrives, though the client drops the token on the way."""
    box.fault("redirect")
    profile = connect("gmail", DUPOND, MAIL).users().getProfile(userId="me").execute()
    assert profile["emailAddress"] == DUPOND
    assert [seen.status for seen in box.requests] == [200, 302, 200]


def test_empty_page_does_not_end_the_list(box: Sandbox, connect: Connect) -> None:
    """A page may be empty and still have a next one."""
    box.fault("empty-page")
    messages = connect("gmail", DUPOND, MAIL).users().messages()
    request = messages.list(userId="me")
    first = request.execute()
    assert "messages" not in first
    assert len(messages.list_next(request, first).execute()["messages"]) == 4


def test_same_page_comes_again_with_its_token(box: Sandbox, connect: Connect) -> None:
    """The second page is the first one, and so is the third: the list has no end."""
    box.fault("same-page")
    messages = connect("gmail", DUPOND, MAIL).users().messages()
    request = messages.list(userId="me", maxResults=1)
    pages = [request.execute()]
    for _ in range(2):
        request = messages.list_next(request, pages[-1])
        pages.append(request.execute())
    assert [page["messages"] for page in pages] == [pages[0]["messages"]] * 3
    assert len({page["nextPageToken"] for page in pages}) == 1


def test_skewed_clock_shows_in_date_and_token(box: Sandbox, connect: Connect) -> None:
    """With the servers' clock behind, no token is to be had until the fault is cleared."""
    users = connect("gmail", DUPOND, MAIL).users()
    box.fault("skewed-clock")
    with pytest.raises(RefreshError, match="short-lived token"):
        users.getProfile(userId="me").execute()
    http = httplib2.Http()
    response, _ = http.request(box.url + "/gmail/v1/users/me/profile")
    http.close()
    ahead = time.time() - parsedate_to_datetime(response["date"]).timestamp()
    assert 590 < ahead < 660  # a busy machine takes its time
    box.clear_faults()
    users.getProfile(userId="me").execute()


def test_unknown_fault_says_what_there_is(box: Sandbox) -> None:
    """A misspelt name or option is a clear error."""
    with pytest.raises(ValueError, match="there are: drop-before, "):
        box.fault("drop-afer")
    with pytest.raises(ValueError, match="it has ms"):
        box.fault("slow", seconds=3)


def test_faults_over_http(box: Sandbox) -> None:
    """Another process switches faults on and off, and reads what happened."""
    http = httplib2.Http()

    def ask(verb: str, path: str, body: Any = None) -> tuple[int, Any]:
        text = None if body is None else json.dumps(body)
        response, content = http.request(f"{box.url}/_sandbox/{path}", verb, body=text)
        return response.status, json.loads(content)

    asked = {"name": "slow", "ms": 1, "times": 3, "match": "gmail.*"}
    status, answer = ask("POST", "faults", asked)
    assert (status, answer["active"][0]["left"]) == (200, 3)
    assert ask("POST", "faults", {"name": "no"})[0] == 400
    assert ask("POST", "faults", [])[0] == 400
    assert set(ask("GET", "faults")[1]["table"]) == set(TABLE)
    assert ask("DELETE", "faults")[1] == {"active": []}
    assert ask("GET", "requests")[1] == []
    assert ask("GET", "sent")[1] == []
    assert ask("POST", "revoke")[0] == 200
    assert ask("GET", "nothing")[0] == 404
    http.close()


def test_table_is_in_order() -> None:
    """Every fault that answers has a body, and every fault has a test above."""
    bodies = {*API, *TOKEN, *HTML}
    answering = [
        kind for name, kind in TABLE.items() if kind.stage == "reply" and name != "redirect"
    ]
    assert all(kind.error in bodies for kind in answering)
    others = {
        *("drop-before", "drop-after", "hang", "hang-before", "slow", "slow-body", "gzip"),
        *("truncated-json", "redirect", "401-once", "not-admin", "history-too-old"),
        *("sync-expired", "empty-page", "same-page", "skewed-clock"),
    }
    assert set(TABLE) == {*ANSWERS, *TOKEN_FAULTS, *others}
