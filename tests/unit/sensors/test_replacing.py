"""Replacing a sensor: the Thing stays, a new Datastream goes on, and what the device sends goes to it."""

from __future__ import annotations

from typing import Any

import pytest

from gops.errors import Conflict, Invalid, NotFound


def test_the_thing_stays_and_a_new_datastream_goes_on(registry: Any, publisher: Any, device_thing: Any) -> None:
    old = registry.stream(publisher, device_thing, field="t", period="PT1H", range_low=-40, name="Roof", label="end")
    registry.datastreams.publish(publisher, old.id, True)
    registry.clock.move(days=1)
    new = registry.datastreams.replace_sensor(publisher, old.id, "BME680", "drifted")
    ended = registry.datastreams.get(publisher, old.id)
    assert (ended.ended_at, ended.end_reason) == (registry.clock.micros(), f"replaced by Datastream {new.id}: drifted")
    kept = ("thing_id", "observed_property_id", "unit", "kind", "period", "label", "range_low", "name", "public")
    assert {name: getattr(new, name) for name in kept} == {name: getattr(ended, name) for name in kept}
    assert (new.id > old.id, new.ended_at, new.created_at) == (True, None, registry.clock.micros())
    assert registry.sensors.get(publisher, new.sensor_id).name == "BME680"


def test_the_field_moves_with_its_conversion(registry: Any, publisher: Any, device_thing: Any) -> None:
    old = registry.stream(publisher, device_thing)
    row = {"field": "t", "datastream": old.id, "unit": "[degF]", "scale": 1.01, "offset": -0.2}
    registry.mappings.put(publisher, "suwon/air-1", [row])
    before = registry.mappings.route("suwon/air-1").fields["t"]
    new = registry.datastreams.replace_sensor(publisher, old.id, "BME680")
    route = registry.mappings.route("suwon/air-1")
    after = route.fields["t"]
    assert (after.datastream, after.scale, after.offset) == (new.id, before.scale, before.offset)
    assert route.ended == frozenset()


def test_ingest_and_others_are_told_of_both(registry: Any, publisher: Any, device_thing: Any, device: Any) -> None:
    old = registry.stream(publisher, device_thing, field="t")
    actions, events = registry.left_by(lambda: registry.datastreams.replace_sensor(publisher, old.id, "new"))
    assert actions == ["sensor.create", "datastream.replace"]
    assert events == [
        ("datastream.changed", {"datastream": old.id}),
        ("datastream.changed", {"datastream": old.id + 1}),
        ("mapping.changed", {"device": device.id}),
    ]
    assert registry.audited()[-1][2:] == (old.id + 1, {"replaces": old.id})


def test_another_unit_is_another_datastream(registry: Any, publisher: Any, device_thing: Any) -> None:
    """The way on when readings stand in a unit; the Sensor may stay."""
    old = registry.stream(publisher, device_thing, field="t", range_low=-40, range_high=60)
    registry.read.add(old.id)
    new = registry.datastreams.replace_sensor(publisher, old.id, old.sensor_id, unit="K")
    assert (new.unit, new.sensor_id) == ("K", old.sensor_id)
    assert (new.range_low, new.range_high) == (pytest.approx(233.15), pytest.approx(333.15))
    target = registry.mappings.route("suwon/air-1").fields["t"]
    assert (target.datastream, target.scale, target.offset) == (new.id, 1.0, 0.0)


def test_a_scaled_field_does_not_move_to_another_unit(registry: Any, publisher: Any, device_thing: Any) -> None:
    old = registry.stream(publisher, device_thing)
    registry.mappings.put(publisher, "suwon/air-1", [{"field": "t", "datastream": old.id, "offset": -0.5}])
    with pytest.raises(Conflict) as caught:
        registry.datastreams.replace_sensor(publisher, old.id, "new", unit="K")
    assert caught.value.code == "mapping_misfit"
    assert registry.datastreams.get(publisher, old.id).ended_at is None
    assert registry.mappings.route("suwon/air-1").fields["t"].datastream == old.id


def test_what_is_given_differs_in_the_new_one(registry: Any, publisher: Any, thing: Any) -> None:
    old = registry.stream(publisher, thing, "rainfall", period="PT1H", label="end", range_high=300)
    new = registry.datastreams.replace_sensor(
        publisher, old.id, "bucket", kind="counter", period=None, label="instant", range_high=None, name="Bucket"
    )
    assert (new.kind, new.period, new.label, new.range_high, new.name) == ("counter", None, "instant", None, "Bucket")


def test_the_same_sensor_and_unit_is_no_replacement(registry: Any, publisher: Any, thing: Any) -> None:
    old = registry.stream(publisher, thing)
    for sensor in (old.sensor_id, "probe"):
        with pytest.raises(Conflict) as caught:
            registry.datastreams.replace_sensor(publisher, old.id, sensor, range_high=50)
        assert caught.value.code == "same_sensor"


def test_a_unit_that_does_not_suit_the_property_is_refused(registry: Any, publisher: Any, thing: Any) -> None:
    old = registry.stream(publisher, thing)
    with pytest.raises(Invalid):
        registry.datastreams.replace_sensor(publisher, old.id, "new", unit="hPa")
    assert [one.name for one in registry.sensors.list(publisher)] == ["probe"]


def test_the_first_sensor_may_be_decommissioned_afterwards(registry: Any, publisher: Any, thing: Any) -> None:
    old = registry.stream(publisher, thing)
    registry.datastreams.replace_sensor(publisher, old.id, "new")
    assert registry.sensors.decommission(publisher, old.sensor_id, "drifted").decommissioned_at is not None


def test_replacing_again_and_again_keeps_the_chain(registry: Any, publisher: Any, device_thing: Any) -> None:
    stream = registry.stream(publisher, device_thing, field="t")
    for number in range(3):
        stream = registry.datastreams.replace_sensor(publisher, stream.id, f"sensor {number}")
    assert registry.mappings.route("suwon/air-1").fields["t"].datastream == stream.id
    ended = registry.datastreams.list(publisher, in_use=False)
    assert [one.end_reason for one in ended] == [f"replaced by Datastream {one.id + 1}" for one in ended]


def test_a_stranger_replaces_nothing(registry: Any, stranger: Any, publisher: Any, thing: Any) -> None:
    stream = registry.stream(publisher, thing)
    with pytest.raises(NotFound):
        registry.datastreams.replace_sensor(stranger, stream.id, "mine")
