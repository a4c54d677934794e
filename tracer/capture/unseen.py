"""Transports that are not recorded: the trace says so instead of keeping silent."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

from tracer.capture.recorder import Recorder
from tracer.capture.swap import Detach, swap


def attach_aiohttp(recorder: Recorder, module: ModuleType) -> Detach:
    """Attach to `aiohttp.client`."""
    return swap(recorder, "aiohttp (not recorded)", [(module.ClientSession, "_request", _aiohttp)])


def attach_silent(recorder: Recorder, module: ModuleType) -> Detach:
    """Say that `module` is there, in every session's list of seams: it cannot be attached to."""
    name = f"{module.__name__} (not recorded)"
    recorder.hooks.append(name)
    _gap(recorder, module.__name__)

    def detach() -> None:
        if name in recorder.hooks:
            recorder.hooks.remove(name)

    return detach


def _aiohttp(original: Callable[..., Any], recorder: Recorder) -> Callable[..., Any]:
    async def _request(self: Any, *args: Any, **kwargs: Any) -> Any:
        _gap(recorder, "aiohttp")
        return await original(self, *args, **kwargs)

    return _request


def _gap(recorder: Recorder, name: str) -> None:
    try:
        session = recorder.session()
        if session is not None:
            session.gap("unseen-transport", f"{name} is not recorded")
            session.flush()
    except Exception as error:  # noqa: BLE001 - nothing of ours may reach the host
        recorder.failed(error)
