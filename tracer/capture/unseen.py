"""Transports that are not recorded: the trace says so instead of keeping silent."""

from collections.abc import Callable
from time import monotonic
from types import ModuleType
from typing import Any, Final
from weakref import WeakKeyDictionary

from tracer.capture.recorder import Recorder
from tracer.capture.session import Session
from tracer.capture.swap import Detach, Make, swap

_told: Final[WeakKeyDictionary[Session, set[str]]] = WeakKeyDictionary()


def attach_aiohttp(recorder: Recorder, module: ModuleType) -> Detach:
    """Attach to `aiohttp.client`: a session's first request is named."""
    return swap(recorder, "aiohttp (not recorded)", [(module.ClientSession, "_request", _aiohttp)])


def attach_imaplib(recorder: Recorder, module: ModuleType) -> Detach:
    """Attach to `imaplib`: a session's first command is named."""
    return swap(recorder, "imaplib (not recorded)", [(module.IMAP4, "_command", _named("imaplib"))])


def attach_poplib(recorder: Recorder, module: ModuleType) -> Detach:
    """Attach to `poplib`: a session's first command is named."""
    return swap(recorder, "poplib (not recorded)", [(module.POP3, "_putcmd", _named("poplib"))])


def attach_silent(recorder: Recorder, module: ModuleType) -> Detach:
    """Say that `module` is there, in every session's list of seams: it cannot be attached to."""
    name = f"{module.__name__} (not recorded)"
    recorder.hooks.append(name)
    say(recorder, module.__name__)

    def detach() -> None:
        if name in recorder.hooks:
            recorder.hooks.remove(name)

    return detach


def say(recorder: Recorder, what: str) -> None:
    """Write a gap: `what` is not recorded. Once in a session."""
    if monotonic() < recorder.off_until:
        return
    try:
        session = recorder.session()
        if session is not None and what not in _told.setdefault(session, set()):
            _told[session].add(what)
            session.gap("unseen-transport", f"{what} is not recorded")
            session.flush()
    except Exception as error:  # noqa: BLE001 - nothing of ours may reach the host
        recorder.failed(error)


def _named(what: str) -> Make:
    def make(original: Callable[..., Any], recorder: Recorder) -> Callable[..., Any]:
        def method(self: Any, *args: Any, **kwargs: Any) -> Any:
            say(recorder, what)
            return original(self, *args, **kwargs)

        return method

    return make


def _aiohttp(original: Callable[..., Any], recorder: Recorder) -> Callable[..., Any]:
    async def _request(self: Any, *args: Any, **kwargs: Any) -> Any:
        say(recorder, "aiohttp")
        return await original(self, *args, **kwargs)

    return _request
