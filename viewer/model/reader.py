"""The reading of one file, block by block: lines found, heads read, damage listed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any, Final

import numpy as np
import orjson

from tracer.schema.events import HEAD_END, Event
from tracer.schema.lines import DamagedLineError, NewerVersionError, parse
from viewer.model.blocks import BLOCK, Blocks, control_characters
from viewer.model.heads import NO_STATUS, PADDING, Heads, Layouts, read_heads
from viewer.model.source import MIB, Source
from viewer.model.store import TYPES, Array, Codes, Interner

LINE_LIMIT: Final = 128 * MIB
"""A longer line is damage: it is stepped over, never held."""
_BLANKS: Final = b" \t\r\n\0"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NOTHING: Final[Array] = np.empty(0, dtype=np.uint8)


@dataclass(frozen=True, slots=True)
class Damage:
    """A line that is no event."""

    file: str
    line: int
    """Counted from 1."""
    offset: int
    size: int
    reason: str
    newer: bool = False
    """A later version of the format wrote it."""


def id_number(text: str | None) -> int:
    """Return an id as a number: that of its 16 hex digits, of any other text a hash; 0 for null."""
    if not text:
        return 0
    if len(text) == 16 and not text.strip("0123456789abcdef"):
        return int(text, 16)
    return int.from_bytes(blake2b(text.encode("utf-8", "replace"), digest_size=8).digest(), "big")


def micros(text: str) -> int | None:
    """Return a time of the format as µs since 1970, None if it is none."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - _EPOCH) // timedelta(microseconds=1)


class Reader:
    """How far one file is read, and what was wrong with it."""

    def __init__(self, number: int, source: Source, codes: Codes) -> None:
        self.number = number
        self.source = source
        self.position = 0
        """Where the next line begins that is not read yet."""
        self.lines = 0
        """Newlines before `position`."""
        self.last_ts = -(1 << 62)
        self.damage: list[Damage] = []
        self.tail: Damage | None = None
        """A last line without its end: still being written, or cut off."""
        self.at_end = False
        """Whether all that can be read now is."""
        self._codes = codes
        self._layouts = Layouts()
        self._sorts = Interner()
        self._names = Interner()
        self._looked_at = -1
        self._skipping = False
        self._blocks = Blocks(source)
        self._text = _NOTHING

    def step(self, budget: int = BLOCK) -> Mapping[str, Array] | None:
        """Read about `budget` bytes and return their rows as columns; None when there are none.

        A budget of `BLOCK` is for somebody who waits for all of it: the next block is read ahead.
        """
        more = self.source.advance(budget)
        size = self.source.size()
        if size == self._looked_at and not more and self.at_end:
            return None
        self._looked_at = size
        block = self._blocks.read(self.position, budget, min(LINE_LIMIT, size - self.position))
        if not block.newlines.size and block.size >= LINE_LIMIT:
            self._skip(block.size)
            return None
        at_end = self.position + block.size >= size and not more
        end = int(block.newlines[-1]) + 1 if block.newlines.size else 0
        if budget == BLOCK and not at_end and end:
            following = self.position + end
            self._blocks.read_ahead(following, min(budget, size - following))
        rows = self._block(block.bytes, block.newlines, block.control)
        self.position += end
        self.lines += block.newlines.size
        self.tail = None
        if at_end and end < block.size:
            rows = _joined(rows, self._last_line(block.bytes[end : block.size].tobytes()))
        self.at_end = at_end
        self._text = _NOTHING
        if at_end or block.bytes.size > 2 * BLOCK:  # neither rest nor one huge line costs memory
            self._blocks.release()
        return rows

    def _skip(self, size: int) -> None:
        """Step over a piece of a line that is too long to be one."""
        if not self._skipping:
            self._damaged(self.lines + 1, self.position, size, "longer than 128 MiB")
        self._skipping = True
        self.position += size

    def _last_line(self, line: bytes) -> Mapping[str, Array] | None:
        """Take a last line without a newline if it is whole, else remember it as the tail."""
        if not line.strip(_BLANKS):
            return None
        try:
            parse(line)
        except DamagedLineError:
            self.tail = Damage(
                self.source.name, self.lines + 1, self.position, len(line), "cut off: it has no end"
            )
            return None
        text = np.frombuffer(line + bytes(PADDING), dtype=np.uint8)
        rows = self._block(text, np.array([len(line)]), control_characters(text, len(line)))
        self.position += len(line)
        return rows

    def _block(self, text: Array, newlines: Array, control: Array) -> Mapping[str, Array] | None:
        """Return the rows of the lines in `text` that end at `newlines`."""
        if not newlines.size:
            return None
        self._text = text
        starts = np.concatenate([np.zeros(1, dtype=np.int64), newlines[:-1] + 1])
        numbers = np.arange(newlines.size)
        if self._skipping:  # the rest of a line that was too long
            starts, newlines, numbers = starts[1:], newlines[1:], numbers[1:]
            self._skipping = False
        filled = np.flatnonzero(newlines > starts)
        if not filled.size:
            return None
        starts, ends, numbers = starts[filled], newlines[filled], numbers[filled]
        heads = read_heads(text, starts, ends, self._layouts)
        if control.size:
            heads.ok[np.minimum(np.searchsorted(ends, control), ends.size - 1)] = False
        return self._rows(heads, starts, ends, numbers)

    def _line(self, start: int, end: int) -> bytes:
        return self._text[start:end].tobytes()

    def _rows(
        self, heads: Heads, starts: Array, ends: Array, numbers: Array
    ) -> Mapping[str, Array] | None:
        fast = np.flatnonzero(heads.ok)
        columns: dict[str, Array] = {
            "offset": starts[fast] + self.position,
            "ts": heads.ts[fast],
            "ms": heads.ms[fast],
            "status": heads.status[fast],
            "op": heads.op[fast],
            "parent": heads.parent[fast],
            "id": heads.id[fast],
        }

        def head_of(place: int) -> dict[str, Any]:
            return _head(self._line(starts[fast[place]], ends[fast[place]]))

        def sort_of(place: int) -> int:
            head = head_of(place)
            return self._codes.sort(head["topic"], head["kind"], head["phase"])

        columns["sort"] = self._sorts.codes(heads.sort[fast], sort_of)
        columns["name"] = self._names.codes(
            heads.name[fast], lambda place: self._codes.name(head_of(place)["name"])
        )
        columns["process"] = self._processes(heads.pid[fast])
        slow = np.flatnonzero(~heads.ok)
        if slow.size:
            columns = self._with_slow(columns, starts, ends, numbers, fast, slow)
        if not columns["ts"].size:
            return None
        self.last_ts = int(columns["ts"].max())
        return columns

    def _processes(self, pids: Array) -> Array:
        if pids.size and (pids == pids[0]).all():
            return np.full(pids.size, self._codes.process(self.number, int(pids[0])))
        unique, inverse = np.unique(pids, return_inverse=True)
        codes = [self._codes.process(self.number, int(pid)) for pid in unique]
        return np.array(codes, dtype=np.int64)[inverse]

    def _with_slow(
        self, columns: dict[str, Array], starts: Array, ends: Array,
        numbers: Array, fast: Array, slow: Array,
    ) -> dict[str, Array]:  # fmt: skip
        """Add the lines that are not as the writer writes them, read one by one."""
        events: list[tuple[int, Event]] = []
        for n in slow.tolist():
            line = self._line(starts[n], ends[n])
            if not line.strip(_BLANKS):
                continue
            try:
                events.append((n, parse(line)))
            except DamagedLineError as error:
                self._damaged(
                    self.lines + int(numbers[n]) + 1,
                    self.position + int(starts[n]),
                    len(line),
                    str(error),
                    newer=isinstance(error, NewerVersionError),
                )
        if not events:
            return columns
        places = np.concatenate([fast, [n for n, _ in events]])
        order = np.argsort(places, kind="stable")
        facts = self._facts(events, starts)
        return {name: np.concatenate([columns[name], facts[name]])[order] for name in columns}

    def _facts(self, events: list[tuple[int, Event]], starts: Array) -> dict[str, Array]:
        last = self.last_ts if self.last_ts > 0 else 0
        rows: dict[str, list[Any]] = {name: [] for name in TYPES}
        for n, event in events:
            last = _in_range(micros(event.ts), last)
            rows["offset"].append(int(starts[n]) + self.position)
            rows["ts"].append(last)
            rows["ms"].append(np.nan if event.ms is None else float(event.ms))
            status = NO_STATUS if event.status is None else event.status
            rows["status"].append(min(max(status, 0), NO_STATUS))
            rows["sort"].append(self._codes.sort(event.topic, event.kind, event.phase))
            rows["name"].append(self._codes.name(event.name))
            pid = event.pid if 0 <= event.pid < 1 << 53 else -1
            rows["process"].append(self._codes.process(self.number, pid))
            for key in ("op", "parent", "id"):
                rows[key].append(id_number(getattr(event, key)))
        wide = {"sort": "<i8", "name": "<i8", "process": "<i8"}
        with np.errstate(over="ignore"):
            return {
                name: np.array(values, dtype=wide.get(name, TYPES[name]))
                for name, values in rows.items()
            }

    def _damaged(
        self, line: int, offset: int, size: int, reason: str, *, newer: bool = False
    ) -> None:
        self.damage.append(Damage(self.source.name, line, offset, size, reason, newer))


def _in_range(value: int | None, otherwise: int) -> int:
    return otherwise if value is None else value


def _head(line: bytes) -> dict[str, Any]:
    """Return the head of a line whose layout is known to be the writer's."""
    text = line[: line.find(HEAD_END)] + b"}"
    try:
        head = orjson.loads(text)
    except orjson.JSONDecodeError:  # not UTF-8
        head = orjson.loads(text.decode("utf-8", "replace").encode())
    if not isinstance(head, dict):
        raise DamagedLineError("not a JSON object")
    return head


def _joined(
    first: Mapping[str, Array] | None, second: Mapping[str, Array] | None
) -> Mapping[str, Array] | None:
    if first is None or second is None:
        return second if first is None else first
    return {name: np.concatenate([first[name], second[name]]) for name in first}
