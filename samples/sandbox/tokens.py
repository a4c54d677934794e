"""The token endpoint: assertions are really verified, a token stands for a subject and scopes."""

import base64
import binascii
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from samples.sandbox.errors import Refused
from samples.sandbox.keys import KEY_ID, service_key
from samples.sandbox.wire import Json, Reply, Request
from samples.sandbox.world import World

if TYPE_CHECKING:
    from collections.abc import Callable

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
AUDIENCES = (
    "https://oauth2.googleapis.com/token",
    "https://www.googleapis.com/oauth2/v4/token",
    "https://accounts.google.com/o/oauth2/token",
)
SKEW = 300
"""Seconds by which `iat` may lie in the future, and a lifetime may exceed the hour."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What an access token stands for."""

    subject: str | None
    """None: the service account itself."""
    scopes: frozenset[str]
    expires: float


class Tokens:
    """The tokens given out by one sandbox."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._grants: dict[str, Grant] = {}

    def answer(self, request: Request) -> Reply:
        """Answer a POST to the token endpoint.

        Raises:
            Refused: With an error of the token endpoint.
        """
        form = {
            name: values[0]
            for name, values in parse_qs(request.body.decode(errors="replace")).items()
        }
        grant_type = form.get("grant_type", "")
        flows: dict[str, Callable[[dict[str, str], Request], Reply]] = {
            JWT_BEARER: self._assertion,
            "refresh_token": self._refresh,
            "authorization_code": self._code,
        }
        if grant_type not in flows:
            raise Refused("bad-grant-type", grant_type=grant_type)
        return flows[grant_type](form, request)

    def grant(self, token: str, now: float) -> Grant:
        """Return what `token` stands for.

        Raises:
            Refused: 401 for an unknown or expired token.
        """
        found = self._grants.get(token)
        if found is None or found.expires <= now:
            raise Refused("401")
        return found

    def issue(self, subject: str | None, scopes: frozenset[str]) -> str:
        """Make an access token."""
        token = "ya29.c.c0AS" + secrets.token_urlsafe(90)
        expires = self._world.now() + self._world.token_lifetime
        self._grants[token] = Grant(subject, scopes, expires)
        return token

    def revoke_all(self) -> None:
        """Forget every token: the next call with an old one is answered 401."""
        self._grants.clear()

    def _reply(self, subject: str | None, scopes: frozenset[str], **more: str) -> Reply:
        return Reply.of(
            {
                "access_token": self.issue(subject, scopes),
                "expires_in": self._world.token_lifetime,
                "token_type": "Bearer",
                **more,
            },
            Cache_Control="no-cache, no-store, max-age=0, must-revalidate",
        )

    def _assertion(self, form: dict[str, str], request: Request) -> Reply:
        claims = verified_claims(form.get("assertion", ""))
        account = self._world.service_account
        if account.deleted or claims.get("iss") not in (account.email, account.client_id):
            raise Refused("sa-deleted")
        if account.disabled:
            raise Refused("sa-disabled")
        if claims.get("aud") not in (*AUDIENCES, request.origin + "/token"):
            raise Refused("bad-audience")
        _check_times(claims, self._world.now() + request.shift)
        scopes = frozenset(str(claims.get("scope", "")).split())
        if not scopes:
            raise Refused("no-scope")
        subject = claims.get("sub")
        if subject is None or subject == account.email:
            return self._reply(None, scopes)
        self._check_subject(str(subject))
        if not scopes <= account.delegated:
            raise Refused("unauthorized-client")
        return self._reply(str(subject).lower(), scopes)

    def _check_subject(self, subject: str) -> None:
        local, _, domain = subject.partition("@")
        if not local or not domain:
            raise Refused("not-an-address")
        user = self._world.user(subject)
        if user is None or user.deleted or user.suspended or user.primary != subject.lower():
            raise Refused("invalid-grant-email")

    def _refresh(self, form: dict[str, str], _request: Request) -> Reply:
        known = self._world.refresh_tokens.get(form.get("refresh_token", ""))
        if known is None:
            raise Refused("revoked")
        self._check_client(form)
        subject, scopes = known
        return self._reply(subject, scopes, scope=" ".join(sorted(scopes)))

    def _code(self, form: dict[str, str], _request: Request) -> Reply:
        known = self._world.auth_codes.pop(form.get("code", ""), None)
        if known is None:
            raise Refused("bad-code")
        self._check_client(form)
        refresh = "1//" + secrets.token_urlsafe(40)
        self._world.refresh_tokens[refresh] = known
        subject, scopes = known
        return self._reply(subject, scopes, scope=" ".join(sorted(scopes)), refresh_token=refresh)

    def _check_client(self, form: dict[str, str]) -> None:
        if form.get("client_secret", "") != self._world.client_secret:
            raise Refused("bad-client")


def _check_times(claims: Json, now: float) -> None:
    try:
        issued, expires = float(claims["iat"]), float(claims["exp"])
    except (KeyError, TypeError, ValueError) as error:
        raise Refused("short-lived") from error
    if issued > now + SKEW or expires < now or expires - issued > 3600 + SKEW:
        raise Refused("short-lived")


def verified_claims(assertion: str) -> Json:
    """Return the claims of an RS256 assertion whose signature is the service account's.

    Raises:
        Refused: When it is no JWT, of another algorithm, or signed with another key.
    """
    try:
        head, body, signature = assertion.split(".")
        header, claims = (orjson.loads(_decoded(part)) for part in (head, body))
        signed = _decoded(signature)
    except (ValueError, binascii.Error) as error:
        raise Refused("bad-assertion") from error
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise Refused("bad-assertion")
    if header.get("alg") != "RS256":
        raise Refused("no-issuer")
    if header.get("kid", KEY_ID) != KEY_ID:
        raise Refused("bad-signature")
    try:
        service_key().public_key().verify(
            signed, f"{head}.{body}".encode(), padding.PKCS1v15(), hashes.SHA256()
        )
    except InvalidSignature as error:
        raise Refused("bad-signature") from error
    return claims


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
