"""Where Things were and are: history in order, and searching by box at the place of now."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select, text

from gops.clock import HOUR
from gops.errors import Conflict, Invalid
from gops.geo import BBox, Point, parse_bbox
from gops.records.database import Database
from gops.sensors import places
from gops.sensors.model import Thing

SEOUL = parse_bbox("126,37,128,38")


def history(registry: Any, actor: Any, thing: Any) -> list[tuple[float, float, str, int]]:
    return [(row.longitude, row.latitude, row.name, row.since) for row in registry.things.locations(actor, thing.id)]


def test_a_move_is_the_end_of_a_history(registry: Any, publisher: Any, thing: Any) -> None:
    now = registry.clock.micros()
    registry.things.move(publisher, thing.id, 127, 37, "roof", since=now - 2 * HOUR)
    registry.things.move(publisher, thing.id, 127.5, 37.5, since=now - HOUR)
    registry.things.move(publisher, thing.id, 127, 37, "roof again")
    assert history(registry, publisher, thing) == [
        (127, 37, "roof", now - 2 * HOUR),
        (127.5, 37.5, "", now - HOUR),
        (127, 37, "roof again", now),
    ]
    assert registry.things.places(publisher, [thing.id])[thing.id].name == "roof again"


def test_the_same_place_again_adds_nothing(registry: Any, publisher: Any, thing: Any) -> None:
    first = registry.things.move(publisher, thing.id, 127, 37, "roof")
    registry.clock.move(hours=1)
    assert registry.left_by(lambda: registry.things.move(publisher, thing.id, 127.0, 37.0, "roof")) == ([], [])
    assert history(registry, publisher, thing) == [(127, 37, "roof", first.since)]


def test_the_same_place_by_another_name_is_renamed(registry: Any, publisher: Any, thing: Any) -> None:
    first = registry.things.move(publisher, thing.id, 127, 37, "roof")
    registry.clock.move(hours=1)
    registry.things.move(publisher, thing.id, 127, 37, "attic")
    assert history(registry, publisher, thing) == [(127, 37, "attic", first.since)]


def test_a_place_since_the_same_moment_corrects_the_last_one(registry: Any, publisher: Any, thing: Any) -> None:
    first = registry.things.move(publisher, thing.id, 127, 37)
    registry.things.move(publisher, thing.id, 127.1, 37.1, since=first.since)
    assert history(registry, publisher, thing) == [(127.1, 37.1, "", first.since)]


def test_a_place_before_the_last_one_is_refused(registry: Any, publisher: Any, thing: Any) -> None:
    first = registry.things.move(publisher, thing.id, 127, 37)
    with pytest.raises(Conflict) as caught:
        registry.things.move(publisher, thing.id, 128, 37, since=first.since - 1)
    assert (caught.value.code, caught.value.field) == ("location_order", "since")


@pytest.mark.parametrize("ahead", [1, HOUR, 10**30])
def test_a_place_in_the_future_is_refused(registry: Any, publisher: Any, thing: Any, ahead: int) -> None:
    with pytest.raises(Invalid) as caught:
        registry.things.move(publisher, thing.id, 127, 37, since=registry.clock.micros() + ahead)
    assert (caught.value.code, caught.value.field) == ("bad_since", "since")


@pytest.mark.parametrize("since", [-(10**17), True, "2026", 1.5])
def test_a_since_that_is_no_moment_of_our_time_is_refused(
    registry: Any, publisher: Any, thing: Any, since: Any
) -> None:
    with pytest.raises(Invalid):
        registry.things.move(publisher, thing.id, 127, 37, since=since)


def test_swapped_axes_are_refused_with_a_hint(registry: Any, publisher: Any, thing: Any) -> None:
    with pytest.raises(Invalid, match="did you mean longitude 127"):
        registry.things.move(publisher, thing.id, 37.5, 127)


def test_a_move_leaves_an_audit_row_and_an_event(registry: Any, publisher: Any, thing: Any) -> None:
    actions, events = registry.left_by(lambda: registry.things.move(publisher, thing.id, 127, 37))
    assert (actions, events) == (["thing.move"], [("thing.changed", {"thing": thing.id})])


def test_the_length_of_a_history_is_a_setting(registry: Any, publisher: Any, thing: Any) -> None:
    registry.limit(thing_locations=2)
    for longitude in (126.0, 127.0):
        registry.things.move(publisher, thing.id, longitude, 37)
        registry.clock.move(minutes=1)
    with pytest.raises(Conflict) as caught:
        registry.things.move(publisher, thing.id, 128, 37)
    assert (caught.value.code, caught.value.expected) == ("too_many_locations", "at most 2 (GOPS_THING_LOCATIONS)")


def test_a_box_finds_where_things_are_and_not_where_they_were(registry: Any, publisher: Any, thing: Any) -> None:
    registry.things.move(publisher, thing.id, 127, 37.5)
    registry.clock.move(hours=1)
    assert [one.id for one in registry.things.list(publisher, bbox=SEOUL)] == [thing.id]
    registry.things.move(publisher, thing.id, 129, 35)
    assert registry.things.list(publisher, bbox=SEOUL) == []
    assert [one.id for one in registry.things.list(publisher, bbox=parse_bbox("129,35,129,35"))] == [thing.id]


def test_a_thing_without_a_place_is_in_no_box(registry: Any, publisher: Any, thing: Any) -> None:
    assert registry.things.list(publisher, bbox=parse_bbox("-180,-90,180,90")) == []


@pytest.mark.parametrize(
    ("box", "found"),
    [
        ("170,-10,-170,10", [175, -175, 180, -180]),
        ("-170,-10,170,10", [0]),
        ("170,-10,180,10", [175, 180, -180]),
        ("-180,-10,-170,10", [-175, 180, -180]),
        ("-180,-90,180,90", [175, -175, 180, -180, 0]),
        ("0,0,0,0", [0]),
    ],
)
def test_sql_finds_in_a_box_what_the_box_holds(registry: Any, publisher: Any, box: str, found: list[float]) -> None:
    asked = parse_bbox(box)
    for longitude in (175, -175, 180, -180, 0):
        registry.things.create(publisher, "suwon", str(longitude), location=Point(longitude, 0))
    names = [int(one.name) for one in registry.things.list(publisher, bbox=asked)]
    assert names == found == [one for one in (175, -175, 180, -180, 0) if Point(one, 0) in asked]


def test_datastreams_are_found_by_the_place_of_their_thing(registry: Any, publisher: Any, thing: Any) -> None:
    stream = registry.stream(publisher, thing)
    registry.things.move(publisher, thing.id, 127, 37.5)
    assert [one.id for one in registry.datastreams.list(publisher, bbox=SEOUL)] == [stream.id]
    assert registry.datastreams.list(publisher, bbox=BBox(0, 0, 1, 1)) == []


def test_history_comes_in_pages(registry: Any, publisher: Any, thing: Any) -> None:
    for longitude in range(5):
        registry.things.move(publisher, thing.id, longitude, 0)
        registry.clock.move(minutes=1)
    first = registry.things.locations(publisher, thing.id, limit=2)
    rest = registry.things.locations(publisher, thing.id, after=first[-1].id, limit=10)
    assert [row.longitude for row in [*first, *rest]] == [0, 1, 2, 3, 4]


def test_the_index_serves_the_newest_place(database: Database) -> None:
    """Of each Thing the newest place is looked up, not sought among all."""
    query = str(select(Thing.id).where(places.is_within(SEOUL)).compile(compile_kwargs={"literal_binds": True}))
    with database.read() as session:
        plan = " ".join(str(row[-1]) for row in session.execute(text(f"EXPLAIN QUERY PLAN {query}")))
    assert "ix_location_thing_id_since (thing_id=? AND since>?)" in plan
