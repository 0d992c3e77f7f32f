"""What is in a dataset, as its page shows it: chart, table, map, dictionary, quality, history, licence."""

from __future__ import annotations

from functools import partial

import pytest
from flask.testing import FlaskClient

from gops import portal
from gops.api.app import create_app, openapi_document
from gops.clock import DAY, HOUR
from gops.portal.graph import graph
from gops.portal.kept import Kept
from tests.api.conftest import World
from tests.api.test_datasets import draft, private, published
from tests.portal.test_landing import page


def links(browser: FlaskClient, address: str) -> list[str]:
    return [str(one.get("href")) for one in page(browser, address).all("a")]


def measured(world: World) -> None:
    made = private(world)
    world.services.things.move(world.publisher, made.thing_id, 127.0286, 37.2636, "시청")
    world.write(made, [12.5, None, 40.0], step=HOUR)
    published(world, made)


def test_readings_are_a_table_a_chart_with_its_own_table_and_a_map(world: World, browser: FlaskClient) -> None:
    measured(world)
    shown = page(browser, "/datasets/air?lang=en")
    assert "The newest 1 readings" in shown.text
    assert len([one for one in shown.all("svg") if one.get("class") == "graph"]) == 1
    assert len([one for one in shown.all("svg") if one.get("class") == "map"]) == 1
    assert "Positions of 1 Things" in shown.text
    assert "12.5" in shown.text
    assert shown.text.count("40") >= 2, "the last value, and the newest reading"
    assert len(shown.all("caption")) >= 5


def test_a_dataset_without_readings_says_so(world: World, browser: FlaskClient) -> None:
    published(world, private(world))
    assert "There are no readings yet." in page(browser, "/datasets/air?lang=en").text


def test_the_source_is_named_in_the_readers_language(world: World, browser: FlaskClient) -> None:
    measured(world)
    assert "공공누리 제1유형으로 개방한 '수원시 대기질'" in page(browser, "/datasets/air?lang=ko").text
    assert "Name the source as follows." in page(browser, "/datasets/air?lang=en").text


def test_every_form_of_the_data_can_be_downloaded(world: World, browser: FlaskClient) -> None:
    measured(world)
    found = links(browser, "/datasets/air")
    for form in ("csv", "json", "parquet", "ndjson", "geojson", "xlsx"):
        address = f"/api/v1/datasets/air/data?format={form}"
        assert address in found
        assert browser.get(address, buffered=True).status_code == 200


def test_its_quality_says_how_to_earn_what_is_missing(world: World, browser: FlaskClient) -> None:
    measured(world)
    rated = world.get("/datasets/air/quality").get_json()
    shown = page(browser, "/datasets/air?lang=en").text
    assert f"{rated['points']} of {rated['of']} points, {rated['grade']}" in shown
    for metric in rated["metrics"]:
        assert (metric["how_en"] or "") in shown


def test_its_history_is_shown_and_can_be_followed(world: World, browser: FlaskClient) -> None:
    measured(world)
    world.call("PATCH", "/datasets/air", "publisher", json={"title_en": "Air in Suwon"})
    shown = page(browser, "/datasets/air?lang=en")
    assert "revised" in shown.text
    feeds = [one["href"] for one in shown.all("link") if one.get("type") == "application/atom+xml"]
    assert "/feed.atom?lang=en" in feeds
    assert "/api/v1/datasets/air/feed.atom?lang=en" in feeds
    for address in (*feeds, *(one for one in links(browser, "/datasets/air") if "/revisions" in one)):
        assert browser.get(str(address)).status_code == 200, address


def test_a_deprecated_dataset_says_so_and_names_its_successor(world: World, browser: FlaskClient) -> None:
    measured(world)
    draft(world, private(world, "noise-1"), slug="noise", title_ko="수원시 소음", title_en="Noise of Suwon")
    world.post("/datasets/noise/publish", "publisher")
    said = {"reason": "the station moved", "replaced_by": "noise"}
    assert world.post("/datasets/air/deprecate", "publisher", said).status_code == 200
    shown = page(browser, "/datasets/air?lang=en")
    assert "Deprecated since 2026-05-01" in shown.text
    assert "the station moved" in shown.text
    assert "/datasets/noise?lang=en" in links(browser, "/datasets/air?lang=en")
    world.post("/datasets/noise/withdraw", "publisher", {"reason": "broken"})
    assert "/datasets/noise?lang=en" not in links(browser, "/datasets/air?lang=en"), "what is gone is not recommended"


def test_another_property_is_drawn_by_its_address_and_an_unknown_one_is_none(
    world: World, browser: FlaskClient
) -> None:
    measured(world)
    for key in ("pm10", "nothing", '"><script>alert(1)</script>', "x" * 5000):
        answer = browser.get("/datasets/air", query_string={"property": key, "lang": "en"})
        assert answer.status_code == 200
        assert "<script>alert" not in answer.text
        assert 'class="graph"' in answer.text


def test_a_page_is_made_once_a_moment(world: World) -> None:
    measured(world)
    app = create_app(world.services, world.services.settings, portal.error_page)
    portal.register(app, world.services, lambda: openapi_document(app), kept_seconds=60.0)
    browser = app.test_client()
    first = browser.get("/datasets/air?lang=en").text
    world.call("PATCH", "/datasets/air", "publisher", json={"title_en": "Changed"})
    assert browser.get("/datasets/air?lang=en").text == first
    assert "Changed" in browser.get("/datasets/air?lang=ko").text, "another language is another page"


def test_of_what_is_kept_the_oldest_goes_first_and_failures_are_not_kept() -> None:
    kept: Kept[int] = Kept(60.0, 2)
    made: list[int] = []

    def make(value: int) -> int:
        made.append(value)
        return value

    for value in (1, 2, 1, 3, 1):
        assert kept.of(value, partial(make, value)) == value
    assert made == [1, 2, 3, 1]
    with pytest.raises(ZeroDivisionError):
        kept.of("bad", lambda: 1 // 0)
    assert kept.of("bad", lambda: 4) == 4


@pytest.mark.parametrize(
    ("values", "pieces"),
    [
        ([1.0, 2.0, 3.0, 4.0], 1),
        ([1.0, None, 3.0, float("nan")], 2),
        ([5.0, 5.0, 5.0, 5.0], 1),
        ([0.0, 0.0, None, 0.0], 2),
        ([-1e300, 1e-300, None, 1e300], 2),
        ([5e-324, 0.0, 5e-324, 1e-15], 1),
        ([1e15, 1e15 + 1, 1e15 + 2, 1e15], 1),
    ],
)
def test_lines_break_where_nothing_is_known_and_stay_inside(
    world: World, values: list[float | None], pieces: int
) -> None:
    drawn = graph([values, [None] * 4], [20_000 * DAY + i * HOUR for i in range(5)], world.services.settings.zone)
    assert drawn is not None
    assert (len(drawn.lines[0]), drawn.lines[1]) == (pieces, ())
    for piece in drawn.lines[0]:
        for point in piece.split():
            x, y = map(float, point.split(","))
            assert drawn.left <= x <= drawn.right
            assert drawn.top - 0.1 <= y <= drawn.bottom + 0.1
    assert len(drawn.upward) >= 2


def test_without_a_value_there_is_no_chart(world: World) -> None:
    assert graph([[None, None]], [0, 1, 2], world.services.settings.zone) is None
    assert graph([[-1.7e308, 1.7e308]], [0, 1, 2], world.services.settings.zone) is None
    assert graph([], [0, 1], world.services.settings.zone) is None
