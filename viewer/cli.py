"""``traceview``: opens the interface, or answers in the terminal; the only file that prints.

Standard output is data, standard error is talk, and the exit codes are those of `viewer.exits`.
"""

import gc
import os
import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from importlib import import_module
from typing import Final

from tracer.schema.events import Topic
from viewer.commands.arguments import make_command_parser, make_parser, read_words, subcommands
from viewer.commands.base import CommandError, Job, Result, make_job
from viewer.commands.tickets import verified
from viewer.exits import Exit
from viewer.i18n import Catalogue, language_asked
from viewer.model.source import SourceError, check
from viewer.model.visible import visible

TABS: Final = ("summary", "timeline", *Topic, "all")
"""What ``--tab`` takes; a trace has those of the topics that are in it."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    # A third of numpy's import is the start of threads for an algebra that nobody here does.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        return int(_run(words))
    except CommandError as error:
        _talk(f"traceview: {error}")
        return int(error.code)
    except SourceError as error:
        _talk(f"traceview: {_source_error(error, words)}")
        return int(Exit.UNREADABLE)
    except BrokenPipeError:  # the reader has seen enough, as in `traceview calls | head`
        _close_quietly()
        return int(Exit.OK)
    except KeyboardInterrupt:
        return int(Exit.INTERRUPTED)


def _run(words: Sequence[str]) -> int:
    args = read_words(words)
    job = make_job(args)
    if not args.command and args.tab and args.tab not in TABS:
        known = ", ".join(TABS)
        raise CommandError(job.texts("error.tab", tab=visible(args.tab), known=known))
    with ExitStack() as opened:
        args.files = verified(args.files, job.texts, opened)
        if not args.command and _interactive(args):
            return _open_interface(args, job)
        result = _command(args.command)(job)
        for notice in job.notices:
            _talk(f"traceview: {notice}")
        for line in result.lines:
            _print(line)
        sys.stdout.flush()
        return int(result.code)


def _interactive(args: Namespace) -> bool:
    """Tell whether there is a terminal to open the interface in; Textual looks at none of this."""
    if args.report or args.json or os.environ.get("TERM", "") == "dumb":
        return False
    streams = (sys.stdin, sys.stdout, sys.stderr)
    terminals = all(stream is not None and stream.isatty() for stream in streams)
    return terminals and "-" not in args.files


def _open_interface(args: Namespace, job: Job) -> int:
    """Open the terminal interface; nothing of it is imported before."""
    job.filter()  # an error in it is told here, before the screen is taken
    for path in args.files:
        check(path)
    from viewer.prepaint import prepaint, unpaint

    gc.disable()  # nothing that is imported becomes garbage; the interface enables it again
    painted = prepaint(args.files, ascii_only=args.ascii, lang=job.lang)
    try:
        from viewer.tui.app import run
        from viewer.tui.options import Options
    except BaseException:
        if painted:
            unpaint()
        raise
    options = Options(
        lang=args.lang,
        theme=args.theme,
        mouse=not args.no_mouse,
        ascii_only=args.ascii or None,
        tab=args.tab,
        goto=args.goto,
        filter=args.filter,
        follow=args.follow,
    )
    return run(args.files, options)


def _report(job: Job) -> Result:
    """Answer without a command: the report, the events that a filter asks for, or the sessions."""
    if job.args.filter and not job.args.report:
        from viewer.commands.lists import events

        return events(job)
    from viewer.commands.answers import report, sessions

    if not (job.args.files or job.args.report or job.args.json):
        return sessions(job)
    return report(job)


def _completion(job: Job) -> Result:
    from viewer.commands.completion import SHELLS, script, words_of
    from viewer.export import FORMATS

    words = words_of(make_parser([]), subcommands(make_command_parser([])))
    values = {"export": sorted(FORMATS), "completion": list(SHELLS)}
    return Result(script(job.args.shell, words, values))


_MODULES: Final = {
    "calls": "lists", "call": "lists", "grep": "lists",
    "why": "reasons", "what-if": "reasons",
    "findings": "answers", "sessions": "answers", "export": "answers",
}  # fmt: skip
"""Where each command is; it is imported when it is asked for."""


def _command(name: str) -> Callable[[Job], Result]:
    if name in {"", "completion"}:
        return _completion if name else _report
    module = import_module(f"viewer.commands.{_MODULES[name]}")
    command: Callable[[Job], Result] = getattr(module, name.replace("-", "_"))
    return command


def _source_error(error: SourceError, words: Sequence[str]) -> str:
    texts = Catalogue("cli", language_asked(words))
    return texts(f"error.{error.code}", path=visible(error.path), detail=visible(error.detail))


def _print(line: str) -> None:
    print(line.encode(sys.stdout.encoding or "utf-8", "backslashreplace").decode(
        sys.stdout.encoding or "utf-8", "replace"
    ))  # fmt: skip


def _talk(text: str) -> None:
    print(text.encode("utf-8", "backslashreplace").decode(), file=sys.stderr)


def _close_quietly() -> None:
    """Keep Python from complaining about the closed pipe once more at its exit."""
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, sys.stdout.fileno())


if __name__ == "__main__":
    raise SystemExit(main())
