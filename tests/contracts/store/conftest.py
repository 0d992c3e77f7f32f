"""The stores that the contract is held against: each test that asks for ``store`` runs unchanged on every one.

A test marked ``needs(capability, ...)`` runs as it is where the store declares them all; elsewhere it must end in the
named refusal: ``Unsupported`` with one of the missing capabilities as ``field``. A store that replaces nothing refuses
nothing for it, but keeps what stands and says so: ``test_victoria.py``.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest

from gops.clock import SystemClock
from gops.errors import Unsupported
from gops.store import influx
from gops.store.duckdb import DuckdbStore
from gops.store.influx import InfluxStore
from gops.store.memory import MemoryStore
from gops.store.port import Store
from gops.store.victoria import Place, VictoriaStore
from tests.conftest import absent
from tests.contracts.store.milliseconds import InMilliseconds
from tests.influxdb import InfluxServer, NotInstalled
from tests.victoria import RunningVictoria, victoria, wait_until_shown

OpenDuckdb = Callable[..., DuckdbStore]
_stores = itertools.count(1)


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


@pytest.fixture
def memory_store() -> Store:
    return MemoryStore(deliveries_kept=100)


@pytest.fixture
def duckdb_store(open_duckdb: OpenDuckdb) -> Store:
    return open_duckdb()


@pytest.fixture(scope="session")
def influx_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InfluxServer]:
    try:
        server = InfluxServer(tmp_path_factory.mktemp("influx")).start()
    except NotInstalled as error:
        absent(str(error))
    yield server
    server.stop()


@pytest.fixture
def influx_store(influx_server: InfluxServer) -> Store:
    """In a database of its own."""
    place = influx.Place(influx_server.url, bucket=f"t{next(_stores)}")
    return InfluxStore(place, SystemClock(), timeout_s=10, queue=64, deliveries_kept=100)


@pytest.fixture(scope="session")
def victoria_server() -> Iterator[RunningVictoria]:
    with victoria() as server:
        wait_until_shown(server)
        yield server


@pytest.fixture
def victoria_store(victoria_server: RunningVictoria) -> Store:
    """In series of its own, and in the milliseconds that it tells apart; see ``milliseconds``."""
    name = f"t{next(_stores)}"
    place = Place(victoria_server.url)
    return InMilliseconds(VictoriaStore(place, SystemClock(), name, flush="snapshot", deliveries_kept=100))


@pytest.fixture(params=["memory", "duckdb", "influx", "victoria"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    """A new, empty store that remembers 100 deliveries of a session: what the fixture ``<engine>_store`` gives."""
    opened: Store = request.getfixturevalue(f"{request.param}_store")
    yield opened
    opened.close()


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Where a store lacks what a test needs, the test passes by being refused for just that."""
    opened = pyfuncitem.funcargs.get("store")
    needed = {name for mark in pyfuncitem.iter_markers("needs") for name in mark.args}
    lacking = {name for name in needed if opened is not None and not getattr(opened.capabilities, name)}
    if not lacking:
        return (yield)
    if "replaces" in lacking:
        pytest.skip("replaces nothing; test_victoria.py says what happens instead")
    with pytest.raises(Unsupported) as caught:
        yield
    assert caught.value.field in lacking
    return True
