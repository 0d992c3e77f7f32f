"""The page of the search: found by words, narrowed by links that can be shared, in two languages, without script."""

from __future__ import annotations

import re
from itertools import pairwise

from flask.testing import FlaskClient

from tests.api.conftest import World
from tests.api.test_datasets import draft, private, published
from tests.portal.test_landing import SCRIPT, Page, page


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


def test_nothing_is_offered_to_narrow_where_nothing_was_found(world: World, browser: FlaskClient) -> None:
    two(world)
    assert page(browser, "/search?q=대기질&lang=ko").text.count("조건으로 좁히기") == 2
    nothing = page(browser, "/search?q=zzzzqqqq&lang=ko")
    assert "데이터셋 0건" in nothing.text
    assert "조건으로 좁히기" not in nothing.text
    assert "#facets" not in links(nothing)


def test_what_cannot_be_searched_for_is_said(world: World, browser: FlaskClient) -> None:
    two(world)
    for query, field in (
        ("place=서울", "시군"), ("from=gestern", "측정 시작일"), ("sort=best", "정렬"), ("after=x", "목록의 위치"),
        ("bbox=1", "영역"), ("q=" + "가" * 201, "찾을 말"), ("theme=moon", "분류"),
    ):  # fmt: skip
        answer = browser.get(f"/search?{query}&lang=ko")
        assert answer.status_code == 422, query
        shown = Page(answer.text)
        assert "아래 조건은 쓸 수 없어 빼고 보여 드립니다." in shown.text
        assert f"{field} · 입력: " in shown.text
        assert "쓸 수 있는 값: " in shown.text
        assert "데이터셋 2건" in shown.text, "the rest of the page is there"
    both = Page(browser.get("/search?place=서울&theme=moon&q=소음&lang=en").text)
    assert "Municipality · given: 서울 · expected: a municipality of Gyeonggi" in both.text
    assert "Theme · given: moon" in both.text
    assert "1 datasets" in both.text
    hostile = browser.get('/search?q="><script>alert(1)</script>&theme="><b>').text
    assert "<script>alert" not in hostile
    assert "<b>" not in hostile


def test_the_page_is_built_for_all_and_reached_from_the_others(world: World, browser: FlaskClient) -> None:
    two(world)
    shown = page(browser, "/search")
    levels = [int(tag[1]) for tag, _ in shown.elements if re.fullmatch(r"h[1-6]", tag)]
    assert (levels[0], levels.count(1)) == (1, 1)
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert shown.scripts() == [SCRIPT]
    labelled = {one.get("for") for one in shown.all("label")}
    assert "q" in labelled
    landing = page(browser, "/?lang=ko")
    assert "/search?lang=ko" in links(landing)
    assert [one.get("action") for one in landing.all("form")] == ["/search"]
