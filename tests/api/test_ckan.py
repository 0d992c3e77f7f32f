"""CKAN's API for reading: its envelope and its errors, packages as its clients expect them, rows of data."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.api.conftest import MINUTE, World
from tests.api.test_datasets import COMPLETE, draft, private, published


def call(world: World, name: str, status: int = 200, /, **values: Any) -> Any:
    """The result of an action, or its error; by POST, as clients do."""
    answer = world.http.post(f"/api/3/action/{name}", json=values)
    assert answer.status_code == status, answer.text
    body = json.loads(answer.data)
    assert body["success"] is (status == 200)
    return body["result" if status == 200 else "error"]


def got(world: World, path: str) -> Any:
    answer = world.http.get(f"/api/3/action/{path}")
    assert answer.status_code == 200, answer.text
    return json.loads(answer.data)["result"]


@pytest.fixture
def air(world: World) -> World:
    """A published dataset of two Things with three readings each, a minute apart."""
    streams = [private(world, name=name) for name in ("air-1", "air-2")]
    for index, stream in enumerate(streams):
        world.write(stream, [10 * index + 1.0, 10 * index + 2.0, 10 * index + 3.0], step=MINUTE)
    published(world, *streams)
    return world


def json_resource(world: World) -> str:
    resources = call(world, "package_show", id="air")["resources"]
    return str(next(one["id"] for one in resources if one["datastore_active"]))


# the envelope


def test_it_says_who_it_is(world: World) -> None:
    assert world.http.get("/api/3").json == {"version": 3}
    assert got(world, "site_read") is True
    assert got(world, "status_show")["site_title"] == "GOPS"
    assert "package_show" in got(world, "help_show?name=package_show")


def test_the_address_that_ckanapi_uses_answers_as_well(air: World) -> None:
    assert air.http.post("/api/action/package_list", json={}).json["result"] == ["air"]


def test_errors_are_those_of_ckan(world: World) -> None:
    assert call(world, "package_show", 404, id="nothing")["__type"] == "Not Found Error"
    missing = call(world, "package_show", 409)
    assert (missing["__type"], "id" in missing) == ("Validation Error", True)
    assert call(world, "package_create", 403, name="x")["__type"] == "Authorization Error"
    answer = world.http.post("/api/3/action/no_such_thing", json={})
    assert (answer.status_code, answer.json) == (400, "Bad request - Action name not known: no_such_thing")


WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("package_list", {"limit": -1}, "limit"),
    ("package_list", {"limit": "x"}, "limit"),
    ("package_list", {"nonsense": 1}, "nonsense"),
    ("package_show", {"id": ["a", "b"]}, "id"),
    ("package_show", {"id": "a\0b"}, "id"),
    ("package_search", {"rows": 1001}, "rows"),
    ("package_search", {"fq": "organization:[* TO *]"}, "fq"),
    ("package_search", {"fq": "_query_:x"}, "fq"),
    ("package_search", {"sort": "views desc"}, "sort"),
    ("package_search", {"facet.field": '["tags"]'}, "facet.field"),
    ("package_search", {"ext_bbox": "1,2,3"}, "ext_bbox"),
    ("group_list", {"all_fields": "perhaps"}, "all_fields"),
]


def test_what_is_one_value_is_not_given_twice(air: World) -> None:
    """CKAN takes the first of several; here the parameter is named. Lists may come as several."""
    for query, field in (
        ("package_show?id=air&id=air", "id"),
        ("package_search?rows=1&rows=2", "rows"),
        ("package_search?q=a&q=b", "q"),
        (f"datastore_search?resource_id={json_resource(air)}&limit=1&limit=2", "limit"),
    ):
        answer = air.http.get(f"/api/3/action/{query}")
        assert (answer.status_code, field in answer.json["error"]) == (409, True), answer.text
    assert got(air, "package_search?fq=organization:suwon&fq=groups:environment")["count"] == 1


def test_wrong_parameters_are_named(air: World) -> None:
    for name, values, field in WRONG:
        error = call(air, name, 409, **values)
        assert (error["__type"], field in error) == ("Validation Error", True), (name, values)


@pytest.mark.parametrize("body", [b"{", b"[1]", b"\xff", b'"x"'])
def test_a_body_that_is_no_object_is_refused(world: World, body: bytes) -> None:
    answer = world.http.post("/api/3/action/package_list", data=body)
    assert (answer.status_code, answer.json["error"]["__type"]) == (409, "Validation Error")


def test_an_answer_that_did_not_change_is_not_sent_again(air: World) -> None:
    etag = air.http.get("/api/3/action/package_show?id=air").headers["ETag"]
    again = air.http.get("/api/3/action/package_show?id=air", headers={"If-None-Match": etag})
    assert again.status_code == 304


# packages


def test_a_package_has_what_clients_read(air: World) -> None:
    found = call(air, "package_show", id="air")
    assert (found["name"], found["title"], found["state"], found["private"]) == (
        "air",
        "수원시 대기질",
        "active",
        False,
    )
    assert found["organization"]["name"] == "suwon"
    assert found["license_id"] == COMPLETE["licence"]
    assert [one["name"] for one in found["tags"]] == COMPLETE["keywords"]
    assert [one["name"] for one in found["groups"]] == [COMPLETE["theme"]]
    assert found["num_resources"] == len(found["resources"])
    extras = {one["key"]: one["value"] for one in found["extras"]}
    assert extras["title_en"] == "Air of Suwon"
    assert extras["temporal_start"] == "2026-05-01T00:00:00.000000Z"
    for one in found["resources"]:
        path = one["url"].removeprefix("http://localhost")
        assert air.http.get(path, buffered=True).status_code == 200


def test_ids_lead_back_and_are_of_this_platform_alone(air: World) -> None:
    found = call(air, "package_show", id="air")
    assert call(air, "package_show", id=found["id"])["name"] == "air"
    assert call(air, "organization_show", id=found["owner_org"])["name"] == "suwon"
    for resource in found["resources"]:
        assert call(air, "resource_show", id=resource["id"])["url"] == resource["url"]
    call(air, "package_show", 404, id="f81d4fae-7dec-41d0-a765-00a0c91e6bf6")
    call(air, "package_show", 404, id=found["owner_org"])
    call(air, "resource_show", 404, id=found["id"] + ".exe")
    call(air, "resource_show", 404, id="x")


def test_drafts_and_withdrawn_ones_are_not_there(air: World) -> None:
    draft(air, private(air, name="hidden"), slug="hidden")
    one = call(air, "package_show", id="air")["id"]
    call(air, "package_show", 404, id="hidden")
    air.post("/datasets/air/withdraw", "publisher", {"reason": "x"})
    for name in ("air", one):
        call(air, "package_show", 404, id=name)
    assert call(air, "package_list") == []
    assert call(air, "package_search")["count"] == 0


def test_lists_are_counted_and_cut(air: World) -> None:
    air.clock.move(seconds=1)
    published(air, private(air, name="b"), slug="air-b")
    assert call(air, "package_list") == ["air", "air-b"]
    assert call(air, "package_list", limit=1, offset=1) == ["air-b"]
    assert call(air, "organization_list") == ["suwon"]
    (home,) = call(air, "organization_list", all_fields=True)
    assert (home["name"], home["package_count"]) == ("suwon", 2)
    assert call(air, "group_list") == [COMPLETE["theme"]]
    assert call(air, "group_show", id=COMPLETE["theme"])["package_count"] == 2
    assert call(air, "tag_list") == sorted(COMPLETE["keywords"])
    assert call(air, "tag_show", id=COMPLETE["keywords"][0])["name"] == COMPLETE["keywords"][0]
    assert "kogl-1" in [one["id"] for one in call(air, "license_list")]
    full = call(air, "current_package_list_with_resources", limit=1)
    assert [one["name"] for one in full] == ["air-b"]
    for name in ("organization_show", "group_show", "tag_show"):
        call(air, name, 404, id="nothing")


# search


def test_packages_are_searched_by_words_fields_and_pages(air: World) -> None:
    published(air, private(air, name="b"), slug="air-b")
    everything = call(
        air, "package_search", q="*:*", rows=1, sort="name asc", **{"facet.field": '["organization", "groups"]'}
    )
    assert (everything["count"], len(everything["results"])) == (2, 1)
    assert everything["facets"] == {"organization": {"suwon": 2}, "groups": {COMPLETE["theme"]: 2}}
    assert everything["search_facets"]["organization"]["items"][0]["count"] == 2
    names = [
        call(air, "package_search", rows=1, start=start, sort="name asc")["results"][0]["name"] for start in (0, 1)
    ]
    assert sorted(names) == ["air", "air-b"]
    assert call(air, "package_search", start=2)["results"] == []
    assert call(air, "package_search", q="대기질")["count"] == 2
    assert call(air, "package_search", q="철도")["count"] == 0
    for fq, count in {
        "organization:suwon": 2,
        '+organization:"suwon" AND res_format:CSV': 2,
        "organization:(seongnam OR suwon) state:active": 2,
        "organization:nobody": 0,
        "organization:suwon AND organization:seongnam": 0,
        f"groups:{COMPLETE['theme']} license_id:{COMPLETE['licence']}": 2,
    }.items():
        assert call(air, "package_search", fq=fq)["count"] == count, fq
    assert call(air, "package_search", q="organization:suwon 대기질")["count"] == 2
    assert got(air, "package_search?q=&fq=organization:suwon&facet.field=[%22res_format%22]")["facets"]["res_format"]


# rows


def test_rows_have_types_numbers_and_a_total(air: World) -> None:
    found = call(air, "datastore_search", resource_id=json_resource(air), limit=4)
    assert found["fields"][:3] == [
        {"id": "_id", "type": "int"},
        {"id": "time", "type": "timestamptz"},
        {"id": "thing", "type": "text"},
    ]
    assert (found["total"], found["total_was_estimated"], found["limit"]) == (6, False, 4)
    assert [one["_id"] for one in found["records"]] == [1, 2, 3, 4]
    first = found["records"][0]
    assert (first["time"], first["thing"], first["value"]) == ("2026-05-01T09:00:00+09:00", "air-1", 1.0)
    rest = call(air, "datastore_search", resource_id=json_resource(air), offset=4)
    assert [(one["_id"], one["value"]) for one in rest["records"]] == [(5, 12.0), (6, 13.0)]


def test_rows_are_filtered_and_ordered(air: World) -> None:
    one = json_resource(air)
    of_second = call(air, "datastore_search", resource_id=one, filters={"thing": "air-2"}, fields=["value"])
    assert [row["value"] for row in of_second["records"]] == [11.0, 12.0, 13.0]
    assert of_second["total"] == 3
    some = call(air, "datastore_search", resource_id=one, filters=json.dumps({"value": [2, 13]}), fields="_id,value")
    assert ([row["value"] for row in some["records"]], some["total"]) == ([2.0, 13.0], 2)
    for limit in (2, 100):
        newest = call(air, "datastore_search", resource_id=one, sort="time desc", limit=limit, fields=["value"])
        assert [row["value"] for row in newest["records"]] == [13.0, 3.0, 12.0, 2.0, 11.0, 1.0][:limit]
    oldest = call(air, "datastore_search", resource_id=one, sort="time", limit=2, offset=2, records_format="lists")
    assert [row[0] for row in oldest["records"]] == [3, 4]
    assert call(air, "datastore_search", resource_id=one, filters={"thing": "none"})["total"] == 0
    assert call(air, "datastore_search", resource_id=one, limit=0)["records"] == []


def test_no_reading_comes_twice_or_not_at_all(air: World) -> None:
    one = json_resource(air)
    for sort in ("", "_id desc", "time", "time desc"):
        seen = [
            (row["time"], row["datastream"])
            for offset in range(0, 6, 2)
            for row in call(air, "datastore_search", resource_id=one, limit=2, offset=offset, sort=sort)["records"]
        ]
        assert len(set(seen)) == 6, sort


WRONG_OF_ROWS: list[tuple[dict[str, Any], str]] = [
    ({"filters": {"nothing": 1}}, "filters"),
    ({"filters": "[1]"}, "filters"),
    ({"filters": {"value": "x"}}, "filters.value"),
    ({"filters": {"value": []}}, "filters.value"),
    ({"filters": {"thing": 7}}, "filters.thing"),
    ({"filters": {"time": "2026-05-01"}}, "filters"),
    ({"fields": ["nothing"]}, "fields"),
    ({"sort": "value"}, "sort"),
    ({"offset": 10**7}, "offset"),
    ({"q": "x"}, "q"),
    ({"distinct": True}, "distinct"),
    ({"records_format": "tsv"}, "records_format"),
]


def test_what_rows_are_not_asked_for_is_named(air: World) -> None:
    one = json_resource(air)
    for values, field in WRONG_OF_ROWS:
        error = call(air, "datastore_search", 409, resource_id=one, **values)
        assert field in error, (values, error)


def test_other_resources_have_no_rows(air: World) -> None:
    csv = json_resource(air).replace(".json", ".csv")
    call(air, "datastore_search", 404, resource_id=csv)
    call(air, "datastore_search", 404, resource_id="nothing.json")
