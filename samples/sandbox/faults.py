"""Faults by name: what the stand-in can be told to do wrong, how often, and to which requests."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

GMAIL = "gmail.*"
SEND = "gmail.users.messages.send*"
TOKEN = "oauth2.token*"
API = "*.*.*"
"""Every API method, but neither the token endpoint nor a batch as a whole."""
EVERYTHING = "*"


@dataclass(frozen=True, slots=True)
class Kind:
    """What a fault does unless the caller says otherwise."""

    stage: str
    """``reply``: answered so instead of being processed. ``wire``: the transmission is at fault.
    ``clock``: the servers' clock is wrong. ``act``: processed differently."""
    says: str
    times: int | None = 1
    """How many requests; None means until cleared."""
    match: str = EVERYTHING
    """Pattern on ``method id`` or ``method id#kind``."""
    error: str = ""
    """The body, by its name in `errors`."""
    options: Mapping[str, Any] = field(default_factory=dict)


TABLE: Mapping[str, Kind] = {
    "drop-before": Kind("wire", "closes the connection without processing"),
    "drop-after": Kind("wire", "processes, then closes the connection without answering"),
    "hang": Kind("wire", "processes, then never answers"),
    "hang-before": Kind("wire", "never answers, without processing"),
    "slow": Kind("wire", "answers after `ms`", options={"ms": 500}),
    "slow-body": Kind(
        "wire", "sends the headers, then the body in two halves, `ms` apart", options={"ms": 500}
    ),
    "truncated-json": Kind("wire", "status 200 and half of the JSON"),
    "gzip": Kind("wire", "compresses the body, however small"),
    "redirect": Kind("reply", "302 to the same resource on this origin", match=API),
    "401-once": Kind("reply", "the token is not accepted", match=API, error="401"),
    "scope": Kind("reply", "the token lacks the scope", match=API, error="scope"),
    "503-twice": Kind("reply", "service unavailable", 2, match=API, error="503"),
    "500-backend": Kind("reply", "backend error", match=API, error="500-backend"),
    "html-502": Kind("reply", "the front end's HTML page", match=API, error="html-502"),
    "413": Kind(
        "reply", "the front end's HTML page for too large a request", match=SEND, error="413"
    ),
    "rate-limit": Kind(
        "reply",
        "429 with a time `seconds` ahead in the message",
        match=SEND,
        error="rate-limit",
        options={"seconds": 900},
    ),
    "quota-403": Kind("reply", "403 rateLimitExceeded", match=API, error="quota-403"),
    "quota-metric": Kind("reply", "403 with the quota's name", match=API, error="quota-metric"),
    "exhausted": Kind("reply", "429 RESOURCE_EXHAUSTED", match=API, error="exhausted"),
    "too-many-concurrent": Kind(
        "reply", "429 for parallel calls", match=GMAIL, error="too-many-concurrent"
    ),
    "api-off": Kind("reply", "the API is off in the project", match=API, error="api-off"),
    "not-admin": Kind(
        "reply", "the subject is no administrator", match="directory.*", error="not-admin"
    ),
    "delegation-denied": Kind(
        "reply", "path user and subject differ", match=GMAIL, error="delegation-denied"
    ),
    "domain-policy": Kind("reply", "Gmail is off for the unit", match=GMAIL, error="domain-policy"),
    "no-mailbox": Kind("reply", "the user has no mailbox", match=GMAIL, error="no-mailbox"),
    "no-subject": Kind("reply", "the service account itself asks", match=GMAIL, error="no-subject"),
    "bad-to": Kind("reply", "the To header is refused", match=SEND, error="bad-to"),
    "history-too-old": Kind(
        "reply", "404", match="gmail.users.history.list", error="entity-not-found"
    ),
    "sync-expired": Kind(
        "reply", "410 fullSyncRequired", match="calendar.events.list", error="sync-expired"
    ),
    "empty-page": Kind("act", "a list page without items, but with a next page", match="*.list*"),
    "same-page": Kind(
        "act", "a list page, again and again, always with the same token", None, match="*.list*"
    ),
    "skewed-clock": Kind(
        "clock", "the servers' clock is `seconds` off", None, options={"seconds": -600}
    ),
    "unauthorized-client": Kind("reply", "not delegated", match=TOKEN, error="unauthorized-client"),
    "access-denied": Kind("reply", "refused by policy", match=TOKEN, error="access-denied"),
    "invalid-grant-email": Kind(
        "reply", "the subject does not exist", match=TOKEN, error="invalid-grant-email"
    ),
    "sa-deleted": Kind("reply", "the service account is gone", match=TOKEN, error="sa-deleted"),
    "bad-signature": Kind("reply", "the key does not match", match=TOKEN, error="bad-signature"),
}
"""name -> what it does. `box.fault(name, times=…, match=…, **options)` overrides."""


@dataclass(slots=True)
class Fault:
    """A fault that is switched on."""

    name: str
    left: int | None
    match: str
    options: dict[str, Any]

    @property
    def kind(self) -> Kind:
        """What the table says of it."""
        return TABLE[self.name]


class Faults:
    """The faults in force."""

    def __init__(self) -> None:
        self._active: list[Fault] = []

    def add(
        self, name: str, times: int | None = None, match: str | None = None, **options: Any
    ) -> Fault:
        """Switch a fault on; `times` 0 means until cleared, None the table's number."""
        kind = TABLE.get(name)
        if kind is None:
            raise ValueError(f"no fault {name!r}; there are: {', '.join(TABLE)}")
        unknown = set(options) - set(kind.options)
        if unknown:
            known = ", ".join(kind.options) or "none"
            raise ValueError(
                f"fault {name} has no option {', '.join(sorted(unknown))}; it has {known}"
            )
        left = kind.times if times is None else times or None
        fault = Fault(name, left, match or kind.match, {**kind.options, **options})
        self._active.append(fault)
        return fault

    def clear(self) -> None:
        """Switch all faults off."""
        self._active.clear()

    def active(self) -> list[Fault]:
        """The faults that still wait for a request."""
        return list(self._active)

    def take(self, method_id: str, kind: str, *stages: str) -> list[Fault]:
        """Return the faults of these stages for this request, counted; one answer at most."""
        taken: list[Fault] = []
        for fault in self.active():
            if fault.kind.stage not in stages or not self._hits(fault, method_id, kind):
                continue
            if fault.kind.stage == "reply" and any(f.kind.stage == "reply" for f in taken):
                continue
            taken.append(fault)
            if fault.left is not None:
                fault.left -= 1
                if not fault.left:
                    self._active.remove(fault)
        return taken

    @staticmethod
    def _hits(fault: Fault, method_id: str, kind: str) -> bool:
        return fnmatchcase(method_id, fault.match) or fnmatchcase(
            f"{method_id}#{kind}", fault.match
        )
