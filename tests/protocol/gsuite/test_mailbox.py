"""Reading a mailbox by Gmail: list, search, one message, marks, and what is new."""

from collections.abc import Callable
from pathlib import Path

import pytest

from samples.sandbox import Sandbox
from tests.protocol.gsuite.conftest import Layer, Listener
from tracer.protocol.errors import RefusedError, ServiceError
from tracer.protocol.gsuite.mailbox import load_position, save_position
from tracer.protocol.identity import Identity
from tracer.protocol.mime import Mail

DUPOND = Identity("", "", "Dupond@soc-windows.com")


def test_the_newest_come_first_in_one_batch(layer: Layer, box: Sandbox, listener: Listener) -> None:
    """Headers and marks of the newest messages, fetched together."""
    with layer.mailbox(DUPOND) as (mailbox, _):
        found = mailbox.search()
    assert [one.headers["Subject"] for one in found] == [
        "Réunion de mardi",
        "Devis brioches, 40 pièces",
        "Relance : facture en attente",
        "Bon de commande n° 4711",
    ]
    assert [one.unread for one in found] == [False, True, True, False]
    assert [seen.kind for seen in box.requests].count("batch") == 1
    assert listener.end("read mailbox")["account"] == "dupond@masoc.com"


def test_a_search_is_gmails(layer: Layer) -> None:
    """The query goes to Gmail as it is; the number is a limit."""
    with layer.mailbox(DUPOND) as (mailbox, _):
        assert [one.headers["From"] for one in mailbox.search("from:client1")] == [
            "Client 1 <client1@example.net>"
        ]
        assert len(mailbox.search(limit=2)) == 2
        assert mailbox.search("from:nobody") == []


def test_one_message_is_read_whole(layer: Layer) -> None:
    """Headers, text, HTML and attachments of one message."""
    with layer.mailbox(DUPOND) as (mailbox, _):
        (found,) = mailbox.search("from:client2")
        message = mailbox.read(found.id, "utf-8")
    assert message.headers["Subject"] == "Devis brioches, 40 pièces"
    assert "au sujet de « Devis brioches, 40 pièces »" in message.text
    assert "<b>" in message.html
    (file,) = message.attachments
    assert (file.name, file.type, len(file.content)) == ("pièce-2.pdf", "application/pdf", 4105)


def test_a_message_that_is_not_there_is_an_error(layer: Layer) -> None:
    """An unknown id: the service's 404."""
    with pytest.raises(ServiceError) as caught, layer.mailbox(DUPOND) as (mailbox, _):
        mailbox.read("0000000000000000", "utf-8")
    assert caught.value.status == 404


def test_marking_as_read_is_done_once_and_again(layer: Layer) -> None:
    """What is marked is read afterwards; marking it again changes nothing."""
    with layer.mailbox(DUPOND) as (mailbox, _):
        unread = [one.id for one in mailbox.search("is:unread")]
        assert len(unread) == 2
        mailbox.mark_read(unread)
        mailbox.mark_read(unread)
        assert mailbox.search("is:unread") == []


def test_news_since_the_last_read(layer: Layer, box: Sandbox, listener: Listener) -> None:
    """First everything; then only what came since; a position too old: everything again."""
    with layer.mailbox(DUPOND) as (mailbox, op):
        first = mailbox.news(op, "")
        assert (first.full, len(first.summaries)) == (True, 4)
        assert mailbox.news(op, first.position).summaries == ()
    layer.send(Mail(to=("dupond@masoc.com",), subject="À moi", text="x"), DUPOND)
    with layer.mailbox(DUPOND) as (mailbox, op):
        second = mailbox.news(op, first.position)
        assert not second.full
        assert {one.headers["Subject"] for one in second.summaries} == {"À moi"}
        box.fault("history-too-old")
        third = mailbox.news(op, first.position)
        assert third.full
        assert len(third.summaries) >= 5
    assert "full synchronisation" in [e["name"] for e in listener.of("note")]


def test_a_part_of_a_batch_that_fails_is_not_hidden(layer: Layer, box: Sandbox) -> None:
    """200 outside, an error inside: the error comes out."""
    with layer.mailbox(DUPOND) as (mailbox, _):
        box.fault("no-mailbox", times=1, match="gmail.users.messages.get*")
        with pytest.raises(ServiceError, match="Mail service not enabled"):
            mailbox.search()


def test_reading_is_refused_when_gmail_is_switched_off(layers: Callable[..., Layer]) -> None:
    """The first option of the window switches reading off as well."""
    with pytest.raises(RefusedError), layers(use_gmail="false").mailbox(DUPOND):
        pass


def test_the_position_survives_and_a_damaged_file_is_none(tmp_path: Path) -> None:
    """Positions of several accounts are kept in one file; nonsense counts as no position."""
    file = tmp_path / "state" / "mailbox.json"
    save_position(file, "a@x.fr", "1")
    save_position(file, "b@x.fr", "2")
    assert (load_position(file, "a@x.fr"), load_position(file, "b@x.fr")) == ("1", "2")
    assert load_position(file, "c@x.fr") == ""
    file.write_text("{", encoding="utf-8")
    assert load_position(file, "a@x.fr") == ""
    save_position(file, "a@x.fr", "3")
    assert load_position(file, "a@x.fr") == "3"
