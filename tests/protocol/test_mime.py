"""Mail to MIME and back: code pages both ways, addresses, file names."""

import email
import email.policy
from datetime import UTC, datetime
from pathlib import Path, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer.protocol.errors import MessageError
from tracer.protocol.mime import (
    Attachment,
    Mail,
    charset,
    compose,
    decode_text,
    encode_text,
    parse,
    safe_name,
)

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
ACCOUNT = "dupond@masoc.com"


def raw_of(mail: Mail, code_page: str = "utf-8", *, bcc: bool = True) -> bytes:
    """Return the mail's bytes."""
    return compose(mail, ACCOUNT, code_page, NOW, bcc=bcc).raw


@pytest.mark.parametrize(
    ("code_page", "name"),
    [
        ("cp1252", "windows-1252"),
        ("cp850", "IBM850"),
        ("latin-1", "iso-8859-1"),
        ("utf-8", "utf-8"),
        ("cp858", "IBM00858"),
        ("iso8859-15", "iso-8859-15"),
    ],
)
def test_text_in_a_code_page_is_correct_mime(code_page: str, name: str) -> None:
    """The charset is MIME's name of the code page, the bytes are of it, a reader sees the text."""
    assert charset(code_page) == name
    raw = raw_of(Mail(to=("a@b.fr",), text="Prêt à l'été\nçà ?"), code_page)
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert message.get_content_charset() == name.lower()
    assert message.get_payload(decode=True) == "Prêt à l'été\r\nçà ?".encode(code_page)
    assert raw.isascii()
    assert parse(raw, "ascii").text == "Prêt à l'été\r\nçà ?"


def test_a_character_that_is_not_in_the_code_page_is_named_with_its_place() -> None:
    """Never a question mark: the first character that does not fit, its line and column."""
    with pytest.raises(MessageError, match=r"'→' \(U\+2192\) at line 2, column 4 .* cp1252"):
        raw_of(Mail(to=("a@b.fr",), text="un\nici→là"), "cp1252")
    with pytest.raises(MessageError, match=r"the HTML text: '€'.* cp850"):
        raw_of(Mail(to=("a@b.fr",), text="x", html="<p>5 €"), "cp850")


def test_a_byte_that_is_not_of_the_code_page_is_named_with_its_place() -> None:
    """The other way round: the first byte that is none of the code page's."""
    with pytest.raises(MessageError, match=r"f\.txt: byte 0xE9 at line 2, column 2 is not utf-8"):
        decode_text(b"un\nl\xe9", "utf-8", "f.txt")
    assert decode_text(b"l\x82", "cp850") == "lé"


@pytest.mark.parametrize(
    ("to", "message"),
    [
        ((), "no recipient"),
        (("a@b.fr;c@d.fr",), "commas, not by semicolons"),
        (("dupond",), "'dupond' is no mail address"),
        (("a b@c.fr",), "no mail address"),
        (("é@c.fr",), "no mail address"),
        (("a@b.fr\nBcc: x@y.fr",), "control character"),
    ],
)
def test_a_wrong_recipient_is_named(to: tuple[str, ...], message: str) -> None:
    """Addresses Gmail would refuse, or that would smuggle a header, are refused here."""
    with pytest.raises(MessageError, match=message):
        raw_of(Mail(to=to, text="x"))


def test_a_line_end_in_the_subject_is_refused() -> None:
    """No header can be smuggled in by the subject."""
    with pytest.raises(MessageError, match="line end"):
        raw_of(Mail(to=("a@b.fr",), subject="x\r\nBcc: y@z.fr"))


def test_bcc_stays_out_where_the_envelope_carries_it() -> None:
    """The Bcc header is for servers that read the recipients from the headers."""
    mail = Mail(to=("a@b.fr",), bcc=("c@d.fr",), text="x")
    assert b"c@d.fr" in raw_of(mail)
    made = compose(mail, ACCOUNT, "utf-8", NOW, bcc=False)
    assert b"c@d.fr" not in made.raw
    assert made.recipients == ("a@b.fr", "c@d.fr")


def test_a_given_message_id_is_kept_and_a_new_one_is_of_the_account() -> None:
    """The Message-ID names the mail across tries."""
    kept = compose(Mail(to=("a@b.fr",), message_id="<1@x>"), ACCOUNT, "utf-8", NOW, bcc=True)
    assert kept.message_id == "<1@x>"
    made = compose(Mail(to=("a@b.fr",)), ACCOUNT, "utf-8", NOW, bcc=True)
    assert made.message_id.endswith("@masoc.com>")


def test_every_attachment_comes_back_byte_for_byte() -> None:
    """Binary, text and mail as attachments keep name and bytes; nothing is taken for the text."""
    files = (
        Attachment("été.pdf", bytes(range(256))),
        Attachment("a.txt", b"\xff\r\n\n\r"),
        Attachment("m.eml", b"From: x\r\n\r\ny"),
    )
    found = parse(raw_of(Mail(to=("a@b.fr",), text="T", html="<b>H", attachments=files)), "utf-8")
    assert [(one.name, one.content) for one in found.attachments] == [
        (one.name, one.content) for one in files
    ]
    assert (found.text, found.html) == ("T", "<b>H")


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"Content-Type: text/plain\r\n\r\nl\xe9", "lé"),
        (b"Content-Type: text/plain; charset=x-unknown\r\n\r\nl\xe9", "lé"),
        (b"Content-Type: text/plain; charset=utf-8\r\n\r\nl\xe9", "lé"),
        (b"Content-Type: text/plain; charset=base64\r\n\r\nl\xe9", "lé"),
    ],
)
def test_text_without_a_usable_charset_is_of_the_code_page(raw: bytes, text: str) -> None:
    """A missing, unknown or wrong charset: the settings' code page decides."""
    assert parse(raw, "cp1252").text == text


def test_what_no_code_page_explains_stays_visible() -> None:
    """Bytes that are nothing at all keep their values instead of becoming question marks."""
    raw = b"Content-Type: text/plain; charset=utf-8\r\n\r\nl\xe9"
    assert parse(raw, "ascii").text == "l\\xe9"


@given(st.binary(max_size=300))
def test_no_mail_breaks_the_reader(raw: bytes) -> None:
    """Whatever bytes a mailbox holds, reading them never raises."""
    parse(raw, "utf-8")
    parse(b"Content-Type: multipart/mixed; boundary=b\r\nFrom: " + raw, "cp1252")


@given(st.text(max_size=60), st.sampled_from(["utf-8", "cp1252", "cp850"]))
def test_text_that_can_be_encoded_comes_back(text: str, code_page: str) -> None:
    """Either the very same text comes back, line ends as CRLF, or the error names a character."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    try:
        text.encode(code_page)
    except UnicodeEncodeError:
        with pytest.raises(MessageError, match=r"U\+"):
            raw_of(Mail(to=("a@b.fr",), text=text), code_page)
    else:
        raw = raw_of(Mail(to=("a@b.fr",), text=text), code_page)
        assert parse(raw, "ascii").text.replace("\r\n", "\n") == lines


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("../../etc/passwd", "passwd"),
        (r"C:\Windows\x.dll", "x.dll"),
        ("con.txt", "_con.txt"),
        ("a\x00b\u202ec.pdf", "a_b_c.pdf"),
        ("", "unnamed"),
        ("...", "unnamed"),
        ("NOTE.TXT", "NOTE (2).TXT"),
        ("a:b", "b"),
    ],
)
def test_a_file_name_from_outside_is_made_harmless(name: str, safe: str) -> None:
    """Paths, devices, control characters and names in use cannot get out of the folder."""
    assert safe_name(name, ["note.txt"]) == safe


DEVICES = {
    "CON",
    "PRN",
    "AUX",
    "NUL",
    *(f"{port}{n}" for port in ("COM", "LPT") for n in "123456789¹²³"),
}
"""Windows opens these instead of a file, whatever the suffix."""


@given(st.text(max_size=300) | st.sampled_from(["con", "NUL.txt", "com1.pdf", "aux .x", "LPT¹"]))
def test_a_safe_name_stays_in_its_folder(name: str) -> None:
    """For any name: one path part, no drive, short enough for every file system."""
    safe = safe_name(name)
    assert Path(safe).name == PureWindowsPath(safe).name == safe
    assert safe.partition(".")[0].strip().upper() not in DEVICES
    assert 0 < len(safe) < 120


def test_encoding_for_the_caller_is_strict_as_well() -> None:
    """Text for a file in the code page: the same error as for a mail."""
    assert encode_text("é", "cp850") == b"\x82"
    with pytest.raises(MessageError, match=r"'\\u200b'|U\+200B"):
        encode_text("a\u200bb", "cp850")
