"""`tracer bundle`: a session as an archive for a support ticket, checked before it leaves."""

import argparse
import getpass
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tracer.cli.exits import ExitCode

if TYPE_CHECKING:
    from viewer.ticket.bundle import Ticket
    from viewer.ticket.leaks import Leak

_SHOWN: Final = 20
_STAGES: Final = {"rewrite": "pseudonyms", "report": "reports", "check": "leak check"}


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `tracer bundle`."""
    parser = commands.add_parser(
        "bundle",
        help="make an archive for a support ticket: pseudonyms, reports, leak check",
        description="Makes one zip of a session: trace with pseudonyms, report.html, report.md, a "
        "picture, manifest. The real names stay here, in a .map beside the session. An "
        "archive that fails the leak check is not made.",
    )
    parser.add_argument("sessions", nargs="*", type=Path, metavar="SESSION", help="session files")
    parser.add_argument("-o", "--out", type=Path, metavar="TICKET.zip", help="the archive to make")
    parser.add_argument("--ticket", default="", metavar="N", help="the ticket's number")
    parser.add_argument("--note", default="", metavar="TEXT", help="what the reader should know")
    parser.add_argument(
        "--keep-addresses", action="store_true",
        help="keep mail addresses, names, Windows accounts and hosts as they are",
    )  # fmt: skip
    parser.add_argument(
        "--full-bodies", action="store_true",
        help="keep bodies that were recorded with --bodies full; normally they are taken out",
    )  # fmt: skip
    parser.add_argument(
        "--password", action="store_true",
        help="lock the archive (AES-256); asks, or takes one line from a pipe",
    )  # fmt: skip
    parser.add_argument(
        "--known", type=Path, metavar="FILE",
        help="a file of secrets and names, one a line, that must not be in the archive",
    )  # fmt: skip
    parser.add_argument(
        "--settings", type=Path, metavar="FILE",
        help="the settings whose secrets must not be in the archive; else those in force",
    )  # fmt: skip
    parser.add_argument("--lang", choices=("en", "fr"), help="language of the reports")
    parser.add_argument(
        "--check", type=Path, metavar="FILE",
        help="only check FILE (trace, zip, HAR, anything) for secrets and addresses",
    )  # fmt: skip
    parser.add_argument(
        "--reveal", type=Path, metavar="FILE",
        help="print FILE (- for stdin), an answer, with the real names of --map",
    )  # fmt: skip
    parser.add_argument("--map", type=Path, metavar="MAP", help="the .map of the ticket")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Make, check or reveal; one line on stderr for each thing that went wrong."""
    try:
        if args.check:
            return _check(args)
        if args.reveal:
            return _reveal(args)
        if not args.sessions:
            return _complain("tracer bundle SESSION… (traceview sessions lists them)")
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

    out = args.out or Path(f"ticket-{args.ticket or time.strftime('%Y%m%d-%H%M%S')}.zip")
    order = Order(
        sessions=args.sessions,
        out=Path(os.path.abspath(out)),  # noqa: PTH100 - resolve() would follow a link
        ticket=args.ticket,
        note=args.note,
        keep_addresses=args.keep_addresses,
        full_bodies=args.full_bodies,
        password=_password(twice=True) if args.password else None,
        known=_secrets(args),
        lang=args.lang,
        progress=_Progress().show,
    )
    before = _interrupt_on_terminate()
    try:
        ticket = bundle(order)
    except LeakError as error:
        _say_leaks(error.leaks)
        return _complain(str(error), ExitCode.FAILED)
    except BundleError as error:
        return _complain(str(error))
    finally:
        before()
        _Progress().clear()
    _say(ticket)
    return ExitCode.OK


def _say(ticket: "Ticket") -> None:
    print(f"Ticket      {ticket.path}  ({ticket.size:,} bytes, leak check passed)")
    names = ", ".join(f"{count} {kind}" for kind, count in sorted(ticket.pseudonyms.items()))
    print(f"In it       {ticket.events:,} events; pseudonyms: {names or 'none needed'}")
    if ticket.left_out:
        print(f"Left out    {ticket.left_out:,} damaged lines")
    print(f"Keep here   {ticket.map_path}  (real names; never send it)")
    print(f"Next        send the zip; read an answer with\n            "
          f"tracer bundle --reveal ANSWER.txt --map {ticket.map_path}")  # fmt: skip


def _check(args: argparse.Namespace) -> int:
    from viewer.ticket.leaks import Known, LeakCheck

    if args.check.exists() and not args.check.is_file():
        kind = "a directory" if args.check.is_dir() else "no regular file"
        return _complain(f"{args.check}: {kind}; name a file")
    progress = _Progress()
    known = [Known(text, "secret") for text in _secrets(args)]
    check = LeakCheck(known, addresses=not args.keep_addresses)
    size = args.check.stat().st_size
    password = _password(twice=False) if args.password else None
    leaks = check.file(args.check, password, lambda done: progress.show("check", done, size))
    progress.clear()
    if not leaks:
        print(f"{args.check}: nothing found that must not leave the house")
        return ExitCode.OK
    _say_leaks(leaks)
    return _complain(f"{args.check}: {len(leaks)} place(s) found", ExitCode.FAILED)


def _say_leaks(leaks: "list[Leak] | tuple[Leak, ...] | Any") -> None:
    for leak in leaks[:_SHOWN]:
        print(f"  {leak}".encode("utf-8", "replace").decode(), file=sys.stderr)
    if len(leaks) > _SHOWN:
        print(f"  … and {len(leaks) - _SHOWN} more", file=sys.stderr)


def _reveal(args: argparse.Namespace) -> int:
    from viewer.ticket.idmap import MapError, reveal

    if args.map is None:
        return _complain("--reveal needs --map, the .map beside the session")
    text = sys.stdin.read() if str(args.reveal) == "-" else args.reveal.read_text("utf-8")
    try:
        sys.stdout.write(reveal(text, args.map))
    except MapError as error:
        return _complain(str(error))
    return ExitCode.OK


def _secrets(args: argparse.Namespace) -> list[str]:
    """Return what must not be found: of --known, and of the settings; broken ones stop nothing."""
    from tracer.cli.ticket_secrets import house_secrets
    from viewer.ticket.needles import SHORTEST

    given = _lines(args.known)
    found, complaints = house_secrets(args.settings)
    for complaint in complaints:
        print(f"tracer bundle: settings: {complaint}", file=sys.stderr)
    if short := sum(len(text.encode()) < SHORTEST for text in given):
        print(
            f"tracer bundle: {args.known}: {short} line(s) not looked for: "
            f"shorter than {SHORTEST} characters",
            file=sys.stderr,
        )
    return given + found


def _lines(path: Path | None) -> list[str]:
    if path is None:
        return []
    return [line.strip() for line in path.read_text("utf-8").splitlines() if line.strip()]


def _password(*, twice: bool) -> bytes:
    if not sys.stdin.isatty():
        given = sys.stdin.readline().rstrip("\r\n")
    else:
        given = getpass.getpass("Password for the archive: ")
        if twice and getpass.getpass("Once more: ") != given:
            raise OSError("the two passwords differ; nothing was made")
    if not given:
        raise OSError("an empty password locks nothing; nothing was made")
    return given.encode()


def _interrupt_on_terminate() -> Callable[[], None]:
    """Make SIGTERM stop us as Ctrl-C does, so that nothing half made stays; return the undo."""

    def stop(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    return lambda: (signal.signal(signal.SIGTERM, before), None)[1]


class _Progress:
    """A bar on stderr, when somebody can see it."""

    def __init__(self) -> None:
        self._on = sys.stderr.isatty()
        self._next = 0.0

    def show(self, stage: str, done: int, total: int) -> None:
        if not self._on or (time.monotonic() < self._next and done < total):
            return
        self._next = time.monotonic() + 0.1
        share = min(1.0, done / total) if total else 1.0
        bar = "█" * int(share * 30)
        print(
            f"\r{_STAGES[stage]:<11} {bar:<30} {share:4.0%} ", end="", file=sys.stderr, flush=True
        )

    def clear(self) -> None:
        if self._on:
            print("\r" + " " * 60 + "\r", end="", file=sys.stderr, flush=True)
