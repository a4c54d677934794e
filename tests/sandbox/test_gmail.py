"""Gmail: what is accepted, what is rewritten, what is refused, and how a mailbox reads."""

import base64
from collections.abc import Callable
from typing import Any

import httplib2
import pytest
from googleapiclient.errors import HttpError
from googleapiclient.http import MediaInMemoryUpload, build_http

from samples.sandbox import Sandbox
from samples.sandbox.client import MAIL
from samples.sandbox.methods import find
from tests.sandbox.conftest import mail, raw

DUPOND = "dupond@masoc.com"
Connect = Callable[..., Any]


def failure(request: Any) -> tuple[int, str]:
    """Status and message of a request that must fail."""
    with pytest.raises(HttpError) as caught:
        request.execute()
    return caught.value.status_code, caught.value.reason


def test_sent_message_is_kept_and_delivered(box: Sandbox, connect: Connect) -> None:
    """A message lands in Sent as it was, and unread in the inbox of a colleague, without Bcc."""
    messages = connect("gmail", DUPOND, "gmail.send", "gmail.readonly").users().messages()
    letter = mail("accueil@masoc.com", DUPOND, Bcc="compta@masoc.com", Message_ID="<a@b>")
    sent = messages.send(userId="me", body=raw(letter)).execute()
    assert sent["labelIds"] == ["SENT"]
    assert box.sent[0].recipients == ("accueil@masoc.com", "compta@masoc.com")
    kept = messages.get(userId="me", id=sent["id"], format="raw").execute()
    assert base64.urlsafe_b64decode(kept["raw"]) == box.sent[0].raw
    found = messages.list(userId="me", q="rfc822msgid:<a@b> in:sent").execute()
    assert [entry["id"] for entry in found["messages"]] == [sent["id"]]
    inbox = box.world["accueil@masoc.com"].mailbox.newest_first()
    assert (inbox[0].labels, inbox[0].parsed["bcc"]) == ({"INBOX", "UNREAD"}, None)


@pytest.mark.parametrize(
    ("asked", "kept"),
    [
        ("Direction <chef@masoc.com>", "Direction <dupond@masoc.com>"),
        ("", "Jean Dupond <dupond@masoc.com>"),
        ("Ventes <ventes@masoc.com>", "Ventes <ventes@masoc.com>"),
        ("dupond@masoc.com", "dupond@masoc.com"),
    ],
)
def test_foreign_sender_is_rewritten(box: Sandbox, connect: Connect, asked: str, kept: str) -> None:
    """A From that is no verified send-as becomes the primary address; nothing says so."""
    messages = connect("gmail", DUPOND, MAIL).users().messages()
    sent = messages.send(userId="me", body=raw(mail(sender=asked))).execute()
    headers = messages.get(
        userId="me", id=sent["id"], format="metadata", metadataHeaders=["From"]
    ).execute()["payload"]["headers"]
    assert headers == [{"name": "From", "value": kept}]
    assert box.sent[0].raw.count(b"From:") == 1


@pytest.mark.parametrize(
    ("body", "status", "text"),
    [
        (raw(mail("a@b.fr; c@d.fr")), 400, "Invalid To header"),
        (raw(mail("pas une adresse")), 400, "Invalid To header"),
        (raw(mail("")), 400, "Recipient address required"),
        ({}, 400, "'raw' RFC822 payload message string or uploading message via"),
        ({"raw": "a+b/c=="}, 400, "Base64 decoding failed"),
        ({"raw": "A" * (5 * 1024 * 1024)}, 413, ""),
    ],
)
def test_bad_message_is_refused(
    box: Sandbox, connect: Connect, body: dict[str, str], status: int, text: str
) -> None:
    """Each malformed message has Gmail's own error, and nothing is sent."""
    messages = connect("gmail", DUPOND, MAIL).users().messages()
    found, said = failure(messages.send(userId="me", body=body))
    assert found == status
    assert text in said
    assert box.sent == []


@pytest.mark.parametrize(
    ("subject", "path_user", "status", "text"),
    [
        (DUPOND, "accueil@masoc.com", 403, "Delegation denied for dupond@masoc.com"),
        (DUPOND, "j.dupond@masoc.com", 403, "Delegation denied for dupond@masoc.com"),
        ("sansboite@masoc.com", "me", 400, "Mail service not enabled"),
        (None, "me", 400, "Precondition check failed."),
    ],
)
def test_whose_mailbox(
    connect: Connect, subject: str | None, path_user: str, status: int, text: str
) -> None:
    """The path must name the token's subject, who must have a mailbox."""
    users = connect("gmail", subject, MAIL).users()
    assert failure(users.getProfile(userId=path_user)) == (status, text)


def test_gmail_can_be_off_for_a_unit(box: Sandbox, connect: Connect) -> None:
    """The administrators' switch is a 403 of its own."""
    box.world[DUPOND].policy_off = True
    users = connect("gmail", DUPOND, MAIL).users()
    text = "The domain administrators have disabled Gmail apps."
    assert failure(users.getProfile(userId="me")) == (403, text)


def test_missing_scope_lists_the_accepted_ones(connect: Connect) -> None:
    """403 says in a header which scopes would do: those of the discovery document."""
    messages = connect("gmail", DUPOND, "gmail.readonly").users().messages()
    with pytest.raises(HttpError) as caught:
        messages.send(userId="me", body=raw(mail())).execute()
    assert b"ACCESS_TOKEN_SCOPE_INSUFFICIENT" in caught.value.content
    header = caught.value.resp["www-authenticate"]
    method = find("POST", "/gmail/v1/users/me/messages/send")
    assert method is not None
    accepted = header.partition('scope="')[2].rstrip('"').split()
    assert set(accepted) == method[0].scopes


def test_api_switched_off(box: Sandbox, connect: Connect) -> None:
    """A service that is off in the project names the project and where to switch it on."""
    box.world.apis_off.add("gmail.googleapis.com")
    with pytest.raises(HttpError) as caught:
        connect("gmail", DUPOND, MAIL).users().getProfile(userId="me").execute()
    assert "overview?project=402915660077" in caught.value.reason
    assert b"SERVICE_DISABLED" in caught.value.content


def test_metadata_scope_has_its_quirks(connect: Connect) -> None:
    """With gmail.metadata in the token neither a search nor a body is to be had."""
    messages = connect("gmail", DUPOND, "gmail.metadata", "gmail.readonly").users().messages()
    status, text = failure(messages.list(userId="me", q="is:unread"))
    assert (status, text) == (403, "Metadata scope does not support 'q' parameter")
    first = messages.list(userId="me").execute()["messages"][0]["id"]
    assert "FULL" in failure(messages.get(userId="me", id=first))[1]
    assert messages.get(userId="me", id=first, format="metadata").execute()["payload"]


@pytest.mark.parametrize(
    ("options", "count"),
    [
        ({}, 4),
        ({"q": "is:unread"}, 2),
        ({"q": "-is:unread"}, 2),
        ({"q": "has:attachment from:client2"}, 1),
        ({"q": 'subject:"bon de commande"'}, 1),
        ({"q": "label:devis"}, 1),
        ({"labelIds": ["UNREAD", "Label_1"]}, 1),
        ({"q": "newer_than:2d"}, 1),
        ({"q": "after:2001/01/01 before:2001/02/01"}, 0),
        ({"q": "in:sent"}, 0),
    ],
)
def test_mailbox_is_searched(connect: Connect, options: dict[str, Any], count: int) -> None:
    """The usual operators select; the newest message comes first."""
    messages = connect("gmail", DUPOND, "gmail.readonly").users().messages()
    found = messages.list(userId="me", **options).execute()
    assert len(found.get("messages", [])) == count


def test_message_pages(connect: Connect) -> None:
    """Pages of a mailbox partition it."""
    messages = connect("gmail", DUPOND, "gmail.readonly").users().messages()
    request = messages.list(userId="me", maxResults=3)
    found: list[str] = []
    while request is not None:
        answer = request.execute()
        found += [entry["id"] for entry in answer["messages"]]
        request = messages.list_next(request, answer)
    assert len(set(found)) == len(found) == 4


def test_attachment_is_fetched(connect: Connect) -> None:
    """A full message names its attachments; their bytes come by id."""
    messages = connect("gmail", DUPOND, "gmail.readonly").users().messages()
    [entry] = messages.list(userId="me", q="filename:pièce-2").execute()["messages"]
    payload = messages.get(userId="me", id=entry["id"]).execute()["payload"]
    part = payload["parts"][-1]
    assert (part["filename"], part["mimeType"]) == ("pièce-2.pdf", "application/pdf")
    found = (
        messages.attachments()
        .get(userId="me", messageId=entry["id"], id=part["body"]["attachmentId"])
        .execute()
    )
    assert base64.urlsafe_b64decode(found["data"]).startswith(b"%PDF")
    assert found["size"] == part["body"]["size"]


def test_reading_leaves_a_history(box: Sandbox, connect: Connect) -> None:
    """Marking read is in the history since the profile's id; an id too old is a 404."""
    users = connect("gmail", DUPOND, "gmail.modify").users()
    start = users.getProfile(userId="me").execute()["historyId"]
    entry = users.messages().list(userId="me", q="is:unread").execute()["messages"][0]
    users.messages().modify(
        userId="me", id=entry["id"], body={"removeLabelIds": ["UNREAD"]}
    ).execute()
    box.world[DUPOND].mailbox.add(mail(DUPOND).as_bytes(), "INBOX")
    history = users.history().list(userId="me", startHistoryId=start).execute()["history"]
    assert "labelsRemoved" in history[0]
    assert "messagesAdded" in history[1]
    added = users.history().list(userId="me", startHistoryId=start, historyTypes=["messageAdded"])
    assert len(added.execute()["history"]) == 1
    box.world[DUPOND].mailbox.forget_history()
    assert failure(users.history().list(userId="me", startHistoryId=start))[0] == 404


def test_small_lists(connect: Connect) -> None:
    """Labels, send-as addresses and drafts."""
    users = connect("gmail", DUPOND, MAIL).users()
    assert "Devis" in [one["name"] for one in users.labels().list(userId="me").execute()["labels"]]
    aliases = users.settings().sendAs().list(userId="me").execute()["sendAs"]
    assert [one["sendAsEmail"] for one in aliases] == [DUPOND, "ventes@masoc.com"]
    draft = users.drafts().create(userId="me", body={"message": raw(mail())}).execute()
    assert users.drafts().list(userId="me").execute()["drafts"][0]["id"] == draft["id"]
    users.drafts().send(userId="me", body={"id": draft["id"]}).execute()
    assert "drafts" not in users.drafts().list(userId="me").execute()


@pytest.mark.parametrize(
    ("size", "chunk"), [(0, None), (700_000, None), (700_000, 262_144), (262_144, 262_144)]
)
def test_upload_keeps_every_byte(
    box: Sandbox, connect: Connect, size: int, chunk: int | None
) -> None:
    """Simple, multipart and resumable uploads send exactly the message that was given."""
    letter = mail(sender=DUPOND, Message_ID="<x@y>", Date="Sun, 22 Nov 2026 12:00:00 +0000")
    content = letter.as_bytes() + b"\r\n--=_x\r\n" + b"A" * size
    media = MediaInMemoryUpload(
        content, mimetype="message/rfc822", chunksize=chunk or -1, resumable=bool(chunk)
    )
    messages = connect("gmail", DUPOND, "gmail.send").users().messages()
    messages.send(userId="me", body={}, media_body=media).execute(num_retries=1)
    assert box.sent[0].raw == content
    kinds = [seen.kind for seen in box.requests[1:]]
    assert kinds == (
        ["upload-start", *["chunk"] * -(-len(content) // chunk)] if chunk else ["media"]
    )


@pytest.mark.parametrize(
    ("query", "headers", "size"),
    [
        ("resumable", {"X-Upload-Content-Length": "36700161"}, 0),
        ("media", {"Content-Type": "message/rfc822"}, 36_700_161),
    ],
)
def test_upload_over_the_limit_is_refused(
    box: Sandbox, query: str, headers: dict[str, str], size: int
) -> None:
    """35 MiB are the limit; an announced size is refused before the bytes are sent."""
    http = httplib2.Http()
    token = box.token(DUPOND, MAIL)
    response, _ = http.request(
        f"{box.url}/upload/gmail/v1/users/me/messages/send?uploadType={query}",
        "POST",
        body=b"x" * size,
        headers={"Authorization": f"Bearer {token}", **headers},
    )
    http.close()
    assert response.status == 413
    assert box.sent == []


def test_interrupted_upload_goes_on_where_it_was(box: Sandbox) -> None:
    """A session tells how much it has; a chunk that does not fit is refused."""
    http = build_http()  # type: ignore[no-untyped-call] # googleapiclient
    address = f"{box.url}/resumable/upload/gmail/v1/users/me/messages/send"
    token = {"Authorization": f"Bearer {box.token(DUPOND, MAIL)}"}
    start, _ = http.request(address, "POST", headers=token)
    content = mail(sender=DUPOND, Date="x", Message_ID="<a@b>").as_bytes()

    def put(span: str, body: bytes) -> httplib2.Response:
        headers = {"Content-Range": span}
        response, _ = http.request(start["location"], "PUT", body=body, headers=headers)
        assert isinstance(response, httplib2.Response)
        return response

    size = len(content)
    first = put(f"bytes 0-9/{size}", content[:10])
    assert (first.status, first["range"]) == (308, "bytes=0-9")
    assert put(f"bytes */{size}", b"")["range"] == "bytes=0-9"
    assert put(f"bytes 20-29/{size}", content[20:30]).status == 400
    assert put("nonsense", b"").status == 400
    assert put(f"bytes 10-{size - 1}/{size}", content[10:]).status == 200
    assert box.sent[0].raw == content
    assert put(f"bytes */{size}", b"").status == 404
    http.close()
