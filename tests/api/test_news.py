"""The change feed: valid Atom, in pages, in both languages; 304 where nothing is new."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import pytest

from tests.api.conftest import World, problem
from tests.api.test_datasets import draft, private, published

ATOM = "{http://www.w3.org/2005/Atom}"
REQUIRED = {"id", "title", "updated"}  # RFC 4287, sections 4.1.1 and 4.1.2


def feed(world: World, path: str = "/feed.atom", **options: Any) -> ElementTree.Element:
    answer = world.http.get(path, **options)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "application/atom+xml; charset=utf-8"
    root = ElementTree.fromstring(answer.data)
    assert root.tag == f"{ATOM}feed"
    for one in (root, *entries(root)):
        names = [child.tag.removeprefix(ATOM) for child in one]
        assert all(names.count(name) == 1 for name in REQUIRED)
        assert one.find(f"{ATOM}author/{ATOM}name") is not None
    return root


def entries(root: ElementTree.Element) -> list[ElementTree.Element]:
    return root.findall(f"{ATOM}entry")


def texts(root: ElementTree.Element, name: str) -> list[str | None]:
    return [one.findtext(f"{ATOM}{name}") for one in entries(root)]


def link(root: ElementTree.Element, rel: str) -> str | None:
    found = root.find(f"{ATOM}link[@rel='{rel}']")
    return None if found is None else found.get("href")


@pytest.fixture
def history(world: World) -> World:
    """A dataset with < & > in its title that was published, revised, deprecated and withdrawn; a draft beside it."""
    stream = private(world)
    published(world, stream)
    world.clock.move(seconds=60)
    world.call("PATCH", "/datasets/air", "publisher", json={"title_ko": "대기질 <측정> & 값", "note": "제목"})
    world.clock.move(seconds=60)
    world.post("/datasets/air/deprecate", "publisher", {"reason": "낡았습니다"})
    world.post("/datasets/air/withdraw", "publisher", {"reason": "틀렸습니다"})
    draft(world, stream, slug="draft")
    return world


def test_what_became_of_a_dataset_the_newest_first(history: World) -> None:
    root = feed(history)
    terms = [one.find(f"{ATOM}category").get("term") for one in entries(root)]  # type: ignore[union-attr]
    assert terms == ["withdrawn", "deprecated", "revised", "published"]
    assert texts(root, "title")[0] == "철회: 대기질 <측정> & 값"
    assert texts(root, "summary")[:2] == ["틀렸습니다", "낡았습니다"]
    assert root.findtext(f"{ATOM}updated") == texts(root, "updated")[0] == "2026-05-01T00:02:00Z"
    assert len({*texts(root, "id")}) == 4
    revised = link(entries(root)[2], "related") or ""
    assert history.get(revised.partition("/api/v1")[2]).status_code == 410
    assert not any("draft" in (one or "") for one in texts(root, "title"))


def test_the_feed_of_one_dataset_is_there_when_it_is_not_any_more(history: World) -> None:
    published(history, private(history, "air-2"), slug="other")
    assert len(entries(feed(history))) == 5
    root = feed(history, "/api/v1/datasets/air/feed.atom?lang=en")
    assert len(entries(root)) == 4
    assert root.get("{http://www.w3.org/XML/1998/namespace}lang") == "en"
    assert (texts(root, "title")[-1] or "").startswith("Published: ")
    problem(history.get("/datasets/draft/feed.atom"), 404, "not_found")
    problem(history.get("/datasets/air/feed.atom?lang=fr"), 422, "invalid_value")


def test_it_comes_in_pages(history: World) -> None:
    first = feed(history, "/feed.atom?limit=3")
    following = link(first, "next")
    assert following is not None
    second = feed(history, following.partition("localhost")[2])
    assert [len(entries(one)) for one in (first, second)] == [3, 1]
    assert link(second, "next") is None
    for wrong in ("before=x", "limit=0", "limit=51", "lang=fr"):
        problem(history.http.get(f"/feed.atom?{wrong}"), 422, "invalid_value")


def test_it_is_sent_again_only_when_something_is_new(history: World) -> None:
    tag = history.http.get("/feed.atom").headers["ETag"]
    assert history.http.get("/feed.atom", headers={"If-None-Match": tag}).status_code == 304
    published(history, private(history, "air-2"), slug="other")
    assert history.http.get("/feed.atom", headers={"If-None-Match": tag}).status_code == 200


def test_a_feed_without_news_is_a_feed(world: World) -> None:
    assert entries(feed(world)) == []


def test_a_webhook_over_http(world: World) -> None:
    published(world, private(world))
    wish = {"organisation": "suwon", "address": "https://93.184.216.34/hook", "events": ["withdrawn"], "dataset": "air"}
    made = world.post("/dataset-hooks", "publisher", wish)
    assert (made.status_code, len(made.json["secret"]), made.json["events"]) == (201, 64, ["withdrawn"])
    (listed,) = world.get("/dataset-hooks?organisation=suwon", "owner").json["items"]
    assert (listed["dataset"], listed["address"]) == ("air", wish["address"])
    assert "secret" not in listed
    path = f"/dataset-hooks/{made.json['id']}"
    assert world.get(f"{path}/deliveries?state=dead", "publisher").json["items"] == []
    problem(world.post(f"{path}/deliveries/1/retry", "publisher"), 404, "not_found")
    problem(world.call("DELETE", path, "other"), 404, "not_found")
    assert world.call("DELETE", path, "publisher").status_code == 204
    problem(world.post("/dataset-hooks", "publisher", wish | {"events": ["exploded"]}), 422, "invalid_value")
