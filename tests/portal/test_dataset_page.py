"""The page of a dataset: how to get it, its snapshots, how to cite them; in two languages, public data alone."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from flask.testing import FlaskClient

from gops.portal import datasets, display
from tests.api.conftest import World
from tests.api.test_datasets import draft, private, published
from tests.api.test_snapshots import frozen, work
from tests.portal.test_landing import SCRIPT, Page, page


def test_a_dataset_shows_its_downloads_and_its_snapshots_newest_first(world: World, browser: FlaskClient) -> None:
    made = private(world)
    world.write(made, range(1500))
    published(world, made)
    assert "There is no snapshot yet." in page(browser, "/datasets/air?lang=en").text
    first = frozen(world)
    world.clock.move(days=1)
    second = frozen(world)
    shown = page(browser, "/datasets/air?lang=en")
    links = [str(one.get("href")) for one in shown.all("a")]
    assert "/api/v1/datasets/air/data?format=csv" in links
    for body in (first, second):
        assert body["manifest"] in links
        assert body["files"][0]["address"] in links
        assert f"sha256:{body['sha256']}" in shown.text
    assert "1,500 readings" in shown.text
    assert re.findall(r"Snapshot (\d) · (\S+ \S+)", shown.text) == [
        ("2", "2026-05-02 09:00"),
        ("1", "2026-05-01 09:00"),
    ]
    assert "Cite as:" in shown.text
    korean = page(browser, "/datasets/air?lang=ko").text
    assert "인용:" in korean
    assert "「수원시 대기질」 스냅샷 2" in korean


def test_the_newest_readings_are_told_in_words_and_with_their_units(world: World, browser: FlaskClient) -> None:
    made = private(world)
    world.write(made, range(3))
    published(world, made)
    assert "Measured Thing Property Value Quality" in page(browser, "/datasets/air?lang=en").text
    korean = page(browser, "/datasets/air?lang=ko").text
    assert "측정 시각 측정 대상 항목 값 품질" in korean
    assert "air-1 기온 2 ℃ 정상" in korean


def test_the_page_is_built_for_all(world: World, browser: FlaskClient) -> None:
    published(world, private(world))
    frozen(world)
    shown = page(browser, "/datasets/air")
    levels = [int(tag[1]) for tag, _ in shown.elements if re.fullmatch(r"h[1-6]", tag)]
    assert (levels[0], levels.count(1)) == (1, 1)
    assert all(after <= before + 1 for before, after in pairwise(levels))
    ids = {attributes["id"] for _, attributes in shown.elements if "id" in attributes}
    named = {name for _, attributes in shown.elements for name in (attributes.get("aria-labelledby") or "").split()}
    assert named <= ids
    assert shown.scripts() == [SCRIPT]
    assert [one["type"] for one in shown.all("script") if "src" not in one] == ["application/ld+json"]


def test_drafts_have_no_page_and_withdrawn_ones_say_so(world: World, browser: FlaskClient) -> None:
    draft(world, private(world))
    assert browser.get("/datasets/air").status_code == 404
    world.post("/datasets/air/publish", "publisher")
    world.post("/datasets/air/withdraw", "publisher", {"reason": "broken"})
    gone = browser.get("/datasets/air?lang=en")
    assert (gone.status_code, gone.mimetype) == (410, "text/html")
    assert "This was withdrawn" in Page(gone.text).text


def test_what_is_under_way_is_not_shown_and_a_former_slug_leads_on(world: World, browser: FlaskClient) -> None:
    published(world, private(world))
    world.post("/datasets/air/snapshots", "publisher")
    assert "There is no snapshot yet." in page(browser, "/datasets/air?lang=en").text
    work(world)
    world.call("PATCH", "/datasets/air", "publisher", json={"slug": "air-2"})
    moved = browser.get("/datasets/air")
    assert (moved.status_code, moved.headers["Location"]) == (308, "/datasets/air-2")


def test_of_many_snapshots_the_newest_are_shown_and_the_rest_linked(
    world: World, browser: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(datasets, "SNAPSHOTS", 1)
    published(world, private(world))
    frozen(world)
    frozen(world)
    shown = page(browser, "/datasets/air?lang=en")
    assert "Snapshot 2" in shown.text
    assert "Snapshot 1" not in shown.text
    assert "/api/v1/datasets/air/snapshots" in [one.get("href") for one in shown.all("a")]


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1 kB"), (1_234_567, "1.23 MB"), (999_600, "1 MB"), (17 * 10**9, "17 GB")],
)
def test_sizes_are_short(count: int, text: str) -> None:
    assert display.size(count) == text
