"""Datasets over HTTP: described, published, withdrawn; who may; and the catalog document."""

from __future__ import annotations

import json
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.api.conftest import World, problem

COMPLETE: dict[str, Any] = {
    "title_ko": "수원시 대기질",
    "title_en": "Air of Suwon",
    "description_ko": "시간 평균",
    "description_en": "Hourly means",
    "licence": "kogl-1",
    "theme": "environment",
    "keywords": ["미세먼지", "PM10"],
    "contact_name": "수원시",
    "contact_email": "data@suwon.example",
    "frequency": "hourly",
    "personal_data": "none",
}


def draft(world: World, *streams: Any, slug: str = "air", **words: Any) -> TestResponse:
    body = COMPLETE | {"organisation": "suwon", "slug": slug, "datastreams": [one.id for one in streams]} | words
    return world.post("/datasets", "publisher", body)


def published(world: World, *streams: Any, slug: str = "air") -> dict[str, Any]:
    assert draft(world, *streams, slug=slug).status_code == 201
    answer = world.post(f"/datasets/{slug}/publish", "publisher")
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json
    return body


def private(world: World, name: str = "air-1") -> Any:
    return world.stream(public=False, name=name)


def test_a_draft_is_made_completed_published_and_found(world: World) -> None:
    stream = private(world)
    answer = world.post("/datasets", "publisher", {"organisation": "suwon", "slug": "air", "datastreams": [stream.id]})
    assert (answer.status_code, answer.headers["Location"]) == (201, "/api/v1/datasets/air")
    assert answer.json["missing"] == [name for name in COMPLETE if name != "contact_name"]
    assert answer.json["contact_name"] == world.suwon.name_ko
    assert world.get("/datasets").json["items"] == []
    changed = world.call("PATCH", "/datasets/air", "publisher", json=COMPLETE)
    assert (changed.status_code, changed.json["missing"]) == (200, [])
    body = world.post("/datasets/air/publish", "publisher").json
    assert (body["state"], body["datastreams"], body["organisation"]) == ("published", 1, "suwon")
    assert body["published_at"] == "2026-05-01T09:00:00+09:00"
    assert [one["slug"] for one in world.get("/datasets").json["items"]] == ["air"]
    assert world.get(f"/datastreams/{stream.id}").json["public"] is True


def test_a_dataset_says_where_its_data_are_and_how_to_name_their_source(world: World) -> None:
    body = published(world, private(world))
    assert (body["data"], body["latest"]) == ("/api/v1/datasets/air/data", "/api/v1/datasets/air/latest")
    assert body["live_topic"] == "gops/live/v1/air/+"
    assert "공공누리 제1유형" in body["attribution_ko"]
    assert "http://localhost/api/v1/datasets/air" in body["attribution_en"]


def test_each_missing_part_is_a_wrong_value_of_its_own(world: World) -> None:
    world.post("/datasets", "publisher", {"organisation": "suwon", "slug": "air", "datastreams": [private(world).id]})
    body = problem(world.post("/datasets/air/publish", "publisher"), 422, "invalid_request")
    assert [one["field"] for one in body["errors"]] == [name for name in COMPLETE if name != "contact_name"]
    licence = next(one for one in body["errors"] if one["field"] == "licence")
    assert (licence["code"], "kogl-1" in licence["expected"]) == ("required", True)


def test_a_published_dataset_stays_complete(world: World) -> None:
    published(world, private(world))
    answer = world.call("PATCH", "/datasets/air", "publisher", json={"licence": ""})
    problem(answer, 422, "required", field="licence")


def test_an_empty_dataset_is_not_published(world: World) -> None:
    draft(world)
    problem(world.post("/datasets/air/publish", "publisher"), 409, "empty_dataset")


def test_a_withdrawn_dataset_is_gone_and_says_why(world: World) -> None:
    stream = private(world)
    published(world, stream)
    answer = world.post("/datasets/air/withdraw", "publisher", {"reason": "sensor was broken"})
    assert (answer.status_code, answer.json["state"]) == (200, "withdrawn")
    for path in ("/datasets/air", "/datasets/air/data", "/datasets/air/latest", "/datasets/air/data?format=csv"):
        body = problem(world.get(path), 410, "withdrawn")
        assert "sensor was broken" in body["detail"]
    problem(world.get(f"/datastreams/{stream.id}/observations"), 404, "not_found")
    assert world.get("/datasets").json["items"] == []
    assert [one["state"] for one in world.get("/datasets?state=withdrawn", "publisher").json["items"]] == ["withdrawn"]


def test_a_former_slug_redirects_with_its_query(world: World) -> None:
    published(world, private(world))
    world.call("PATCH", "/datasets/air", "publisher", json={"slug": "suwon-air"})
    for path in ("", "/data?format=csv", "/latest"):
        answer = world.get(f"/datasets/air{path}")
        assert (answer.status_code, answer.headers["Location"]) == (308, f"/api/v1/datasets/suwon-air{path}")
    problem(draft(world, slug="air"), 409, "slug_taken", field="slug")


# who


@pytest.mark.parametrize("who", [None, "viewer", "other", "operator", "auditor"])
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/datasets/air", None),
        ("GET", "/datasets/air/data", None),
        ("GET", "/datasets/air/latest", None),
        ("PATCH", "/datasets/air", {"title_ko": "x"}),
        ("POST", "/datasets/air/publish", None),
        ("POST", "/datasets/air/withdraw", {"reason": "x"}),
    ],
)
def test_a_draft_is_its_publishers_alone(world: World, who: str | None, method: str, path: str, body: Any) -> None:
    draft(world, private(world))
    problem(world.call(method, path, who, json=body), 404, "not_found")


@pytest.mark.parametrize(("who", "status"), [(None, 401), ("viewer", 403), ("other", 403), ("operator", 403)])
def test_a_published_dataset_is_changed_by_its_publishers_alone(world: World, who: str | None, status: int) -> None:
    published(world, private(world))
    code = "unauthenticated" if status == 401 else "forbidden"
    problem(world.call("PATCH", "/datasets/air", who, json={"title_ko": "x"}), status, code)
    problem(world.post("/datasets/air/withdraw", who, {"reason": "x"}), status, code)
    problem(world.post("/datasets", who, {"organisation": "suwon", "slug": "two"}), status, code)


def test_nobody_publishes_anothers_data(world: World) -> None:
    stream = private(world)
    body = {"organisation": "seongnam", "slug": "theirs", "datastreams": [stream.id]}
    problem(world.post("/datasets", "other", body), 422, "foreign_datastream", field="datastreams", found=stream.id)
    problem(world.post("/datasets", "other", body | {"organisation": "suwon"}), 403, "forbidden")
    assert world.get(f"/datastreams/{stream.id}", "publisher").json["public"] is False


# wrong requests


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"licence": "mit"}, "invalid_value", "licence"),
        ({"theme": "space"}, "invalid_value", "theme"),
        ({"frequency": "often"}, "invalid_value", "frequency"),
        ({"personal_data": "some"}, "invalid_value", "personal_data"),
        ({"contact_email": "nobody"}, "invalid_value", "contact_email"),
        ({"keywords": "a,b"}, "invalid_value", "keywords"),
        ({"keywords": ["x"] * 21}, "invalid_value", "keywords"),
        ({"keywords": [""]}, "invalid_value", "keywords[0]"),
        ({"datastreams": ["1"]}, "invalid_value", "datastreams[0]"),
        ({"rule": {}}, "bad_rule", "rule"),
        ({"rule": {"site": 1}}, "unknown_field", "rule.site"),
        ({"rule": {"bbox": [1, 2, 3]}}, "invalid_value", "rule.bbox"),
        ({"rule": {"feed": "nothing-like-it"}}, "unknown_feed", "rule.feed"),
        ({"slug": "Air"}, "invalid_value", "slug"),
        ({"titel_ko": "x"}, "unknown_field", "titel_ko"),
        ({"follow": True}, "no_rule", "follow"),
    ],
)
def test_a_wrong_value_is_named(world: World, change: dict[str, Any], code: str, field: str) -> None:
    draft(world, private(world))
    problem(world.call("PATCH", "/datasets/air", "publisher", json=change), 422, code, field=field)


def test_a_rule_is_shown_as_it_was_written(world: World) -> None:
    private(world)
    rule = {"feed": "direct", "properties": ["temperature"], "bbox": [126.0, 37.0, 128.0, 38.0]}
    body = {"organisation": "suwon", "slug": "air", "rule": rule, "follow": True}
    answer = world.post("/datasets", "publisher", body)
    assert (answer.json["rule"], answer.json["follow"]) == (rule, True)


def test_the_words_of_metadata_are_listed(world: World) -> None:
    body = world.get("/vocabularies").json
    assert {"kogl-0", "kogl-1", "cc-by-4.0", "public-domain"} <= {one["key"] for one in body["licences"]}
    kogl_4 = next(one for one in body["licences"] if one["key"] == "kogl-4")
    assert (kogl_4["commercial"], kogl_4["changes"], kogl_4["is_open"]) == (False, False, False)
    assert [one["key"] for one in body["personal_data"]] == ["none", "aggregated", "pseudonymous"]


# the catalog


def test_the_catalog_has_what_is_published(world: World) -> None:
    stream = private(world)
    world.write(stream, [1.0, 2.0])
    published(world, stream)
    draft(world, slug="hidden")
    answer = world.http.get("/catalog.jsonld")
    assert (answer.status_code, answer.mimetype) == (200, "application/ld+json")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    document = json.loads(answer.data)
    assert document["@id"] == "http://localhost/catalog.jsonld"
    (dataset,) = document["dcat:dataset"]
    assert dataset["@id"] == "http://localhost/api/v1/datasets/air"
    assert dataset["dct:temporal"]["dcat:startDate"]["@value"] == "2026-05-01T00:00:00Z"
    assert {one["@value"] for one in dataset["dct:title"]} == {"수원시 대기질", "Air of Suwon"}
    for distribution in dataset["dcat:distribution"]:
        path = distribution["dcat:accessURL"]["@id"].removeprefix("http://localhost")
        assert world.http.get(path, buffered=True).status_code == 200


def test_a_catalog_that_did_not_change_is_not_sent_again(world: World) -> None:
    published(world, private(world))
    etag = world.http.get("/catalog.jsonld").headers["ETag"]
    assert world.http.get("/catalog.jsonld", headers={"If-None-Match": etag}).status_code == 304
    world.clock.move(seconds=1)
    world.call("PATCH", "/datasets/air", "publisher", json={"title_ko": "새 제목"})
    assert world.http.get("/catalog.jsonld", headers={"If-None-Match": etag}).status_code == 200


@pytest.mark.parametrize("after", ["x", "-1", "9" * 30, ""])
def test_a_wrong_page_of_the_catalog_is_refused(world: World, after: str) -> None:
    assert world.http.get(f"/catalog.jsonld?after={after}").status_code == 422
