"""Mail against somebody else's Gmail: `emulate`, from npm."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from samples.sandbox import Sandbox
from tests.protocol.outside.conftest import Layer
from tests.protocol.outside.programs import installed, listening
from tests.support.capture import Recording
from tests.support.ports import free_port
from tracer.protocol.errors import RefusedError
from tracer.protocol.gsuite.layer import GSuite
from tracer.protocol.identity import Identity
from tracer.protocol.mime import Attachment, Mail

pytestmark = pytest.mark.outside

WHO = Identity(windows_account="test@divalto.com")
MAIL = Mail(
    to=("Anna <anna@client.example>",), subject="Commande é", text="Voilà\n",
    attachments=(Attachment("bon.pdf", b"%PDF-1.4 bon"),),
)  # fmt: skip

LOOPBACK = """\
// emulate listens on every interface; these tests want loopback alone
const net = require("node:net");
const listen = net.Server.prototype.listen;
net.Server.prototype.listen = function (first, ...rest) {
  const options = typeof first === "object" ? first : { port: Number(first) };
  const callback = rest.find((one) => typeof one === "function");
  const more = callback ? [callback] : [];
  return listen.call(this, { ...options, host: "127.0.0.1" }, ...more);
};
"""

SEED = "google:\n  users:\n    - email: test@diva-gs.com\n      name: Test Diva\n"


@pytest.fixture(scope="module")
def emulate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run emulate's Google with one user; return its address."""
    program = installed("emulate@0.11.2") / "emulate" / "dist" / "index.js"
    folder = tmp_path_factory.mktemp("emulate")
    loopback, seed = folder / "loopback.cjs", folder / "seed.yaml"
    loopback.write_text(LOOPBACK)
    seed.write_text(SEED)
    port = free_port()
    words = ("start", "--service", "google", "--port", str(port), "--seed", seed)
    with listening(["node", "--require", loopback, program, *words], port) as url:
        yield url


@pytest.fixture
def gmail(emulate: str, box: Sandbox, layer: Layer) -> GSuite:
    """Return a layer whose Gmail is emulate, and whose Directory is the sandbox."""
    made = layer(emulate)
    made.accounts = layer(box.url).accounts
    return made


def test_a_mail_is_sent_read_and_marked(gmail: GSuite, recorded: Recording) -> None:
    """Sent once, read back whole, labelled; each call is in the trace with its status."""
    sent = gmail.send(MAIL, WHO)
    assert sent.account == "test@diva-gs.com"
    with gmail.mailbox(WHO) as (box, _):
        message = box.read(sent.id, "utf-8")
    assert message.headers["Message-ID"] == sent.message_id
    assert message.text.strip() == "Voilà"
    assert [(one.name, one.content) for one in message.attachments] == [
        ("bon.pdf", b"%PDF-1.4 bon")
    ]
    messages = gmail.google.service("gmail", sent.account, "mark").users().messages()
    change = {"addLabelIds": ["STARRED"]}
    labelled = gmail.google.run(messages.modify(userId="me", id=sent.id, body=change))
    assert {"SENT", "STARRED"} <= set(labelled["labelIds"])
    calls = [(e["name"], e["status"]) for e in recorded.calls() if e["topic"] == "gmail"]
    assert calls == [
        ("gmail.users.messages.send", 200),
        ("gmail.users.messages.get", 200),
        ("gmail.users.messages.modify", 200),
    ]


def test_labels_are_listed(gmail: GSuite) -> None:
    """The system's labels are there, by Google's own client on our transport."""
    users = gmail.google.service("gmail", "test@diva-gs.com", "read").users()
    found = gmail.google.run(users.labels().list(userId="me"))
    assert {"INBOX", "SENT", "UNREAD"} <= {label["id"] for label in found["labels"]}


def test_a_foreign_sender_is_refused(gmail: GSuite) -> None:
    """The list of send-as addresses is theirs; what is not in it is not sent."""
    mail = Mail(to=MAIL.to, subject="x", text="x", sender="autre@diva-gs.com")
    with pytest.raises(RefusedError):
        gmail.send(mail, WHO)


def test_the_trace_holds_nothing_of_the_mail(gmail: GSuite, recorded: Recording) -> None:
    """Whatever another server answers: no subject, text or attachment in the file."""
    sent = gmail.send(MAIL, WHO)
    with gmail.mailbox(WHO) as (box, _):
        box.read(sent.id, "utf-8")
    raw = Path(recorded.path).read_bytes()
    for secret in ("Commande é", "Voilà", "JVBERi0xLjQ", "VoilÃ", "ya29."):
        assert secret.encode() not in raw
