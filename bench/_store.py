"""What the benches of the store share: a store full of readings, timing, and a table of milliseconds."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa

from gops.clock import MINUTE
from gops.store.duckdb import DuckdbStore
from gops.store.duckdb.calendar import Calendar
from gops.store.port import READINGS

START = 1_735_657_200_000_000  # 2025-01-01T00:00+09:00
STEP = 5 * MINUTE
ROWS_A_SERIES = 100_000  # nearly a year of one reading in five minutes
FILL_ROWS = 200_000
DAY_OFFSET_S = 9 * 3600  # START is a midnight there


def rows(datastream: np.ndarray, t: np.ndarray, seed: int = 1) -> pa.Table:
    """Readings with one decimal, 2 % of them suspect."""
    chance = np.random.default_rng(seed)
    size = len(t)
    return pa.Table.from_arrays(
        [
            pa.array(datastream.astype(np.int64)),
            pa.array(t.astype(np.int64)),
            pa.array(np.round(chance.random(size) * 100, 1)),
            pa.nulls(size, pa.string()),
            pa.array((chance.random(size) < 0.02).astype(np.uint8) * 2),
            pa.nulls(size, pa.int64()),
        ],
        schema=READINGS,
    )


def opened(folder: Path) -> DuckdbStore:
    return DuckdbStore(folder, memory_mb=512, threads=2, queue=64, deliveries_kept=10_000, day_offset_s=DAY_OFFSET_S)


def fill(store: DuckdbStore, total: int, sealed: bool) -> None:
    """``total`` rows: total / 100,000 Datastreams from 1 on, written moment by moment as devices do.

    ``sealed``: each month becomes files when it is written, as it would when it is past.
    """
    series = max(1, total // ROWS_A_SERIES)
    calendar = Calendar(DAY_OFFSET_S)
    done = START
    for begin in range(0, total, FILL_ROWS):
        n = np.arange(begin, min(total, begin + FILL_ROWS))
        t = START + n // series * STEP
        store.write(rows(n % series + 1, t, begin), "replace")
        month, _ = calendar.month(int(t[0]))
        if sealed and month > done:
            store.seal(month)
            done = month
    if sealed:
        store.seal(calendar.month(START + ROWS_A_SERIES * STEP)[1])


@contextmanager
def filled(total: int, sealed: bool = False) -> Iterator[DuckdbStore]:
    """A store with ``total`` rows, hot or sealed; see ``fill``."""
    with tempfile.TemporaryDirectory(prefix="gops-bench-") as folder:
        store = opened(Path(folder) / "store")
        try:
            fill(store, total, sealed)
            yield store
        finally:
            store.close()


@dataclass(frozen=True)
class Figure:
    """One line of a table. ``bar`` is the most milliseconds that the median may take.

    ``processor`` is the milliseconds of all threads of this process, to which other work on the machine adds less.
    """

    name: str
    millis: list[float]
    rows: int
    bar: float | None = None
    processor: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        return statistics.median(self.millis)

    @property
    def met(self) -> bool:
        return self.bar is None or self.median <= self.bar


def measure(name: str, work: Callable[[], int], times: int, bar: float | None = None) -> Figure:
    """Call ``work``, which answers a number of rows, so many times after two that do not count."""
    work()
    found = work()
    millis, processor = [], []
    for _ in range(times):
        begun, used = time.perf_counter(), time.process_time()
        found = work()
        millis.append((time.perf_counter() - begun) * 1e3)
        processor.append((time.process_time() - used) * 1e3)
    return Figure(name, millis, found, bar, processor)


def show(title: str, figures: list[Figure]) -> bool:
    """Print the table; whether every bar was met."""
    print(f"\n{title}")
    titles = (
        f"{'median ms':>10} {'p95 ms':>9} {'p99 ms':>9} {'max ms':>9} {'rows':>8} {'rows/s':>12} {'cpu ms':>8}  bar"
    )
    print(f"{'':44} {titles}")
    for one in figures:
        p95, p99 = np.percentile(one.millis, [95, 99])
        bar = "" if one.bar is None else f"{one.bar:g} ms {'met' if one.met else 'MISSED'}"
        speed = one.rows / one.median * 1e3
        cpu = f"{statistics.median(one.processor):8.2f}" if one.processor else " " * 8
        print(
            f"{one.name:44} {one.median:10.2f} {p95:9.2f} {p99:9.2f} {max(one.millis):9.2f}"
            f" {one.rows:8,} {speed:12,.0f} {cpu}  {bar}",
            flush=True,
        )
    return all(one.met for one in figures)
