"""The cases: every fault with every operation, pairs, situations of the world, healthy sessions.

A label says how the session was made, never what the rules say to it.
"""

import base64
import itertools
import re
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from functools import partial
from typing import Any, Final

from samples.corpus_play import ACTS, BAKER, DUPOND, MANY, MASOC, TEST, Case, Outcome, Stage, mail
from samples.sandbox.world import ENV, SCHEMA, World
from tracer.operation import operation
from tracer.protocol.identity import Identity

API: Final = {
    "401-once": ("token-rejected",),
    "scope": ("scope-insufficient",),
    "500-backend": ("backend-error",),
    "503-twice": ("backend-error",),
    "html-502": ("backend-error",),
    "413": ("message-too-large",),
    "rate-limit": ("send-limit",),
    "quota-403": ("quota-exceeded",),
    "quota-metric": ("quota-exceeded",),
    "exhausted": ("quota-exceeded",),
    "too-many-concurrent": ("quota-exceeded",),
    "api-off": ("api-disabled",),
    "not-admin": ("directory-not-admin",),
    "delegation-denied": ("delegation-denied",),
    "domain-policy": ("domain-policy",),
    "no-mailbox": ("mailbox-missing",),
    "no-subject": ("subject-missing",),
    "bad-to": ("message-malformed",),
    "history-too-old": ("history-expired",),
    "sync-expired": ("sync-expired",),
    "unauthorized-client": ("delegation-missing",),
    "access-denied": ("client-refused",),
    "invalid-grant-email": ("subject-unknown",),
    "sa-deleted": ("service-account-disabled",),
    "bad-signature": ("key-invalid",),
    "skewed-clock": ("clock-skew", "clock-offset"),
}
"""Fault of an answer -> the cause it plays."""

WIRE: Final = {
    "drop-before": ("connection-dropped",),
    "drop-after": ("connection-dropped",),
    "hang": ("timeout",),
    "hang-before": ("timeout",),
    "truncated-json": ("answer-broken",),
}
"""Fault of the transmission -> the cause it plays when the operation fails of it."""

LOST_SENDS: Final = ("send-doubtful",)
"""What a lost answer to a send is, whatever lost it."""

_SLOW: Final = {"slow": {"ms": 2300}, "slow-body": {"ms": 2300}}
_SENDS: Final = ("send", "send-big", "send-resumable")
_IDENTITIES: Final = {"test": TEST, "baker": BAKER}


def every_case() -> list[Case]:
    """Return the whole corpus."""
    return [*faulty(), *pairs(), *situations(), *healthy()]


def _label(rules: tuple[str, ...], act: str) -> Callable[[Outcome], frozenset[str]]:
    """Return the label of a fault: its cause if the operation failed of it, else nothing bad."""

    def expected(outcome: Outcome) -> frozenset[str]:
        if not outcome.failed:
            return frozenset()
        lost = rules[0] in {"connection-dropped", "timeout", "backend-error", "answer-broken"}
        return frozenset((*rules, *LOST_SENDS) if lost and act in _SENDS else rules)

    return expected


def faulty() -> Iterator[Case]:
    """Every fault, once and for good, with every operation."""
    for name, rules in {**API, **WIRE}.items():
        for act, times in itertools.product(ACTS, (1, MANY)):
            if name.startswith("hang") and act in {"send-resumable", "send-big"}:
                continue  # minutes of waiting that tell nothing new
            quick = {"network.timeout": "1", "network.retries": "0"} if "hang" in name else {}
            options: dict[str, Any] = {} if name == "skewed-clock" else {"times": times}
            yield Case(
                f"{name}/{act}/{'once' if times == 1 else 'always'}",
                ACTS[act],
                _label(rules, act),
                faults=((name, options),),
                settings=quick,
            )
    for name, options in _SLOW.items():
        for act in ("resolve", "send", "events"):
            last = {"resolve": "directory.*", "send": "gmail.*", "events": "calendar.*"}[act]
            yield Case(
                f"{name}/{act}",
                ACTS[act],
                lambda _: frozenset({"slow"}),
                faults=((name, {**options, "times": 1, "match": last}),),
            )


_PAIRED: Final = (
    "unauthorized-client", "bad-signature", "not-admin", "scope", "api-off", "rate-limit",
    "bad-to", "delegation-denied", "no-mailbox", "quota-403", "500-backend", "domain-policy",
)  # fmt: skip


def pairs() -> Iterator[Case]:
    """Two faults at once: the first one that hits for good is the cause."""

    def expected(outcome: Outcome) -> frozenset[str]:
        return frozenset(rule for name in outcome.hit for rule in API[name])

    for one, other in itertools.combinations(_PAIRED, 2):
        for act in ("send", "search"):
            yield Case(
                f"{one}+{other}/{act}",
                ACTS[act],
                expected,
                faults=((one, {"times": MANY}), (other, {"times": MANY})),
                settings={"network.retries": "1"},
            )


def _always(*rules: str) -> Callable[[Outcome], frozenset[str]]:
    return lambda _: frozenset(rules)


def situations() -> Iterator[Case]:
    """Causes that lie in the world, the settings or the program, not in a canned answer."""
    send, resolve, search = ACTS["send"], ACTS["resolve"], ACTS["search"]
    nobody = Identity(windows_account="personne@soc-windows.com")
    yield Case("delegation lacks the scope", send, _always("delegation-missing"),
               prepare=lambda w: w.service_account.delegated.clear())  # fmt: skip
    yield Case("service account disabled", send, _always("service-account-disabled"),
               prepare=lambda w: setattr(w.service_account, "disabled", True))  # fmt: skip
    yield Case("API off in the project", send, _always("api-disabled"),
               prepare=lambda w: w.apis_off.add("gmail.googleapis.com"))  # fmt: skip
    yield Case("servers' clock differs", send, _always("clock-skew"),
               prepare=lambda w: setattr(w, "clock_offset", -1200.0))  # fmt: skip
    yield Case("clock a little off", send, _always("clock-offset"),
               prepare=lambda w: setattr(w, "clock_offset", 120.0))  # fmt: skip
    yield Case("directory account is no administrator", resolve, _always("directory-not-admin"),
               settings={"directory_account": "test@diva-gs.com"})  # fmt: skip
    yield Case("directory account unknown", resolve, _always("subject-unknown"),
               settings={"directory_account": "nobody@diva-gs.com"})  # fmt: skip
    yield Case("customer unknown", resolve, _always("directory-domain"),
               settings={"customer": "masoc.com"})  # fmt: skip
    yield Case("no mailbox", search, _always("mailbox-missing"),
               identity=Identity(windows_account="luc@soc-windows.com"))  # fmt: skip
    yield Case("Gmail off for the unit", send, _always("domain-policy"),
               prepare=lambda w: setattr(w["test@diva-gs.com"], "policy_off", True))  # fmt: skip
    yield Case("nobody carries it", resolve, _always("nobody-found"), identity=nobody)
    yield Case("nobody says who", resolve, _always("identity-incomplete"), identity=Identity())
    yield Case("suspended account", resolve, _always("account-unusable"),
               identity=Identity(windows_account="ancien@soc-windows.com"))  # fmt: skip
    yield Case("configured and suspended", resolve, _always("account-unusable"),
               settings={"account": "ancien@masoc.com"})  # fmt: skip
    yield Case("configured and unknown", send, _always("account-unknown"),
               settings={"account": "dupont@masoc.com"})  # fmt: skip
    for number, act in enumerate((resolve, send, search)):
        yield Case(f"protected against others {number}", act, _always("resolution-refused"),
                   settings={"account": MASOC}, identity=nobody)  # fmt: skip
        yield Case(f"unprotected {number}", act, _always("unprotected"),
                   settings={"account": "accueil@masoc.com"})  # fmt: skip
        yield Case(f"two accounts match {number}", act, _always("ambiguous"),
                   prepare=lambda w: w.grant("demo@diva-gs.com", "test@divalto.com"))  # fmt: skip
    yield Case("other notation", resolve, _always("attribute-not-found"),
               identity=Identity(windows_account="DIVALTO\\test"))  # fmt: skip
    yield Case("environment misspelt", send, _always("lower-attribute"), prepare=_misspelt,
               identity=Identity("LESPETITSPAINS", "", "boulanger@soc-windows.com"))  # fmt: skip
    yield Case("entry without environment", resolve, _always("lower-attribute"),
               prepare=_no_environment,
               identity=Identity("ERP300", "", "test@divalto.com"))  # fmt: skip
    yield Case("foreign sender", lambda s: s.layer.send(mail(sender="x@ailleurs.example"), TEST),
               _always("sender-foreign"))  # fmt: skip
    yield Case("code page", lambda s: s.layer.send(mail(text="Prix : 40 €"), TEST),
               _always("code-page"), settings={"code_page": "cp850"})  # fmt: skip
    yield Case("Gmail switched off", send, _always("gmail-off"),
               settings={"use_gmail": "false"})  # fmt: skip
    yield Case("list without an end", resolve, _always("operation-failed"),
               faults=(("same-page", {}),))  # fmt: skip
    yield from _programs()
    for name in ("send", "search", "events"):
        yield Case(f"killed in {name}", ACTS[name], _always("unanswered"), cut=_killed)


def _misspelt(world: World) -> None:
    world.grant("demo@diva-gs.com", "boulanger@soc-windows.com", "LES PETITS PAINS")
    world.grant("test@diva-gs.com", "boulanger@soc-windows.com")


def _no_environment(world: World) -> None:
    fields = world["demo@diva-gs.com"].custom.setdefault(SCHEMA, {})
    fields[ENV] = [{"value": "test@divalto.com", "type": "work"}]


def _programs() -> Iterator[Case]:
    """Programs on Google's own client, that do what the layer does not."""

    def plain_send(stage: Stage, sender: str = "", retries: int = 0, to: str = "a@b.fr") -> Any:
        message = EmailMessage()
        message["To"], message["Subject"] = to, "essai"
        if sender:
            message["From"] = sender
        message.set_content("Bonjour")
        raw = base64.urlsafe_b64encode(bytes(message)).decode()
        users = stage.client("gmail", "send", "read").users()
        return users.messages().send(userId="me", body={"raw": raw}).execute(num_retries=retries)

    def twice(stage: Stage) -> None:
        with operation("send", "gmail", identity=stage.identity.data()):
            stage.client("gmail", "send", "read").users().getProfile(userId="me").execute()
            plain_send(stage)

    def impatient(stage: Stage) -> None:
        with operation("send", "gmail"):
            plain_send(stage, retries=2)

    def read_back(stage: Stage) -> None:
        with operation("send", "gmail"):
            sent = plain_send(stage, sender="chef@diva-gs.com")
            users = stage.client("gmail", "send", "read").users()
            users.messages().get(userId="me", id=sent["id"], format="metadata").execute()

    def other_mailbox(stage: Stage) -> None:
        with operation("read", "gmail"):
            users = stage.client("gmail", "read").users()
            users.messages().list(userId="demo@diva-gs.com").execute()

    def parts(stage: Stage) -> None:
        with operation("read", "gmail"):
            client = stage.client("gmail", "read")
            client.users().getProfile(userId="me").execute()
            batch = client.new_batch_http_request()
            for one in ("nowhere1", "nowhere2"):
                batch.add(client.users().messages().get(userId="me", id=one))
            batch.execute()

    def basic(stage: Stage) -> None:
        with operation("resolve account", "resolution"):
            users = stage.layer.google.directory().users()
            users.list(customer="my_customer", query="Divalto.x='a'b'").execute()

    once = {"times": 1, "match": "gmail.users.messages.send*"}
    yield Case("program: hidden re-send", twice, _always("duplicate-send"),
               faults=(("drop-after", once),))  # fmt: skip
    yield Case("program: retry of a 503 on send", impatient, _always("duplicate-send"),
               faults=(("500-backend", once),))  # fmt: skip
    yield Case("program: retries before the time", impatient, _always("send-limit"),
               faults=(("rate-limit", {"times": MANY}),))  # fmt: skip
    yield Case("program: sender rewritten", read_back, _always("from-rewritten"))
    yield Case("program: another mailbox", other_mailbox, _always("delegation-denied"))
    yield Case("program: parts of a batch", parts, _always("batch-partial"))
    yield Case("program: quote in the query", basic, _always("query-malformed"))
    yield Case("program: bad recipient", lambda s: _in_send(s, plain_send),
               _always("message-malformed"))  # fmt: skip


def _in_send(stage: Stage, plain_send: Any) -> None:
    with operation("send", "gmail"):
        plain_send(stage, to="a b;c")


_START: Final = re.compile(rb'"kind":"exchange","phase":"start"')


def _killed(content: bytes) -> bytes:
    """Cut the file after the last start line of an exchange, as a kill would."""
    lines = content.split(b"\n")
    last = max(n for n, line in enumerate(lines) if _START.search(line))
    ends = [line for line in lines[last:] if b'"kind":"session"' in line]
    return b"\n".join([*lines[: last + 1], *ends, b""])


def healthy() -> Iterator[Case]:
    """Sessions in which nothing is wrong, or what is wrong passes by itself."""
    for who, identity in _IDENTITIES.items():
        for act in ACTS:
            yield Case(f"healthy {act} as {who}", ACTS[act], _always(), identity=identity)
    passing: dict[str, tuple[str, dict[str, Any]]] = {
        "401 once": ("401-once", {"times": 1, "match": "gmail.*"}),
        "two 503 on a reading": ("503-twice", {"match": "gmail.users.messages.list"}),
        "503 on the directory": ("503-twice", {"match": "directory.*"}),
        "dropped on a reading": ("drop-before", {"times": 1, "match": "gmail.users.messages.list"}),
        "502 once on a reading": ("html-502", {"times": 1, "match": "directory.*"}),
        "quota once on a reading": ("quota-403", {"times": 1, "match": "directory.*"}),
        "compressed": ("gzip", {"times": 5}),
        "redirected": ("redirect", {"times": 1, "match": "gmail.users.messages.list"}),
        "empty page": ("empty-page", {"times": 1, "match": "directory.*"}),
        "a little slow": ("slow", {"ms": 150, "times": 2}),
    }
    for name, fault in passing.items():
        for act in ("search", "send", "resolve"):
            yield Case(f"healthy: {name}, {act}", ACTS[act], _always(), faults=(fault,))
    for size in (0, 10_000, 400_000, 2_000_000):
        yield Case(f"healthy: {size} bytes", partial(_send_sized, size), _always())
    yield Case("healthy: verified sender", _from_alias, _always(), settings={"account": MASOC},
               identity=DUPOND)  # fmt: skip
    yield Case("healthy: by Harmony user", ACTS["resolve"], _always(),
               identity=Identity(harmony_user="CCOMPTA"))  # fmt: skip
    yield Case("healthy: other case", ACTS["send"], _always(),
               identity=Identity(windows_account="TEST@Divalto.com "))  # fmt: skip
    yield Case("healthy: environment without account of its own", ACTS["send"], _always(),
               identity=Identity("ERP999", "", "test@divalto.com"))  # fmt: skip
    yield Case("healthy: value not searchable yet", ACTS["resolve"], _always(),
               prepare=lambda w: w.not_yet_searchable.add("test@diva-gs.com"))  # fmt: skip
    yield Case("healthy: twice, the second time remembered", _twice, _always())


def _send_sized(size: int, stage: Stage) -> None:
    stage.layer.send(mail(size), stage.identity)


def _from_alias(stage: Stage) -> None:
    stage.layer.send(mail(sender="ventes@masoc.com"), stage.identity)


def _twice(stage: Stage) -> None:
    stage.layer.send(mail(), stage.identity)
    stage.layer.send(mail(), stage.identity)
