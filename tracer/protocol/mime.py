"""Mail as the caller has it, and as MIME: every part base64, every character accounted for."""

import codecs
import mimetypes
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from email import policy
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.parser import BytesParser
from email.utils import format_datetime, getaddresses, make_msgid
from pathlib import PureWindowsPath
from typing import Final

from tracer.protocol.errors import MessageError


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with a mail."""

    name: str
    content: bytes
    type: str = ""
    """``application/pdf``; empty: from the name."""


@dataclass(frozen=True, slots=True)
class Mail:
    """What the caller wants sent. Addresses may carry names: ``Jean Dupond <j@x.fr>``."""

    to: tuple[str, ...]
    subject: str = ""
    text: str = ""
    html: str = ""
    cc: tuple[str, ...] = ()
    bcc: tuple[str, ...] = ()
    reply_to: tuple[str, ...] = ()
    sender: str = ""
    """The From address when it is not the account's own."""
    attachments: tuple[Attachment, ...] = ()
    message_id: str = ""
    """Kept from an earlier try, so that the same mail is recognised."""


@dataclass(frozen=True, slots=True)
class Composed:
    """A mail ready to send."""

    message_id: str
    raw: bytes
    recipients: tuple[str, ...]
    """Bare addresses of To, Cc and Bcc."""


@dataclass(frozen=True, slots=True)
class Received:
    """A mail that was read."""

    headers: dict[str, str]
    """From, To, Cc, Subject, Date, Message-ID: those that it has, decoded."""
    text: str = ""
    html: str = ""
    attachments: tuple[Attachment, ...] = field(default=())


def compose(mail: Mail, account: str, code_page: str, now: datetime, *, bcc: bool) -> Composed:
    """Return `mail` as RFC 5322, from `account` unless it names a sender; text in `code_page`.

    `bcc`: keep the Bcc header, for a server that takes the recipients from the headers.

    Raises:
        MessageError: An address is malformed, a character is not in the code page.
    """
    message = EmailMessage(policy=policy.SMTP)
    recipients: list[str] = []
    try:
        message["From"] = _addresses("From", [mail.sender or account])
        for name, given in (("To", mail.to), ("Cc", mail.cc), ("Bcc", mail.bcc)):
            found = _addresses(name, given)
            recipients += [one.addr_spec for one in found]
            if found and (name != "Bcc" or bcc):
                message[name] = found
        if mail.reply_to:
            message["Reply-To"] = _addresses("Reply-To", mail.reply_to)
        message["Subject"] = mail.subject
        message["Date"] = format_datetime(now)
        message_id = mail.message_id or make_msgid(domain=account.rpartition("@")[2] or None)
        message["Message-ID"] = message_id
    except (ValueError, HeaderParseError):  # line ends in a header
        raise MessageError(
            "a header holds a line end", remedy="take it out of subject or addresses"
        ) from None
    if not recipients:
        raise MessageError("the mail has no recipient", remedy="give at least one with --to")
    _body(message, mail, code_page)
    return Composed(message_id, message.as_bytes(), tuple(recipients))


def _addresses(name: str, given: Iterable[str]) -> tuple[Address, ...]:
    """Return the addresses in `given`, each text may hold several, separated by commas."""
    texts = list(given)
    if any(not char.isprintable() for text in texts for char in text):
        raise MessageError(
            f"{name}: an address holds a control character", remedy="correct it in the record"
        )
    if any(";" in text for text in texts):
        raise MessageError(
            f"{name}: addresses are separated by commas, not by semicolons",
            remedy="correct the address in the record",
        )
    found = []
    for shown, spec in getaddresses(texts):
        local, at, domain = spec.rpartition("@")
        if not (local and at and domain) or not spec.isascii() or re.search(r"[\s<>]", spec):
            bad = spec or ", ".join(texts)
            raise MessageError(
                f"{name}: {bad!r} is no mail address", remedy="correct the address in the record"
            )
        found.append(Address(display_name=shown, addr_spec=spec))
    return tuple(found)


def _body(message: EmailMessage, mail: Mail, code_page: str) -> None:
    if mail.text or not mail.html:
        _set_text(message, mail.text, "plain", code_page, "the text")
        if mail.html:
            part = EmailMessage(policy=policy.SMTP)
            _set_text(part, mail.html, "html", code_page, "the HTML text")
            message.make_alternative()
            message.attach(part)
    else:
        _set_text(message, mail.html, "html", code_page, "the HTML text")
    for one in mail.attachments:
        kind = one.type or mimetypes.guess_type(one.name)[0] or "application/octet-stream"
        main, _, sub = kind.partition("/")
        if main in {
            "text",
            "message",
            "multipart",
        }:  # a text's charset is not known; a mail's parts
            main, sub = "application", "octet-stream"  # would have to be taken apart
        message.add_attachment(
            one.content, maintype=main, subtype=sub or "octet-stream", filename=one.name
        )


def _set_text(message: EmailMessage, text: str, kind: str, code_page: str, where: str) -> None:
    lines = re.sub(r"\r\n|\r|\n", "\r\n", text)
    message.set_content(
        encode_text(lines, code_page, where),
        maintype="text",
        subtype=kind,
        cte="base64",
        params={"charset": charset(code_page)},
    )
    del message["Content-Disposition"]


def encode_text(text: str, code_page: str, where: str = "the text") -> bytes:
    """Return `text` in `code_page`.

    Raises:
        MessageError: Names the first character that is not in it, and its place.
    """
    try:
        return text.encode(code_page)
    except UnicodeEncodeError as error:
        char = text[error.start]
        place = _place(text[: error.start])
        raise MessageError(
            f"{where}: {_name(char)} {place} is not in the code page {code_page}",
            remedy="replace the character, or set code_page to utf-8",
        ) from None


def decode_text(raw: bytes, code_page: str, where: str = "the text") -> str:
    """Return the text of bytes in `code_page`.

    Raises:
        MessageError: Names the first byte that is not of it, and its place.
    """
    try:
        return codecs.decode(raw, code_page)
    except UnicodeDecodeError as error:
        place = _place(raw[: error.start].decode(code_page, "replace"))
        raise MessageError(
            f"{where}: byte 0x{raw[error.start]:02X} {place} is not {code_page}",
            remedy="set code_page to the code page the text is written in",
        ) from None


def _place(before: str) -> str:
    lines = re.split(r"\r\n|\r|\n", before)
    return f"at line {len(lines)}, column {len(lines[-1]) + 1}"


def _name(char: str) -> str:
    shown = f"{char!r} " if char.isprintable() else ""
    return f"{shown}(U+{ord(char):04X})"


def charset(code_page: str) -> str:
    """Return the name that MIME has for a code page."""
    name = codecs.lookup(code_page).name
    found = re.fullmatch(r"cp(\d+)", name)
    if found:
        number = found[1]
        if number.startswith("125"):
            return f"windows-{number}"
        return {"858": "IBM00858"}.get(number, f"IBM{number}") if len(number) == 3 else name
    return re.sub(r"^iso8859-", "iso-8859-", name)


# the other way


_SHOWN: Final = ("From", "To", "Cc", "Reply-To", "Subject", "Date", "Message-ID")


def parse(raw: bytes, code_page: str) -> Received:
    """Return what a mail says; odd mail never raises.

    Text whose charset is missing or wrong is taken as `code_page`; what is not even that keeps its
    bytes visible (``\\xe9``).
    """
    message = BytesParser(policy=policy.default).parsebytes(raw)
    headers = {}
    for name in _SHOWN:
        try:
            value = message[name]
        except (
            ValueError,
            IndexError,
            AttributeError,
        ):  # the parser's own trouble with odd headers
            value = None
        if value is not None:
            headers[name] = str(value)
    texts: dict[str, list[str]] = {"plain": [], "html": []}
    attachments: list[Attachment] = []
    for part in message.walk():
        if part.is_multipart():
            continue
        title = part.get_filename()
        content = part.get_payload(decode=True)
        content = content if isinstance(content, bytes) else b""
        if part.get_content_maintype() == "text" and not title and not part.is_attachment():
            kind = "html" if part.get_content_subtype() == "html" else "plain"
            texts[kind].append(_decode(content, part.get_content_charset(), code_page))
        else:
            attachments.append(Attachment(title or "unnamed", content, part.get_content_type()))
    return Received(headers, "".join(texts["plain"]), "".join(texts["html"]), tuple(attachments))


def _decode(content: bytes, declared: str | None, code_page: str) -> str:
    # Python knows windows-1252 and IBM850, but not IANA's IBM00858
    names = (declared and re.sub(r"^ibm0*(?=\d)", "cp", declared, flags=re.IGNORECASE), code_page)
    for name in names:
        try:
            if name:
                return codecs.decode(content, name)
        except (LookupError, ValueError, TypeError):
            continue
    return content.decode("ascii", "backslashreplace")


_RESERVED: Final = re.compile(
    r"(con|prn|aux|nul|(com|lpt)[0-9¹²³])\s*(\..*)?", re.IGNORECASE | re.DOTALL
)


def safe_name(name: str, taken: Iterable[str] = ()) -> str:
    """Return `name` as a file name that stays in its folder on every system, unlike any `taken`."""
    base = PureWindowsPath(name.replace("/", "\\")).name
    base = "".join("_" if c in '<>:"|?*' or not c.isprintable() else c for c in base)
    base = base.strip(" .") or "unnamed"
    if _RESERVED.fullmatch(base):
        base = "_" + base
    stem, dot, suffix = base.rpartition(".")
    if not dot:
        stem, suffix = base, ""
    stem, suffix = stem[:80], suffix[:20]
    used = {one.lower() for one in taken}
    for number in range(1, len(used) + 2):
        mark = f" ({number})" if number > 1 else ""
        result = f"{stem}{mark}{dot}{suffix}"
        if result.lower() not in used:
            return result
    raise AssertionError("there are more numbers than names taken")
