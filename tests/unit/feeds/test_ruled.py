"""Ranges and quality rules of pulled feeds: of what is registered, and of what stands when the feed is changed."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import update

from gops.errors import Invalid
from gops.ingest.feeds.adapters import ADAPTERS
from gops.quality import Quality
from gops.records.audit import AuditRow
from gops.sensors.model import Datastream
from tests.unit.feeds.conftest import World
from tests.unit.feeds.portal import KEY, page, row

LEVEL = {"field": "level", "property": "river_level", "unit": "m"}
FILE = {"url": "https://data.example.kr/a.csv", "format": "csv", "thing": {"name": "name"}, "fields": [LEVEL]}


def level(**given: Any) -> dict[str, Any]:
    return FILE | {"fields": [LEVEL | given]}


def streams(world: World) -> dict[str, Datastream]:
    return {one.name: one for one in world.streams()}


def standing(world: World) -> dict[str, tuple[float | None, float | None, dict[str, Any] | None]]:
    return {name: (one.range_low, one.range_high, one.quality_rules) for name, one in streams(world).items()}


def by_hand(world: World, name: str, **columns: Any) -> None:
    with world.database.write() as session:
        session.execute(update(Datastream).where(Datastream.id == streams(world)[name].id).values(**columns))


@pytest.mark.parametrize(
    ("config", "code", "field"),
    [
        (level(rules={"spike": 1}), "rule_of_kind", "config.fields[0].rules.spike"),
        (level(rules=[1]), "invalid_value", "config.fields[0].rules"),
        (level(range_low=5, range_high=1), "bad_range", "config.fields[0].range_low"),
        (level(kind="state", unit="1", rules={"step": 1}), "rule_of_kind", "config.fields[0].rules.step"),
        (FILE | {"quality": {"pm10": {}}}, "unknown_field", "config.quality.pm10"),
        (FILE | {"quality": {"river_level": {"step": 1}}}, "unknown_field", "config.quality.river_level.step"),
        (FILE | {"quality": [1]}, "invalid_value", "config.quality"),
        (
            level(range_low=0) | {"quality": {"river_level": {"range_high": 9}}},
            "invalid_value",
            "config.quality.river_level",
        ),
    ],
)
def test_a_wrong_one_is_named_by_its_place(config: dict[str, Any], code: str, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        ADAPTERS["file"].check(config)
    assert (refused.value.code, refused.value.field) == (code, field)


def test_what_is_registered_has_the_range_and_rules_of_its_column(world: World) -> None:
    world.portal.answer = lambda _query: (200, b"name,level\nbridge,12.5\n")
    rules = {"rules": {"step": 0.5, "frozen": "PT6H"}, "range_low": 0, "range_high": 10}
    world.pull("file", level(**rules) | {"url": world.portal.url})
    assert standing(world) == {"bridge river_level": (0, 10, {"step": 0.5, "frozen": "PT6H"})}
    world.feeds.edit(world.actor, "file", config=level(range_low=0) | {"url": world.portal.url})
    assert standing(world) == {"bridge river_level": (0, None, None)}


def test_every_adapter_takes_rules_by_property_and_what_stands_follows(world: World) -> None:
    """What somebody has set by hand stays, rule by rule."""
    world.portal.answer = lambda _query: page([row("종로구"), row("중구"), row("강남구")])
    feed = world.declare()
    world.run(feed)
    by_hand(world, "서울 중구 pm10", quality_rules={"step": 99}, range_high=500.0)
    by_hand(world, "서울 강남구 pm10", quality_rules={"frozen_except": [0], "frozen": "PT2H"})

    def say(**said: Any) -> None:
        config = {"provinces": ["서울"], "url": world.portal.url, "quality": {"pm10": said}}
        world.feeds.edit(world.actor, feed.slug, config=config)

    say(range_high=1000, rules={"step": 300, "late": "P1D"})
    found = standing(world)
    assert found["서울 종로구 pm10"] == (None, 1000, {"step": 300, "late": "P1D"})
    assert found["서울 중구 pm10"] == (None, 500, {"step": 99, "late": "P1D"})
    assert found["서울 강남구 pm10"][2] == {"step": 300, "late": "P1D", "frozen": "PT2H", "frozen_except": [0]}
    assert found["서울 종로구 pm25"] == (None, None, None)
    say(rules={"step": 200})
    found = standing(world)
    assert found["서울 종로구 pm10"] == (None, None, {"step": 200})
    assert found["서울 중구 pm10"] == (None, 500, {"step": 99})
    assert found["서울 강남구 pm10"][2] == {"step": 200, "frozen": "PT2H", "frozen_except": [0]}
    with world.database.read() as session:
        details = [one.detail.get("ruled") for one in session.query(AuditRow).filter_by(action="feed.edit")]
    assert details == [3, 3]
    assert world.feeds.get(world.actor, feed.slug).config["quality"] == {"pm10": {"rules": {"step": 200}}}


def test_readings_are_held_against_the_range_that_the_feed_says(world: World) -> None:
    world.portal.answer = lambda _query: page([row("종로구", pm10Value="2400")])
    config = {"provinces": ["서울"], "url": world.portal.url, "quality": {"pm10": {"range_high": 1000}}}
    world.pull("airkorea", config, KEY)
    ((_t, value, quality),) = world.readings()["서울 종로구", "pm10"]
    assert (value, quality) == (2400, int(Quality.suspect))


def test_rules_follow_the_unit_and_what_does_not_suit_stays_away(world: World) -> None:
    world.portal.answer = lambda _query: (200, b"name,level\na,1\nb,1\nc,1\n")
    config = level(range_high=10) | {"url": world.portal.url}
    world.pull("file", config)
    by_hand(world, "a river_level", unit="cm", range_high=1000.0)
    by_hand(world, "b river_level", range_low=30.0, range_high=90.0)
    world.feeds.edit(
        world.actor, "file", config=config | level(range_high=20, rules={"step": 2}) | {"url": world.portal.url}
    )
    found = standing(world)
    assert found["a river_level"] == (None, 2000, {"step": 200})
    assert found["b river_level"] == (30, 90, {"step": 2})
    by_hand(world, "c river_level", range_low=15.0)
    world.feeds.edit(
        world.actor, "file", config=config | level(range_high=12, rules={"step": 2}) | {"url": world.portal.url}
    )
    assert standing(world)["c river_level"] == (15, 20, {"step": 2}), "12 would be below what somebody set"
