"""The account of an identity: asked for, decided, recorded step by step, remembered for a while."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from tracer.operation import Operation
from tracer.protocol.errors import RefusedError
from tracer.protocol.gsuite.client import Google
from tracer.protocol.gsuite.directory import Directory
from tracer.protocol.identity import Identity, User
from tracer.protocol.resolution import resolve
from tracer.protocol.running import running
from tracer.protocol.steps import Reason, Resolution, Rule, Step, Verdict
from tracer.schema.events import Topic, timestamp

_SEARCHED: Final = (Rule.ENV, Rule.USER, Rule.ACCOUNT)

_REFUSAL_SECONDS: Final = 60
"""Seconds for which at most a refusal is remembered."""


@dataclass(frozen=True, slots=True)
class Cached:
    """A resolution and until when it stands (Unix time, ns)."""

    resolution: Resolution
    until_ns: int

    @property
    def until(self) -> str:
        """The expiry as the trace writes times."""
        return timestamp(self.until_ns)


class Accounts:
    """Resolves identities, and remembers each result for the settings' `cache_seconds`."""

    def __init__(self, google: Google, clock: Callable[[], int] = time.time_ns) -> None:
        self.google = google
        self._clock = clock
        self._cache: dict[tuple[Identity, str], Cached] = {}

    def resolve(self, identity: Identity, configured: str = "") -> Resolution:
        """Return which account `identity` uses; the operation ``resolve account``.

        Raises:
            LayerError: The Directory could not be asked. A refusal is a result, no error.
        """
        with running("resolve account", Topic.RESOLUTION, self.google.settings, identity) as op:
            return self.within(op, identity, configured)

    def within(self, op: Operation, identity: Identity, configured: str = "") -> Resolution:
        """Resolve inside of `op`, which gets the steps and the result."""
        key = identity, configured.strip()
        known = self._cache.get(key)
        if known and self._clock() < known.until_ns:
            found = known.resolution
            op.note("from cache", {"expires": known.until, "account": found.account})
            last = found.steps[-1]
            args = {**last.args, "cached_until": known.until}
            op.step(last.rule, replace(last, args=args).data())
        else:
            found = self._ask(op, identity, configured)
            seconds = self.google.settings.options.cache_seconds
            if found.account is None:  # somebody may be busy repairing it
                seconds = min(seconds, _REFUSAL_SECONDS)
            until = self._clock() + seconds * 1_000_000_000
            self._cache[key] = Cached(found, until)
        op.result(account=found.account, via=found.via.value if found.via else None)
        return found

    def account(self, op: Operation, identity: Identity, configured: str = "") -> str:
        """Return the account to use inside of `op`.

        Raises:
            RefusedError: The identity may not use the configured one, or none was found.
        """
        found = self.within(op, identity, configured)
        if found.account is None:
            raise refusal(found, identity)
        return found.account

    def forget(self) -> None:
        """Drop what is remembered."""
        self._cache.clear()

    def _ask(self, op: Operation, identity: Identity, configured: str) -> Resolution:
        directory = Directory(self.google, self.google.settings.rules, op)
        if configured.strip():
            users = directory.by_address(configured.strip())
            found = resolve(identity, configured, directory.rules, users)
        else:
            found = self._search(op, directory, identity)
        found = replace(found, steps=tuple(_sourced(step, directory, op) for step in found.steps))
        for step in found.steps:
            op.step(step.rule, step.data())
        cost = directory.cost
        op.result(cost={"requests": cost.requests, "users": cost.users})
        return found

    @staticmethod
    def _search(op: Operation, directory: Directory, identity: Identity) -> Resolution:
        """Ask the server's search rule by rule; read everybody when it finds nothing.

        The index may lag by a day and a half and an attribute may not be indexed at all: "nothing
        found" is believed only after a look at everybody.
        """
        users: dict[str, User] = {}
        blind = False
        for rule in _SEARCHED:
            if not _complete(rule, identity):
                continue
            hits = directory.by_rule(rule, identity)
            if hits is None:
                blind = True
                break
            users.update((user.primary, user) for user in hits)
            in_order = sorted(users.values(), key=lambda user: user.primary)
            found = resolve(identity, None, directory.rules, in_order)
            if found.via == rule:
                return found
        why = "the server cannot search the attribute" if blind else "the search found nobody"
        if any(_complete(rule, identity) for rule in _SEARCHED):
            op.note("full listing", {"reason": why}, Topic.RESOLUTION)
            return resolve(identity, None, directory.rules, directory.everybody())
        return resolve(identity, None, directory.rules, ())


def _complete(rule: Rule, identity: Identity) -> bool:
    """Tell whether the identity has what `rule` compares."""
    if rule == Rule.USER:
        return bool(identity.harmony_user.strip())
    known = bool(identity.windows_account.strip())
    return known and (rule == Rule.ACCOUNT or bool(identity.environment.strip()))


def _sourced(step: Step, directory: Directory, op: Operation) -> Step:
    """Return `step` with the calls that its facts came from."""
    everything = tuple(dict.fromkeys(op.calls))
    calls = everything if step.rule == Rule.OUTCOME else directory.sources.get(step.rule, ())
    return replace(step, source=calls)


def refusal(found: Resolution, identity: Identity) -> RefusedError:
    """Return the error of a resolution without an account; whom it admits stays out of the text."""
    last = found.steps[-1]
    account = last.candidate or str(last.args.get("asked", ""))
    who = identity.windows_account or identity.harmony_user
    if not who and not account:
        return RefusedError(
            "nobody is named, so no account can be found",
            "there is no Windows account and no Harmony user, and no account is configured",
            "give --windows-account or --account, or set one of them in the settings",
        )
    who = who or "nobody"
    if found.verdict == Verdict.NONE and last.code == Reason.NOTHING_FOUND:
        return RefusedError(
            f"no account admits {who}",
            "no Google user carries this identity in one of the three attributes",
            "grant it: `tracer act attributes grant`, or set account in the settings",
        )
    texts = {
        Reason.CONFIGURED_NOT_FOUND: (
            f"there is no Google user {account}",
            "the configured account does not exist",
            "correct account in the settings",
        ),
        Reason.SUSPENDED: (
            f"{account} is suspended",
            "a suspended user cannot act",
            "reactivate it",
        ),
        Reason.ARCHIVED: (f"{account} is archived", "an archived user cannot act", "reactivate it"),
    }
    if last.code in texts:
        return RefusedError(*texts[last.code])
    names = ", ".join(last.args.get("attributes", ()))
    admits = tuple(
        value
        for step in found.steps
        if step.verdict == Verdict.REJECTED and step.compared
        for value in step.compared.found
    )
    return RefusedError(
        f"{who} may not use {account}",
        f"{names} of {account} admits others",
        "add the identity to that attribute (`tracer act attributes grant`) or use another account",
        admits,
    )
