"""Freezing a dataset of the embedded store: readings/s, bytes a reading, growth of memory; and reading it back.

Beside it, in the same run: DuckDB's own way to the reader (the stream alone), and the same questions asked live. The
second snapshot follows after new readings of the last year: what it adds on disk is that year.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from bench._store import FILL_ROWS, ROWS_A_SERIES, rows
from bench.footprint import resident_mb
from gops.catalog.facts import Bilingual
from gops.catalog.long_shape import Member
from gops.catalog.snapshots.manifest import About as Described
from gops.catalog.snapshots.manifest import FrozenMember, Manifest
from gops.catalog.snapshots.periods import periods
from gops.catalog.snapshots.reading import Frozen
from gops.catalog.snapshots.writing import Writing
from gops.clock import DAY, HOUR
from gops.files.folder import FolderFiles
from gops.store.duckdb import DuckdbStore
from gops.store.port import Read, Store

START = 1_640_962_800_000_000  # 2022-01-01T00:00+09:00
YEARS = 4
ZONE = ZoneInfo("Asia/Seoul")
NOTHING = Described("air", 1, Bilingual("", ""), Bilingual("", ""), "suwon", Bilingual("", ""), "kogl-1")


def fill(store: Store, total: int) -> list[Member]:
    """``total`` readings over four years, 100,000 a Datastream, moment by moment."""
    series = max(1, total // ROWS_A_SERIES)
    step = YEARS * 365 * DAY // ROWS_A_SERIES
    for begin in range(0, total, FILL_ROWS):
        n = np.arange(begin, min(total, begin + FILL_ROWS))
        store.write(rows(n % series + 1, START + n // series * step, begin), "replace")
    return [
        Member(one, one, f"station {one}", "pm10", "ug/m3", "gauge", "instant", None) for one in range(1, series + 1)
    ]


def freeze(store: Store, files: FolderFiles, members: list[Member]) -> Manifest:
    """As the worker does, without the records."""
    extents = store.extent([one.id for one in members])
    first, last = min(one.first for one in extents.values()), max(one.last for one in extents.values())
    cuts = periods(first, last, sum(one.rows for one in extents.values()), 1, ZONE)
    with Writing(files, "bench", cuts, members, 1 << 40) as writing:
        for batch in store.stream(Read([one.series for one in members])):
            writing.add(batch)
        kept = writing.keep()
    frozen = [FrozenMember(one, None, writing.counts.get(one.id, 0)) for one in members]
    return Manifest("bench", NOTHING, 1, 0, first, last, frozen, kept)


class Peak:
    """The greatest growth of this process's memory while the block runs, in MB."""

    def __enter__(self) -> Peak:
        self._before, self.mb = resident_mb(os.getpid()), 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()
        return self

    def _look(self) -> None:
        while not self._over.wait(0.01):
            self.mb = max(self.mb, resident_mb(os.getpid()) - self._before)

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()


def timed(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def median_ms(work: Callable[[], object]) -> float:
    work()
    return float(np.median([timed(work) * 1e3 for _ in range(15)]))


def on_disk(root: Path) -> int:
    return sum(path.stat().st_size for path in root.rglob("*") if path.is_file())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="10 M readings instead of 1 M")
    total = 10_000_000 if parser.parse_args().full else 1_000_000
    with tempfile.TemporaryDirectory(prefix="gops-bench-") as folder:
        store = DuckdbStore(Path(folder) / "store", memory_mb=512, threads=2, queue=64, deliveries_kept=100)
        root = Path(folder) / "files"
        try:
            measure(store, FolderFiles(root), root, total)
        finally:
            store.close()


def measure(store: Store, files: FolderFiles, root: Path, total: int) -> None:
    members = fill(store, total)
    whole = Read([one.series for one in members])
    streamed = timed(lambda: [batch.num_rows for batch in store.stream(whole)])
    with Peak() as peak:
        begun = time.perf_counter()
        manifest = freeze(store, files, members)
        took = time.perf_counter() - begun
    size = on_disk(root)
    print(f"{total:,} readings of {len(members)} Datastreams, {len(manifest.files)} years")
    print(f"the store's stream alone  {streamed:8.2f} s  {total / streamed:12,.0f} readings/s")
    print(f"frozen, files durable     {took:8.2f} s  {total / took:12,.0f} readings/s")
    print(f"bytes a reading {size / total:.2f}; memory grew by {peak.mb:.0f} MB at most")
    assert manifest.last is not None
    news = rows(np.array([one.id for one in members]), np.full(len(members), manifest.last + HOUR))
    store.write(news, "replace")
    freeze(store, files, members)
    print(f"a second snapshot, with news in the last year, added {on_disk(root) / size - 1:.0%} of the first's bytes")
    frozen, one = Frozen(manifest, files), members[len(members) // 2].series
    middle = START + 2 * 365 * DAY
    questions = {
        "one series, a day": Read([one], middle, middle + DAY),
        "one series, all of it": Read([one]),
        "the first 100 rows of all": Read(whole.series, limit=100),
    }
    print(f"{'':28} {'snapshot ms':>12} {'live ms':>9}")
    for name, query in questions.items():
        assert frozen.read(query).equals(store.read(query).slice(0, frozen.read(query).num_rows)), name
        frozen_ms = median_ms(lambda query=query: frozen.read(query))
        live_ms = median_ms(lambda query=query: store.read(query))
        print(f"{name:28} {frozen_ms:12.1f} {live_ms:9.1f}")
    seconds = timed(lambda: [batch.num_rows for batch in frozen.stream(whole)])
    print(f"all of it from the snapshot {seconds:.2f} s, {total / seconds:,.0f} readings/s")


if __name__ == "__main__":
    main()
