"""The seams of google-api-python-client, together: attached to a process, or built in by hand."""

import importlib
from collections.abc import Callable
from types import ModuleType
from typing import Any, Final

from tracer.capture.recorder import Recorder
from tracer.capture.swap import Detach, swap


def attach(recorder: Recorder) -> Detach:
    """Attach all seams to the classes of this process; return what undoes it exactly.

    Objects that exist already, and connections that are open, record too. What is attached already
    stays as it is, and is not undone by the second caller.
    """
    undo = [seam(recorder, importlib.import_module(name)) for name, seam in SEAMS.items()]

    def detach() -> None:
        for each in reversed(undo):
            each()

    return detach


def attach_httplib2(recorder: Recorder, module: ModuleType) -> Detach:
    """Attach to the exchanges of `httplib2.Http`."""
    from tracer.capture import http

    return swap(recorder, "httplib2", [(module.Http, "_conn_request", http.patched)])


def attach_googleapiclient(recorder: Recorder, module: ModuleType) -> Detach:
    """Attach to the requests, downloads and batches of `googleapiclient.http`."""
    from tracer.capture import batch, request

    return swap(
        recorder,
        "googleapiclient",
        [
            (module.HttpRequest, "execute", request.patched_execute),
            (module.HttpRequest, "next_chunk", request.patched_next_chunk),
            (module.MediaIoBaseDownload, "next_chunk", request.patched_next_chunk),
            (module.BatchHttpRequest, "execute", batch.patched_execute),
            (module.BatchHttpRequest, "_execute", batch.patched_post),
        ],
    )


SEAMS: Final[dict[str, Callable[[Recorder, ModuleType], Detach]]] = {
    "httplib2": attach_httplib2,
    "googleapiclient.http": attach_googleapiclient,
}
"""By the module that each attaches to once it is imported."""


def http(recorder: Recorder, **httplib2_args: Any) -> Any:
    """Return an `httplib2.Http` that records; put it inside of `AuthorizedHttp`.

    Like `googleapiclient.http.build_http` it leaves 308 to the uploads, and waits for 60 s at most.
    """
    import httplib2  # noqa: F401 - whole before ours: installed hooks attach at its end

    from tracer.capture.http import TracedHttp

    made = TracedHttp(**{"timeout": 60, **httplib2_args})
    made.redirect_codes = made.redirect_codes - {308}
    made.recorder = recorder
    return made


def request_builder(recorder: Recorder) -> type:
    """Return the class for `build(requestBuilder=…)`."""
    import googleapiclient.http  # noqa: F401 - likewise

    from tracer.capture.request import TracedHttpRequest

    return type("TracedHttpRequest", (TracedHttpRequest,), {"recorder": recorder})
