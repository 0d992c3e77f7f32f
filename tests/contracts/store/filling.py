"""A process that writes until its files may not grow, then is allowed to, and says how that went, as JSON.

A limit on the size of files stands for a full disk. Run with the folder, the bytes that a file may have, and the bytes
of log after which it checkpoints.
"""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path

from gops.errors import Unavailable
from gops.store.duckdb import DuckdbStore
from gops.store.port import Delivery, Read, Series, Store
from tests.contracts.store.rows import batch, reading

ROWS = 500


def write(store: Store, n: int) -> bool:
    """Batch ``n``, of ROWS rows; was it committed?"""
    rows = [reading(1, n * ROWS + k, 0.1 * k * n, text=f"reading {n} {k}") for k in range(ROWS)]
    try:
        store.write(batch(rows), "replace", [Delivery("a", n, n)])
    except Unavailable:
        return False
    return True


def limit_files(size: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


if __name__ == "__main__":
    store = DuckdbStore(
        Path(sys.argv[1]), memory_mb=256, threads=2, queue=8, deliveries_kept=5000, checkpoint_bytes=int(sys.argv[3])
    )
    limit_files(int(sys.argv[2]))
    written = []
    for full_at in range(2000):
        if not write(store, full_at):
            break
        written.append(full_at)
    still_full = [n for n in range(full_at + 1, full_at + 4) if write(store, n)]
    readable = store.read(Read([Series(1)], limit=1)).num_rows
    limit_files(resource.RLIM_INFINITY)
    after = [n for n in range(full_at + 4, full_at + 7) if write(store, n)]
    found = store.read(Read([Series(1)]))["t"].to_pylist()
    store.close()
    print(json.dumps({
        "full_at": full_at, "written": [*written, *still_full, *after], "after": after, "readable": readable,
        "found": sorted({t // ROWS for t in found}), "rows": len(found),
    }))  # fmt: skip
