"""Sensors: made, listed, and taken out of use once nothing uses them."""

from __future__ import annotations

from typing import Any

import pytest

from gops.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated


def test_a_sensor_is_made_and_shown(registry: Any, publisher: Any, city: Any) -> None:
    made = registry.sensors.create(
        publisher, "suwon", "BME280", "of the roof", "application/pdf", "https://example.kr/bme280.pdf"
    )
    shown = registry.sensors.get(publisher, made.id)
    assert (shown.organisation_id, shown.name, shown.description) == (city.id, "BME280", "of the roof")
    assert (shown.encoding_type, shown.metadata_) == ("application/pdf", "https://example.kr/bme280.pdf")
    assert registry.audited() == [("sensor.create", "sensor", made.id, {"name": "BME280"})]


@pytest.mark.parametrize(
    ("field", "value"),
    [("name", ""), ("description", "x" * 2001), ("encoding_type", "text/csv"), ("metadata", "x\x00")],
)
def test_a_wrong_value_is_named(registry: Any, publisher: Any, field: str, value: str) -> None:
    with pytest.raises(Invalid) as caught:
        registry.sensors.create(publisher, **{"organisation": "suwon", "name": "BME280", field: value})
    assert caught.value.field == field


def test_only_an_organisation_s_own_people_make_sensors(
    registry: Any, stranger: Any, viewer: Any, anonymous: Any, city: Any
) -> None:
    for actor, error in ((stranger, Forbidden), (viewer, Forbidden), (anonymous, Unauthenticated)):
        with pytest.raises(error):
            registry.sensors.create(actor, "suwon", "BME280")


def test_the_number_of_sensors_is_a_setting(registry: Any, publisher: Any) -> None:
    registry.limit(organisation_sensors=1)
    registry.sensors.create(publisher, "suwon", "one")
    with pytest.raises(Conflict, match="organisation_sensors allows 1"):
        registry.sensors.create(publisher, "suwon", "two")


def test_a_sensor_in_use_is_not_decommissioned(registry: Any, publisher: Any, thing: Any) -> None:
    stream = registry.stream(publisher, thing)
    with pytest.raises(Conflict) as caught:
        registry.sensors.decommission(publisher, stream.sensor_id, "old")
    assert (caught.value.code, caught.value.found) == ("in_use", 1)
    registry.datastreams.end(publisher, stream.id, "moved")
    assert registry.sensors.decommission(publisher, stream.sensor_id, "old").decommission_reason == "old"


def test_a_decommissioned_sensor_says_so_and_is_not_used_again(registry: Any, publisher: Any, thing: Any) -> None:
    sensor = registry.sensors.create(publisher, "suwon", "BME280")
    registry.sensors.decommission(publisher, sensor.id, "broken")
    shown = registry.sensors.get(publisher, sensor.id)
    assert (shown.decommissioned_at, shown.decommission_reason) == (registry.clock.micros(), "broken")
    for act in (
        lambda: registry.sensors.decommission(publisher, sensor.id, "again"),
        lambda: registry.stream(publisher, thing, sensor=sensor.id),
    ):
        with pytest.raises(Conflict) as caught:
            act()
        assert caught.value.code == "decommissioned"


def test_the_name_of_a_decommissioned_sensor_makes_a_new_one(registry: Any, publisher: Any, thing: Any) -> None:
    old = registry.sensors.create(publisher, "suwon", "BME280")
    registry.sensors.decommission(publisher, old.id, "broken")
    stream = registry.stream(publisher, thing, sensor="BME280")
    assert stream.sensor_id != old.id
    assert registry.sensors.get(publisher, stream.sensor_id).decommissioned_at is None


def test_a_name_finds_the_sensor_that_has_it(registry: Any, publisher: Any, thing: Any) -> None:
    sensor = registry.sensors.create(publisher, "suwon", "BME280")
    assert registry.stream(publisher, thing, sensor="BME280").sensor_id == sensor.id
    assert registry.stream(publisher, thing, "humidity", sensor=sensor.id).sensor_id == sensor.id


def test_a_sensor_of_another_organisation_is_not_found(
    registry: Any, publisher: Any, stranger: Any, thing: Any
) -> None:
    foreign = registry.sensors.create(stranger, "busan", "BME280")
    for act in (
        lambda: registry.sensors.get(publisher, foreign.id),
        lambda: registry.sensors.decommission(publisher, foreign.id, "mine now"),
        lambda: registry.stream(publisher, thing, sensor=foreign.id),
    ):
        with pytest.raises(NotFound):
            act()
    assert registry.stream(publisher, thing, sensor="BME280").sensor_id != foreign.id


def test_sensors_are_listed_by_organisation(registry: Any, publisher: Any, stranger: Any) -> None:
    own = registry.sensors.create(publisher, "suwon", "one")
    registry.sensors.create(stranger, "busan", "two")
    assert [one.id for one in registry.sensors.list(publisher)] == [own.id]
    assert registry.sensors.list(publisher, organisation="busan") == []
    assert set(registry.sensors.many(publisher, [own.id, own.id + 1, 2**70])) == {own.id}
