"""Sessions to look at: every tab has something, every kind of trouble occurs once."""

from pathlib import Path
from typing import Any

from tests.support.traces import TraceBuilder

DIRECTORY = "https://admin.googleapis.com/admin/directory/v1/users"
GMAIL = "https://gmail.googleapis.com/gmail/v1/users/me/messages"
ENV = "DivaltoInfinityWinAccountEnv"
WINDOWS = "Dupond@soc-windows.com"
DUPOND = "dupond@masoc.com"
ACCOUNT = "DivaltoInfinityWinAccount"


def _phases(wait: float) -> list[dict[str, Any]]:
    phases = {"dns": 1.2, "connect": 8.5, "tls": 21.0, "send": 0.7, "wait": wait, "read": 1.4}
    return [{"n": 1, "conn": "c1", "reused": False, "peer": "127.0.0.1:8443", "phases": phases}]


def _json(value: Any) -> dict[str, Any]:
    return {
        "size": 812,
        "type": "application/json",
        "digest": "#a1b2",
        "json": value,
        "kept": "allow",
    }


def _send(trace: TraceBuilder, company: str, environment: str) -> None:
    account = f"dupond@{company}"
    identity = {
        "environment": environment,
        "harmony_user": "DUPOND",
        "windows_account": WINDOWS,
    }
    result = {"account": account, "via": "env"}
    with trace.operation("send", "gmail", identity=identity, result=result):
        token(trace, "admin@diva-gs.com", "admin.directory.user.readonly")
        listed, _ = trace.call(
            "directory.users.list", "directory", ms=182.4,
            exchange={
                "url": f"{DIRECTORY}?customer=my_customer&projection=full&maxResults=100",
                "wire": _phases(149.0), "token": "#7f3a", "subject": "admin@diva-gs.com",
                "request": {"headers": {"authorization": "⟨redacted token #7f3a⟩"}},
                "response": {
                    "status": 200, "reason": "OK", "headers": {"content-type": "application/json"},
                    "body": _json({"users": [{"primaryEmail": account, "suspended": False}]}),
                },
                "redacted": [{"path": "request.headers.authorization", "kind": "token"}],
            },
            params={"customer": "my_customer", "projection": "full"},
        )  # fmt: skip
        trace.step(
            "env", "granted", "matched", n=1, attribute=ENV, candidate=account, source=[listed],
            compared={
                "wanted": WINDOWS, "found": ["dupond@soc-windows.com"], "folded": True,
                "environment": {"wanted": environment, "found": [environment]},
            },
        )  # fmt: skip
        trace.step(
            "outcome", "chosen", "chosen", n=2, attribute=ENV, candidate=account, source=[listed],
            args={"via": "env"},
        )  # fmt: skip
        token(trace, account, "gmail.send")
        trace.call(
            "gmail.users.messages.send", "gmail", ms=240.0, account=account,
            exchange={
                "method": "POST", "url": f"{GMAIL}/send", "wire": _phases(201.0),
                "subject": account, "token": "#90cd",
                "request": {
                    "headers": {"content-type": "message/rfc822"},
                    "body": {
                        "size": 18204, "type": "message/rfc822", "digest": "#55aa", "kept": "walk",
                        "mime": {
                            "headers": {
                                "from": account, "to": "client@example.com",
                                "content-type": "multipart/mixed; boundary=x",
                            },
                            "size": 18204,
                            "parts": [
                                {"headers": {"content-type": "text/plain; charset=utf-8"},
                                 "size": 812, "parts": []},
                                {"headers": {"content-type": "application/pdf"},
                                 "size": 16800, "parts": []},
                            ],
                        },
                    },
                },
                "response": {
                    "status": 200, "reason": "OK", "headers": {}, "body": _json({"id": "18f"}),
                },
            },
        )  # fmt: skip


def token(trace: TraceBuilder, subject: str, scope: str, status: int = 200) -> None:
    """Add a token request: an exchange of topic auth."""
    own = trace.new_id()
    facts: dict[str, Any] = {
        "method": "POST",
        "url": "https://oauth2.googleapis.com/token",
        "role": "token",
        "attempt": 1,
    }
    trace.add("exchange", "start", "POST oauth2.googleapis.com", "auth", id=own, **facts)
    trace.wait(64.0)
    trace.add(
        "exchange", "end", "POST oauth2.googleapis.com", "auth", id=own, status=status, ms=64.0,
        subject=subject, scopes=[f"https://www.googleapis.com/auth/{scope}"], wire=_phases(31.0),
        request={"headers": {}, "body": {"size": 900, "type": "application/x-www-form-urlencoded",
                 "form": {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
                          "assertion": {"jwt": {"header": {"alg": "RS256"},
                                                "claims": {"sub": subject, "iat": 1795000000}}}}}},
        response={"status": status, "reason": "OK", "headers": {},
                  "body": _json({"access_token": "⟨redacted token #7f3a⟩", "expires_in": 3599})},
        **facts,
    )  # fmt: skip


def _refused(trace: TraceBuilder) -> None:
    identity = {"windows_account": "martin@soc-windows.com"}
    error = {"type": "AccountRefusedError", "message": "dupond@masoc.com is protected"}
    with trace.operation("send", "gmail", 1, identity=identity, result={"error": error}):
        got, _ = trace.call("directory.users.get", "directory", ms=95.0)
        trace.step(
            "configured", "refused", "not-admitted", n=1, candidate=DUPOND, source=[got],
            attribute=ACCOUNT, args={"attributes": [ACCOUNT]},
            compared={"wanted": "martin@soc-windows.com", "found": [WINDOWS]},
        )  # fmt: skip
        trace.step("outcome", "refused", "not-admitted", n=2, candidate=DUPOND, source=[got],
                   args={"attributes": [ACCOUNT]})  # fmt: skip


def _limited(trace: TraceBuilder) -> None:
    with trace.operation("read mailbox", "gmail", 0, result={"account": "demo@diva-gs.com"}) as op:
        call = trace.new_id()
        trace.add("call", "start", "gmail.users.messages.list", "gmail", id=call, parent=op)
        for attempt, status in enumerate((429, 503, 200), 1):
            own = trace.new_id()
            role = "call" if attempt == 1 else "retry"
            facts: dict[str, Any] = {
                "method": "GET",
                "url": GMAIL,
                "role": role,
                "attempt": attempt,
            }
            trace.add(
                "exchange",
                "start",
                "GET gmail.googleapis.com",
                "gmail",
                id=own,
                parent=call,
                **facts,
            )
            trace.wait(80.0)
            body = {"error": {"code": status, "message": "User-rate limit exceeded."}}
            trace.add(
                "exchange", "end", "GET gmail.googleapis.com", "gmail", id=own, parent=call,
                status=status, ms=80.0, wire=_phases(50.0),
                response={"status": status, "reason": "", "headers": {"retry-after": "2"},
                          "body": _json(body if status != 200 else {"messages": []})},
                **facts,
            )  # fmt: skip
            if status != 200:
                trace.wait(900.0 * attempt)
        trace.add("call", "end", "gmail.users.messages.list", "gmail", id=call, parent=op,
                  status=200, ms=2940.0, attempts=3)  # fmt: skip


def story() -> TraceBuilder:
    """Return a session in which every tab has something."""
    trace = TraceBuilder()
    own = trace.new_id()
    trace.add("session", "start", "ACME-4711", "session", id=own, label="ACME-4711",
              bodies="structure",
              session="0" * 31 + "1", by="admin", versions={"mapi-tracer": "0.1.0"})  # fmt: skip
    process = trace.new_id()
    trace.add("process", "start", "harmony", "session", id=process, argv0="harmony",
              python="3.11.2",
              platform="win32", hooks=["httplib2", "builder"])  # fmt: skip
    trace.wait(12.0)
    trace.add("settings", "point", "settings", "settings",
              values={"account": {"value": None, "origin": "default", "label": "Compte"}},
              )  # fmt: skip
    _send(trace, "lespetitspains.com", "LESPETITSPAINS")
    trace.wait(1500.0)
    _send(trace, "labriochedoree.com", "LABRIOCHEDOREE")
    trace.wait(900.0)
    _refused(trace)
    trace.wait(700.0)
    _limited(trace)
    trace.add("gap", "point", "dropped", "session", count=3, bytes=0, reason="disk full")
    with trace.operation("contacts", "contacts", 1):
        trace.call("people.connections.list", "contacts", answered=False)
        trace.call("ldap.search", "ldap", 0, 12.0,
                   exchange={"method": "search", "url": "ldap://127.0.0.1/"})  # fmt: skip
        trace.call("smtp.send", "smtp", 550, 31.0,
                   exchange={"method": "MAIL", "url": "smtp://127.0.0.1/",
                             "request": {"verb": "MAIL", "args": "FROM:<a@b.fr>"},
                             "response": {"code": 550, "text": "5.7.1 relaying denied"}},
                   )  # fmt: skip
        trace.wait(3000.0)
    return trace


def write(path: Path) -> Path:
    """Write the session to `path` and return it."""
    return story().write(path)
