"""How long after a SIGKILL GOPS answers again: from the start of ``gops run`` to the first answered question.

The store holds so many rows, sealed; a writer was killed in the middle of its work, so its log is to be read first.
"""

from __future__ import annotations

import argparse
import http.client
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

from bench._fleet import SERIES, Question, today
from bench._gops import Gops, address
from bench._servers import connected
from bench._store import rows
from bench.engines import load as load_engine
from gops import compose, logs
from gops.clock import DAY, SECOND, SystemClock
from gops.settings import load
from tests.live.running import RunningGops

SMALL, MIDDLE, LARGE = 1_000_000, 10_000_000, 100_000_000
BAR_SECONDS = 5.0
PATIENCE_SECONDS = 120.0
LATE_ROWS, COMMIT_ROWS = 200_000, 1_000


def write_and_die(data: Path) -> None:
    """As a writer that is killed: readings of the last minutes in commits of 1,000, and no end."""
    store = compose.open_store(load({"GOPS_DATA": str(data)}))
    now = SystemClock().micros()
    for begin in range(0, LATE_ROWS, COMMIT_ROWS):
        n = np.arange(begin, begin + COMMIT_ROWS)
        store.write(rows(n % SERIES + 1, now - LATE_ROWS * SECOND + n * SECOND, begin), "replace")
    os.kill(os.getpid(), signal.SIGKILL)


def leave_a_log(data: Path) -> int:
    """Bytes of the log that a killed writer left."""
    done = subprocess.run([sys.executable, "-m", "bench.restart", "--write", str(data)], check=False)
    assert done.returncode == -signal.SIGKILL, f"the writer ended with {done.returncode}"
    return sum(path.stat().st_size for path in (data / "store").glob("*.wal"))


def until_answered(port: int, path: str, begun: float, found: list[float]) -> None:
    """Ask every 10 ms until there is an answer; the seconds since ``begun``."""
    while not found and time.perf_counter() - begun < PATIENCE_SECONDS:
        try:
            connection = connected(port)
            connection.request("GET", path)
            if connection.getresponse().status == 200:
                found.append(time.perf_counter() - begun)
            connection.close()
        except (OSError, http.client.HTTPException):
            time.sleep(0.01)


def restart(running: RunningGops, path: str) -> tuple[float, float]:
    """Seconds until the first answer, and until everything is ready, ingest included."""
    found: list[float] = []
    begun = time.perf_counter()
    asking = threading.Thread(target=until_answered, args=(running.port, path, begun, found))
    asking.start()
    running.start()
    ready = time.perf_counter() - begun
    asking.join()
    assert found, f"no answer within {PATIENCE_SECONDS:g} s"
    return found[0], ready


def measure(total: int, times: int) -> bool:
    fleet = today(total)
    path = address(Question("raw", (1,), fleet.end - DAY, fleet.end))
    answered, ready, left = [], [], []
    with tempfile.TemporaryDirectory(prefix="gops-bench-") as name:
        gops = Gops(Path(name))
        try:
            loaded = load_engine(gops, fleet)
            for _ in range(times):
                gops.kill()
                left.append(leave_a_log(gops.data))
                first, all_of_it = restart(gops.running, path)
                answered.append(first)
                ready.append(all_of_it)
        finally:
            gops.close()
    median = statistics.median(answered)
    print(f"{loaded.rows:,} rows; logs of {min(left) / 1e6:.0f} to {max(left) / 1e6:.0f} MB were left; {times} times")
    print(f"first answer after {median:.2f} s ({min(answered):.2f} to {max(answered):.2f})", end="; ")
    print(f"bar {BAR_SECONDS:g} s {'met' if median <= BAR_SECONDS else 'MISSED'}")
    print(f"all ready, ingest included, after {statistics.median(ready):.2f} s")
    return median <= BAR_SECONDS


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.restart", description=__doc__)
    parser.add_argument("--rows", type=int, default=MIDDLE, choices=(SMALL, MIDDLE, LARGE), help="default: 10 M")
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--full", action="store_true", help="100 M rows")
    parser.add_argument("--write", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.write:
        write_and_die(chosen.write)
    logs.configure("ERROR")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))  # so that what was started is stopped
    sys.exit(0 if measure(LARGE if chosen.full else chosen.rows, chosen.times) else 3)


if __name__ == "__main__":
    main()
