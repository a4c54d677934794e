"""Finding the rows of an id: by looking through the column at first, by a sorted order later."""

from bisect import bisect_left, bisect_right
from typing import Final

import numpy as np
from numpy.typing import NDArray

from viewer.model.store import Rows, Store

_PATIENCE: Final = 16
"""After that many looks through a whole column, sorting it is the cheaper way."""
_BITS: Final = 5


class Lookup:
    """The rows of each number in one column of ids; four bytes an event once it is sorted."""

    def __init__(self, store: Store, column: str) -> None:
        self._store = store
        self._column = column
        self._order: NDArray[np.uint32] | None = None
        self._looked = 0

    def prepare(self) -> None:
        """Sort now, so that no later look has to."""
        column = self._store[self._column]
        if self._order is None or self._order.size < column.size:
            self._order = _sorted(column)

    def moved(self, first: int) -> None:
        """Forget what is known of the rows from `first` on."""
        if self._order is not None and first < self._order.size:
            self._order = None

    def rows(self, number: int) -> Rows:
        """Return the rows with this number, ascending."""
        column = self._store[self._column]
        key = np.uint64(number)
        done = 0 if self._order is None else self._order.size
        self._looked += column.size - done
        if self._looked > _PATIENCE * column.size + 10_000:
            self._looked = 0
            self.prepare()
            done = column.size
        tail = np.flatnonzero(column[done:] == key) + done
        if self._order is None or not done:
            return tail
        order = self._order
        # not np.searchsorted: each call of it would first copy all of `order` into wider numbers
        low = bisect_left(order, key, key=column.__getitem__)
        high = bisect_right(order, key, lo=low, key=column.__getitem__)
        found: Rows = np.concatenate([np.sort(order[low:high]).astype(np.int64), tail])
        return found

    def last_rows(self, numbers: NDArray[np.uint64]) -> Rows:
        """Return for each number, all of which occur, the last row that has it."""
        self.prepare()
        assert self._order is not None
        column = self._store[self._column][: self._order.size]
        places = np.searchsorted(column, numbers, side="right", sorter=self._order) - 1
        return self._order[places].astype(np.int64)


def _sorted(column: NDArray[np.uint64]) -> NDArray[np.uint32]:
    """Return the rows in the order of their numbers, ascending where these are the same.

    Part by part, by the first bits: sorting all of it at once needs four times what is kept.
    """
    order = np.empty(column.size, dtype=np.uint32)
    parts = column.view(np.uint8)[7::8] >> (8 - _BITS)
    done = 0
    for part in range(1 << _BITS):
        rows = np.flatnonzero(parts == part)
        order[done : done + rows.size] = rows[np.argsort(column[rows], kind="stable")]
        done += rows.size
    return order
