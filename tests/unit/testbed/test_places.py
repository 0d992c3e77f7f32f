"""Places: neighbours exact at the limit, Things inside, calendars, and suggestions against trying every week."""

from __future__ import annotations

import random
from typing import Any

import pytest
from icalendar import Calendar

from gops import areas
from gops.errors import Invalid, NotFound
from gops.geo import BBox, Point
from gops.permissions import ANONYMOUS
from gops.sensors.model import Datastream, Location, ObservedProperty, Sensor, Thing
from gops.testbed import weeks
from gops.testbed.places.service import Asked, Places
from tests.unit.testbed.conftest import FIRST_WEEK, City, square


@pytest.fixture
def places(city: City) -> Places:
    return Places(city.database, city.clock, city.settings)


def test_neighbours_are_those_closer_than_the_limit(city: City, places: Places) -> None:
    site = city.site(area=square(127.0))
    near = city.site(area=square(127.002))
    over = city.site(area=square(127.0005))
    city.site(city.neighbour, area=square(127.001, size=0.0005), offered=False)
    (_, other, distance), *_ = areas.distances_cm({"a": site.geojson, "b": near.geojson}, 100_000)
    assert (other, distance) == ("b", 8872)
    found = places.neighbours(ANONYMOUS, site.id, 89)
    assert [(one.id, one.distance_m) for one in found] == [(over.id, 0.0), (near.id, 88.72)]
    assert found[0].overlap_m2 == pytest.approx(4922, abs=5)
    assert [one.id for one in places.neighbours(ANONYMOUS, site.id, 88)] == [over.id]


def test_at_the_limit_is_outside() -> None:
    one, two = square(127.0), square(127.002)
    assert [near.distance_cm for near in areas.neighbours(one, {2: two}, 8873)] == [8872]
    assert areas.neighbours(one, {2: two}, 8872) == []


def test_a_widened_box_holds_all_that_is_near() -> None:
    box = areas.widened(BBox(127.0, 37.0, 127.1, 37.1), 1000)
    assert box.west < 127.0 - 0.0112 < 127.1 + 0.0112 < box.east
    assert box.south < 37.0 - 0.009 < 37.1 + 0.009 < box.north


def stand(city: City, longitude: float, latitude: float, *, public: bool) -> int:
    with city.database.write() as session:
        thing = Thing(organisation_id=city.suwon.id, name=f"at {longitude}", created_at=0)
        sensor = Sensor(organisation_id=city.suwon.id, name="s")
        session.add_all([thing, sensor])
        prop = session.query(ObservedProperty).first()
        if prop is None:
            prop = ObservedProperty(key="pm10", name_ko="미세먼지", name_en="PM10", unit="ug/m3", kind="gauge")
            session.add(prop)
        session.flush()
        session.add(Location(thing_id=thing.id, longitude=127.5, latitude=37.5, since=1))
        session.add(Location(thing_id=thing.id, longitude=longitude, latitude=latitude, since=2))
        session.add(
            Datastream(thing_id=thing.id, organisation_id=city.suwon.id, sensor_id=sensor.id,
                       observed_property_id=prop.id, name="pm10", unit="ug/m3", kind="gauge", public=public,
                       created_at=0)
        )  # fmt: skip
    return thing.id


def test_things_inside_a_site_are_found_by_geometry(city: City, places: Places) -> None:
    corner = {"type": "Polygon", "coordinates": [[[127.0, 37.0], [127.01, 37.0], [127.0, 37.01], [127.0, 37.0]]]}
    site = city.site(area=corner)
    inside = stand(city, 127.002, 37.002, public=True)
    hidden = stand(city, 127.003, 37.003, public=False)
    stand(city, 127.009, 37.009, public=True)  # in the box, not in the triangle
    seen = places.sensors(ANONYMOUS, site.id)
    assert [(one.id, [stream.observed_property for stream in one.datastreams]) for one in seen] == [(inside, ["pm10"])]
    assert [one.id for one in places.sensors(city.planner, site.id)] == [inside, hidden]
    assert [one.id for one in places.sensors(city.planner, site.id, after=inside)] == [hidden]


def test_a_thing_that_others_see_roughly_is_inside_where_they_see_it(city: City, places: Places) -> None:
    corner = {"type": "Polygon", "coordinates": [[[127.0, 37.0], [127.01, 37.0], [127.0, 37.01], [127.0, 37.0]]]}
    site = city.site(area=corner)
    rough, edge = stand(city, 127.0024, 37.0024, public=True), stand(city, 126.9997, 37.002, public=True)
    with city.database.write() as session:
        for one, decimals in ((rough, 3), (edge, 1)):
            session.get_one(Thing, one).place_decimals = decimals
    own = [(one.id, one.longitude) for one in places.sensors(city.planner, site.id)]
    assert own == [(rough, 127.0024)]
    assert [(one.id, one.longitude) for one in places.sensors(ANONYMOUS, site.id)][:1] == [(rough, 127.002)]
    draft = city.site(offered=False)
    with pytest.raises(NotFound):
        places.sensors(ANONYMOUS, draft.id)


def busy(city: City) -> list[int]:
    sites = [city.site(capacity={"area_m2": 100, "power_w": 1000, "water_l": 5}), city.site(), city.site()]
    city.slots.book(city.planner, sites[0].id, "robots", FIRST_WEEK, 2, {"area_m2": 60, "water_l": 5})
    city.slots.book(city.planner, sites[0].id, "drones", FIRST_WEEK + 1, 3, {"area_m2": 40, "power_w": 700})
    city.sites.close_weeks(city.planner, sites[1].id, [(FIRST_WEEK + 1, 2, "festival")])
    return [site.id for site in sites]


def test_the_calendar_of_many_says_what_each_says(city: City, places: Places) -> None:
    ids = busy(city)
    grid = places.calendar(ANONYMOUS, FIRST_WEEK - 1, 8)
    assert list(grid.ids) == ids
    for row, one in enumerate(city.slots.remaining(ANONYMOUS, ids, FIRST_WEEK - 1, 8)):
        for at, name in enumerate(grid.resources):
            expected = one.left.get(name, [0] * 8)
            assert grid.left[row, at].tolist() == [max(0, amount) for amount in expected]
        assert {FIRST_WEEK - 1 + int(week) for week in grid.closed[row].nonzero()[0]} == set(one.closed)


def test_the_calendar_as_icalendar_tells_no_names(city: City, places: Places) -> None:
    ids = busy(city)
    text = places.ical(ANONYMOUS, ids[0], FIRST_WEEK, 8, "http://x/sites/1")
    events = list(Calendar.from_ical(text).walk("VEVENT"))
    assert [(str(event["DTSTART"].dt), str(event["DTEND"].dt)) for event in events] == [
        (weeks.name(FIRST_WEEK), weeks.name(FIRST_WEEK + 1)),
        (weeks.name(FIRST_WEEK + 1), weeks.name(FIRST_WEEK + 2)),
        (weeks.name(FIRST_WEEK + 2), weeks.name(FIRST_WEEK + 4)),
    ]
    assert "40 of 100" in str(events[0]["SUMMARY"])
    assert b"robots" not in text
    closed = Calendar.from_ical(places.ical(ANONYMOUS, ids[1], FIRST_WEEK, 8, "http://x")).walk("VEVENT")
    assert [str(event["SUMMARY"]) for event in closed] == ["휴장 / closed"]


def asked(**more: Any) -> Asked:
    wanted: dict[str, Any] = {
        "needs": {"area_m2": 60}, "weeks": 2, "first_start": FIRST_WEEK, "last_start": FIRST_WEEK,
    }  # fmt: skip
    return Asked(**(wanted | more))


def test_suggested_sites_are_those_that_a_booking_would_get(city: City, places: Places) -> None:
    """Random needs against what the calendar says week by week."""
    draw = random.Random(7)
    sites = [city.site(capacity={"area_m2": draw.randint(20, 100), "power_w": draw.randint(0, 500)}) for _ in range(12)]
    for site in sites[:8]:
        for _ in range(2):
            first = FIRST_WEEK + draw.randint(0, 10)
            amounts = {"area_m2": draw.randint(1, site.capacity["area_m2"] // 2)}
            city.slots.book(city.planner, site.id, "robots", first, draw.randint(1, 4), amounts)
        if draw.random() < 0.5:
            city.sites.close_weeks(city.planner, site.id, [(FIRST_WEEK + 20, 3, "")])
    ids = [site.id for site in sites]
    for _ in range(40):
        needs = {"area_m2": draw.randint(1, 90)} | ({"power_w": draw.randint(1, 400)} if draw.random() < 0.5 else {})
        length, first, wide = draw.randint(1, 6), FIRST_WEEK + draw.randint(-2, 20), draw.randint(0, 5)
        found = places.suggest(
            Asked(needs=needs, weeks=length, first_start=first, last_start=first + wide), fits=50, misses=50
        )
        told = {int(found.index.ids[one.row]): (one.start, one.starts) for one in found.fits}
        expected = {}
        for one in city.slots.remaining(ANONYMOUS, ids, first, wide + length):
            able = [
                start for start in range(wide + 1)
                if all(min(one.left[name][start : start + length]) >= amount for name, amount in needs.items())
            ]  # fmt: skip
            if able:
                expected[one.site] = (first + able[0], len(able))
        assert told == expected
        assert len(found.misses) == len(ids) - len(told)


def test_the_nearest_come_first_then_the_earliest_then_the_tightest(city: City, places: Places) -> None:
    roomy = city.site(capacity={"area_m2": 900})
    tight = city.site(capacity={"area_m2": 60})
    later = city.site(capacity={"area_m2": 60})
    city.sites.close_weeks(city.planner, later.id, [(FIRST_WEEK, 1, "")])
    wide = {"last_start": FIRST_WEEK + 3}
    found = places.suggest(asked(**wide))
    assert [int(found.index.ids[one.row]) for one in found.fits] == [tight.id, roomy.id, later.id]
    point = Point(later.longitude, later.latitude)
    found = places.suggest(asked(near=point, **wide))
    assert int(found.index.ids[found.fits[0].row]) == later.id
    assert found.fits[0].distance_m == 0


@pytest.mark.parametrize(("want", "criterion", "change"), [
    ({"needs": {"area_m2": 120}}, "amount", ("needs.area_m2", 100)),
    ({"kind": "street"}, "kind", ("kind", "park")),
    ({"band": "lora"}, "band", ("band", None)),
    ({"tags": ("drone", "quiet")}, "tags", ("tags", ["quiet"])),
    ({"equipment": ("crane",)}, "equipment", ("equipment", [])),
    ({"first_start": FIRST_WEEK + 4, "last_start": FIRST_WEEK + 5}, "weeks", ("start", FIRST_WEEK + 7)),
    ({"first_start": FIRST_WEEK + 39, "last_start": FIRST_WEEK + 39}, "weeks", ("needs.area_m2", 30)),
    ({"near": Point(128.0, 37.25), "within_m": 100}, "distance", None),
    ({"kind": "street", "band": "lora"}, "kind", None),
])  # fmt: skip
def test_a_near_miss_says_what_fails_and_what_would_do(
    city: City, places: Places, want: dict[str, Any], criterion: str, change: Any
) -> None:
    site = city.site(details={"tags": ["quiet"], "bands": ["b920"]})
    city.sites.close_weeks(city.planner, site.id, [(FIRST_WEEK + 5, 2, "")])
    city.slots.book(city.planner, site.id, "robots", FIRST_WEEK + 35, 50, {"area_m2": 70})
    found = places.suggest(asked(**want))
    assert found.fits == []
    (miss,) = found.misses
    assert miss.lacks[0].criterion == criterion
    if criterion == "distance":
        assert miss.change is not None
        found = places.suggest(asked(**(want | {miss.change[0]: miss.change[1]})))
        assert len(found.fits) == 1
    else:
        assert miss.change == change


def test_the_index_follows_every_change_of_a_site(city: City, places: Places) -> None:
    site = city.site()
    assert len(places.suggest(asked()).fits) == 1
    city.sites.edit(city.planner, site.id, capacity={"area_m2": 10})
    assert places.suggest(asked()).fits == []
    city.sites.move(city.planner, site.id, "paused")
    assert places.suggest(asked()).misses == []


@pytest.mark.parametrize(("want", "field"), [
    ({"needs": {"gold": 1, "area_m2": 1}}, "needs.gold"),
    ({"needs": {"power_w": 1}}, "needs.area_m2"),
    ({"last_start": FIRST_WEEK - 1}, "last_start"),
    ({"last_start": FIRST_WEEK + 104}, "last_start"),
    ({"weeks": 500}, "first_start.weeks"),
    ({"kind": "moon"}, "kind"),
    ({"within_m": 5}, "within_m"),
])  # fmt: skip
def test_a_wrong_requirement_is_refused(city: City, places: Places, want: dict[str, Any], field: str) -> None:
    city.site()
    with pytest.raises(Invalid) as refused:
        places.suggest(asked(**want))
    assert refused.value.field == field
