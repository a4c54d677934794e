"""The command line of ``traceview``: which words there are, and where files are among them."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NoReturn

from tracer.schema.events import VERSION
from viewer.commands.base import CommandError
from viewer.commands.completion import KINDS, SHELLS
from viewer.i18n import LANGUAGES, Catalogue, language_asked

COMMANDS: Final = (
    "calls", "call", "why", "what-if", "findings", "grep", "sessions", "export", "completion",
)  # fmt: skip


class Parser(argparse.ArgumentParser):
    """A parser whose errors are ours to print."""

    def error(self, message: str) -> NoReturn:
        """Raise instead of exiting with argparse's own code."""
        raise CommandError(f"{message} — {self.prog} --help")


class _Version(argparse.Action):
    """``--version``: the versions are looked up only when somebody asks."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        sys.stdout.write(f"{shown_version()}\n")
        parser.exit()


class _Complete(argparse.Action):
    """``--complete KIND =BEGIN WORDS``: asked by the scripts of ``completion``, by nobody else."""

    def __call__(
        self, parser: argparse.ArgumentParser, _namespace: object, values: Any, *_: object
    ) -> None:
        from viewer.commands.offers import offers

        if len(values) > 1 and values[0] in KINDS.values():
            found = offers(values[0], values[1].removeprefix("="), values[2:])
            sys.stdout.writelines(f"{word}\n" for word in found)
        parser.exit()


def shown_version() -> str:
    """Return our version and those of the format that can be read."""
    from importlib.metadata import PackageNotFoundError, version  # 20 ms, for --version alone

    try:
        own = version("mapi-tracer")
    except PackageNotFoundError:
        own = "?"
    return f"traceview (mapi-tracer) {own}, trace formats 1–{VERSION}"


def make_parser(argv: Sequence[str]) -> Parser:
    """Return the whole command line, its help in the language that `argv` asks for."""
    texts = Catalogue("cli", language_asked(argv))
    parser = Parser(
        prog="traceview",
        description=texts("help.top"),
        epilog=texts("help.exits"),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help=texts("help.version"))
    parser.add_argument(
        "--complete", action=_Complete, nargs=argparse.REMAINDER, help=argparse.SUPPRESS
    )
    _common(parser, texts)
    parser.add_argument("--filter", metavar="FILTER", help=texts("help.filter"))
    parser.add_argument("--report", action="store_true", help=texts("help.report"))
    parser.add_argument("--json", action="store_true", help=texts("help.json"))
    parser.add_argument("--follow", action="store_true", help=texts("help.follow"))
    parser.add_argument("--goto", metavar="ID", help=texts("help.goto"))
    parser.add_argument("--tab", metavar="TAB", help=texts("help.tab"))
    parser.add_argument("--theme", metavar="NAME", help=texts("help.theme"))
    parser.add_argument("--no-mouse", action="store_true", help=texts("help.no-mouse"))
    parser.add_argument("--ascii", action="store_true", help=texts("help.ascii"))
    parser.set_defaults(command="")
    parser.add_argument("files", nargs="*", metavar="FILE", help=texts("help.files-or-start"))
    return parser


def make_command_parser(argv: Sequence[str], prog: str = "traceview") -> Parser:
    """Return the parser of the commands alone."""
    texts = Catalogue("cli", language_asked(argv))
    parser = Parser(prog=prog, allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name: str, *, data: bool = True) -> argparse.ArgumentParser:
        help_text = texts(f"help.{name}")
        command = commands.add_parser(
            name, help=help_text, description=help_text, allow_abbrev=False
        )
        _common(command, texts)
        if data:
            command.add_argument("--json", action="store_true", help=texts("help.json"))
        if name in {"calls", "grep", "export"}:
            command.add_argument("--filter", metavar="FILTER", help=texts("help.filter"))
        else:
            command.set_defaults(filter=None)
        return command

    def files(command: argparse.ArgumentParser) -> None:
        # with a default, argparse does not call it required
        command.add_argument(
            "files", nargs="*", default=[], metavar="FILE", help=texts("help.files")
        )

    files(add("calls"))
    call = add("call")
    call.add_argument("id", metavar="ID", help=texts("help.id"))
    files(call)
    why = add("why")
    why.add_argument("query", metavar="ACCOUNT|OPERATION", help=texts("help.query"))
    files(why)
    what_if = add("what-if")
    for option in ("environment", "harmony-user", "windows-account", "account", "operation"):
        metavar = "ID" if option == "operation" else "TEXT"
        what_if.add_argument(f"--{option}", metavar=metavar, help=texts(f"help.if-{option}"))
    files(what_if)
    files(add("findings"))
    grep = add("grep")
    grep.add_argument("text", metavar="TEXT", help=texts("help.text"))
    grep.add_argument("-E", "--regex", action="store_true", help=texts("help.regex"))
    grep.add_argument("-s", "--case", action="store_true", help=texts("help.case"))
    grep.add_argument("-c", "--count", action="store_true", help=texts("help.count"))
    files(grep)
    add("sessions").set_defaults(files=[])
    export = add("export", data=False)
    export.add_argument("format", metavar="FORMAT", help=texts("help.format"))
    export.add_argument("-o", "--output", metavar="FILE", help=texts("help.output"))
    files(export)
    completion = add("completion", data=False)
    completion.add_argument("shell", choices=SHELLS, help=texts("help.shell"))
    completion.set_defaults(files=[])
    return parser


def _common(parser: argparse.ArgumentParser, texts: Catalogue) -> None:
    parser.add_argument("--lang", choices=LANGUAGES, help=texts("help.lang"))
    parser.add_argument("--no-cache", action="store_true", help=texts("help.no-cache"))


def read_words(argv: Sequence[str]) -> argparse.Namespace:
    """Read a command line.

    A first word that is an existing file always means a file, whatever commands there are. Files
    may also stand before a command: ``traceview a.jsonl calls``.

    Raises:
        CommandError: the words are wrong.
        SystemExit: ``--help`` or ``--version``.
    """
    words = list(argv)
    before = 0
    while before < len(words) and _is_file(words[before]):
        before += 1
    if before and words[before : before + 1] and words[before] in COMMANDS:
        words = [*words[before:], *words[:before]]
    elif before or not words or words[0] not in COMMANDS:
        return make_parser(words).parse_intermixed_args(words)
    command = subcommands(make_command_parser(words))[words[0]]
    return command.parse_intermixed_args(words[1:], argparse.Namespace(command=words[0]))


def subcommands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """Return the parsers of the commands; each alone can mix options and files."""
    found = (a for a in parser._actions if isinstance(a, argparse._SubParsersAction))  # noqa: SLF001
    return dict(next(found).choices)


def _is_file(word: str) -> bool:
    try:
        return Path(word).is_file()
    except (OSError, ValueError):
        return False
