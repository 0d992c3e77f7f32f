"""Questions to the embedded store: milliseconds of the store's share, beside the same SQL in DuckDB alone.

Each Datastream has 100,000 readings, nearly a year of one in five minutes; 1,000 more have one each.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from bench._store import FILL_ROWS, ROWS_A_SERIES, START, STEP, Figure, fill, filled, measure, opened, rows, show
from gops.clock import DAY, HOUR, SECOND
from gops.store.duckdb import DuckdbStore, schema
from gops.store.port import Read, Series, Windows
from gops.windows import edges

SEOUL = ZoneInfo("Asia/Seoul")
END = START + ROWS_A_SERIES * STEP
MIDDLE = START + ROWS_A_SERIES // 2 * STEP
MANY = range(1_000_001, 1_001_001)
SOME = 200


def page(**query: object) -> Read:
    return Read([Series(1)], limit=100, **query)  # type: ignore[arg-type]


def hourly(datastreams: Sequence[int], start: int, end: int, every: str = "1h", name: str = "mean") -> Windows:
    kind = "counter" if name == "increase" else "gauge"
    series = [Series(one, kind, period=STEP) for one in datastreams]  # type: ignore[arg-type]
    return Windows(series, edges(start, end, every, SEOUL), [name], start=start, end=end)  # type: ignore[list-item]


def questions(store: DuckdbStore, series: int) -> list[Figure]:
    some = range(1, min(series, SOME) + 1)
    others = cycle(range(1, series + 1))  # another Datastream each time: nothing is answered from a warm cache alone
    first_day = rows(np.array(MANY), np.full(len(MANY), END + DAY))
    store.write(first_day, "replace")

    def windows(datastreams: Sequence[int], start: int, end: int, every: str = "1h", name: str = "mean") -> int:
        return store.aggregate(hourly(datastreams, start, end, every, name)).num_rows

    def raw(datastream: int, start: int, end: int) -> int:
        return store.read(Read([Series(datastream)], start, end)).num_rows

    return [
        measure("page of 100, newest first", lambda: store.read(page(descending=True)).num_rows, 200, bar=2.0),
        measure("page of 100, from the middle", lambda: store.read(page(start=MIDDLE)).num_rows, 200, bar=2.0),
        measure(
            "page of 100, of a day", lambda: store.read(page(start=MIDDLE, end=MIDDLE + DAY)).num_rows, 200, bar=2.0
        ),
        measure(
            "page of 100, by key",
            lambda: store.read(page(start=START, after=(1, MIDDLE), descending=False)).num_rows,
            200,
            bar=2.0,
        ),
        measure(
            f"page of 100 over {len(MANY):,} Datastreams",
            lambda: store.read(Read([Series(one) for one in MANY], limit=100)).num_rows,
            50,
        ),
        measure("latest of 1,000 Datastreams", lambda: store.latest(MANY).num_rows, 100, bar=5.0),
        measure("extent of 1,000 Datastreams", lambda: len(store.extent(MANY)), 100),
        measure("version of 1,000 Datastreams", lambda: store.version(MANY) and 1, 100),
        measure("a day of one, raw", lambda: raw(next(others), MIDDLE, MIDDLE + DAY), 100, bar=5.0),
        measure("a month of one, raw", lambda: raw(next(others), MIDDLE, MIDDLE + 30 * DAY), 100, bar=12.0),
        measure("a year of one, raw", lambda: raw(next(others), START, END), 20),
        measure(
            "a year of one, streamed", lambda: sum(part.num_rows for part in store.stream(Read([Series(1)]))), 20
        ),
        measure("hourly mean of a year", lambda: windows([next(others)], START, END), 30, bar=35.0),
        measure("hourly median of a year", lambda: windows([next(others)], START, END, name="median"), 30),
        measure("hourly increase of a year", lambda: windows([next(others)], START, END, name="increase"), 30),
        measure("monthly mean of a year", lambda: windows([next(others)], START, END, "1mo"), 30),
        measure(
            f"hourly mean of a day, {len(some)} Datastreams", lambda: windows(some, MIDDLE, MIDDLE + DAY), 50, bar=25.0
        ),
        measure("health", lambda: store.health().ok and 1, 100),
    ]  # fmt: skip


def duckdb_alone(store: DuckdbStore) -> list[Figure]:
    cursor = store._database.take()

    def fetched(sql: str, *parameters: int) -> int:
        return len(cursor.connection.execute(sql, parameters).fetchall())

    rows_of = f"SELECT {schema.COLUMNS} FROM reading WHERE datastream = ?"
    hours = f"SELECT (t - {START}) // {HOUR} AS hour, avg(value) FILTER (quality = 0), count(*) FROM reading"
    figures = [
        measure("page of 100, newest first", lambda: fetched(f"{rows_of} ORDER BY t DESC LIMIT 100", 1), 200),
        measure(
            "page of 100, of a day",
            lambda: fetched(f"{rows_of} AND t >= ? AND t < ? ORDER BY t LIMIT 100", 1, MIDDLE, MIDDLE + DAY),
            200,
        ),
        measure("hourly mean of a year", lambda: fetched(f"{hours} WHERE datastream = ? GROUP BY 1 ORDER BY 1", 1), 30),
        measure("select 1", lambda: fetched("SELECT 1"), 200),
    ]
    store._database.give_back(cursor)
    return figures


def after_a_kill(total: int) -> bool:
    """Seconds until a store answers that a kill left, all sealed but 200,000 rows; questions to it; were bars met?"""
    with tempfile.TemporaryDirectory(prefix="gops-bench-") as folder:
        command = [sys.executable, "-m", "bench.store_queries", "--fill", folder, str(total)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
            assert child.stdout is not None
            while child.stdout.readline().strip() not in (b"filled", b""):  # the rest is its log
                pass
            child.kill()
        begun = time.perf_counter()
        store = opened(Path(folder) / "store")
        rows_of_one = store.extent([1])[1].rows
        seconds = time.perf_counter() - begun
        stats = store.stats()
        met = show(f"GOPS, {total:,} rows, sealed", questions(store, total // ROWS_A_SERIES))
        resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(
            f"\nopened {seconds:.2f} s after SIGKILL ({rows_of_one:,} rows of each Datastream); "
            f"{len(stats.files)} files, {stats.sealed_bytes / max(1, stats.sealed_rows):.2f} bytes a sealed row; "
            f"largest resident {resident} MB"
        )
        store.close()
        return met


def keep_filled(folder: Path, total: int) -> None:
    """Fill a store, say so, and wait to be killed."""
    store = opened(folder / "store")
    fill(store, total, sealed=True)
    later = np.arange(FILL_ROWS)
    store.write(rows(later % 1000 + 1_000_001, END + 2 * DAY + later * SECOND), "replace")
    print("filled", flush=True)
    time.sleep(3600)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="10 M rows beside 1 M, and 100 M of them sealed")
    parser.add_argument("--sealed", type=int, nargs="*", help="only sealed stores, of so many rows")
    parser.add_argument("--fill", nargs=2, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.fill:
        keep_filled(Path(chosen.fill[0]), int(chosen.fill[1]))
    met = True
    hot = (1_000_000, 10_000_000) if chosen.full else (1_000_000,)
    for total in hot if chosen.sealed is None else ():
        with filled(total) as store:
            met &= show(f"GOPS, {total:,} rows", questions(store, total // ROWS_A_SERIES))
            show(f"DuckDB alone, {total:,} rows", duckdb_alone(store))
    for total in chosen.sealed or ((1_000_000, 10_000_000, 100_000_000) if chosen.full else (1_000_000,)):
        met &= after_a_kill(total)
    sys.exit(not met)


if __name__ == "__main__":
    main()
