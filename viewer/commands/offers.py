"""``--complete``: what a shell may offer for a word, from the trace on the same command line."""

import re
import shlex
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:  # numpy comes with it, and a wrong word needs none of it
    from viewer.model.trace import Trace

_MOST: Final = 200
_LOOKED_AT: Final = 5_000
"""Events; a shell waits for the answer."""
_PLAIN: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@+-]*")
"""A trace is written by strangers, and some shells expand what they are offered."""


def offers(kind: str, begin: str, words: Sequence[str]) -> Iterator[str]:
    """Yield at most 200 words of `kind` that begin with `begin`, in upper or lower case.

    The trace is that of the files among `words`, else the newest session. Whatever is wrong with
    it, nothing is offered: the command itself will say it. Of a large file without an index only
    the first part is looked at.
    """
    from viewer.commands.base import newest_session
    from viewer.model.source import SourceError
    from viewer.model.trace import Trace

    files = list(_files(words))
    if not files and (newest := newest_session()):
        files = [newest]
    try:
        trace = Trace.open(files, wait=False)
    except (SourceError, OSError):
        return
    wanted = begin.casefold()
    try:
        found = dict.fromkeys(
            word
            for word in _KINDS[kind](trace)
            if word.casefold().startswith(wanted) and _PLAIN.fullmatch(word)
        )
        yield from islice(found, _MOST)
    finally:
        trace.close()


def _files(words: Sequence[str]) -> Iterator[Path]:
    """Yield those of `words` that are files; bash hands them over as they were typed, quoted."""
    for word in words:
        for text in (word, *_unquoted(word)):
            try:
                if Path(text).is_file():
                    yield Path(text)
                    break
            except (OSError, ValueError):
                continue


def _unquoted(word: str) -> list[str]:
    try:
        return shlex.split(word)
    except ValueError:  # a quote that is still open
        return []


def _events(trace: "Trace") -> Iterator[str]:
    for row in range(min(len(trace), _LOOKED_AT)):
        yield trace.head(row).id


def _operations(trace: "Trace") -> Iterator[str]:
    from tracer.schema.events import Kind

    for row in trace.select(kinds=(Kind.OPERATION,))[:_LOOKED_AT].tolist():
        yield trace.head(row).id


def _accounts(trace: "Trace") -> Iterator[str]:
    for row in range(min(len(trace), _LOOKED_AT)):
        yield trace.account(row)


def _people(trace: "Trace") -> Iterator[str]:
    """Yield what ``why`` can be asked: accounts, then who acted."""
    from tracer.schema.events import Kind

    yield from _accounts(trace)
    for row in trace.select(kinds=(Kind.OPERATION,))[:_LOOKED_AT].tolist():
        identity = trace.event(row).data.get("identity")
        values = identity.values() if isinstance(identity, dict) else ()
        yield from (value for value in values if isinstance(value, str))


_KINDS: Final[dict[str, Callable[["Trace"], Iterator[str]]]] = {
    "event": _events, "operation": _operations, "account": _accounts, "who": _people,
}  # fmt: skip
