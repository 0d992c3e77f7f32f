"""The VictoriaMetrics store: rows/s until they are on disk, by either way of knowing so; questions; bytes a row.

Runs a server of its own (Debian's victoria-metrics). ``docs/scale.md`` quotes it.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from bench._servers import HttpServer, free_port, installed
from bench._store import FILL_ROWS, ROWS_A_SERIES, START, STEP, Figure, measure, rows, show
from gops.clock import DAY, SystemClock
from gops.kinds import Aggregate
from gops.store.port import Read, Series, Store, Windows
from gops.store.victoria import Flush, Place, VictoriaStore

IN_FLIGHT = 16
MEAN: tuple[Aggregate, ...] = ("mean",)


@contextmanager
def server(folder: Path) -> Iterator[HttpServer]:
    port = free_port()
    options = [f"-storageDataPath={folder / 'data'}", f"-httpListenAddr=127.0.0.1:{port}", "-retentionPeriod=100y"]
    running = HttpServer(
        [installed("victoria-metrics"), *options, "-dedup.minScrapeInterval=1ms"], port, folder / "log", "/health"
    )
    try:
        yield running
    finally:
        running.close()


def opened(running: HttpServer, flush: Flush) -> VictoriaStore:
    return VictoriaStore(Place(f"http://127.0.0.1:{running.port}"), SystemClock(), flush=flush, queue=2 * IN_FLIGHT)


def fill(store: Store, total: int) -> float:
    """Rows/s until the last is on disk, with ``IN_FLIGHT`` batches under way at once."""
    series = max(1, total // ROWS_A_SERIES)
    begun, waiting = time.perf_counter(), []
    for begin in range(0, total, FILL_ROWS // 4):
        n = np.arange(begin, min(total, begin + FILL_ROWS // 4))
        waiting.append(store.submit(rows(n % series + 1, START + n // series * STEP, begin), "replace"))
        if len(waiting) > IN_FLIGHT:
            waiting.pop(0).result()
    for future in waiting:
        future.result()
    return total / (time.perf_counter() - begun)


def acknowledged(running: HttpServer, flush: Flush, size: int, batches: int, first: int) -> Figure:
    """How long each of ``batches`` handed in at once takes until it is on disk: moments of Datastreams known before."""
    store = opened(running, flush)
    ids = first + np.arange(size)
    store.write(rows(ids, np.full(size, START)), "replace")
    begun, done = time.perf_counter(), list[float]()
    futures = []
    for n in range(batches):
        futures.append(store.submit(rows(ids, np.full(size, START + (n + 1) * STEP), n), "replace"))
        futures[-1].add_done_callback(lambda _future: done.append((time.perf_counter() - begun) * 1e3))
    for future in futures:
        future.result()
    store.close()
    return Figure(f"{batches} x {size:,} new rows at once, {flush}", done, size * batches)


def asked(store: Store, total: int) -> list[Figure]:
    series = max(1, total // ROWS_A_SERIES)
    middle = START + total // series // 2 * STEP // DAY * DAY
    year = list(range(START, START + 365 * DAY + 1, DAY // 24))
    few = list(range(1, min(series, 1000) + 1))

    def length(work: Callable[[], object]) -> Callable[[], int]:
        return lambda: len(work())  # type: ignore[arg-type]

    page = Read([Series(1)], limit=100, descending=True)
    day = Read([Series(1)], middle, middle + DAY)
    hourly = Windows([Series(1)], year, MEAN)
    return [
        measure("newest 100 of one series", length(lambda: store.read(page)), 30),
        measure("one series a day", length(lambda: store.read(day)), 30),
        measure("hourly mean of a year of one series", length(lambda: store.aggregate(hourly)), 10),
        measure(f"latest of {len(few):,} Datastreams", length(lambda: store.latest(few)), 20),
    ]


def told(running: HttpServer, path: str) -> str:
    """By a connection of its own: the server closes those that rest."""
    with urllib.request.urlopen(f"http://127.0.0.1:{running.port}{path}", timeout=60) as answer:
        return str(answer.read().decode())


def metric(running: HttpServer, name: str) -> float:
    page = told(running, "/metrics")
    return sum(float(line.rsplit(" ", 1)[1]) for line in page.splitlines() if line.startswith(name))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="10 M rows in place of 1 M")
    parser.add_argument("--rows", type=int, help="so many")
    chosen = parser.parse_args()
    total = chosen.rows or (10_000_000 if chosen.full else 1_000_000)
    folder = Path(tempfile.mkdtemp(prefix="gops-bench-"))
    try:
        with server(folder) as running:
            store = opened(running, "snapshot")
            print(f"{total:,} rows taken in, snapshot: {fill(store, total):,.0f} rows/s")
            store._server.flush()
            told(running, "/internal/force_merge")
            time.sleep(10)
            print(f"on disk: {metric(running, 'vm_data_size_bytes') / total:.2f} bytes a row")
            figures = [
                measure("writing to disk by a snapshot, nothing new", lambda: int(store._server.flush() is None), 10)
            ]
            figures += asked(store, total)
            store.close()
            figures += [
                acknowledged(running, "snapshot", 20, 1, 10**6),
                acknowledged(running, "wait", 20, 1, 2 * 10**6),
            ]
            figures += [
                acknowledged(running, "snapshot", 5_000, 40, 10**7),
                acknowledged(running, "wait", 5_000, 40, 10**8),
            ]
            show(f"VictoriaMetrics, {total:,} rows", figures)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
