"""Questions to the embedded store: milliseconds of the store's share, beside the same SQL in DuckDB alone.

Each Datastream has 100,000 readings, nearly a year of one in five minutes; 1,000 more have one each.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from zoneinfo import ZoneInfo

import numpy as np

from bench._store import ROWS_A_SERIES, START, STEP, Figure, filled, measure, rows, show
from gops.clock import DAY, HOUR
from gops.store.duckdb import DuckdbStore, schema
from gops.store.port import Read, Series, Windows
from gops.windows import edges

SEOUL = ZoneInfo("Asia/Seoul")
END = START + ROWS_A_SERIES * STEP
MIDDLE = START + ROWS_A_SERIES // 2 * STEP
MANY = range(1_000_001, 1_001_001)


def page(**query: object) -> Read:
    return Read([Series(1)], limit=100, **query)  # type: ignore[arg-type]


def hourly(datastreams: Sequence[int], start: int, end: int, every: str = "1h", name: str = "mean") -> Windows:
    kind = "counter" if name == "increase" else "gauge"
    series = [Series(one, kind, period=STEP) for one in datastreams]  # type: ignore[arg-type]
    return Windows(series, edges(start, end, every, SEOUL), [name], start=start, end=end)  # type: ignore[list-item]


def questions(store: DuckdbStore, series: int) -> list[Figure]:
    some = range(1, series + 1)
    first_day = rows(np.array(MANY), np.full(len(MANY), END + DAY))
    store.write(first_day, "replace")

    def windows(datastreams: Sequence[int], start: int, end: int, every: str = "1h", name: str = "mean") -> int:
        return store.aggregate(hourly(datastreams, start, end, every, name)).num_rows

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
        measure("a day of one, raw", lambda: store.read(Read([Series(1)], MIDDLE, MIDDLE + DAY)).num_rows, 100),
        measure("a year of one, raw", lambda: store.read(Read([Series(1)])).num_rows, 20),
        measure(
            "a year of one, streamed", lambda: sum(part.num_rows for part in store.stream(Read([Series(1)]))), 20
        ),
        measure("hourly mean of a year", lambda: windows([1], START, END), 30, bar=40.0),
        measure("hourly median of a year", lambda: windows([1], START, END, name="median"), 30),
        measure("hourly increase of a year", lambda: windows([1], START, END, name="increase"), 30),
        measure("monthly mean of a year", lambda: windows([1], START, END, "1mo"), 30),
        measure(f"hourly mean of a day, {series} Datastreams", lambda: windows(some, MIDDLE, MIDDLE + DAY), 50),
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="10 M rows beside 1 M")
    met = True
    for total in (1_000_000, 10_000_000) if parser.parse_args().full else (1_000_000,):
        with filled(total) as store:
            met &= show(f"GOPS, {total:,} rows", questions(store, total // ROWS_A_SERIES))
            show(f"DuckDB alone, {total:,} rows", duckdb_alone(store))
    sys.exit(not met)


if __name__ == "__main__":
    main()
