"""Commits of the embedded store: milliseconds until a write is durable, and rows/s, beside DuckDB alone.

DuckDB alone inserts the same Arrow table into the same columns and commits: no duplicates looked for, nothing kept.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa

from bench._store import ROWS_A_SERIES, START, STEP, Figure, filled, measure, rows, show
from gops.clock import MINUTE
from gops.store.duckdb import DuckdbStore, schema
from gops.store.port import Delivery, Store

LATER = START + 2 * ROWS_A_SERIES * STEP
PACED_ROWS_A_SECOND = 2000
PACED_P99_MILLIS = 100.0
DATASTREAMS = 5000


def fresh(size: int, datastreams: int = DATASTREAMS) -> Callable[[], pa.Table]:
    """Batches of new readings: every call gives the next."""
    count = itertools.count()

    def make() -> pa.Table:
        n = np.arange(size) + next(count) * size
        return rows(n % datastreams + 1, LATER + size * MINUTE + n // datastreams * MINUTE, size)

    return make


def writing(store: Store, make: Callable[[], pa.Table]) -> Callable[[], int]:
    ready = iter([make() for _ in range(330)])
    return lambda: store.write(next(ready), "replace").outcomes.__len__()


def commits(store: DuckdbStore) -> list[Figure]:
    figures = [
        measure("20 new rows", writing(store, fresh(20)), 300),
        measure("1,000 new rows", writing(store, fresh(1000)), 300, bar=5.0),
        measure("20,000 new rows", writing(store, fresh(20_000)), 60, bar=20_000 / 1.5e6 * 1e3),
    ]
    again = fresh(1000)()
    changing = (again.set_column(2, "value", pa.array(np.full(1000, float(n)))) for n in itertools.count())
    store.write(again, "replace")
    figures += [
        measure("1,000 rows that stand, unchanged", lambda: store.write(again, "replace").unchanged or 0, 50),
        measure("1,000 rows that stand, replaced", lambda: store.write(next(changing), "replace").replaced or 0, 50),
    ]
    chance = np.random.default_rng(5)
    late = (
        rows(chance.integers(1, 11, 100), START - MINUTE + chance.integers(0, ROWS_A_SERIES, 100) * STEP)
        for _ in itertools.count()
    )
    figures.append(
        measure("100 late rows anywhere in a year", lambda: len(store.write(next(late), "keep").outcomes), 20)
    )
    one = rows(np.ones(10_000), np.full(10_000, LATER))
    figures.append(measure("10,000 rows of one (Datastream, t)", lambda: len(store.write(one, "replace").outcomes), 20))
    empty = rows(np.empty(0), np.empty(0))
    packets = ([Delivery("bench", (n + k) % 65_535 + 1, n) for k in range(1000)] for n in itertools.count(0, 1000))
    figures.append(measure("1,000 deliveries", lambda: len(store.write(empty, "replace", next(packets)).outcomes), 100))
    return figures


def duckdb_alone() -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="gops-bench-") as folder:
        connection = schema.connect(Path(folder), 512, 2)

        def insert(make: Callable[[], pa.Table]) -> Callable[[], int]:
            ready = iter([make() for _ in range(330)])

            def work() -> int:
                table = next(ready)
                connection.register("batch", table)
                connection.execute(f"INSERT INTO reading SELECT {schema.COLUMNS} FROM batch")
                connection.unregister("batch")
                return table.num_rows

            return work

        figures = [
            measure(f"{size:,} new rows", insert(fresh(size)), times)
            for size, times in ((20, 300), (1000, 300), (20_000, 60))
        ]
        connection.close()
        return figures


def paced(store: Store, seconds: int) -> Figure:
    """2,000 rows/s in commits of 20 to 200 rows; a commit that comes late waits for nobody, so lateness shows."""
    chance = np.random.default_rng(3)
    millis, written, begun = [], 0, time.perf_counter()
    while (now := time.perf_counter() - begun) < seconds:
        due = written / PACED_ROWS_A_SECOND
        if due > now:
            time.sleep(due - now)
        size = int(chance.integers(20, 201))
        n = np.arange(size) + written
        batch = rows(n % DATASTREAMS + 1, 2 * LATER - START + n // DATASTREAMS * MINUTE, written)
        started = time.perf_counter()
        store.write(batch, "replace")
        millis.append((time.perf_counter() - started) * 1e3)
        written += size
    return Figure(
        f"{PACED_ROWS_A_SECOND} rows/s in commits of 20 to 200 rows, {seconds} s", millis, written // len(millis)
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="with 10 M rows present and 60 s of paced commits")
    full = parser.parse_args().full
    total, seconds = (10_000_000, 60) if full else (1_000_000, 15)
    with filled(total) as store:
        met = show(f"GOPS, {total:,} rows present", commits(store))
        run = paced(store, seconds)
        met &= show(f"GOPS at a steady pace, {total:,} rows present", [run])
        p99 = float(np.percentile(run.millis, 99))
        print(f"p99 {p99:.1f} ms, bar {PACED_P99_MILLIS:g} ms {'met' if p99 <= PACED_P99_MILLIS else 'MISSED'}")
    show("DuckDB alone, empty table", duckdb_alone())
    sys.exit(not (met and p99 <= PACED_P99_MILLIS))


if __name__ == "__main__":
    main()
