"""`tracer bundle`: a session as an archive for a support ticket, checked before it leaves."""

import argparse
import getpass
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tracer.cli.exits import ExitCode
from tracer.cli.session import Subparsers, add_command
from tracer.i18n import Catalogue

if TYPE_CHECKING:
    from viewer.ticket.bundle import Ticket
    from viewer.ticket.leaks import Leak

_SHOWN: Final = 20


def add_parser(commands: Subparsers, texts: Catalogue) -> None:
    """Add `tracer bundle`."""
    parser = add_command(commands, "bundle", texts)
    parser.description = texts("bundle.description")
    file = texts("meta.file")

    def flag(name: str) -> None:
        parser.add_argument(name, action="store_true", help=texts(f"bundle{name}"))

    def path(name: str, metavar: str = file, *short: str) -> None:
        parser.add_argument(*short, name, type=Path, metavar=metavar, help=texts(f"bundle{name}"))

    parser.add_argument(
        "sessions", nargs="*", type=Path, metavar="SESSION", help=texts("bundle.sessions")
    )
    path("--out", "TICKET.zip", "-o")
    parser.add_argument("--ticket", default="", metavar="N", help=texts("bundle--ticket"))
    parser.add_argument(
        "--note", default="", metavar=texts("meta.text"), help=texts("bundle--note")
    )
    flag("--keep-addresses")
    flag("--full-bodies")
    flag("--password")
    path("--known")
    path("--settings")
    path("--check")
    path("--reveal")
    path("--map", "MAP")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Make, check or reveal; one line on stderr for each thing that went wrong."""
    try:
        if args.check:
            return _check(args)
        if args.reveal:
            return _reveal(args)
        if not args.sessions:
            return _complain(args.texts("bundle.which"))
        return _bundle(args)
    except (OSError, UnicodeDecodeError) as error:
        name = getattr(error, "filename", None)
        reason = getattr(error, "strerror", None) or str(error)
        return _complain(f"{name}: {reason}" if name else reason)


def _complain(text: str, code: int = ExitCode.USAGE) -> int:
    print(f"tracer bundle: {text}", file=sys.stderr)
    return int(code)


def _bundle(args: argparse.Namespace) -> int:
    from viewer.ticket.bundle import BundleError, LeakError, Order, bundle

    texts: Catalogue = args.texts
    out = args.out or Path(f"ticket-{args.ticket or time.strftime('%Y%m%d-%H%M%S')}.zip")
    order = Order(
        sessions=args.sessions,
        out=Path(os.path.abspath(out)),  # noqa: PTH100 - resolve() would follow a link
        ticket=args.ticket,
        note=args.note,
        keep_addresses=args.keep_addresses,
        full_bodies=args.full_bodies,
        password=_password(texts, twice=True) if args.password else None,
        known=_secrets(args),
        lang=texts.lang,
        progress=_Progress(texts).show,
    )
    before = _interrupt_on_terminate()
    try:
        ticket = bundle(order)
    except LeakError as error:
        _say_leaks(error.leaks, texts)
        return _complain(error.text(texts.lang), ExitCode.FAILED)
    except BundleError as error:
        return _complain(error.text(texts.lang))
    finally:
        before()
        _Progress(texts).clear()
    _say(ticket, texts)
    return ExitCode.OK


def _say(ticket: "Ticket", texts: Catalogue) -> None:
    print(texts("ticket.made", path=ticket.path, size=_number(ticket.size, texts)))
    kinds = sorted(ticket.pseudonyms.items())
    names = ", ".join(texts(f"pseudonym.{kind}", count=count) for kind, count in kinds)
    events = _number(ticket.events, texts)
    print(texts("ticket.content", events=events, names=names or texts("ticket.no-names")))
    if ticket.left_out:
        print(texts("ticket.left-out", count=_number(ticket.left_out, texts)))
    print(texts("ticket.keep", path=ticket.map_path))
    print(texts("ticket.next", path=ticket.map_path))


def _number(value: int, texts: Catalogue) -> str:
    grouped = f"{value:,}"
    return grouped.replace(",", "\N{NO-BREAK SPACE}") if texts.lang == "fr" else grouped


def _check(args: argparse.Namespace) -> int:
    from viewer.ticket.leaks import Known, LeakCheck

    texts: Catalogue = args.texts
    if args.check.exists() and not args.check.is_file():
        kind = "folder" if args.check.is_dir() else "no-file"
        return _complain(texts(f"check.{kind}", path=args.check))
    progress = _Progress(texts)
    known = [Known(text, "secret") for text in _secrets(args)]
    check = LeakCheck(known, addresses=not args.keep_addresses)
    size = args.check.stat().st_size
    password = _password(texts, twice=False) if args.password else None
    leaks = check.file(args.check, password, lambda done: progress.show("check", done, size))
    progress.clear()
    if not leaks:
        print(texts("check.clean", path=args.check))
        return ExitCode.OK
    _say_leaks(leaks, texts)
    text = texts("check.found", path=args.check, count=len(leaks))
    return _complain(text, ExitCode.FAILED)


def _say_leaks(leaks: "Sequence[Leak]", texts: Catalogue) -> None:
    for leak in leaks[:_SHOWN]:
        print(f"  {leak.text(texts.lang)}", file=sys.stderr)
    if len(leaks) > _SHOWN:
        print(texts("check.more", count=len(leaks) - _SHOWN), file=sys.stderr)


def _reveal(args: argparse.Namespace) -> int:
    from viewer.ticket.idmap import MapError, reveal

    if args.map is None:
        return _complain(args.texts("reveal.map"))
    text = sys.stdin.read() if str(args.reveal) == "-" else args.reveal.read_text("utf-8")
    try:
        sys.stdout.write(reveal(text, args.map))
    except MapError as error:
        return _complain(error.text(args.texts.lang))
    return ExitCode.OK


def _secrets(args: argparse.Namespace) -> list[str]:
    """Return what must not be found: of --known, and of the settings; broken ones stop nothing."""
    from tracer.cli.ticket_secrets import house_secrets
    from viewer.ticket.needles import SHORTEST

    texts: Catalogue = args.texts
    given = _lines(args.known)
    found, complaints = house_secrets(args.settings, texts)
    for complaint in complaints:
        _complain(texts("secrets.settings", complaint=complaint))
    if short := sum(len(text.encode()) < SHORTEST for text in given):
        _complain(texts("secrets.short", path=args.known, count=short, least=SHORTEST))
    return given + found


def _lines(path: Path | None) -> list[str]:
    if path is None:
        return []
    return [line.strip() for line in path.read_text("utf-8").splitlines() if line.strip()]


def _password(texts: Catalogue, *, twice: bool) -> bytes:
    if not sys.stdin.isatty():
        given = sys.stdin.readline().rstrip("\r\n")
    else:
        given = getpass.getpass(texts("password.ask"))
        if twice and getpass.getpass(texts("password.again")) != given:
            raise OSError(texts("password.differ"))
    if not given:
        raise OSError(texts("password.empty"))
    return given.encode()


def _interrupt_on_terminate() -> Callable[[], None]:
    """Make SIGTERM stop us as Ctrl-C does, so that nothing half made stays; return the undo.

    What a library's own half-made object says as it goes then is for nobody.
    """

    def stop(number: int, frame: object) -> None:
        sys.unraisablehook = lambda _: None  # to the end of the process, which is near
        raise KeyboardInterrupt

    before = {signal.SIGTERM: signal.signal(signal.SIGTERM, stop)}
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # else it is ignored
        before[signal.SIGINT] = signal.signal(signal.SIGINT, stop)

    def undo() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    return undo


class _Progress:
    """A bar on stderr, when somebody can see it."""

    def __init__(self, texts: Catalogue) -> None:
        self._texts = texts
        self._on = sys.stderr.isatty()
        self._next = 0.0

    def show(self, stage: str, done: int, total: int) -> None:
        if not self._on or (time.monotonic() < self._next and done < total):
            return
        self._next = time.monotonic() + 0.1
        share = min(1.0, done / total) if total else 1.0
        bar = "█" * int(share * 30)
        name = self._texts(f"stage.{stage}")
        print(f"\r{name:<13} {bar:<30} {share:4.0%} ", end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        if self._on:
            print("\r" + " " * 60 + "\r", end="", file=sys.stderr, flush=True)
