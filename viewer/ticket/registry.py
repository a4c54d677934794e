"""Who is called what in one bundle: stable names for people, domains, hosts, ids."""

import hashlib
import itertools
import re
import unicodedata
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from viewer.ticket.common_words import COMMON, KEPT_HOSTS, SECOND_LEVEL

_WORD: Final = re.compile(r"[^\W_]+")
_CORE: Final = re.compile(r"[^\W_](?:.*[^\W_])?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the map that stays with the customer."""

    pseudonym: str
    original: str
    kind: str
    bare: bool
    """Whether `original` is rare enough to be looked for as a bare word anywhere."""


class Registry:
    """Gives names. The same original, whatever its case, gets the same name and number.

    Kinds with few members are numbered in order of appearance; those with millions (message ids)
    are named by a keyed hash, so that memory stays bounded.
    """

    def __init__(self, key: bytes, *, keep_addresses: bool = False) -> None:
        self.keep_addresses = keep_addresses
        self.generation = 0
        """Grows with every new bare word: what was rewritten before may be out of date."""
        self._key = key
        self._numbers: dict[str, Iterator[int]] = {}
        self._bases: dict[tuple[str, str], str] = {}
        self._spelled: dict[str, dict[str, str]] = {}
        self._entries: list[Entry] = []
        self._phrases: dict[str, list[tuple[str, str]]] = {}
        self._recent: OrderedDict[str, None] = OrderedDict()
        self.on_hashed: Callable[[Entry], None] = lambda _entry: None
        """Told of every hashed name (some more than once), to write it into the map."""

    # people, domains, hosts

    def address(self, local: str, host: str) -> str:
        """Return the pseudonym of ``local@host``: same person, same domain, alias of."""
        if self.keep_addresses:
            return f"{local}@{host}"
        if host.lower().endswith(".iam.gserviceaccount.com"):
            project, _, rest = host.partition(".")
            return f"{self.named('service', local)}@{self.named('project', project)}.{rest}"
        if is_kept_host(host) and _fold(local) in _ROLES:
            return f"{local}@{host}"
        base, plus, tag = local.partition("+")
        if not base:
            base, plus, tag = local, "", ""
        person = self.person(base)
        return f"{person}{plus}{self.named('tag', tag) if tag else ''}@{self.host(host)}"

    def person(self, name: str) -> str:
        """Return the pseudonym of a login, a local part, a Harmony user."""
        return name if self.keep_addresses else self.named("person", name)

    def host(self, name: str) -> str:
        """Return the pseudonym of a host or domain; Google's own and other public ones stay."""
        if self.keep_addresses or is_kept_host(name):
            return name
        bare = name.strip(".")
        labels = bare.split(".")
        if len(labels) == 1:
            return self.named("host", bare)
        keep = 3 if len(labels) > 2 and labels[-2].lower() in SECOND_LEVEL else 2
        domain = self.named("domain", ".".join(labels[-keep:]))
        below = ".".join(labels[:-keep])
        return f"{self.named('host', below)}.{domain}" if below else domain

    def windows(self, domain: str, user: str) -> str:
        r"""Return the pseudonym of ``DOMAIN\user``."""
        if self.keep_addresses:
            return f"{domain}\\{user}"
        return f"{self.named('domain', domain)}\\{self.person(user)}"

    def display_name(self, name: str) -> str:
        """Return the pseudonym of a person's name as people write it."""
        core = _CORE.search(name)
        if core is None or self.keep_addresses:
            return name
        return name[: core.start()] + self.named("name", core[0]) + name[core.end() :]

    def environment(self, name: str) -> str:
        """Return the pseudonym of an environment; a generic name (ERP215, TEST) stays."""
        stripped = name.strip()
        if not stripped or _GENERIC.fullmatch(stripped) or _fold(stripped) in COMMON:
            return name
        return name.replace(stripped, self.named("environment", stripped))

    # the two ways to make a name

    def named(self, kind: str, original: str) -> str:
        """Return the numbered pseudonym of `original`, in a case of its own per spelling."""
        folded = _fold(original)
        base = self._bases.get((kind, folded))
        if base is None:
            counter = self._numbers.setdefault(kind, itertools.count(1))
            base = self._bases[kind, folded] = f"{kind}-{next(counter)}"
        spelled = self._spelled.setdefault(base, {})
        known = spelled.get(original)
        if known is None:
            taken = set(spelled.values())
            known = next(one for one in _spellings(base, original) if one not in taken)
            spelled[original] = known
            self._learn(kind, original, known)
        return known

    def hashed(self, kind: str, original: str) -> str:
        """Return a pseudonym made of a keyed hash of `original`."""
        text = f"{kind}\0{original}".encode("utf-8", "surrogatepass")
        pseudonym = f"{kind}-{hashlib.blake2b(text, digest_size=6, key=self._key).hexdigest()}"
        if pseudonym not in self._recent:
            self._recent[pseudonym] = None
            if len(self._recent) > 20_000:
                self._recent.popitem(last=False)
            self.on_hashed(Entry(pseudonym, original, kind, bare=False))
        return pseudonym

    def _learn(self, kind: str, original: str, pseudonym: str) -> None:
        bare = is_rare(kind, original)
        self._entries.append(Entry(pseudonym, original, kind, bare))
        if bare:
            words = _WORD.findall(_fold(original))
            self._phrases.setdefault(words[0], []).append((_fold(original), kind))
            self._phrases[words[0]].sort(key=lambda one: -len(one[0]))
            self.generation += 1

    # bare words

    def phrase_at(self, text: str, start: int, word: str) -> tuple[int, str] | None:
        """Return the end and the pseudonym of the known name that begins at `start`, or None.

        `word` is the word there; a longer name wins over a shorter one.
        """
        known = self._phrases.get(_fold(word))
        if known is None:
            return None
        for phrase, kind in known:
            end = start + len(phrase)
            found = text[start:end]
            if _fold(found) == phrase and not text[end : end + 1].isalnum():
                return end, self.named(kind, found)
        return None

    def knows_any(self, words: list[str]) -> bool:
        """Tell whether a known name begins with one of these words (in lower case)."""
        return not self._phrases.keys().isdisjoint(words)

    def entries(self) -> list[Entry]:
        """Return the numbered names given so far."""
        return list(self._entries)


@lru_cache(10_000)
def is_kept_host(name: str) -> bool:
    """Tell whether `name` is a public service's host, which says nothing about the customer."""
    low = name.lower().strip(".")
    return any(low == one or low.endswith("." + one) for one in KEPT_HOSTS)


def is_rare(kind: str, original: str) -> bool:
    """Tell whether `original`, met as a bare word, means this identity and nothing else."""
    folded = _fold(original)
    words = _WORD.findall(folded)
    if not words or kind in {"tag", "ip", "phone"}:
        return False
    if len(words) == 1 or kind == "unit":
        return len(folded) >= 4 and folded not in COMMON and sum(map(str.isalpha, folded)) >= 3
    return len(folded) >= 5 and not all(word in COMMON or len(word) < 3 for word in words)


def _fold(text: str) -> str:
    return text.lower() if text.isascii() else unicodedata.normalize("NFC", text).lower()


def _spellings(base: str, original: str) -> Iterator[str]:
    """Yield spellings of `base`, first the one in the case of `original`."""
    if original == original.lower():
        yield base
    elif original == original.upper():
        yield base.upper()
    elif original in {original.capitalize(), original.title()}:
        yield base.capitalize()
    letters = [at for at, char in enumerate(base) if char.isalpha()]
    for bits in itertools.count(2):  # 1 is the capitalised one
        yield "".join(
            char.upper() if at in letters and bits >> letters.index(at) & 1 else char
            for at, char in enumerate(base)
        ) + ("" if bits < 1 << len(letters) else f"x{bits}")


_ROLES: Final = frozenset({"mailer-daemon", "noreply", "no-reply", "postmaster"})
_GENERIC: Final = re.compile(
    r"(?i)(?:erp|env|base|test|tests|prod|production|dev|demo|recette|preprod|formation|integration"
    r"|qualif|local|main|default)[-_ ]?\d*"
)
