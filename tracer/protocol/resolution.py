"""Which Google account an identity uses, and why: pure, every decision a step.

The layer feeds `resolve` from the Directory; the viewer feeds it from a trace (what-if). Nothing
here does I/O, and nothing but the standard library is behind it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Final

from tracer.protocol.identity import (
    Encoding,
    EnvEntry,
    Identity,
    Rules,
    User,
    find,
    fold,
    other_notation,
)
from tracer.protocol.steps import Compared, Reason, Resolution, Rule, Step, Verdict

__all__ = [
    "NEAR_MISSES",
    "Compared",
    "Encoding",
    "EnvEntry",
    "Identity",
    "Reason",
    "Resolution",
    "Rule",
    "Rules",
    "Step",
    "User",
    "Verdict",
    "find",
    "fold",
    "other_notation",
    "resolve",
]

NEAR_MISSES: Final = 10
"""At most so many near misses, and so many ambiguous users, become steps of one rule."""


def resolve(
    identity: Identity, configured: str | None, rules: Rules, users: Iterable[User]
) -> Resolution:
    """Return the account that `identity` uses among `users` (in listing order), and every step.

    A `configured` account (primary address, alias or id) is used if it is unprotected or admits the
    identity, else refused. With none configured the attributes are searched: environment, Harmony
    user, Windows account; the first user found is taken. Suspended and archived users never win.
    """
    run = _Run(identity, rules, tuple(users))
    if configured and configured.strip():
        return run.configured(configured)
    return run.search()


class _Run:
    def __init__(self, identity: Identity, rules: Rules, users: Sequence[User]) -> None:
        self.identity = identity
        self.rules = rules
        self.users = users
        self.steps: list[Step] = []

    def add(self, rule: Rule, verdict: Verdict, code: Reason, **more: Any) -> None:
        self.steps.append(Step(len(self.steps) + 1, rule, verdict, code, **more))

    def finish(self, verdict: Verdict, code: Reason, **args: Any) -> Resolution:
        candidate = args.pop("candidate", None)
        self.add(Rule.OUTCOME, verdict, code, args=args, candidate=candidate)
        return Resolution(None, None, None, verdict, tuple(self.steps))

    def choose(
        self, user: User, via: Rule, attribute: str | None, others: Sequence[str] = ()
    ) -> Resolution:
        args: dict[str, Any] = {"via": via.value, "others": len(others)}
        if not user.mailbox:
            args["mailbox"] = False
        self.add(
            Rule.OUTCOME,
            Verdict.CHOSEN,
            Reason.CHOSEN,
            args=args,
            attribute=attribute,
            candidate=user.primary,
        )
        return Resolution(
            user.primary, via, attribute, Verdict.CHOSEN, tuple(self.steps), tuple(others)
        )

    def attribute(self, rule: Rule) -> str:
        names = {Rule.ENV: self.rules.env, Rule.USER: self.rules.user}
        return names.get(rule, self.rules.account)

    # the configured account

    def configured(self, asked: str) -> Resolution:
        user = find(asked, self.users)
        if user is None:
            self.add(
                Rule.CONFIGURED, Verdict.NONE, Reason.CONFIGURED_NOT_FOUND, args={"asked": asked}
            )
            return self.finish(Verdict.NONE, Reason.CONFIGURED_NOT_FOUND, asked=asked)
        if fold(user.primary) != fold(asked):
            self.add(
                Rule.CONFIGURED,
                Verdict.NONE,
                Reason.ALIAS,
                args={"asked": asked},
                candidate=user.primary,
            )
        unusable = _unusable(user)
        if unusable:
            self.add(Rule.CONFIGURED, Verdict.REJECTED, unusable, candidate=user.primary)
            return self.finish(Verdict.REFUSED, unusable, candidate=user.primary)
        if not user.protected:
            self.add(
                Rule.CONFIGURED, Verdict.UNPROTECTED, Reason.UNPROTECTED, candidate=user.primary
            )
            return self.choose(user, Rule.CONFIGURED, None)
        for rule in (Rule.ENV, Rule.USER, Rule.ACCOUNT):
            if self.admits(user, rule):
                return self.choose(user, Rule.CONFIGURED, self.attribute(rule))
        carried = [self.attribute(rule) for rule in _SEARCHED if _carries(user, rule)]
        self.add(
            Rule.CONFIGURED,
            Verdict.REFUSED,
            Reason.NOT_ADMITTED,
            args={"attributes": carried},
            candidate=user.primary,
        )
        return self.finish(
            Verdict.REFUSED, Reason.NOT_ADMITTED, candidate=user.primary, attributes=carried
        )

    def admits(self, user: User, rule: Rule) -> bool:
        """Tell whether the attribute of `rule` admits the identity to `user`; add the step."""
        if not _carries(user, rule):
            return False
        missing = self.missing(rule)
        if missing:
            compared, code = self.all_values(user, rule), Reason.IDENTITY_INCOMPLETE
        else:
            compared, code = self.compare(user, rule) or (
                self.all_values(user, rule),
                Reason.NOT_EQUAL,
            )
        granted = code == Reason.MATCHED
        self.add(
            Rule.CONFIGURED,
            Verdict.GRANTED if granted else Verdict.REJECTED,
            code,
            args={"missing": missing} if missing else self.args_of(code),
            attribute=self.attribute(rule),
            candidate=user.primary,
            compared=compared,
        )
        return granted

    # the search

    def search(self) -> Resolution:
        for rule in _SEARCHED:
            missing = self.missing(rule)
            if missing:
                self.add(
                    rule,
                    Verdict.NONE,
                    Reason.IDENTITY_INCOMPLETE,
                    args={"missing": missing},
                    attribute=self.attribute(rule),
                )
                continue
            found = self.search_rule(rule)
            if found:
                first, *others = found
                return self.choose(first, rule, self.attribute(rule), [u.primary for u in others])
        return self.finish(Verdict.NONE, Reason.NOTHING_FOUND)

    def search_rule(self, rule: Rule) -> list[User]:
        """Return the users that fit, in listing order; add a step for each one worth knowing."""
        found: list[User] = []
        near = 0
        for user in self.users:
            result = self.compare(user, rule)
            if result is None:
                continue
            compared, code = result
            verdict, code = _judge(user, code, first=not found)
            if code in {Reason.MATCHED, Reason.ALSO_MATCHES}:
                found.append(user)
                if len(found) > NEAR_MISSES:
                    continue
            else:
                near += 1
                if near > NEAR_MISSES:
                    continue
            self.add(
                rule,
                verdict,
                code,
                args={"first": found[0].primary}
                if code == Reason.ALSO_MATCHES
                else self.args_of(code),
                attribute=self.attribute(rule),
                candidate=user.primary,
                compared=compared,
            )
        if not found:
            self.add(
                rule,
                Verdict.NONE,
                Reason.NO_MATCH,
                args={"users": len(self.users), "near": max(0, near - NEAR_MISSES)},
                attribute=self.attribute(rule),
                compared=Compared(self.wanted(rule), (), self.environment(rule)),
            )
        return found

    # one user, one attribute

    def wanted(self, rule: Rule) -> str:
        return self.identity.harmony_user if rule == Rule.USER else self.identity.windows_account

    def environment(
        self, rule: Rule, found: Iterable[str] = ()
    ) -> tuple[str, tuple[str, ...]] | None:
        return (self.identity.environment, tuple(found)) if rule == Rule.ENV else None

    def missing(self, rule: Rule) -> str:
        """Return the part of the identity that `rule` needs and that is empty, else ``""``."""
        needed = {
            Rule.ENV: ("environment", "windows_account"),
            Rule.USER: ("harmony_user",),
            Rule.ACCOUNT: ("windows_account",),
        }[rule]
        return next((part for part in needed if not fold(getattr(self.identity, part))), "")

    def args_of(self, code: Reason) -> dict[str, Any]:
        return {"separator": self.rules.separator} if code == Reason.NO_ENVIRONMENT else {}

    def all_values(self, user: User, rule: Rule) -> Compared:
        """Return everything the attribute holds."""
        if rule == Rule.ENV:
            environments = tuple(entry.environment or "" for entry in user.env)
            found = tuple(entry.account for entry in user.env)
            return Compared(self.wanted(rule), found, self.environment(rule, environments))
        return Compared(self.wanted(rule), user.users if rule == Rule.USER else user.accounts)

    def compare(self, user: User, rule: Rule) -> tuple[Compared, Reason] | None:
        """Return what is worth saying about `user` under `rule`: a match, a near miss, or None."""
        if rule == Rule.ENV:
            return self.compare_env(user)
        wanted = self.wanted(rule)
        values = user.users if rule == Rule.USER else user.accounts
        for value in values:
            if fold(value) == fold(wanted):
                return Compared(wanted, (value,), folded=value != wanted), Reason.MATCHED
        for value in values:
            if rule == Rule.ACCOUNT and other_notation(value, wanted):
                return Compared(wanted, (value,)), Reason.OTHER_NOTATION
        return None

    def compare_env(self, user: User) -> tuple[Compared, Reason] | None:
        near: tuple[Compared, Reason] | None = None
        wanted, environment = self.identity.windows_account, self.identity.environment
        for entry in user.env:
            same_account = fold(entry.account) == fold(wanted)
            same_environment = self.same_environment(entry.environment)
            compared = Compared(wanted, (entry.account,), (environment, (entry.environment or "",)))
            if same_account and same_environment:
                exact = entry.account == wanted and entry.environment == environment
                return replace(compared, folded=not exact), Reason.MATCHED
            if same_account:
                missing = entry.environment is None
                code = Reason.NO_ENVIRONMENT if missing else Reason.OTHER_ENVIRONMENT
                near = near or (compared, code)
            elif same_environment and other_notation(entry.account, wanted):
                near = near or (compared, Reason.OTHER_NOTATION)
        return near

    def same_environment(self, found: str | None) -> bool:
        if found is None:
            return False
        if (
            self.rules.encoding == Encoding.FIELD
        ):  # the field's name holds it with odd ones replaced
            name = f"{self.rules.env}_{found}"
            return fold(name) == fold(self.rules.field_of(self.identity.environment))
        return fold(found) == fold(self.identity.environment)


_SEARCHED: Final = (Rule.ENV, Rule.USER, Rule.ACCOUNT)


def _carries(user: User, rule: Rule) -> bool:
    return bool({Rule.ENV: user.env, Rule.USER: user.users, Rule.ACCOUNT: user.accounts}[rule])


def _unusable(user: User) -> Reason | None:
    if user.suspended:
        return Reason.SUSPENDED
    return Reason.ARCHIVED if user.archived else None


def _judge(user: User, code: Reason, *, first: bool) -> tuple[Verdict, Reason]:
    """Return the verdict of the search on a user that fits (``matched``) or nearly does."""
    if code != Reason.MATCHED:
        return Verdict.REJECTED, code
    unusable = _unusable(user)
    if unusable:
        return Verdict.REJECTED, unusable
    return (Verdict.GRANTED, code) if first else (Verdict.AMBIGUOUS, Reason.ALSO_MATCHES)
