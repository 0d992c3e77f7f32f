"""The demo's numbers: always the same for a seed and a time, plausible, and with the rhythm of a day."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest

from gops.demo import signals
from gops.demo.fleet import FLEET, PERIOD_SECONDS
from gops.demo.hourly import HOURLY
from gops.demo.instruments import Field
from gops.kinds import DEFAULT_AGGREGATES
from gops.sensors.seed import SEED

NOON = 1_783_220_400.0  # 2026-07-05T12:00+09:00, a Sunday
PROPERTIES = {row.key: row for row in SEED}
FIELDS = [(device, field) for device in FLEET + HOURLY[:32] for field in device.fields]
"""All live ones, and hourly ones of every kind."""


def ids(pair: object) -> str:
    return f"{pair.address}" if hasattr(pair, "address") else getattr(pair, "name", "")


@pytest.mark.parametrize(("device", "field"), FIELDS, ids=ids)
def test_a_year_of_a_field_stays_within_its_range_and_moves(device, field) -> None:  # type: ignore[no-untyped-def]
    values = [field.signal(device.city.slug, device.address, NOON + n * 47_917.0) for n in range(660)]
    assert len(set(values)) > 1
    if PROPERTIES[field.observed_property].kind != "state":
        assert all(math.isfinite(value) and field.low <= value <= field.high for value in values)


def test_the_same_seed_and_time_give_the_same_value_and_others_another() -> None:
    def at(city: str, device: str, t: float) -> float:
        return float(signals.temperature(city, device, t))

    assert at("suwon", "a", NOON) == at("suwon", "a", NOON)
    assert (
        len({at("suwon", "a", NOON), at("suwon", "b", NOON), at("osan", "a", NOON), at("suwon", "a", NOON + 60)}) == 4
    )


def test_signals_do_not_jump_between_two_messages() -> None:
    for signal, most in ((signals.temperature, 0.1), (signals.pressure, 0.05), (signals.river_level, 0.02)):
        steps = [signal("suwon", "a", NOON + n * PERIOD_SECONDS) for n in range(2000)]
        assert max(abs(after - before) for before, after in pairwise(steps)) < most


def test_afternoons_are_warmer_than_nights_and_streets_louder_by_day() -> None:
    def mean(signal: signals.Signal, hour: int) -> float:
        return sum(signal("suwon", "a", NOON + (hour - 12) * 3600 + day * 86400) for day in range(60)) / 60

    assert mean(signals.temperature, 15) > mean(signals.temperature, 4) + 4
    assert mean(signals.noise_level, 14) > mean(signals.noise_level, 3) + 5
    assert mean(signals.o3, 15) > mean(signals.o3, 3)
    assert mean(signals.parking_free(100, 14), 14) < mean(signals.parking_free(100, 14), 3)


def test_weekends_are_known() -> None:
    assert signals.is_weekend(NOON)
    assert not signals.is_weekend(NOON + 86400)
    assert signals.hour_of_day(NOON) == 12


def test_a_meter_only_grows() -> None:
    meter = [signals.energy("suwon", "a", NOON + n * 600) for n in range(2000)]
    assert all(after > before for before, after in pairwise(meter))


def test_it_rains_now_and_then_and_rivers_rise_with_it() -> None:
    hours = [NOON + n * 3600 for n in range(24 * 90)]
    rates = [signals.rain_rate("suwon", t) for t in hours]
    assert 0.02 < sum(rate > 0 for rate in rates) / len(rates) < 0.3
    wettest = hours[rates.index(max(rates))]
    dry = sorted(signals.river_level("suwon", "a", t) for t in hours)[len(hours) // 2]
    assert signals.river_level("suwon", "a", wettest + 3600) > dry + 0.1


def test_the_fleet_is_about_twenty_devices_of_two_cities_and_all_kinds() -> None:
    assert len(FLEET) == 20
    assert len({device.address for device in FLEET}) == 20
    assert {device.city.slug for device in FLEET} == {"suwon", "seongnam"}
    assert {device.name.split("-")[0] for device in FLEET} >= {"air", "weather", "noise", "parking", "river"}


@pytest.mark.parametrize("device", FLEET, ids=ids)
def test_a_device_stands_in_its_city_with_korean_and_english_names(device) -> None:  # type: ignore[no-untyped-def]
    west, south, east, north = {"suwon": (126.93, 37.21, 127.1, 37.35), "seongnam": (127.02, 37.33, 127.2, 37.48)}[
        device.city.slug
    ]
    assert west < device.longitude < east
    assert south < device.latitude < north
    assert not device.name_ko.isascii()
    assert device.name_en.isascii()


@pytest.mark.parametrize("field", {id(field): field for _device, field in FIELDS}.values(), ids=ids)
def test_a_field_observes_a_property_of_the_platform(field: Field) -> None:
    known = PROPERTIES[field.observed_property]
    assert known.kind in DEFAULT_AGGREGATES
    assert (field.low is None) == (known.kind == "state")
    assert field.label == "end" or known.kind != "amount"
