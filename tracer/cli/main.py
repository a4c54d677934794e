"""`tracer`: on | off | status | run | act | bundle."""

import argparse
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version

from tracer.cli import session
from tracer.cli.exits import ExitCode
from tracer.schema.events import VERSION

USAGE = """\
tracer on [--label TEXT] [--for 30m] [--out FILE] [--bodies LEVEL] [--cap 1G]
       tracer off
       tracer status [--json]
       tracer run -- COMMAND …
       tracer act resolve|send|read|check|settings|attributes|…
       tracer bundle SESSION… [-o TICKET.zip]"""


def parser(*, everything: bool = True) -> argparse.ArgumentParser:
    """Return the whole command line; without `everything`, on | off | status | run alone.

    The layer and the ticket import much, and `tracer on` must answer at once.
    """
    top = argparse.ArgumentParser(
        prog="tracer",
        usage=USAGE,
        description="Switch debug on, do it again, switch debug off, then read: traceview.",
    )
    shown = f"mapi-tracer {version('mapi-tracer')}, trace format {VERSION}"
    top.add_argument("--version", action="version", version=shown)
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND", prog="tracer")
    session.add_parsers(commands)
    if everything:
        from tracer.cli import act, ticket

        act.add_parser(commands)
        ticket.add_parser(commands)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    quick = bool(words) and words[0] in session.COMMANDS
    try:
        args = parser(everything=not quick).parse_args(words)
        code = int(args.run(args))
        sys.stdout.flush()
    except BrokenPipeError:  # `| head`: the reader has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.OK
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    return code
