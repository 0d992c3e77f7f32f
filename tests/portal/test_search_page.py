"""The page of the search: found by words, narrowed by links that can be shared, in two languages, without script."""

from __future__ import annotations

import re
from itertools import pairwise

from flask.testing import FlaskClient

from tests.api.conftest import World
from tests.api.test_datasets import draft, private, published
from tests.portal.test_landing import Page, page


def links(shown: Page) -> list[str]:
    return [str(one.get("href")) for one in shown.all("a")]


def two(world: World) -> None:
    published(world, private(world))
    draft(world, private(world, "noise-1"), slug="noise", title_ko="수원시 소음", title_en="Noise", keywords=["소음"])
    world.post("/datasets/noise/publish", "publisher")


def test_datasets_are_found_and_narrowed_by_links(world: World, browser: FlaskClient) -> None:
    two(world)
    shown = page(browser, "/search?q=대기질&lang=ko")
    assert "데이터셋 1건" in shown.text
    assert "/datasets/air?lang=ko" in links(shown)
    assert "/datasets/noise?lang=ko" not in links(shown)
    narrow = "/search?q=%EB%8C%80%EA%B8%B0%EC%A7%88&theme=environment&lang=ko"
    assert narrow in links(shown)
    chosen = page(browser, narrow)
    assert "/search?q=%EB%8C%80%EA%B8%B0%EC%A7%88&lang=ko" in links(chosen), "the same link takes it away"
    marked = [one["aria-current"] for one in chosen.all("a") if one.get("rel") == "nofollow" and "aria-current" in one]
    assert marked == ["true"]
    assert "?q=%EB%8C%80%EA%B8%B0%EC%A7%88&theme=environment&lang=en" in links(chosen), (
        "another language keeps the question"
    )
    assert "2 datasets" in page(browser, "/search?place=Suwon-si&lang=en").text
    assert "/search?q=%EB%8C%80%EA%B8%B0%EC%A7%88&lang=ko" in links(page(browser, "/search?q=대기칠&lang=ko"))


def test_what_cannot_be_searched_for_is_said(world: World, browser: FlaskClient) -> None:
    two(world)
    for query in ("place=서울", "from=gestern", "sort=best", "after=x", "bbox=1", "q=" + "가" * 201):
        answer = browser.get(f"/search?{query}&lang=ko")
        assert answer.status_code == 422, query
        assert "이 조건으로는 찾을 수 없습니다." in answer.text
    hostile = browser.get('/search?q="><script>alert(1)</script>&theme="><b>').text
    assert "<script>alert" not in hostile
    assert "<b>" not in hostile


def test_the_page_is_built_for_all_and_reached_from_the_others(world: World, browser: FlaskClient) -> None:
    two(world)
    shown = page(browser, "/search")
    levels = [int(tag[1]) for tag, _ in shown.elements if re.fullmatch(r"h[1-6]", tag)]
    assert (levels[0], levels.count(1)) == (1, 1)
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert shown.all("script") == []
    labelled = {one.get("for") for one in shown.all("label")}
    assert "q" in labelled
    landing = page(browser, "/?lang=ko")
    assert "/search?lang=ko" in links(landing)
    assert [one.get("action") for one in landing.all("form")] == ["/search"]
