"""An EWS message element as an RFC 5322 message."""

import base64
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formataddr
from xml.etree.ElementTree import Element

from samples.sandbox.world import User

T = "{http://schemas.microsoft.com/exchange/services/2006/types}"
_RECIPIENTS = (("To", "ToRecipients"), ("Cc", "CcRecipients"), ("Bcc", "BccRecipients"))


def message_of(item: Element, user: User) -> bytes:
    """Build the message `item` describes, from `user` unless it names another author."""
    mime = item.findtext(T + "MimeContent")
    if mime:
        return base64.b64decode(mime)
    message = EmailMessage(policy=SMTP)
    message["Subject"] = " ".join((item.findtext(T + "Subject") or "").split())
    senders = _addresses(item, "From")
    message["From"] = senders[0] if senders else formataddr((user.name, user.primary))
    for header, element in _RECIPIENTS:
        if found := _addresses(item, element):
            message[header] = ", ".join(found)
    if found := _addresses(item, "ReplyTo"):
        message["Reply-To"] = ", ".join(found)
    if identifier := item.findtext(T + "InternetMessageId"):
        message["Message-ID"] = identifier
    body = item.find(T + "Body")
    html = body is not None and body.get("BodyType") == "HTML"
    text = (body.text or "") if body is not None else ""
    message.set_content(text, subtype="html" if html else "plain")
    for attachment in item.iter(T + "FileAttachment"):
        message.add_attachment(
            base64.b64decode(attachment.findtext(T + "Content") or ""),
            maintype="application",
            subtype="octet-stream",
            filename=attachment.findtext(T + "Name") or "attachment",
        )
    return message.as_bytes()


def _addresses(item: Element, name: str) -> list[str]:
    found: list[str] = []
    holder = item.find(T + name)
    for mailbox in holder.iter(T + "Mailbox") if holder is not None else ():
        address = mailbox.findtext(T + "EmailAddress") or ""
        found.append(formataddr((mailbox.findtext(T + "Name") or "", address)))
    return found
