"""Pages of the testbed: calls with their outcome, sites with their calendar, demands, clusters; public data alone."""

from __future__ import annotations

import json
import re
from itertools import pairwise

import pytest
from flask.testing import FlaskClient

from gops.permissions import ORGANISATION_KINDS
from gops.portal.phrases.terms import TERMS
from gops.testbed import checks, lifecycles, mechanisms
from gops.testbed.clusters.forming import PARTS
from gops.testbed.places.details import CONSENTS, DAYS, ZONES
from gops.testbed.sites import KINDS
from tests.api.conftest import World
from tests.api.test_demands import DEMAND, stated
from tests.api.test_testbed import CALL, SQUARE, Town, allocated, town
from tests.portal.test_landing import SCRIPT, Page, page

__all__ = ["allocated", "town"]
Allocated = tuple[Town, int, int]


def links(shown: Page) -> list[str]:
    return [str(one.get("href")) for one in shown.all("a")]


def sound(shown: Page) -> None:
    """One h1, no level left out, every label and every name there, no id twice, no script but the one of all pages."""
    levels = [int(tag[1]) for tag, _ in shown.elements if re.fullmatch(r"h[1-6]", tag)]
    assert (levels[0], levels.count(1)) == (1, 1)
    assert all(after <= before + 1 for before, after in pairwise(levels))
    ids = [attributes["id"] for _, attributes in shown.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    named = {name for _, attributes in shown.elements for name in (attributes.get("aria-labelledby") or "").split()}
    fields = [one for tag in ("input", "select") for one in shown.all(tag) if one.get("type") != "hidden"]
    labelled = {one.get("for") for one in shown.all("label")}
    assert named | {one["id"] for one in fields} <= set(ids)
    assert {one["id"] for one in fields} <= labelled
    assert len(shown.all("caption")) == len(shown.all("table"))
    assert shown.scripts() == [SCRIPT]
    assert not [attributes for _, attributes in shown.elements if "style" in attributes]


def test_calls_are_listed_with_a_timeline_and_lead_to_their_terms(town: Town, browser: FlaskClient) -> None:
    assert "No call takes applications now." in page(browser, "/testbed?lang=en").text
    town.site()
    town.call()
    shown = page(browser, "/testbed?lang=en")
    sound(shown)
    assert "/calls/spring?lang=en" in links(shown)
    assert [one for one in shown.all("svg") if one.get("class") == "lanes"]
    call = page(browser, "/calls/spring?lang=en")
    sound(call)
    for text in ("Spring call", "impact", "company", "Least TRL: 4", "b920: not twice within 500 m", "2026-05-29 10:00",
                 "No outcome is published yet.", "2026-09-07", "How to apply"):  # fmt: skip
        assert text in call.text, text
    assert "봄 실증 공고" in page(browser, "/calls/spring?lang=ko").text


def test_the_application_that_the_page_of_a_call_shows_can_be_sent(town: Town, browser: FlaskClient) -> None:
    town.site()
    town.call()
    text = page(browser, "/calls/spring?lang=en").text
    found = re.search(r"/calls/spring/applications' .*? -d '({.*?})' curl", text)
    assert found is not None
    assert "'Authorization: Bearer $KEY'" not in text  # the shell would not put the key in
    sent = town.made("POST", "/calls/spring/applications", "robots", {**json.loads(found[1]), "organisation": "robots"})
    assert sent["verdicts"] == []


def test_questions_answers_and_errata_are_shown(town: Town, browser: FlaskClient) -> None:
    town.site()
    town.call()
    asked = town.made("POST", "/calls/spring/questions", "robots", {"text": "Is <b>rain</b> fine?"})
    shown = page(browser, "/calls/spring?lang=en").text
    assert "Is <b>rain</b> fine?" in shown
    assert "Not answered yet." in shown
    town.made("PUT", f"/calls/spring/questions/{asked['id']}/answer", "publisher", {"answer": "Bring a roof."}, 200)
    told = {"text_ko": "마감을 늦춥니다", "text_en": "More time", "closes_at": "2026-06-12T10:00:00+09:00"}
    town.made("POST", "/calls/spring/errata", "publisher", told)
    shown = page(browser, "/calls/spring?lang=en").text
    for text in ("Bring a roof.", "More time", "2026-06-12 10:00"):
        assert text in shown
    assert "마감을 늦춥니다" in page(browser, "/calls/spring?lang=ko").text


def test_an_outcome_is_shown_with_reasons_and_how_to_check_it(allocated: Allocated, browser: FlaskClient) -> None:
    town, _winner, _loser = allocated
    shown = page(browser, "/calls/spring?lang=en")
    sound(shown)
    for text in ("of 2 applications 1 were placed", "found nothing wrong", "not placed", "gops testbed verify"):
        assert text in shown.text, text
    assert "/api/v1/calls/spring/rounds/1/file" in links(shown)
    file = town.get("/calls/spring/rounds/1/file").get_json()
    for pseudonym, site, _start in file["outcome"]:
        answer = page(browser, f"/calls/spring?application={pseudonym[:6]}&lang=en").text
        assert ("Not placed. Why, site by site:" if site is None else "Placed at Haenggung lane") in answer
    assert "There is no such pseudonym." in page(browser, "/calls/spring?application=zzzz&lang=en").text
    assert "Sweeping robots" not in shown.text, "titles are public once the call is final"


def test_what_is_not_public_has_no_page(town: Town, browser: FlaskClient) -> None:
    hidden = town.site(offered=False)
    made = town.made("POST", "/demands", "publisher", DEMAND)["demand"]["id"]
    town.made("POST", "/calls", "publisher", {**CALL, "slug": "draft"})
    for path in (f"/sites/{hidden}", f"/demands/{made}", "/calls/draft", "/calls/none", "/clusters/1", "/sites/99"):
        answer = browser.get(path)
        assert (answer.status_code, answer.mimetype) == (404, "text/html"), path
    assert "draft" not in page(browser, "/testbed").text


def test_a_site_shows_what_it_has_and_what_is_left(town: Town, browser: FlaskClient) -> None:
    details = {
        "zone": "drone", "legal_basis": "법 <1>", "tags": ["lidar"], "bands": ["b920"], "consent": "given",
        "equipment": [{"kind": "pole", "count": 3, "operator": True}],
        "opening": [{"days": ["mon", "sun"], "from": "09:00", "until": "18:00"}],
        "micro": {"keep": {}, "weeks": 2},
    }  # fmt: skip
    site = town.site(details=details)
    closed = {"closures": [{"first_week": "2026-05-11", "weeks": 2, "reason": "festival"}]}
    town.made("PUT", f"/sites/{site}/closures", "publisher", closed, 200)
    inside = town.world.stream()
    town.world.services.things.move(town.world.publisher, inside.thing_id, 127.0005, 37.2505, "골목")
    shown = page(browser, f"/sites/{site}?lang=en")
    sound(shown)
    for text in ("Haenggung lane", "drone zone", "법 <1>", "lidar", "pole × 3", "Mon Sun 09:00–18:00", "festival",
                 "weeks of 2026-05-11 to 2026-05-18", "up to 2 weeks", "1 Things inside",
                 "24 of 26 weeks"):  # fmt: skip
        assert text in shown.text or text in str(shown.elements), text
    assert f"/api/v1/sites/{site}/calendar.ics" in links(shown)
    assert f"/api/v1/datastreams/{inside.id}/observations?order=desc" in links(shown)
    for address in links(shown):
        if address.startswith("/api/v1/sites"):
            assert browser.get(address).status_code == 200, address


def test_sites_are_listed_by_kind_and_in_pages(
    town: Town, browser: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gops.portal.places.A_PAGE", 1)
    first, second = town.site(), town.site(kind="park", name_en="Second")
    shown = page(browser, "/sites?lang=en")
    sound(shown)
    assert f"/sites/{first}?lang=en" in links(shown)
    assert f"/sites/{second}?lang=en" not in links(shown)
    (following,) = [one for one in links(shown) if "after=" in one and one.startswith("/sites?")]
    assert f"/sites/{second}?lang=en" in links(page(browser, following))
    assert f"/sites/{second}?lang=en" in links(page(browser, "/sites?kind=park&organisation=suwon&lang=en"))
    assert "/sites?lang=en" in links(page(browser, following)), "the way back to the beginning"
    assert "There is no such site." in page(browser, "/sites?kind=campus&lang=en").text
    for query, said in (
        ("kind=moon", "Kind · given: moon · expected: street, park, building"),
        ("after=x", "Place in the list · given: x"),
        ("after=-1", "Place in the list · given: -1"),
        ("organisation=nobody", "Municipality · given: nobody · expected: a municipality of the list"),
    ):
        answer = browser.get(f"/sites?{query}&lang=en")
        assert answer.status_code == 422, query
        assert said in Page(answer.text).text
        assert f"/sites/{first}?lang=en" in links(Page(answer.text)), "the rest of the page is there"
    assert "유형 · 입력: moon · 쓸 수 있는 값: 거리, 공원" in Page(browser.get("/sites?kind=moon").text).text


def test_a_need_finds_sites_with_reasons(town: Town, browser: FlaskClient) -> None:
    site = town.site()
    sound(page(browser, "/sites/suggestions?lang=en"))
    asked = "/sites/suggestions?area_m2=60&weeks=4&first_start=2026-06-01&lang=en"
    shown = page(browser, asked)
    sound(shown)
    assert f"/sites/{site}?lang=en" in links(shown)
    assert "40 m² of area to spare" in shown.text
    near = page(browser, asked.replace("=60", "=160")).text
    assert "No site would do." in near
    assert "100 m² of area, asked 160 m²" in near
    for wrong in ("area_m2=x", "area_m2=60&weeks=4&first_start=2026-06-02", "area_m2=0&weeks=1&first_start=2026-06-01"):
        answer = browser.get(f"/sites/suggestions?{wrong}&lang=en")
        assert answer.status_code == 422, wrong
        assert "This cannot be looked for." in answer.text
    both = Page(browser.get("/sites/suggestions?area_m2=x&first_start=2026-06-02&lang=en").text).text
    for said in ("Area (m2) · given: x", "Weeks · given: · expected: a whole number", "(a Monday) · given: 2026-06-02"):
        assert said in both
    assert "<b>" not in browser.get("/sites/suggestions?area_m2=<b>&kind=<b>").text


def test_demands_are_found_and_lead_on_where_they_were_merged(world: World, browser: FlaskClient) -> None:
    first = stated(world, title_ko="통학로 미세먼지", title_en="Dust", sites=[],
                   area={"type": "Polygon", "coordinates": [SQUARE]})  # fmt: skip
    shown = page(browser, "/demands?q=미세먼지&lang=en")
    sound(shown)
    assert f"/demands/{first}?lang=en" in links(shown)
    one = page(browser, f"/demands/{first}?lang=en")
    sound(one)
    assert "Dust" in one.text
    assert [svg for svg in one.all("svg") if svg.get("class") == "map"]
    assert "There is no such demand." in page(browser, "/demands?q=nothing&lang=en").text
    wrong = browser.get("/demands?theme=moon&state=x&lang=en")
    assert wrong.status_code == 422
    assert "Theme · given: moon · expected: mobility, energy" in Page(wrong.text).text
    assert "State · given: x · expected: open, merged" in Page(wrong.text).text
    assert f"/demands/{first}?lang=en" in links(Page(wrong.text))
    second = stated(world, title_ko="통학로 먼지")
    assert world.post(f"/demands/{second}/merge", "publisher", {"into": first}).status_code == 200
    moved = browser.get(f"/demands/{second}?lang=en")
    assert (moved.status_code, moved.headers["Location"]) == (308, f"/demands/{first}?lang=en")


def test_clusters_are_shown_with_their_members(allocated: Allocated, browser: FlaskClient) -> None:
    town, _winner, _loser = allocated
    assert "There are no action clusters yet." in page(browser, "/clusters?lang=en").text
    town.later(days=21)
    town.made("POST", "/calls/spring/rounds/1/state", "operator", {"state": "final"}, 200)
    (offer,) = town.get("/offers", "robots").get_json()["items"]
    town.made("POST", f"/offers/{offer['id']}/state", "robots", {"state": "accepted"}, 200)
    shown = page(browser, "/clusters?lang=en")
    sound(shown)
    (address,) = [one for one in links(shown) if one.startswith("/clusters/")]
    one = page(browser, address)
    sound(one)
    assert "forming" in one.text
    assert "Sweeping robots" in page(browser, "/calls/spring?lang=en").text, "the call is final"


@pytest.mark.parametrize(
    ("of", "words"),
    [
        ("site_kind", KINDS),
        ("zone", ZONES),
        ("consent", CONSENTS),
        ("day", DAYS),
        ("resource", checks.RESOURCES),
        ("theme", checks.THEMES),
        ("mechanism", mechanisms.MECHANISMS),
        ("part", PARTS),
        ("organisation_kind", ORGANISATION_KINDS),
        ("call_state", [one for one in lifecycles.CALL.states if one != "draft"]),
        ("demand_state", [one for one in lifecycles.DEMAND.states if one != "draft"]),
        ("cluster_state", lifecycles.CLUSTER.states),
    ],
)
def test_every_word_of_a_vocabulary_is_said_in_both_languages(of: str, words: tuple[str, ...]) -> None:
    assert set(words) <= set(TERMS[of])
    for korean, english in TERMS[of].values():
        assert korean.strip()
        assert english.isascii() or of == "resource"


def test_a_site_that_is_paused_later_does_not_take_the_outcome_away(allocated: Allocated, browser: FlaskClient) -> None:
    town, _winner, _loser = allocated
    (site,) = town.get("/sites").get_json()["items"]
    town.made("POST", f"/sites/{site['id']}/state", "publisher", {"state": "paused"}, 200)
    for path in ("/", "/testbed", "/calls/spring"):
        assert browser.get(path).status_code == 200, path
