"""`tracer`: on | off | status | run | act | bundle."""

import argparse
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version
from io import TextIOWrapper

from tracer.cli import argparse_texts, session
from tracer.cli.exits import ExitCode
from tracer.i18n import LANGUAGES, Catalogue, language, language_asked
from tracer.schema.events import VERSION


def parser(texts: Catalogue, *, everything: bool = True) -> argparse.ArgumentParser:
    """Return the whole command line; without `everything`, on | off | status | run alone.

    The layer and the ticket import much, and `tracer on` must answer at once.
    """
    top = argparse.ArgumentParser(
        prog="tracer", usage=texts("help.usage"), description=texts("help.top")
    )
    shown = f"mapi-tracer {version('mapi-tracer')}, trace format {VERSION}"
    top.add_argument("--version", action="version", version=shown, help=texts("help.version"))
    top.add_argument("--lang", choices=LANGUAGES, help=texts("help.lang"))
    metavar = texts("meta.command")
    commands = top.add_subparsers(dest="command", required=True, metavar=metavar, prog="tracer")
    session.add_parsers(commands, texts)
    if everything:
        from tracer.cli import act, ticket

        act.add_parser(commands, texts)
        ticket.add_parser(commands, texts)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    quick = bool(words) and words[0] in session.COMMANDS
    _show_what_can_be_shown()
    lang = language_asked(words)
    try:
        with argparse_texts.spoken(lang):
            args = parser(Catalogue("cli", lang), everything=not quick).parse_args(words)
        args.texts = Catalogue("cli", language(args.lang))
        code = int(args.run(args))
        sys.stdout.flush()
    except BrokenPipeError:  # `| head`: the reader has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.OK
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    return code


def _show_what_can_be_shown() -> None:
    """Let a sign that the terminal's encoding does not have read ``?`` instead of ending us."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper) and stream.errors != "surrogateescape":
            stream.reconfigure(errors="replace")
