"""The index itself: one growing numpy array for each fact of a head, 52 bytes an event in all."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tracer.schema.events import Kind, Phase, Topic

Array = NDArray[Any]
Rows = NDArray[np.int64]
"""Event numbers (rows of the timeline), ascending."""

TYPES: Final[Mapping[str, str]] = {
    "offset": "<i8",  # of the line in its file
    "ts": "<i8",  # µs since 1970
    "ms": "<f4",  # NaN: null
    "status": "<u4",  # NO_STATUS: null
    "sort": "|u1",  # which topic, kind and phase; wider when there are more than 255
    "name": "<u2",  # 0: one of too many names, look at the line
    "process": "|u1",  # which file and process id; wider when there are more than 255
    "op": "<u8",  # 0: null
    "parent": "<u8",
    "id": "<u8",
}
_CODES: Final = 65_535


class Store:
    """The columns, in the order of the timeline. Written by one thread, read by any."""

    def __init__(self) -> None:
        self.count = 0
        self._arrays: dict[str, Array] = {
            name: np.empty(0, dtype=kind) for name, kind in TYPES.items()
        }

    def __getitem__(self, name: str) -> Array:
        """Return a column as far as it is filled; it stays valid when more comes."""
        return self._arrays[name][: self.count]

    def array(self, name: str) -> Array:
        """Return the whole array, to change what is in it."""
        return self._arrays[name]

    def adopt(self, arrays: Mapping[str, Array], count: int) -> None:
        """Take `arrays` of `count` events instead of what is there."""
        self._arrays = dict(arrays)
        self.count = count

    def append(self, rows: Mapping[str, Array], expected: int) -> int:
        """Append rows and keep the order of time; return the first row that is new or moved.

        `expected` is how many events there may be in all: arrays get as long at once. What is not
        filled costs no memory.
        """
        count = rows["ts"].size
        begin, end = self.count, self.count + count
        if end > self._arrays["ts"].size:
            self._grow(max(end + end // 4, expected))
        for name, values in rows.items():
            self._fit(name, values)
            self._arrays[name][begin:end] = values
        times = self._arrays["ts"]
        moved, last = begin, max(begin - 1, 0)
        if np.any(times[last : end - 1] > times[last + 1 : end]):
            first = times[begin:end].min()
            moved = int(np.searchsorted(times[:begin], first, side="right"))
            order = np.argsort(times[moved:end], kind="stable")
            for array in self._arrays.values():
                array[moved:end] = array[moved:end][order]
        self.count = end
        return moved

    def _grow(self, size: int) -> None:
        for name, array in self._arrays.items():
            longer = np.empty(size, dtype=array.dtype)
            longer[: self.count] = array[: self.count]
            self._arrays[name] = longer

    def _fit(self, name: str, values: Array) -> None:
        array = self._arrays[name]
        if array.dtype.itemsize == 1 and values.size and values.max() > 255:
            self._arrays[name] = array.astype("<u2")


class Codes:
    """The words behind the numbers of the columns ``sort``, ``name`` and ``process``."""

    def __init__(self) -> None:
        self.sorts: list[tuple[str, str, str]] = [("", "", "")]
        """Topic, kind and phase. The number after one of phase start is for starts that ended."""
        self.names: list[str] = [""]
        self.processes: list[tuple[int, int]] = []
        """Number of the file, process id (-1: one of too many)."""
        self._sorts: dict[tuple[str, str, str], int] = {}
        self._names: dict[str, int] = {}
        self._processes: dict[tuple[int, int], int] = {}

    def sort(self, topic: str, kind: str, phase: str) -> int:
        """Return the number of a topic, kind and phase; 0 when there are too many."""
        key = (topic, kind, phase)
        code = self._sorts.get(key)
        if code is None:
            if len(self.sorts) + 2 > _CODES:
                return 0
            code = self._sorts[key] = len(self.sorts)
            self.sorts += [key, key] if phase == Phase.START else [key]
        return code

    def name(self, text: str) -> int:
        """Return the number of a name; 0 when there are too many."""
        text = text[:200]
        code = self._names.get(text)
        if code is None:
            if len(self.names) >= _CODES:
                return 0
            code = self._names[text] = len(self.names)
            self.names.append(text)
        return code

    def process(self, file: int, pid: int) -> int:
        """Return the number of a process of a file."""
        code = self._processes.get((file, pid))
        if code is None:
            if len(self.processes) >= _CODES - 1000 and pid != -1:
                return self.process(file, -1)
            code = self._processes[file, pid] = len(self.processes)
            self.processes.append((file, pid))
        return code

    def restore(
        self,
        sorts: list[tuple[str, str, str]],
        names: list[str],
        processes: list[tuple[int, int]],
    ) -> None:
        """Take over what a sidecar kept."""
        self.sorts, self.names, self.processes = sorts, names, processes
        self._sorts = {}
        for code, key in enumerate(sorts):
            self._sorts.setdefault(key, code)
        self._names = {text: code for code, text in enumerate(names) if code}
        self._processes = {key: code for code, key in enumerate(processes)}

    def ended(self, code: int) -> bool:
        """Tell whether `code` is for a start line that has its end line."""
        return self.sorts[code][2] == Phase.START and self._sorts.get(self.sorts[code]) != code

    def table(self, test: Callable[[str, str, str], bool], *, shown: bool = True) -> Array:
        """Return for each number of ``sort`` whether `test` holds (and lists show it)."""
        return np.array(
            [
                test(*key) and not (shown and self.ended(code))
                for code, key in enumerate(self.sorts)
            ],
            dtype=np.bool_,
        )

    def name_table(self, test: Callable[[str], bool]) -> Array:
        """Return for each number of ``name`` whether `test` holds; True for 0: look at the line."""
        return np.array(
            [code == 0 or test(text) for code, text in enumerate(self.names)], dtype=np.bool_
        )


def each_once(rows: Rows) -> Rows:
    """Return the different ones of `rows`, ascending; ``np.unique`` hashes: far slower."""
    ordered = np.sort(rows, kind="stable")
    first = np.ones(ordered.size, dtype=np.bool_)
    np.not_equal(ordered[1:], ordered[:-1], out=first[1:])
    return ordered[first]


class Interner:
    """Gives small numbers to the hashes of a column, and keeps the text of each."""

    def __init__(self) -> None:
        self._hashes = np.zeros(0, dtype=np.uint64)
        self._codes = np.zeros(0, dtype=np.int64)

    def codes(self, hashes: Array, code_of: Callable[[int], int]) -> Array:
        """Return the number of each hash; `code_of` numbers the line (by place) of a new one."""
        while True:
            if self._hashes.size:
                found = np.minimum(np.searchsorted(self._hashes, hashes), self._hashes.size - 1)
                unknown = np.flatnonzero(self._hashes[found] != hashes)
                if not unknown.size:
                    codes: Array = self._codes[found]
                    return codes
            else:
                unknown = np.arange(hashes.size)
            if not unknown.size:
                return np.zeros(0, dtype=np.int64)
            new, first = np.unique(hashes[unknown], return_index=True)
            added = [code_of(int(unknown[n])) for n in first]
            merged = np.concatenate([self._hashes, new])
            order = np.argsort(merged)
            self._hashes = merged[order]
            self._codes = np.concatenate([self._codes, np.array(added, dtype=np.int64)])[order]


def failure_classes(codes: Codes) -> Array:
    """Return for each number of ``sort`` how its failures are told.

    0: never; 1: always; 2: status not 0; 3: null or 400 and more; 4: LDAP; 5: an HRESULT's top bit.
    `tracer.schema.events.is_error` says the same of one event.
    """
    return np.array([_class(code, codes) for code in range(len(codes.sorts))], dtype=np.uint8)


def _class(code: int, codes: Codes) -> int:
    topic, kind, phase = codes.sorts[code]
    if phase != Phase.END:
        unanswered = phase == Phase.START and kind in {Kind.CALL, Kind.EXCHANGE}
        return int(kind == Kind.GAP or (unanswered and not codes.ended(code)))
    if kind == Kind.OPERATION:
        return 2
    if kind not in {Kind.CALL, Kind.EXCHANGE}:
        return 0
    return {Topic.LDAP.value: 4, Topic.MAPI.value: 5}.get(topic, 3)
