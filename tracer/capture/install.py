"""Attaching to the whole process, and letting go of it exactly."""

import importlib.abc
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import Any, Final

from tracer import operation
from tracer.capture.google import SEAMS as _GOOGLE
from tracer.capture.recorder import Recorder
from tracer.capture.swap import Detach

Attach = Callable[[Recorder, ModuleType], Detach]


def _later(module: str, function: str) -> Attach:
    """Return an attaching function that is imported when it is needed."""

    def attach(recorder: Recorder, found: ModuleType) -> Detach:
        detach: Detach = getattr(import_module(module), function)(recorder, found)
        return detach

    return attach


UNSEEN: Final = ("aioimaplib", "aiosmtplib", "curl_cffi", "grpc", "pycurl")
"""What cannot be attached to: that it is there is all a trace says of it."""

SEAMS: Final[dict[str, Attach]] = {
    **_GOOGLE,
    "urllib3.connectionpool": _later("tracer.capture.urllib3_seam", "attach_urllib3"),
    "requests.adapters": _later("tracer.capture.urllib3_seam", "attach_requests"),
    "requests.sessions": _later("tracer.capture.urllib3_seam", "attach_sessions"),
    "httpx._transports.default": _later("tracer.capture.httpx_seam", "attach"),
    "http.client": _later("tracer.capture.http_client_seam", "attach"),
    "smtplib": _later("tracer.capture.smtp_seam", "attach"),
    "ldap3.strategy.asynchronous": _later("tracer.capture.ldap_seam", "attach_strategies"),
    "ldap3.core.connection": _later("tracer.capture.ldap_seam", "attach_connection"),
    "imaplib": _later("tracer.capture.unseen", "attach_imaplib"),
    "poplib": _later("tracer.capture.unseen", "attach_poplib"),
    "aiohttp.client": _later("tracer.capture.unseen", "attach_aiohttp"),
    **dict.fromkeys(UNSEEN, _later("tracer.capture.unseen", "attach_silent")),
}
"""What is attached to, by the module that it waits for."""


@dataclass(slots=True)
class _Installed:
    recorder: Recorder
    finder: "_Finder"
    sink: operation.Sink | None


_installed: _Installed | None = None
_lock: Final = threading.RLock()


def install(recorder: Recorder | None = None) -> Recorder:
    """Attach to everything this process talks with, imported already or later.

    Records while debug is on; while it is off a call costs well under a microsecond more. A second
    call changes nothing and returns the recorder of the first.
    """
    global _installed
    with _lock:
        if _installed is not None:
            return _installed.recorder
        recorder = recorder or Recorder()
        finder = _Finder(recorder)
        _installed = _Installed(recorder, finder, operation.set_sink(recorder))
        sys.meta_path.insert(0, finder)
    for name in (*SEAMS, *SEAMS):  # twice: an import may have begun just before the finder
        _attach_if_imported(finder, name)
    return recorder


def _attach_if_imported(finder: "_Finder", name: str) -> None:
    module = sys.modules.get(name)
    if module is None:
        return
    if _is_loading(module):  # by another thread: its import lock tells when it is complete
        try:
            module = import_module(name)
        except ImportError:
            return
    if not _is_loading(module):
        finder.attach(name, module)


def uninstall() -> None:
    """Put every patched attribute back, forget what was waited for, end the recording."""
    global _installed
    with _lock:
        installed, _installed = _installed, None
        if installed is None:
            return
        if installed.finder in sys.meta_path:
            sys.meta_path.remove(installed.finder)
        installed.finder.detach()
        operation.set_sink(installed.sink)
        installed.recorder.close()


def _is_loading(module: ModuleType) -> bool:
    return getattr(getattr(module, "__spec__", None), "_initializing", False)


class _Finder(importlib.abc.MetaPathFinder):
    """Finds nothing itself: it only makes the loaders of a few modules tell when they are done."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._undo: list[Detach] = []
        self._waiting = set(SEAMS)
        self._looking = threading.local()

    def attach(self, name: str, module: ModuleType) -> None:
        """Attach to a module that is complete; an error of ours stays with us."""
        with _lock:  # not around the attaching: that imports, and imports have locks of their own
            if name not in self._waiting:
                return
            self._waiting.discard(name)
        try:
            self._undo.append(SEAMS[name](self._recorder, module))
        except Exception as error:  # noqa: BLE001 - nothing of ours may reach the host
            self._recorder.failed(error)

    def detach(self) -> None:
        """Wait for nothing more, and undo what has been attached."""
        self._waiting.clear()
        while self._undo:
            self._undo.pop()()

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the spec that the others find, with a loader that tells us."""
        if fullname not in self._waiting or getattr(self._looking, "now", False):
            return None
        self._looking.now = True
        try:
            spec = find_spec(fullname)
        except (ImportError, ValueError):
            return None  # let the others say it
        finally:
            self._looking.now = False
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader, self)
        return spec


class _Loader(importlib.abc.Loader):
    """The module's own loader; after it has run, the module is attached to."""

    def __init__(self, loader: Any, finder: _Finder) -> None:
        self._loader = loader
        self._finder = finder

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["_loader"], name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        module: ModuleType | None = self._loader.create_module(spec)
        return module

    def exec_module(self, module: ModuleType) -> None:
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        self._finder.attach(module.__name__, module)
