"""ldap3: each message with its result, for the strategies that use a socket; one call for each use.

Passwords and values of attributes are not looked at; entries are counted.
"""

import weakref
from collections.abc import Callable
from inspect import signature
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from tracer.capture import record
from tracer.capture.frame import failing
from tracer.capture.record import Record, guarded
from tracer.capture.recorder import Recorder
from tracer.capture.session import Session
from tracer.capture.swap import Detach, swap
from tracer.schema.events import Kind, Topic

if TYPE_CHECKING:
    from tracer.capture.redact.redactor import Notes

_START_TLS: Final = "1.3.6.1.4.1.1466.20037"
_PAGED: Final = "1.2.840.113556.1.4.319"
_NAMES: Final = {
    "bindRequest": "bind", "unbindRequest": "unbind", "searchRequest": "search",
    "addRequest": "add", "compareRequest": "compare", "delRequest": "delete",
    "modifyRequest": "modify", "modDNRequest": "modify_dn", "abandonRequest": "abandon",
    "extendedReq": "extended",
}  # fmt: skip
_UNANSWERED: Final = frozenset({"unbind", "abandon"})
_REQUEST: Final = frozenset(
    {"version", "name", "base", "scope", "dereferenceAlias", "sizeLimit", "timeLimit", "filter",
     "entry", "attribute", "newRdn", "newSuperior", "messageId"}
)  # fmt: skip
_PARAMS: Final = frozenset(
    {"search_base", "search_filter", "search_scope", "attributes", "size_limit", "time_limit",
     "paged_size", "dn", "attribute", "name"}
)  # fmt: skip

_pending: Final[weakref.WeakKeyDictionary[Any, dict[int, Record]]] = weakref.WeakKeyDictionary()


def attach_strategies(recorder: Recorder, module: ModuleType) -> Detach:
    """Attach to `ldap3.strategy.asynchronous` and what lies below it."""
    from ldap3.strategy.base import BaseStrategy
    from ldap3.strategy.sync import SyncStrategy

    places = [
        (BaseStrategy, "send", _send),
        (BaseStrategy, "open", _open),
        (SyncStrategy, "_get_response", _get_response),
        (module.AsyncStrategy, "_get_response", _get_response),
    ]
    return swap(recorder, "ldap3", places)


def attach_connection(recorder: Recorder, module: ModuleType) -> Detach:
    """Attach to `ldap3.core.connection`: the calls."""
    names = ("bind", "search", "compare", "add", "delete", "modify", "modify_dn", "start_tls")
    return swap(recorder, "ldap3.calls", [(module.Connection, name, _call) for name in names])


# -- messages --------------------------------------------------------------------------------------


def _send(original: Callable[..., Any], recorder: Recorder) -> Callable[..., Any]:
    def send(self: Any, message_type: str, request: Any, controls: Any = None) -> Any:
        session = recorder.session()
        if session is None:
            return original(self, message_type, request, controls)
        exchange = guarded(recorder, lambda: _begin(session, self, message_type, request, controls))
        with failing(recorder, exchange):
            number = original(self, message_type, request, controls)
        if exchange is not None:
            if exchange.name in _UNANSWERED:
                answer = {"code": 0, "description": "no answer is due"}
                guarded(recorder, lambda: exchange.end(0, response=answer))
            else:
                _pending.setdefault(self, {})[number] = exchange
        return number

    return send


def _begin(
    session: Session, strategy: Any, message_type: str, request: Any, controls: Any
) -> Record:
    decoded = strategy.decode_request(message_type, request, controls)
    name = _NAMES.get(message_type, message_type)
    kept = {key: value for key, value in decoded.items() if key in _REQUEST}
    if message_type == "bindRequest":
        given = decoded.get("authentication") or {}
        kept["authentication"] = [name for name, value in given.items() if value is not None]
    elif message_type == "searchRequest":
        kept["attributes"] = list(decoded.get("attributes") or ())
    elif message_type in {"addRequest", "modifyRequest"}:
        kept["attributes"] = _attribute_names(decoded)
    elif kept.get("name") == _START_TLS:
        name = "StartTLS"
    if controls:
        kept["controls"] = [str(control[0]) for control in controls]
    notes: Notes = []
    data: dict[str, Any] = {"request": session.redactor.data(kept, notes, "request")}
    server = strategy.connection.server
    data["server"] = f"{server.host}:{server.port}"
    return record.begin(session, Topic.LDAP, Kind.EXCHANGE, name, data, notes)


def _attribute_names(decoded: dict[str, Any]) -> list[str]:
    changes = decoded.get("changes") or []
    found = [str(change.get("attribute", {}).get("type", "")) for change in changes]
    attributes = decoded.get("attributes") or {}
    return [*found, *map(str, attributes)]


def _get_response(original: Callable[..., Any], recorder: Recorder) -> Callable[..., Any]:
    def _get_response(self: Any, message_id: int, timeout: Any) -> Any:
        exchange = _pending.get(self, {}).pop(message_id, None)
        if exchange is None:
            return original(self, message_id, timeout)
        with failing(recorder, exchange):
            responses = original(self, message_id, timeout)
        guarded(recorder, lambda: _end(exchange, responses))
        return responses

    return _get_response


def _end(exchange: Record, responses: Any) -> None:
    if not isinstance(responses, list) or len(responses) < 2:
        error = {"type": "LDAPResponseTimeoutError", "message": "no response from server"}
        exchange.end(None, error=error)
        return
    result, found = responses[-2], responses[:-2]
    types = [each.get("type") for each in found if isinstance(each, dict)]
    answer: dict[str, Any] = {
        "code": result.get("result"),
        "description": result.get("description"),
        "message": result.get("message") or "",
        "matched": result.get("dn") or "",
        "entries": types.count("searchResEntry"),
    }
    if references := types.count("searchResRef"):
        answer["references"] = references
    if referrals := result.get("referrals"):
        answer["referrals"] = list(referrals)
    redactor = exchange.session.redactor
    kept = redactor.data(answer, exchange.notes, "response")
    paged = (result.get("controls") or {}).get(_PAGED, {}).get("value", {})
    if paged:
        cookie = paged.get("cookie")
        kept["paged"] = {
            "size": paged.get("size"),
            "cookie": redactor.scrubber.mark("page", str(cookie)) if cookie else "",
        }
    exchange.end(result.get("result"), response=kept)


def _open(original: Callable[..., Any], recorder: Recorder) -> Callable[..., Any]:
    def open(self: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: A001 - its name in ldap3
        session = recorder.session()
        connection = self.connection
        if session is None or (connection.lazy and not connection._executing_deferred):  # noqa: SLF001 - nothing is sent then
            return original(self, *args, **kwargs)
        server = connection.server
        place = {"host": str(server.host), "port": server.port, "tls": bool(server.ssl)}
        exchange = guarded(
            recorder,
            lambda: record.begin(
                session, Topic.LDAP, Kind.EXCHANGE, "connect", {"request": place}, []
            ),
        )
        with failing(recorder, exchange):
            result = original(self, *args, **kwargs)
        if exchange is not None:
            answer = {"code": 0, "description": "connected"}
            guarded(recorder, lambda: exchange.end(0, response=answer))
        return result

    return open


# -- calls -----------------------------------------------------------------------------------------


def _call(original: Callable[..., Any], recorder: Recorder) -> Callable[..., Any]:
    known = signature(original)
    name = f"ldap.{original.__name__}"

    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        session = recorder.session()
        if session is None or not self.strategy.sync or self.strategy.no_real_dsa:
            return original(self, *args, **kwargs)
        begun = guarded(
            recorder,
            lambda: _begin_call(session, name, self, known.bind(self, *args, **kwargs).arguments),
        )
        with failing(recorder, begun, lambda error: getattr(error, "result", None)):
            result = original(self, *args, **kwargs)
        if begun is not None:
            guarded(recorder, lambda: begun.end(_code(self)))
        return result

    return call


def _begin_call(session: Session, name: str, connection: Any, given: dict[str, Any]) -> Record:
    params = {key: value for key, value in given.items() if key in _PARAMS}
    if name == "ldap.bind":
        params = {"user": connection.user, "authentication": connection.authentication}
    if not isinstance(params.get("attributes", ()), str | list | tuple):
        params["attributes"] = list(params["attributes"] or ())  # of an entry: the names alone
    notes: Notes = []
    data = {"params": session.redactor.data(params, notes, "params")}
    call = record.begin(session, Topic.LDAP, Kind.CALL, name, data, notes)
    call.enter()
    return call


def _code(connection: Any) -> int | None:
    result = connection.result
    code = result.get("result") if isinstance(result, dict) else None
    return code if isinstance(code, int) else None
