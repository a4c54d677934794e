"""The words of a resolution: rules, verdicts, reason codes, steps, the outcome. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Rule(StrEnum):
    """The rules in the order they are tried; the name of a step."""

    CONFIGURED = "configured"
    """The account of the settings."""
    ENV = "env"
    """Environment and Windows account."""
    USER = "user"
    """Harmony user."""
    ACCOUNT = "account"
    """Windows account."""
    OUTCOME = "outcome"
    """The last step."""


class Verdict(StrEnum):
    """What a step decides."""

    CHOSEN = "chosen"
    """Outcome: this account is used."""
    GRANTED = "granted"
    """The attribute admits this identity to the candidate."""
    REFUSED = "refused"
    """The configured account may not be used by this identity."""
    REJECTED = "rejected"
    """Looked at, and it does not fit."""
    AMBIGUOUS = "ambiguous"
    """It fits too, but another one was found first."""
    UNPROTECTED = "unprotected"
    """The candidate carries none of the attributes: everybody may use it."""
    NONE = "none"
    """Decides nothing, or (outcome) no account was found."""


class Reason(StrEnum):
    """Why, as a code that the viewer's catalogues translate; `args` are named in the brackets."""

    MATCHED = "matched"
    """The attribute holds the wanted value []."""
    UNPROTECTED = "unprotected"
    """The configured account carries none of the attributes []."""
    ALIAS = "alias"
    """The configured address is an alias of the candidate [asked]."""
    CONFIGURED_NOT_FOUND = "configured-not-found"
    """No Google user has the configured address [asked]."""
    NOT_ADMITTED = "not-admitted"
    """The configured account is protected and no attribute admits this identity [attributes]."""
    SUSPENDED = "suspended"
    """The candidate fits but is suspended []."""
    ARCHIVED = "archived"
    """The candidate fits but is archived []."""
    ALSO_MATCHES = "also-matches"
    """The candidate fits as well; the first found was taken [first]."""
    OTHER_ENVIRONMENT = "other-environment"
    """Same Windows account, but for another environment []."""
    NO_ENVIRONMENT = "no-environment"
    """Same Windows account, but the entry names no environment [separator]."""
    OTHER_NOTATION = "other-notation"
    r"""Same user name in the other notation (``DOMAIN\user`` and ``user@domain``): not equal []."""
    NOT_EQUAL = "not-equal"
    """The configured account carries the attribute with other values []."""
    IDENTITY_INCOMPLETE = "identity-incomplete"
    """The rule cannot be tried: the identity lacks something [missing]."""
    NO_MATCH = "no-match"
    """No user carries the wanted value [users, near (near misses without a step)]."""
    CHOSEN = "chosen"
    """Outcome [via, others, mailbox (only when the account has none)]."""
    NOTHING_FOUND = "nothing-found"
    """Outcome: no rule found an account []."""


@dataclass(frozen=True, slots=True)
class Compared:
    """What was wanted and found; `folded`: they are equal but for case or surrounding space."""

    wanted: str
    found: tuple[str, ...]
    environment: tuple[str, tuple[str, ...]] | None = None
    folded: bool = False

    def data(self) -> dict[str, Any]:
        """Return what the trace records."""
        result: dict[str, Any] = {"wanted": self.wanted, "found": list(self.found)}
        if self.environment:
            result["environment"] = {
                "wanted": self.environment[0],
                "found": list(self.environment[1]),
            }
        if self.folded:
            result["folded"] = True
        return result


@dataclass(frozen=True, slots=True)
class Step:
    """One decision. `source`: ids of the calls its facts came from, filled in by who made them."""

    n: int
    rule: Rule
    verdict: Verdict
    code: Reason
    args: Mapping[str, Any] = field(default_factory=dict)
    attribute: str | None = None
    candidate: str | None = None
    compared: Compared | None = None
    source: tuple[str, ...] = ()

    def data(self) -> dict[str, Any]:
        """Return the step's data as FORMAT.md has it."""
        return {
            "n": self.n,
            "attribute": self.attribute,
            "candidate": self.candidate,
            "compared": self.compared.data() if self.compared else None,
            "verdict": self.verdict.value,
            "reason": {"code": self.code.value, "args": dict(self.args)},
            "source": list(self.source),
        }


@dataclass(frozen=True, slots=True)
class Resolution:
    """The outcome: verdict ``chosen``, ``refused`` or ``none``."""

    account: str | None
    """Primary address of the Google user to use."""
    via: Rule | None
    attribute: str | None
    """The attribute that decided; None when none had to."""
    verdict: Verdict
    steps: tuple[Step, ...]
    ambiguous: tuple[str, ...] = ()
    """Other users that fit, in the order found."""

    @property
    def reason(self) -> Reason:
        """The code of the outcome."""
        return self.steps[-1].code
