"""The filter at work: tests on the index first, lines decoded only for what is left."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fnmatch import translate
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tracer.schema.events import Kind, Phase
from viewer.model import filter as language
from viewer.model.filter import All, Any_, Node, Not, Test
from viewer.model.glance import Facts, facts
from viewer.model.heads import NO_STATUS
from viewer.model.search import search, spellings
from viewer.model.timeline import is_among
from viewer.model.trace import Rows, Trace

Mask = NDArray[np.bool_]
_FEW: Final = 2000
"""So many lines are looked at one by one; for more, the whole file is searched once."""


@dataclass(frozen=True, slots=True)
class Context:
    """What a filter may ask of beyond the trace."""

    marked: frozenset[str] = frozenset()
    """Ids of events."""
    findings: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """The ids of the evidence of each rule."""


_NOTHING: Final = Context()


def apply(trace: Trace, node: Node, context: Context = _NOTHING, among: Rows | None = None) -> Rows:
    """Return the rows of `among` (else of all that lists show) that `node` lets through."""
    candidates = trace.codes.table(lambda *_: True)[trace.column("sort")]
    if among is not None:
        candidates[:] = False
        candidates[among[among < candidates.size]] = True
    return np.flatnonzero(_Sieve(trace, context, candidates.size).mask(node, candidates))


def apply_text(trace: Trace, text: str, context: Context = _NOTHING) -> Rows:
    """Return the shown rows that the filter `text` lets through.

    Raises:
        FilterError: it cannot be read; says what and where.
    """
    return apply(trace, language.parse(text), context)


class _Sieve:
    """Masks over all rows. The columns are cut to one length: a trace may grow meanwhile."""

    def __init__(self, trace: Trace, context: Context, count: int) -> None:
        self._trace = trace
        self._context = context
        self._count = count
        self._facts: dict[int, Facts] = {}

    def mask(self, node: Node, among: Mask) -> Mask:
        """Return which rows of `among` pass."""
        if isinstance(node, All):
            for part in sorted(node.parts, key=_cost):
                among = self.mask(part, among)
            return among
        if isinstance(node, Any_):
            passed = np.zeros(self._count, dtype=np.bool_)
            for part in sorted(node.parts, key=_cost):
                passed |= self.mask(part, among & ~passed)
            return passed
        if isinstance(node, Not):
            return among & ~self.mask(node.part, among)
        if node.op == "!=":
            plain = Test(node.field, ":", node.value)
            return among & ~self.mask(plain, among) & self._comparable(node.field)
        return among & _mask(getattr(self, f"_{node.field}")(node, among))

    def _column(self, name: str) -> NDArray[Any]:
        return self._trace.column(name)[: self._count]

    def _comparable(self, name: str) -> Mask:
        """Return which rows have a value to differ from: no status is not another status."""
        if name == "status":
            return _mask(self._column("status") != NO_STATUS)
        if name == "ms":
            return _mask(~np.isnan(self._column("ms")))
        return np.ones(self._count, dtype=np.bool_)

    # ---- from the index

    def _status(self, test: Test, _: Mask) -> Mask:
        status = self._column("status")
        if test.value == "none":
            return _mask(status == NO_STATUS)
        hundreds = test.value.endswith("xx")
        limit = int(test.value[0]) if hundreds else int(test.value, 0)
        passed = _compared(status // 100 if hundreds else status, test.op, limit)
        return _mask(passed & (status != NO_STATUS))

    def _ms(self, test: Test, _: Mask) -> Mask:
        limit = language.milliseconds(test.value) or 0.0
        with np.errstate(invalid="ignore"):
            return _compared(self._column("ms"), test.op, np.float32(limit))

    def _topic(self, test: Test, _: Mask) -> Mask:
        wanted = _glob(test.value)
        return self._sorts(lambda topic, _kind, _phase: wanted(topic))

    def _kind(self, test: Test, _: Mask) -> Mask:
        wanted = _glob(test.value)
        return self._sorts(lambda _topic, kind, _phase: wanted(kind))

    def _sorts(self, wanted: Callable[[str, str, str], bool], *, shown: bool = False) -> Mask:
        return _mask(self._trace.codes.table(wanted, shown=shown)[self._column("sort")])

    def _name(self, test: Test, among: Mask) -> Mask:
        return self._names(_glob(test.value), among)

    def _names(self, wanted: Callable[[str], bool], among: Mask) -> Mask:
        codes = self._column("name")
        mask: Mask = self._trace.codes.name_table(wanted)[codes]
        for row in np.flatnonzero(mask & (codes == 0) & among).tolist():
            mask[row] = wanted(self._trace.head(row).name)
        return mask

    def _method(self, test: Test, among: Mask) -> Mask:
        calls = self._sorts(lambda _t, kind, _p: kind == Kind.CALL, shown=True)  # one row of each
        calls &= self._names(_glob(test.value), calls)
        exchanges = among & self._sorts(lambda _t, kind, _p: kind == Kind.EXCHANGE)
        rows = np.flatnonzero(exchanges)
        exchanges[rows] = is_among(self._column("parent")[rows], np.sort(self._column("id")[calls]))
        return calls | exchanges

    def _host(self, test: Test, among: Mask) -> Mask:
        wanted = _glob(test.value)
        exchanges = self._sorts(lambda _t, kind, _p: kind == Kind.EXCHANGE)
        return exchanges & self._names(lambda name: wanted(_host(name)), exchanges & among)

    def _id(self, test: Test, _: Mask) -> Mask:
        return _prefixed(self._column("id"), test.value)

    def _op(self, test: Test, _: Mask) -> Mask:
        return _prefixed(self._column("op"), test.value)

    def _pid(self, test: Test, _: Mask) -> Mask:
        processes = self._trace.codes.processes
        table = np.array([pid == int(test.value) for _, pid in processes], dtype=np.bool_)
        return _mask(table[self._column("process")])

    def _file(self, test: Test, _: Mask) -> Mask:
        wanted = _part(test.value)
        named = [wanted(name) for name in self._trace.files]
        table = np.array([named[file] for file, _ in self._trace.codes.processes], dtype=np.bool_)
        return _mask(table[self._column("process")])

    def _since(self, test: Test, _: Mask) -> Mask:
        return _mask(self._column("ts") >= self._moment(test.value))

    def _until(self, test: Test, _: Mask) -> Mask:
        return _mask(self._column("ts") <= self._moment(test.value))

    def _moment(self, text: str) -> int:
        """Return a time of the filter as µs since 1970; a time of day is one of the first day."""
        first = self._trace.time_of(0) if self._count else 0
        if text.startswith("+"):
            return first + int((language.milliseconds(text[1:]) or 0) * 1000)
        if "-" not in text[:8]:
            day = datetime.fromtimestamp(first / 1e6, UTC).date().isoformat()
            text = f"{day}T{text.zfill(len(text) + (text.find(':') == 1))}"
        moment = datetime.fromisoformat(text.replace(" ", "T"))
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return int(moment.timestamp() * 1_000_000)

    def _finding(self, test: Test, _: Mask) -> Mask:
        wanted = _glob(test.value)
        ids = [e for rule, es in self._context.findings.items() if wanted(rule) for e in es]
        return self._having(ids)

    def _is(self, test: Test, among: Mask) -> Mask:
        word = test.value.lower()
        if word == "marked":
            return self._having(self._context.marked)
        if word == "unanswered":
            return self._sorts(
                lambda _t, kind, phase: phase == Phase.START and kind in {Kind.CALL, Kind.EXCHANGE}
            )
        if word == "retry":
            return self._retry(Test("retry", ">", "1"), among)
        mask = np.zeros(self._count, dtype=np.bool_)
        rows = np.flatnonzero(among)
        mask[rows] = self._trace.failures(rows)
        return mask

    def _having(self, ids: Any) -> Mask:
        mask = np.zeros(self._count, dtype=np.bool_)
        for event_id in ids:
            row = self._trace.row_of(event_id)
            if row is not None and row < self._count:
                mask[row] = True
        return mask

    # ---- from the lines

    def _retry(self, test: Test, among: Mask) -> Mask:
        limit = int(test.value)
        tried = self._sorts(lambda _t, kind, _p: kind in {Kind.CALL, Kind.EXCHANGE})
        mask = np.zeros(self._count, dtype=np.bool_)
        for row in np.flatnonzero(tried & among).tolist():
            mask[row] = bool(_compared(np.array(self._of(row).tries()), test.op, limit))
        return mask

    def _account(self, test: Test, among: Mask) -> Mask:
        return self._facts_with(test, among, Facts.who)

    def _url(self, test: Test, among: Mask) -> Mask:
        return self._facts_with(test, among, lambda found: str(found.url or ""))

    def _facts_with(self, test: Test, among: Mask, text_of: Callable[[Facts], str]) -> Mask:
        """Decode the lines of `among` that hold the value anywhere."""
        wanted = _part(test.value)
        if not set("*?,") & set(test.value):
            among = among & self._text(Test("text", ":", test.value.lower()), among)
        mask = np.zeros(self._count, dtype=np.bool_)
        for row in np.flatnonzero(among).tolist():
            mask[row] = wanted(text_of(self._of(row)))
        return mask

    def _via(self, test: Test, among: Mask) -> Mask:
        """Operations that say by which rule they got their account, and the steps of that rule."""
        wanted = _glob(test.value)
        steps = self._sorts(lambda _t, kind, _p: kind == Kind.STEP)
        mask = steps & self._names(wanted, steps)
        rest = among & self._sorts(lambda _t, kind, _p: kind == Kind.OPERATION)
        for row in np.flatnonzero(rest).tolist():
            mask[row] = wanted(str(self._of(row).via or ""))
        return mask

    def _of(self, row: int) -> Facts:
        found = self._facts.get(row)
        if found is None:
            found = self._facts[row] = facts(self._trace.raw(row))
        return found

    def _text(self, test: Test, among: Mask) -> Mask:
        mask = np.zeros(self._count, dtype=np.bool_)
        rows = np.flatnonzero(among)
        if rows.size > _FEW:
            found = search(self._trace, test.value).rows
            mask[found[found < self._count]] = True
            return mask
        flags = re.IGNORECASE if test.value == test.value.lower() else 0
        words = "|".join(re.escape(s.decode("utf-8", "replace")) for s in spellings(test.value))
        pattern = re.compile(words, flags)
        for row in rows.tolist():
            lines = [self._trace.raw(n) for n in self._trace.rows_of(self._trace.id_of(row))]
            lines = lines or [self._trace.raw(row)]
            mask[row] = any(pattern.search(line.decode("utf-8", "replace")) for line in lines)
        return mask


_DECODED: Final = {"account": 3, "url": 3, "via": 3, "retry": 3, "text": 2, "finding": 1, "is": 1}


def _cost(node: Node) -> int:
    """Return what comes later: the index first, searched text next, decoded lines last."""
    if isinstance(node, Test):
        return _DECODED.get(node.field, 0)
    if isinstance(node, Not):
        return _cost(node.part)
    return max((_cost(part) for part in node.parts), default=0)


def _compared(values: NDArray[Any], op: str, limit: Any) -> Mask:
    compare: dict[str, Callable[[Any, Any], Mask]] = {
        ":": np.equal, "<": np.less, "<=": np.less_equal,
        ">": np.greater, ">=": np.greater_equal,
    }  # fmt: skip
    return compare[op](values, limit)


def _glob(pattern: str) -> Callable[[str], bool]:
    """Return the test for one of several words with ``*`` and ``?``, whatever the case."""
    joined = "|".join(translate(word) for word in pattern.lower().split(",") if word)
    compiled = re.compile(joined or r"(?!)")
    return lambda text: compiled.match(text.lower()) is not None


def _part(pattern: str) -> Callable[[str], bool]:
    """Return the test for a part of a text, or a pattern of all of it."""
    if set("*?,") & set(pattern):
        return _glob(pattern)
    wanted = pattern.lower()
    return lambda text: wanted in text.lower()


def _host(name: str) -> str:
    """Return the host in the name of an exchange, ``METHOD host`` or ``METHOD host:port``."""
    return re.sub(r":\d+\Z", "", name.partition(" ")[2])


def _mask(values: Any) -> Mask:
    return np.asarray(values, dtype=np.bool_)


def _prefixed(ids: NDArray[np.uint64], prefix: str) -> Mask:
    low = int(prefix.ljust(16, "0"), 16)
    high = int(prefix.ljust(16, "f"), 16)
    return (ids >= np.uint64(low)) & (ids <= np.uint64(high))
