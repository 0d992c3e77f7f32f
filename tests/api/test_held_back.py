"""Whatever is asked without a key: nothing tells what a dataset holds back, and its owner is told."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import World
from tests.api.test_datasets import published

LATE, SMALL, EARLY = 4444.0, 0.125, 7777.0
TERMS = {"start": "2026-05-01T08:00:00+09:00", "delay": "PT10M", "location_decimals": 1, "suppress_below": 3}
MINUTE = 60_000_000
WAYS = [
    "/datasets/air/data",
    "/datasets/air/data?format=csv",
    "/datasets/air/data?format=ndjson",
    "/datasets/air/data?format=geojson",
    "/datasets/air/data?columns=time,value,longitude,latitude",
    "/datasets/air/data?order=desc",
    "/datasets/air/data?shape=wide",
    "/datasets/air/data?every=1h&aggregate=sum,min,max,first,last,mean",
    "/datasets/air/data?every=1d&shape=wide",
    "/datasets/air/data?filter=value%20%3C%203",
    "/datasets/air/data?filter=value%20%3E%204000",
    "/datasets/air/data?from=2026-01-01&to=2026-12-31",
    "/datasets/air/data?limit=1",
    "/datasets/air/latest",
    "/datasets/air",
    "/datasets/air/quality",
    "/datasets/air/revisions",
    "/datastreams/{id}/observations",
    "/datastreams/{id}/observations?order=desc&limit=1",
    "/datastreams/{id}/observations?every=10m&aggregate=sum,min,max&fill=true",
    "/datastreams/{id}/observations?from=2026-01-01",
    "/observations?datastream={id}",
    "/latest",
    "/latest?datastream={id}",
    "/datastreams/{id}",
    "/datastreams",
    "/things",
    "/things/{thing}",
    "/things/{thing}/locations",
    "/search?q=air",
]
ROOTS = [
    "/feed.atom",
    "/catalog.jsonld",
    "/catalog.ttl",
    "/api/3/action/package_show?id=air",
    "/api/3/action/package_search",
]


@pytest.fixture
def rain(world: World) -> Any:
    """An hour of rain: early, small, whole, and too fresh to be public."""
    stream = world.stream(public=False, observed_property="rainfall")
    world.services.things.move(world.publisher, stream.thing_id, 127.012345, 37.267891, "비밀 장소")
    now = world.clock.micros()
    world.write(stream, [EARLY], now - 120 * MINUTE)
    world.write(stream, [SMALL, 5.0], now - 50 * MINUTE)
    world.write(stream, [LATE], now - MINUTE)
    published(world, stream)
    assert world.call("PATCH", "/datasets/air", "publisher", json=TERMS).status_code == 200
    return stream


def hidden(body: bytes) -> list[str]:
    text = body.decode()
    return [one for one in ("4444", "0.125", "7777", "127.0123", "37.2678", "비밀 장소") if one in text]


def test_nothing_that_is_held_back_is_shown_on_any_way(world: World, rain: Any) -> None:
    for way in WAYS:
        path = way.format(id=rain.id, thing=rain.thing_id)
        for who in (None, "other", "viewer"):
            answer = world.get(path, who)
            assert answer.status_code == 200, (path, answer.text)
            assert hidden(answer.data) == [], (path, who, answer.text)
    package = world.http.get("/api/3/action/package_show?id=air").json["result"]
    (table,) = (one["id"] for one in package["resources"] if one.get("datastore_active"))
    searched = "/api/3/action/datastore_search?resource_id=" + table
    for path in (*ROOTS, searched, searched + "&sort=time%20desc"):
        answer = world.http.get(path)
        assert answer.status_code == 200, (path, answer.text)
        assert hidden(answer.data) == [], path
    assert world.http.get(searched + '&filters={"value":4444}').json["result"]["total"] == 0


def test_its_owner_sees_all_of_it(world: World, rain: Any) -> None:
    shown = world.get("/datasets/air/data?columns=value,longitude", "publisher").text
    assert all(text in shown for text in ("4444", "0.125", "7777", "127.012345"))
    assert hidden(world.get(f"/datastreams/{rain.id}/observations", "publisher").data) == ["4444", "0.125", "7777"]
    assert "비밀 장소" in world.get("/latest", "owner").text


def test_what_is_public_is_there(world: World, rain: Any) -> None:
    rows = world.get("/datasets/air/data").json["rows"]
    assert [row["value"] for row in rows] == [None, 5.0]
    (hour,) = world.get("/datasets/air/data?every=1h").json["rows"]
    assert (hour["sum"], hour["count"]) == (None, 2)  # 5.125 beside the 5.0 above would tell the small one
