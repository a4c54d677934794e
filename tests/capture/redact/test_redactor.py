"""Headers, URLs, bodies and facts: what stays, what goes, and that nothing raises."""

import base64
import gzip
import json
from typing import Any
from urllib.parse import quote

import orjson
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.capture.redact.planting import body, cores, leaks, mail, urlsafe, written
from tracer.capture.redact import Notes, Redactor
from tracer.capture.redact.guess import method_of

KINDS = [
    "", "application/json", "multipart/mixed; boundary=x", "text/xml", "text/html",
    "message/rfc822", "application/http", "application/x-www-form-urlencoded",
]  # fmt: skip
LEVELS = ["none", "headers", "structure", "full"]


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(
    "name",
    ["Authorization", "Proxy-Authorization", "Cookie", "Set-Cookie", "X-Goog-Api-Key",
     "X-Goog-Iam-Authorization-Token", "X-GUploader-UploadID", "X-Auth-Token", "X-Session-Id",
     "X-Client-Secret"],
)  # fmt: skip
@settings(max_examples=5)
@given(secret=cores, prefix=st.sampled_from(["", "Bearer ", "Basic "]))
def test_credential_headers_lose_their_value(
    level: str, name: str, secret: str, prefix: str
) -> None:
    """Credentials in headers go at every level, and the note says which header it was."""
    notes: Notes = []
    kept = Redactor(b"k", level).headers({name: prefix + secret}, notes, "request.headers")
    assert leaks(secret, kept) == []
    if level != "none":
        assert notes[0]["path"] == f"request.headers.{name.lower()}"


def test_headers_for_the_diagnosis_stay() -> None:
    """What findings look at is kept as it was; the scheme of an authorization too."""
    headers = {
        "date": "Sun, 22 Nov 2026 13:37:25 GMT",
        "www-authenticate": 'Bearer realm="https://accounts.google.com/", error="invalid_token"',
        "x-http-method-override": "GET",
        "content-range": "bytes 0-262143/1000000",
        "user-agent": "(gzip)",
        "x-goog-api-client": "gdcl/2.202.0 gl-python/3.11.7",
        "retry-after": "30",
    }
    notes: Notes = []
    redactor = Redactor(b"k")
    assert redactor.headers(headers, notes, "h") == headers
    assert notes == []
    tag = redactor.tag("abc")
    assert redactor.headers({"Authorization": "Bearer abc"}, notes, "h") == {
        "authorization": f"Bearer ⟨redacted token #{tag}⟩"
    }


def test_a_token_has_one_tag_wherever_it_is_seen() -> None:
    """The reply that gave a token and the request that used it carry the same tag."""
    redactor = Redactor(b"k")
    used = redactor.headers([("Authorization", "Bearer ya29.abcdef")], [], "h")["authorization"]
    reply = body('{"access_token": "ya29.abcdef", "expires_in": 3599, "token_type": "Bearer"}')
    assert Redactor(b"key").tag("ya29.abcdef") in reply["json"]["access_token"]
    assert redactor.tag("ya29.abcdef") in used
    assert redactor.tag("ya29.abcdef") in redactor.text("used ya29.abcdef now", [], "m")
    assert reply["json"]["expires_in"] == 3599
    assert reply["json"]["token_type"] == "Bearer"


def test_repeated_headers_are_joined() -> None:
    """Pairs of the same name become one value; bytes are read as Latin-1."""
    pairs: Any = [("A", "1"), (b"a", b"\xe9")]
    assert Redactor(b"k").headers(pairs, [], "h") == {"a": "1, é"}


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://h/p?q=from%3Ajean%40masoc.com&alt=json", None),
        ("https://h/admin/directory/v1/users/jean@masoc.com?projection=full", None),
        ("https://h/p?pageToken={}&maxResults=5", "maxResults=5"),
        ("https://h/p?access_token={}", "access_token="),
        ("https://h/upload?uploadType=resumable&upload_id={}", "uploadType=resumable"),
        ("https://bob:{}@h/p", "https://bob:"),
        ("https://h/p#access_token={}&x=1", "x=1"),
        ("https://h/p?key={}&X-Goog-Signature={}", "key="),
        ("https://h/p/ya29.{}/x", "/x"),
        ("https://h/p?x=ya29%2E{}", "x="),
    ],
)  # fmt: skip
def test_urls(url: str, kept: str | None) -> None:
    """Addresses and searches stay in a URL; tokens, keys and opaque ids go."""
    secret = "Q7w8E9r0T1y2U3i4O5p6A7s8"
    result = Redactor(b"k").url(url.format(secret, secret), [], "url")
    assert secret not in result
    assert result == url if kept is None else kept in result


@pytest.mark.parametrize("name", ["location", "content-location", "link", "referer"])
def test_headers_that_hold_urls_are_scrubbed(name: str) -> None:
    """A session URI is a bearer secret; httplib2 repeats the URL in content-location."""
    kept = Redactor(b"k").headers({name: "https://h/u?upload_id=SECRET&alt=json"}, [], "h")[name]
    assert "SECRET" not in kept
    assert "alt=json" in kept


def test_users_list_keeps_what_the_resolution_needs() -> None:
    """Accounts, states and the attributes stay; everything else about a person is not decoded."""
    user = {
        "kind": "admin#directory#user", "etag": "x", "id": "1", "primaryEmail": "jean@masoc.com",
        "aliases": ["j@masoc.com"], "suspended": True, "archived": False, "isMailboxSetup": False,
        "isAdmin": True, "isDelegatedAdmin": False,
        "customSchemas": {"Divalto": {"DivaltoInfinityWinAccount": [
            {"type": "work", "value": "SOC\\dupond"}, {"value": "Dupond@soc-windows.com"}]}},
    }  # fmt: skip
    personal = {"name": {"fullName": "Jean"}, "phones": [{"value": "1"}], "recoveryEmail": "p@q.fr"}
    page = {"users": [user | personal], "nextPageToken": "abc"}
    kept = body(orjson.dumps(page), method="directory.users.list")
    expected = {key: item for key, item in user.items() if key not in {"kind", "etag"}}
    assert kept["kept"] == "allow"
    assert kept["json"]["users"] == [expected]
    assert kept["json"]["nextPageToken"].startswith("⟨redacted page #")


@given(core=cores)
@settings(max_examples=30)
def test_users_read_before_are_kept_alike_and_hide_no_new_secret(core: str) -> None:
    """The second reading of a domain, indented or not, says the same; what is new is looked at."""
    redactor = Redactor(b"k")

    def kept(*values: str, **how: Any) -> bytes:
        users = [{"customSchemas": {"Divalto": {"Account": [{"value": each}]}}} for each in values]
        content = json.dumps({"users": users}, **how).encode()
        return orjson.dumps(
            redactor.body(
                content, "application/json", [], "body",
                method_id="directory.users.list", direction="response",
            )["json"]
        )  # fmt: skip

    first = kept("SOC\\dupond", "x", indent=1)
    assert b"\n" not in first
    assert kept("SOC\\dupond", "x", indent=1) == first == kept("SOC\\dupond", "x")
    for _ in range(2):
        mixed = kept("SOC\\dupond", f"ya29.{core}", "x", indent=1)
        assert leaks(core, orjson.loads(mixed)) == []
        assert b"dupond" in mixed
    assert kept("SOC\\dupond", "x", indent=1) == first


def test_a_page_of_another_shape_is_walked() -> None:
    """An unexpected type does not lose the body: the generic walk takes over, and says so."""
    kept = body(
        '{"users": [{"id": 5, "phones": [{"value": "12"}]}]}', method="directory.users.list"
    )
    assert kept["kept"] == "walk"
    assert kept["json"]["users"][0]["id"] == 5
    assert kept["json"]["users"][0]["phones"] == {"items": 1}


def test_error_bodies_stay_whole() -> None:
    """Findings need reason, status, metadata and help; numbers called code are no secrets."""
    error = {
        "error": {
            "code": 403,
            "message": "Request had insufficient authentication scopes.",
            "errors": [{"message": "Insufficient Permission", "domain": "global",
                        "reason": "insufficientPermissions", "extendedHelp": "https://x.y/z"}],
            "status": "PERMISSION_DENIED",
            "details": [{"@type": "type.googleapis.com/google.rpc.ErrorInfo",
                         "reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
                         "metadata": {"service": "gmail.googleapis.com"}}],
        }
    }  # fmt: skip
    assert body(orjson.dumps(error), method="gmail.users.messages.send")["json"] == error
    graph = {"error": {"code": "InvalidAuthenticationToken", "message": "Access token is empty."}}
    assert body(orjson.dumps(graph))["json"] == graph
    token = {"error": "invalid_grant", "error_description": "Invalid JWT Signature."}
    assert body(orjson.dumps(token), url="https://oauth2.googleapis.com/token")["json"] == token


def test_a_mail_is_kept_as_structure() -> None:
    """Addresses, date, id, part tree, types and sizes stay; subject, text and file name go."""
    raw = mail("Bonjour, voici le contrat", "Confidentiel")
    for kept in (
        body(
            orjson.dumps({"raw": urlsafe(raw)}),
            method="gmail.users.messages.send", direction="request",
        ),
        body(raw, "message/rfc822", direction="request"),
    ):  # fmt: skip
        mime = kept["mime"]
        assert mime["headers"]["from"] == "Jean <jean@masoc.com>"
        assert mime["headers"]["message-id"] == "<1@masoc.com>"
        assert mime["headers"]["subject"].startswith("⟨redacted subject #")
        assert mime["size"] == len(raw)
        types = [part["headers"]["content-type"] for part in mime["parts"]]
        assert types == ["text/plain; charset=utf-8", "application/pdf"]
        assert [part["size"] for part in mime["parts"]] == [25, 36]
        assert kept["digest"]
        assert "Confidentiel" not in written(kept)
        assert "contrat" not in written(kept)


def test_a_mail_of_35_mib_is_not_read_whole() -> None:
    """Its headers are known from its beginning; the rest is counted as left out."""
    content = b'{"raw": "' + urlsafe(mail("x")).rstrip("=").encode() + b"A" * 36_700_160 + b'"}'
    kept = body(content, method="gmail.users.messages.send", direction="request")
    assert kept["mime"]["headers"]["to"] == "paul@x.fr"
    assert kept["mime"]["truncated"] > 20_000_000
    assert kept["size"] == len(content)


def test_an_upload_of_35_mib_is_not_decoded_whole() -> None:
    """The same for a mail that travels in base64 as a part of an upload."""
    encoded = base64.b64encode(mail("x") + b"A" * 36_700_160)
    content = (
        b"--x\r\nContent-Type: application/json\r\n\r\n{}\r\n--x\r\nContent-Type: message/rfc822"
        b"\r\nContent-Transfer-Encoding: base64\r\n\r\n" + encoded + b"\r\n--x--"
    )
    kept = body(content, "multipart/related; boundary=x", direction="request")
    part = kept["parts"][1]
    assert part["mime"]["headers"]["to"] == "paul@x.fr"
    assert abs(part["size"] - 36_700_160) < 2_000
    assert part["truncated"] > 36_000_000


def test_an_assertion_is_readable_and_of_no_use() -> None:
    """Header and claims of the JWT stay, its signature goes."""
    pieces = [urlsafe(orjson.dumps(piece)).rstrip("=") for piece in (
        {"alg": "RS256", "typ": "JWT", "kid": "k1"},
        {"iss": "sa@p.iam.gserviceaccount.com", "sub": "jean@masoc.com", "scope": "a b", "exp": 2,
         "note": "private"},
    )]  # fmt: skip
    form = "grant_type=urn%3Ax&assertion=" + quote(
        ".".join([*pieces, "c2lnbmF0dXJlLXNpZ25hdHVyZQ"])
    )
    kept = body(form, "application/x-www-form-urlencoded", direction="request")
    jwt = kept["form"]["assertion"]["jwt"]
    assert jwt["header"] == {"alg": "RS256", "typ": "JWT", "kid": "k1"}
    assert jwt["claims"]["sub"] == "jean@masoc.com"
    assert "note" not in jwt["claims"]
    assert "c2lnbmF0" not in written(kept)


@pytest.mark.parametrize(
    ("url", "method"),
    [
        (
            "https://gmail.googleapis.com/gmail/v1/users/me/messages?q=x",
            "gmail.users.messages.list",
        ),
        ("http://h:1/upload/gmail/v1/users/a%40b/messages/send", "gmail.users.messages.send"),
        ("/admin/directory/v1/users/a@b.c", "directory.users.get"),
        ("https://people.googleapis.com/v1/people:searchContacts", "people.people.searchContacts"),
        ("https://h/gmail/v1/users/me/messages/1/other", None),
        ("https://h/x?y=/admin/directory/v1/users", None),
        ("", None),
    ],
)
def test_the_method_is_guessed_when_the_path_is_certain(url: str, method: str | None) -> None:
    """For clients that name no method the URL does, and only a URL that leaves no doubt."""
    assert method_of(url, "response") == method


def test_levels() -> None:
    """none and headers keep no body, full keeps mail text and says so."""
    message = orjson.dumps({"raw": urlsafe(mail("Bonjour"))})
    how: dict[str, Any] = {"method": "gmail.users.messages.send", "direction": "request"}
    assert body(message, level="none", **how)["kept"] == "none"
    assert body(message, level="headers", **how) == {
        "size": len(message), "type": "application/json", "kept": "none"
    }  # fmt: skip
    full = body(message, level="full", **how)
    assert full["kept"] == "full"
    assert "Bonjour" in written(full)
    assert Redactor(b"k", "none").headers({"a": "b"}, [], "h") == {}
    with pytest.raises(ValueError, match="bodies must be one of"):
        Redactor(b"k", "all")


def test_streams_and_nothing() -> None:
    """A stream is only named, an absent body has no size."""
    assert body(None, stream=True, size=7) == {
        "size": 7, "type": "application/json", "kept": "none", "stream": True
    }  # fmt: skip
    assert body(None, "") == {"size": 0, "type": "", "kept": "none"}
    assert body(b"", "")["size"] == 0


def test_a_gzip_bomb_is_cut() -> None:
    """A body that inflates to a gigabyte costs megabytes, and is kept as a digest."""
    bomb = gzip.compress(b"{" + b" " * 50_000_000 + b"}")
    kept = body(bomb, encoding="gzip")
    assert kept["kept"] == "digest"
    assert kept["size"] == len(bomb)


def test_long_text_is_scrubbed_before_it_is_cut() -> None:
    """A secret that begins before the cut and ends after it is gone whole."""
    text = "x " * 32_760 + "-----BEGIN PRIVATE KEY-----" + "SECRETLINE\n" * 100
    kept = body(text, "text/plain", level="full")
    assert "SECRETLINE" not in kept["text"]
    assert len(kept["text"]) <= 65_536


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 10_000 + b"]" * 10_000,
        b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
        b'{"users":[{"aliases":' + b"[" * 10_000,
        b"[1" + b"0" * 5_000 + b"]",
        b'{"a": 1e999}',
        b'{"a": "\xff\xfe"}',
        b'{"a": "\\ud800"}',
        b"--x\r\n--x\r\n--x--",
        b"\0" * 100,
    ],
)
@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("kind", KINDS)
def test_hostile_bodies_never_raise(content: bytes, level: str, kind: str) -> None:
    """Depth, size and broken encodings end in a BODY, never in an exception of ours."""
    for method in ("directory.users.list", "gmail.users.messages.send", None):
        for direction in ("request", "response"):
            assert body(content, kind, method=method, direction=direction, level=level)["size"]


@given(
    st.binary(max_size=400),
    st.sampled_from(KINDS),
    st.sampled_from(["", "gzip", "deflate", "br"]),
)  # fmt: skip
@settings(max_examples=200)
def test_any_bytes_are_taken(content: bytes, kind: str, encoding: str) -> None:
    """Any bytes under any type give a BODY that JSON can hold."""
    written(body(content, kind, encoding=encoding))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(json_values, cores)
@settings(max_examples=100)
def test_facts_lose_secrets_and_nothing_else(value: Any, core: str) -> None:
    """Facts of events keep their numbers and words; what is filed under a secret name goes."""
    assume(not leaks(core, value))
    data = {"wanted": value, "smtp_password": core, "why": f"token=ya29.{core}"}
    kept = Redactor(b"k").data(data, [])
    assert leaks(core, kept) == []
    assert set(kept) == set(data)
    assert Redactor(b"k").data(kept, []) == kept or value != value


def test_facts_of_a_resolution_stay() -> None:
    """Codes, accounts and settings are shown as they are; only secret settings are not."""
    data = {
        "reason": {
            "code": "attribute-not-readable",
            "args": {"attribute": "DivaltoInfinityWinAccount"},
        },
        "compared": {"wanted": "SOC\\xavier", "found": ["Dupond@soc-windows.fr"], "folded": True},
        "values": {
            "key_file": {"value": "/etc/key.json", "origin": "env", "label": "Key file"},
            "smtp_password": {"value": "hunter2", "origin": "file:3", "label": "Password"},
        },
    }
    notes: Notes = []
    kept = Redactor(b"k").data(data, notes)
    assert kept["reason"] == data["reason"]
    assert kept["compared"] == data["compared"]
    assert kept["values"]["key_file"]["value"] == "/etc/key.json"
    assert kept["values"]["smtp_password"]["origin"] == "file:3"
    assert "hunter2" not in written(kept)
    assert [note["kind"] for note in notes] == ["password"]
