"""Mail and contacts through Outlook's object interface (MAPI) on this Windows machine.

Outlook's objects come from a factory that the caller hands in, so that the capture can wrap them;
they are late-bound COM objects, of which only the documented members are used.
"""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from tracer.protocol.contacts import Contact, Found, containing, matching
from tracer.protocol.errors import (
    LayerError,
    MessageError,
    ServiceError,
    SettingsError,
    UnreachableError,
    scrub,
)
from tracer.protocol.identity import Identity
from tracer.protocol.messaging import Sent
from tracer.protocol.mime import Mail, safe_name
from tracer.protocol.running import running
from tracer.protocol.settings import Settings
from tracer.schema.events import Topic

MAIL_ITEM: Final = 0  # OlItemType.olMailItem
CONTACTS: Final = 10  # OlDefaultFolders.olFolderContacts
CONTACT: Final = 40  # OlObjectClass.olContact
_RECIPIENTS: Final = (("to", 1), ("cc", 2), ("bcc", 3))  # OlMailRecipientType

_CAUSES: Final = {
    0x80004005: ("Outlook reported an unspecified error", "open Outlook, answer its questions"),
    0x80040154: ("Outlook is not registered here", "install Outlook, or choose another protocol"),
    0x800401E3: ("Outlook does not answer", "close its open dialogs, or start it"),
    0x80080005: ("Outlook could not be started", "run the program as the user who runs Outlook"),
    0x80070005: ("access was denied", "run the program as the user who runs Outlook"),
    0x80004004: ("the user or a policy refused", "allow the program in Outlook's Trust Center"),
    0x80040111: ("the profile could not sign in", "open Outlook and sign in; check mapi.profile"),
    0x8004010F: ("an object was not found", "check the profile and its folders"),
    0x80040119: ("the message store failed", "repair the profile's data file"),
}
"""HRESULT → what it means and what to do (Microsoft's documentation of MAPI and COM errors)."""


class MapiMessaging:
    """The layer's MAPI side.

    Args:
        settings: The layer's settings; `mapi.profile` names the Outlook profile.
        outlook: Returns Outlook's Application object; default: the real one, by pywin32.
    """

    def __init__(self, settings: Settings, outlook: Callable[[], Any] | None = None) -> None:
        self._settings = settings
        self._outlook = outlook or outlook_application
        self._application: Any = None

    def send(self, mail: Mail, identity: Identity) -> Sent:
        """Hand `mail` to Outlook, which sends it as the profile's user.

        Outlook gives a mail its Message-ID later: `Sent.message_id` is empty.

        Raises:
            LayerError: Outlook did not take it.
        """
        with running("send", Topic.MAPI, self._settings, identity) as op:
            if mail.sender or mail.message_id:
                raise MessageError(
                    "Outlook chooses the sender and the Message-ID itself",
                    remedy="leave them out, or use another protocol",
                )
            if not (mail.to or mail.cc or mail.bcc):
                raise MessageError("the mail has no recipient", remedy="give at least one")
            with self._translated(), tempfile.TemporaryDirectory() as folder:
                application = self._open()
                account = str(application.Session.CurrentUser.Address)
                item = application.CreateItem(MAIL_ITEM)
                self._fill(item, mail, Path(folder))
                item.Send()
            op.result(account=account, via="mapi")
            return Sent("", account, "mapi")

    def contacts(self, query: str = "") -> Found:
        """Return the contacts whose name or address contains `query`; all when it is empty.

        Raises:
            LayerError: Outlook did not answer.
        """
        return Found(tuple(containing(self._read(query), query)))

    def find(self, who: str) -> Found:
        """Return the contacts with the mail address or telephone number `who`.

        Raises:
            LayerError: Outlook did not answer.
        """
        return Found(tuple(matching(self._read(who), who)))

    def close(self) -> None:
        """Let Outlook go; it stays open, it is the user's."""
        self._application = None

    def _open(self) -> Any:
        if self._application is None:
            application = self._outlook()
            profile = self._settings.options.mapi.profile
            if profile:
                application.Session.Logon(profile, "", False, False)
            self._application = application
        return self._application

    def _fill(self, item: Any, mail: Mail, folder: Path) -> None:
        for field, kind in _RECIPIENTS:
            for address in getattr(mail, field):
                item.Recipients.Add(address).Type = kind
        if not item.Recipients.ResolveAll():
            raise MessageError(
                "Outlook does not know a recipient", remedy="give full mail addresses"
            )
        for address in mail.reply_to:
            item.ReplyRecipients.Add(address)
        item.Subject = mail.subject
        if mail.html:
            item.HTMLBody = mail.html
        else:
            item.Body = mail.text
        taken: list[str] = []
        for attachment in mail.attachments:  # Outlook takes files, not bytes
            taken.append(safe_name(attachment.name, taken))
            path = folder / taken[-1]
            path.write_bytes(attachment.content)
            item.Attachments.Add(str(path))

    def _read(self, query: str) -> list[Contact]:
        with running("contacts", Topic.MAPI, self._settings, query=query) as op:
            with self._translated():
                items = self._open().Session.GetDefaultFolder(CONTACTS).Items
                found = [items.Item(number) for number in range(1, items.Count + 1)]
                contacts = [_contact(item) for item in found if item.Class == CONTACT]
            op.result(found=len(contacts))
            return contacts

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Make COM's errors errors of the layer."""
        try:
            yield
        except LayerError:
            raise
        except Exception as error:
            code = hresult(error)
            if code is None:
                raise
            cause, remedy = _CAUSES.get(code, (scrub(str(error)), "look the code up"))
            raise ServiceError(
                f"Outlook refused: HRESULT 0x{code:08X}", cause=cause, remedy=remedy, status=code
            ) from error


def hresult(error: BaseException) -> int | None:
    """Return the unsigned HRESULT of a COM error (``pywintypes.com_error``), else None."""
    code = getattr(error, "hresult", None)
    return code & 0xFFFFFFFF if isinstance(code, int) else None


def _contact(item: Any) -> Contact:
    emails = (item.Email1Address, item.Email2Address, item.Email3Address)
    phones = (item.BusinessTelephoneNumber, item.MobileTelephoneNumber, item.HomeTelephoneNumber)
    return Contact(
        name=str(item.FullName or ""),
        emails=tuple(str(one) for one in emails if one),
        phones=tuple(str(one) for one in phones if one),
        company=str(item.CompanyName or ""),
        title=str(item.JobTitle or ""),
        source="mapi",
        key=str(item.EntryID or ""),
    )


def outlook_application() -> Any:
    """Return the real Outlook.

    Raises:
        SettingsError: This is no Windows, or pywin32 is not installed.
        UnreachableError: Outlook cannot be started.
    """
    try:
        import win32com.client
    except ImportError:
        raise SettingsError(
            "MAPI needs Windows, Outlook and pywin32",
            remedy="pip install 'mapi-tracer[mapi]', or set protocol to gsuite, smtp or ews",
        ) from None
    try:
        return win32com.client.Dispatch("Outlook.Application")
    except Exception as error:
        code = hresult(error)
        if code is None:
            raise
        cause, remedy = _CAUSES.get(code, (scrub(str(error)), "start Outlook once by hand"))
        raise UnreachableError(
            f"Outlook cannot be started: HRESULT 0x{code:08X}", cause=cause, remedy=remedy
        ) from error
