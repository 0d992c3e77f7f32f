"""Fields become rows: converted, checked, each refused alone."""

from __future__ import annotations

import json
from dataclasses import replace
from math import inf, nan
from typing import Any

import pytest

from gops.clock import DAY, MINUTE
from gops.ingest.decoders import Decoded, Frame, decode
from gops.ingest.mapping import Limits, Readings, resolve, to_table
from gops.sensors.routes import OPEN, UNBOUNDED, DeviceRoute, Target
from gops.settings import load
from gops.store.memory import MemoryStore
from gops.store.port import READINGS

NOW = 1_783_228_800_000_000
LIMITS = Limits(past=3653 * DAY, ahead=10 * MINUTE, text=8)
ROUTE = DeviceRoute(
    7,
    3,
    "suwon",
    "suwon/air",
    {
        "pm10": Target(1, "gauge", 1.0, 0.0, 0.0, 500.0),
        "fahrenheit": Target(2, "gauge", 5 / 9, -160 / 9, -60.0, 60.0),
        "free": Target(3, "gauge", 1.0, 0.0, -inf, inf),
        "door": Target(4, "state", 1.0, 0.0, -inf, inf),
        "rain": Target(5, "amount", 1.0, 0.0, 0.0, inf),
    },
    frozenset({"old"}),
)


def rows(message: Any) -> Readings:
    return resolve(decode("json", json.dumps(message).encode(), Frame()), ROUTE, NOW, LIMITS)


def codes(got: Readings) -> list[tuple[str, str | None, str]]:
    return [(one.code, one.field, one.place) for one in got.refusals]


def test_a_number_is_a_row_at_its_time() -> None:
    got = rows({"ts": NOW // 1000 - 5, "values": {"pm10": 41}})
    assert got == Readings([1], [NOW - 5000], [41.0], [None], [0], [None], [])


def test_a_message_without_time_has_its_arrival() -> None:
    assert rows({"pm10": 41}).t == [NOW]


def test_a_number_is_converted_as_the_mapping_says() -> None:
    assert rows({"fahrenheit": 212}).value == [pytest.approx(100.0)]
    assert rows({"fahrenheit": 32}).value == [pytest.approx(0.0)]


def test_minus_zero_is_stored_as_zero() -> None:
    assert str(rows({"pm10": -0.0}).value[0]) == "0.0"


@pytest.mark.parametrize(
    ("sent", "value", "quality"),
    [
        (0, 0.0, 0),
        (500, 500.0, 0),
        (500.1, 500.1, 2),
        (-1, -1.0, 2),
        ({"value": -1, "quality": "estimated"}, -1.0, 2),
        ({"value": -1, "quality": "maintenance"}, -1.0, 3),
        ({"value": 5, "quality": "estimated"}, 5.0, 1),
        ({"value": 5, "quality": "communication_failure"}, 5.0, 4),
        ({"value": 5, "quality": "good"}, 5.0, 0),
        (None, None, 5),
        ({"value": None, "quality": "good"}, None, 5),
        ({"value": None, "quality": "estimated"}, None, 5),
        ({"quality": "suspect"}, None, 2),
        ({"quality": "maintenance"}, None, 3),
        ({"quality": "communication_failure"}, None, 4),
        ({"quality": "missing"}, None, 5),
    ],
)
def test_of_several_qualities_the_highest_wins_and_the_number_is_kept(sent: Any, value: Any, quality: int) -> None:
    got = rows({"pm10": sent})
    assert (got.value, got.quality, got.refusals) == ([value], [quality], [])


def test_the_range_is_that_of_the_converted_number() -> None:
    assert rows({"fahrenheit": 139}).quality == [0]
    assert rows({"fahrenheit": 141}).quality == [2]


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        ("open", "open"),
        ("점검중", "점검중"),
        ("", ""),
        (True, "true"),
        (False, "false"),
        (3, "3"),
        (1.5, "1.5"),
        (2.0, "2.0"),
        ({"value": "open", "quality": "estimated"}, "open"),
    ],
)
def test_a_state_is_text(sent: Any, text: str) -> None:
    got = rows({"door": sent})
    assert (got.value, got.text, got.refusals) == ([None], [text], [])


def test_a_state_of_null_is_missing() -> None:
    got = rows({"door": None})
    assert (got.value, got.text, got.quality) == ([None], [None], [5])


@pytest.mark.parametrize(
    ("message", "code", "place"),
    [
        ({"pm10": "41"}, "wrong_type", "pm10"),
        ({"pm10": True}, "wrong_type", "pm10"),
        ({"rain": "none"}, "wrong_type", "rain"),
        ({"values": {"pm25": 1}}, "unknown_field", "values.pm25"),
        ([{"old": 1}], "ended_datastream", "[0].old"),
        ({"pm10": {"value": 5, "quality": "missing"}}, "bad_quality", "pm10"),
        ({"door": {"value": "x", "quality": "missing"}}, "bad_quality", "door"),
        ({"door": "x" * 9}, "too_large", "door"),
        ({"door": "a\0b"}, "wrong_type", "door"),
        ({"ts": 0, "pm10": 1}, "too_early", "pm10"),
        ({"ts": -(10**13), "pm10": 1}, "too_early", "pm10"),
        ({"ts": (NOW + 11 * MINUTE) // 1000, "pm10": 1}, "too_far_ahead", "pm10"),
        ({"ts": "9999-12-31T23:59:59Z", "pm10": 1}, "too_far_ahead", "pm10"),
        ({"pm10": {"value": 1, "resultTime": "2099-01-01T00:00:00Z"}}, "too_far_ahead", "pm10"),
        ({"pm10": {"value": 1, "resultTime": "1899-12-31T23:59:59Z"}}, "bad_time", "pm10"),
        ({"pm10": {"value": 1, "resultTime": "0001-01-01T00:00:00Z"}}, "bad_time", "pm10"),
    ],
)
def test_what_cannot_be_stored_is_refused_by_code_and_its_neighbour_kept(message: Any, code: str, place: str) -> None:
    got = rows(message)
    assert codes(got) == [(code, place.split(".")[-1], place)]
    assert got.t == []
    good = rows([message, {"free": 1}] if isinstance(message, dict) else [*message, {"free": 1}])
    assert good.datastream == [3]


@pytest.mark.parametrize(
    ("age", "closed", "t", "part"),
    [
        (10 * DAY, OPEN, NOW - 10 * DAY - 1000, "P10D"),
        (10 * DAY, OPEN, NOW - 10 * DAY, None),
        (UNBOUNDED, NOW - 5 * DAY, NOW - 5 * DAY - 1000, "thinned"),
        (UNBOUNDED, NOW - 5 * DAY, NOW - 5 * DAY, None),
    ],
)
def test_what_comes_after_its_time_was_settled_is_refused_as_too_late(
    age: int, closed: int, t: int, part: str | None
) -> None:
    """Also what repeats the past; a reading without time and its neighbours are taken in."""
    targets = {"a": Target(1, "gauge", 1.0, 0.0, -inf, inf, age=age, closed=closed), "free": ROUTE.fields["free"]}
    route = DeviceRoute(7, 3, "suwon", "suwon/air", targets)
    message = [{"ts": t // 1000, "repeat": True, "values": {"a": 1, "free": 2}}, {"a": 3}]
    got = resolve(decode("json", json.dumps(message).encode(), Frame()), route, NOW, LIMITS)
    assert codes(got) == ([] if part is None else [("too_late", "a", "[0].values.a")])
    assert got.datastream == ([1, 3, 1] if part is None else [3, 1])
    assert part is None or part in got.refusals[0].note


@pytest.mark.parametrize(("ahead", "taken"), [(2000, [1, 3]), (2001, [3])])
def test_what_is_further_ahead_than_its_datastream_accepts_is_refused(ahead: int, taken: list[int]) -> None:
    """Its neighbours have the bound of the platform."""
    route = DeviceRoute(
        7, 3, "suwon", "suwon/air", {**ROUTE.fields, "a": replace(ROUTE.fields["pm10"], lead=-2_000_000)}
    )
    message = [{"ts": NOW // 1000 + ahead, "values": {"a": 1, "free": 2}}]
    got = resolve(decode("json", json.dumps(message).encode(), Frame()), route, NOW, LIMITS)
    assert got.datastream == taken
    assert [one.note for one in got.refusals] == [
        "PT0.001S later than the PT2S that this Datastream accepts (rule future)"
    ] * (len(taken) == 1)


@pytest.mark.parametrize("number", [nan, inf, -inf])
def test_a_number_that_another_codec_let_through_must_be_finite(number: float) -> None:
    decoded = Decoded(["free", "door"], [number] * 2, [None] * 2, [None] * 2, [None] * 2)
    assert [code for code, *_ in codes(resolve(decoded, ROUTE, NOW, LIMITS))] == ["not_a_number"] * 2


def test_a_conversion_that_overflows_is_refused() -> None:
    route = DeviceRoute(7, 3, "suwon", "suwon/air", {"a": Target(1, "gauge", 1e300, 0.0, -inf, inf)})
    got = resolve(decode("json", b'{"a":1e300}', Frame()), route, NOW, LIMITS)
    assert [code for code, *_ in codes(got)] == ["not_a_number"]


@pytest.mark.parametrize("off", [-3653 * DAY, 10 * MINUTE])
def test_a_time_at_the_very_bound_is_accepted(off: int) -> None:
    assert rows({"ts": (NOW + off) // 1000, "pm10": 1}).t == [NOW + off]


def test_seconds_sent_for_milliseconds_are_pointed_out() -> None:
    assert "not seconds" in rows({"ts": NOW // 1_000_000, "pm10": 1}).refusals[0].note


def test_an_old_result_time_is_no_trouble() -> None:
    got = rows({"pm10": {"value": 1, "resultTime": "1999-01-01T00:00:00Z"}})
    assert got.refusals == []
    assert got.result_time[0] is not None


def test_refusals_of_the_decoder_come_first_and_the_decoded_stays_as_it_was() -> None:
    decoded = decode("json", b'{"pm25": 1, "pm10": []}', Frame())
    got = resolve(decoded, ROUTE, NOW, LIMITS)
    assert [one.code for one in got.refusals] == ["wrong_type", "unknown_field"]
    assert [one.code for one in decoded.refusals] == ["wrong_type"]


def test_rows_of_many_messages_become_one_table_of_the_store() -> None:
    table = to_table([rows({"pm10": 1, "door": "open"}), rows({"pm10": None})])
    assert table.schema == READINGS
    assert table.to_pydict()["value"] == [1.0, None, None]
    assert table.to_pydict()["text"] == [None, "open", None]
    assert to_table([]).schema == READINGS


def test_bounds_come_from_the_settings() -> None:
    settings = load({"GOPS_MESSAGE_DEPTH": "5", "GOPS_ACCEPT_AHEAD_SECONDS": "7", "GOPS_MESSAGE_TEXT": "9"})
    assert Frame.of(settings) == Frame(None, 10_000, 5, 262_144)
    able = MemoryStore.capabilities
    assert Limits.of(settings, able) == Limits(3653 * DAY, 7_000_000, 9)
    assert Limits.of(settings, replace(able, text=False, microseconds=False)) == Limits(3653 * DAY, 7_000_000, 0, 1000)


def test_what_the_store_cannot_tell_or_keep_is_refused_reading_by_reading() -> None:
    """A store of milliseconds and numbers: an arrival is cut to it, what a device says is not."""
    limits = replace(LIMITS, text=0, finest=1000)
    message = [{"ts": (NOW + n) / 1000, "values": {"pm10": n}} for n in (0, 1, 1000)] + [{"door": "open", "free": 4}]
    got = resolve(decode("json", json.dumps(message).encode(), Frame()), ROUTE, NOW + 7, limits)
    assert (got.t, got.value) == ([NOW, NOW + 1000, NOW], [0.0, 1000.0, 4.0])
    assert codes(got) == [("time_too_fine", "pm10", "[1].values.pm10"), ("unsupported_kind", "door", "[3].door")]


def senml(*records: dict[str, Any]) -> Decoded:
    return decode("senml", json.dumps(records).encode(), Frame())


def sends(unit: str | None) -> DeviceRoute:
    return replace(ROUTE, fields={"t": replace(ROUTE.fields["free"], unit=unit), "door": ROUTE.fields["door"]})


def test_a_time_relative_to_the_arrival_is_counted_from_it() -> None:
    decoded = senml({"n": "t", "t": -5, "v": 1}, {"n": "t", "v": 2}, {"n": "t", "t": 30.5, "v": 3})
    got = resolve(decoded, sends(None), NOW, LIMITS)
    assert got.t == [NOW - 5_000_000, NOW, NOW + 30_500_000]
    assert resolve(decoded, sends(None), NOW + 1, LIMITS).t == [t + 1 for t in got.t]


def test_a_relative_time_too_far_away_is_refused() -> None:
    got = resolve(senml({"n": "t", "t": 601, "v": 1}, {"n": "t", "t": -(2**32), "v": 1}), sends(None), NOW, LIMITS)
    assert [code for code, _field, _place in codes(got)] == ["too_far_ahead", "too_early"]


@pytest.mark.parametrize(
    ("said", "expected", "taken"),
    [
        ("Cel", "Cel", True),
        ("Cel", "K", False),
        ("K", "Cel", False),
        ("mg/m3", "ug/m3", False),
        ("l", "dm3", True),
        ("kWh", "kW.h", True),
        ("%RH", "%", True),
        ("%RH", "%{RH}", True),
        ("%RH", "%{EL}", False),
        ("no unit", "Cel", False),
        ("Cel", None, True),
        (None, "Cel", True),
    ],
)
def test_a_unit_that_a_message_names_is_the_one_that_the_mapping_expects(
    said: str | None, expected: str | None, taken: bool
) -> None:
    got = resolve(
        senml({"n": "t", "v": 1} | ({"u": said} if said else {}), {"n": "t", "v": 2}), sends(expected), NOW, LIMITS
    )
    assert got.value == ([1.0, 2.0] if taken else [2.0])
    assert codes(got) == ([] if taken else [("unit_mismatch", "t", "[0]: t")])


def test_a_state_has_no_unit_to_agree_with() -> None:
    got = resolve(senml({"n": "door", "vs": "open", "u": "Cel"}), sends("Cel"), NOW, LIMITS)
    assert (got.text, got.refusals) == (["open"], [])


def test_the_source_of_a_reading_stands_apart_from_its_own_name() -> None:
    got = senml({"bn": "urn:dev:1:", "n": "t", "v": 1}, {"bn": "", "n": "t", "v": 2})
    assert [got.source(index) for index in range(2)] == [("urn:dev:1", "t"), ("", "t")]
    assert decode("json", b'{"a":1}', Frame()).source(0) == ("", "a")


@pytest.mark.parametrize("value", [2**53, -(2**53), 2**60, 1e300])
def test_a_number_that_a_float_holds_is_stored(value: float) -> None:
    assert whole(value).value == [value]


@pytest.mark.parametrize("value", [2**53 + 1, -(2**53) - 1, 2**64 - 1])
def test_a_whole_number_that_would_be_rounded_is_refused(value: int) -> None:
    readings = whole(value)
    assert (readings.value, [one.code for one in readings.refusals]) == ([], ["inexact"])


def whole(value: float) -> Readings:
    route = DeviceRoute(1, 1, "city", "city/a", {"n": Target(1, "counter", 1.0, 0.0, -inf, inf)})
    return resolve(Decoded(["n"], [value], [None], [None], [None]), route, 1_777_593_600_000_000, Limits(10**15, 10**9))
