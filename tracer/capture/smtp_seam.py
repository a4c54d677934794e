"""smtplib: each command with its reply, and one call for each mail.

What AUTH sends is never looked at; of DATA the structure is kept.
"""

import weakref
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Final

from tracer.capture import record
from tracer.capture.frame import failing
from tracer.capture.record import Record, guarded
from tracer.capture.recorder import Recorder
from tracer.capture.redact.redactor import Notes
from tracer.capture.session import Session
from tracer.capture.swap import Detach, swap
from tracer.schema.events import Kind, Topic

_VERBS: Final = frozenset(
    {"HELO", "EHLO", "LHLO", "MAIL", "RCPT", "DATA", "BDAT", "RSET", "NOOP", "QUIT", "VRFY", "EXPN",
     "HELP", "STARTTLS", "AUTH", "ETRN", "XCLIENT", "XFORWARD"}
)  # fmt: skip
"""Whatever else is sent as a command answers a challenge: debug was switched on in the middle."""


@dataclass(slots=True)
class _Dialogue:
    """What is in progress on one connection."""

    command: Record | None = None
    code: int | None = None
    """Of the last reply."""
    authenticating: bool = False
    whole: bool = False
    """A command of several steps is recorded as one."""


_dialogues: Final[weakref.WeakKeyDictionary[Any, _Dialogue]] = weakref.WeakKeyDictionary()


def attach(recorder: Recorder, module: ModuleType) -> Detach:
    """Attach to `smtplib`."""
    smtp = module.SMTP
    places = [
        (smtp, "connect", _connect),
        (smtp, "putcmd", _putcmd),
        (smtp, "getreply", _getreply),
        (smtp, "data", _data),
        (smtp, "starttls", _starttls),
        (smtp, "sendmail", _sendmail),
    ]
    return swap(recorder, "smtplib", places)


def _of(connection: Any) -> _Dialogue:
    return _dialogues.setdefault(connection, _Dialogue())


def _putcmd(original: Callable[..., Any], recorder: Recorder) -> Callable[..., Any]:
    def putcmd(self: Any, cmd: str, args: str = "") -> Any:
        session = recorder.session()
        if session is None or _of(self).whole:
            return original(self, cmd, args)
        guarded(recorder, lambda: _command(session, self, str(cmd), str(args)))
        try:
            return original(self, cmd, args)
        except BaseException as error:
            _failed(recorder, self, error)
            raise

    return putcmd


def _command(session: Session, connection: Any, cmd: str, args: str) -> None:
    dialogue = _of(connection)
    dialogue.command = None
    notes: Notes = []
    verb, _, rest = cmd.partition(" ")
    verb, args = verb.upper(), f"{rest} {args}".strip()
    if verb not in _VERBS or (dialogue.authenticating and dialogue.code == 334):
        verb, args = "AUTH", _hidden(session, f"{cmd} {args}".strip(), notes)
    elif verb == "AUTH":
        mechanism, _, secret = args.partition(" ")
        args = f"{mechanism} {_hidden(session, secret, notes)}" if secret else mechanism
    else:
        args = session.redactor.text(args, notes, "request.args")
    dialogue.authenticating = verb == "AUTH"
    data = {"request": {"verb": verb, "args": args}}
    dialogue.command = record.begin(session, Topic.SMTP, Kind.EXCHANGE, verb[:40], data, notes)


def _hidden(session: Session, secret: str, notes: Notes) -> str:
    notes.append({"path": "request.args", "kind": "credentials"})
    return f"⟨redacted credentials #{session.redactor.tag(secret)}⟩"


def _getreply(original: Callable[..., Any], recorder: Recorder) -> Callable[..., Any]:
    def getreply(self: Any) -> Any:
        try:
            reply = original(self)
        except BaseException as error:
            _failed(recorder, self, error)
            raise
        dialogue = _dialogues.get(self)
        if dialogue is not None:
            dialogue.code = reply[0]
            if dialogue.command is not None and not dialogue.whole:
                command, dialogue.command = dialogue.command, None
                guarded(recorder, lambda: _replied(command, reply))
        return reply

    return getreply


def _replied(command: Record, reply: tuple[int, bytes], **more: Any) -> None:
    code, text = reply
    kept = command.session.redactor.text(
        text.decode("utf-8", "replace"), command.notes, "response.text"
    )
    command.end(code if code >= 0 else None, response={"code": code, "text": kept}, **more)


def _failed(recorder: Recorder, connection: Any, error: BaseException) -> None:
    dialogue = _dialogues.get(connection)
    if dialogue is None or dialogue.command is None or dialogue.whole:
        return
    command, dialogue.command = dialogue.command, None
    guarded(recorder, lambda: command.fail(error))


def _whole(
    recorder: Recorder, connection: Any, command: Record | None, work: Callable[[], Any]
) -> Any:
    """Do `work` as one exchange, whatever it says and hears on the way."""
    dialogue = _of(connection)
    dialogue.whole = True
    try:
        with failing(recorder, command, _code):
            reply = work()
    finally:
        dialogue.whole = False
    if command is not None:
        guarded(recorder, lambda: _replied(command, reply))
    return reply


def _connect(original: Callable[..., Any], recorder: Recorder) -> Callable[..., Any]:
    def connect(self: Any, host: str = "localhost", port: int = 0, *args: Any, **kw: Any) -> Any:
        session = recorder.session()
        if session is None or _of(self).whole:  # LMTP goes through here twice
            return original(self, host, port, *args, **kw)
        secure = type(self).__name__ == "SMTP_SSL"
        place = {"verb": "connect", "args": f"{host}:{port or self.default_port}", "tls": secure}
        command = guarded(
            recorder,
            lambda: record.begin(
                session, Topic.SMTP, Kind.EXCHANGE, "connect", {"request": place}, []
            ),
        )
        return _whole(recorder, self, command, lambda: original(self, host, port, *args, **kw))

    return connect


def _data(original: Callable[..., Any], recorder: Recorder) -> Callable[..., Any]:
    def data(self: Any, msg: Any) -> Any:
        session = recorder.session()
        if session is None:
            return original(self, msg)
        command = guarded(recorder, lambda: _begin_data(session, msg))
        return _whole(recorder, self, command, lambda: original(self, msg))

    return data


def _begin_data(session: Session, msg: Any) -> Record:
    notes: Notes = []
    kept = session.redactor.body(
        msg if isinstance(msg, bytes | str) else None,
        "message/rfc822",
        notes,
        "request.body",
        method_id=None,
        direction="request",
    )
    data = {"request": {"verb": "DATA", "args": "", "body": kept}}
    return record.begin(session, Topic.SMTP, Kind.EXCHANGE, "DATA", data, notes)


def _starttls(original: Callable[..., Any], recorder: Recorder) -> Callable[..., Any]:
    def starttls(self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return original(self, *args, **kwargs)
        except OSError as error:  # the handshake: the command itself was answered by 220
            session = recorder.session()
            failure = error
            if session is not None and _of(self).code == 220:
                guarded(recorder, lambda: _handshake_failed(session, failure))
            raise

    return starttls


def _handshake_failed(session: Session, error: OSError) -> None:
    data = {"request": {"verb": "TLS", "args": "handshake"}}
    record.begin(session, Topic.SMTP, Kind.EXCHANGE, "TLS", data, []).fail(error)


def _sendmail(original: Callable[..., Any], recorder: Recorder) -> Callable[..., Any]:
    def sendmail(
        self: Any, from_addr: Any, to_addrs: Any, msg: Any, *args: Any, **kwargs: Any
    ) -> Any:
        session = recorder.session()
        if session is None:
            return original(self, from_addr, to_addrs, msg, *args, **kwargs)
        call = guarded(recorder, lambda: _begin_send(session, self, from_addr, to_addrs, msg))
        with failing(recorder, call, _code):
            refused = original(self, from_addr, to_addrs, msg, *args, **kwargs)
        if call is not None:
            more = {"refused": len(refused)} if refused else {}
            guarded(recorder, lambda: call.end(_of(self).code, **more))
        return refused

    return sendmail


def _code(failure: BaseException) -> int | None:
    """Return the reply code of an error; the first recipient's where all were refused."""
    if said := getattr(failure, "smtp_code", None):
        return int(said)
    for code, _ in getattr(failure, "recipients", {}).values():
        return int(code)
    return None


def _begin_send(session: Session, smtp: Any, from_addr: Any, to_addrs: Any, msg: Any) -> Record:
    notes: Notes = []
    recipients = [to_addrs] if isinstance(to_addrs, str) else list(to_addrs)
    params = {
        "from": from_addr,
        "to": recipients,
        "size": len(msg),
        "host": getattr(smtp, "_host", ""),
    }
    data = {"params": session.redactor.data(params, notes, "params")}
    call = record.begin(session, Topic.SMTP, Kind.CALL, "smtp.send", data, notes)
    call.enter()
    return call
