"""A store that is sealed, merged or compacted while it is written, and what it holds at every step of that.

Run as a process with the folder, the steps that it may take and the act, it kills itself at the next step. Each line
that it says stands for a step with its commits done.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from gops.clock import DAY, FixedClock, from_micros
from gops.store.duckdb import DuckdbStore
from gops.store.duckdb.keeping import Pace
from gops.store.memory import MemoryStore
from gops.store.port import Store
from tests.contracts.store.rows import Values, batch, reading

START = 1_767_225_600_000_000  # 2026-01-01T00:00Z
DAYS = 3
PER_DAY = 6
FILE_ROWS = 5
KEPT_FILE_ROWS = 12  # so that a month is two files or three: each is a step more to be killed at
ACTS = ("seal", "merge", "compact")
Commit = Callable[[Store], object]


def paced(step: Callable[[str], None], file_rows: int = FILE_ROWS) -> Pace:
    """January 2026 is over."""
    return Pace(FixedClock(from_micros(START + 40 * DAY)), 0, file_rows, step)


def rows(day: int, value: float) -> list[Values]:
    """Two Datastreams, three moments of a day."""
    return [
        reading(one, START + day * DAY + n * DAY // 3, value + n, result_time=1)
        for one in (1, 2)
        for n in range(PER_DAY // 2)
    ]


def write(given: list[Values]) -> Commit:
    return lambda store: store.write(batch(given), "replace")


def delete(datastream: int, start: int, end: int) -> Commit:
    return lambda store: store.delete([datastream], start, end)


BEFORE = [write(rows(day, 10.0 * day)) for day in range(DAYS)]
LATE = [write([*rows(0, 500.0)[:4], reading(4, START + 5, 1.0)]), delete(1, START, START + DAY // 2)]


def during(n: int) -> list[Commit]:
    """What is committed at step ``n``: rows of the day that is being written to a file, and fresh ones."""
    return [
        write([reading(1, START + n, float(n)), reading(3, START + 45 * DAY - n, 1.0), reading(2, START, -1.0 * n)]),
        delete(2, START + DAY // 3 + n % 2, START + DAY // 2),
    ]


class Kept:
    """``committed`` is all that was done, in its order; ``at_step`` hears of each step of ``act`` before it writes."""

    def __init__(self, folder: Path, act: str, at_step: Callable[[str], None]) -> None:
        self.committed: list[Commit] = []
        self._steps, self._on = 0, False
        self._at_step = at_step
        self.store = DuckdbStore(folder, 256, 2, 16, 8, pace=paced(self._step, KEPT_FILE_ROWS))
        self._commit(BEFORE)
        if act != "seal":
            self.store.seal(START + (2 if act == "compact" else 1) * DAY)
            self._commit(LATE)
        self._on = True
        if act == "seal":
            self.store.seal(START + DAY)
        elif act == "merge":
            self.store.merge()
        else:
            self.store.compact()
        self._on = False

    def _commit(self, work: list[Commit]) -> None:
        for one in work:
            one(self.store)
            self.committed.append(one)

    def _step(self, name: str) -> None:
        if self._on:
            self._at_step(name)
            self._steps += 1
            self._commit(during(self._steps))


def twin_of(committed: list[Commit]) -> MemoryStore:
    twin = MemoryStore()
    for one in committed:
        one(twin)
    return twin


def all_commits(act: str) -> list[Commit]:
    """What ``Kept`` commits, in its order, and more than it does."""
    return [*BEFORE, *(LATE if act != "seal" else []), *(one for n in range(1, 100) for one in during(n))]


if __name__ == "__main__":
    left = int(sys.argv[2])

    def count_down(_step: str) -> None:
        global left
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1
        print("step", flush=True)  # what follows is committed before the next

    Kept(Path(sys.argv[1]), sys.argv[3], count_down)
