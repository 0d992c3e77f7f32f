"""The stores that the contract is held against: each test that asks for ``store`` runs unchanged on every one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gops.store.duckdb import DuckdbStore
from gops.store.memory import MemoryStore
from gops.store.port import Store

OpenDuckdb = Callable[..., DuckdbStore]


@pytest.fixture
def open_duckdb(tmp_path: Path) -> Iterator[OpenDuckdb]:
    """Opens the store of this test's folder, again and again when it was closed."""
    opened: list[DuckdbStore] = []

    def opener(folder: Path = tmp_path / "store", deliveries_kept: int = 100, queue: int = 64) -> DuckdbStore:
        opened.append(DuckdbStore(folder, memory_mb=256, threads=2, queue=queue, deliveries_kept=deliveries_kept))
        return opened[-1]

    yield opener
    for store in opened:
        store.close()


@pytest.fixture(params=["memory", "duckdb"])
def store(request: pytest.FixtureRequest, open_duckdb: OpenDuckdb) -> Iterator[Store]:
    """A new store that remembers 100 deliveries of a session."""
    opened: Store = MemoryStore(deliveries_kept=100) if request.param == "memory" else open_duckdb()
    yield opened
    opened.close()
