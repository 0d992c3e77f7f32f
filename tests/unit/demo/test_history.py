"""The past of the demo: two weeks, once, as the devices would have told it."""

from __future__ import annotations

from math import inf

import pytest

from gops.clock import DAY, SECOND
from gops.demo import history, messages
from gops.demo.fleet import FLEET, DemoDevice
from gops.demo.hourly import HOURLY
from gops.sensors.routes import Target
from gops.sensors.seed import SEED
from gops.store.memory import MemoryStore
from gops.store.port import READINGS

NOW = 1_783_220_400 * SECOND
KINDS = {row.key: row.kind for row in SEED}
FEW = (FLEET[0], FLEET[7], HOURLY[0], HOURLY[5])


def targets(device: DemoDevice, first: int = 1) -> dict[str, Target]:
    return {
        field.name: Target(
            first + number,
            KINDS[field.observed_property],
            1.0,
            0.0,
            -inf if field.low is None else field.low,
            inf if field.high is None else field.high,
        )
        for number, field in enumerate(device.fields)
    }


ROUTES = {device.address: targets(device, 100 * number) for number, device in enumerate(FEW, start=1)}


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


def test_two_weeks_are_written_and_not_again(store: MemoryStore) -> None:
    told: list[int] = []
    written = history.write(store, ROUTES, FEW, NOW, told.append)
    assert sum(told) == len(FEW)
    assert history.write(store, ROUTES, FEW, NOW + DAY) == 0
    extents = store.extent([target.datastream for route in ROUTES.values() for target in route.values()])
    assert len(extents) == sum(len(device.fields) for device in FEW)
    assert sum(extent.rows for extent in extents.values()) == written
    for extent in extents.values():
        assert NOW - 14 * DAY <= extent.first < NOW - 13 * DAY
        assert NOW - DAY < extent.last < NOW


def test_live_devices_have_ten_minutes_and_hourly_ones_an_hour_between_readings(store: MemoryStore) -> None:
    history.write(store, ROUTES, FEW, NOW)
    extents = store.extent([100, 300])
    assert 0.9 * 2016 < extents[100].rows < 2016
    assert 0.85 * 336 < extents[300].rows <= 336


def test_a_device_that_came_later_gets_its_past_and_nothing_of_others_changes(store: MemoryStore) -> None:
    history.write(store, ROUTES, FEW[:2], NOW)
    before = store.version([100])
    assert history.write(store, ROUTES, FEW, NOW) > 0
    assert store.version([100]) == before
    assert set(store.extent([100, 300])) == {100, 300}


def test_what_stands_is_not_replaced(store: MemoryStore) -> None:
    t = NOW - DAY - NOW % (3600 * SECOND)
    row = dict(zip(READINGS.names, ([300], [t], [777.0], [None], [0], [None]), strict=True))
    store.write(history.pa.table(row, schema=READINGS), "replace")
    history.write(store, ROUTES, FEW, NOW)
    latest = [extent.rows for extent in store.extent([300]).values()]
    assert latest[0] > 250
    from gops.store.port import Read, Series

    stands = store.read(Read([Series(300)], t, t + 1)).to_pylist()
    assert [one["value"] for one in stands] == [777.0]


@pytest.mark.parametrize("device", FEW, ids=lambda device: device.address)
def test_the_table_has_values_marks_and_gaps_of_the_messages(device: DemoDevice) -> None:
    start = NOW // SECOND - 60 * DAY // SECOND
    rows = history.table(device, ROUTES[device.address], start, NOW // SECOND)
    assert rows.schema == READINGS
    times = sorted(set(rows["t"].to_pylist()))
    step = max(device.period, 600)
    assert len(times) < 60 * DAY // SECOND // step  # silences
    qualities = set(rows["quality"].to_pylist())
    assert {0, 4} <= qualities
    sent = dict(messages.measured(device, start, NOW // SECOND, step))
    assert [t // SECOND for t in times] == list(sent)
    first = rows.to_pylist()[0]
    assert first["value"] == sent[first["t"] // SECOND][device.fields[0].name] or first["quality"] == 4


def test_states_are_words_and_numbers_out_of_range_are_suspect() -> None:
    device = next(one for one in FLEET if one.name == "parking-cityhall")
    rows = history.table(device, targets(device), NOW // SECOND - 86400, NOW // SECOND).to_pylist()
    assert {one["text"] for one in rows if one["datastream"] == 2 and one["quality"] == 0} == {"true", "false"}
    assert all(one["text"] is None for one in rows if one["datastream"] == 1)
    target = targets(device)["free"]
    assert [int(history._quality(value, target)) for value in (0, target.high, target.high + 1)] == [0, 0, 2]
