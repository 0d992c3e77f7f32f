"""Datasets over time, over HTTP: review, revisions, deprecation; and how much of one others see, on every way."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import World, problem
from tests.api.test_datasets import draft, private, published

TERMS = {"delay": "PT2M", "location_decimals": 2, "suppress_below": 3}


def amounts(world: World) -> Any:
    """A Datastream of rain with five readings, 1 to 5, a minute apart, until now."""
    stream = world.stream(public=False, observed_property="rainfall")
    world.services.things.move(world.publisher, stream.thing_id, 127.012345, 37.267891, "시청 옥상")
    world.write(stream, [1, 2, 3, 4, 5], world.clock.micros() - 4 * 60_000_000)
    return stream


@pytest.fixture
def rain(world: World) -> Any:
    """The same, in a published dataset that comes two minutes late, roughly where, and without small counts."""
    stream = amounts(world)
    published(world, stream)
    assert world.call("PATCH", "/datasets/air", "publisher", json=TERMS).status_code == 200
    return stream


def values(answer: Any, name: str = "rows") -> list[Any]:
    assert answer.status_code == 200, answer.json
    return [row["value"] for row in answer.json[name]]


def test_terms_are_told_and_taken_back(world: World, rain: Any) -> None:
    told = world.get("/datasets/air").json
    assert {name: told[name] for name in TERMS} == TERMS
    change = {"start": "2026-05-01", "delay": None, "location_decimals": None, "suppress_below": None}
    changed = world.call("PATCH", "/datasets/air", "publisher", json=change).json
    assert (changed["start"], changed["delay"], changed["suppress_below"]) == ("2026-05-01T00:00:00+09:00", None, None)


@pytest.mark.parametrize(
    ("name", "value"), [("delay", "P1M"), ("location_decimals", 7), ("suppress_below", 1), ("start", "soon")]
)
def test_what_are_no_terms_are_refused(world: World, rain: Any, name: str, value: Any) -> None:
    answer = world.call("PATCH", "/datasets/air", "publisher", json={name: value})
    assert answer.status_code == 422
    assert [one["field"] for one in answer.json.get("errors", [answer.json])] == [name]


@pytest.mark.parametrize("form", ["json", "csv"])
def test_the_data_of_a_dataset_come_late_and_without_small_counts(world: World, rain: Any, form: str) -> None:
    if form == "json":
        assert values(world.get("/datasets/air/data")) == [None, None]
        assert values(world.get("/datasets/air/data", "publisher")) == [1.0, 2.0, 3.0, 4.0, 5.0]
        return
    lines = world.get("/datasets/air/data?format=csv").text.splitlines()
    assert [line.split(",")[3] for line in lines[1:]] == ["", ""]
    assert len(world.get("/datasets/air/data?format=csv", "publisher").text.splitlines()) == 6


def test_the_newest_reading_of_a_dataset_is_the_newest_public_one(world: World, rain: Any) -> None:
    (newest,) = world.get("/datasets/air/latest").json["latest"]
    assert (newest["value"], newest["location"]) == (None, {"longitude": 127.01, "latitude": 37.27, "name": ""})
    (whole,) = world.get("/datasets/air/latest", "publisher").json["latest"]
    assert (whole["value"], whole["location"]["longitude"]) == (5.0, 127.012345)


def test_the_observations_of_a_datastream_are_bounded_alike(world: World, rain: Any) -> None:
    path = f"/datastreams/{rain.id}/observations"
    for who, expected in ((None, [None, None]), ("other", [None, None]), ("publisher", [1.0, 2.0, 3.0, 4.0, 5.0])):
        assert values(world.get(path, who), "observations") == expected
    assert len(world.get(path, headers={"Accept": "text/csv"}).text.splitlines()) == 3
    (hour,) = world.get(f"{path}?every=1h").json["windows"]
    assert (hour["count"], hour["sum"]) == (2, None)
    (newest,) = world.get(f"/latest?datastream={rain.id}").json["latest"]
    assert (newest["value"], newest["location"]["longitude"], newest["location"]["name"]) == (None, 127.01, "")


def test_what_is_public_moves_on_and_its_etag_with_it(world: World, rain: Any) -> None:
    paths = ("/datasets/air/data", "/datasets/air/latest", f"/datastreams/{rain.id}/observations", "/latest")
    tags = [world.get(path).headers["ETag"] for path in paths]
    for path, tag in zip(paths, tags, strict=True):
        assert world.get(path, headers={"If-None-Match": tag}).status_code == 304
    world.clock.move(seconds=60)
    for path, tag in zip(paths, tags, strict=True):
        assert world.get(path, headers={"If-None-Match": tag}).status_code == 200
    assert values(world.get("/datasets/air/data")) == [None, None, 3.0]


def test_nothing_before_the_start_is_public(world: World) -> None:
    stream = amounts(world)
    draft(world, stream)
    start = world.services.clock.now().isoformat()
    world.call("PATCH", "/datasets/air", "publisher", json={"start": start})
    world.post("/datasets/air/publish", "publisher")
    assert values(world.get("/datasets/air/data")) == [5.0]
    early = "from=2026-04-01&to=2026-05-01T08:59"
    assert values(world.get(f"/datasets/air/data?{early}")) == []
    assert values(world.get(f"/datastreams/{stream.id}/observations?{early}"), "observations") == []
    assert values(world.get(f"/datasets/air/data?{early}", "publisher")) == [1.0, 2.0, 3.0]


def test_a_datastream_is_as_public_as_the_most_generous_of_its_datasets(world: World, rain: Any) -> None:
    draft(world, rain, slug="prompt")
    world.post("/datasets/prompt/publish", "publisher")
    assert values(world.get(f"/datastreams/{rain.id}/observations"), "observations") == [1.0, 2.0, 3.0, 4.0, 5.0]
    assert values(world.get("/datasets/air/data")) == [None, None]


def test_where_a_thing_is_others_see_roughly_on_every_way(world: World, rain: Any) -> None:
    thing = rain.thing_id
    for path in (f"/things/{thing}", "/things"):
        shown = world.get(path).json
        place = (shown if "id" in shown else shown["items"][0])["location"]
        assert (place["longitude"], place["latitude"]) == (127.01, 37.27)
    (row,) = world.get(f"/things/{thing}/locations").json["items"]
    assert (row["longitude"], row["name"]) == (127.01, "")
    (own,) = world.get(f"/things/{thing}/locations", "publisher").json["items"]
    assert (own["longitude"], own["name"]) == (127.012345, "시청 옥상")


def test_a_box_does_not_tell_where_a_thing_is_more_exactly(world: World, rain: Any) -> None:
    exact, rough = "bbox=127.0123,37.2678,127.0124,37.2679", "bbox=127.0099,37.2699,127.0101,37.2701"
    for path, name in (("/things", "items"), ("/datastreams", "items"), ("/latest", "latest")):
        assert [len(world.get(f"{path}?{box}").json[name]) for box in (exact, rough)] == [0, 1]
        assert [len(world.get(f"{path}?{box}", "publisher").json[name]) for box in (exact, rough)] == [1, 0]
    assert [len(world.get(f"/datasets/air/data?{box}").json["rows"]) for box in (exact, rough)] == [0, 2]


def test_a_replaced_sensor_does_not_show_more(world: World, rain: Any) -> None:
    new = world.services.datastreams.replace_sensor(world.publisher, rain.id, "another")
    world.write(new, [7], world.clock.micros())
    assert values(world.get(f"/datastreams/{new.id}/observations"), "observations") == []


def test_a_deprecated_dataset_says_so_with_its_readings(world: World, rain: Any) -> None:
    draft(world, rain, slug="better")
    world.post("/datasets/better/publish", "publisher")
    answer = world.post("/datasets/air/deprecate", "publisher", {"reason": "낡았습니다", "replaced_by": "better"})
    assert (answer.json["state"], answer.json["replaced_by"]) == ("deprecated", "better")
    for path in ("/datasets/air", "/datasets/air/data", "/datasets/air/latest"):
        answer = world.get(path)
        assert answer.headers["Deprecation"] == f"@{world.clock.micros() // 1_000_000}"
        assert '</api/v1/datasets/better>; rel="successor-version"' in answer.headers["Link"]
    assert "Deprecation" not in world.get("/datasets/better/data").headers


def test_a_review_over_http(world: World) -> None:
    draft(world, private(world))
    asked = world.post("/datasets/air/review", "publisher", {"note": "봐 주세요"})
    assert (asked.status_code, asked.json["state"], asked.json["review_note"]) == (200, "in_review", "봐 주세요")
    problem(world.get("/datasets/air"), 404, "not_found")
    problem(world.post("/datasets/air/review/answer", "publisher", {"approve": True}), 403, "forbidden")
    returned = world.post("/datasets/air/review/answer", "owner", {"approve": False, "note": "제목"})
    assert (returned.json["state"], returned.json["review_note"]) == ("draft", "제목")
    world.post("/datasets/air/review", "publisher", {})
    approved = world.post("/datasets/air/review/answer", "owner", {"approve": True, "note": "좋습니다"})
    assert (approved.json["state"], world.get("/datasets/air").json["review_note"]) == ("published", None)


def test_revisions_over_http(world: World, rain: Any) -> None:
    world.call("PATCH", "/datasets/air", "publisher", json={"title_en": "Rain", "note": "what it is"})
    listed = world.get("/datasets/air/revisions").json["items"]
    assert [one["note"] for one in listed] == ["", "", "what it is"]
    assert {one["by"] for one in listed} == {None}
    whole = world.get(listed[-1]["address"].removeprefix("/api/v1")).json
    assert whole["document"]["title_en"] == "Rain"
    path = f"/datasets/air/revisions/{listed[0]['number']}/to/{listed[-1]['number']}"
    changed = {one["field"]: (one["before"], one["after"]) for one in world.get(path).json["changes"]}
    assert changed["title_en"] == ("Air of Suwon", "Rain")
    assert changed["delay"] == (None, "PT2M")
    problem(world.get("/datasets/air/revisions/99"), 404, "not_found")


def test_personal_data_need_a_basis_and_a_review(world: World) -> None:
    draft(world, private(world))
    world.call("PATCH", "/datasets/air", "publisher", json={"personal_data": "aggregated"})
    found = problem(world.post("/datasets/air/publish", "publisher"), 422, "invalid_request")
    lacking = ["personal_data_basis", "personal_data_reviewer", "personal_data_reviewed"]
    assert [one["field"] for one in found["errors"]] == lacking
    said = {
        "personal_data_basis": "5명 이상 집계",
        "personal_data_reviewer": "김검토",
        "personal_data_reviewed": "2026-04-30",
    }
    assert world.call("PATCH", "/datasets/air", "publisher", json=said).status_code == 200
    assert world.post("/datasets/air/publish", "publisher").status_code == 200
