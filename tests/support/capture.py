"""A traced test process: debug on, all Google seams attached, events to read."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import google_auth_httplib2
from google.oauth2 import service_account
from googleapiclient import discovery
from googleapiclient.http import build_http

from samples.sandbox import Sandbox
from tracer import control
from tracer.capture import google
from tracer.capture.recorder import Recorder
from tracer.operation import set_sink
from tracer.schema.lines import parse

SCOPES = (
    "https://www.googleapis.com/auth/gmail.send",
    "https://www.googleapis.com/auth/gmail.readonly",
    "https://www.googleapis.com/auth/gmail.modify",
)
SUBJECT = "dupond@masoc.com"

Event = dict[str, Any]


def read(path: Path | str) -> list[Event]:
    """Return the events of a session file, damaged lines left out."""
    found = []
    for line in Path(path).read_bytes().split(b"\n"):
        if line:
            try:
                parse(line)
            except ValueError:
                continue
            found.append(json.loads(line))
    return found


def damaged(path: Path | str) -> int:
    """Return how many lines of a session file are no events."""
    lines = [line for line in Path(path).read_bytes().split(b"\n") if line]
    return len(lines) - len(read(path))


class Recording:
    """Debug that is on, and what has been recorded."""

    def __init__(self, recorder: Recorder, state: control.State) -> None:
        self.recorder = recorder
        self.state = state

    @property
    def path(self) -> Path:
        return Path(self.state.file)

    def events(self, kind: str | None = None, phase: str | None = None) -> list[Event]:
        """Return the events of one kind and phase, in the file's order."""
        return [
            event
            for event in read(self.path)
            if kind in {None, event["kind"]} and phase in {None, event["phase"]}
        ]

    def exchanges(self) -> list[Event]:
        """Return the end lines of the exchanges."""
        return self.events("exchange", "end")

    def calls(self) -> list[Event]:
        """Return the end lines of the calls."""
        return self.events("call", "end")

    def gaps(self) -> list[tuple[str, str]]:
        """Return name and reason of each gap."""
        return [(event["name"], event["data"]["reason"]) for event in self.events("gap")]


@contextmanager
def recording(*, attach: bool = True, on: bool = True, **options: Any) -> Iterator[Recording]:
    """Switch debug on, and listen; undo all of it afterwards."""
    state, _ = control.turn_on("test", **options)
    if not on:
        control.turn_off()
    recorder = Recorder()
    before = set_sink(recorder)
    detach: Callable[[], None] = google.attach(recorder) if attach else lambda: None
    try:
        yield Recording(recorder, state)
    finally:
        detach()
        set_sink(before)
        recorder.close()
        control.turn_off()


def credentials(box: Sandbox, folder: Path, *, subject: str | None = SUBJECT) -> Any:
    """Return delegated credentials of the sandbox's service account."""
    file = box.key_file(folder / "key.json")
    return service_account.Credentials.from_service_account_file(  # type: ignore[no-untyped-call]
        str(file), scopes=list(SCOPES), subject=subject
    )


def service(
    box: Sandbox, folder: Path, api: str = "gmail", http: Any = None, **options: Any
) -> Any:
    """Return a client of one API, with credentials, on a transport of its own."""
    inner = http if http is not None else build_http()  # type: ignore[no-untyped-call]
    authorized = google_auth_httplib2.AuthorizedHttp(credentials(box, folder), http=inner)
    made: Any = discovery
    return made.build_from_document(box.document(api), http=authorized, **options)


RAW = "RnJvbTogYUBtYXNvYy5jb20NClRvOiBiQG1hc29jLmNvbQ0KU3ViamVjdDogcGxhbm5lZA0KDQpoZWxsbw=="
"""A small mail, base64url: From a@masoc.com, To b@masoc.com."""
