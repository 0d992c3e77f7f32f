"""Another SensorThings service: pages, pages inside expands, intervals, units, links that lead elsewhere."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from urllib.parse import unquote

import pytest

from gops.clock import HOUR, to_micros
from gops.errors import Invalid
from gops.ingest.feeds.answers import KST, Failure, Page
from gops.ingest.feeds.portals.sensorthings import SensorThings
from gops.sensors.model import Location
from tests.unit.feeds.conftest import World
from tests.unit.feeds.portal import Reply

EIGHT = to_micros(datetime(2026, 5, 1, 8, tzinfo=KST))
NOW = EIGHT + HOUR
PM10 = {"field": "PM10", "aliases": ["http://defs.example/pm10"], "property": "pm10", "unit": "ug/m3"}
CONFIG: dict[str, Any] = {"url": "https://sta.example/v1.1", "fields": [PM10 | {"period": "PT1H", "label": "end"}]}
THING = {
    "@iot.id": 7,
    "name": "인계동",
    "Locations": [{"location": {"type": "Point", "coordinates": [127.02, 37.26]}}],
}


def observation(result: Any, time: str = "2026-04-30T22:00:00Z/2026-04-30T23:00:00Z", **given: Any) -> dict[str, Any]:
    return {"phenomenonTime": time, "result": result, "resultTime": "2026-04-30T23:05:00Z"} | given


def datastream(*observations: dict[str, Any], **given: Any) -> dict[str, Any]:
    observed = {"name": "PM10", "definition": "http://defs.example/pm10"}
    return {"Thing": THING, "ObservedProperty": observed, "Observations": list(observations)} | given


def reply(rows: list[dict[str, Any]], link: str | None = None) -> Reply:
    return 200, json.dumps({"value": rows} | ({} if link is None else {"@iot.nextLink": link})).encode()


def test_observations_are_stored_at_the_end_of_their_interval_with_their_thing(world: World) -> None:
    root = f"{world.portal.root}/v1.1"
    more = f"{root}/Datastreams(1)/Observations?$skip=1"
    first = datastream(observation(31), **{"Observations@iot.nextLink": more})
    pages = {
        f"{root}/Datastreams": reply([first], f"{root}/D2"),
        f"{root}/D2": reply([datastream(observation(5), ObservedProperty={"name": "CO2"})]),
        more: reply([observation("32", "2026-04-30T21:00:00Z/2026-04-30T22:00:00Z")], f"{more}0"),
        f"{more}0": reply([observation(33, "2026-04-30T21:00:00Z")]),
    }  # fmt: skip
    world.portal.serve = lambda path, _headers: pages[
        (world.portal.root + unquote(path)).partition("?$expand")[0] if "expand" in path else world.portal.root + path
    ]
    feed, outcome = world.pull("sensorthings", CONFIG | {"url": root}, "")
    assert (outcome.code, world.last_run(feed).calls, world.last_run(feed).skipped) == ("ok", 4, 1)
    assert world.readings() == {
        ("인계동", "pm10"): [(EIGHT - 2 * HOUR, 33.0, 0), (EIGHT - HOUR, 32.0, 0), (EIGHT, 31.0, 0)]
    }
    with world.database.read() as session:
        (place,) = session.query(Location).all()
    assert (place.longitude, place.latitude) == (127.02, 37.26)


def test_what_is_asked_goes_back_a_bounded_time() -> None:
    url = unquote(SensorThings(CONFIG | {"filter": "name eq 'a'", "since": "PT1H"}).url("", 1, "k", NOW))
    assert "Observations($filter=phenomenonTime ge 2026-04-30T23:00:00Z;" in url
    assert url.endswith("&$filter=name eq 'a'")


@pytest.mark.parametrize(("label", "t"), [("end", EIGHT), ("start", EIGHT - HOUR), ("instant", EIGHT - HOUR)])
def test_an_interval_is_read_as_the_field_is_labelled(label: str, t: int) -> None:
    source = SensorThings(CONFIG | {"fields": [PM10 | {"label": label}]})
    decoded = source.sample(Page([datastream(observation(1))]), "", NOW).decoded
    assert (decoded.times, decoded.result_times) == ([t], [EIGHT + HOUR // 12])


@pytest.mark.parametrize(
    ("given", "code"),
    [({"result": "x"}, "wrong_type"), ({"phenomenonTime": None}, "bad_time"), ({"resultTime": "soon"}, "bad_time"),
     ({"phenomenonTime": "2026-05-01T08:00:00"}, "time_without_zone"), ({"result": {"a": 1}}, "wrong_type")],
)  # fmt: skip
def test_a_bad_observation_is_refused_and_its_neighbours_are_read(given: dict[str, Any], code: str) -> None:
    rows = [datastream(observation(1) | given, observation(2))]
    found = SensorThings(CONFIG).sample(Page(rows), "", NOW)
    assert [(one.code, one.place) for one in found.decoded.refusals] == [(code, "value[0].Observations[0]")]
    assert found.decoded.values == [2.0]


def test_a_unit_that_does_not_convert_is_reported() -> None:
    rows = [datastream(observation(1), unitOfMeasurement={"symbol": "[ppm]"})]
    assert len(SensorThings(CONFIG).sample(Page(rows), "", NOW).drift) == 1
    rows = [datastream(observation(1), unitOfMeasurement={"symbol": "mg/m3"})]
    assert SensorThings(CONFIG).sample(Page(rows), "", NOW).drift == set()


@pytest.mark.parametrize("where", ["pages", "expands"])
def test_links_to_another_host_are_not_followed(world: World, where: str) -> None:
    away = "https://elsewhere.example/x"
    row = datastream(observation(1), **({"Observations@iot.nextLink": away} if where == "expands" else {}))
    world.portal.replies = [reply([row], away if where == "pages" else None)]
    assert world.pull("sensorthings", CONFIG | {"url": world.portal.root}, "")[1].code == "foreign_page"
    assert len(world.portal.asked) == 1


def test_a_link_to_itself_ends_the_run(world: World) -> None:
    world.portal.serve = lambda path, _headers: reply([datastream(observation(1))], "/loop")
    assert world.pull("sensorthings", CONFIG | {"url": world.portal.root}, "")[1].code == "page_loop"
    assert len(world.portal.asked) == 2


@pytest.mark.parametrize("answer", [(200, b"{}"), (200, b'{"value":7}'), (200, b""), (500, b"{}"), (200, b"<html>")])
def test_what_is_no_page_says_so(answer: Reply) -> None:
    assert isinstance(SensorThings(CONFIG).read(answer[0], answer[1]), Failure)


@pytest.mark.parametrize(
    ("given", "field"),
    [({"url": "https://a.example/v1.1?x"}, "config.url"), ({"since": "6h"}, "config.since"),
     ({"fields": [PM10 | {"unit": "ppmm"}]}, "config.fields[0].unit"), ({"top": 5}, "config.top")],
)  # fmt: skip
def test_a_wrong_config_names_what_is_wrong(given: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as caught:
        SensorThings(CONFIG | given)
    assert caught.value.field == field
