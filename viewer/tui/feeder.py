"""The work beside the interface: opening, indexing, following, looking for causes."""

import gc
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from textual import work
from textual.message import Message
from textual.worker import get_current_worker

from viewer.model.counts import Counts
from viewer.model.finding import Finding
from viewer.tui.lookapp import LookApp
from viewer.tui.sources import ItemSource

if TYPE_CHECKING:
    from viewer.model.trace import Trace
    from viewer.tui.state import State

_TELL_EVERY: Final = 0.5
"""Seconds between two reports of progress; showing one takes from the indexing itself."""
_TURN: Final = 0.001
"""Seconds of reading events after which the interface has its turn.

Each read gives the interpreter up for a moment in which nobody wakes up: on busy processors the
interface got none for a tenth of a second.
"""
_POLL: Final = 0.015
"""Seconds between two looks at a file that is followed."""


class Counted(Message):
    """The trace has changed: what is in it now."""

    def __init__(self, counts: Counts) -> None:
        super().__init__()
        self.counts = counts


class Opened(Counted):
    """The files are open; maybe not indexed to their ends."""

    def __init__(self, counts: Counts, trace: "Trace") -> None:
        super().__init__(counts)
        self.trace = trace


class Unreadable(Message):
    """A file could not be opened."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


class Grew(Counted):
    """More is indexed."""


class Complete(Counted):
    """All that the files hold now is indexed."""


class Diagnosing(Message):
    """How far the search for causes is, 0 … 1."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share


class Summarised(Counted):
    """The summary is ready, with the findings or, at first, without."""

    def __init__(self, counts: Counts, summary: ItemSource, findings: list[Finding] | None) -> None:
        super().__init__(counts)
        self.summary = summary
        self.findings = findings


class Feeder(LookApp):
    """Workers: they read the trace and post messages, and touch no widget."""

    paths: Sequence[str]
    following = False
    _state: "State | None" = None

    @property
    def state(self) -> "State":
        """The trace and how it is looked at; asking for it imports numpy and the index."""
        if self._state is None:
            from viewer.tui.state import State

            self._state = State(self.look, self.paths)
        return self._state

    @property
    def has_trace(self) -> bool:
        """Whether there is a trace to look at yet."""
        return self._state is not None

    def forget(self) -> None:
        """Let go of the trace."""
        if self._state is not None:
            self._state.trace.close()
            self._state = None

    @work(thread=True, exclusive=True, group="feed", exit_on_error=False)
    def open_files(self) -> None:
        """Open the files of the state, then index them to their ends."""
        # After the first paint, and here, because importing takes as long as the paint itself.
        gc.disable()
        try:
            from viewer.model.source import SourceError
            from viewer.model.trace import Trace
            from viewer.tui import pages, state  # noqa: F401 - needed as soon as there is a trace
        finally:
            gc.enable()
        try:
            trace = Trace.open([Path(path) for path in self.paths], wait=False)
            trace.feed()  # all of a small file, or of one that is known: shown once then
        except (SourceError, OSError) as error:
            self.post_message(Unreadable(str(error)))
            return
        self.post_message(Opened(trace.counts(), trace))
        self._feed(trace)

    @work(thread=True, exclusive=True, group="feed", exit_on_error=False)
    def follow_files(self) -> None:
        """Go on looking at the files for as long as they are followed."""
        self._feed(self.state.trace)

    def _feed(self, trace: "Trace") -> None:
        told, worker = time.monotonic(), get_current_worker()
        while not trace.complete and not worker.is_cancelled:
            trace.feed()
            if time.monotonic() - told > _TELL_EVERY and not trace.complete:
                told = time.monotonic()
                self.post_message(Grew(trace.counts()))
            time.sleep(0)  # the interface comes first
        self.post_message(Complete(trace.counts()))
        while self.following and self.is_running and not worker.is_cancelled:
            if trace.feed():
                self.post_message(Grew(trace.counts()))
            time.sleep(_POLL)

    @work(thread=True, exclusive=True, group="read", exit_on_error=False)
    def look_for_causes(self) -> None:
        """Summarise the trace, then diagnose it, then summarise it again."""
        from viewer.model.findings import diagnose  # needs the whole rulebook
        from viewer.tui.summary import Summary

        trace, told, turn = self.state.trace, [0.0], [time.monotonic()]
        trace.prepare()
        summary = Summary(trace, self.look)

        def progress(done: int, total: int) -> None:
            now = time.monotonic()
            if now - told[0] > _TELL_EVERY:
                told[0] = now
                self.post_message(Diagnosing(done / total if total else 1.0))
            if now - turn[0] > _TURN:
                turn[0] = now
                time.sleep(0)

        self.post_message(Summarised(trace.counts(), summary.source(None, self.paths), None))
        findings = diagnose(trace, progress)
        source = summary.source(findings, self.paths)
        self.post_message(Summarised(trace.counts(), source, findings))
