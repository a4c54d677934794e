"""Small sessions for the rules: Google's answers, token requests, resolutions."""

from collections.abc import Callable
from typing import Any

from tests.support.traces import TraceBuilder

Make = Callable[[TraceBuilder], Any]

IDENTITY = {
    "environment": "LESPETITSPAINS",
    "harmony_user": "DUPOND",
    "windows_account": "Dupond@soc-windows.com",
}
ACCOUNT = "dupond@masoc.com"
CLIENT = "harmony@project-1234.iam.gserviceaccount.com"
SCOPES = "https://www.googleapis.com/auth/gmail.send https://www.googleapis.com/auth/calendar"
DATE = "Wed, 18 Nov 2026 11:06:40 GMT"  # that of the builder's clock


def body(error: Any) -> dict[str, Any]:
    """Return a JSON body as it is recorded."""
    return {"size": 200, "type": "application/json", "kept": "allow", "json": error}


def refusal(
    status: int, message: str, reason: str = "", *details: str, **headers: str
) -> dict[str, Any]:
    """Return the answer of a Google API that refuses."""
    error: dict[str, Any] = {"code": status, "message": message}
    error["errors"] = [{"message": message, "reason": reason, "domain": "global"}]
    error["details"] = [{"reason": detail} for detail in details]
    kept = {name.replace("_", "-"): value for name, value in headers.items()}
    return {"response": {"status": status, "headers": kept, "body": body({"error": error})}}


def google(
    b: TraceBuilder,
    method: str,
    status: int | None = 200,
    message: str = "",
    reason: str = "",
    *details: str,
    exchange: dict[str, Any] | None = None,
    **data: Any,
) -> tuple[str, str]:
    """Add a call of `method` with its answer."""
    topic = {"directory": "directory", "people": "contacts", "calendar": "calendar"}.get(
        method.split(".")[0], "gmail"
    )
    facts: dict[str, Any] = {"subject": ACCOUNT}
    if message or reason:
        facts |= refusal(status or 0, message, reason, *details)
    facts |= exchange or {}
    call: dict[str, Any] = {"account": ACCOUNT, "params": {"userId": "me"}}
    return b.call(method, topic, status, exchange=facts, **(call | data))


def token(
    b: TraceBuilder,
    status: int = 200,
    error: str = "",
    description: str = "",
    *,
    scope: str = SCOPES,
    subject: str = ACCOUNT,
    date: str = "",
    granted: str = "",
    method: str = "gmail.users.messages.send",
) -> tuple[str, str]:
    """Add a call whose token request was answered so."""
    answer: dict[str, Any] = {"access_token": "⟨redacted token #aa11⟩", "expires_in": 3599}
    if granted:
        answer["scope"] = granted
    if error:
        answer = {"error": error, "error_description": description}
    claims = {"iss": CLIENT, "sub": subject, "scope": scope, "aud": "https://oauth2"}
    jwt = {"jwt": {"header": {"alg": "RS256", "kid": "k1"}, "claims": claims}}
    facts: dict[str, Any] = {
        "method": "POST",
        "url": "https://oauth2.googleapis.com/token",
        "role": "token",
        "subject": subject,
        "scopes": scope.split(),
        "request": {"headers": {}, "body": {"size": 900, "form": {"assertion": jwt}}},
        "response": {
            "status": status,
            "headers": {"date": date} if date else {},
            "body": body(answer),
        },
    }
    call, exchange = b.new_id(), b.new_id()
    outer, b._parent = b._parent, call
    topic = "directory" if method.startswith("directory") else "gmail"
    b.add("call", "start", method, topic, id=call, parent=outer or "", params={"userId": "me"})
    begun = {key: facts[key] for key in ("method", "url", "role")}
    name = "POST oauth2.googleapis.com"
    b.add("exchange", "start", name, "auth", id=exchange, **begun)
    b.wait(80)
    b.add("exchange", "end", name, "auth", id=exchange, status=status, ms=80.0, **facts)
    b._parent = outer
    b.add(
        "call", "end", method, topic, id=call, parent=outer or "", status=status, ms=80.0,
        params={"userId": "me"}, attempts=1,
    )  # fmt: skip
    return call, exchange


def resolution(
    b: TraceBuilder,
    steps: list[tuple[str, str, str, dict[str, Any]]],
    *,
    status: int = 0,
    identity: dict[str, str] | None = None,
    before: Make | None = None,
) -> str:
    """Add an operation with these steps: rule, verdict, code, data."""
    who = IDENTITY if identity is None else identity
    with b.operation("resolve account", "resolution", status=status, identity=who) as op:
        if before:
            before(b)
        for number, (rule, verdict, code, data) in enumerate(steps, 1):
            b.step(rule, verdict, code, n=number, **data)
    return op


def compared(
    wanted: str, *found: str, environment: tuple[str, str] | None = None
) -> dict[str, Any]:
    """Return what a step compared."""
    both: dict[str, Any] = {"wanted": wanted, "found": list(found)}
    if environment:
        both["environment"] = {"wanted": environment[0], "found": [environment[1]]}
    return {"compared": both}


ENV = {"attribute": "DivaltoInfinityWinAccountEnv"}
USER = {"attribute": "DivaltoInfinityWinAccountUser"}
WIN = {"attribute": "DivaltoInfinityWinAccount"}


def exchanged(
    b: TraceBuilder,
    method: str,
    topic: str,
    tries: list[dict[str, Any]],
    *,
    status: int | None = 200,
    **data: Any,
) -> str:
    """Add a call with several exchanges; each try: status, ms and data."""
    call = b.new_id()
    outer = b._parent
    b.add("call", "start", method, topic, id=call, **data)
    b._parent = call
    for number, one in enumerate(tries, 1):
        facts = {
            "method": "POST",
            "url": "https://gmail.googleapis.com/gmail/v1/users/me/messages/send",
            "role": "call" if number == 1 else "retry",
            "attempt": number,
            **one,
        }
        own, ms = b.new_id(), facts.pop("ms", 50.0)
        own_status = facts.pop("status", 200)
        name = "POST gmail.googleapis.com"
        b.add("exchange", "start", name, topic, id=own, role=facts["role"], attempt=number)
        b.wait(ms)
        b.add("exchange", "end", name, topic, id=own, status=own_status, ms=ms, **facts)
    b._parent = outer
    b.add(
        "call", "end", method, topic, id=call, status=status, ms=100.0, attempts=len(tries), **data
    )
    return call
