"""The token endpoint believes nothing it cannot verify."""

import json
import time
from typing import Any
from urllib.parse import urlencode

import httplib2
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth import crypt, jwt

from samples.sandbox import Sandbox
from samples.sandbox.keys import KEY_ID, pem, service_key
from samples.sandbox.tokens import JWT_BEARER

SEND = "https://www.googleapis.com/auth/gmail.send"


def claims(**changes: Any) -> dict[str, Any]:
    """Return a good set of claims with `changes`; None takes one away."""
    now = int(time.time())
    good: dict[str, Any] = {
        "iss": "mapi@divalto-demo.iam.gserviceaccount.com",
        "aud": "https://oauth2.googleapis.com/token",
        "iat": now,
        "exp": now + 3600,
        "scope": SEND,
        "sub": "dupond@masoc.com",
    }
    return {key: value for key, value in (good | changes).items() if value is not None}


def post(box: Sandbox, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
    """Post a form to the token endpoint."""
    http = httplib2.Http()
    try:
        response, content = http.request(box.url + "/token", "POST", body=urlencode(form))
    finally:
        http.close()
    return response.status, json.loads(content)


def ask(
    box: Sandbox, said: dict[str, Any], key: rsa.RSAPrivateKey | None = None
) -> tuple[int, Any]:
    """Ask for a token with an assertion signed by google-auth."""
    signer = crypt.RSASigner.from_string(pem(key or service_key()), KEY_ID)  # type: ignore[no-untyped-call]
    assertion = jwt.encode(signer, said).decode()  # type: ignore[no-untyped-call]
    return post(box, {"grant_type": JWT_BEARER, "assertion": assertion})


def test_good_assertion_gets_a_token(box: Sandbox) -> None:
    """A delegated subject and scope get an opaque bearer token with its lifetime."""
    status, answer = ask(box, claims())
    assert status == 200
    assert answer["access_token"].startswith("ya29.")
    assert (answer["token_type"], answer["expires_in"]) == ("Bearer", 3599)


@pytest.mark.parametrize(
    ("change", "status", "error", "description"),
    [
        ({"scope": "https://www.googleapis.com/auth/drive"}, 401, "unauthorized_client", "any of"),
        ({"sub": "nobody@masoc.com"}, 400, "invalid_grant", "Invalid email or User ID"),
        ({"sub": "ancien@masoc.com"}, 400, "invalid_grant", "Invalid email or User ID"),
        ({"sub": "j.dupond@masoc.com"}, 400, "invalid_grant", "Invalid email or User ID"),
        ({"sub": "DUPOND"}, 400, "invalid_grant", "Not a valid email."),
        ({"iss": "gone@x.iam.gserviceaccount.com"}, 400, "invalid_grant", "account not found"),
        ({"aud": "https://example.com/"}, 400, "invalid_grant", "audience"),
        ({"iat": int(time.time()) + 900}, 400, "invalid_grant", "short-lived token"),
        ({"exp": int(time.time()) - 900}, 400, "invalid_grant", "short-lived token"),
        ({"exp": int(time.time()) + 7300}, 400, "invalid_grant", "short-lived token"),
        ({"scope": None}, 400, "invalid_scope", "scope"),
    ],
)
def test_bad_claims_are_refused_as_google_refuses_them(
    box: Sandbox, change: dict[str, Any], status: int, error: str, description: str
) -> None:
    """Each claim that is wrong has its own status, error and text."""
    found, answer = ask(box, claims(**change))
    assert (found, answer["error"]) == (status, error)
    assert description in answer["error_description"]


def test_foreign_key_is_an_invalid_signature(box: Sandbox) -> None:
    """An assertion that another key signed is refused, whatever it says."""
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    status, answer = ask(box, claims(), other)
    assert (status, answer["error_description"]) == (400, "Invalid JWT Signature.")


def test_unsigned_assertion_is_refused(box: Sandbox) -> None:
    """Algorithm "none" opens nothing."""
    form = {"grant_type": JWT_BEARER, "assertion": "eyJhbGciOiJub25lIn0.e30."}
    assert post(box, form)[0] == 400


def test_public_key_as_secret_is_refused(box: Sandbox) -> None:
    """Garbage and wrong grant types are errors of the client, never of the server."""
    public = service_key().public_key()
    text = public.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    for assertion in ("", "a.b", "a.b.c", text.decode(), "é.é.é"):
        assert post(box, {"grant_type": JWT_BEARER, "assertion": assertion})[0] == 400
    assert post(box, {"grant_type": "password"})[0] == 400


def test_clock_of_the_servers_decides(box: Sandbox) -> None:
    """When the servers are ten minutes behind, an honest client is refused, and Date tells why."""
    box.world.clock_offset = -600
    status, answer = ask(box, claims())
    assert (status, answer["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize(
    ("state", "description"),
    [("deleted", "Invalid grant: account not found"), ("disabled", "Robot is disabled.")],
)
def test_service_account_can_go(box: Sandbox, state: str, description: str) -> None:
    """A deleted and a disabled service account are told apart."""
    setattr(box.world.service_account, state, True)
    assert ask(box, claims())[1]["error_description"] == description


def test_user_credentials_flows(box: Sandbox) -> None:
    """A code becomes a refresh token, which becomes access tokens; a wrong one is refused."""
    box.world.auth_codes["4/code"] = ("dupond@masoc.com", frozenset({SEND}))
    secret = {"client_secret": box.world.client_secret, "client_id": "x"}
    form = {"grant_type": "authorization_code", "code": "4/code", **secret}
    status, first = post(box, form)
    assert status == 200
    assert post(box, form)[0] == 400
    again = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"], **secret}
    assert post(box, again)[1]["access_token"] != first["access_token"]
    status, answer = post(box, {**again, "refresh_token": "1//no"})
    assert (status, answer["error_description"]) == (400, "Token has been expired or revoked.")
    assert post(box, {**again, "client_secret": "no"})[0] == 401
