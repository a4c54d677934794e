"""Secrets planted in every place of a body; what would reach the disk is searched."""

import base64
import gzip
import zlib
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest
from hypothesis import given, settings

from tests.capture.redact.planting import (
    ENCODINGS,
    SHAPES,
    body,
    cores,
    leaks,
    mail,
    urlsafe,
)


def batch_part(secret: str) -> bytes:
    """Return a batch of one request that carries its own token."""
    return (
        "--b\r\nContent-Type: application/http\r\nContent-ID: <a+1>\r\n\r\n"
        f"GET /gmail/v1/users/me/messages?pageToken={secret}&access_token={secret} HTTP/1.1\r\n"
        f"Authorization: Bearer {secret}\r\nContent-Type: application/json\r\n\r\n"
        f'{{"refresh_token": "{secret}"}}\r\n--b--\r\n'
    ).encode()


SOAP = (
    '<?xml version="1.0"?><s:Envelope><s:Header><wsse:Password>{0}</wsse:Password></s:Header>'
    "<s:Body><m:CreateItem MessageDisposition='SendOnly'><t:Subject>{0}</t:Subject>"
    "<t:Body BodyType='HTML'><![CDATA[{0}]]></t:Body><t:ItemId Id='{0}{0}' ChangeKey='x'/>"
    "<t:EmailAddress>jean@masoc.com</t:EmailAddress><!-- {0} --></m:CreateItem>"
    "</s:Body></s:Envelope>"
)

BODIES: dict[str, Callable[[str], dict[str, Any]]] = {
    "send raw": lambda s: {
        "content": orjson.dumps({"raw": urlsafe(mail(s, s))}),
        "method": "gmail.users.messages.send", "direction": "request",
    },
    "send of an unknown method": lambda s: {
        "content": orjson.dumps({"raw": urlsafe(mail(s, s))}), "direction": "request",
    },
    "upload": lambda s: {"content": mail(s, s), "kind": "message/rfc822", "direction": "request"},
    "multipart upload": lambda s: {
        "content": b"--x\r\nContent-Type: application/json\r\n\r\n{}\r\n--x\r\nContent-Type: "
        b"message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        + base64.b64encode(mail(s, s)) + b"\r\n--x--",
        "kind": 'multipart/related; boundary="x"', "direction": "request",
        "method": "gmail.users.messages.send",
    },
    "batch": lambda s: {
        "content": batch_part(s), "kind": "multipart/mixed; boundary=b", "direction": "request",
    },
    "message": lambda s: {
        "content": orjson.dumps({
            "id": "18c1", "snippet": s, "raw": s, "payload": {
                "filename": s, "body": {"size": 3, "data": s, "attachmentId": s},
                "headers": [{"name": "Subject", "value": s}, {"name": "X-Own", "value": s}],
            },
        }),
        "method": "gmail.users.messages.get",
    },
    "message of a client that names no method": lambda s: {
        "content": orjson.dumps({"snippet": s, "payload": {"body": {"data": s}, "filename": s,
                                 "headers": [{"name": "Subject", "value": s}]}}),
        "url": "https://gmail.googleapis.com/gmail/v1/users/me/messages/18c1?format=full",
    },
    "message in a batch": lambda s: {
        "content": b"--b\r\nContent-Type: application/http\r\n\r\nHTTP/1.1 200 OK\r\nContent-Type:"
        b" application/json\r\n\r\n" + orjson.dumps({"snippet": s, "payload": {"headers": [
            {"name": "Subject", "value": s}]}}) + b"\r\n--b--",
        "kind": "multipart/mixed; boundary=b",
    },
    "event inserted": lambda s: {
        "content": orjson.dumps({"summary": s, "extendedProperties": {"private": {"a": s}}}),
        "url": "https://www.googleapis.com/calendar/v3/calendars/primary/events?sendUpdates=all",
        "direction": "request",
    },
    "people": lambda s: {
        "content": orjson.dumps({
            "connections": [{"resourceName": "people/c1", "names": [{"displayName": s}],
                             "biographies": [{"value": s}]}],
            "nextPageToken": s, "nextSyncToken": s,
        }),
        "method": "people.people.connections.list",
    },
    "events": lambda s: {
        "content": orjson.dumps({"items": [{"id": "e1", "summary": s, "description": s,
                                            "location": s, "attendees": [{"email": s}]}]}),
        "method": "calendar.events.list",
    },
    "users": lambda s: {
        "content": orjson.dumps({"users": [{"id": "1", "recoveryPhone": s, "notes": {"value": s},
                                            "hashFunction": s, "password": s}],
                                 "nextPageToken": s}),
        "method": "directory.users.list",
    },
    "token reply": lambda s: {
        "content": orjson.dumps({"access_token": s, "refresh_token": s, "id_token": s}),
        "url": "https://oauth2.googleapis.com/token",
    },
    "token form": lambda s: {
        "content": urlencode({"client_secret": s, "refresh_token": s, "code": s, "assertion": s}),
        "kind": "application/x-www-form-urlencoded", "direction": "request",
    },
    "graph": lambda s: {
        "content": orjson.dumps({"message": {"subject": s, "body": {"content": s}}}),
        "direction": "request",
    },
    "pairs": lambda s: {"content": orjson.dumps([{"name": "Password", "value": s, "id": 1},
                                                 {"key": "client_secret", "value": [s]},
                                                 {"name": "X-Anything", "value": s}])},
    "nested": lambda s: {"content": orjson.dumps({"token": {"a": [s, {"b": s}]}, "Password": [s]})},
    "soap": lambda s: {"content": SOAP.format(s), "kind": "text/xml; charset=utf-8"},
    "unknown type": lambda s: {"content": s.encode() + b"\0\1", "kind": "application/octet-stream"},
    "not JSON": lambda s: {"content": '{"a": "' + s, "direction": "request"},
    "text sent": lambda s: {"content": s, "kind": "text/plain", "direction": "request"},
}  # fmt: skip


@pytest.mark.parametrize("wrap", [None, "gzip", "deflate", "br"])
@pytest.mark.parametrize("where", BODIES)
@settings(max_examples=5)
@given(secret=cores)
def test_places_of_secrets_lose_any_value(where: str, wrap: str | None, secret: str) -> None:
    """Where a secret or mail text belongs, any value goes, even a word of no known shape."""
    given_body = BODIES[where](secret)
    if wrap:
        raw = given_body["content"]
        raw = raw.encode() if isinstance(raw, str) else raw
        packers: dict[str, Callable[[bytes], bytes]] = {
            "gzip": gzip.compress,
            "deflate": zlib.compress,
            "br": bytes,
        }
        given_body |= {"content": packers[wrap](raw), "encoding": wrap}
    assert leaks(secret, body(**given_body)) == []


SHAPED_ONLY: dict[str, Callable[[str], dict[str, Any]]] = {
    "custom field": lambda s: {
        "content": orjson.dumps(
            {"users": [{"customSchemas": {"D": {"A": s, "B": [{"value": s}]}}}]}
        ),
        "method": "directory.users.list",
    },
    "key": lambda s: {"content": orjson.dumps({s: 1, "a": {s: [s]}})},
    "error": lambda s: {
        "content": orjson.dumps({"error": {"code": 400, "message": f"Bad: {s}", "status": s,
                                           "details": [{"metadata": {"m": s}}]}}),
        "method": "gmail.users.messages.send",
    },
    "mail header": lambda s: {
        "content": orjson.dumps(
            {"payload": {"headers": [{"name": "From", "value": f'"{s}" <a@b>'}]}}
        ),
        "method": "gmail.users.messages.get",
    },
    "html": lambda s: {"content": f"<title>{s}</title><p>{s}</p>", "kind": "text/html"},
    "text": lambda s: {"content": f"bad gateway {s}", "kind": "text/plain"},
    "soap": lambda s: {"content": f"<a b='{s}'><c>{s}</c></a>", "kind": "text/xml"},
    "form": lambda s: {"content": urlencode({"x": s, s: "y"}),
                       "kind": "application/x-www-form-urlencoded"},
}  # fmt: skip


@pytest.mark.parametrize("level", ["structure", "full"])
@pytest.mark.parametrize("encoding", ["plain", "percent", "base64url"])
@pytest.mark.parametrize("shape", ["access token", "jwt", "client secret"])
@pytest.mark.parametrize("where", SHAPED_ONLY)
@settings(max_examples=3)
@given(core=cores)
def test_known_shapes_go_everywhere(
    where: str, shape: str, encoding: str, level: str, core: str
) -> None:
    """A secret of a known shape goes in places where words are kept, at every level."""
    planted = ENCODINGS[encoding](SHAPES[shape](core))
    assert leaks(core, body(**SHAPED_ONLY[where](planted), level=level)) == []
