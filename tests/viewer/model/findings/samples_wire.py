"""For each rule about the wire, other protocols and the session: a sample and a look-alike."""

from typing import Any

from tests.support.traces import TraceBuilder
from tests.viewer.model.findings.build import (
    Make,
    exchanged,
    google,
    refusal,
    resolution,
)

SEND = "gmail.users.messages.send"
READ = "gmail.users.messages.get"
TIMEOUT = {"error": {"type": "TimeoutError", "message": "timed out"}}
DROPPED = {"error": {"type": "http.client.RemoteDisconnected", "message": "Remote end closed"}}


def _wire(*digests: str, **phases: float) -> dict[str, Any]:
    sent = [{"n": n, "digest": d, "sent": 900, "received": 0} for n, d in enumerate(digests, 1)]
    if len(sent) > 1:
        sent[0]["error"] = "RemoteDisconnected"
    if phases:
        sent[-1]["phases"] = phases
    return {"wire": sent}


def _tries(method: str, *tries: dict[str, Any], status: int | None = 200) -> Make:
    return lambda b: exchanged(b, method, "gmail", list(tries), status=status)


def _failed(error: dict[str, Any], method: str = READ, **more: Any) -> Make:
    return _tries(method, {"status": None, **error, **more}, status=None)


def _error(kind: str, message: str) -> Make:
    return _failed({"error": {"type": kind, "message": message}})


def _server(topic: str, status: int | None, text: str, **more: Any) -> Make:
    field = "description" if topic == "ldap" else "text"
    answer: dict[str, Any] = {"response": {"code": status, field: text}}
    if status is None:
        answer = {"error": {"type": "OSError", "message": text}}
    name = {"smtp": "smtp.send", "ldap": "ldap.search", "ews": "ews.CreateItem"}[topic]
    data = {"method": "MAIL", "url": f"{topic}://mail.masoc.com/", "role": "call", **answer}
    return lambda b: b.call(name, topic, status, exchange=data, params=more)


def _ews(kind: str, message: str, status: int | None = 200) -> Make:
    def make(b: TraceBuilder) -> None:
        error = {"type": kind, "message": message}
        with b.operation("send", "ews", status=1):
            call = b.add("call", "start", "ews.CreateItem", "ews")
            b.add("call", "end", "ews.CreateItem", "ews", id=call, status=status, error=error)

    return make


def _mapi(hresult: int) -> Make:
    return lambda b: b.call("mapi.MailItem.Send", "mapi", hresult)


def _quota(sends: int) -> Make:
    def make(b: TraceBuilder) -> None:
        for _ in range(sends):
            google(b, SEND)
            b.wait(1.0)

    return make


def _session(hours: float, reason: str) -> Make:
    def make(b: TraceBuilder) -> None:
        session = b.add("session", "start", "essai", "session", label="essai")
        b.wait(hours * 3_600_000)
        b.add("session", "end", "essai", "session", id=session, reason=reason)

    return make


def _hang(*, off: bool) -> Make:
    def make(b: TraceBuilder) -> None:
        b.call(SEND, "gmail", answered=False)
        if off:
            b.add("session", "end", "session", "session", reason="off")

    return make


def _chunks(second: int) -> Make:
    first = {"status": 503, "role": "chunk", "wire": [{"n": 1, "sent": 262_144}]}
    again = {"status": None, "role": "chunk", "wire": [{"n": 1, "sent": second}], **TIMEOUT}
    return _tries("gmail.users.drafts.create", first, again, status=None)


def _kept(how: str) -> Make:
    answer = {"response": {"status": 403, "headers": {}, "body": {"size": 80, "kept": how}}}
    if how == "allow":
        answer = refusal(403, "something new", "odd")
    return _tries(READ, {"status": 403, **answer}, status=403)


def _gap(name: str, **data: Any) -> Make:
    return lambda b: b.add("gap", "point", name, "session", **data)


def _nobody(b: TraceBuilder) -> None:
    data = {"attribute": "DivaltoInfinityWinAccount",
            "compared": {"wanted": "Dupond@soc-windows.com", "found": []}}  # fmt: skip
    steps = [("account", "none", "no-match", data), ("outcome", "none", "nothing-found", {})]
    resolution(b, steps, status=1)


def _explained(b: TraceBuilder) -> None:
    def refused(inner: TraceBuilder) -> None:
        message = "Not Authorized to access this resource/api"
        google(inner, "directory.users.list", 403, message, "forbidden")

    resolution(b, [("outcome", "none", "nothing-found", {})], status=1, before=refused)


def _operation(status: int, *, cause: bool = False) -> Make:
    def make(b: TraceBuilder) -> None:
        error = {"error": {"type": "CodePageError", "message": "“€” is not in cp850"}}
        with b.operation("send", "gmail", status=status, result=error if status else {}):
            if cause:
                google(b, SEND, 400, "Invalid To header", "invalidArgument")

    return make


def _refusal(message: str, cause: str = "") -> Make:
    def make(b: TraceBuilder) -> None:
        error = {"type": "RefusedError", "message": message, "cause": cause}
        with b.operation("send", "gmail", status=1, result={"error": error}):
            pass

    return make


_FINE = {"status": 200}

SAMPLES: dict[str, tuple[Make, Make]] = {
    "duplicate-send": (
        _tries(SEND, {**_FINE, **_wire("d1", "d1")}),
        _tries(SEND, {**_FINE, **_wire("d1")}),
    ),
    "send-doubtful": (_failed(TIMEOUT, SEND), _failed(TIMEOUT, READ)),
    "hidden-resend": (
        _tries(READ, {**_FINE, **_wire("d1", "d1")}),
        _tries(READ, {**_FINE, **_wire("d1")}),
    ),
    "upload-empty": (_chunks(0), _chunks(262_144)),
    "timeout": (_failed(TIMEOUT), _failed(DROPPED)),
    "connection-dropped": (_failed(DROPPED), _failed(TIMEOUT)),
    "unanswered": (_hang(off=True), lambda b: b.call(SEND, "gmail")),
    "backend-error": (
        _tries(READ, {"status": 503}, status=503),
        _tries(READ, {"status": 503}, {"status": 200}, status=200),
    ),
    "answer-broken": (
        _error("json.decoder.JSONDecodeError", "Expecting value: line 1"),
        _failed(DROPPED),
    ),
    "proxy-refused": (
        _error("httplib2.error.ProxyError", "407 authentication required"),
        _error("ssl.SSLCertVerificationError", "unable to get local issuer certificate"),
    ),
    "tls-intercepted": (
        _error("ssl.SSLCertVerificationError", "unable to get local issuer certificate"),
        _error("ConnectionRefusedError", "[Errno 111] Connection refused"),
    ),
    "name-unknown": (
        _error("httplib2.error.ServerNotFoundError", "Unable to find the server at gmail"),
        _error("ConnectionRefusedError", "[Errno 111] Connection refused"),
    ),
    "connection-refused": (
        _error("ConnectionRefusedError", "[Errno 111] Connection refused"),
        _failed(TIMEOUT),
    ),
    "slow": (
        _tries(READ, {**_FINE, "ms": 9000.0, **_wire("d", connect=20.0, wait=8900.0)}),
        _tries(READ, {**_FINE, "ms": 400.0, **_wire("d", wait=390.0)}),
    ),
    "retried": (
        _tries(READ, {"status": 503}, {"status": 200}),
        _tries(READ, {"status": 503}, {"status": 503}, status=503),
    ),
    "smtp-auth": (
        _server("smtp", 535, "5.7.8 Authentication credentials invalid"),
        _server("smtp", 550, "5.1.1 User unknown"),
    ),
    "smtp-relay": (
        _server("smtp", 554, "5.7.1 Relay access denied"),
        _server("smtp", 550, "5.1.1 User unknown"),
    ),
    "smtp-sender": (
        _server("smtp", 550, "5.7.60 Client does not have permissions to send as this sender"),
        _server("smtp", 550, "5.1.1 User unknown"),
    ),
    "smtp-recipient": (
        _server("smtp", 550, "5.1.1 User unknown"),
        _server("smtp", 554, "5.7.1 Relay access denied"),
    ),
    "smtp-size": (
        _server("smtp", 552, "5.3.4 Message size exceeds fixed limit"),
        _server("smtp", 550, "5.1.1 User unknown"),
    ),
    "smtp-tls": (
        _server("smtp", None, "STARTTLS extension not supported by server."),
        _server("smtp", 535, "5.7.8 Authentication credentials invalid"),
    ),
    "smtp-later": (
        _server("smtp", 451, "4.7.1 Please try again later"),
        _server("smtp", 550, "5.1.1 User unknown"),
    ),
    "ldap-auth": (
        _server("ldap", 49, "80090308: LdapErr: DSID-0C09, data 52e, v4563"),
        _server("ldap", 0, "success"),
    ),
    "ldap-tls": (_server("ldap", 13, "confidentialityRequired"), _server("ldap", 0, "success")),
    "ldap-base": (_server("ldap", 32, "noSuchObject"), _server("ldap", 0, "success")),
    "ldap-rights": (
        _server("ldap", 50, "insufficientAccessRights"),
        _server("ldap", 49, "invalidCredentials"),
    ),
    "ldap-size": (_server("ldap", 4, "sizeLimitExceeded"), _server("ldap", 10, "referral")),
    "ews-auth": (_server("ews", 401, "Unauthorized"), _server("ews", 200, "")),
    "ews-rights": (
        _ews("exchangelib.errors.ErrorSendAsDenied", "ErrorSendAsDenied: not allowed"),
        _ews("exchangelib.errors.ErrorServerBusy", "ErrorServerBusy: The server is busy"),
    ),
    "ews-mailbox": (
        _ews("exchangelib.errors.ErrorNonExistentMailbox", "ErrorNonExistentMailbox: none"),
        _ews("exchangelib.errors.ErrorServerBusy", "ErrorServerBusy: The server is busy"),
    ),
    "ews-size": (
        _ews("exchangelib.errors.ErrorMessageSizeExceeded", "ErrorMessageSizeExceeded: too big"),
        _ews("exchangelib.errors.ErrorServerBusy", "ErrorServerBusy: The server is busy"),
    ),
    "ews-busy": (
        _ews("exchangelib.errors.ErrorServerBusy", "ErrorServerBusy: The server is busy"),
        _server("ews", 401, "Unauthorized"),
    ),
    "mapi-failed": (_mapi(0x80040111), _mapi(0)),
    "quota-near": (_quota(130), _quota(20)),
    "token-unseen": (
        _tries(READ, {"status": 401}, {"status": 401}, status=401),
        _tries(READ, {"status": 401}, {"status": 200}, status=200),
    ),
    "debug-left-on": (_session(2, "expired"), _session(1, "off")),
    "trace-incomplete": (_gap("dropped", count=3), _gap("late-attach")),
    "transport-unseen": (_gap("unseen-transport", reason="httpx"), _gap("dropped", count=1)),
    "too-redacted": (_kept("digest"), _kept("allow")),
    "nobody-found": (_nobody, _explained),
    "refused": (
        _tries(READ, {"status": 418, **refusal(418, "teapot", "odd")}, status=418),
        _tries(READ, {"status": 418}, {"status": 200}, status=200),
    ),
    "gmail-off": (
        _refusal("Gmail is switched off", "« Utiliser Gmail » is off (file)"),
        _refusal("Gmail is switched off for the moment"),
    ),
    "sender-foreign": (
        _refusal(
            "a@x.fr may not send as b@x.fr",
            "it is no verified address of the account; those are: a@x.fr, c@x.fr",
        ),
        _refusal("b@x.fr may not use a@x.fr", "DivaltoInfinityWinAccount of a@x.fr admits others"),
    ),
    "code-page": (
        _refusal("the text: '€' (U+20AC) at line 3, column 13 is not in the code page cp850"),
        _refusal("the text: byte 0x81 at line 1, column 2 is not cp1252"),
    ),
    "address-invalid": (
        _refusal("To: 'client@' is no mail address"),
        _refusal("To: addresses are separated by commas, not by semicolons"),
    ),
    "operation-failed": (_operation(1), _operation(1, cause=True)),
}
