"""What the testbed's pages open to everybody: reviews, properties of outcomes, placements; and what stays hidden."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient

from gops.clock import DAY
from gops.portal.outcomes import placements
from gops.testbed.round_model import RoundJob
from tests.api.test_demands import stated
from tests.api.test_review import Panel, panel
from tests.api.test_testbed import Town, allocated, town
from tests.portal.test_landing import page
from tests.portal.test_testbed_pages import links, sound

__all__ = ["allocated", "panel", "town"]
Allocated = tuple[Town, int, int]
CALL = "/calls/spring?lang=en"
ROWS = [
    {"mechanism": "ranked", "fairness": "none", "placed": 1, "scores": 9876, "envy_pairs": 4321, "blocking_pairs": None,
     "waste": 0, "price": 250},
    {"mechanism": "fair", "fairness": "none", "refused": "groups_unsupported", "reason": "group Secret"},
]  # fmt: skip


def test_a_review_is_shown_in_the_open_without_names_scores_and_comments(
    panel: Panel, browser: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    town = panel.town
    shown = page(browser, CALL)
    sound(shown)
    assert "Evaluators 3 Reviews handed in none assigned yet" in shown.text
    town.made("POST", "/calls/spring/seats", "publisher", status=200)
    for number, (score, share) in enumerate(((17, "33 %"), (18, "66 %"), (19, "100 %")), 1):
        (own,) = town.get("/reviews", f"judge{number}").json["items"]
        form = {"scores": {"impact": score}, "comment_ko": "쓸모 있음"}
        town.made("PUT", f"/reviews/{own['id']}", f"judge{number}", form, 200)
        town.made("POST", f"/reviews/{own['id']}/submission", f"judge{number}", status=200)
        assert f"handed in {share} Agreement (Krippendorff's alpha) with the outcome" in page(browser, CALL).text
    town.made("POST", "/calls/spring/state", "publisher", {"state": "scored"}, 200)
    town.round("published")
    assert "100 % (3) Agreement (Krippendorff's alpha) not told of so few applications" in page(browser, CALL).text
    monkeypatch.setattr("gops.testbed.review.results.OPEN_APPLICATIONS", 1)
    told = page(browser, CALL)
    assert "Agreement (Krippendorff's alpha) 0.0" in told.text, "of one application chance gives as much"
    without_hashes = re.sub(r"[0-9a-f]{16,}", "", told.text)
    for secret in ("judge1", "college-1", "쓸모 있음", "1700", "1900"):
        assert secret not in without_hashes


def test_a_comparison_is_shown_once_a_round_is_published(town: Town, browser: FlaskClient) -> None:
    site = town.site()
    town.call()
    one = town.apply(site)
    town.close()
    town.score(**{f"_{one}": 9000})
    now = town.world.clock.micros()
    with town.world.database.write() as session:
        call = town.world.services.calls.get(town.world.publisher, "spring")
        session.add(RoundJob(call_id=call.id, person_id=None, kind="compare", state="done", seconds=9, progress={},
                             result={"rows": ROWS}, reason="", created_at=now - DAY, ended_at=now))  # fmt: skip
    made = town.round()
    assert "4,321" not in page(browser, CALL).text
    town.made("POST", f"/calls/spring/rounds/{made['revision']}/state", "operator", {"state": "published"}, 200)
    shown = page(browser, CALL)
    sound(shown)
    assert "There were no evaluators: the owner of the call gave the scores." in shown.text
    assert "by score (ranked) 1 9,876 4,321 – 0 2.50 %" in shown.text
    assert "does not take these terms ( groups_unsupported )" in shown.text
    assert "Secret" not in shown.text
    assert "Envy pairs 0 Blocking pairs" in shown.text


def test_an_outcome_stands_on_the_page_of_its_site_by_pseudonym(allocated: Allocated, browser: FlaskClient) -> None:
    town, _winner, _loser = allocated
    (site,) = town.get("/sites").get_json()["items"]
    file = town.get("/calls/spring/rounds/1/file").get_json()
    ((own, (placed,)),) = placements(file).items()
    assert (own, placed.first, placed.last) == (str(site["id"]), "2026-09-07", "2026-09-14")
    town.later(days=21)
    town.made("POST", "/calls/spring/rounds/1/state", "operator", {"state": "final"}, 200)
    shown = page(browser, f"/sites/{site['id']}?lang=en")
    sound(shown)
    assert f"{placed.pseudonym} 2026-09-07 2026-09-14" in shown.text
    assert f"/calls/spring?application={placed.pseudonym}&lang=en#outcome" in links(shown)
    for hidden in ("Sweeping robots", "robots", "9000"):
        assert hidden not in shown.text.replace(placed.pseudonym, ""), "a name beside a pseudonym would tell the score"
    assert "No published round" not in shown.text


def test_how_to_verify_a_round_names_its_file_and_its_hash(allocated: Allocated, browser: FlaskClient) -> None:
    town, _winner, _loser = allocated
    (made,) = town.get("/calls/spring/rounds").get_json()["items"]
    shown = page(browser, CALL).text
    for command in (
        "curl -o round.json 'http://localhost/api/v1/calls/spring/rounds/1/file'",
        f"echo '{made['file_sha256']} round.json' | sha256sum --check",
        f"gops testbed verify round.json --sha256 {made['file_sha256']}",
    ):
        assert command in shown


def test_a_demand_and_the_call_that_takes_it_up_name_each_other(town: Town, browser: FlaskClient) -> None:
    demand = stated(town.world, title_ko="통학로 먼지", title_en="Dust", sites=[])
    assert "No call has taken it up yet." in page(browser, f"/demands/{demand}?lang=en").text
    town.site()
    town.call()
    town.made("POST", f"/demands/{demand}/call", "publisher", {"call": "spring"}, 200)
    shown = page(browser, f"/demands/{demand}?lang=en")
    sound(shown)
    assert re.search(r"Support 0 people support it .*Taken up by Spring call open", shown.text)
    assert "/calls/spring?lang=en" in links(shown)
    assert f"/demands/{demand}?lang=en" in links(page(browser, CALL))


def test_superclusters_lead_to_their_clusters(allocated: Allocated, browser: FlaskClient) -> None:
    town, _winner, _loser = allocated
    assert "There are no superclusters yet." in page(browser, "/clusters?lang=en").text
    new = {"organisation": "suwon", "title_ko": "깨끗한 거리", "title_en": "Clean streets", "goal": "clean",
           "solution": "sweep"}  # fmt: skip
    group = town.made("POST", "/superclusters", "publisher", new)["id"]
    assert f"/clusters?supercluster={group}&lang=en" in links(page(browser, "/clusters?lang=en"))
    shown = page(browser, f"/clusters?supercluster={group}&lang=en")
    sound(shown)
    assert "Clean streets" in shown.text
    assert "There are no action clusters yet." in shown.text
    wrong = browser.get("/clusters?supercluster=99&lang=en")
    assert (wrong.status_code, "Supercluster · given: 99" in wrong.text) == (422, True)
