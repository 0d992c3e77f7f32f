"""What a Datastream costs when there are a million: GOPS with few and with many, each with two days of hourly readings.

The older day is sealed. Every answer is the same, whatever the number, and is asked for over HTTP; what it costs more
with many is the figure. Both are measured in one run.
"""

from __future__ import annotations

import argparse
import signal
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import numpy as np

from bench import _servers
from bench._gops import register
from bench._store import rows
from bench.footprint import resident_mb
from gops import compose, logs
from gops.clock import DAY, HOUR, SystemClock, from_micros
from gops.settings import load
from tests.live.running import RunningGops

FEW, MANY = 10_000, 1_000_000
HOURS = 48
TIMES = 40
BAR_RATIO = 3.0
BAR_RESTART_SECONDS = 5.0
BAR_RESIDENT_MB = 1024
WRITTEN_AT_ONCE = 500_000
OWN = {  # by table what a further row has for itself, as SQL over its number
    "device": {"id": "n", "name": "'d' || n"},
    "thing": {"id": "n", "name": "'d' || n", "device_id": "n"},
    "datastream": {"id": "n", "thing_id": "n"},
    "field_mapping": {"id": "n", "device_id": "n", "datastream_id": "n"},
}


@dataclass(frozen=True)
class Found:
    """``millis`` by question, the median over HTTP."""

    written: float
    sealed: float
    restarted: float
    resident_mb: float
    disk_bytes: int
    millis: dict[str, float]


def multiply(records: Path, count: int) -> None:
    """Devices, Things, Datastreams and mappings like the first, up to ``count``."""
    with closing(sqlite3.connect(records)) as connection, connection:
        for table, own in OWN.items():
            names = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
            values = ", ".join(own.get(name, f'first."{name}"') for name in names)
            last = connection.execute(f"SELECT max(id) FROM {table}").fetchone()[0]
            numbers = f"SELECT {last + 1} UNION ALL SELECT n + 1 FROM numbers LIMIT {count - last}"
            connection.execute(
                f"WITH RECURSIVE numbers(n) AS ({numbers})"
                f" INSERT INTO {table} SELECT {values} FROM numbers, (SELECT * FROM {table} WHERE id = 1) AS first"
            )


def fill(data: Path, count: int, start: int) -> tuple[float, float]:
    """An hourly reading of each Datastream, hour by hour as devices send it, and the older day sealed. Seconds of
    writing and of sealing."""
    store = compose.open_store(load({"GOPS_DATA": str(data)}))
    try:
        begun = time.perf_counter()
        for hour in range(HOURS):
            for first in range(1, count + 1, WRITTEN_AT_ONCE):
                ids = np.arange(first, min(count + 1, first + WRITTEN_AT_ONCE))
                store.write(rows(ids, np.full(len(ids), start + hour * HOUR), hour), "replace")
        written = time.perf_counter() - begun
        begun = time.perf_counter()
        store.seal(start + DAY)  # type: ignore[attr-defined]
        return written, time.perf_counter() - begun
    finally:
        store.close()


def questions(count: int, start: int) -> dict[str, str]:
    """Paths; ``count`` decides about ids only."""
    middle, some = count // 2, ",".join(str(count // 200 * n + 1) for n in range(200))
    day = f"from={_text(start)}&to={_text(start + DAY)}"
    today = f"from={_text(start + DAY)}&to={_text(start + 2 * DAY)}"
    return {
        "newest 10 of a Datastream": f"/api/v1/datastreams/{middle}/observations?limit=10",
        "one, a sealed day": f"/api/v1/datastreams/{middle}/observations?{day}",
        "one, a hot day": f"/api/v1/datastreams/{middle}/observations?{today}",
        "200, a sealed day, hourly": f"/api/v1/observations?datastream={some}&{day}&every=1h&aggregate=mean",
        "200, a hot day, hourly": f"/api/v1/observations?datastream={some}&{today}&every=1h&aggregate=mean",
        "newest of 1,000": "/api/v1/latest?limit=1000",
        "a Datastream": f"/api/v1/datastreams/{middle}",
        "a page of Datastreams": "/api/v1/datastreams?limit=100",
        "a page of Things": "/api/v1/things?limit=100",
    }


def _text(micros: int) -> str:
    return from_micros(micros).strftime("%Y-%m-%dT%H:%M:%SZ")


def measure(count: int, folder: Path, start: int) -> Found:
    data = folder / "data"
    data.mkdir(parents=True)
    register(data)
    multiply(data / "records.sqlite", count)
    written, sealed = fill(data, count, start)
    running = RunningGops(folder, GOPS_LOG_LEVEL="ERROR")
    running.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    try:
        running.start()
        line = _servers.Line(running.port)
        asked = questions(count, start)
        millis = {name: _median(partial(line.ask, "GET", path)) for name, path in asked.items()}
        running.kill(supervisor=True, worker=True)
        begun = time.perf_counter()
        running.start()
        restarted = time.perf_counter() - begun
        _servers.Line(running.port).ask("GET", asked["one, a sealed day"])
        return Found(
            written, sealed, restarted, resident_mb(running.worker()), _servers.folder_bytes(data / "store"), millis
        )
    finally:
        running.stop()


def _median(ask: Callable[[], bytes]) -> float:
    assert len(ask()) > 100, "an answer without anything in it"
    ask()
    millis = []
    for _ in range(TIMES):
        begun = time.perf_counter()
        ask()
        millis.append((time.perf_counter() - begun) * 1e3)
    return statistics.median(millis)


def report(few: Found, many: Found, counts: tuple[int, int]) -> bool:
    """Print what both took; was every bar met?"""
    total = [HOURS * count for count in counts]
    print(f"{'':30} {counts[0]:>12,} {counts[1]:>12,} Datastreams, {total[0]:,} and {total[1]:,} rows")
    print(f"{'written, rows/s':30} {total[0] / few.written:12,.0f} {total[1] / many.written:12,.0f}")
    print(f"{'a day sealed, s':30} {few.sealed:12.2f} {many.sealed:12.2f}")
    print(f"{'store, bytes/row':30} {few.disk_bytes / total[0]:12.1f} {many.disk_bytes / total[1]:12.1f}")
    heavy = many.resident_mb > BAR_RESIDENT_MB
    print(f"{'worker, MB':30} {few.resident_mb:12.0f} {many.resident_mb:12.0f}", end="  ")
    print(f"bar {BAR_RESIDENT_MB} {'MISSED' if heavy else 'met'}")
    slow = many.restarted > BAR_RESTART_SECONDS
    print(f"{'ready after a kill, s':30} {few.restarted:12.2f} {many.restarted:12.2f}", end="  ")
    print(f"bar {BAR_RESTART_SECONDS:g} {'MISSED' if slow else 'met'}")
    missed = [heavy, slow]
    for name, millis in few.millis.items():
        ratio = many.millis[name] / millis
        missed.append(ratio > BAR_RATIO)
        print(f"{name + ', ms':30} {millis:12.2f} {many.millis[name]:12.2f}", end="  ")
        print(f"{ratio:.2f} times, bar {BAR_RATIO:g} {'MISSED' if missed[-1] else 'met'}")
    return not any(missed)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.wide", description=__doc__)
    parser.add_argument("--full", action="store_true", help=f"{MANY:,} Datastreams in place of {MANY // 10:,}")
    parser.add_argument("--many", type=int, default=MANY // 10)
    chosen = parser.parse_args()
    logs.configure("ERROR")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))  # so that what was started is stopped
    counts = (FEW, MANY if chosen.full else chosen.many)
    midnight = datetime.now(UTC).replace(hour=15, minute=0, second=0, microsecond=0)  # of Korea
    start = int((midnight - timedelta(days=3)).timestamp()) * 1_000_000
    assert start + 2 * DAY < SystemClock().micros()
    with tempfile.TemporaryDirectory(prefix="gops-bench-") as name:
        few, many = (measure(count, Path(name) / str(count), start) for count in counts)
    sys.exit(0 if report(few, many, counts) else 3)


if __name__ == "__main__":
    main()
