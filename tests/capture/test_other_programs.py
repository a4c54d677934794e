"""Programs as they are: exchangelib, google-auth's transports, OAuth, a swapped httplib2."""

import sys
import types
from pathlib import Path
from typing import Any

import exchangelib
import google.auth.transport.requests
import google.auth.transport.urllib3
import httpx
import pytest
import urllib3
from requests_oauthlib import OAuth2Session

from samples.sandbox import Sandbox
from tests.capture.web import Web
from tests.support.capture import SUBJECT, Recording, credentials
from tracer.operation import operation

USER = "dupond@masoc.com"


def test_exchangelib_sends_a_mail(box: Sandbox, traced: Recording) -> None:
    """Each SOAP request is a call named by its action; the mail is not in the trace."""
    password = box.world[USER].password
    configuration = exchangelib.Configuration(
        service_endpoint=f"{box.url}/EWS/Exchange.asmx",
        credentials=exchangelib.Credentials(USER, password),
        auth_type=exchangelib.BASIC,
        version=exchangelib.Version(build=exchangelib.Build(15, 1, 2507, 37)),
        retry_policy=exchangelib.FailFast(),
    )
    with operation("send", "ews") as running:
        account = exchangelib.Account(USER, config=configuration, access_type=exchangelib.DELEGATE)
        exchangelib.Message(
            account=account, subject="Confidentiel", body="Bonjour le contrat",
            to_recipients=["anna@client.example"],
        ).send()  # fmt: skip
    account.protocol.close()
    assert len(box.sent) == 1
    assert "ews.CreateItem" in [call["name"] for call in traced.calls()]
    assert {call["status"] for call in traced.calls()} == {200}
    assert {call["op"] for call in traced.calls()} == {running.id}
    assert len(traced.exchanges()) == len(traced.events("exchange", "start"))
    assert {each["parent"] for each in traced.exchanges()} == {c["id"] for c in traced.calls()}
    written = traced.path.read_text("utf-8")
    for secret in (password, "Confidentiel", "Bonjour le contrat"):
        assert secret not in written
    assert "CreateItem" in written


@pytest.mark.parametrize("transport", ["requests", "urllib3"])
def test_token_requests_of_google_auths_own_transports(
    transport: str, box: Sandbox, traced: Recording, tmp_path: Path
) -> None:
    """The assertion is readable, the token is a tag, and its later use names the subject."""
    delegated = credentials(box, tmp_path)
    if transport == "requests":
        session = google.auth.transport.requests.AuthorizedSession(delegated)  # type: ignore[no-untyped-call]
        answer = session.get(f"{box.url}/gmail/v1/users/me/profile")
        assert answer.status_code == 200
        session.close()  # type: ignore[no-untyped-call]
        delegated_token = delegated.token
    else:
        with urllib3.PoolManager() as pool:
            request = google.auth.transport.urllib3.Request(pool)  # type: ignore[no-untyped-call]
            delegated.refresh(request)
            delegated_token = delegated.token
            headers = {"authorization": f"Bearer {delegated_token}"}
            profile = pool.request("GET", f"{box.url}/gmail/v1/users/me/profile", headers=headers)
            assert profile.status == 200
    token, used = traced.exchanges()
    assert (token["topic"], token["data"]["role"]) == ("auth", "token")
    assert token["data"]["subject"] == SUBJECT
    assert token["data"]["request"]["body"]["form"]["assertion"]["jwt"]["claims"]["sub"] == SUBJECT
    assert used["topic"] == "gmail"
    assert used["data"]["subject"] == SUBJECT
    assert used["data"]["token"] in token["data"]["response"]["body"]["json"]["access_token"]
    assert delegated_token not in traced.path.read_text("utf-8")


def test_a_code_exchange_of_requests_oauthlib(
    web: Web, traced: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client that slips past google-auth's transports is recorded once, without its secrets."""
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    with OAuth2Session("client-1", redirect_uri="http://127.0.0.1/back") as session:
        session.fetch_token(f"{web.url}/token", code="SECRETCODE", client_secret="SECRETWORD")
    [exchange] = traced.exchanges()
    assert (exchange["topic"], exchange["data"]["role"]) == ("auth", "token")
    form = exchange["data"]["request"]["body"]["form"]
    assert form["grant_type"] == "authorization_code"
    assert form["code"].startswith("⟨redacted code #")
    assert web.requests == ["POST /token"]
    assert "SECRET" not in traced.path.read_text("utf-8")


def test_another_module_in_httplib2s_place(
    web: Web, traced: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program that puts httpx behind the name httplib2 is recorded all the same, once."""
    other = types.ModuleType("httplib2")

    class Http:
        def request(self, uri: str, method: str = "GET", **_: Any) -> Any:
            with httpx.Client() as client:
                answer = client.request(method, uri)
                return answer.headers, answer.content

    other.Http = Http  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "httplib2", other)
    import httplib2

    httplib2.Http().request(f"{web.url}/json")
    assert [each["status"] for each in traced.exchanges()] == [200]
    assert web.requests == ["GET /json"]
