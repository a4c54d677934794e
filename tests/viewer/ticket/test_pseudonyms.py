"""Pseudonyms: what becomes one, what stays, what can be told about them afterwards."""

# ruff: noqa: E501 - a table of examples reads best with one a line

import base64
import json
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote, unquote

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from viewer.ticket.idmap import MapError, MapWriter, private_file, reveal
from viewer.ticket.registry import Entry, Registry
from viewer.ticket.rewrite import Rewriter


def rewriter() -> Rewriter:
    """Return one with a registry of its own."""
    return Rewriter(Registry(b"k" * 32))


def rewrite(text: str, key: str = "text") -> str:
    """Return `text` as it comes out under `key`."""
    line = b'{"v":1,"name":"n","data":' + orjson.dumps({key: text}) + b"}"
    found: str = orjson.loads(rewriter().line(line))["data"][key]
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("dupond@masoc.com", "person-1@domain-1"),
        ("Dupond@SOC-WINDOWS.COM", "Person-1@DOMAIN-1"),
        ("dupond@masoc.com DUPOND@masoc.com", "person-1@domain-1 PERSON-1@domain-1"),
        ("SOC\\dupond = dupond@soc.com", "DOMAIN-1\\person-1 = person-1@domain-2"),
        ("jean+news@x.fr jean@x.fr", "person-1+tag-1@domain-1 person-1@domain-1"),
        ("a@mail.x.fr b@x.fr", "person-1@host-1.domain-1 person-2@domain-1"),
        ("https://mail.x.co.uk:8443/p?x=1", "https://host-1.domain-1:8443/p?x=1"),
        ("a@svc-proj.iam.gserviceaccount.com", "service-1@project-1.iam.gserviceaccount.com"),
        ("a@gmail.com mailer-daemon@googlemail.com", "person-1@gmail.com mailer-daemon@googlemail.com"),
        ("[10.0.0.7]:25 ::1 127.0.0.1 fe80::1:2", "[ip-1]:25 ::1 127.0.0.1 ip-2"),
        ("C:\\Users\\dupond\\a /home/dupond/b", "C:\\Users\\person-1\\a /home/person-1/b"),
        ("file://C:/Users/Public/x /users/me/messages", "file://C:/Users/Public/x /users/me/messages"),
        ("people/c1234567890", "people/contact-"),
        ("/messages/18f47a1320195bcd?x", "/messages/message-"),
        ("/messages/batchDelete", "/messages/batchDelete"),
        ("id 117654321098765432109.", "id account-"),
        ("cn=Ada Lovelace,ou=Lyon Est,dc=x,dc=fr", "cn=Name-1,ou=Unit-1,dc=domain-1"),
        ("+33 6 12 34 56 78, 06.12.34.56.78", "phone-1, phone-2"),
        ("HKLM\\Software", "HKLM\\Software"),
    ],
)  # fmt: skip
def test_shapes(text: str, expected: str) -> None:
    """Each shape of identity becomes the pseudonym of its kind, and keeps its case and relations."""
    assert rewrite(text).startswith(expected)


@pytest.mark.parametrize(
    "text",
    [
        "gmail.users.messages.send", "gmail.googleapis.com", "2026-11-22T13:16:33.123456Z",
        "Sun, 22 Nov 2026 13:16:33 +0000", "00000064000000ab", "⟨redacted token #0a1b2c3d4e⟩",
        "https://www.googleapis.com/auth/gmail.send", "application/json; charset=UTF-8",
        "Request had insufficient authentication scopes.", "google-api-python-client/2.1.4.1",
        "1.2.840.113549.1.1.11", "3.11.7", "@type", "x@1.2", "12:34:56", "report.html",
        "multipart/mixed; boundary==_b", "LESPETITSPAINS", "Retry after 2023-03-07T18:03:15.961Z",
        "77454057746a4c71", "width=40px", "/x?pageToken=40ab12cd", "#e=40fb46def39927c3",
    ],
)  # fmt: skip
def test_what_names_nobody_stays(text: str) -> None:
    """Google's words, times, versions, ids of events, tags: byte for byte the same."""
    assert rewrite(text) == text


@pytest.mark.parametrize(
    ("key", "text", "expected"),
    [
        ("environment", "LESPETITSPAINS", "ENVIRONMENT-1"),
        ("environment", "ERP215", "ERP215"),
        ("environment", "Test", "Test"),
        ("harmony_user", "PDUPOND", "PERSON-1"),
        ("host", "PC-7", "HOST-1"),
        ("givenName", "Ada", "Name-1"),
        ("message-id", "<x1@mail.fr>", "<message-"),
        ("threadId", "18f47a1320195bcd", "message-"),
        ("DivaltoInfinityWinAccountEnv_LESPETITSPAINS", "x", "x"),
        ("value", "LESPETITSPAINS=a@b.fr", "ENVIRONMENT-1=person-1@domain-1"),
        ("found", "LESPETITSPAINS=SOC\\ada", "ENVIRONMENT-1=DOMAIN-1\\person-1"),
        ("kid", "0123456789abcdef01", "key-"),
        ("customerId", "C01abcdef", "Customer-1"),
        ("customer", "my_customer", "my_customer"),
        ("from", '"Ada Lovelace" <ada@x.fr>', '"Name-1" <person-1@domain-1>'),
    ],
)
def test_a_key_says_what_its_value_is(key: str, text: str, expected: str) -> None:
    """A bare word under a telling key is an identity; a generic environment is none."""
    line = b'{"v":1,"name":"n","data":' + orjson.dumps({key: text}) + b"}"
    (value,) = orjson.loads(rewriter().line(line))["data"].values()
    assert value.startswith(expected)


def test_a_name_learnt_once_is_found_everywhere() -> None:
    """In keys, in other cases, in sentences, after an escape in a text; not inside other words."""
    one = rewriter()
    one.line(b'{"data":{"environment":"LESPETITSPAINS"}}')
    line = {
        "WinAccountEnv_LesPetitsPains": 1,
        "x": "a lespetitspains, LESPETITSPAINS2",
        "y": '"\\nLESPETITSPAINS"',
    }
    after = one.line(b'{"data":' + orjson.dumps(line) + b"}").decode()
    assert "WinAccountEnv_eNvironment-1" in after
    assert "a environment-1, LESPETITSPAINS2" in after
    assert "ENVIRONMENT-1\\" in after


ADDRESSES = st.from_regex(r"[a-z]{3,8}\.[a-z]{3,8}@[a-z]{4,10}\.(fr|com)", fullmatch=True)


@given(
    ADDRESSES,
    st.sampled_from(["plain", "percent", "twice", "base64", "base64url", "html", "utf16", "json", "hex"]),
)  # fmt: skip
def test_every_encoding_is_looked_through(address: str, encoding: str) -> None:
    """The pseudonym comes in the encoding of the original, so that both decode alike."""
    codecs: dict[str, tuple[Callable[[str], str], Callable[[str], str]]] = {
        "plain": (str, str),
        "percent": (lambda s: f"x={quote(s, safe='')}&y=1", lambda s: unquote(s)),
        "twice": (lambda s: quote(quote(s, safe=""), safe=""), lambda s: unquote(unquote(s))),
        "base64": (lambda s: base64.b64encode(s.encode()).decode(), lambda s: base64.b64decode(s).decode()),
        "base64url": (
            lambda s: base64.urlsafe_b64encode(s.encode()).decode().rstrip("="),
            lambda s: base64.urlsafe_b64decode(s + "==").decode(),
        ),
        "html": (lambda s: s.replace("@", "&#64;"), lambda s: s.replace("&#64;", "@")),
        "utf16": (lambda s: "".join(f"{c}\0" for c in s), lambda s: s.replace("\0", "")),
        "json": (lambda s: orjson.dumps({"a": s}).decode(), lambda s: orjson.loads(s)["a"]),
        "hex": (lambda s: s.encode().hex(), lambda s: bytes.fromhex(s).decode()),
    }  # fmt: skip
    encode, decode = codecs[encoding]
    assert "person-1@domain-1" in decode(rewrite(encode(address)))


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**80), 2**80)
    | st.floats(allow_nan=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


class Spelled(str):
    """A number as it is written."""


@given(JSON)
def test_any_line_stays_json_of_the_same_shape(value: object) -> None:
    """Whatever a line holds, it parses afterwards, and everything but its strings is untouched."""
    line = b'{"v":1,"name":"x","data":' + json.dumps(value).encode() + b"}"
    after = rewriter().line(line)

    def shape(one: object) -> object:
        if isinstance(one, dict):
            return [shape(inner) for inner in one.values()]
        if isinstance(one, list):
            return [shape(inner) for inner in one]
        return "text" if type(one) is str else one

    before = json.loads(line, parse_int=Spelled, parse_float=Spelled)
    now = json.loads(after, parse_int=Spelled, parse_float=Spelled)
    if len(str(before)) == len(str(now)):
        assert shape(before) == shape(now)


@given(ADDRESSES)
def test_the_head_stays_canonical(address: str) -> None:
    """In the head only the name may change; ids, times and the place of ``data`` stay."""
    line = (
        b'{"v":1,"ts":"2026-11-22T13:16:33.123456Z","topic":"http","kind":"exchange","phase":"end",'
        b'"id":"00000000000000aa","parent":null,"op":null,"pid":1,"seq":1,"name":"GET '
        + address.encode() + b'","status":200,"ms":1.50,"data":{}}'
    )  # fmt: skip
    assert rewriter().line(line) == line.replace(address.encode(), b"person-1@domain-1")


def test_spellings_stay_apart() -> None:
    """Spellings of one name share the number and differ exactly where the originals differ."""
    registry = Registry(b"k")
    names = ["dupond", "DUPOND", "Dupond", "dUPOND", "duPond", "DuPoNd", "dUpOnD"]
    made = [registry.person(name) for name in names]
    assert len(set(made)) == len(names)
    assert {one.lower() for one in made} == {"person-1"}
    assert [registry.person(name) for name in names] == made


def test_the_map_turns_an_answer_back(tmp_path: Path) -> None:
    """Pseudonyms in a text become real names again, in any case; other words stay."""
    registry = Registry(b"k" * 32)
    hashed: list[Entry] = []
    registry.on_hashed = hashed.append
    said = f"Ask {registry.person('Dupond')} of {registry.host('masoc.com')}: {registry.hashed('message', 'm1@x')}"
    path = tmp_path / "t.map"
    with private_file(path) as file:
        writer = MapWriter(file)
        for entry in (*hashed, *registry.entries()):
            writer.add(entry)
    assert reveal(said + " PERSON-1 person-9 part-1", path) == (
        "Ask Dupond of masoc.com: m1@x Dupond person-9 part-1"
    )


@pytest.mark.parametrize("content", [b"", b"{}", b"not json", b'{"mapi-tracer":"map"}\n{"torn'])
def test_what_is_no_map_is_one_line(tmp_path: Path, content: bytes) -> None:
    """Another file, or a torn one, is refused with one line."""
    path = tmp_path / "x.map"
    path.write_bytes(content)
    if content == b"":
        assert reveal("person-1", path) == "person-1"
        return
    with pytest.raises(MapError) as caught:
        reveal("person-1", path)
    assert "\n" not in str(caught.value)


def test_an_interrupted_map_leaves_nothing(tmp_path: Path) -> None:
    """A map is there whole or not at all."""

    def interrupted() -> None:
        with private_file(tmp_path / "x.map") as file:
            file.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(tmp_path.iterdir()) == []
