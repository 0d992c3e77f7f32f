"""Sealing a day while readings come in: seconds, milliseconds of commits meanwhile, bytes a row, resident memory.

2,000 Datastreams have a day of readings each; then it is sealed while 2,000 rows/s of the next day are committed, ten
times a second, and 20 late rows of the day itself each time.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

from bench._store import FILL_ROWS, START, Figure, opened, rows, show
from gops.clock import DAY, SECOND
from gops.store.duckdb import DuckdbStore

DATASTREAMS = 2_000
COMMITS_A_SECOND = 10
FRESH_ROWS, LATE_ROWS = 200, 20  # of each commit
BAR_SECONDS = 15.0  # for ten million rows
BAR_P99_MILLIS = 500.0
BAR_BYTES = 8.0
BAR_RESIDENT_MB = 1024


def fill(store: DuckdbStore, total: int) -> None:
    step = DAY // (total // DATASTREAMS)
    for begin in range(0, total, FILL_ROWS):
        n = np.arange(begin, min(total, begin + FILL_ROWS))
        store.write(rows(n % DATASTREAMS + 1, START + n // DATASTREAMS * step, begin), "replace")


class Ingest:
    """Commits until it is stopped; ``millis`` of each."""

    def __init__(self, store: DuckdbStore) -> None:
        self.millis: list[float] = []
        self._store = store
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._count = 0
        self._thread.start()

    def taken(self, seconds: float = 0.0) -> list[float]:
        """What was measured since it was taken last, after so many seconds more."""
        time.sleep(seconds)
        found, self.millis = self.millis, []
        return found

    def stop(self) -> None:
        self._done.set()
        self._thread.join()

    def _run(self) -> None:
        due = time.perf_counter()
        while not self._done.wait(max(0.0, due - time.perf_counter())):
            due += 1 / COMMITS_A_SECOND
            n = np.arange(self._count * FRESH_ROWS, (self._count + 1) * FRESH_ROWS)
            late = np.arange(LATE_ROWS) + self._count
            ids = np.concatenate([n % DATASTREAMS + 1, late % DATASTREAMS + 1])
            t = np.concatenate([START + DAY + n // DATASTREAMS * SECOND, START + late * SECOND + 1])
            batch = rows(ids, t, self._count)
            begun = time.perf_counter()
            self._store.write(batch, "replace")
            self.millis.append((time.perf_counter() - begun) * 1e3)
            self._count += 1


def measure(total: int) -> bool:
    """Fill, seal, merge what came late; print all of it; was every bar met?"""
    with tempfile.TemporaryDirectory(prefix="gops-bench-") as folder:
        store = opened(Path(folder) / "store")
        fill(store, total)
        ingest = Ingest(store)
        before = ingest.taken(3.0)
        begun = time.perf_counter()
        files = store.seal(START + DAY)
        seconds = time.perf_counter() - begun
        during = ingest.taken()
        begun = time.perf_counter()
        store.merge()
        merging = time.perf_counter() - begun
        meanwhile = ingest.taken()
        ingest.stop()
        resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        size = sum(one.bytes for one in files) / sum(one.rows for one in files)
        each = FRESH_ROWS + LATE_ROWS
        figures = [
            Figure("commits before", before, each),
            Figure("commits while it is sealed", during, each),
            Figure("commits while late rows are merged", meanwhile, each),
        ]
        show(f"A day of {total:,} rows, {each * COMMITS_A_SECOND:,} rows/s meanwhile", figures)
        p99 = float(np.percentile(during, 99))
        lines = [
            ("sealed in seconds", seconds, BAR_SECONDS * total / 10_000_000),
            ("p99 of commits meanwhile, ms", p99, BAR_P99_MILLIS),
            ("bytes a sealed row", size, BAR_BYTES),
            ("largest resident MB", resident, BAR_RESIDENT_MB),
        ]
        for name, found, bar in lines:
            print(f"{name:34} {found:10.2f}  bar {bar:g} {'met' if found <= bar else 'MISSED'}")
        print(f"merged in {merging:.2f} s; {len(files)} files", flush=True)
        store.close()
        return all(found <= bar for _, found, bar in lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="ten million rows instead of one")
    sys.exit(not measure(10_000_000 if parser.parse_args().full else 1_000_000))


if __name__ == "__main__":
    main()
