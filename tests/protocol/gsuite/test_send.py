"""Sending by Gmail: what leaves, what is refused, and that nothing leaves twice."""

import email
import email.policy
from collections.abc import Callable
from datetime import timedelta
from http.client import RemoteDisconnected

import httplib2
import pytest

from samples.sandbox import Sandbox
from tests.protocol.gsuite.conftest import Layer, Listener
from tracer.protocol.errors import (
    DoubtfulSendError,
    LayerError,
    MessageError,
    RateLimitError,
    RefusedError,
    ServiceError,
    UnreachableError,
)
from tracer.protocol.gsuite import client
from tracer.protocol.gsuite.send import LIMIT, Once
from tracer.protocol.identity import Identity
from tracer.protocol.mime import Attachment, Mail

PAINS = Identity("LESPETITSPAINS", "", "Dupond@soc-windows.com")
MASOC = Identity("", "", "Dupond@soc-windows.com")
SEND = "gmail.users.messages.send"
HELLO = Mail(to=("client@example.com",), subject="Commande 4711", text="Bonjour, c'est prêt.")


def sends(box: Sandbox) -> list[str]:
    """Return the kinds of the requests that sent something."""
    return [seen.kind for seen in box.requests if seen.method_id.startswith(SEND)]


def test_the_same_windows_account_sends_from_two_companies(
    layer: Layer, box: Sandbox, listener: Listener
) -> None:
    """The environment decides the sender, as on the seed page."""
    first = layer.send(HELLO, PAINS)
    second = layer.send(HELLO, Identity("LABRIOCHEDOREE", "", "Dupond@soc-windows.com"))
    assert [sent.account for sent in box.sent] == [
        "dupond@lespetitspains.com",
        "dupond@labriochedoree.com",
    ]
    assert (first.via, second.via) == ("env", "env")
    message = email.message_from_bytes(box.sent[0].raw, policy=email.policy.default)
    assert message["from"] == "dupond@lespetitspains.com"
    assert message["subject"] == "Commande 4711"
    assert message["message-id"] == first.message_id
    assert message.get_content().strip() == "Bonjour, c'est prêt."
    end = [e["data"] for e in listener.of("operation", "end")]
    assert [one["account"] for one in end] == [sent.account for sent in box.sent]


def test_everything_a_mail_can_have_arrives(layer: Layer, box: Sandbox) -> None:
    """HTML, attachments with their names, several recipients, copies and reply-to arrive."""
    mail = Mail(
        to=("Jean <a@example.com>, b@example.com", "c@example.com"),
        cc=("d@example.com",),
        bcc=("e@example.com",),
        reply_to=("ventes@lespetitspains.com",),
        subject="Pièces jointes — été",
        text="texte\nà lire",
        html="<p>texte</p>",
        attachments=(
            Attachment("pièce.pdf", bytes(range(256)) * 9),
            Attachment("note.txt", b"\xe9"),
        ),
    )
    layer.send(mail, PAINS)
    (sent,) = box.sent
    assert sorted(sent.recipients) == [f"{name}@example.com" for name in "abcde"]
    message = email.message_from_bytes(sent.raw, policy=email.policy.default)
    assert message["reply-to"] == "ventes@lespetitspains.com"
    assert message["subject"] == "Pièces jointes — été"
    html = message.get_body(("html",))
    assert html is not None
    assert html.get_content().strip() == "<p>texte</p>"
    files = {part.get_filename(): part.get_content() for part in message.iter_attachments()}
    assert files == {"pièce.pdf": bytes(range(256)) * 9, "note.txt": b"\xe9"}


@pytest.mark.parametrize(
    ("size", "kinds"),
    [
        (100_000, ["call"]),
        (3_000_000, ["media"]),
        (6_000_000, ["upload-start", "chunk", "chunk"]),
    ],
)
def test_large_mail_goes_by_the_upload_endpoint(
    layer: Layer, box: Sandbox, size: int, kinds: list[str]
) -> None:
    """JSON while it is small, one upload above, in parts from 5 MiB on: the bytes are the same."""
    content = bytes(range(251)) * (size // 251)
    layer.send(Mail(to=("a@b.fr",), attachments=(Attachment("a.bin", content),)), PAINS)
    (sent,) = box.sent
    message = email.message_from_bytes(sent.raw, policy=email.policy.default)
    (part,) = message.iter_attachments()
    assert part.get_content() == content
    assert sends(box) == kinds


def test_a_mail_beyond_35_mib_is_refused_before_it_leaves(layer: Layer, box: Sandbox) -> None:
    """The limit is Gmail's, counted on the encoded message."""
    mail = Mail(to=("a@b.fr",), attachments=(Attachment("a.bin", bytes(LIMIT * 3 // 4)),))
    with pytest.raises(MessageError, match="Gmail takes 36,700,160"):
        layer.send(mail, PAINS)
    assert not sends(box)


def test_a_resumable_upload_goes_on_where_it_broke(layer: Layer, box: Sandbox) -> None:
    """A dropped part and a 503 are asked about and continued; the mail leaves once, unharmed."""
    content = bytes(range(251)) * 30_000
    mail = Mail(to=("a@b.fr",), attachments=(Attachment("a.bin", content),))
    box.fault("drop-before", match=f"{SEND}*#chunk")
    box.fault("503-twice", times=1, match=f"{SEND}*#chunk")
    layer.send(mail, PAINS)
    (sent,) = box.sent
    message = email.message_from_bytes(sent.raw, policy=email.policy.default)
    (part,) = message.iter_attachments()
    assert part.get_content() == content


def test_the_option_switches_sending_off(layers: Callable[..., Layer], box: Sandbox) -> None:
    """Option 1 of the window off: refused with its French name, nothing asked of Google."""
    with pytest.raises(RefusedError, match="switched off") as caught:
        layers(use_gmail="false").send(HELLO, PAINS)
    assert "Utiliser Gmail pour l'envoi de mail et le CRM" in caught.value.cause
    assert not box.requests


def test_a_protected_account_refuses_strangers_and_says_whom_it_admits(
    layers: Callable[..., Layer], box: Sandbox, listener: Listener
) -> None:
    """Refused with attribute and account; whom it admits is told apart from the text."""
    layer = layers(account="dupond@masoc.com")
    with pytest.raises(RefusedError, match=r"intrus@x\.fr may not use dupond@masoc\.com") as caught:
        layer.send(HELLO, Identity("", "", "intrus@x.fr"))
    assert "DivaltoInfinityWinAccount" in caught.value.cause
    assert caught.value.admits == (
        "Dupond@soc-windows.com",
        "Dupond@soc-windows.fr",
        "Dupond@soc-windows.eu",
    )
    error = listener.end("send")["error"]
    assert error["remedy"]
    assert not any(value in str(error) for value in caught.value.admits)
    assert not sends(box)


def test_a_from_of_the_account_is_allowed_and_a_foreign_one_refused(
    layer: Layer, box: Sandbox
) -> None:
    """Send-as: a verified address goes out as it is, anything else is refused before sending."""
    allowed = Mail(to=("a@b.fr",), text="x", sender="Ventes <ventes@masoc.com>")
    layer.send(allowed, MASOC)
    assert box.sent[0].asked_from == "ventes@masoc.com"
    with pytest.raises(RefusedError, match=r"may not send as pdg@masoc\.com") as caught:
        layer.send(Mail(to=("a@b.fr",), text="x", sender="pdg@masoc.com"), MASOC)
    assert "ventes@masoc.com" in caught.value.cause
    assert len(box.sent) == 1


@pytest.mark.parametrize("fault", ["drop-after", "truncated-json"])
def test_a_lost_answer_is_looked_up_in_sent(
    layer: Layer, box: Sandbox, listener: Listener, fault: str
) -> None:
    """Processed, but the answer lost: found in Sent by its Message-ID, sent once, and said so."""
    box.fault(fault, times=1, match=SEND)
    done = layer.send(HELLO, PAINS)
    assert done.found
    assert done.id == box.sent[0].id
    assert len(box.sent) == 1
    assert listener.end("send")["found_in_sent"] is True


@pytest.mark.parametrize("fault", ["drop-before", "500-backend", "html-502"])
def test_what_is_not_in_sent_is_in_doubt_and_not_sent_again(
    layer: Layer, box: Sandbox, fault: str
) -> None:
    """Not processed: three looks into Sent, then an error with the Message-ID; no second send."""
    box.fault(fault, times=1, match=SEND)
    with pytest.raises(DoubtfulSendError, match="probably did not leave") as caught:
        layer.send(HELLO, PAINS)
    assert not box.sent
    assert len([s for s in sends(box) if s]) <= 1
    assert layer.slept == [1.0, 2.0]
    assert caught.value.message_id in caught.value.remedy


def test_a_timeout_is_doubt_as_well(layers: Callable[..., Layer], box: Sandbox) -> None:
    """Google took it and never answered: after the time limit it is found in Sent."""
    layer = layers(**{"network.timeout": "1"})
    layer.resolve(PAINS)
    box.fault("hang", times=1, match=SEND)
    assert layer.send(HELLO, PAINS).found
    assert len(box.sent) == 1


def test_a_second_try_with_the_same_message_id_finds_the_first(layer: Layer, box: Sandbox) -> None:
    """--message-id of an earlier try: Sent is searched before anything is sent."""
    first = layer.send(HELLO, PAINS)
    again = Mail(to=HELLO.to, text=HELLO.text, message_id=first.message_id)
    second = layer.send(again, PAINS)
    assert (second.found, second.id, len(box.sent)) == (True, first.id, 1)
    fresh = Mail(to=HELLO.to, text=HELLO.text, message_id="<never-seen@masoc.com>")
    assert layer.send(fresh, PAINS).message_id == "<never-seen@masoc.com>"
    assert len(box.sent) == 2


def test_a_sending_limit_is_obeyed_until_its_time(layer: Layer, box: Sandbox) -> None:
    """429 with a time: said in local time, and nothing is asked of Google before it."""
    box.fault("rate-limit", times=1, match=SEND, seconds=900)
    with pytest.raises(RateLimitError) as caught:
        layer.send(HELLO, PAINS)
    until = caught.value.retry_at
    assert until is not None
    assert until.astimezone().strftime("%H:%M:%S") in caught.value.remedy
    with pytest.raises(RateLimitError, match="not sent"):
        layer.send(HELLO, PAINS)
    assert len(sends(box)) == 1
    assert layer.slept == []
    layer.sender._now = lambda: until + timedelta(seconds=1)
    layer.send(HELLO, PAINS)
    assert len(box.sent) == 1


def test_an_expired_token_is_renewed_and_the_mail_sent_once(layer: Layer, box: Sandbox) -> None:
    """A 401 is replayed with a new token: Google had not processed the first."""
    layer.send(HELLO, PAINS)
    box.revoke_tokens()
    layer.send(HELLO, PAINS)
    assert len(box.sent) == 2
    assert [s.status for s in box.requests if s.method_id == SEND] == [200, 401, 200]


def test_tokens_are_reused(layer: Layer, box: Sandbox) -> None:
    """One token per subject and scope set, however many mails."""
    for _ in range(3):
        layer.send(HELLO, PAINS)
    assert [seen.kind for seen in box.requests].count("token") == 2


def test_a_stale_connection_is_not_used_for_a_send(
    layer: Layer, box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection that has been idle is replaced first; a fresh one is kept."""
    layer.send(HELLO, PAINS)
    layer.send(HELLO, PAINS)
    monkeypatch.setattr(client, "IDLE", -1.0)
    layer.send(HELLO, PAINS)
    used = [seen.connection for seen in box.requests if seen.method_id == SEND]
    assert used[0] == used[1] != used[2]


def test_no_token_is_no_doubt(layers: Callable[..., Layer], box: Sandbox) -> None:
    """The token endpoint hangs: nothing was sent, so Sent is not searched."""
    layer = layers(**{"network.timeout": "1", "network.retries": "0"})
    layer.resolve(PAINS)
    box.fault("hang-before", times=1, match="oauth2.token")
    with pytest.raises(UnreachableError) as caught:
        layer.send(HELLO, PAINS)
    assert caught.value.nothing_sent
    assert "gmail.users.messages.list" not in [seen.method_id for seen in box.requests]


def test_only_the_mail_is_not_repeated(layer: Layer, box: Sandbox) -> None:
    """Reads around a send are repeated after 503; the send is not."""
    box.fault("503-twice", times=2, match="directory.users.list")
    layer.send(HELLO, PAINS)
    assert len(box.sent) == 1
    assert len(layer.slept) == 2


def test_nobody_listens_is_no_doubt(layer: Layer, box: Sandbox) -> None:
    """The connection never stood, so the mail did not leave: unreachable, not doubtful."""
    layer.resolve(PAINS)
    gmail = layer.google.service("gmail", "dupond@lespetitspains.com", "send")
    gmail.users().getProfile(userId="me").execute()
    layer.google.close()
    gmail._baseUrl = "http://127.0.0.1:9/"
    with pytest.raises(UnreachableError, match="no answer") as caught:
        layer.send(HELLO, PAINS)
    assert caught.value.nothing_sent


@pytest.mark.parametrize(
    ("fault", "kind", "text"),
    [
        ("bad-to", ServiceError, "address"),
        ("scope", ServiceError, "scope"),
        ("no-mailbox", ServiceError, "licence"),
        ("domain-policy", ServiceError, "unit"),
        ("api-off", ServiceError, "enable"),
        ("413", ServiceError, "link"),
        ("delegation-denied", ServiceError, "primary"),
        ("too-many-concurrent", RateLimitError, "one after the other"),
    ],
)
def test_a_refusal_of_google_has_cause_and_remedy(
    layer: Layer, box: Sandbox, fault: str, kind: type[LayerError], text: str
) -> None:
    """Each way in which Google says no is one error class with what to do; nothing is repeated."""
    box.fault(fault, times=1, match=SEND)
    with pytest.raises(kind) as caught:
        layer.send(HELLO, PAINS)
    assert caught.value.cause
    assert text in caught.value.remedy
    assert len(sends(box)) == 1


def test_once_is_read_once() -> None:
    """A body that was read to its end raises when it is read again, unless it was rewound."""
    body = Once(b"abcdef")
    assert [body.read(4), body.read(4), body.read(4)] == [b"abcd", b"ef", b""]
    with pytest.raises(ConnectionError, match="not sent again"):
        body.read(4)
    body.seek(0)
    assert body.read() == b"abcdef"
    assert body.tell() == 6


def test_httplib2_would_send_it_twice(box: Sandbox) -> None:
    """What Once is for: the same request with plain bytes goes over the wire twice."""
    box.fault("drop-after", times=2, match="*")
    http = httplib2.Http(timeout=5)
    with pytest.raises(RemoteDisconnected):
        http.request(box.url + "/gmail/v1/users/me/messages/send", "POST", b"x")
    http.close()
    assert [seen.size for seen in box.requests] == [1, 1]
