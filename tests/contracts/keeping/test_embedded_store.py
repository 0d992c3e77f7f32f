"""Upkeep, export, backup and restore of the embedded store itself, with readings in every one of its places."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gops import compose
from gops.clock import DAY, MINUTE, SECOND, FixedClock
from gops.errors import Invalid
from gops.keeping.restore import restore
from gops.keeping.service import Keeping
from gops.records.database import Database
from gops.settings import Settings, load
from gops.store.port import Delivery, Read, Series, Store
from gops.store.upkeep import Upkeep
from tests.contracts.store.rows import batch, reading, series

ROWS = 300
LIVE = 9  # the Datastream that is written during the backup


@pytest.fixture
def store(settings: Settings, database: Database) -> Iterator[Store]:
    with closing(compose.open_store(settings)) as opened:
        yield opened


@pytest.fixture
def keeping(settings: Settings, clock: FixedClock, store: Store, database: Database) -> Keeping:
    return Keeping(settings, clock, store, database)


@pytest.fixture
def elsewhere(tmp_path: Path) -> Settings:
    return load({"GOPS_DATA": str(tmp_path / "elsewhere")})


@pytest.fixture
def filled(keeping: Keeping, store: Store, clock: FixedClock) -> Keeping:
    """Sealed days; late readings, a correction and a deletion in them; days that are not sealed; known messages."""
    first = clock.micros() - 40 * DAY
    for day in (0, 1, 20, 38, 39):
        rows = [reading(one, first + day * DAY + n * MINUTE, float(n)) for one in (1, 2) for n in range(ROWS)]
        store.write(batch(rows), "replace", [Delivery("session", day, day)])
    assert sum(file["rows"] for file in keeping.seal()) == 3 * 2 * ROWS
    store.write(batch([reading(1, first + 30 * SECOND, 0.5), reading(1, first + MINUTE, -1.0)]), "replace")
    assert store.delete([2], first + DAY, first + DAY + 10 * MINUTE) == 10
    return keeping


def everything(store: Store) -> pa.Table:
    return store.read(Read(series(1, 2)))


def sizes(store: Store) -> tuple[int, int, int]:
    assert isinstance(store, Upkeep)
    found = store.stats()
    return found.hot_rows, found.late_rows, found.sealed_rows


@pytest.fixture
def writing(store: Store) -> Iterator[Callable[[], int]]:
    """Somebody writes all the time; the last number written."""
    halt, written = threading.Event(), [0]

    def run() -> None:
        while not halt.is_set():
            written[0] += 1
            store.write(batch([reading(LIVE, written[0], float(written[0]))]), "replace")

    thread = threading.Thread(target=run)
    thread.start()
    yield lambda: written[0]
    halt.set()
    thread.join()


def test_what_is_restored_is_what_was_there(
    filled: Keeping, store: Store, writing: Callable[[], int], elsewhere: Settings, tmp_path: Path
) -> None:
    before = everything(store)
    begun = writing()
    made = filled.backup(str(tmp_path / "backups"))
    ended = writing()
    assert made["findings"] == []
    restore(tmp_path / "backups", elsewhere, compose.open_store)
    with closing(compose.open_store(elsewhere)) as restored:
        assert everything(restored).equals(before)
        numbers = restored.read(Read([Series(LIVE)]))["value"].to_pylist()
        assert numbers == [float(n + 1) for n in range(len(numbers))]
        assert begun - 1 <= len(numbers) <= ended + 1
        assert restored.delivered([Delivery("session", n, n) for n in (0, 39, 40)]) == [True, True, False]
        assert isinstance(restored, Upkeep)
        assert restored.check(deep=True) == []
        restored.merge()
        restored.compact()
        assert everything(restored).equals(before)


def test_a_damaged_sealed_file_is_found(filled: Keeping, store: Store, elsewhere: Settings, tmp_path: Path) -> None:
    """By a restore; and when it was damaged before, by the backup and by a check."""
    made = Path(filled.backup(str(tmp_path / "backups"))["folder"])
    sealed = min((made / "data" / "store" / "sealed").glob("*.parquet"))
    whole = bytearray(sealed.read_bytes())
    whole[100] ^= 1
    sealed.unlink()  # a link to the store's own
    sealed.write_bytes(whole)
    with pytest.raises(Invalid) as caught:
        restore(made, elsewhere, compose.open_store)
    assert caught.value.field == str(sealed.relative_to(made))
    own = filled.settings.data / "store" / "sealed" / sealed.name
    own.unlink()
    own.write_bytes(whole)
    (finding,) = filled.backup(str(tmp_path / "more"))["findings"]
    assert sealed.name in finding
    (found,) = filled.check(deep=True)
    assert (found["file"].rpartition("/")[2], found["trouble"]) == (sealed.name, "wrong_checksum")


def test_upkeep_changes_no_reading(filled: Keeping, store: Store) -> None:
    before = everything(store)
    assert sizes(store)[1] > 0
    filled.run(threading.Event())
    assert sizes(store)[1] == 0
    assert everything(store).equals(before)
    assert filled.seal() == filled.merge() == filled.compact() == filled.check(deep=True) == []


def test_an_export_holds_all_of_it(filled: Keeping, store: Store, database: Database, tmp_path: Path) -> None:
    """The Datastreams of this test are in no records, so it asks below them."""
    from gops.keeping.export import Asked, export

    about = {1: {"name": "a"}, 2: {"name": "b"}}
    folder = tmp_path / "out"
    made = export(store, folder, about, Asked("parquet", None, None), filled.settings.zone, lambda _done, _of: None)
    before = everything(store)
    parts = [pq.read_table(folder / file["name"]) for file in made["files"] if file["name"].endswith("parquet")]
    assert len(parts) > 1
    exported = pa.concat_tables(parts).sort_by([("datastream", "ascending"), ("time", "ascending")])
    assert exported["value"].to_pylist() == before["value"].to_pylist()
    assert exported["time"].cast(pa.int64()).to_pylist() == before["t"].to_pylist()
