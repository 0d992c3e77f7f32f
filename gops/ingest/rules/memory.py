"""What is remembered of Datastreams between two batches: columns, since a batch looks up a thousand of them at once."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from itertools import repeat

import numpy as np

from gops.ingest.rules.judging import Chain, Ints, Mask

LEAST = 1024  # rows that are laid out at first
NOWHERE = -1


class Memory:
    """The newest comparable reading of each Datastream, and since when its value has been the same.

    Of more than ``size`` Datastreams those are forgotten that were silent longest, an eighth at a time.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._row: dict[int, int] = {}
        self._free: list[int] = []
        self._who, self._t, self._since, self._used = (np.zeros(LEAST, np.int64) for _ in range(4))
        self._value = np.zeros(LEAST)
        self._batches = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._row)

    def find(self, who: Ints) -> tuple[Mask, Chain]:
        """Which of these are remembered, and how: the rows of the others mean nothing."""
        with self._lock:
            rows = self._rows(who)
            safe = np.maximum(rows, 0)
            return rows != NOWHERE, Chain(who, self._t[safe], self._value[safe], self._since[safe])

    def keep(self, ends: Chain) -> None:
        """Remember these, each Datastream once; one that is known by a later reading stays as it is."""
        with self._lock:
            rows = self._rows(ends.who)
            for place in np.flatnonzero(rows == NOWHERE).tolist():
                rows[place] = self._new(int(ends.who[place]), int(ends.t[place]))
            later = ends.t >= self._t[rows]
            rows = rows[later]
            self._t[rows], self._value[rows], self._since[rows] = ends.t[later], ends.value[later], ends.since[later]
            self._batches += 1
            self._used[rows] = self._batches
            if len(self._row) > self._size:
                self._forget_oldest()

    def forget(self, who: Iterable[int]) -> None:
        with self._lock:
            for one in who:
                row = self._row.pop(one, None)
                if row is not None:
                    self._free.append(row)

    def _rows(self, who: Ints) -> Ints:
        return np.fromiter(map(self._row.get, who.tolist(), repeat(NOWHERE)), np.int64, len(who))

    def _new(self, one: int, t: int) -> int:
        row = self._free.pop() if self._free else len(self._row)
        if row == len(self._t):
            for name in ("_who", "_t", "_value", "_since", "_used"):
                column = getattr(self, name)
                setattr(self, name, np.concatenate((column, np.zeros_like(column))))
        self._row[one] = row
        self._who[row], self._t[row] = one, t
        return row

    def _forget_oldest(self) -> None:
        rows = np.fromiter(self._row.values(), np.int64, len(self._row))
        surplus = len(rows) - self._size * 7 // 8
        for row in rows[np.argsort(self._used[rows], kind="stable")[:surplus]].tolist():
            del self._row[int(self._who[row])]
            self._free.append(row)
