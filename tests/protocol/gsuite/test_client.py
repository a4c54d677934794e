"""The way out: one endpoint, proxy, certificates, retries, tokens; and errors in plain words."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import httplib2
import pytest
from googleapiclient.errors import HttpError

from samples.sandbox import Sandbox, seed_world
from tests.protocol.gsuite.conftest import Layer
from tests.protocol.gsuite.proxy import proxy
from tracer.protocol.errors import (
    CredentialsError,
    LayerError,
    RateLimitError,
    ServiceError,
    SettingsError,
    UnreachableError,
    scrub,
)
from tracer.protocol.gsuite.client import Google
from tracer.protocol.gsuite.credentials import AUTH, MAIL, read_key, scope_for
from tracer.protocol.gsuite.failures import explain, facts_of
from tracer.protocol.identity import Identity
from tracer.protocol.mime import Attachment, Mail
from tracer.protocol.settings import Settings, load

TEST = Identity("", "", "test@divalto.com")
PAINS = Identity("LESPETITSPAINS", "", "Dupond@soc-windows.com")


def test_the_endpoint_redirects_everything(layer: Layer, box: Sandbox) -> None:
    """API, token, upload, parts of an upload and batch: all at the endpoint, nothing elsewhere.

    No other address can be reached from a test: a request to Google would be an error.
    """
    big = Attachment("a.bin", bytes(6_000_000))
    layer.send(Mail(to=("a@b.fr",), text="x", attachments=(big,)), PAINS)
    with layer.mailbox(PAINS) as (mailbox, _):
        mailbox.search()
    kinds = {seen.kind for seen in box.requests}
    assert kinds >= {"token", "call", "upload-start", "chunk", "batch"}


@pytest.mark.parametrize(
    "fault", ["503-twice", "500-backend", "html-502", "quota-403", "exhausted"]
)
def test_a_read_is_repeated_with_growing_pauses(layer: Layer, box: Sandbox, fault: str) -> None:
    """Trouble that passes is waited out, more than a second time longer than the first."""
    box.fault(fault, times=2, match="directory.users.list")
    assert layer.resolve(TEST).account == "test@diva-gs.com"
    assert len(layer.slept) == 2
    assert 0.5 <= layer.slept[0] <= 1.0 <= layer.slept[1] <= 2.0


def test_a_read_is_given_up_after_the_retries_of_the_settings(
    layers: Callable[..., Layer], box: Sandbox
) -> None:
    """Trouble that stays is the service's error, after as many tries as the settings allow."""
    layer = layers(**{"network.retries": "2"})
    box.fault("503-twice", times=0, match="directory.users.list")
    with pytest.raises(ServiceError, match="Service unavailable") as caught:
        layer.resolve(TEST)
    assert caught.value.status == 503
    assert len([s for s in box.requests if s.method_id == "directory.users.list"]) == 3


def test_a_dropped_read_is_repeated(layer: Layer, box: Sandbox) -> None:
    """A dropped connection is no end for a read: httplib2 repeats once, the layer from there."""
    box.fault("drop-before", times=3, match="directory.users.list")
    assert layer.resolve(TEST).account == "test@diva-gs.com"
    assert len(layer.slept) == 1


def test_a_time_to_come_back_is_waited_for_when_it_is_near(layer: Layer, box: Sandbox) -> None:
    """A read that must wait 20 s waits 20 s; one that must wait 15 minutes is an error."""
    box.fault("rate-limit", times=1, match="directory.users.list", seconds=20)
    assert layer.resolve(TEST).account == "test@diva-gs.com"
    (pause,) = layer.slept
    assert 15 < pause <= 20
    layer.accounts.forget()
    box.fault("rate-limit", times=1, match="directory.users.list", seconds=900)
    with pytest.raises(RateLimitError):
        layer.resolve(TEST)
    assert len(layer.slept) == 1


def test_truncated_json_is_an_error(layer: Layer, box: Sandbox) -> None:
    """Status 200 with half an answer, which the library hands out as text, is no answer."""
    box.fault("truncated-json", times=1, match="directory.users.list")
    with pytest.raises(ServiceError, match="not JSON"):
        layer.resolve(TEST)


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        ("unauthorized-client", "numeric client id"),
        ("access-denied", "allow the app"),
        ("invalid-grant-email", "correct the account"),
        ("sa-deleted", "enable it"),
        ("bad-signature", "new JSON key"),
    ],
)
def test_a_refused_token_has_cause_and_remedy(
    layer: Layer, box: Sandbox, fault: str, text: str
) -> None:
    """Each way in which the token endpoint says no."""
    box.fault(fault, times=0)
    with pytest.raises(CredentialsError, match="no token") as caught:
        layer.resolve(TEST)
    assert caught.value.cause
    assert text in caught.value.remedy


def test_a_wrong_clock_is_told(layer: Layer, box: Sandbox) -> None:
    """A token refused for its times: the remedy is the clock."""
    box.fault("skewed-clock", seconds=7200)
    with pytest.raises(CredentialsError) as caught:
        layer.resolve(TEST)
    assert "clock" in caught.value.remedy


# the way out


@pytest.mark.parametrize("by", ["setting", "HTTPS_PROXY"])
def test_everything_goes_through_the_proxy(tmp_path: Path, by: str) -> None:
    """The proxy of the settings, else of the environment, carries tokens and calls alike."""
    with proxy() as (url, asked), Sandbox(seed_world(), tls=True) as box:
        flags = {
            "endpoint": box.url,
            "service_account_file": str(box.key_file(tmp_path / "key.json")),
            "directory_account": "admin@diva-gs.com",
            "network.ca_file": str(box.ca_file(tmp_path / "ca.pem")),
        }
        environ = {"HTTPS_PROXY": url} if by == "HTTPS_PROXY" else {"TRACER_NETWORK_PROXY": url}
        layer = Layer(load(environ=environ, flags=flags))
        assert layer.resolve(TEST).account == "test@diva-gs.com"
        layer.close()
        assert asked == [box.url.removeprefix("https://")]
        assert layer.settings.data()["network.proxy"] == {
            "value": url,
            "origin": "env",
            "label": "Serveur mandataire (proxy)",
        }


def test_an_untrusted_certificate_names_the_remedy(tmp_path: Path) -> None:
    """TLS opened by a company proxy: the error says which setting repairs it."""
    with Sandbox(seed_world(), tls=True) as box:
        flags = {
            "endpoint": box.url,
            "service_account_file": str(box.key_file(tmp_path / "key.json")),
            "directory_account": "admin@diva-gs.com",
        }
        layer = Layer(load(environ={}, flags=flags))
        with pytest.raises(UnreachableError) as caught:
            layer.resolve(TEST)
        layer.close()
    assert "network.ca_file" in caught.value.remedy
    assert caught.value.nothing_sent


def test_a_missing_certificate_file_is_a_settings_error(
    settings: Callable[..., Settings], tmp_path: Path
) -> None:
    """network.ca_file that is not there: said before any traffic."""
    with pytest.raises(SettingsError, match=r"cannot read network\.ca_file"):
        Google(settings(**{"network.ca_file": str(tmp_path / "none.pem")}))


# the key file


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "service_account_file is not set"),
        ("missing", "cannot read the key file"),
        (b"{", "is not JSON"),
        (b"[]", "not that of a service account"),
        (b'{"installed": {"client_secret": "GOCSPX-hunter2"}}', "not that of a service account"),
        (b'{"type": "service_account"}', "has no client_email"),
    ],
)
def test_a_wrong_key_file_is_one_clear_line(
    tmp_path: Path, content: bytes | str | None, message: str
) -> None:
    """Missing, damaged or of another kind: the error says which, and never quotes the file."""
    path = tmp_path / "key.json"
    if isinstance(content, bytes):
        path.write_bytes(content)
    with pytest.raises(SettingsError, match=message) as caught:
        read_key(None if content is None else path)
    assert "hunter2" not in str(caught.value.data())
    assert caught.value.remedy


def test_a_key_that_is_no_key_is_not_quoted(
    settings: Callable[..., Settings], tmp_path: Path
) -> None:
    """A private key that cannot be parsed is an error without the key."""
    path = tmp_path / "key.json"
    Google(settings())
    key = json.loads((tmp_path / "key.json").read_text())
    key["private_key"] = "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----\n"
    path = tmp_path / "other.json"
    path.write_text(json.dumps(key))
    with pytest.raises(SettingsError, match="no usable private key") as caught:
        Google(settings(service_account_file=str(path)))
    assert "hunter2" not in str(caught.value.data())
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("purpose", "delegated", "scope"),
    [
        ("send", (), AUTH + "gmail.modify"),
        ("send", (MAIL, AUTH + "gmail.readonly"), MAIL),
        ("send", (AUTH + "gmail.send",), AUTH + "gmail.send"),
        ("read", (AUTH + "gmail.readonly",), AUTH + "gmail.readonly"),
        ("calendar", (AUTH + "calendar.readonly",), AUTH + "calendar"),
    ],
)
def test_the_scope_asked_for_is_a_delegated_one(
    purpose: str, delegated: tuple[str, ...], scope: str
) -> None:
    """Of the scopes that serve, the first one the customer delegated; else the preferred one."""
    assert scope_for(purpose, delegated) == scope


# errors


def refused(status: int, content: bytes) -> HttpError:
    """Return the library's exception for an answer."""
    return HttpError(httplib2.Response({"status": str(status), "reason": "No"}), content)


@pytest.mark.parametrize(
    "text",
    [
        "ya29.c.c0ASdeadbeef",
        "1//0abcdefgh",
        "GOCSPX-abc",
        "eyJhbGciOi.eyJpc3Mi.c2ln",
        "-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----",
        "Q" * 200,
    ],
)
def test_what_a_server_said_is_scrubbed(text: str) -> None:
    """Tokens, keys and long runs never get into an error's text."""
    body = json.dumps({"error": {"code": 400, "message": f"Base64 failed for {text} end"}})
    made = explain(refused(400, body.encode()), "send")
    assert text not in str(made)
    assert "⟨…⟩" in str(made)
    assert text not in scrub(text)


@pytest.mark.parametrize(
    "content",
    [b"", b"<html>413</html>", b"[]", b'{"error": "x"}', b"\xff"],
)
def test_odd_error_bodies_are_no_trouble(content: bytes) -> None:
    """Whatever an error's body is, the error is the service's with its status."""
    made = explain(refused(502, content), "send")
    assert isinstance(made, ServiceError)
    assert made.status == 502
    facts_of(content)


def test_any_other_exception_is_named_without_its_text() -> None:
    """What nobody foresaw keeps its type; its text might hold anything."""
    made = explain(KeyError("hunter2"), "send")
    assert type(made) is LayerError
    assert str(made) == "send: KeyError"


def test_a_retry_time_is_read_in_utc() -> None:
    """The time in Google's message is UTC, to the millisecond."""
    message = "User-rate limit exceeded.  Retry after 2023-03-07T18:03:15.961Z (Mail sending)"
    body = json.dumps({"error": {"code": 429, "message": message}})
    made = explain(refused(429, body.encode()), "send")
    assert isinstance(made, RateLimitError)
    assert made.retry_at == datetime(2023, 3, 7, 18, 3, 15, 961000, tzinfo=UTC)
