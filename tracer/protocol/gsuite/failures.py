"""From the exceptions of the Google libraries to the layer's own errors, once."""

import http.client
import json
import re
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httplib2
import socks
from google.auth.exceptions import GoogleAuthError, RefreshError
from googleapiclient.errors import Error as ClientError
from googleapiclient.errors import HttpError

from tracer.protocol.errors import (
    CredentialsError,
    LayerError,
    RateLimitError,
    ServiceError,
    UnreachableError,
    scrub,
)
from tracer.protocol.gsuite.causes import API, TOKEN, look_up

TRANSPORT: Final = (
    OSError,
    http.client.HTTPException,
    httplib2.HttpLib2Error,
    socks.ProxyError,
)
"""No answer: what the transports raise."""

_LIMITS: Final = {"rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded"}
_RETRY_AFTER: Final = re.compile(r"Retry after (\d{4}-\d\d-\d\dT[\d:.]+Z)")


def explain(error: Exception, what: str) -> LayerError:
    """Return the layer's error for what went wrong in `what` (``send``, ``users.list``, …)."""
    if isinstance(error, LayerError):
        return error
    if isinstance(error, HttpError):
        return _of_service(error, what)
    if isinstance(error, RefreshError):
        return _of_token(error)
    if isinstance(error, TRANSPORT) or isinstance(error.__context__, TRANSPORT):
        return unreachable(error, what)
    if isinstance(error, GoogleAuthError | ClientError):
        return ServiceError(f"{what}: {scrub(str(error))}")
    return LayerError(f"{what}: {type(error).__name__}")


def facts_of(content: bytes | str) -> tuple[str, set[str]]:
    """Return the message and every reason code of an error body; odd bodies give little."""
    try:
        found = json.loads(content)["error"]
        message = str(found["message"])
    except (ValueError, TypeError, KeyError):
        return "", set()
    reasons = {str(found.get("status") or "")}
    for name in ("errors", "details"):
        entries = found.get(name)
        for entry in entries if isinstance(entries, list) else []:
            if isinstance(entry, Mapping) and entry.get("reason"):
                reasons.add(str(entry["reason"]))
    return message, reasons - {""}


def is_limit(status: int, content: bytes | str) -> bool:
    """Tell whether an answer says that it was too much."""
    return status == 429 or (status == 403 and bool(facts_of(content)[1] & _LIMITS))


def retry_time(headers: Mapping[str, str], content: bytes | str, now: datetime) -> datetime | None:
    """Return the time before which nothing may be retried, if the answer names one."""
    found = _RETRY_AFTER.search(facts_of(content)[0])
    if found:
        try:
            return datetime.fromisoformat(found[1])
        except ValueError:
            return None
    seconds = headers.get("retry-after", "")
    return now + timedelta(seconds=int(seconds)) if seconds.isdecimal() else None


def _of_service(error: HttpError, what: str) -> ServiceError:
    status = int(error.resp.status)
    message, reasons = facts_of(error.content)
    cause, remedy = look_up(API, status, reasons, message)
    said = scrub(message) or f"{status} {error.resp.reason or ''}".strip()
    reason = next(iter(sorted(reasons)), "")
    text = f"{what}: {said}"
    if not is_limit(status, error.content):
        return ServiceError(text, cause, remedy, status, reason)
    limit = RateLimitError(text, cause, remedy, status, reason)
    limit.retry_at = retry_time(error.resp, error.content, datetime.now(UTC))
    if limit.retry_at:
        limit.remedy = f"do not send from this mailbox before {local(limit.retry_at)}"
    return limit


def local(moment: datetime) -> str:
    """Return `moment` as a clock on this machine shows it."""
    return moment.astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")


def _of_token(error: RefreshError) -> LayerError:
    body: Any = error.args[1] if len(error.args) > 1 else None
    facts = body if isinstance(body, Mapping) else {}
    code, said = str(facts.get("error", "")), str(facts.get("error_description", ""))
    text = str(error.args[0]) if error.args else ""
    if not code and isinstance(error.__context__, TRANSPORT):
        return unreachable(error.__context__, "token")
    cause, remedy = look_up(TOKEN, 0, {code}, said)
    said = scrub(said or text)
    return CredentialsError(f"no token: {code + ': ' if code else ''}{said}", cause, remedy)


def unreachable(error: BaseException, what: str) -> UnreachableError:
    """Return the error for an exchange without an answer."""
    inner = error.__context__ if isinstance(error.__context__, TRANSPORT) else error
    for one in (error, inner):
        for kind, cause, remedy in _WIRE:
            if isinstance(one, kind):
                said = scrub(str(one)) or type(one).__name__
                made = UnreachableError(f"{what}: no answer: {said}", cause, remedy)
                made.nothing_sent = kind in _BEFORE
                return made
    return UnreachableError(f"{what}: no answer: {type(error).__name__}")


_WIRE: Final[tuple[tuple[type[BaseException], str, str], ...]] = (
    (
        ssl.SSLCertVerificationError,
        "the certificate is not trusted: a company proxy or antivirus looks into the traffic",
        "set network.ca_file to the certificates of that proxy",
    ),
    (ssl.SSLError, "TLS failed on the way", "check network.proxy and the firewall"),
    (
        socks.ProxyError,
        "the proxy did not let the connection through",
        "check network.proxy, its user and its rules",
    ),
    (
        httplib2.ServerNotFoundError,
        "the server's name is not known here",
        "check DNS, network.proxy and endpoint",
    ),
    (TimeoutError, "no answer in time", "check the network; network.timeout is the limit"),
    (ConnectionRefusedError, "nobody listens there", "check endpoint, network.proxy, firewall"),
    (ConnectionError, "the connection was dropped", "try again"),
    (http.client.HTTPException, "the connection was dropped", "try again"),
    (OSError, "the network failed", "check the network and network.proxy"),
)

_BEFORE: Final = {
    ssl.SSLCertVerificationError,
    socks.ProxyError,
    httplib2.ServerNotFoundError,
    ConnectionRefusedError,
}
"""What happens before a connection stands."""
