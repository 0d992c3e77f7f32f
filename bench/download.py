"""A dataset of a million rows downloaded over HTTP as CSV (six columns, and four) and as Parquet: rows/s, first byte,
and the memory it takes.

The whole platform in one Granian worker, as ``gops run`` serves it. Limit in the same run: DuckDB's own ``COPY`` of the
same rows and columns to a file, in a process of its own. Peer: Datasette's stream of the same columns, of fewer rows.
Processor time is of the process that gives the rows, all threads, user and system: to it other work on the machine adds
less than to the clock.
"""

from __future__ import annotations

import argparse
import http.client
import os
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import numpy as np

from bench import _datasette
from bench._dataset import SLUG, publish
from bench._mqtt import fill
from bench._store import rows
from bench.footprint import children, resident_mb
from bench.pages import served
from gops.clock import MINUTE, SystemClock
from gops.records.database import Database
from gops.settings import load
from gops.store.duckdb import DuckdbStore
from tests.postgresql import NotInstalled

ROWS_A_SERIES = 10_000  # a week of one reading a minute
BARS = {"csv": 2_000_000.0, "csv4": 4_000_000.0, "parquet": None}  # rows/s
QUERIES = {
    "csv": "format=csv",
    "csv4": "format=csv&columns=time,thing,property,value",
    "parquet": "format=parquet",
}
FIRST_BYTE_MS = 60.0
GROWTH_MB = 64.0
PIECE = 1 << 20
NO_BROKER = 1  # ingest tries it in vain meanwhile, which is no work
ROWS = """SELECT strftime(make_timestamp(r.t + 32400000000), '%Y-%m-%dT%H:%M:%S+09:00') AS time,
    'd' || r.datastream AS thing, 'pm10' AS property, r.value, 'ug/m3' AS unit,
    CASE r.quality WHEN 0 THEN 'good' ELSE 'suspect' END AS quality
    FROM reading r ORDER BY r.datastream, r.t"""
COPY = f"""
import sys, time, duckdb
path, target, form = sys.argv[1:]
connection = duckdb.connect(path, read_only=True, config={{"threads": 2}})
begun, used = time.perf_counter(), time.process_time()
connection.execute(f'''COPY ({ROWS}) TO '{{target}}' (FORMAT {{form}})''')
print(time.perf_counter() - begun, time.process_time() - used)
"""
PEER_ROWS = 100_000  # which Datasette gives a thousand at a time
TICK_MS = 1_000 / os.sysconf("SC_CLK_TCK")


@dataclass
class Series:
    """What was measured of one way to get the data. ``growth`` in MB over what the worker had before."""

    name: str
    rows: int
    seconds: list[float] = field(default_factory=list)
    first: list[float] = field(default_factory=list)
    growth: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)  # ms
    size: int = 0

    @property
    def speed(self) -> float:
        return self.rows / statistics.median(self.seconds)

    @property
    def work(self) -> float:
        """Processor time of a million rows, in ms."""
        return min(self.processor) / self.rows * 1e6


def prepare(folder: Path, total: int) -> None:
    """A published dataset with ``total`` rows."""
    streams, now = fill(folder, total // ROWS_A_SERIES).streams, SystemClock().micros()
    database = Database(load({"GOPS_DATA": str(folder)}).records_address)
    publish(database, streams)
    database.close()
    store = DuckdbStore(folder / "store", memory_mb=512, threads=2, queue=64, deliveries_kept=10_000)
    first = now // MINUTE * MINUTE - ROWS_A_SERIES * MINUTE
    ids = np.array(streams)
    for begin in range(0, total, 100_000):
        n = np.arange(begin, min(total, begin + 100_000))
        store.write(rows(ids[n % len(ids)], first + n // len(ids) * MINUTE, begin), "replace")
    store.close()


def seal(folder: Path) -> None:
    """Days that are past go into files, as each night."""
    store = DuckdbStore(folder / "store", memory_mb=512, threads=2, queue=64, deliveries_kept=10_000)
    store.seal()
    store.close()


@contextmanager
def watched(pid: int, into: Series) -> Iterator[None]:
    """The most memory that a process has meanwhile, over what it has now."""
    before, most, done = resident_mb(pid), [0.0], threading.Event()

    def look() -> None:
        while not done.wait(0.005):
            most[0] = max(most[0], resident_mb(pid))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        into.growth.append(max(0.0, most[0] - before))


def processor_ms(pid: int) -> float:
    """What a process has used until now."""
    user, system = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[11:13]
    return (int(user) + int(system)) * TICK_MS


def download(port: int, form: str, pid: int, into: Series) -> None:
    fetch(port, f"/api/v1/datasets/{SLUG}/data?{QUERIES[form]}", pid, into)


def fetch(port: int, path: str, pid: int, into: Series) -> None:
    """By a client that only counts, so that little of what is measured is its own work."""
    buffer = bytearray(PIECE)
    with socket.create_connection(("127.0.0.1", port), 120) as connection, watched(pid, into):
        begun, used = time.perf_counter(), processor_ms(pid)
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        size = connection.recv_into(buffer)
        assert b" 200 " in buffer[:20], bytes(buffer[:size])
        into.first.append((time.perf_counter() - begun) * 1e3)
        while got := connection.recv_into(buffer):
            size += got
        into.seconds.append(time.perf_counter() - begun)
        into.processor.append(processor_ms(pid) - used)
    into.size = size


def check(port: int, total: int) -> None:
    """Every row comes, once."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    connection.request("GET", f"/api/v1/datasets/{SLUG}/data?format=csv")
    answer, lines = connection.getresponse(), 0
    while piece := answer.read(PIECE):
        lines += piece.count(b"\n")
    connection.close()
    assert lines == total + 1, (lines, total)


def copy(path: Path, form: str, folder: Path, into: Series) -> None:
    target = folder / f"copy.{form}"
    command = [sys.executable, "-c", COPY, str(path), str(target), form]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    seconds, processor = map(float, done.stdout.split()[-2:])
    into.seconds.append(seconds)
    into.processor.append(processor * 1e3)
    into.size = target.stat().st_size


def datasette_file(folder: Path, store: Path, rows: int) -> Path:
    """Some of the same rows in SQLite, in the columns of the download."""
    target = folder / "peer.db"
    with duckdb.connect(str(store), read_only=True) as source, closing(sqlite3.connect(target)) as made:
        made.execute("CREATE TABLE reading (time TEXT, thing TEXT, property TEXT, value REAL, unit TEXT, quality TEXT)")
        found = source.execute(f"{ROWS} LIMIT {rows}").fetchall()
        made.executemany("INSERT INTO reading VALUES (?, ?, ?, ?, ?, ?)", found)
        made.commit()
    return target


def datasette(folder: Path, store: Path, total: int, times: int) -> Series | None:
    """None where it is not installed, with the reason printed."""
    rows = min(total, PEER_ROWS)
    try:
        series = Series(f"Datasette {_datasette.version()} CSV stream", rows)
        with _datasette.served(datasette_file(folder, store, rows)) as server:
            for _ in range(times):
                fetch(server.port, "/peer/reading.csv?_stream=on&_size=max", server.process.pid, series)
    except NotInstalled as reason:
        print(f"no peer: {reason}")
        return None
    return series


def worker() -> int:
    """The process that answers: the largest of ours below this one."""
    return max((pid for pid in children(os.getpid()) if pid != os.getpid()), key=resident_mb)


def show(series: list[Series]) -> bool:
    titles = f"{'median s':>9} {'rows/s':>12} {'cpu ms/M':>9} {'MB':>7} {'first byte ms':>14} {'growth MB':>10}"
    print(f"{'':32} {titles}  bar")
    met = True
    for one in series:
        form = one.name.rpartition(" ")[2].lower()
        is_ours = one.name.startswith("GOPS")
        bar = BARS.get(form) if is_ours else None
        good = bar is None or one.speed >= bar
        if is_ours:
            good = good and max(one.growth) <= GROWTH_MB and statistics.median(one.first) <= FIRST_BYTE_MS
        first = f"{statistics.median(one.first):.1f}" if one.first else ""
        growth = f"{max(one.growth):.1f}" if one.growth else ""
        words = f"{GROWTH_MB:g} MB, {FIRST_BYTE_MS:g} ms" if is_ours else ""
        words = f"{bar:,.0f} rows/s, {words}" if bar else words
        words += "" if not words else " met" if good else " MISSED"
        print(
            f"{one.name:32} {statistics.median(one.seconds):9.3f} {one.speed:12,.0f} {one.work:9.0f}"
            f" {one.size / 1e6:7.1f} {first:>14} {growth:>10}  {words}",
            flush=True,
        )
        met = met and good
    return met


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.download", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--full", action="store_true", help="10 M rows")
    parser.add_argument("--sealed", action="store_true", help="days that are past in files, as each night leaves them")
    chosen = parser.parse_args()
    total = 10_000_000 if chosen.full else chosen.rows
    with tempfile.TemporaryDirectory(prefix="gops-bench-") as name:
        folder = Path(name)
        prepare(folder, total)
        limits = {form: Series(f"DuckDB COPY {form.upper()}", total) for form in ("csv", "parquet")}
        path = next((folder / "store").glob("*.duckdb"))
        for _ in range(chosen.times):
            for form, one in limits.items():
                copy(path, form, folder, one)
        peer = datasette(folder, path, total, chosen.times)
        if chosen.sealed:
            seal(folder)
        downloads = {form: Series(f"GOPS over HTTP {form.upper()}", total) for form in BARS}
        with served("gops.serving:whole", folder, NO_BROKER, f"/api/v1/datasets/{SLUG}") as port:
            check(port, total)
            pid = worker()
            for form in BARS:
                download(port, form, pid, Series("warm", total))
            for _ in range(chosen.times):
                for form, one in downloads.items():
                    download(port, form, pid, one)
        lying = "past days sealed" if chosen.sealed else "all hot"
        print(f"\n{total:,} rows of {total // ROWS_A_SERIES} Datastreams, {lying}; growth over the worker before each")
        met = show([*limits.values(), *downloads.values(), *([peer] if peer else [])])
        share = limits["csv"].work / downloads["csv"].work
        print(f"a row of CSV takes {1 / share:.2f} times the processor time of COPY")
        sys.exit(0 if met else 3)


if __name__ == "__main__":
    main()
