"""GBFS 2 and 3 from the discovery document to readings."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gops.clock import MINUTE, SECOND
from gops.errors import Invalid
from gops.geo import Point
from gops.ingest.feeds.answers import Failure, Page
from gops.ingest.feeds.portals.gbfs import Gbfs
from gops.sensors.model import Location
from tests.unit.feeds.conftest import World
from tests.unit.feeds.portal import Reply

MADE = 1_777_593_540  # a minute before the tests' clock
CONFIG = {"url": "https://bikes.example/gbfs.json"}


def body(data: dict[str, Any], version: str = "2.3", ttl: int = 60) -> bytes:
    updated: Any = "2026-05-01T08:59:00+09:00" if version.startswith("3") else MADE
    return json.dumps({"last_updated": updated, "ttl": ttl, "version": version, "data": data}).encode()


def documents(root: str, version: str) -> dict[str, bytes]:
    feeds = [{"name": name, "url": f"{root}/{name}"} for name in ("station_information", "station_status", "extra")]
    old = version.startswith("2")
    names: Any = "시청역" if old else [{"text": "City Hall", "language": "en"}, {"text": "시청역", "language": "ko"}]
    places = {"lat": 37.5657, "lon": 126.9769, "capacity": 20}
    count = "num_bikes_available" if old else "num_vehicles_available"
    reported: Any = MADE - 30 if old else "2026-05-01T08:58:30+09:00"
    types = [{"vehicle_type_id": "e", "count": 3}]
    status = {"station_id": "1", count: 7, "num_docks_available": 0, "is_renting": 1 if old else True}
    return {
        "/gbfs.json": body({"en": {"feeds": []}, "ko": {"feeds": feeds}} if old else {"feeds": feeds}, version),
        "/station_information": body({"stations": [{"station_id": "1", "name": names} | places]}, version, 86400),
        "/station_status": body(
            {"stations": [status | {"last_reported": reported, "vehicle_types_available": types},
                          {"station_id": "2", count: 1, "last_reported": 0}]}, version,
        ),
    }  # fmt: skip


@pytest.mark.parametrize("version", ["2.3", "3.0"])
def test_a_system_is_stored_with_names_places_and_times_of_either_version(world: World, version: str) -> None:
    served = documents(world.portal.root, version)
    world.portal.serve = lambda path, _headers: (200, served[path])
    feed, outcome = world.pull("gbfs", {"url": f"{world.portal.root}/gbfs.json"}, "")
    assert (outcome.code, outcome.note, world.last_run(feed).calls) == ("ok", "", 3)
    made = world.clock.micros() - MINUTE
    assert world.readings() == {
        ("시청역", "bikes_available"): [(made - 30 * SECOND, 7.0, 0)],
        ("시청역", "docks_available"): [(made - 30 * SECOND, 0.0, 0)],
        ("2", "bikes_available"): [(made, 1.0, 0)],
    }
    with world.database.read() as session:
        (place,) = session.query(Location).all()
    assert Point(place.longitude, place.latitude) == Point(126.9769, 37.5657)


def test_a_station_gets_its_name_when_it_is_told_later(world: World) -> None:
    served = documents(world.portal.root, "2.3")
    nothing = body({"stations": []})
    world.portal.serve = lambda path, _headers: (200, nothing if "information" in path else served[path])
    feed, _ = world.pull("gbfs", {"url": f"{world.portal.root}/gbfs.json"}, "")
    assert ("1", "bikes_available") in world.readings()
    world.clock.move(minutes=5)
    nothing = served["/station_information"]
    world.run(feed)
    assert ("시청역", "bikes_available") in world.readings()
    assert len(world.streams()) == 3


def test_counts_by_type_are_columns() -> None:
    fields = [{"field": "vehicle_types_available.e", "property": "bikes_available", "unit": "{bike}"}]
    source = Gbfs(CONFIG | {"fields": fields})
    row = {"station_id": "1", "vehicle_types_available": [{"vehicle_type_id": "e", "count": 3}], "is_renting": 0}
    assert source.sample(Page([row], made=MADE * SECOND), "station_status x", 0).decoded.values == [3.0]


@pytest.mark.parametrize("wanted", ["ko", "fr"])
def test_the_language_is_the_one_wanted_or_english_or_any(wanted: str) -> None:
    source = Gbfs(CONFIG | {"language": wanted})
    feeds = [{"name": name, "url": f"https://b.example/{name}"} for name in ("station_information", "station_status")]
    page = source.read(200, body({"en": {"feeds": feeds}}))
    assert isinstance(page, Page)
    assert page.follow[1] == "station_status https://b.example/station_status"
    assert page.fresh == 60


@pytest.mark.parametrize(
    ("reply", "query", "code"),
    [
        ((200, b"{}"), "", "unknown_shape"), ((200, b'{"data":{"feeds":[]}}'), "", "unknown_shape"),
        ((200, b'{"data":{}}'), "station_status x", "unknown_shape"), ((200, b"<html>"), "", "html"),
        ((304, b""), "", "http_304"), ((500, b""), "", "http_500"),
        ((200, b'{"data":{"feeds":7}}'), "", "unknown_shape"),
    ],
)  # fmt: skip
def test_what_is_no_document_says_why(reply: Reply, query: str, code: str) -> None:
    found = Gbfs(CONFIG).read(reply[0], reply[1], query)
    assert isinstance(found, Failure)
    assert found.code == code


def test_a_key_is_not_given_to_another_host(world: World) -> None:
    """``gbfs.json`` may name documents anywhere; the key is for the host that it was declared with."""
    asked: list[tuple[str, str | None]] = []
    other = world.portal.root.replace("127.0.0.1", "localhost")
    served = documents(other, "3.0")

    def serve(path: str, headers: dict[str, str]) -> Reply:
        asked.append((path, headers.get("authorization")))
        return 200, served[path]

    world.portal.serve = serve
    world.pull("gbfs", {"url": f"{world.portal.root}/gbfs.json"}, "t0ken")
    assert asked == [("/gbfs.json", "Bearer t0ken"), ("/station_information", None), ("/station_status", None)]


@pytest.mark.parametrize(("config", "field"), [({}, "config.url"), (CONFIG | {"lang": "ko"}, "config.lang")])
def test_a_wrong_config_names_what_is_wrong(config: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as caught:
        Gbfs(config)
    assert caught.value.field == field
