"""Play one case of the corpus: fresh stand-in, real layer, real capture, one session file."""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from samples.sandbox import Sandbox, seed_world
from samples.sandbox.faults import Fault
from samples.sandbox.world import World
from tracer import control
from tracer.capture import google
from tracer.capture.recorder import Recorder
from tracer.operation import operation, set_sink
from tracer.protocol.errors import LayerError
from tracer.protocol.gsuite.layer import GSuite
from tracer.protocol.identity import Identity
from tracer.protocol.mime import Attachment, Mail
from tracer.protocol.settings import load

TEST: Final = Identity(windows_account="test@divalto.com")
BAKER: Final = Identity(environment="LESPETITSPAINS", windows_account="Dupond@soc-windows.com")
DUPOND: Final = Identity(windows_account="Dupond@soc-windows.com")
MASOC: Final = "dupond@masoc.com"
MANY: Final = 99
"""Times that a fault hits when it does not go away."""


@dataclass(slots=True)
class Stage:
    """What an operation of a case works with."""

    box: Sandbox
    layer: GSuite
    identity: Identity = TEST

    def client(self, api: str, *purposes: str) -> Any:
        """Return a client of Google's own library for the account of the identity."""
        account = self.layer.accounts.resolve(self.identity, self.layer.settings.options.account)
        return self.layer.google.service(api, str(account.account), *purposes)


Act = Callable[[Stage], object]


@dataclass(frozen=True, slots=True)
class Case:
    """A session to make, and the causes that its making stands for."""

    name: str
    act: Act
    expected: Callable[["Outcome"], frozenset[str]]
    """Rules of which one must come first; empty: no warning and no error may be there."""
    faults: tuple[tuple[str, dict[str, Any]], ...] = ()
    prepare: Callable[[World], object] | None = None
    settings: dict[str, str] = field(default_factory=dict)
    identity: Identity = TEST
    before: Act | None = None
    """Done before debug is switched on."""
    cut: Callable[[bytes], bytes] | None = None
    """Done to the finished file."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What happened in a case."""

    case: Case
    file: Path
    failed: bool
    """The operation ended with an error."""
    hit: tuple[str, ...]
    """The faults that hit a request."""


@contextmanager
def house() -> Iterator[Path]:
    """Give the corpus a TRACER_HOME of its own."""
    before = os.environ.get("TRACER_HOME")
    with tempfile.TemporaryDirectory(prefix="corpus-") as folder:
        os.environ["TRACER_HOME"] = str(Path(folder) / "home")
        try:
            yield Path(folder)
        finally:
            if before is None:
                del os.environ["TRACER_HOME"]
            else:
                os.environ["TRACER_HOME"] = before


def play(case: Case, folder: Path) -> Outcome:
    """Record `case` into a file below `folder`."""
    world = seed_world()
    if case.prepare:
        case.prepare(world)
    file = folder / f"{case.name.replace('/', '-')}.jsonl"
    recorder = Recorder()
    with Sandbox(world) as box:
        stage = Stage(box, _layer(case, box, folder), case.identity)
        if case.before:
            case.before(stage)
        faults = [(name, box.fault(name, **options)) for name, options in case.faults]
        at_first = [fault.left for _, fault in faults]
        control.turn_on(case.name[:40], out=file)
        sink = set_sink(recorder)
        detach = google.attach(recorder)
        try:
            failed = _act(case, stage)
        finally:
            detach()
            set_sink(sink)
            recorder.close()
            control.turn_off()
            stage.layer.close()
        hit = tuple(
            name
            for (name, fault), left in zip(faults, at_first, strict=True)
            if _was_hit(fault, left)
        )
    if case.cut:
        file.write_bytes(case.cut(file.read_bytes()))
    return Outcome(case, file, failed, hit)


def _was_hit(fault: Fault, at_first: int | None) -> bool:
    return fault.left is None or fault.left != at_first


def _layer(case: Case, box: Sandbox, folder: Path) -> GSuite:
    flags = {
        "endpoint": box.url,
        "service_account_file": str(box.key_file(folder / "key.json")),
        "directory_account": "admin@diva-gs.com",
        "network.timeout": "10",
        **case.settings,
    }
    return GSuite(load(environ={}, flags=flags), sleep=lambda _: None)


def _act(case: Case, stage: Stage) -> bool:
    try:
        case.act(stage)
    except LayerError:
        return True
    except Exception:  # noqa: BLE001 - Google's own client raises what it likes
        return True
    return False


def mail(size: int = 0, **more: Any) -> Mail:
    """Return a mail with an attachment of about `size` bytes."""
    files = (Attachment("plan.bin", bytes(size), "application/octet-stream"),) if size else ()
    facts = {"to": ("client@example.com",), "subject": "Commande 4711", "text": "Bonjour."}
    return Mail(**{**facts, "attachments": files, **more})


# what a case can do


def resolve(stage: Stage) -> None:
    """Resolve the account."""
    found = stage.layer.resolve(stage.identity)
    if found.account is None:
        raise LayerError("no account")


def send(stage: Stage) -> None:
    """Send a small mail."""
    stage.layer.send(mail(), stage.identity)


def send_big(stage: Stage) -> None:
    """Send in one upload."""
    stage.layer.send(mail(3_000_000), stage.identity)


def send_resumable(stage: Stage) -> None:
    """Send in parts."""
    stage.layer.send(mail(5_000_000), stage.identity)


def search(stage: Stage) -> None:
    """List the mailbox, headers in a batch."""
    with stage.layer.mailbox(stage.identity) as (box, _):
        box.search(limit=3)


def read(stage: Stage) -> None:
    """Read one message."""
    with stage.layer.mailbox(stage.identity) as (box, _):
        found = stage.client("gmail", "read").users().messages().list(userId="me", maxResults=1)
        box.read(box.google.run(found)["messages"][0]["id"], "utf-8")


def news(stage: Stage) -> None:
    """Read what is new since a position."""
    with stage.layer.mailbox(stage.identity) as (box, op):
        box.news(op, "1")


def events(stage: Stage) -> None:
    """List the agenda."""
    with operation("events", "calendar", identity=stage.identity.data()):
        service = stage.client("calendar", "calendar")
        stage.layer.google.run(service.events().list(calendarId="primary", maxResults=5))


def contacts(stage: Stage) -> None:
    """List contacts."""
    with operation("contacts", "contacts", identity=stage.identity.data()):
        people = stage.client("people", "contacts").people().connections()
        request = people.list(resourceName="people/me", personFields="names,emailAddresses")
        stage.layer.google.run(request)


def profile(stage: Stage) -> None:
    """Look at the mailbox's profile."""
    with operation("check", "gmail", identity=stage.identity.data()):
        request = stage.client("gmail", "read").users().getProfile(userId="me")
        stage.layer.google.run(request)


ACTS: Final[dict[str, Act]] = {
    "resolve": resolve, "send": send, "send-big": send_big, "send-resumable": send_resumable,
    "search": search, "read": read, "news": news, "events": events, "contacts": contacts,
    "profile": profile,
}  # fmt: skip
