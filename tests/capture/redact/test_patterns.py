"""Secrets known by their shape, in any text."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.capture.redact.planting import ENCODINGS, SHAPES, cores, leaks
from tracer.capture.redact import Notes, Redactor

redactor = Redactor(b"key")


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("encoding", ENCODINGS)
@settings(max_examples=15)
@given(core=cores, before=st.sampled_from(["", "x ", '"', "(", "cause: ", "a=b "]))
def test_a_secret_is_found_in_every_encoding(
    shape: str, encoding: str, core: str, before: str
) -> None:
    """A secret of every shape goes, in every encoding, wherever it stands, and leaves a note."""
    notes: Notes = []
    text = redactor.text(f"{before}{ENCODINGS[encoding](SHAPES[shape](core))} after", notes, "m")
    assert leaks(core, text) == []
    assert notes
    assert "after" in text


@pytest.mark.parametrize(
    ("text", "kept", "gone"),
    [
        ("Authorization: Bearer abc123def456ghi789", "Authorization", "abc123def456ghi789"),
        ("bearer abcdefghijklmnopqrstuvwx", "bearer", "abcdefghijklmnopqrstuvwx"),
        ("Basic dXNlcjpodW50ZXIy", "Basic", "dXNlcjpodW50ZXIy"),
        ("https://bob:hunter2@host/x", "https://bob:", "hunter2"),
        ("https://bob:hun@ter2@host/x", "https://bob:", "ter2"),
        ("password=hunter2&x=1", "x=1", "hunter2"),
        ('{"password": "hunter2"}', "password", "hunter2"),
        ("PWD: hunter2", "PWD", "hunter2"),
        ("mot de passe : hunter2", "mot de passe", "hunter2"),
        ("client_secret=hunter2", "client_secret", "hunter2"),
        ("clientSecret: hunter2", "clientSecret", "hunter2"),
        ("accessToken='hunter2'", "accessToken", "hunter2"),
        ("smtp.password=hunter2", "smtp.", "hunter2"),
        ("api_key=hunter2", "api_key", "hunter2"),
        ("X-Amz-Signature=hunter2", "Signature", "hunter2"),
        ("xoxb-123456789012-abc", "", "123456789012"),
        ("AKIAABCDEFGHIJKLMNOP", "", "ABCDEFGHIJKLMNOP"),
        ("4/0AbCdEfGhIjKlMnOpQrStUvWx", "", "AbCdEfGhIjKlMnOp"),
        ("A" * 250, "", "A" * 100),
        ("Base64 decoding failed for \"RnJvbTo=\"", "Base64 decoding failed for ", "RnJvbTo"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIabc", "", "MIIabc"),
    ],
)  # fmt: skip
def test_one_example_of_every_pattern(text: str, kept: str, gone: str) -> None:
    """What the pattern is for goes; what tells the reader what it was stays."""
    notes: Notes = []
    result = redactor.text(text, notes, "error.message")
    assert gone not in result
    assert kept in result
    assert notes
    assert all(note["path"] == "error.message" for note in notes)


@pytest.mark.parametrize(
    "text",
    [
        "gmail.users.messages.send",
        "people.people.connections.list",
        "18c1234567890abc",
        "<CAFabc123DEF456ghi789JKLmno_pqr-stuVWX@mail.gmail.com>",
        "Jean.Dupont@soc-windows.fr",
        "SOC\\xavier",
        "SOC\\udupond",
        "Client is unauthorized to retrieve access tokens using this method, or client not"
        " authorized for any of the scopes requested.",
        "Invalid JWT Signature.",
        "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe."
        " Check your iat and exp values and use a clock with skew to account for clock differences"
        " between systems.",
        "Request had invalid authentication credentials. Expected OAuth 2 access token, login"
        " cookie or other valid authentication credential. See"
        " https://developers.google.com/identity/sign-in/web/devconsole-project.",
        'Bearer realm="https://accounts.google.com/", error="insufficient_scope",'
        ' scope="https://www.googleapis.com/auth/gmail.modify"',
        "Gmail API has not been used in project 1234 before or it is disabled. Enable it by"
        " visiting https://console.developers.google.com/apis/api/gmail.googleapis.com/overview?project=1234"
        " then retry.",
        "Sync token is no longer valid, a full sync is required.",
        "User-rate limit exceeded.  Retry after 2023-03-07T18:03:15.961Z (Mail sending)",
        "Quota exceeded for quota metric 'Queries' and limit 'Queries per minute per user' of"
        " service 'gmail.googleapis.com' for consumer 'project_number:1234'.",
        "Delegation denied for jean@masoc.com",
        "535 5.7.8 Username and Password not accepted.",
        "no token: unauthorized_client: Client is unauthorized to retrieve access tokens",
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: unable to get local issuer",
        "rfc822msgid:<1234@masoc.com> newer_than:2d",
        "Sun, 22 Nov 2026 13:37:25 GMT",
    ],
)
def test_what_only_looks_like_a_secret_stays(text: str) -> None:
    """Method ids, message ids, accounts and Google's error texts are what the reader needs."""
    notes: Notes = []
    assert redactor.text(text, notes, "m") == text
    assert notes == []


@given(st.text(max_size=300))
@settings(max_examples=200)
def test_any_text_is_taken(text: str) -> None:
    """No text makes it raise, and scrubbing twice changes nothing more."""
    once = redactor.text(text, [], "m")
    assert redactor.text(once, [], "m") == once


@pytest.mark.parametrize(
    "piece",
    ["ey", "eyJ", "%", "%25", "=", "<title", "a_", "1//", "://:", "\\u0031", "&#", "a.", "+"],
)
def test_hostile_repetition_takes_linear_time(piece: str) -> None:
    """Text made to make patterns go back again and again is over at once, not in hours."""
    redactor.text(piece * (60_000 // len(piece)), [], "m")
    redactor.body(
        piece * (60_000 // len(piece)), "text/html", [], "b", method_id=None, direction="response"
    )


def test_the_tag_is_keyed() -> None:
    """The same secret has the same tag within a session, and another one in the next session."""
    assert redactor.tag("s") == redactor.tag(b"s") == Redactor(b"key").tag("s")
    assert redactor.tag("s") != Redactor(b"other").tag("s")
