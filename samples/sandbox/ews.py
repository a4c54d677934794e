"""Exchange Web Services, as far as sending mail and reading contacts with exchangelib goes.

Basic authentication: a user's address and `User.password`. The mailboxes are those of Gmail.
"""

import base64
import binascii
from collections.abc import Callable
from xml.etree import ElementTree
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape

from samples.sandbox.errors import Refused
from samples.sandbox.ews_mail import message_of
from samples.sandbox.gmail_send import deliver
from samples.sandbox.state import State
from samples.sandbox.wire import Json, Reply, Request
from samples.sandbox.world import User

M = "{http://schemas.microsoft.com/exchange/services/2006/messages}"
T = "{http://schemas.microsoft.com/exchange/services/2006/types}"
_ENVELOPE = """<?xml version="1.0" encoding="utf-8"?>
<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" \
xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages" \
xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types"><s:Header>\
<t:ServerVersionInfo MajorVersion="15" MinorVersion="1" MajorBuildNumber="2507" \
MinorBuildNumber="37" Version="V2017_07_11"/></s:Header><s:Body>{body}</s:Body></s:Envelope>"""

FOLDERS = {
    "root": ("Folder", "", "Root"),
    "msgfolderroot": ("Folder", "root", "Top of Information Store"),
    "inbox": ("Folder", "msgfolderroot", "Inbox"),
    "sentitems": ("Folder", "msgfolderroot", "Sent Items"),
    "drafts": ("Folder", "msgfolderroot", "Drafts"),
    "deleteditems": ("Folder", "msgfolderroot", "Deleted Items"),
    "calendar": ("CalendarFolder", "msgfolderroot", "Calendar"),
    "contacts": ("ContactsFolder", "msgfolderroot", "Contacts"),
}
"""Distinguished name -> (element, parent, display name)."""
_CLASSES = {
    "CalendarFolder": "IPF.Appointment",
    "ContactsFolder": "IPF.Contact",
    "Folder": "IPF.Note",
}


class SoapError(Exception):
    """An EWS answer of class Error: response code and text."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


def answer(state: State, request: Request) -> Reply:
    """Answer one SOAP request."""
    user = _authenticated(state, request)
    if user is None:
        return Reply(401, b"", {"WWW-Authenticate": 'Basic realm="127.0.0.1"'})
    try:
        root = ElementTree.fromstring(request.body)
    except ElementTree.ParseError:
        return Reply(400, b"", {"Content-Type": "text/html"})
    body = root.find("{http://schemas.xmlsoap.org/soap/envelope/}Body")
    operation = body[0] if body is not None and len(body) else Element("nothing")
    name = operation.tag.removeprefix(M)
    play = _OPERATIONS.get(name)
    if play is None:
        reply = _soap(_fault(f"The sandbox does not play {name}."), 500)
    else:
        try:
            reply = _soap(_responses(name, "Success", "NoError", play(state, user, operation)))
        except SoapError as error:
            text = f"<m:MessageText>{escape(str(error))}</m:MessageText>"
            reply = _soap(_responses(name, "Error", error.code, [""], text))
    reply.subject = user.primary
    return reply


def _authenticated(state: State, request: Request) -> User | None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, _, password = base64.b64decode(token).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    user = state.world.user(name)
    if user is None or user.suspended or password != user.password:
        return None
    return user


def _soap(body: str, status: int = 200) -> Reply:
    text = _ENVELOPE.format(body=body)
    return Reply(status, text.encode(), {"Content-Type": "text/xml; charset=utf-8"})


def _fault(text: str) -> str:
    return (
        f"<s:Fault><faultcode>s:Client</faultcode><faultstring>{escape(text)}</faultstring>"
        "<detail><e:ResponseCode xmlns:e="
        '"http://schemas.microsoft.com/exchange/services/2006/errors">ErrorInvalidRequest'
        "</e:ResponseCode></detail></s:Fault>"
    )


def _responses(name: str, kind: str, code: str, contents: list[str], text: str = "") -> str:
    """One response message for each of `contents`."""
    messages = "".join(
        f'<m:{name}ResponseMessage ResponseClass="{kind}">{text}'
        f"<m:ResponseCode>{code}</m:ResponseCode>{content}</m:{name}ResponseMessage>"
        for content in contents
    )
    return (
        f"<m:{name}Response><m:ResponseMessages>{messages}</m:ResponseMessages></m:{name}Response>"
    )


def _convert_id(_state: State, _user: User, operation: Element) -> list[str]:
    form = operation.get("DestinationFormat", "EwsId")
    return [
        f'<m:AlternateId xsi:type="t:AlternateIdType" Format="{form}" '
        f'Id="{escape(one.get("Id", ""))}" Mailbox="{escape(one.get("Mailbox", ""))}" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"/>'
        for one in operation.iter(T + "AlternateId")
    ]


def _folder_name(element: Element) -> str:
    name = element.get("Id", "").removeprefix("folder-")
    if name not in FOLDERS:
        raise SoapError("ErrorFolderNotFound", "The specified folder could not be found.")
    return name


def _folder_xml(user: User, name: str) -> str:
    kind, parent, title = FOLDERS[name]
    total = len(user.contacts) if name == "contacts" else 0
    children = sum(above == name for _, above, _ in FOLDERS.values())
    return (
        f'<t:{kind}><t:FolderId Id="folder-{name}" ChangeKey="AQAAAA=="/>'
        f'<t:ParentFolderId Id="folder-{parent or name}" ChangeKey="AQAAAA=="/>'
        f"<t:FolderClass>{_CLASSES[kind]}</t:FolderClass><t:DisplayName>{title}</t:DisplayName>"
        f"<t:TotalCount>{total}</t:TotalCount><t:ChildFolderCount>{children}</t:ChildFolderCount>"
        f"</t:{kind}>"
    )


def _get_folder(_state: State, user: User, operation: Element) -> list[str]:
    wanted = operation.find(M + "FolderIds")
    return [
        f"<m:Folders>{_folder_xml(user, _folder_name(one))}</m:Folders>"
        for one in (wanted if wanted is not None else ())
    ]


def _find_folder(_state: State, user: User, operation: Element) -> list[str]:
    parents = operation.find(M + "ParentFolderIds")
    above = {_folder_name(one) for one in (parents if parents is not None else ())}
    deep = operation.get("Traversal") == "Deep"
    found = [
        _folder_xml(user, name)
        for name, (_, parent, _) in FOLDERS.items()
        if parent in above or (deep and parent and name not in above)
    ]
    return [_root_folder(f"<t:Folders>{''.join(found)}</t:Folders>", len(found), len(found))]


def _root_folder(content: str, end: int, total: int) -> str:
    last = str(end >= total).lower()
    return (
        f'<m:RootFolder IndexedPagingOffset="{end}" TotalItemsInView="{total}" '
        f'IncludesLastItemInRange="{last}">{content}</m:RootFolder>'
    )


def _find_item(_state: State, user: User, operation: Element) -> list[str]:
    """Items of folders; only Contacts holds any. A restriction narrows by its constants."""
    parents = operation.find(M + "ParentFolderIds")
    names = [_folder_name(one) for one in (parents if parents is not None else ())]
    contacts = user.contacts if "contacts" in names else []
    restriction = operation.find(M + "Restriction")
    if restriction is not None:
        words = [(c.get("Value") or "").lower() for c in restriction.iter(T + "Constant")]
        contacts = [c for c in contacts if all(word in str(c).lower() for word in words)]
    view = operation.find(M + "IndexedPageItemView")
    at = int(view.get("Offset", "0")) if view is not None else 0
    size = int(view.get("MaxEntriesReturned", "100")) if view is not None else 100
    page = contacts[at : at + size]
    found = "".join(_contact_xml(contact) for contact in page)
    return [_root_folder(f"<t:Items>{found}</t:Items>", at + len(page), len(contacts))]


def _get_item(_state: State, user: User, operation: Element) -> list[str]:
    by_name = {contact["resourceName"]: contact for contact in user.contacts}
    found: list[str] = []
    for one in operation.iter(T + "ItemId"):
        contact = by_name.get(one.get("Id", ""))
        if contact is None:
            raise SoapError("ErrorItemNotFound", "The specified object was not found in the store.")
        found.append(f"<m:Items>{_contact_xml(contact)}</m:Items>")
    return found


def _contact_xml(contact: Json) -> str:
    name = contact["names"][0]
    addresses = "".join(
        f'<t:Entry Key="EmailAddress{number}">{escape(address["value"])}</t:Entry>'
        for number, address in enumerate(contact.get("emailAddresses", ()), start=1)
    )
    phones = "".join(
        f'<t:Entry Key="BusinessPhone">{escape(phone["value"])}</t:Entry>'
        for phone in contact.get("phoneNumbers", ())[:1]
    )
    company = contact.get("organizations", [{"name": ""}])[0]["name"]
    return (
        f'<t:Contact><t:ItemId Id="{contact["resourceName"]}" ChangeKey="EQAAAA=="/>'
        '<t:ParentFolderId Id="folder-contacts" ChangeKey="AQAAAA=="/>'
        f"<t:ItemClass>IPM.Contact</t:ItemClass><t:Subject>{escape(name['displayName'])}</t:Subject>"
        f"<t:DisplayName>{escape(name['displayName'])}</t:DisplayName>"
        f"<t:GivenName>{escape(name['givenName'])}</t:GivenName>"
        f"<t:CompanyName>{escape(company)}</t:CompanyName>"
        f"<t:EmailAddresses>{addresses}</t:EmailAddresses><t:PhoneNumbers>{phones}</t:PhoneNumbers>"
        f"<t:Surname>{escape(name['familyName'])}</t:Surname></t:Contact>"
    )


def _create_item(state: State, user: User, operation: Element) -> list[str]:
    """Send the messages given; SaveOnly keeps them as drafts that SendItem sends."""
    disposition = operation.get("MessageDisposition", "SaveOnly")
    items = operation.find(M + "Items")
    answers: list[str] = []
    for item in items if items is not None else ():
        if item.tag != T + "Message":
            raise SoapError("ErrorInvalidRequest", "The sandbox creates messages only.")
        raw = message_of(item, user)
        if disposition == "SaveOnly":
            draft = user.mailbox.add(raw, "DRAFT", at=state.world.now())
            kept = f'<t:Message><t:ItemId Id="{draft.id}" ChangeKey="CQAAAA=="/></t:Message>'
            answers.append(f"<m:Items>{kept}</m:Items>")
        else:
            _send(state, user, raw, keep=disposition == "SendAndSaveCopy")
            answers.append("<m:Items/>")
    return answers


def _send_item(state: State, user: User, operation: Element) -> list[str]:
    answers: list[str] = []
    for one in operation.iter(T + "ItemId"):
        draft = user.mailbox.messages.get(one.get("Id", ""))
        if draft is None:
            raise SoapError("ErrorItemNotFound", "The specified object was not found in the store.")
        user.mailbox.remove(draft)
        _send(state, user, draft.raw, keep=operation.get("SaveItemToFolder") == "true")
        answers.append("")
    return answers


def _send(state: State, user: User, raw: bytes, *, keep: bool) -> None:
    try:
        message = deliver(state, user, user.mailbox, raw, "ews", state.world.now())
    except Refused as refused:
        raise SoapError(
            "ErrorInvalidRecipients", "At least one recipient isn't valid."
        ) from refused
    if not keep:
        user.mailbox.remove(message)


_OPERATIONS: dict[str, Callable[[State, User, Element], list[str]]] = {
    "ConvertId": _convert_id,
    "GetFolder": _get_folder,
    "FindFolder": _find_folder,
    "FindItem": _find_item,
    "GetItem": _get_item,
    "CreateItem": _create_item,
    "SendItem": _send_item,
}
