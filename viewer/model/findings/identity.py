"""Rules 10-17: how the Google account was looked for, and what the Directory said."""

import re
from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import Any

from tracer.schema.events import Event
from viewer.model.decisions import Decision, args, candidate, code, compared
from viewer.model.finding import Evidence, Finding, Severity
from viewer.model.findings.build import finding, from_failures, grouped, listed, of_rule
from viewer.model.findings.facts import Facts
from viewer.model.findings.failure import Failure, at, items, text

_UNKNOWN = "?"
_LISTS = ("directory.users.list", "directory.users.get")
_NEAR = ("other-notation", "no-environment", "other-environment")


def directory_not_admin(facts: Facts) -> Iterator[Finding]:
    """Rule 10: the subject of a Directory call may not read users as an administrator."""
    for group in grouped(of_rule(facts, "directory-not-admin"), lambda f: _subject(facts, f)):
        first = group[0][0]
        also = [Evidence(first.event, "subject")]
        args_ = {"subject": _subject(facts, first)}
        yield from_failures("directory-not-admin", group, args_, also=also)


def _subject(facts: Facts, failure: Failure) -> str:
    exchange = facts.event(failure.event)
    return text(exchange.data.get("subject")) if exchange else _UNKNOWN


def attributes_hidden(facts: Facts) -> Iterator[Finding]:
    """Rule 11: users were read in a way that leaves the attributes out."""
    symptoms: list[Event] = []
    ops: list[str] = []
    why: dict[str, str] = {}
    for decision in _without_account(facts):
        for call in facts.calls_of(decision.op):
            reason = _hidden_by(facts, call) if call.name in _LISTS else ""
            if reason:
                why.setdefault(reason, call.id)
                symptoms.append(call)
                ops.append(decision.op)
    if symptoms:
        evidence = [Evidence(call_id, "params") for call_id in why.values()]
        evidence += [Evidence(e.id, "response.body.json") for e in facts.exchanges(symptoms[0].id)]
        yield finding(
            "attributes-hidden",
            evidence,
            confidence=0.85 if "projection" in next(iter(why)) else 0.6,
            args={"why": listed(why)},
            symptoms=[call.id for call in symptoms],
            ops=ops,
        )


def _hidden_by(facts: Facts, call: Event) -> str:
    """Return the parameter that hides custom attributes from a listing that has users; or ""."""
    params = call.data.get("params")
    params = params if isinstance(params, dict) else {}
    users = [user for e in facts.exchanges(call.id) for user in _users(e)]
    if not users or any("customSchemas" in user for user in users):
        return ""
    projection = params.get("projection", "basic")
    if projection == "basic":
        return "projection=basic"
    if projection == "custom" and not params.get("customFieldMask"):
        return "customFieldMask"
    return "viewType=domain_public" if params.get("viewType") == "domain_public" else ""


def _users(exchange: Event) -> list[dict[str, Any]]:
    body = at(exchange.data, "response.body.json")
    if isinstance(body, dict) and "primaryEmail" in body:
        return [body]
    return items(at(body, "users"))


def attribute_not_found(facts: Facts) -> Iterator[Finding]:
    """Rule 12: no user fits, but one nearly does: other notation, no or another environment."""
    for decision in _without_account(facts):
        near = decision.with_code(*_NEAR)
        if not near:
            continue
        near.sort(key=lambda step: _NEAR.index(code(step)))
        wanted, found, env_wanted, env_found = compared(near[0])
        if code(near[0]) != "other-notation":
            wanted = f"{env_wanted} + {wanted}"
            found = [f"{env} + {account}" for env, account in zip(env_found, found, strict=False)]
        yield _of_decision(
            "attribute-not-found",
            decision,
            near,
            path="compared",
            confidence=0.85 if code(near[0]) == "other-notation" else 0.7,
            args={
                "wanted": wanted,
                "found": listed(found),
                "account": candidate(near[0]),
                "attribute": text(near[0].data.get("attribute")),
            },
        )


def query_malformed(facts: Facts) -> Iterator[Finding]:
    """Rule 13: a quote or backslash of the Windows account broke the Directory query."""
    group = of_rule(facts, "query-malformed")
    if group:
        call = facts.event(group[0][0].call or "")
        query = text(at(call.data, "params.query")) if call else ""
        also = [Evidence(call.id, "params.query")] if call and query else []
        yield from_failures("query-malformed", group, {"query": query or _UNKNOWN}, also=also)


def ambiguous(facts: Facts) -> Iterator[Finding]:
    """Rule 14: several users match the same identity and the first one was taken."""
    for decision in _chosen(facts):
        others = decision.with_code("also-matches")
        outcome = decision.outcome
        if others and outcome:
            yield _of_decision(
                "ambiguous",
                decision,
                [*others, outcome],
                path="candidate",
                confidence=0.95,
                args={
                    "account": candidate(outcome),
                    "others": listed(candidate(step) for step in others),
                    "attribute": text(others[0].data.get("attribute")),
                },
            )


def lower_attribute(facts: Facts) -> Iterator[Finding]:
    """Rule 15: an environment was given, but a lower attribute decided."""
    for decision in _chosen(facts):
        outcome = decision.outcome
        environment = decision.identity.get("environment", "")
        via = _via(outcome)
        if not outcome or not environment or via not in {"user", "account"}:
            continue
        near = [s for s in decision.steps if s.name == "env" and _near_env(s, environment)]
        steps = [*near, *(s for s in decision.steps if s.name == "env" and s not in near)]
        found = compared(near[0])[3] if near else []
        yield _of_decision(
            "lower-attribute",
            decision,
            [*steps[:2], outcome],
            path="compared.environment" if near else "attribute",
            confidence=0.75 if near else 0.4,
            severity=None if near else Severity.NOTE,
            args={
                "account": candidate(outcome),
                "attribute": text(outcome.data.get("attribute")),
                "environment": environment,
                "found": listed(found) or "word.none",
            },
        )


def _near_env(step: Event, environment: str) -> bool:
    """Tell whether a rejected environment entry looks like the same environment, misspelt."""
    if code(step) in {"other-notation", "no-environment"}:
        return True
    if code(step) != "other-environment":
        return False
    return any(_alike(name, environment) for name in compared(step)[3])


def _alike(one: str, other: str) -> bool:
    """Tell whether two names differ only by signs or a letter; different numbers are different."""
    one, other = (re.sub(r"[\W_]+", "", name).casefold() for name in (one, other))
    if re.findall(r"\d+", one) != re.findall(r"\d+", other):
        return False
    return one == other or SequenceMatcher(None, one, other).ratio() >= 0.85


def unprotected(facts: Facts) -> Iterator[Finding]:
    """Rule 16: the account used carries none of the attributes, so everybody may use it."""
    seen: dict[str, list[tuple[Decision, Event]]] = {}
    for decision in _chosen(facts):
        for step in decision.with_code("unprotected"):
            seen.setdefault(candidate(step), []).append((decision, step))
    for account, cases in seen.items():
        yield finding(
            "unprotected",
            [Evidence(step.id, "verdict") for _, step in cases],
            confidence=0.9,
            args={"account": account},
            symptoms=[step.id for _, step in cases],
            ops=[decision.op for decision, _ in cases],
        )


def directory_domain(facts: Facts) -> Iterator[Finding]:
    """Rule 17: the Directory was asked about no customer, or the wrong one."""
    for group in grouped(of_rule(facts, "directory-domain"), lambda _: None):
        call = facts.event(group[0][0].call or "")
        params = call.data.get("params") if call else None
        params = params if isinstance(params, dict) else {}
        asked = listed(f"{k}={params[k]}" for k in ("customer", "domain") if k in params)
        also = [Evidence(call.id, "params")] if call and params else []
        yield from_failures("directory-domain", group, {"asked": asked or "–"}, also=also)


def user_not_found(facts: Facts) -> Iterator[Finding]:
    """Rule 17, second half: a user that was asked for is not there."""
    known = {d.op for d in facts.decisions if d.with_code("configured-not-found")}
    group = [item for item in of_rule(facts, "user-not-found") if item[0].op not in known]
    for one in grouped(group, lambda f: _user_key(facts, f)):
        yield from_failures("user-not-found", one, {"account": _user_key(facts, one[0][0])})


def _user_key(facts: Facts, failure: Failure) -> str:
    call = facts.event(failure.call or "")
    return text(at(call.data, "params.userKey")) if call else _UNKNOWN


def schema_not_found(facts: Facts) -> Iterator[Finding]:
    """The schema of the attributes does not exist."""
    group = of_rule(facts, "schema-not-found")
    if group:
        call = facts.event(group[0][0].call or "")
        key = text(at(call.data, "params.schemaKey")) if call else ""
        yield from_failures("schema-not-found", group, {"schema": key or _UNKNOWN})


def resolution_refused(facts: Facts) -> Iterator[Finding]:
    """The configured account is protected and admits somebody else."""
    for decision in facts.decisions:
        outcome = decision.outcome
        if not outcome or code(outcome) != "not-admitted":
            continue
        looked = decision.with_code("not-equal", "other-notation", *_NEAR, "identity-incomplete")
        found = [value for step in looked for value in compared(step)[1]]
        yield _of_decision(
            "resolution-refused",
            decision,
            [*looked, outcome],
            path="compared" if looked else "verdict",
            confidence=0.95,
            args={
                "account": candidate(outcome),
                "who": _who(decision),
                "found": listed(found) or "–",
                "attribute": listed(text(s.data.get("attribute")) for s in looked) or "–",
            },
        )


def account_unusable(facts: Facts) -> Iterator[Finding]:
    """The account that fits is suspended or archived."""
    for decision in _without_account(facts):
        steps = decision.with_code("suspended", "archived")
        if steps:
            yield _of_decision(
                "account-unusable",
                decision,
                steps,
                path="reason.code",
                confidence=0.95,
                args={"account": candidate(steps[0]), "state": f"word.{code(steps[0])}"},
            )


def account_unknown(facts: Facts) -> Iterator[Finding]:
    """The configured address belongs to no Google user."""
    for decision in _without_account(facts):
        steps = decision.with_code("configured-not-found")
        if steps:
            yield _of_decision(
                "account-unknown",
                decision,
                steps,
                path="reason.args.asked",
                confidence=0.9,
                args={"account": text(args(steps[0]).get("asked")) or _UNKNOWN},
            )


def identity_incomplete(facts: Facts) -> Iterator[Finding]:
    """No rule could be tried, because the ERP did not say who acts."""
    for decision in _without_account(facts):
        steps = decision.with_code("identity-incomplete")
        if steps and not decision.with_code("no-match", *_NEAR):
            lacks = (f"word.{args(step).get('missing')}" for step in steps)
            missing = tuple(dict.fromkeys(lacks))
            yield _of_decision(
                "identity-incomplete",
                decision,
                steps,
                path="reason.args.missing",
                confidence=0.9,
                args={"missing": missing},
            )


def query_blind(facts: Facts) -> Iterator[Finding]:
    """Rule 12, milder: the search found nobody, but reading all users found the account."""
    for decision in _chosen(facts):
        outcome = decision.outcome
        if not outcome or _via(outcome) not in {"env", "user", "account"}:
            continue
        calls = [call for call in facts.calls_of(decision.op) if call.name == _LISTS[0]]
        asked = [(call, text(at(call.data, "params.query"))) for call in calls]
        blind = [query for call, query in asked if query and _empty(facts, call)]
        if blind and any(not query for _, query in asked):
            query = blind[-1]
            yield _of_decision(
                "query-blind",
                decision,
                [outcome],
                path="candidate",
                confidence=0.6,
                args={"query": query, "account": candidate(outcome)},
            )


def _empty(facts: Facts, call: Event) -> bool:
    """Tell whether a listing was answered with no user at all."""
    return facts.succeeded(call) and not any(_users(e) for e in facts.exchanges(call.id))


def _without_account(facts: Facts) -> Iterator[Decision]:
    """Yield the resolutions that came to no account."""
    for decision in facts.decisions:
        if decision.outcome and text(decision.outcome.data.get("verdict")) in {"none", "refused"}:
            yield decision


def _chosen(facts: Facts) -> Iterator[Decision]:
    """Yield the resolutions that chose an account."""
    for decision in facts.decisions:
        if decision.outcome and decision.outcome.data.get("verdict") == "chosen":
            yield decision


def _via(outcome: Event | None) -> str:
    return text(args(outcome).get("via")) if outcome else ""


def _who(decision: Decision) -> str:
    """Return the identity in one line, as every view writes it."""
    return " / ".join(v for v in decision.identity.values() if v) or _UNKNOWN


def _of_decision(
    rule: str, decision: Decision, steps: list[Event], *, path: str, **more: Any
) -> Finding:
    shown = [Evidence(step.id, path if at(step.data, path) else "verdict") for step in steps]
    values = {"who": _who(decision), **more.pop("args")}
    return finding(rule, shown, args=values, symptoms=[steps[0].id], ops=[decision.op], **more)


RULES = (
    directory_not_admin,
    attributes_hidden,
    attribute_not_found,
    query_malformed,
    ambiguous,
    lower_attribute,
    unprotected,
    directory_domain,
    user_not_found,
    schema_not_found,
    resolution_refused,
    account_unusable,
    account_unknown,
    identity_incomplete,
    query_blind,
)
