"""Finds identities in a text by their shape and gives them their pseudonyms, in any encoding."""

import re
from typing import TYPE_CHECKING, Final
from unicodedata import normalize

from viewer.ticket.common_words import COMMON, KEPT_NETBIOS, TOP_LEVEL
from viewer.ticket.encodings import DONE, recode
from viewer.ticket.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Callable

_AT: Final = r"(?:@|%40|%2540|=40|&#64;|&#[xX]40;|\\u0040|\\x40|\s?\(at\)\s?|\[at\])"
_HOST: Final = r"[\w-]+(?:\.[\w-]+)*"
_OCTET: Final = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)"

_ALTERNATIVES: Final = (
    rf"(?P<kept>⟨[^⟩]{{0,200}}⟩|{DONE}[^{DONE}]*{DONE})",
    r"(?P<url>(?<=://)[^/\s\"'<>?#\\]+)",
    r"(?P<path>(?i:(?:\b[a-z]:)?[\\/]{1,2}(?:users|home|documents and settings)[\\/]{1,2}))"
    r"(?P<path_user>[^\\/\s:;,\"'<>|?#&]+)",
    r"(?P<resource>/(?:messages|threads|drafts|attachments)/)(?P<resource_id>[\w=-]{10,})",
    r"(?P<people>\bpeople/)(?P<people_id>c\d{6,}|\d{6,})",
    rf"(?P<local>[\w.+~'!#$&*^`{{|}}-]*[\w~'!#$&*^`{{|}}-])(?P<at>{_AT})(?P<at_host>{_HOST}|\[[\da-fA-F:.]+\])",
    r"(?P<dc>(?i:\bdc=[\w-]+(?:\s*,\s*dc=[\w-]+)+))",
    r"(?P<dn>(?i:\b(?:cn|uid|sn|givenname|displayname|ou|o|samaccountname)=))"
    r"(?P<dn_value>[^,;()\"=&?]+)",
    r"(?P<unc>(?<![\\\w])\\\\)(?P<unc_host>[\w.-]+)(?=\\)",
    r"(?P<netbios>(?<![\w\\:/.-])[A-Za-z][\w.-]{0,30})\\(?P<account>[^\W\d_][\w.$-]{1,40})(?![\w\\])",
    r"(?P<sid>\bS-1-5-21(?:-\d+){3,4})",
    r"(?P<client>\b\d{6,21}-[a-z0-9]{16,40}(?=\.apps\.googleusercontent\.com))",
    rf"(?P<ip4>(?<![\w.])(?<![A-Za-z]/){_OCTET}(?:\.{_OCTET}){{3}}(?![\w.]*\w))",
    r"(?P<ip6>(?:(?<![\w:.])|(?<=IPv6:))"
    r"(?:[0-9a-fA-F]{1,4}:){2,7}(?::?[0-9a-fA-F]{1,4}){1,6}(?![\w:.]*\w)"
    r"|(?<![\w:.])(?:[0-9a-fA-F]{1,4}:){1,6}(?::[0-9a-fA-F]{1,4}){1,6}(?![\w:.]*\w))",
    r"(?P<phone>(?<![\w+])(?:\+|00)[1-9]"
    r"(?:\d{8,14}|\d{0,2}(?:[ .()/-]{1,2}\d{1,4}){2,6})(?!\w)"
    r"|(?<![\w.+-])0[1-9](?:[ .-]?\d\d){4}(?![\w.-]*\w))",
    r"(?P<google>(?<![\w.])1\d{20}(?!\w))",
    r"(?P<project>(?i:\bprojects?(?:/|%2F|=|[ ]number[ ]|[ ])))"
    r"(?P<project_id>\d{4,}|(?<=[/=])[a-z][a-z0-9-]{4,29})(?![\w-])",
    rf"(?P<host>(?<![\w.@%-])(?:[\w-]+\.)+(?:{TOP_LEVEL})(?![\w-]|\.\w))",
)
_SHAPES: Final = re.compile("|".join(_ALTERNATIVES))
_SHAPES_AND_WORDS: Final = re.compile("|".join((*_ALTERNATIVES, r"(?P<word>[^\W_]+)")))
_WORD: Final = re.compile(r"[^\W_]+")
_PLAIN: Final = re.compile(r"(?a:[A-Za-z_-]*(?:\d{1,8}[A-Za-z_-]+)*\d{0,8})")
"""One word with few digits in a row: no shape can be in it."""

_KEPT_IPS: Final = re.compile(r"127\.|0\.0\.0\.0$|255\.255\.255\.255$")


class Shapes:
    """Rewrites texts with the names of one registry."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self._at_group: dict[str, Callable[[re.Match[str]], str | None]] = {
            "kept": lambda match: None,
            "url": self._authority,
            "path_user": self._home,
            "resource_id": self._resource,
            "people_id": self._people,
            "at_host": self._address,
            "dc": self._components,
            "dn_value": self._distinguished,
            "unc_host": lambda m: m["unc"] + self.host(m["unc_host"]),
            "account": self._windows,
            "sid": lambda m: self.registry.named("sid", m["sid"]),
            "client": lambda m: self.registry.hashed("client", m["client"]),
            "ip4": self._ip,
            "ip6": self._ip,
            "phone": lambda m: self.registry.named("phone", m["phone"]),
            "google": lambda m: self.registry.hashed("account", m["google"]),
            "project_id": lambda m: m["project"] + self.registry.named("project", m["project_id"]),
            "host": lambda m: self.host(m["host"]),
        }

    def rewrite(self, text: str, depth: int = 0) -> str:
        """Return `text` with every identity in it replaced; the same object when there is none."""
        if not text.isascii() and (composed := normalize("NFC", text)) != text:
            new = self.rewrite(composed, depth)
            return text if new == composed else new
        if DONE in text:  # ours alone; a stranger's could hide something
            text = text.replace(DONE, "")
        if depth < 4:
            text = recode(text, lambda inner: self.rewrite(inner, depth + 1))
        parts: list[str] = []
        copied = at = 0
        shapes = self._needed(text)
        while shapes and (match := shapes.search(text, at)):
            start, at = match.span()
            group = match.lastgroup
            if group == "word":
                known = self.registry.phrase_at(text, start, match[0])
                if known is None and _ESCAPE.match(text, start - 1):  # a JSON text in a text
                    start += 1
                    known = self.registry.phrase_at(text, start, match[0][1:])
                if known is None:
                    continue
                at, new = known
            else:
                replaced = self._at_group[group or ""](match)
                if replaced is None:
                    if group not in {"kept"}:
                        at = self._first_word_end(match)
                    continue
                new = replaced
            parts += text[copied:start], new
            copied = at
        text = "".join((*parts, text[copied:])) if parts else text
        return text.replace(DONE, "") if DONE in text else text

    def _needed(self, text: str) -> re.Pattern[str] | None:
        """Return the pattern to look for; that of every word only where a known name begins."""
        words = _WORD.findall(text.lower())
        if self.registry.knows_any(words) or "\\" in text:
            return _SHAPES_AND_WORDS
        return None if _PLAIN.fullmatch(text) else _SHAPES

    def _first_word_end(self, match: re.Match[str]) -> int:
        """Return where to go on after a shape that turned out to be none."""
        end = match.start() + 1
        while end < match.end() and match.string[end].isalnum() and match.string[end - 1].isalnum():
            end += 1
        return end

    def host(self, name: str) -> str:
        """Return the pseudonym of a host name, an IP address, either with a port."""
        if name.startswith("["):
            inner, _, port = name[1:].partition("]")
            return f"[{self.ip(inner)}]{port}"
        host, colon, port = name.partition(":")
        if not host or (colon and not port.isdigit()):
            return self.ip(name) if name.count(":") > 1 else name
        return (self.ip(host) if _is_ip4(host) else self.registry.host(host)) + colon + port

    def ip(self, text: str) -> str:
        """Return the pseudonym of an IP address; loopback and the wildcards stay."""
        if _KEPT_IPS.match(text) or text in {"::1", "::"}:
            return text
        return self.registry.named("ip", text)

    def _authority(self, match: re.Match[str]) -> str | None:
        user, at, host = match["url"].rpartition("@")
        name, colon, password = user.partition(":")
        known = self.registry.person(name) if name else ""
        new = f"{known}{colon}{password}{at}{self.host(host)}"
        return new if new != match[0] else match[0]

    def _home(self, match: re.Match[str]) -> str | None:
        user = match["path_user"]
        if user.lower() in COMMON or user.lower() in {"me", "public"} or "@" in user:
            return None
        if "%40" in user or user.isdigit():
            return None
        return match["path"] + self.registry.person(user)

    def _resource(self, match: re.Match[str]) -> str | None:
        name = match["resource_id"]
        if name.isalpha():  # batchDelete, batchModify
            return None
        return match["resource"] + self.registry.hashed("message", name)

    def _people(self, match: re.Match[str]) -> str:
        return match["people"] + self.registry.hashed("contact", match["people_id"])

    def _address(self, match: re.Match[str]) -> str | None:
        local, host = match["local"], match["at_host"]
        lead = len(local) - len(local.lstrip("'`{|}&*!#$^.+"))
        head, local = local[:lead], local[lead:]
        if not local or not (host.startswith("[") or any(map(str.isalpha, host))):
            return None
        if match["at"] == "=40" and not ("." in host or host.startswith("[")):
            return None  # width=40px, op=40fe…
        trail = host[len(host.rstrip("-_")) :]
        host = host[: len(host) - len(trail)]
        if host.startswith("["):
            return f"{head}{self.registry.person(local)}{match['at']}{self.host(host)}"
        if _message_like(local):
            return head + self.message_id(local, host, match["at"]) + trail
        new = self.registry.address(local, host).rpartition("@")
        return f"{head}{new[0]}{match['at']}{new[2]}{trail}"

    def message_id(self, local: str, host: str, at: str = "@") -> str:
        """Return the pseudonym of a Message-ID; its host stays related to the others."""
        return f"{self.registry.hashed('message', local)}{at}{self.registry.host(host)}"

    def _components(self, match: re.Match[str]) -> str:
        labels = re.findall(r"(?i)dc=([\w-]+)", match[0])
        return "dc=" + self.registry.host(".".join(labels))

    def _distinguished(self, match: re.Match[str]) -> str | None:
        value = match["dn_value"].strip()
        kind = match["dn"][:-1].lower()
        if not value or _AT_SIGN.search(value) or value.lower() in COMMON:
            return None
        if kind in {"ou", "o"}:
            new = self.registry.named("unit", value)
        elif kind in {"uid", "samaccountname"}:
            new = self.registry.person(value)
        else:
            new = self.registry.display_name(value)
        return match["dn"] + match["dn_value"].replace(value, new)

    def _windows(self, match: re.Match[str]) -> str | None:
        if match["netbios"].lower() in KEPT_NETBIOS:
            return None
        return self.registry.windows(match["netbios"], match["account"])

    def _ip(self, match: re.Match[str]) -> str | None:
        text = match[0]
        if ":" in text and not _is_ip6(text):
            return None
        return self.ip(text)


_ESCAPE: Final = re.compile(r"\\[nrtbf]")
_AT_SIGN: Final = re.compile(_AT)


def _is_ip4(text: str) -> bool:
    return re.fullmatch(rf"{_OCTET}(?:\.{_OCTET}){{3}}", text) is not None


def _is_ip6(text: str) -> bool:
    """Tell an IPv6 address from a time of day or a list of hex pairs."""
    groups = [group for group in text.split(":") if group]
    compressed = "::" in text
    if len(groups) == 8:
        return True
    return compressed and len(groups) >= 3 and any(len(group) > 2 for group in groups)


def _message_like(local: str) -> bool:
    """Tell whether a local part looks like that of a Message-ID: long, with many digits."""
    return len(local) >= 18 and sum(map(str.isdigit, local)) >= 5
