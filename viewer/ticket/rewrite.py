"""Rewrites one line of a trace: its strings only; numbers and structure stay as they are."""

import re
from email.header import decode_header, make_header
from email.utils import getaddresses
from typing import TYPE_CHECKING, Final

import orjson

from viewer.ticket.registry import Registry
from viewer.ticket.shapes import Shapes

if TYPE_CHECKING:
    from collections.abc import Callable

_TOKEN: Final = re.compile(rb'("[^"\\]*+(?:\\.[^"\\]*+)*+")(\s*:)?')
_STEP_ENVIRONMENT: Final = re.compile(
    rb'"environment":\{"wanted":("[^"\\]*+(?:\\.[^"\\]*+)*+"),"found":(\[[^\]]*\])'
)
_HEAD_END: Final = b',"data":'
_HEAD_NAME: Final = re.compile(rb'("name":)("[^"\\]*+(?:\\.[^"\\]*+)*+")')
_CACHE: Final = 30_000

_CONTEXTS: Final[dict[str, str]] = {
    **dict.fromkeys(("environment", "customtype", "divalto_environment"), "environment"),
    **dict.fromkeys(
        ("harmony_user", "windows_account", "by", "login", "user", "username", "uid", "userkey",
         "samaccountname", "userprincipalname", "displayed_user", "owner"), "person",
    ),
    **dict.fromkeys(
        ("host", "hostname", "machine", "computer", "node", "peer", "servername", "ehlo", "helo",
         "server_name", "proxy_host", "local_hostname"), "host",
    ),
    **dict.fromkeys(
        ("givenname", "familyname", "fullname", "displayname", "sn", "cn", "displaynamelastfirst",
         "middlename", "nickname", "creator_name", "surname"), "name",
    ),
    **dict.fromkeys(
        ("from", "to", "cc", "bcc", "reply-to", "sender", "return-path", "delivered-to",
         "x-original-to", "resent-from", "resent-to", "disposition-notification-to"), "mailboxes",
    ),
    **dict.fromkeys(
        ("message-id", "in-reply-to", "references", "messageid", "message_id", "internetmessageid",
         "rfc822msgid"), "message-id",
    ),
    **dict.fromkeys(("id", "threadid", "draftid", "attachmentid"), "id"),
    **dict.fromkeys(("kid", "client_id", "private_key_id", "key_id"), "key-id"),
    **dict.fromkeys(("customerid", "customer"), "customer"),
    **dict.fromkeys(
        ("phone", "mobile", "telephonenumber", "recoveryphone", "telephone", "fax"), "phone"
    ),
    "boot": "boot",
    "project_id": "project",
    "quota_project_id": "project",
    "value": "attribute",
    "found": "attribute",
    "wanted": "attribute",
}  # fmt: skip

_ENV_FIELD: Final = re.compile(r"(?i)(\w*WinAccountEnv_)(.+)")
_ENV_ENTRY: Final = re.compile(r"(\s*)([^=@\\:;|]{1,80}?)(\s*[=:;|]\s*)([^=]+[@\\][^=]+)")
_GMAIL_ID: Final = re.compile(r"[0-9a-f]{16}|r-?\d{10,}|ANGj[\w-]{20,}|1\d{20}")
_MESSAGE_ID: Final = re.compile(r"<?([^<>\s@]+)@([^<>\s@]+)>?")
_PEOPLE_NAME: Final = re.compile(r"[A-ZÀ-Þ][\w'’-]+(?: [A-ZÀ-Þ][\w'’-]+){1,3}")


class Rewriter:
    """Gives every string of a line its pseudonyms; remembers the strings it has seen."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self._shapes = Shapes(registry)
        self._cache: dict[tuple[str, bytes], bytes] = {}
        self._generation = 0
        self._key = ""
        self._special: dict[str, Callable[[str], str | None]] = {
            "environment": self._environment,
            "person": self._person,
            "host": self._host,
            "name": self._name,
            "mailboxes": self._mailboxes,
            "message-id": self._message_id,
            "id": self._id,
            "key": self._field,
            "key-id": self._key_id,
            "customer": self._customer,
            "phone": self._phone,
            "boot": self._boot,
            "project": self._project,
            "attribute": self._attribute,
        }

    def line(self, line: bytes) -> bytes:
        """Return `line`, an event, with pseudonyms; byte for byte the same where there are none."""
        head, end, data = line.partition(_HEAD_END)
        if not end:
            return self._strings(line)
        for wanted, found in _STEP_ENVIRONMENT.findall(data):
            for name in [orjson.loads(wanted), *orjson.loads(found)]:
                self.registry.environment(name)
        head = _HEAD_NAME.sub(lambda match: match[1] + self._token("", match[2]), head)
        return head + end + self._strings(data)

    def text(self, text: str) -> str:
        """Return a text that is no event (a note) with pseudonyms."""
        return self._shapes.rewrite(text)

    def forget(self) -> None:
        """Give back the memory of the strings seen."""
        self._cache.clear()

    def _strings(self, data: bytes) -> bytes:
        self._key = ""
        return _TOKEN.sub(self._replace, data)

    def _replace(self, match: re.Match[bytes]) -> bytes:
        token, colon = match.groups()
        if colon is not None:
            context = "key"
            self._key = _CONTEXTS.get(token[1:-1].decode("ascii", "replace").lower(), "")
        else:
            context = self._key
        return self._token(context, token) + (colon or b"")

    def _token(self, context: str, token: bytes) -> bytes:
        if len(token) < 4:
            return token
        if self._generation != self.registry.generation or len(self._cache) > _CACHE:
            self._cache.clear()
            self._generation = self.registry.generation
        known = self._cache.get((context, token))
        if known is None:
            known = self._rewritten(context, token)
            if len(token) < 600 and self._generation == self.registry.generation:
                self._cache[context, token] = known
        return known

    def _rewritten(self, context: str, token: bytes) -> bytes:
        try:
            text: str = orjson.loads(token)
        except orjson.JSONDecodeError:  # a lone surrogate, which JSON text may hold
            return self._rewritten_oddly(token)
        new = self.value(context, text)
        return token if new == text else orjson.dumps(new)

    def _rewritten_oddly(self, token: bytes) -> bytes:
        text = token[1:-1].decode("utf-8", "backslashreplace")
        new = self._shapes.rewrite(text)
        return token if new == text else b'"' + new.encode("utf-8", "replace") + b'"'

    def value(self, context: str, text: str) -> str:
        """Return the string `text` with pseudonyms; `context` is what its key says of it."""
        special = self._special.get(context)
        if special is not None and "⟨" not in text:
            new = special(text)
            if new is not None:
                return new
        return self._shapes.rewrite(text)

    # what a key says; None: the key says nothing about this value

    def _environment(self, text: str) -> str | None:
        return self.registry.environment(text) if _plain(text) else None

    def _person(self, text: str) -> str | None:
        if not _plain(text) or text.lower() in {"me", "root", "system", "anonymous"}:
            return None
        return self.registry.person(text) if text.strip() == text else None

    def _host(self, text: str) -> str | None:
        if " " in text or "/" in text or len(text) > 255:
            return None
        return self._shapes.host(text)

    def _name(self, text: str) -> str | None:
        if "@" in text or "\\" in text or len(text) > 200 or not text.strip():
            return None
        return self.registry.display_name(text)

    def _mailboxes(self, text: str) -> str | None:
        for name, _ in getaddresses([_decoded_words(text)]):
            if len(name.strip()) > 1 and "@" not in name:
                self.registry.display_name(name.strip())
        return None

    def _message_id(self, text: str) -> str | None:
        found = _MESSAGE_ID.findall(text)
        if not found:
            return self._id(text)
        return _MESSAGE_ID.sub(
            lambda m: m[0].replace(f"{m[1]}@{m[2]}", self._shapes.message_id(m[1], m[2])), text
        )

    def _id(self, text: str) -> str | None:
        if not _GMAIL_ID.fullmatch(text):
            return None
        is_account = len(text) == 21 and text.isdigit()
        return self.registry.hashed("account" if is_account else "message", text)

    def _key_id(self, text: str) -> str | None:
        return self.registry.hashed("key", text) if len(text) >= 12 and _plain(text) else None

    def _customer(self, text: str) -> str | None:
        known = text == "my_customer" or not _plain(text)
        return None if known else self.registry.named("customer", text)

    def _phone(self, text: str) -> str | None:
        digits = sum(map(str.isdigit, text))
        return self.registry.named("phone", text) if digits >= 6 and len(text) < 40 else None

    def _boot(self, text: str) -> str | None:
        return self.registry.hashed("boot", text)

    def _project(self, text: str) -> str | None:
        return self.registry.named("project", text) if _plain(text) else None

    def _attribute(self, text: str) -> str | None:
        """Learn the environment of an ``ENVIRONMENT=ACCOUNT`` value; the rest is shapes."""
        match = _ENV_ENTRY.fullmatch(text)
        if match is None or "://" in text:
            return None
        environment = self.registry.environment(match[2])
        return match[1] + environment + match[3] + self._shapes.rewrite(match[4])

    def _field(self, text: str) -> str | None:
        match = _ENV_FIELD.fullmatch(text)
        return match[1] + self.registry.environment(match[2]) if match else None


def _decoded_words(text: str) -> str:
    if "=?" not in text:
        return text
    try:
        return str(make_header(decode_header(text)))
    except (LookupError, ValueError):  # of a charset that nobody knows, or damaged
        return text


def _plain(text: str) -> bool:
    """Tell whether a value is one bare name: no address, no path, no list."""
    return 0 < len(text.strip()) <= 120 and not re.search(r"[@\\/;,=<>{}\"%]", text)
