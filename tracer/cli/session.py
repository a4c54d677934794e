"""`tracer on | off | status | run`: switching debug, and running a program under it."""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

import orjson

from tracer import control
from tracer.cli.exits import ExitCode
from tracer.i18n import LANGUAGES, Catalogue
from tracer.schema.events import HEAD_END, Kind, Phase, is_error

COMMANDS: Final = ("on", "off", "status", "run")

_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_COUNTED: Final = (Kind.OPERATION, Kind.CALL, Kind.EXCHANGE)
_BYTES: Final = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}


Subparsers = Any  # argparse calls the class private: `argparse._SubParsersAction`


def add_parsers(commands: Subparsers, texts: Catalogue) -> None:
    """Add the four commands."""
    on = add_command(commands, "on", texts)
    on.add_argument("--label", default="", metavar=texts("meta.text"), help=texts("help.label"))
    on.add_argument(
        "--for", dest="lifetime", type=partial(duration, texts), default=control.LIFETIME,
        metavar=texts("meta.time"), help=texts("help.for"),
    )  # fmt: skip
    on.add_argument("--out", type=Path, metavar=texts("meta.file"), help=texts("help.out"))
    on.add_argument(
        "--bodies", choices=control.BODIES, default="structure", help=texts("help.bodies")
    )
    on.add_argument(
        "--cap", type=partial(size, texts), default=control.CAP, metavar=texts("meta.size"),
        help=texts("help.cap"),
    )  # fmt: skip
    on.set_defaults(run=guarded(switch_on))

    off = add_command(commands, "off", texts)
    off.set_defaults(run=guarded(switch_off))

    status = add_command(commands, "status", texts)
    status.add_argument("--json", action="store_true", help=texts("help.json"))
    status.set_defaults(run=guarded(show_status))

    run = add_command(commands, "run", texts)
    run.add_argument("words", nargs=argparse.REMAINDER, metavar=f"-- {texts('meta.command')} …")
    run.set_defaults(run=guarded(run_command))


def add_command(commands: Subparsers, name: str, texts: Catalogue) -> argparse.ArgumentParser:
    """Add the command `name`, with the option that all take before their name too."""
    parser: argparse.ArgumentParser = commands.add_parser(name, help=texts(f"help.{name}"))
    # no default: it would hide the one before the name
    parser.add_argument(
        "--lang", choices=LANGUAGES, default=argparse.SUPPRESS, help=texts("help.lang")
    )
    return parser


def guarded(action: Callable[[argparse.Namespace], int]) -> Callable[[argparse.Namespace], int]:
    """Make a ControlError one line on stderr and exit code 3."""

    def run(args: argparse.Namespace) -> int:
        try:
            return action(args)
        except control.ControlError as error:
            return complain(error.text(args.texts.lang), ExitCode.REFUSED)

    return run


def complain(text: str, code: ExitCode) -> int:
    """Say what is wrong in one line on stderr; return `code`."""
    print(f"tracer: {text}", file=sys.stderr)
    return code


def duration(texts: Catalogue, text: str) -> float:
    """Return the seconds of ``90s``, ``30m``, ``2h``, ``1d``; a bare number is minutes."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhd]?)", text.strip().lower())
    if not match or float(match[1]) == 0:
        raise argparse.ArgumentTypeError(texts("error.time", text=text))
    return float(match[1]) * _SECONDS[match[2] or "m"]


def size(texts: Catalogue, text: str) -> int:
    """Return the bytes of ``500K``, ``200M``, ``1G``."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmg]?)i?b?", text.strip().lower())
    if not match or float(match[1]) == 0:
        raise argparse.ArgumentTypeError(texts("error.size", text=text))
    return int(float(match[1]) * _BYTES[match[2]])


def switch_on(args: argparse.Namespace) -> ExitCode:
    """`tracer on`."""
    texts: Catalogue = args.texts
    state, already = control.turn_on(
        label=args.label, lifetime=args.lifetime, out=args.out, bodies=args.bodies, cap=args.cap
    )
    if already:
        print(texts("on.already", since=local(state.since), by=state.by))
    else:
        reached = ", ".join(control.reaches())
        print(texts("on.done", until=local(state.expires), users=reached))
    print(texts("line.file", path=state.file))
    print(texts("on.next"))
    if state.bodies == "full":
        red = sys.stderr.isatty() and "NO_COLOR" not in os.environ
        text = texts("on.full")
        print(f"\x1b[1;31m{text}\x1b[0m" if red else text, file=sys.stderr)
    return ExitCode.OK


def switch_off(args: argparse.Namespace) -> ExitCode:
    """`tracer off`."""
    texts: Catalogue = args.texts
    closed = control.turn_off()
    if closed is None:
        print(texts("off.already"))
        return ExitCode.OK
    path = Path(closed.state.file)
    what = texts("off.expired" if closed.reason == "expired" else "off.done")
    try:
        found = count(path)
    except OSError as error:
        print(texts("off.unreadable", what=what, reason=error.strerror, path=path))
        return ExitCode.OK
    print(texts("off.size", what=what, size=in_units(texts, found.size)))
    print(texts("off.content", content=found.text(texts)))
    print(texts("line.file", path=path))
    print(texts("off.next", path=quoted(path)))
    return ExitCode.OK


def show_status(args: argparse.Namespace) -> ExitCode:
    """`tracer status`."""
    texts: Catalogue = args.texts
    state = control.state()
    path = Path(state.file) if state else None
    written = path.stat().st_size if path and path.exists() else 0
    if args.json:
        facts = (
            {k: v for k, v in asdict(state).items() if k not in {"key", "until"}} if state else {}
        )
        print(
            json.dumps({"on": state is not None, **facts, **({"size": written} if state else {})})
        )
    elif state is None:
        print(texts("status.off"))
        latest = control.sessions()[:1]
        if latest:
            print(texts("status.last", path=quoted(latest[0].path)))
    else:
        label = f" ({state.label})" if state.label else ""
        since, until = local(state.since), local(state.expires)
        print(texts("status.on", label=label, since=since, by=state.by, until=until))
        print(texts("line.file", path=state.file))
        sizes = {"size": in_units(texts, written), "cap": in_units(texts, state.cap)}
        print(texts("status.size", **sizes))
        print(texts("status.bodies", level=state.bodies))
        print(texts("status.reaches", users=", ".join(control.reaches())))
    return ExitCode.OK


def run_command(args: argparse.Namespace) -> int:
    """`tracer run`: the command's own exit code is ours."""
    from tracer.capture.bootstrap import environment

    texts: Catalogue = args.texts
    words = args.words[1:] if args.words[:1] == ["--"] else args.words
    if not words:
        return complain(texts("run.what"), ExitCode.USAGE)
    if control.state() is None:
        print(f"tracer: {texts('run.off')}", file=sys.stderr)
    program = shutil.which(words[0])
    if program is None:
        if Path(words[0]).exists():
            return complain(texts("run.no-program", name=words[0]), ExitCode.CANNOT_RUN)
        return complain(texts("run.unknown", name=words[0]), ExitCode.NOT_FOUND)
    try:
        command = [program, *words[1:]]
        done = subprocess.run(command, env=environment(os.environ), check=False)  # noqa: S603 - typed by the user
        code = done.returncode
    except OSError as error:
        text = texts("run.failed", name=words[0], reason=error.strerror)
        return complain(text, ExitCode.CANNOT_RUN)
    return 128 - code if code < 0 else code  # killed by a signal: as a shell says it


@dataclass(frozen=True, slots=True)
class Count:
    """How many things of each kind a session holds, and how many of them failed."""

    recorded: Counter[str]
    failed: Counter[str]
    size: int
    """Bytes."""

    def text(self, texts: Catalogue) -> str:
        """Return it in one line."""
        counts = [
            texts(f"count.{kind}", count=self.recorded[kind])
            + (texts("count.failed", count=self.failed[kind]) if self.failed[kind] else "")
            for kind in _COUNTED
        ]
        return ", ".join(counts) if any(self.recorded.values()) else texts("count.nothing")


def count(path: Path) -> Count:
    """Count what stands in the file of a session, from the heads alone.

    Raises:
        OSError: it cannot be read.
    """
    recorded: Counter[str] = Counter()
    failed: Counter[str] = Counter()
    with path.open("rb") as lines:
        for line in lines:
            head = line.partition(HEAD_END)[0]
            if not head.startswith(b"{"):
                continue
            try:
                event = orjson.loads(head + b"}")
                kind, phase = event["kind"], event["phase"]
                if phase == Phase.END and kind in _COUNTED:
                    recorded[kind] += 1
                    failed[kind] += is_error(kind, phase, event["topic"], event["status"])
            except (orjson.JSONDecodeError, KeyError, TypeError):
                continue
        return Count(recorded, failed, lines.tell())


def local(timestamp: str) -> str:
    """Return a timestamp as the clock on the wall shows it: who types the command looks there."""
    return f"{datetime.fromisoformat(timestamp).astimezone():%Y-%m-%d %H:%M}"


def in_units(texts: Catalogue, number: float) -> str:
    """Return a number of bytes as people write it."""
    units = ["gb", "mb", "kb", "b"]
    while number >= 1024 and len(units) > 1:
        number /= 1024
        units.pop()
    shown = f"{number:.0f}" if units[-1] == "b" else f"{number:.1f}"
    return texts(f"size.{units[-1]}", number=shown.replace(".", texts.point))


def quoted(path: Path) -> str:
    """Return `path` as a shell wants it typed."""
    text = str(path)
    if re.fullmatch(r"[\w@%+=:,./\\-]+", text):
        return text
    return f'"{text}"' if os.name == "nt" else "'" + text.replace("'", "'\\''") + "'"
