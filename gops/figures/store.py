"""Figures of the store: is it well, what waits for it, and how large it is."""

from __future__ import annotations

import time
from collections.abc import Iterator

from gops.metrics import Figure
from gops.store.port import Store
from gops.store.upkeep import Stats, Upkeep

SIZES_EVERY_SECONDS = 60.0  # counting rows takes a turn of the store's one writer


class StoreFigures:
    """``store`` is the engine itself. Sizes may be a minute old."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._sizes: Stats | None = None
        self._looked = -SIZES_EVERY_SECONDS

    def read(self) -> Iterator[Figure]:
        health = self._store.health()
        yield Figure("gops_store_ok", "1 while the store answers", float(health.ok))
        for name, value in health.detail.items():
            if isinstance(value, int | float) and not isinstance(value, bool):
                yield Figure(f"gops_store_{name}", "As the store says it in `gops status`", value)
        if isinstance(self._store, Upkeep):
            yield from self._of_sizes(self._store)

    def _of_sizes(self, store: Upkeep) -> Iterator[Figure]:
        now = time.monotonic()
        if self._sizes is None or now - self._looked >= SIZES_EVERY_SECONDS:
            self._sizes, self._looked = store.stats(), now
        sizes = self._sizes
        rows, size = "Readings by where they lie", "Bytes on disk by where readings lie"
        yield Figure("gops_store_rows", rows, sizes.hot_rows, {"tier": "hot"})
        yield Figure("gops_store_rows", rows, sizes.late_rows, {"tier": "late"})
        yield Figure("gops_store_rows", rows, sizes.sealed_rows, {"tier": "sealed"})
        yield Figure("gops_store_bytes", size, sizes.hot_bytes, {"tier": "hot"})
        yield Figure("gops_store_bytes", size, sizes.sealed_bytes, {"tier": "sealed"})
        yield Figure("gops_store_datastreams", "Datastreams with readings", sizes.datastreams)
        yield Figure("gops_store_files_set_aside", "Files that could not be read", len(sizes.set_aside))
