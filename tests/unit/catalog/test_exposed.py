"""What others see of a store: as far as start, delay and small counts allow."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from gops.catalog.contents import Catalogued, Filter
from gops.catalog.exposed import exposed, moment
from gops.catalog.exposing import most_generous
from gops.clock import HOUR, MINUTE
from gops.geo import BBox
from gops.permissions import ANONYMOUS
from gops.sensors.exposure import WHOLE, Exposure, Span
from gops.sensors.model import Datastream, Thing
from gops.store.memory import MemoryStore
from gops.store.port import READINGS, Read, Series, Store, Windows
from tests.unit.catalog.conftest import World

NOW = 100 * HOUR
LATE = Exposure(delay=2 * HOUR)
SINCE = Exposure(start=97 * HOUR)
SMALL = Exposure(suppress_below=5)


@pytest.fixture
def inner() -> MemoryStore:
    """Three Datastreams, a reading an hour from 95 h to 99 h, counting up from 1; the third in words."""
    made = MemoryStore()
    rows = [
        {"datastream": one, "t": (95 + place) * HOUR, "value": None if one == 3 else place + 1.0,
         "text": "on" if one == 3 else None, "quality": 0, "result_time": None}
        for one in (1, 2, 3) for place in range(5)
    ]  # fmt: skip
    made.write(pa.Table.from_pylist(rows, schema=READINGS), "replace")
    return made


def seen(store: Store, **query: Any) -> list[tuple[int, int]]:
    series = [Series(1), Series(2), Series(3, "state")]
    found = store.read(Read(series, **query))
    assert found.schema == READINGS
    return [(one, t // HOUR) for one, t in zip(found["datastream"].to_pylist(), found["t"].to_pylist(), strict=True)]


def test_a_store_that_holds_nothing_back_is_itself(inner: MemoryStore) -> None:
    assert exposed(inner, {1: WHOLE}, NOW) is inner
    assert moment({1: WHOLE, 2: SINCE}, NOW) == ()


def test_each_datastream_is_read_as_far_as_it_is_public(inner: MemoryStore) -> None:
    store = exposed(inner, {1: LATE, 2: SINCE}, NOW)
    whole = [(1, 95), (1, 96), (1, 97), (2, 97), (2, 98), (2, 99), *((3, hour) for hour in range(95, 100))]
    assert seen(store) == whole
    assert seen(store, descending=True) == whole[::-1]
    assert seen(store, start=96 * HOUR, end=99 * HOUR) == [(one, hour) for one, hour in whole if 96 <= hour < 99]
    paged: list[tuple[int, int]] = []
    while some := seen(store, limit=2, after=(paged[-1][0], paged[-1][1] * HOUR) if paged else None):
        paged += some
    assert paged == whole


def test_a_range_in_which_nothing_is_public_is_empty(inner: MemoryStore) -> None:
    store = exposed(inner, dict.fromkeys((1, 2, 3), Exposure(start=98 * HOUR, delay=3 * HOUR)), NOW)
    assert seen(store) == []
    assert seen(store, start=98 * HOUR) == []
    assert store.extent([1, 2, 3]) == {}
    assert store.latest([1, 2, 3]).num_rows == 0


def test_for_label_end_the_bounds_are_open_below_and_closed_above(inner: MemoryStore) -> None:
    store = exposed(inner, {1: Exposure(start=95 * HOUR, delay=2 * HOUR)}, NOW)
    found = store.read(Read([Series(1, label="end", period=HOUR)]))
    assert [t // HOUR for t in found["t"].to_pylist()] == [96, 97, 98]


def test_what_is_public_ends_with_a_whole_minute() -> None:
    assert LATE.span(NOW + 59_999_999) == LATE.span(NOW) == Span(None, 98 * HOUR)
    assert LATE.span(NOW + MINUTE) == Span(None, 98 * HOUR + MINUTE)
    assert moment({1: LATE, 2: LATE, 3: SINCE}, NOW) == (98 * HOUR,)


def test_the_newest_is_the_newest_public_one(inner: MemoryStore) -> None:
    newest = exposed(inner, {1: LATE, 2: SINCE, 3: WHOLE}, NOW).latest([1, 2, 3])
    assert dict(zip(newest["datastream"].to_pylist(), newest["t"].to_pylist(), strict=True)) == {
        1: 97 * HOUR,
        2: 99 * HOUR,
        3: 99 * HOUR,
    }


def test_extents_end_where_what_is_public_does(inner: MemoryStore) -> None:
    found = exposed(inner, {1: LATE, 2: SINCE}, NOW).extent([1, 2])
    assert (found[1].last, found[2].first, found[2].last) == (98 * HOUR, 97 * HOUR, 99 * HOUR)


def windows(store: Store, kind: Any, name: Any, fill: bool = False, **bounds: int) -> list[float | None]:
    edges = range(94 * HOUR, 100 * HOUR + 1, 2 * HOUR)
    found = store.aggregate(Windows([Series(1, kind)], edges, (name,), fill=fill, **bounds))
    values: list[float | None] = found[name].to_pylist()
    return values


def test_windows_count_what_is_public_alone(inner: MemoryStore) -> None:
    assert windows(inner, "gauge", "max") == [1.0, 3.0, 5.0]
    assert windows(exposed(inner, {1: LATE}, NOW), "gauge", "max") == [1.0, 3.0]
    assert windows(exposed(inner, {1: LATE}, NOW), "gauge", "max", fill=True) == [1.0, 3.0, None]
    assert windows(exposed(inner, {1: SINCE}, NOW), "gauge", "min") == [3.0, 4.0]
    assert windows(exposed(inner, {1: SINCE}, NOW), "gauge", "min", start=98 * HOUR) == [4.0]


def test_an_increase_from_before_the_start_is_not_told(inner: MemoryStore) -> None:
    assert windows(inner, "counter", "increase") == [None, 2.0, 2.0]
    assert windows(exposed(inner, {1: SINCE}, NOW), "counter", "increase") == [None, 2.0]


def test_small_counts_are_null_and_their_rows_stay(inner: MemoryStore) -> None:
    store = exposed(inner, {1: SMALL}, NOW)
    found = store.read(Read([Series(1, "amount"), Series(2, "amount")]))
    assert found["value"].to_pylist() == [None] * 4 + [5.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    assert store.latest([1])["value"].to_pylist() == [5.0]
    assert windows(inner, "amount", "sum") == [1.0, 5.0, 9.0]
    assert windows(store, "amount", "sum") == [None, None, None]
    assert windows(exposed(inner, {1: Exposure(suppress_below=4)}, NOW), "amount", "sum") == [None, None, 9.0]
    edges = [95 * HOUR, 100 * HOUR]
    both = store.aggregate(Windows([Series(1, "amount")], edges, ("sum", "min")))
    assert (both["sum"].to_pylist(), both["min"].to_pylist(), both["count"].to_pylist()) == ([None], [None], [5])


def test_small_counts_are_of_amounts_and_states_alone() -> None:
    class Row:
        public_start, public_delay, suppress_below, kind = None, 0, 5, "gauge"

    assert Exposure.of(Row()).is_whole
    Row.kind = "amount"
    assert Exposure.of(Row()) == SMALL


@pytest.mark.parametrize(
    ("held", "wanted"),
    [
        ([], (None, 0, None)),
        ([(7, HOUR, 5), (None, HOUR, 3)], (None, HOUR, 3)),
        ([(None, HOUR, 5), (9, 0, None)], (9, 0, None)),
        ([(None, 2 * HOUR, 5), (3, HOUR, 9)], (3, HOUR, 5)),
    ],
)
def test_of_several_datasets_one_that_shows_most_decides(held: Any, wanted: Any) -> None:
    assert most_generous(held) == wanted


def test_the_registry_knows_what_datasets_let_others_see(either_world: World) -> None:
    world = either_world
    one, two = world.stream(place=(127.01234, 37.26789)), world.stream()
    terms: Any = {"delay": "PT1H", "location_decimals": 2, "suppress_below": 5}
    world.dataset(one, two, slug="rough", **terms)
    world.datasets.publish(world.actor, "rough")

    def known(stream: int) -> tuple[Any, ...]:
        with world.database.read() as session:
            row = session.get_one(Datastream, stream)
            thing = session.get_one(Thing, row.thing_id)
            return row.public_start, row.public_delay, row.suppress_below, thing.place_decimals

    assert known(one) == known(two) == (None, HOUR, 5, 2)
    exact, rough = BBox(127.0123, 37.2678, 127.0124, 37.2679), BBox(127.0099, 37.2699, 127.0101, 37.2701)
    catalogued = Catalogued(world.database)
    for actor, box in ((ANONYMOUS, rough), (world.stranger, rough), (world.actor, exact)):
        other = exact if box is rough else rough
        assert catalogued.contents(actor, "rough", Filter(bbox=box)).ids == [one]
        assert catalogued.contents(actor, "rough", Filter(bbox=other)).ids == []
    world.dataset(one, slug="fine", start=world.clock.micros())
    world.datasets.publish(world.actor, "fine")
    assert (known(one), known(two)) == ((world.clock.micros(), 0, None, None), (None, HOUR, 5, 2))
    world.datasets.withdraw(world.actor, "fine", "x")
    world.datasets.edit(world.actor, "rough", {"delay": None, "location_decimals": 3})
    assert known(one) == known(two) == (None, 0, 5, 3)
    with world.database.write() as session:
        session.get_one(Thing, session.get_one(Datastream, one).thing_id).place_decimals = None
    world.drafts.reconcile()
    assert known(one) == (None, 0, 5, 3), "whatever was done to it meanwhile"
    world.datasets.edit(world.actor, "rough", {"datastreams": [two]})
    assert known(one) == (None, 0, None, None)
