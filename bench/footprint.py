"""What GOPS takes: memory of its processes with the demo running, and disk per device-year in the embedded store.

Limits in the same run: a Python process that imports nothing, and 25 bytes a row (the columns without compression).
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
import pyarrow as pa

from gops.store.duckdb import DuckdbStore
from gops.store.port import READINGS
from tests.live.running import RunningGops

DEVICES = 1000
MINUTE = 60_000_000
START = 1_767_225_600_000_000  # 2026-01-01T00:00Z
ROWS_PER_DEVICE_YEAR = 365 * 24 * 60  # one reading a minute


def resident_mb(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise LookupError(f"process {pid} has no VmRSS")


def children(root: int) -> list[int]:
    parents = defaultdict(list)
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])].append(int(entry.name))
            except FileNotFoundError:
                continue  # it ended while we looked
    found, waiting = [], [root]
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        waiting += parents[pid]
    return found


def role(pid: int, worker: int) -> str:
    if pid == worker:
        return "worker (ingest, store, API)"
    words = Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    if "gops.ingest.broker" in words:
        return "embedded broker"
    if "demo run" in words:
        return "demo devices"
    return "supervisor" if "gops run" in words else "helper of multiprocessing"


def memory(seconds: float) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as bare:
        time.sleep(0.5)
        print(f"{'bare Python':32} {resident_mb(bare.pid):8.0f} MB")
        bare.communicate(b"\n")
    with tempfile.TemporaryDirectory() as folder:
        running = RunningGops(Path(folder)).start("--demo")
        time.sleep(seconds)
        worker = running.worker()
        total = 0.0
        for pid in sorted(children(running.supervisor)):
            taken = resident_mb(pid)
            total += taken
            print(f"{role(pid, worker):32} {taken:8.0f} MB")
        print(f"{'all, after ' + format(seconds, '.0f') + ' s of the demo':32} {total:8.0f} MB")
        running.stop()


def disk(days: int) -> None:
    """A reading a minute of each of 1,000 devices, in commits of one minute, as they come."""
    generator = np.random.default_rng(7)
    rows = 0
    with tempfile.TemporaryDirectory() as folder:
        store = DuckdbStore(Path(folder) / "store", memory_mb=512, threads=2, queue=64, deliveries_kept=10_000)
        level = generator.uniform(10, 50, DEVICES)
        ids = pa.array(np.arange(1, DEVICES + 1))
        for minute in range(days * 24 * 60):
            level += generator.normal(0, 0.3, DEVICES)
            columns = {
                "datastream": ids,
                "t": pa.array(np.full(DEVICES, START + minute * MINUTE)),
                "value": pa.array(np.round(level, 1)),
                "text": pa.nulls(DEVICES, pa.string()),
                "quality": pa.array(np.zeros(DEVICES, np.uint8)),
                "result_time": pa.nulls(DEVICES, pa.int64()),
            }
            store.write(pa.table(columns, schema=READINGS), "replace")
            rows += DEVICES
        store.close()
        size = sum(path.stat().st_size for path in (Path(folder) / "store").iterdir())
    each = size / rows
    print(f"{rows:,} rows in {size / 1e6:.1f} MB: {each:.1f} bytes a row (limit: 25 without compression)")
    print(f"one reading a minute for a year: {each * ROWS_PER_DEVICE_YEAR / 1e6:.1f} MB a Datastream")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true")
    full = parser.parse_args().full
    print(f"{os.cpu_count()} cores")
    memory(60.0 if full else 20.0)
    disk(10 if full else 2)


if __name__ == "__main__":
    main()
