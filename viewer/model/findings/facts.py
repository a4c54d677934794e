"""What the rules read: failures decoded once, everything else on demand."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from tracer.schema.events import Event, Kind, Phase, Topic
from viewer.model.decisions import Decision, decisions
from viewer.model.findings.failure import UNREADABLE, Failure, at, failure_of, text, texts
from viewer.model.findings.patterns import by_rule
from viewer.model.search import search
from viewer.model.store import each_once
from viewer.model.timeline import is_among
from viewer.model.trace import Rows, Trace

T = TypeVar("T")
Progress = Callable[[int, int], None]
"""Called with (done, total) now and then."""

MOST: Final = 5000
"""Failures that are decoded; beyond that, evenly many of each name and status."""
_SOME: Final = 1000
"""Of anything else that may be very many; beyond that, every so manieth is looked at."""


_ASKED: Final = (Kind.CALL, Kind.EXCHANGE)
_ALIKE: Final = ("name", "status", "sort")
"""Columns that failures of one kind have in common."""


def thinned(rows: Rows, most: int) -> Rows:
    """Return at most `most` of `rows`, evenly chosen."""
    return rows if len(rows) <= most else rows[np.linspace(0, len(rows) - 1, most).astype(np.int64)]


class Facts:
    """One trace, read for the rules; nothing is kept whole.

    Of a huge trace, what occurs in thousands is looked at in an even selection, so that the time
    stays a small multiple of the index's; counts are then those of the selection.
    """

    def __init__(self, trace: Trace, tell: Callable[[], None]) -> None:
        """Read `trace`, and call `tell` for each event that is read."""
        self.trace = trace
        self._tell = tell

    # events

    def event(self, event_id: str) -> Event | None:
        """Return the event that stands for `event_id`, else None."""
        row = self.trace.row_of(event_id)
        return None if row is None else next(self._read([row]))

    def events(self, **condition: Any) -> Iterator[Event]:
        """Decode what ``trace.select`` finds, in order of time."""
        return self._decoded(self.trace.select(**condition))

    def exchanges(self, call_id: str) -> list[Event]:
        """Return the exchanges of a call, in order of time."""
        under = self._read(self.trace.children(call_id))
        return [event for event in under if event.kind == Kind.EXCHANGE]

    def some(self, rows: Rows, most: int = _SOME) -> Iterator[Event]:
        """Decode at most `most` of `rows`, evenly chosen."""
        return self._decoded(thinned(rows, most))

    def calls(self, *names: str) -> Rows:
        """Return the rows of the calls with one of these method ids."""
        return self.trace.select(kinds=(Kind.CALL,), names=names)

    def containing(self, text: str, rows: Rows) -> Rows:
        """Return those of `rows` whose line holds `text`: a search over the bytes of the files."""
        if len(rows) > _SOME:
            found = search(self.trace, text, case=True).rows
            return found[is_among(found, rows)]
        sought = text.encode()
        return np.array([r for r in rows.tolist() if sought in self.trace.raw(r)], dtype=np.int64)

    def calls_of(self, op: str) -> list[Event]:
        """Return the calls under an operation and the operations inside it, in order of time."""
        found: list[Event] = []
        waiting = [op]
        while waiting:
            under = list(self._read(self.trace.children(waiting.pop())))
            found += [event for event in under if event.kind == Kind.CALL]
            waiting += [event.id for event in under if event.kind == Kind.OPERATION]
        return sorted(found, key=lambda call: call.ts)

    def succeeded(self, event: Event) -> bool:
        """Tell whether a call or exchange ended well."""
        row = self.trace.row_of(event.id)
        return row is not None and not self.trace.failed(row) and event.phase == Phase.END

    # what most rules start from

    @property
    def mail_calls(self) -> Iterator[Event]:
        """Gmail calls."""
        return self.some(self.trace.select(kinds=(Kind.CALL,), topics=(Topic.GMAIL,)))

    @cached_property
    def failures(self) -> list[Failure]:
        """Failed exchanges, then what failed without a failed exchange."""
        found: list[Failure] = []
        calls: list[Failure] = []
        for event in self._decoded(self._failed[~self._unended]):
            if event.kind == Kind.CALL:
                calls.append(_of_call(event))
            else:
                found.append(self._handled(self._of_exchange(event)))
        found += self._broken({f.op for f in (*calls, *found)})
        with_exchange = {failure.call for failure in found}
        alone = self._told(f for f in calls if f.call not in with_exchange)
        return [*found, *(self._handled(f) for f in alone if not self._has_failed_exchange(f))]

    @cached_property
    def _failed(self) -> Rows:
        """Calls and exchanges that failed or were never answered."""
        rows = self.trace.select(kinds=_ASKED, errors=True)
        if len(rows) <= MOST:
            return rows
        name, status, sort = (self.trace.column(column)[rows] for column in _ALIKE)
        alike = name.astype(np.uint64) << 48 | status.astype(np.uint64) << 16 | sort
        found, group = np.unique(alike, return_inverse=True)
        share = MOST // len(found) + 1
        groups = (rows[group == n] for n in range(len(found)))
        return np.sort(np.concatenate([thinned(one, share) for one in groups]))

    @cached_property
    def _unended(self) -> NDArray[np.bool_]:
        """Which of the failed rows started and never ended."""
        started = self.trace.codes.table(lambda _topic, _kind, phase: phase == Phase.START)
        unended: NDArray[np.bool_] = started[self.trace.column("sort")[self._failed]]
        return unended

    def _decoded(self, rows: Rows) -> Iterator[Event]:
        return self._read(rows.tolist())

    def _read(self, rows: Iterable[int]) -> Iterator[Event]:
        return self._told(self.trace.event(row) for row in rows)

    def _told(self, read: Iterable[T]) -> Iterator[T]:
        for one in read:
            self._tell()
            yield one

    def _has_failed_exchange(self, failure: Failure) -> bool:
        under = self.trace.children(failure.call or "")
        failed = (self.trace.head(row) for row in under if self.trace.failed(row))
        return any(h.phase == Phase.END and h.kind in _ASKED for h in failed)

    def _handled(self, failure: Failure) -> Failure:
        well = bool(failure.op) and self.ended_well(failure.op or "")
        return replace(failure, handled=True) if well else failure

    def ended_well(self, op: str) -> bool:
        """Tell whether an operation ended without an error."""
        known = self._well.get(op)
        if known is None:
            row = self.trace.row_of(op)
            known = row is not None and int(self.trace.column("status")[row]) == 0
            self._well[op] = known
        return known

    @cached_property
    def _well(self) -> dict[str, bool]:
        return {}

    def _broken(self, told: set[str | None]) -> Iterator[Failure]:
        """Yield what was answered well and failed all the same, in operations not yet `told` of.

        An answer that could not be read, or a call that raised (EWS tells errors in a 200).
        """
        silent = (o for o in self.failed_operations if o.id == o.op and o.op not in told)
        for operation in silent:
            for call in self.calls_of(operation.id):
                bad = [e for e in self.exchanges(call.id) if e.status == 200 and _unreadable(e)]
                for exchange in bad:
                    own = failure_of(exchange, call=call.id, method=call.name, recovered=False)
                    yield replace(own, reason=UNREADABLE, path="response.body.kept")
                if call.data.get("error") and not bad:
                    yield _of_call(call)

    @cached_property
    def classified(self) -> dict[str, list[tuple[Failure, float]]]:
        """The failures of each rule that the patterns name, with their confidence."""
        return by_rule(self.failures)

    @cached_property
    def token_requests(self) -> list[Event]:
        """Requests for tokens that were granted."""
        rows = self.trace.select(kinds=(Kind.EXCHANGE,), topics=(Topic.AUTH,))
        events = self.some(rows, 500)
        return [e for e in events if e.status == 200 and e.data.get("role") == "token"]

    def granted(self, exchange: Event) -> tuple[list[str], Event | None]:
        """Return the scopes of the token that `exchange` used, and the request that got it."""
        tag, subject = text(exchange.data.get("token")), text(exchange.data.get("subject"))
        for same_token in (True, False):
            for request in reversed(self.token_requests):
                kept = text(at(request.data, "response.body.json.access_token"))
                fits = tag and tag in kept if same_token else _same_subject(request, subject)
                if fits and request.ts <= exchange.ts:
                    return texts(request.data.get("scopes")), request
        return [], None

    @property
    def unanswered(self) -> Iterator[Event]:
        """Calls and exchanges that started and never ended."""
        return self._decoded(self._failed[self._unended])

    @property
    def exchange_rows(self) -> Rows:
        """Every exchange."""
        return self.trace.select(kinds=(Kind.EXCHANGE,))

    @property
    def sent_again(self) -> Iterator[Event]:
        """Exchanges with a second transmission."""
        return self.some(self._sent_again)

    @cached_property
    def _sent_again(self) -> Rows:
        return self.containing('"n":2,', self.exchange_rows)

    @cached_property
    def ended(self) -> bool:
        """Whether the session was switched off, so that nothing is in progress any more."""
        rows = self.trace.select(kinds=(Kind.SESSION,)).tolist()
        return any(self.trace.head(row).phase == Phase.END for row in rows)

    @cached_property
    def ended_pids(self) -> set[int]:
        """The processes that said goodbye."""
        rows = self.trace.select(kinds=(Kind.PROCESS,)).tolist()
        heads = (self.trace.head(row) for row in rows)
        return {head.pid for head in heads if head.phase == Phase.END}

    def slow(self, ms: float) -> Iterator[Event]:
        """Return the exchanges that took at least `ms`, the slowest first."""
        rows = self.exchange_rows
        took = self.trace.column("ms")[rows]
        slow = rows[took >= ms]
        slow = slow[np.argsort(-self.trace.column("ms")[slow], kind="stable")]
        return self._decoded(slow[:_SOME])

    @property
    def failed_operations(self) -> Iterator[Event]:
        """Operations that ended with an error."""
        return self.some(self.trace.select(kinds=(Kind.OPERATION,), errors=True))

    @cached_property
    def decisions(self) -> list[Decision]:
        """The account resolutions; of very many, all odd ones and some of the others."""
        rows = self.trace.select(kinds=(Kind.STEP,))
        if len(rows) <= 4 * _SOME:
            return list(self._told(decisions(self.trace)))
        outcomes = self.trace.select(kinds=(Kind.STEP,), names=("outcome",))
        odd = [
            self.containing(f'"verdict":"{word}"', rows) for word in ("ambiguous", "unprotected")
        ]
        odd += [self.containing(f'"verdict":"{word}"', outcomes) for word in ("none", "refused")]
        chosen = [thinned(one, _SOME // 2) for one in (*odd, outcomes)]
        return list(self._told(decisions(self.trace, each_once(np.concatenate(chosen)))))

    def _of_exchange(self, event: Event) -> Failure:
        parent = self.trace.row_of(event.parent) if event.parent else None
        above = self.trace.event(parent) if parent is not None else None
        is_call = above is not None and above.kind == Kind.CALL
        recovered = False
        if parent is not None and above is not None and above.phase == Phase.END:
            recovered = not self.trace.failed(parent) if is_call else self.ended_well(above.id)
        failure = failure_of(
            event,
            call=above.id if above is not None and is_call else None,
            method=above.name if above is not None and is_call else event.name,
            recovered=recovered,
        )
        if failure.message or failure.reason or above is None or not is_call or recovered:
            return failure
        told = _of_call(above)  # the answer was not kept: the exception quotes it
        return replace(failure, reason=told.reason, message=told.message)


def _unreadable(exchange: Event) -> bool:
    """Tell whether an answer that should be JSON could be kept as a digest only."""
    body = at(exchange.data, "response.body")
    return "json" in text(at(body, "type")) and at(body, "kept") == "digest"


def _same_subject(request: Event, subject: str) -> bool:
    return bool(subject) and text(request.data.get("subject")) == subject


def _of_call(event: Event) -> Failure:
    return failure_of(event, call=event.id, method=event.name, recovered=False)


def without_data(event: Event) -> Event:
    """Return `event` as it is kept when there may be a thousand of them."""
    return replace(event, data={})


def ops_of(failures: Sequence[Failure]) -> tuple[str, ...]:
    """Return the operations of `failures`, each once, in order."""
    return tuple(dict.fromkeys(f.op for f in failures if f.op))
