"""EWS, with exchangelib as its client."""

from typing import Any

import pytest
from exchangelib import DELEGATE, Account, Configuration, Credentials, FileAttachment, Message
from exchangelib.errors import ErrorInvalidRecipients, UnauthorizedError
from exchangelib.protocol import close_connections

from samples.sandbox import Sandbox

DUPOND = "dupond@masoc.com"


@pytest.fixture
def account(box: Sandbox) -> Any:
    """Dupond's mailbox over EWS."""
    yield open_account(box)
    close_connections()


def open_account(box: Sandbox, password: str = "harmony") -> Any:
    """Log in with basic authentication."""
    config = Configuration(
        service_endpoint=box.url + "/EWS/Exchange.asmx",
        credentials=Credentials(DUPOND, password),
        auth_type="basic",
        max_connections=1,
    )
    return Account(DUPOND, config=config, autodiscover=False, access_type=DELEGATE)


def test_send_only_leaves_no_copy(box: Sandbox, account: Any) -> None:
    """A message with attachment and all kinds of recipients is sent and not kept."""
    message = Message(
        account=account,
        subject="Été",
        body="Texte",
        to_recipients=["accueil@masoc.com"],
        cc_recipients=["a@b.example"],
        bcc_recipients=["c@d.example"],
    )
    message.attach(FileAttachment(name="a.txt", content=b"hello"))
    before = len(box.world[DUPOND].mailbox.messages)
    message.send(save_copy=False)
    [sent] = box.sent
    assert (sent.via, sent.recipients) == (
        "ews",
        ("accueil@masoc.com", "a@b.example", "c@d.example"),
    )
    assert b"aGVsbG8=" in sent.raw
    assert len(box.world[DUPOND].mailbox.messages) == before
    assert box.requests[-1].method_id == "ews.CreateItem"


def test_send_and_save_keeps_a_copy(box: Sandbox, account: Any) -> None:
    """A saved copy is in Sent; a draft is sent from where it was."""
    new = {"account": account, "subject": "s", "body": "b", "to_recipients": ["a@b.example"]}
    Message(**new).send_and_save()
    draft = Message(**new, folder=account.drafts)
    draft.save()
    draft.send()
    assert len(box.sent) == 2
    mailbox = box.world[DUPOND].mailbox
    assert [m.labels for m in mailbox.newest_first()][:2] == [{"SENT"}, {"SENT"}]


def test_contacts_are_read_and_searched(account: Any) -> None:
    """Contacts come with addresses, numbers and company; a filter narrows them."""
    found = {one.display_name: one for one in account.contacts.all()}
    assert set(found) == {"Marie Lefèvre", "Karim Benali", "Zoé O'Brien"}
    marie = found["Marie Lefèvre"]
    assert marie.email_addresses[0].email == "marie.lefevre@moulins-du-rhin.example"
    assert marie.phone_numbers[0].phone_number == "+33 3 88 12 34 56"
    assert [one.surname for one in account.contacts.filter(surname="Benali")] == ["Benali"]


def test_wrong_password_and_recipient(box: Sandbox, account: Any) -> None:
    """A wrong password is a 401, a bad recipient an error of EWS."""
    with pytest.raises(UnauthorizedError):
        open_account(box, "wrong").inbox  # noqa: B018 - the access logs in
    message = Message(account=account, subject="s", body="b", to_recipients=["no address"])
    with pytest.raises(ErrorInvalidRecipients):
        message.send(save_copy=False)
    assert box.sent == []
