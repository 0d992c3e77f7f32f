"""What a mapping makes of decoded messages: whose, when, which value; pure."""

from __future__ import annotations

import json
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from gops.errors import Invalid
from gops.ingest.declared import clocks
from gops.ingest.declared.declaration import Declaration, parse
from gops.ingest.declared.plan import Arranged, Plan, arrange, settle
from gops.ingest.decoded import Decoded, Frame
from gops.ingest.decoders import decode
from gops.ingest.refused import Unreadable
from gops.sensors.routes import Target

SEOUL = ZoneInfo("Asia/Seoul")
TOPIC = "gops/v1/town/gw-1/up/floor-2"
NOON = 1_777_604_400_000_000  # 2026-05-01T12:00+09:00
TARGET = Target(1, "gauge", 1.0, 0.0, float("-inf"), float("inf"))


def declared(codec: str | dict[str, Any] = "json", **mapping: Any) -> Declaration:
    rules = {"fields": [{"field": "pm10", "aliases": ["먼지"], "property": "pm10"}]} | mapping
    codec = {"name": codec} if isinstance(codec, str) else codec
    return parse({"source": {"filter": "gops/v1/town/+/up/#"}, "codec": codec, "mapping": rules}, "town")


def run(made: Declaration, body: Any, topic: str = TOPIC) -> tuple[Decoded, Arranged, Decoded]:
    payload = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    decoded = decode(made.codec.name, payload, Frame(made.zone, options=made.codec.options))
    plan = Plan.of(made)
    arranged = arrange(decoded, plan, topic)
    found = dict.fromkeys((goal for goal in arranged.goals if goal is not None), TARGET)
    return decoded, arranged, settle(decoded, arranged, plan, found)[0]


def things(made: Declaration, body: Any, topic: str = TOPIC) -> list[tuple[str, str]]:
    """(Thing, field) of each reading."""
    return [(goal.thing, goal.field) for goal in run(made, body, topic)[1].goals if goal is not None]


class TestThing:
    def test_as_the_message_names_it(self) -> None:
        assert things(declared("senml"), [{"bn": "n7:", "n": "pm10", "v": 1}]) == [("n7", "pm10")]

    def test_as_a_level_of_the_topic_names_it(self) -> None:
        assert things(declared(thing="topic:6"), {"pm10": 1}) == [("floor-2", "pm10")]

    def test_as_a_name_says(self) -> None:
        assert things(declared(thing="name:시청"), {"pm10": 1}) == [("시청", "pm10")]

    def test_as_a_field_beside_it_says_in_each_object(self) -> None:
        rows = [{"station": "a", "pm10": 1}, {"station": 7, "pm10": 2}]
        assert things(declared(thing="field:station"), rows) == [("a", "pm10"), ("7", "pm10")]

    def test_a_topic_too_short_and_a_field_that_is_absent_are_refused(self) -> None:
        for made in (declared(thing="topic:9"), declared(thing="field:station"), declared()):
            arranged = run(made, {"pm10": 1})[1]
            assert [one.code for one in arranged.refusals] == ["unknown_thing"]

    def test_a_source_that_is_not_the_thing_keeps_its_name_in_the_field(self) -> None:
        """Two nodes of one gateway never end in one Datastream unnoticed."""
        found = run(declared("senml", thing="topic:4"), [{"bn": "n7:", "n": "pm10", "v": 1}])[1]
        assert [(goal.field, goal.rule) for goal in found.goals if goal] == [("n7:pm10", None)]

    def test_one_name_for_two_things_in_one_message_is_refused(self) -> None:
        pack = [{"bn": "a:", "n": "b:c", "v": 1}, {"bn": "a:b:", "n": "c", "v": 2}]
        arranged = run(declared("senml"), pack)[1]
        assert [one.code for one in arranged.refusals] == ["unknown_field"]


class TestTime:
    def made(self, **time: Any) -> Declaration:
        return declared(thing="name:x", time={"field": "at", **time})

    def test_of_each_object_from_the_field_beside_its_readings(self) -> None:
        made = self.made(format="%Y%m%d%H%M", zone="Asia/Seoul")
        rows = [{"at": "202605011200", "pm10": 1}, {"at": 202605011300, "pm10": 2}]
        assert run(made, rows)[2].times == [NOON, NOON + 3_600_000_000]

    def test_that_cannot_be_read_costs_its_own_object(self) -> None:
        rows = [{"at": "noon", "pm10": 1, "x": 2}, {"at": "2026-05-01T12:00:00+09:00", "pm10": 2}]
        _decoded, arranged, settled = run(self.made(), rows)
        assert ([one.code for one in arranged.refusals], arranged.refusals[0].readings) == (["bad_time"], 2)
        assert (settled.values, settled.times) == ([2], [NOON])

    def test_that_is_absent_refuses_rather_than_stores_at_the_arrival(self) -> None:
        _decoded, arranged, settled = run(self.made(), {"pm10": 1})
        assert ([one.code for one in arranged.refusals], settled.values) == (["missing_member"], [])

    @pytest.mark.parametrize(
        ("raw", "format", "zone", "expected"),
        [
            ("2026-05-01 24:00", "%Y-%m-%d %H:%M", SEOUL, NOON + 12 * 3_600_000_000),
            ("2026-05-01T12:00+0900", "%Y-%m-%dT%H:%M%z", None, NOON),
            (NOON // 1_000_000, "s", None, NOON),
            (NOON / 1000, "ms", None, NOON),
            (str(NOON), "us", None, NOON),
            ("2026-05-01T12:00:00", "iso", SEOUL, NOON),
        ],
    )
    def test_formats(self, raw: Any, format: str, zone: ZoneInfo | None, expected: int) -> None:
        assert clocks.read(raw, format, zone) == expected

    @pytest.mark.parametrize(
        ("raw", "format"), [(True, "s"), (None, "ms"), (12, "iso"), ("25:00", "%Y-%m-%d"), ("x" * 99, "%Y%m%d")]
    )
    def test_what_is_no_time_is_refused(self, raw: Any, format: str) -> None:
        with pytest.raises(Unreadable):
            clocks.read(raw, format, SEOUL)

    @pytest.mark.parametrize("format", ["", "%H", "%Y%m%d%Q", "%Y%Y%m%d", "%Y-%m-%d" + "x" * 60])
    def test_formats_that_no_time_could_be_read_by(self, format: str) -> None:
        with pytest.raises(Invalid):
            clocks.check(format, "Asia/Seoul", "format")


class TestValues:
    def settled(self, value: Any, **rule: Any) -> list[Any]:
        made = declared(thing="name:x", fields=[{"field": "v", "property": "pm10", **rule}])
        return run(made, {"v": value})[2].values

    @pytest.mark.parametrize(
        ("value", "expected"), [(-999, None), (-999.0, None), ("-", None), (1, 1), ("1", "1"), (True, True), (0, 0)]
    )
    def test_sentinels_are_nothing_and_1_is_neither_true_nor_text(self, value: Any, expected: Any) -> None:
        (found,) = self.settled(value, missing=[-999, "-"])
        assert found is expected or found == expected
        assert type(found) is type(expected)

    def test_numbers_that_come_as_text_are_read_where_the_feed_says_so(self) -> None:
        assert self.settled(" 41.5 ", text=True) == [41.5]
        assert self.settled("41.5") == ["41.5"]
        assert self.settled("many", text=True) == []

    def test_an_alias_is_the_same_field(self) -> None:
        assert [
            goal.rule.field for goal in run(declared(thing="name:x"), {"먼지": 1})[1].goals if goal and goal.rule
        ] == ["pm10"]

    def test_the_default_quality_is_of_readings_that_say_none(self) -> None:
        made = parse(declared(thing="name:x").document() | {"defaults": {"quality": "estimated"}}, "town")
        body = [{"pm10": 1}, {"pm10": {"value": 2, "quality": "suspect"}}, {"pm10": None}]
        assert run(made, body)[2].qualities == [1, 2, None]


def test_places_are_those_of_the_message() -> None:
    made = declared(thing="field:station")
    settled = run(made, [{"station": "a", "pm10": 1}])[2]
    assert settled.place(0) == "[0].a/pm10"


def test_relative_times_stay_relative_to_the_arrival() -> None:
    pack = [{"bn": "n7:", "n": "pm10", "t": -5, "v": 1}, {"n": "x", "t": -4, "v": 1}, {"n": "pm10", "t": -3, "v": 2}]
    settled = run(declared("senml"), pack)[2]
    assert settled.times_at(NOON) == [NOON - 5_000_000, NOON - 4_000_000, NOON - 3_000_000]


def test_what_is_declared_is_written_and_read_back() -> None:
    made = declared(
        {"name": "csv", "columns": ["a", "", "b"], "delimiter": ";", "zone": "Asia/Seoul", "time": ""},
        thing="topic:4",
        unknown_field="ignore",
        missing=[-1],
        time={"field": "b", "format": "ms"},
    )
    assert parse(json.loads(json.dumps(made.document())), "town") == made
