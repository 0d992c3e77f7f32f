"""CKAN's datastore: pages by ``_links.next``, errors, and links that lead elsewhere."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from gops.errors import Invalid
from gops.ingest.feeds.answers import Failure, Page
from gops.ingest.feeds.portals.ckan import Ckan
from tests.unit.feeds.conftest import World
from tests.unit.feeds.portal import Reply

CONFIG: dict[str, Any] = {
    "url": "https://data.example",
    "resource_id": "8a42",
    "thing": {"id": "well"},
    "time": {"field": "at"},
    "fields": [{"field": "level", "property": "river_level", "unit": "m"}],
}
ROWS = [
    {"_id": number, "well": f"W{number}", "at": "2026-05-01T08:00:00+09:00", "level": number} for number in range(5)
]


def answer(records: list[dict[str, Any]], total: int, link: str | None = None, **given: Any) -> Reply:
    links = {} if link is None else {"_links": {"start": "/api", "next": link}}
    return 200, json.dumps({"success": True, "result": {"records": records, "total": total} | links | given}).encode()


def paged(path: str, _headers: dict[str, str]) -> Reply:
    asked = {name: values[0] for name, values in parse_qs(urlsplit(path).query).items()}
    offset, limit = int(asked.get("offset", 0)), int(asked["limit"])
    link = f"/api/3/action/datastore_search?limit={limit}&offset={offset + limit}"
    return answer(ROWS[offset : offset + limit], len(ROWS), link)


def test_pages_follow_the_links_that_the_site_names(world: World) -> None:
    world.portal.serve = paged
    feed, outcome = world.pull("ckan", CONFIG | {"url": world.portal.root, "rows": 2}, "")
    assert (outcome.code, world.last_run(feed).rows, world.last_run(feed).calls) == ("ok", 5, 3)
    assert "offset" not in world.portal.paths[0]
    assert world.portal.paths[2] == "/api/3/action/datastore_search?limit=2&offset=4"
    assert [value for _, value, _ in world.readings()["W4", "river_level"]] == [4.0]


@pytest.mark.parametrize(
    "link", ["https://elsewhere.example/x", "//elsewhere.example/x", "http://127.0.0.1:1/x", "file:///etc/passwd"]
)
def test_a_link_to_another_host_is_not_followed(world: World, link: str) -> None:
    world.portal.replies = [answer(ROWS[:1], 5, link)]
    assert world.pull("ckan", CONFIG | {"url": world.portal.root, "rows": 1}, "")[1].code == "foreign_page"
    assert len(world.portal.asked) == 1


def test_a_link_that_leads_back_ends_the_run(world: World) -> None:
    world.portal.replies = [answer(ROWS[:1], 5, "/again")]
    assert world.pull("ckan", CONFIG | {"url": world.portal.root, "rows": 1}, "")[1].code == "page_loop"
    assert len(world.portal.asked) == 2


def test_only_the_newest_rows_are_asked_for_where_that_is_wanted(world: World) -> None:
    world.portal.serve = paged
    feed, outcome = world.pull("ckan", CONFIG | {"url": world.portal.root, "rows": 2, "newest": 3}, "")
    assert (outcome.code, world.last_run(feed).calls) == ("ok", 2)
    assert world.portal.asked[0]["sort"] == "_id desc"


def test_filters_and_key_are_given(world: World) -> None:
    seen: list[dict[str, str]] = []

    def serve(_path: str, headers: dict[str, str]) -> Reply:
        seen.append(headers)
        return answer([], 0)

    world.portal.serve = serve
    world.pull("ckan", CONFIG | {"url": world.portal.root, "filters": {"city": "수원"}}, "t0ken")
    assert world.portal.asked[0]["filters"] == '{"city":"수원"}'
    assert seen[0]["authorization"] == "t0ken"


@pytest.mark.parametrize(
    ("reply", "trouble", "code"),
    [
        ((404, b'{"success":false,"error":{"__type":"Not Found Error","message":"x"}}'), "request", "not_found_error"),
        ((403, b'{"success":false,"error":{"__type":"Authorization Error"}}'), "key", "authorization_error"),
        ((409, b'{"success":false,"error":{"__type":"Validation Error"}}'), "request", "validation_error"),
        ((200, b'{"success":true,"result":{}}'), "unreadable", "unknown_shape"),
        ((200, b'{"success":true,"result":{"records":7}}'), "unreadable", "unknown_shape"),
        ((200, b'{"success":false,"error":"x"}'), "request", "error"), ((500, b"<html>"), "server", "http_500"),
        ((200, b""), "unreadable", "empty_body"),
    ],
)  # fmt: skip
def test_what_is_no_page_says_why(reply: Reply, trouble: str, code: str) -> None:
    found = Ckan(CONFIG).read(reply[0], reply[1])
    assert isinstance(found, Failure)
    assert (found.trouble, found.code) == (trouble, code)


def test_an_estimated_total_ends_no_query() -> None:
    source = Ckan(CONFIG | {"rows": 2})
    page = source.read(*answer(ROWS[:2], 2, total_was_estimated=True)[:2])
    assert isinstance(page, Page)
    assert not source.is_last(page, 2)


@pytest.mark.parametrize(
    ("given", "field"),
    [({"resource_id": ""}, "config.resource_id"), ({"rows": 32_001}, "config.rows"), ({"filters": 1}, "config.filters"),
     ({"limit": 5}, "config.limit")],
)  # fmt: skip
def test_a_wrong_config_names_what_is_wrong(given: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as caught:
        Ckan(CONFIG | given)
    assert caught.value.field == field
