"""A process that writes to the store in a folder until it is killed, and says what was written when it is.

Each line ``n version``: reading t=n of Datastreams 1 and 2 and delivery n are committed. Datastream 3 has five rows
that are replaced again and again. Run with the folder, the first n, and the bytes of log after which it checkpoints.
"""

from __future__ import annotations

import sys
from pathlib import Path

from gops.store.duckdb import DuckdbStore
from gops.store.port import Delivery
from tests.contracts.store.rows import batch, reading

if __name__ == "__main__":
    store = DuckdbStore(
        Path(sys.argv[1]), memory_mb=256, threads=2, queue=8, deliveries_kept=1000, checkpoint_bytes=int(sys.argv[3])
    )
    print("open", flush=True)
    for n in range(int(sys.argv[2]), 1_000_000):
        rows = [reading(1, n, float(n)), reading(2, n, text=str(n)), reading(3, n % 5, float(n))]
        store.write(batch(rows), "replace", [Delivery("a", n % 60_000, n)])
        print(n, store.version([1]), flush=True)
