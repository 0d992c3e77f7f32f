"""The search over HTTP: words, facets and filters, pages, suggestions, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from gops.api.catalog.search import FacetOut, FacetValue, FoundDataset, SearchPage
from tests.api.conftest import World, problem
from tests.api.test_datasets import draft, private, published


def found(world: World, query: str = "") -> list[str]:
    return [one["slug"] for one in world.get(f"/search?{query}").json["items"]]


@pytest.fixture
def two(world: World) -> dict[str, Any]:
    """Of Suwon two published datasets and a draft."""
    body = published(world, private(world))
    draft(world, private(world, "noise-1"), slug="noise", title_ko="수원시 소음", title_en="Noise", keywords=["소음"])
    world.post("/datasets/noise/publish", "publisher")
    draft(world, private(world, "air-2"), slug="secret", title_ko="수원시 대기질 초안")
    return body


def test_published_datasets_are_found_by_words_in_korean_and_english(world: World, two: dict[str, Any]) -> None:
    assert found(world, "q=대기질") == found(world, "q=PM10") == ["air"]
    assert found(world, "q=air+suwon") == ["air", "noise"], "in the title of one; what both measure is air temperature"
    assert sorted(found(world, "q=ㅅㅇㅅ")) == sorted(found(world)) == ["air", "noise"]
    one = world.get("/search?q=대기질").json["items"][0]
    assert (one["organisation"], one["place"], one["state"]) == ("suwon", ["suwon"], "published")
    assert (one["address"], one["quality"]) == ("/api/v1/datasets/air", None)
    world.post("/datasets/air/withdraw", "publisher", {"reason": "wrong"})
    assert found(world, "q=대기질") == []
    assert "secret" not in found(world, "q=대기질&sort=title"), "a key changes nothing, a draft is never found"


def test_filters_narrow_and_each_facet_is_counted_without_its_own(world: World, two: dict[str, Any]) -> None:
    body = world.get("/search?place=Suwon-si&theme=environment&format=csv&sort=modified").json
    facets = {one["name"]: one for one in body["facets"]}
    assert (body["total"], body["matched"], body["did_you_mean"]) == (2, "all", None)
    assert facets["theme"]["values"] == [
        {"value": "environment", "name_ko": "환경", "name_en": "Environment", "count": 2}
    ]
    assert [one["value"] for one in facets["publisher"]["values"]] == ["suwon"]
    assert found(world, "theme=transport") == []
    elsewhere = world.get("/search?theme=transport").json["facets"]
    assert [(one["name"], one["values"][0]["count"]) for one in elsewhere if one["values"]] == [("theme", 2)]
    assert (found(world, "bbox=1,1,2,2"), found(world, "from=2020-01-01")) == ([], []), "these have neither"
    assert world.get("/search?q=대기칠").json["did_you_mean"] == "대기질"


def test_a_page_has_what_its_schema_says(world: World, two: dict[str, Any]) -> None:
    """It is written by hand, from the columns of the search."""
    body = world.get("/search").json
    assert set(body) == set(SearchPage().fields)
    assert {name for one in body["items"] for name in one} == set(FoundDataset().fields)
    assert all(set(one) == set(FacetOut().fields) for one in body["facets"])
    assert {name for one in body["facets"] for value in one["values"] for name in value} == set(FacetValue().fields)
    assert body["items"][0]["modified_at"] == "2026-05-01T09:00:00+09:00"


def test_a_page_leads_to_the_next(world: World, two: dict[str, Any]) -> None:
    first = world.get("/search?sort=title&limit=1")
    assert [one["slug"] for one in first.json["items"]] == ["air"]
    assert first.headers["Link"] == f'<{first.json["next"]}>; rel="next"'
    second = world.get(first.json["next"].removeprefix("/api/v1")).json
    assert ([one["slug"] for one in second["items"]], second["next"], second["total"]) == (["noise"], None, 2)


def test_what_is_typed_is_completed(world: World, two: dict[str, Any]) -> None:
    items = world.get("/search/suggest?q=ㅅㅇ").json["items"]
    assert {"text": "수원시", "kind": "name", "slug": None} in items
    assert {"text": "수원시 소음", "kind": "title", "slug": "noise"} in items
    assert world.get("/search/suggest?q=%25").json == {"items": []}


@pytest.mark.parametrize(
    ("query", "field", "code"),
    [
        ("q=" + "가" * 201, "q", "invalid_value"),
        ("q=" + "+".join(f"말{one}" for one in range(13)), "q", "too_many"),
        ("place=서울", "place", "unknown_place"),
        ("publisher=" + ",".join(f"t{one}" for one in range(21)), "publisher", "too_many"),
        ("theme=weather", "theme", "invalid_value"),
        ("kind=life", "kind", "invalid_value"),
        ("sort=best", "sort", "invalid_value"),
        ("limit=0", "limit", "invalid_value"),
        ("limit=10001", "limit", "invalid_value"),
        ("after=x", "after", "bad_cursor"),
        ("after=1000000-1", "after", "bad_cursor"),
        ("from=2026-01-02&to=2026-01-01", "from", "bad_range"),
        ("bbox=1,2,3", "bbox", "bad_bbox"),
        ("state=draft", "state", "unknown_parameter"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(world: World, query: str, field: str, code: str) -> None:
    answer = world.get(f"/search?{query}")
    assert answer.status_code == 422, answer.text
    wrong = answer.json.get("errors") or [answer.json]
    assert (wrong[0]["field"], wrong[0]["code"]) == (field, code)


def test_a_list_that_is_too_long_is_refused(world: World) -> None:
    answer = world.get("/search", query_string={"publisher": "a" * 2001})
    problem(answer, 422, "invalid_value", field="publisher")
    assert "2000 characters" in answer.json["detail_en"]
