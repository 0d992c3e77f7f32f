"""What the search learns of readings: first and last, within what others see; and where a dataset lies."""

from __future__ import annotations

import pyarrow as pa

from gops.catalog.model import Dataset
from gops.catalog.search.extents import Extents
from gops.catalog.search.service import Asked, Search
from gops.clock import DAY
from gops.geo import BBox
from gops.records.database import Database
from gops.records.events import Event
from gops.store.memory import MemoryStore
from gops.store.port import READINGS
from tests.unit.catalog.conftest import World


def readings(stream: int, *times: int) -> pa.Table:
    plain = {"datastream": stream, "value": 1.0, "text": None, "quality": 0, "result_time": None}
    return pa.Table.from_pylist([{**plain, "t": t} for t in times], schema=READINGS)


def found(search: Search, **asked: object) -> list[str]:
    return [hit.dataset.slug for hit in search.find(Asked(**asked)).hits]  # type: ignore[arg-type]


def test_times_and_places_come_from_what_is_in_a_dataset(world: World, database: Database) -> None:
    """A year ago two days of readings; then a fresh one; then a delay hides it."""
    stream = world.stream(place=(127.0286, 37.2636))
    store, now = MemoryStore(), world.clock.micros()
    search = Search(database, seeing=Extents(database, store, world.clock).seen)

    def write(*times: int) -> None:
        store.write(readings(stream, *times), "replace")

    world.published(stream)
    assert found(search, q="대기질") == ["air"]
    assert found(search, start=0) == [], "nothing is known of its readings"
    write(now - 365 * DAY, now - 363 * DAY)
    assert search.refresh() == 1
    assert (found(search, start=now - 364 * DAY), found(search, start=now - 362 * DAY)) == (["air"], [])
    assert (found(search, end=now - 365 * DAY), found(search, end=now - 364 * DAY)) == ([], ["air"])
    hit = search.find(Asked()).hits[0]
    assert (hit.first, hit.last) == (now - 365 * DAY, now - 363 * DAY)
    write(now)
    search.refresh()
    assert search.find(Asked()).hits[0].last is None, "it goes on"
    with database.write() as session:
        row = session.get_one(Dataset, hit.dataset.id)
        row.delay, row.start = 2 * DAY, now - 364 * DAY
    search.refresh()
    hit = search.find(Asked()).hits[0]
    assert (hit.first, hit.last) == (now - 364 * DAY, None)
    assert hit.facts["box"] == [127.02, 37.26, 127.03, 37.27], "outward, and no nearer than a kilometre"
    assert found(search, bbox=BBox(127.0, 37.0, 127.02, 37.3)) == ["air"]
    assert found(search, bbox=BBox(126.0, 37.0, 127.01, 37.3)) == []
    assert found(search, q="PM10") == ["air"]
    with database.write() as session:
        session.get_one(Dataset, hit.dataset.id).location_decimals = 1
    assert search.find(Asked()).hits[0].facts["box"] == [127.0, 37.2, 127.1, 37.3]


def test_a_changed_dataset_is_looked_at_when_its_event_comes(world: World, database: Database) -> None:
    stream = world.stream()
    store = MemoryStore()
    search = Search(database, seeing=Extents(database, store, world.clock).seen)
    made = world.published(stream)
    store.write(readings(stream, 5), "replace")
    for handler in search.handlers["dataset.published"]:
        handler(Event(1, 1, "dataset.published", {"dataset": made.id}))
    assert search.find(Asked()).hits[0].first == 5
