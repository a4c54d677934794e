"""A double in the shape of Outlook's COM objects: what MAPI code can be exercised with anywhere."""

from typing import Any


class ComError(Exception):
    """As ``pywintypes.com_error``: a signed HRESULT first."""

    def __init__(self, hresult: int, text: str) -> None:
        super().__init__(hresult, text, None, None)
        self.hresult = hresult - (1 << 32) if hresult & 0x80000000 else hresult


class Recipient:
    """One line of To, Cc or Bcc."""

    def __init__(self, address: str) -> None:
        self.Address = address
        self.Type = 1


class Recipients:
    """A COM collection: `Add`, `Count`, `Item` from 1."""

    def __init__(self) -> None:
        self.added: list[Recipient] = []

    @property
    def Count(self) -> int:  # noqa: N802 - COM's names
        """How many."""
        return len(self.added)

    def Add(self, address: str) -> Recipient:  # noqa: N802
        """Add one."""
        self.added.append(Recipient(address))
        return self.added[-1]

    def ResolveAll(self) -> bool:  # noqa: N802
        """Tell whether every name is an address."""
        return all("@" in one.Address for one in self.added)


class Attachments:
    """Keeps name and bytes, as Outlook copies the file."""

    def __init__(self) -> None:
        self.added: list[tuple[str, bytes]] = []

    def Add(self, path: str) -> None:  # noqa: N802
        """Copy the file at `path`."""
        with open(path, "rb") as file:  # noqa: PTH123 - a path as COM gets it
            self.added.append((path.replace("\\", "/").rpartition("/")[2], file.read()))


class MailItem:
    """A mail being written."""

    def __init__(self, outlook: "Outlook") -> None:
        self._outlook = outlook
        self.Recipients = Recipients()
        self.ReplyRecipients = Recipients()
        self.Attachments = Attachments()
        self.Subject = self.Body = self.HTMLBody = ""

    def Send(self) -> None:  # noqa: N802
        """Send it, or fail as the double is told."""
        if self._outlook.fail:
            raise ComError(self._outlook.fail, "Operation failed")
        self._outlook.sent.append(self)


class ContactItem:
    """One contact."""

    Class = 40
    Email2Address = Email3Address = HomeTelephoneNumber = None

    def __init__(self, name: str, email: str, phone: str) -> None:
        self.FullName, self.Email1Address, self.MobileTelephoneNumber = name, email, phone
        self.BusinessTelephoneNumber = ""
        self.CompanyName, self.JobTitle, self.EntryID = "Client SA", "Achats", f"00{len(name)}"


class Items:
    """A folder's items, counted from 1."""

    def __init__(self, items: list[Any]) -> None:
        self._items = items
        self.Count = len(items)

    def Item(self, number: int) -> Any:  # noqa: N802
        """Return one."""
        return self._items[number - 1]


class _Folder:
    def __init__(self, items: list[Any]) -> None:
        self.Items = Items(items)


class _User:
    Address = "dupond@masoc.com"


class Session:
    """The MAPI namespace."""

    CurrentUser = _User()

    def __init__(self, outlook: "Outlook") -> None:
        self._outlook = outlook

    def Logon(self, profile: str, password: str, dialog: bool, new: bool) -> None:  # noqa: N802
        """Sign in; an unknown profile is MAPI_E_LOGON_FAILED."""
        if profile != "Harmony":
            raise ComError(0x80040111, "MAPI_E_LOGON_FAILED")
        self._outlook.profile = profile

    def GetDefaultFolder(self, kind: int) -> _Folder:  # noqa: N802
        """Return the contacts."""
        if kind != 10:
            raise ComError(0x8004010F, "MAPI_E_NOT_FOUND")
        anna = ContactItem("Anna Client", "anna@client.example", "06 12 34 56 78")
        group = type("DistListItem", (), {"Class": 69})()
        return _Folder([anna, group])


class Outlook:
    """The application."""

    def __init__(self) -> None:
        self.sent: list[MailItem] = []
        self.fail = 0
        self.profile = ""
        self.Session = Session(self)

    def CreateItem(self, kind: int) -> MailItem:  # noqa: N802
        """Return an empty mail."""
        assert kind == 0
        return MailItem(self)
