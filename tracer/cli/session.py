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
from pathlib import Path
from typing import Final

import orjson

from tracer import control
from tracer.cli.exits import ExitCode
from tracer.schema.events import HEAD_END, Kind, Phase, is_error

COMMANDS: Final = ("on", "off", "status", "run")

_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_COUNTED: Final = (Kind.OPERATION, Kind.CALL, Kind.EXCHANGE)
_BYTES: Final = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}


def add_parsers(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the four commands."""
    on = commands.add_parser("on", help="switch debug on, for every process of the layer")
    on.add_argument("--label", default="", metavar="TEXT", help="what this session is about")
    on.add_argument(
        "--for", dest="lifetime", type=duration, default=control.LIFETIME, metavar="TIME",
        help="switches itself off after that long: 90s, 30m, 2h (default 2h)",
    )  # fmt: skip
    on.add_argument("--out", type=Path, metavar="FILE", help="write the session there")
    on.add_argument(
        "--bodies", choices=control.BODIES, default="structure",
        help="how much of a body is kept; full keeps mail and says so in red (default structure)",
    )  # fmt: skip
    on.add_argument(
        "--cap", type=size, default=control.CAP, metavar="SIZE",
        help="stop recording at that size: 200M, 1G (default 1G)",
    )  # fmt: skip
    on.set_defaults(run=guarded(switch_on))

    off = commands.add_parser("off", help="switch debug off and say where the file is")
    off.set_defaults(run=guarded(switch_off))

    status = commands.add_parser("status", help="what is on, since when, by whom, how big")
    status.add_argument("--json", action="store_true", help="the same for machines")
    status.set_defaults(run=guarded(show_status))

    run = commands.add_parser("run", help="run a Python program that knows nothing of us, traced")
    run.add_argument("words", nargs=argparse.REMAINDER, metavar="-- COMMAND …")
    run.set_defaults(run=guarded(run_command))


def guarded(action: Callable[[argparse.Namespace], int]) -> Callable[[argparse.Namespace], int]:
    """Make a ControlError one line on stderr and exit code 3."""

    def run(args: argparse.Namespace) -> int:
        try:
            return action(args)
        except control.ControlError as error:
            return complain(str(error), ExitCode.REFUSED)

    return run


def complain(text: str, code: ExitCode) -> int:
    """Say what is wrong in one line on stderr; return `code`."""
    print(f"tracer: {text}", file=sys.stderr)
    return code


def duration(text: str) -> float:
    """Return the seconds of ``90s``, ``30m``, ``2h``, ``1d``; a bare number is minutes."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhd]?)", text.strip().lower())
    if not match or float(match[1]) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no time: write 90s, 30m or 2h")
    return float(match[1]) * _SECONDS[match[2] or "m"]


def size(text: str) -> int:
    """Return the bytes of ``500K``, ``200M``, ``1G``."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmg]?)i?b?", text.strip().lower())
    if not match or float(match[1]) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no size: write 500K, 200M or 1G")
    return int(float(match[1]) * _BYTES[match[2]])


def switch_on(args: argparse.Namespace) -> ExitCode:
    """`tracer on`."""
    state, already = control.turn_on(
        label=args.label, lifetime=args.lifetime, out=args.out, bodies=args.bodies, cap=args.cap
    )
    if already:
        print(f"Debug is on already, since {local(state.since)} by {state.by}; nothing changed.")
    else:
        reached = ", ".join(control.reaches())
        print(f"Debug is on until {local(state.expires)}, for programs of: {reached}")
    print(f"  file    {state.file}")
    print("  next    do it again, then: tracer off")
    if state.bodies == "full":
        red = sys.stderr.isatty() and "NO_COLOR" not in os.environ
        text = "Bodies are kept in full: the file will hold mail. Do not hand it over as it is."
        print(f"\x1b[1;31m{text}\x1b[0m" if red else text, file=sys.stderr)
    return ExitCode.OK


def switch_off(_: argparse.Namespace) -> ExitCode:
    """`tracer off`."""
    closed = control.turn_off()
    if closed is None:
        print("Debug is off already.")
        return ExitCode.OK
    path = Path(closed.state.file)
    what = "Debug had switched itself off" if closed.reason == "expired" else "Debug is off"
    try:
        found = count(path)
    except OSError as error:
        print(f"{what}, but its file cannot be read ({error.strerror}): {path}")
        return ExitCode.OK
    print(f"{what}: {in_units(found.size)}")
    print(f"  in it   {found}")
    print(f"  file    {path}")
    print(f"  next    traceview {quoted(path)}")
    return ExitCode.OK


def show_status(args: argparse.Namespace) -> ExitCode:
    """`tracer status`."""
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
        print("Debug is off.")
        latest = control.sessions()[:1]
        if latest:
            print(f"  last    traceview {quoted(latest[0].path)}")
    else:
        label = f" ({state.label})" if state.label else ""
        print(
            f"Debug is on{label} since {local(state.since)} by {state.by}, "
            f"until {local(state.expires)}."
        )
        print(f"  file    {state.file}")
        print(f"  size    {in_units(written)} of at most {in_units(state.cap)}")
        print(f"  bodies  {state.bodies}")
        print(f"  reaches {', '.join(control.reaches())}")
    return ExitCode.OK


def run_command(args: argparse.Namespace) -> int:
    """`tracer run`: the command's own exit code is ours."""
    from tracer.capture.bootstrap import environment

    words = args.words[1:] if args.words[:1] == ["--"] else args.words
    if not words:
        return complain("say what to run: tracer run -- python app.py", ExitCode.USAGE)
    if control.state() is None:
        print("tracer: debug is off; recording starts with `tracer on`", file=sys.stderr)
    program = shutil.which(words[0])
    if program is None:
        if Path(words[0]).exists():
            text = f"{words[0]} cannot be run: make it executable, or put `python` before it"
            return complain(text, ExitCode.CANNOT_RUN)
        return complain(f"no command {words[0]!r}: check the name and PATH", ExitCode.NOT_FOUND)
    try:
        command = [program, *words[1:]]
        done = subprocess.run(command, env=environment(os.environ), check=False)  # noqa: S603 - typed by the user
        code = done.returncode
    except OSError as error:
        return complain(f"{words[0]} cannot be run: {error.strerror}", ExitCode.CANNOT_RUN)
    return 128 - code if code < 0 else code  # killed by a signal: as a shell says it


@dataclass(frozen=True, slots=True)
class Count:
    """How many things of each kind a session holds, and how many of them failed."""

    recorded: Counter[str]
    failed: Counter[str]
    size: int
    """Bytes."""

    def __str__(self) -> str:
        counts = [
            f"{kind}s: {self.recorded[kind]}"
            + (f" (failed: {self.failed[kind]})" if self.failed[kind] else "")
            for kind in _COUNTED
        ]
        if any(self.recorded.values()):
            return ", ".join(counts)
        return (
            "nothing: no program that debug reaches did anything (tracer on says whose it reaches)"
        )


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


def in_units(number: float) -> str:
    """Return a number of bytes as people write it."""
    for unit in ("B", "KB", "MB"):
        if number < 1024:
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1024
    return f"{number:.1f} GB"


def quoted(path: Path) -> str:
    """Return `path` as a shell wants it typed."""
    text = str(path)
    if re.fullmatch(r"[\w@%+=:,./\\-]+", text):
        return text
    return f'"{text}"' if os.name == "nt" else "'" + text.replace("'", "'\\''") + "'"
