"""Feeds of topics and brokers over HTTP: declared, changed, tried, watched; secrets never shown."""

from __future__ import annotations

from typing import Any

from tests.api.conftest import World, problem

FIELDS = [{"field": "temp", "property": "temperature", "unit": "Cel"}]


def declaration(**given: Any) -> dict[str, Any]:
    plain = {
        "organisation": "suwon",
        "slug": "gateway",
        "name": "게이트웨이",
        "source": {"kind": "mqtt", "filter": "gops/v1/suwon/+/up/#"},
        "codec": {"name": "senml"},
        "mapping": {"unknown_thing": "draft", "fields": FIELDS},
    }
    return plain | given


def test_a_feed_is_declared_shown_and_listed_with_pulled_ones(world: World) -> None:
    answer = world.post("/feeds", "publisher", declaration())
    assert (answer.status_code, answer.headers["Location"]) == (201, "/api/v1/feeds/gateway")
    assert (answer.json["kind"], answer.json["revision"], answer.json["codec"]) == ("mqtt", 1, {"name": "senml"})
    assert world.get("/feeds/gateway", "publisher").json == answer.json
    (listed,) = world.get("/feeds?organisation=suwon", "publisher").json["items"]
    assert listed["source"]["filter"] == "gops/v1/suwon/+/up/#"


def test_a_mistake_names_its_place(world: World) -> None:
    wrong = declaration(mapping={"fields": [FIELDS[0], {"field": "pm", "property": "pm10", "unit": "Cel"}]})
    problem(world.post("/feeds", "publisher", wrong), 422, "incompatible_units", field="mapping.fields[1].unit")


def test_a_change_is_a_revision(world: World) -> None:
    world.post("/feeds", "publisher", declaration())
    changed = world.call("PATCH", "/feeds/gateway", "publisher", json={"mapping": {"fields": FIELDS}})
    assert (changed.status_code, changed.json["revision"]) == (200, 2)
    found = world.get("/feeds/gateway/revisions", "publisher").json["items"]
    assert [(one["number"], "unknown_thing" in one["document"]["mapping"]) for one in found] == [(1, True), (2, False)]


def test_a_sample_is_tried_and_nothing_is_stored(world: World) -> None:
    world.post("/feeds", "publisher", declaration())
    sample = '[{"bn": "n7:", "n": "temp", "v": 21.5}, {"n": "hum", "v": 40}]'
    answer = world.post("/feeds/gateway/try", "publisher", {"sample": sample})
    assert answer.status_code == 200
    (row,) = answer.json["readings"]
    assert (row["thing"], row["value"], row["datastream"], row["quality"]) == ("n7", 21.5, None, "good")
    assert [one["code"] for one in answer.json["refusals"]] == ["unknown_field"]
    assert "n7" not in world.get("/things?organisation=suwon", "publisher").text
    bare = {"base64": "NDE=", "codec": {"name": "value"}, "mapping": {"thing": "name:x", "unknown_thing": "draft",
            "fields": [{"field": "value", "property": "pm10"}]}}  # fmt: skip
    assert world.post("/feeds/gateway/try", "publisher", bare).json["readings"][0]["value"] == 41.0
    problem(world.post("/feeds/gateway/try", "publisher", {}), 422, "invalid_value", field="sample")
    problem(world.post("/feeds/gateway/try", "publisher", {"base64": "!"}), 422, "invalid_value", field="base64")


def test_health_of_a_feed_that_nothing_came_from(world: World) -> None:
    world.post("/feeds", "publisher", declaration())
    health = world.get("/feeds/gateway/health", "publisher").json
    assert (health["state"], health["messages"], health["link"], health["errors"]) == ("new", 0, None, {})


def test_others_see_and_change_nothing(world: World) -> None:
    world.post("/feeds", "publisher", declaration())
    for method, path in (("GET", ""), ("GET", "/revisions"), ("GET", "/health"), ("PATCH", ""), ("POST", "/try")):
        body = {"json": {"sample": "1"} if path == "/try" else {"name": "x"}} if method != "GET" else {}
        problem(world.call(method, f"/feeds/gateway{path}", "other", **body), 404, "not_found")
