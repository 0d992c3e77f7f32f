"""The testbed over HTTP: from a site to a verified round, and what is refused on the way."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from sqlalchemy import update
from werkzeug.test import TestResponse

from gops.accounts.model import ApiKey
from gops.clock import DAY
from gops.testbed.allocation.verify import verify
from tests.api.conftest import World, problem
from tests.conftest import People

SQUARE = [[127.0, 37.25], [127.001, 37.25], [127.001, 37.251], [127.0, 37.251], [127.0, 37.25]]
SITE = {
    "organisation": "suwon",
    "name_ko": "행궁동 골목",
    "name_en": "Haenggung lane",
    "kind": "street",
    "area": {"type": "Polygon", "coordinates": [SQUARE]},
    "capacity": {"area_m2": 100, "power_w": 1000},
}
CALL = {
    "organisation": "suwon",
    "slug": "spring",
    "title_ko": "봄 실증 공고",
    "title_en": "Spring call",
    "opens_at": "2026-05-01T09:00",
    "closes_at": "2026-05-29T10:00:00+09:00",
    "terms": {
        "first_week": "2026-09-07",
        "weeks": 12,
        "criteria": [{"name": "impact", "weight": 100}],
        "rules": {"organisation_kinds": ["company"], "trl_min": 4},
        "bands": [{"id": "b920"}],
    },
}
APPLICATION = {
    "organisation": "robots",
    "title": "Sweeping robots",
    "needs": {"area_m2": 60},
    "duration": 2,
    "first_start": "2026-09-07",
    "last_start": "2026-09-07",
    "trl": 6,
}
NONCE = "00112233445566778899aabbccddeeff"


@dataclass
class Town:
    """A world with two companies. Keys: publisher (Suwon), other (Seongnam), robots, drones, operator, auditor."""

    world: World

    def __post_init__(self) -> None:
        people = People(self.world.database, self.world.clock)
        for slug in ("robots", "drones"):
            company = people.organisation(slug, "company")
            self.world.keys[slug] = self.world.key(company, "applicant")

    def later(self, days: int) -> None:
        """Days pass; keys are as good as new."""
        self.world.clock.move(days=days)
        with self.world.database.write() as session:
            session.execute(update(ApiKey).values(expires_at=ApiKey.expires_at + days * DAY))
        self.world.services.keys.forget(None)

    def get(self, path: str, who: str | None = None, **options: Any) -> TestResponse:
        return self.world.get(path, who, **options)

    def send(self, method: str, path: str, who: str | None, body: Any = None) -> TestResponse:
        return self.world.call(method, path, who, json=body)

    def made(self, method: str, path: str, who: str, body: Any = None, status: int = 201) -> Any:
        answer = self.send(method, path, who, body)
        assert answer.status_code == status, answer.text
        return answer.json

    def site(self, offered: bool = True, **options: Any) -> int:
        made = self.made("POST", "/sites", "publisher", SITE | options)
        if offered:
            self.made("POST", f"/sites/{made['id']}/state", "publisher", {"state": "offered"}, 200)
        return int(made["id"])

    def call(self, **options: Any) -> str:
        made = self.made("POST", "/calls", "publisher", CALL | options)
        self.made("POST", f"/calls/{made['slug']}/state", "publisher", {"state": "published"}, 200)
        return str(made["slug"])

    def apply(self, site: int, who: str = "robots", submitted: bool = True, **options: Any) -> int:
        body = APPLICATION | {"organisation": who, "sites": [site]} | options
        made = self.made("POST", "/calls/spring/applications", who, body)
        if submitted:
            wanted = {"state": "submitted", "nonce": f"{made['id']:032x}"}
            self.made("POST", f"/applications/{made['id']}/state", who, wanted, 200)
        return int(made["id"])

    def close(self) -> None:
        self.world.clock.move(days=28, hours=2)

    def score(self, **by_id: int) -> None:
        rows = [{"application": int(name[1:]), "score": score} for name, score in by_id.items()]
        self.made("PUT", "/calls/spring/scores", "publisher", {"scores": rows}, 200)
        self.made("POST", "/calls/spring/state", "publisher", {"state": "scored"}, 200)

    def round(self, *states: str) -> Any:
        made = self.made("POST", "/calls/spring/rounds", "operator")
        for state in states:
            path = f"/calls/spring/rounds/{made['revision']}/state"
            made = self.made("POST", path, "operator", {"state": state}, 200)
        return made


@pytest.fixture
def town(world: World) -> Town:
    return Town(world)


@pytest.fixture
def allocated(town: Town) -> tuple[Town, int, int]:
    """Two applications for one place: the first was placed, the second refused, and all is published."""
    site = town.site()
    town.call()
    one, two = town.apply(site), town.apply(site, "drones")
    town.close()
    town.score(**{f"_{one}": 9000, f"_{two}": 8000})
    town.round("published")
    return town, one, two


def test_a_site_is_made_offered_and_shown_to_all(town: Town) -> None:
    site = town.site(offered=False)
    problem(town.get(f"/sites/{site}"), 404, "not_found")
    offered = town.made("POST", f"/sites/{site}/state", "publisher", {"state": "offered"}, 200)
    shown = town.get(f"/sites/{site}").json
    assert shown == offered
    assert (shown["capacity"], shown["kind"]) == ({"area_m2": 100, "power_w": 1000}, "street")
    assert shown["area"]["type"] == "Polygon"
    assert shown["square_metres"] == pytest.approx(9844, rel=0.01)
    assert [row["id"] for row in town.get("/sites?bbox=126.9,37.2,127.1,37.3&kind=street").json["items"]] == [site]


def test_the_calendar_says_what_is_left(town: Town) -> None:
    site = town.site()
    closures = {"closures": [{"first_week": "2026-09-14", "weeks": 1, "reason": "festival"}]}
    assert town.made("PUT", f"/sites/{site}/closures", "publisher", closures, 200) == closures
    booked = {"site": site, "organisation": "robots", "first_week": "2026-09-07", "weeks": 1,
              "amounts": {"area_m2": 30}}  # fmt: skip
    town.made("POST", "/slots", "publisher", booked)
    shown = town.get(f"/sites/{site}/calendar?first_week=2026-09-07&weeks=3").json
    assert shown == {
        "site": site,
        "weeks": [
            {"week": "2026-09-07", "left": {"area_m2": 70, "power_w": 1000}, "closed": False},
            {"week": "2026-09-14", "left": {"area_m2": 0, "power_w": 0}, "closed": True},
            {"week": "2026-09-21", "left": {"area_m2": 100, "power_w": 1000}, "closed": False},
        ],
    }
    several = town.get(f"/calendars?site={site}&first_week=2026-09-07&weeks=3").json
    assert several == {"calendars": [shown]}
    assert town.get(f"/sites/{site}/closures").json == closures


def test_a_slot_is_shown_to_who_holds_it_and_cancelled_by_the_city(town: Town) -> None:
    booked = {"site": town.site(), "organisation": "robots", "first_week": "2026-09-07", "weeks": 2,
              "amounts": {"area_m2": 30}}  # fmt: skip
    slot = town.made("POST", "/slots", "publisher", booked)
    assert (slot["state"], slot["first_week"], slot["end_week"]) == ("reserved", "2026-09-07", "2026-09-21")
    assert town.get(f"/slots/{slot['id']}", "robots").json == slot
    assert town.get("/slots", "robots").json["items"] == [slot]
    problem(town.get(f"/slots/{slot['id']}", "drones"), 404, "not_found")
    wanted = {"state": "cancelled", "reason": "no insurance"}
    problem(town.send("POST", f"/slots/{slot['id']}/state", "robots", wanted), 404, "not_found")
    assert town.made("POST", f"/slots/{slot['id']}/state", "publisher", wanted, 200)["state"] == "cancelled"
    problem(town.send("POST", f"/slots/{slot['id']}/state", "publisher", wanted), 409, "illegal_move", field="state")


def test_a_call_is_published_with_frozen_hashed_terms(town: Town) -> None:
    site = town.site()
    town.call()
    shown = town.get("/calls/spring").json
    assert (shown["state"], shown["terms"]["sites"]) == ("open", [site])
    assert all(len(shown[name]) == 64 for name in ("terms_sha256", "operator_seed_sha256", "pseudonym_key_sha256"))
    assert "operator_seed" not in shown
    assert "pseudonym_key" not in shown
    problem(town.send("PATCH", "/calls/spring", "publisher", {"title_en": "Other"}), 409, "call_frozen")
    assert town.get("/calls?state=open").json["items"] == [shown]
    assert town.get("/calls?state=draft").json["items"] == []


def test_an_application_is_written_handed_in_and_taken_back(town: Town) -> None:
    site = town.site()
    town.call()
    row = town.apply(site)
    shown = town.get(f"/applications/{row}", "robots").json
    assert (shown["state"], shown["call"], shown["sites"], shown["first_start"]) == (
        "submitted", "spring", [site], "2026-09-07"
    )  # fmt: skip
    assert (shown["score"], shown["pseudonym"], shown["verdicts"]) == (None, None, [])
    town.made("POST", f"/applications/{row}/state", "robots", {"state": "draft"}, 200)
    changed = town.made("PATCH", f"/applications/{row}", "robots", {"needs": {"area_m2": 500}, "band": "b920"}, 200)
    assert (changed["band"], changed["title"]) == ("b920", "Sweeping robots")
    assert changed["verdicts"] == [{
        "code": "capacity_too_small", "title": "부지 용량이 항상 부족", "site": site, "field": "needs.area_m2",
        "found": "500", "expected": "at most 100",
    }]  # fmt: skip
    english = town.get(f"/applications/{row}?language=en", "robots").json
    assert english["verdicts"][0]["title"] == "the site never has that much"
    town.made("POST", f"/applications/{row}/state", "robots", {"state": "withdrawn"}, 200)
    problem(town.send("POST", f"/applications/{row}/state", "robots", {"state": "draft"}), 409, "illegal_move")


def test_the_whole_way_to_a_booked_place(allocated: tuple[Town, int, int]) -> None:
    town, one, two = allocated
    first, second = (town.get(f"/applications/{row}", who).json for row, who in ((one, "robots"), (two, "drones")))
    assert (first["score"], len(first["pseudonym"])) == (9000, 16)
    why = town.get(f"/calls/spring/rounds/1/applications/{second['pseudonym']}?language=en").json
    assert why["text"][:2] == [
        "Not placed. Why, site by site:",
        f"  1. {first['sites'][0]}: area was short 2026-09-07~2026-09-20; held by {first['pseudonym']}, "
        "who came before",
    ]
    assert why["refusal"]["changes"][0] == {
        "kind": "start", "site": str(first["sites"][0]), "start": 2, "weeks_later": 2
    }  # fmt: skip
    assert town.get("/calls/spring/applications").json["items"] == []
    town.later(21)
    town.made("POST", "/calls/spring/rounds/1/state", "operator", {"state": "final"}, 200)
    assert [(row["id"], row["placed"]) for row in town.get("/calls/spring/applications").json["items"]] == [
        (one, True), (two, False)
    ]  # fmt: skip
    assert [slot["application"] for slot in town.get("/slots", "robots").json["items"]] == [one]
    assert town.get("/calls/spring").json["state"] == "final"


def test_an_appeal_over_http(allocated: tuple[Town, int, int]) -> None:
    town, _, two = allocated
    assert town.get("/calls/spring/rounds/1/appeal-window").json["ends_at"].startswith("2026-06-")
    new = {"about": "score", "text": "Added wrongly.", "claimed": {"score": 9500}}
    problem(town.send("POST", f"/applications/{two}/appeals", "robots", new), 404, "not_found")
    made = town.made("POST", f"/applications/{two}/appeals", "drones", new)
    assert (made["state"], made["application"]) == ("filed", two)
    (shown,) = town.get("/calls/spring/appeals").json["items"]
    assert (shown["about"], shown["application"], shown["text"]) == ("score", 0, "")
    problem(town.send("POST", "/calls/spring/rounds/1/state", "operator", {"state": "final"}), 409, "appeals_open")
    verdict = {"state": "upheld", "text": "Indeed."}
    problem(town.send("POST", f"/appeals/{made['id']}/answer", "drones", verdict), 403, "forbidden")
    answered = town.made("POST", f"/appeals/{made['id']}/answer", "publisher", verdict, 200)
    assert (answered["state"], answered["correction"], answered["decided_by"]) == ("upheld", {"score": 9500}, "answer")
    problem(town.send("POST", f"/appeals/{made['id']}/ruling", "operator", verdict), 409, "illegal_move")


def test_an_offer_is_accepted_and_its_conditions_met(allocated: tuple[Town, int, int]) -> None:
    town, one, two = allocated
    town.later(21)
    town.made("POST", "/calls/spring/rounds/1/state", "operator", {"state": "final"}, 200)
    assert town.get("/calls/spring/reserve", "drones").json == {"items": [{"turn": 1, "application": two}]}
    (offer,) = town.get("/offers", "robots").json["items"]
    assert (offer["application"], offer["state"], offer["answered_at"]) == (one, "open", None)
    address = f"/offers/{offer['id']}/state"
    problem(town.send("POST", address, "drones", {"state": "accepted"}), 404, "not_found")
    assert town.made("POST", address, "robots", {"state": "accepted"}, 200)["state"] == "accepted"
    problem(town.send("POST", address, "robots", {"state": "declined"}), 409, "illegal_move")
    waits = f"/slots/{offer['slot']}/conditions"
    kinds = [row["kind"] for row in town.get(waits, "robots").json["items"]]
    town.made("POST", f"{waits}/insurance", "robots", {"state": "handed_in", "note": "4711"}, 200)
    problem(town.send("POST", f"{waits}/insurance", "robots", {"state": "met"}), 403, "forbidden")
    problem(town.send("POST", f"{waits}/luck", "publisher", {"state": "met"}), 422, "invalid_value")
    for kind in kinds:
        town.made("POST", f"{waits}/{kind}", "publisher", {"state": "met"}, 200)
    assert town.get(f"/slots/{offer['slot']}", "robots").json["state"] == "ready"
    (cluster,) = town.get("/clusters?state=forming").json["items"]
    assert (cluster["application"], [row["part"] for row in cluster["members"]]) == (one, ["company"])
    place = f"/clusters/{cluster['id']}"
    problem(town.send("POST", f"{place}/state", "robots", {"state": "active"}), 409, "cluster_incomplete")
    town.made("PUT", f"{place}/members/suwon", "publisher", {"confirmed": True}, 200)
    town.made("PATCH", place, "publisher", {"goal": "clean-streets", "solution": "robots"}, 200)
    new = {"organisation": "suwon", "title_ko": "깨끗한 거리", "title_en": "Clean streets", "goal": "clean-streets",
           "solution": "robots"}  # fmt: skip
    group = town.made("POST", "/superclusters", "publisher", new)
    town.made("PUT", f"{place}/supercluster", "robots", {"supercluster": group["id"]}, 200)
    assert town.made("POST", f"{place}/state", "robots", {"state": "active"}, 200)["state"] == "active"
    assert [row["id"] for row in town.get(f"/clusters?supercluster={group['id']}").json["items"]] == [cluster["id"]]
    assert [row["id"] for row in town.get("/superclusters?goal=clean-streets").json["items"]] == [group["id"]]


def test_notices_over_http(allocated: tuple[Town, int, int]) -> None:
    town, one, _ = allocated
    assert town.get("/notices/wish", "robots").json == {"language": "ko", "mail": True}
    town.made("PUT", "/notices/wish", "robots", {"language": "en", "mail": True}, 200)
    told = town.get("/notices?language=en", "robots").json["items"]
    assert (told[0]["event"], told[0]["subject_id"], told[0]["state"]) == ("application.submit", one, "waiting")
    assert told[0]["title"].startswith("[GOPS] The application was handed in")
    assert {row["organisation_id"] for row in told} == {told[0]["organisation_id"]}
    problem(town.get("/notices"), 401, "unauthenticated")
    problem(town.send("POST", f"/notices/{told[0]['id']}/retry", "robots"), 409, "not_dead")
    problem(town.send("POST", f"/notices/{told[0]['id']}/retry", "drones"), 404, "not_found")
    hook = {"url": "http://127.0.0.1:9/"}
    problem(town.send("PUT", "/organisations/robots/notice-hook", "robots", hook), 403, "forbidden")
    town.world.keys["boss"] = town.world.key(town.world.services.organisations.get("robots"), "owner")
    problem(town.send("PUT", "/organisations/robots/notice-hook", "boss", hook), 422, "address_refused")
    assert town.get("/organisations/robots/notice-hook", "boss").json == {"url": None}
    problem(town.send("DELETE", "/organisations/robots/notice-hook", "boss"), 404, "not_found")


def test_the_round_file_is_served_to_the_byte_and_verifies(allocated: tuple[Town, int, int]) -> None:
    town = allocated[0]
    answer = town.get("/calls/spring/rounds/1/file")
    shown = town.get("/calls/spring/rounds/1").json
    report = verify(answer.data)
    assert report.is_true
    assert (report.sha256, report.outcome_hash) == (shown["file_sha256"], shown["outcome_sha256"])
    assert (shown["placed"], shown["applications"], shown["report"]["count"]) == (1, 2, 0)
    assert answer.mimetype == "application/json"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="spring-round-1.json"'
    again = town.get("/calls/spring/rounds/1/file", headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_the_published_hashes_are_those_in_the_file(allocated: tuple[Town, int, int]) -> None:
    town = allocated[0]
    inputs = json.loads(town.get("/calls/spring/rounds/1/file").data)["inputs"]
    shown = town.get("/calls/spring").json
    assert inputs["call"] == {
        "slug": "spring", "revision": 1, "terms_sha256": shown["terms_sha256"],
        "operator_seed_sha256": shown["operator_seed_sha256"],
    }  # fmt: skip


def test_the_key_of_pseudonyms_is_for_operator_and_auditor(allocated: tuple[Town, int, int]) -> None:
    town, one, two = allocated
    for who in ("operator", "auditor"):
        assert sorted(town.get("/calls/spring/pseudonyms", who).json["applications"].values()) == [one, two]
    for who in ("publisher", "robots", "other"):
        problem(town.get("/calls/spring/pseudonyms", who), 403, "forbidden")
    problem(town.get("/calls/spring/pseudonyms"), 401, "unauthenticated")


def test_a_call_is_cancelled_with_its_reason(town: Town) -> None:
    town.site()
    town.call()
    problem(town.send("POST", "/calls/spring/state", "publisher", {"state": "cancelled"}), 422, "invalid_value",
            field="reason")  # fmt: skip
    wanted = {"state": "cancelled", "reason": "no budget"}
    assert town.made("POST", "/calls/spring/state", "publisher", wanted, 200)["reason"] == "no budget"
    assert town.get("/calls/spring").json["state"] == "cancelled"


BOW = [[127.0, 37.0], [127.001, 37.001], [127.001, 37.0], [127.0, 37.001], [127.0, 37.0]]
WORLD = [[-180, -90], [180, -90], [180, 90], [-180, 90], [-180, -90]]


def polygon(ring: Any) -> dict[str, Any]:
    return {"area": {"type": "Polygon", "coordinates": [ring]}}


@pytest.mark.parametrize(("change", "status", "code", "field"), [
    (polygon(BOW), 422, "crosses_itself", "area"),
    (polygon([]), 422, "empty_polygon", "area.coordinates[0]"),
    ({"area": {"type": "Polygon", "coordinates": []}}, 422, "empty_polygon", "area.coordinates"),
    (polygon([[y, x] for x, y in SQUARE]), 422, "bad_point", "area.coordinates[0][0]"),
    (polygon(WORLD), 422, "spans_too_much", "area"),
    (polygon([[127 + index * 1e-6, 37] for index in range(10_001)]), 413, "too_many_vertices", "area"),
    ({"area": {"type": "Point", "coordinates": [127, 37]}}, 422, "bad_polygon", "area"),
    ({"area": "here"}, 422, "invalid_value", "area"),
    ({"capacity": {"area_m2": 0}}, 422, "invalid_value", "capacity.area_m2"),
    ({"capacity": {"area_m2": "100"}}, 422, "invalid_value", "capacity.area_m2"),
    ({"capacity": {"area_m2": 1, "Gold": 1}}, 422, "unknown_resource", "capacity.'Gold'"),
    ({"kind": "moon"}, 422, "invalid_value", "kind"),
    ({"colour": "red"}, 422, "unknown_field", "colour"),
])  # fmt: skip
def test_a_wrong_site_is_a_problem_with_its_place(town: Town, change: Any, status: int, code: str, field: str) -> None:
    answer = town.send("POST", "/sites", "publisher", SITE | change)
    wrong(answer, status, code, field)


def wrong(answer: TestResponse, status: int, code: str, field: str) -> None:
    """A problem about one value: in the body itself, or the first of those that the schema found."""
    body = answer.json
    problem(answer, status, body["code"])
    found = body["errors"][0] if body.get("errors") else body
    assert (found["code"], found["field"]) == (code, field), body
    assert found["expected"]
    assert "found" in found


def test_swapped_axes_are_hinted_at(town: Town) -> None:
    answer = town.send("POST", "/sites", "publisher", SITE | polygon([[y, x] for x, y in SQUARE]))
    assert "did you mean longitude 127 and latitude 37.25, which is in Korea?" in answer.json["detail_en"]


@pytest.mark.parametrize(("terms", "code", "field"), [
    ({"first_week": "2026-09-08"}, "bad_week", "terms.first_week"),
    ({"first_week": None}, "bad_week", "terms.first_week"),
    ({"mechanism": "drawn"}, "unknown_mechanism", "terms.mechanism"),
    ({"mechanism": "fair", "allocation": {"groups": True}}, "needs_optimal", "terms.allocation.groups"),
    ({"groups": [["a", "b"]]}, "unknown_field", "terms.groups"),
    ({"criteria": []}, "bad_weights", "terms.criteria"),
    ({"weeks": "12"}, "invalid_value", "terms.weeks"),
    ({"rules": {"trl_min": 99}}, "invalid_value", "terms.rules.trl_min"),
    ({"bands": [{"id": ""}]}, "invalid_value", "terms.bands[0].id"),
])  # fmt: skip
def test_wrong_terms_are_a_problem_with_their_place(town: Town, terms: Any, code: str, field: str) -> None:
    body = CALL | {"terms": CALL["terms"] | terms}  # type: ignore[operator]
    wrong(town.send("POST", "/calls", "publisher", body), 422, code, field)


@pytest.mark.parametrize(("change", "code", "field"), [
    ({"closes_at": "2026-04-01T00:00"}, "bad_timetable", "closes_at"),
    ({"closes_at": None}, "invalid_value", "closes_at"),
    ({"opens_at": "soon"}, "bad_time", "opens_at"),
    ({"slug": "Ü"}, "invalid_value", "slug"),
    ({"title_ko": ""}, "invalid_value", "title_ko"),
])  # fmt: skip
def test_a_wrong_call_is_a_problem_with_its_place(town: Town, change: Any, code: str, field: str) -> None:
    wrong(town.send("POST", "/calls", "publisher", CALL | change), 422, code, field)


@pytest.mark.parametrize(("change", "code", "field"), [
    ({"needs": {"area_m2": 0}}, "bad_need", "needs.area_m2"),
    ({"needs": {"area_m2": -1}}, "bad_need", "needs.area_m2"),
    ({"needs": {}}, "bad_need", "needs.area_m2"),
    ({"needs": {"area_m2": 1, "power_w": 0}}, "bad_need", "needs.power_w"),
    ({"last_start": "2026-08-31"}, "window_reversed", "last_start"),
    ({"first_start": "2026-08-31"}, "window_outside", "first_start"),
    ({"last_start": "2026-11-23"}, "window_outside", "last_start"),
    ({"first_start": "2026-09-09"}, "bad_week", "first_start"),
    ({"duration": 0}, "invalid_value", "duration"),
    ({"sites": [999_999]}, "site_not_in_call", "sites[0]"),
    ({"sites": []}, "bad_ranks", "sites"),
    ({"sites": ["x"]}, "invalid_value", "sites[0]"),
    ({"band": "b433"}, "invalid_value", "band"),
    ({"trl": 12}, "invalid_value", "trl"),
    ({"title": None}, "invalid_value", "title"),
    ({"score": 10_000}, "unknown_field", "score"),
])  # fmt: skip
def test_a_wrong_application_is_a_problem_with_its_place(town: Town, change: Any, code: str, field: str) -> None:
    site = town.site()
    town.call()
    body = APPLICATION | {"sites": [site]} | change
    wrong(town.send("POST", "/calls/spring/applications", "robots", body), 422, code, field)


def test_a_withdrawn_site_is_not_ranked(town: Town) -> None:
    site = town.site()
    town.call()
    town.made("POST", f"/sites/{site}/state", "publisher", {"state": "withdrawn"}, 200)
    answer = town.send("POST", "/calls/spring/applications", "robots", APPLICATION | {"sites": [site]})
    wrong(answer, 422, "site_not_offered", "sites[0]")


@pytest.mark.parametrize("nonce", [None, "", "zz" * 16, "00" * 8, "AA" * 16])
def test_a_wrong_nonce_is_a_problem(town: Town, nonce: Any) -> None:
    site = town.site()
    town.call()
    row = town.apply(site, submitted=False)
    answer = town.send("POST", f"/applications/{row}/state", "robots", {"state": "submitted", "nonce": nonce})
    wrong(answer, 422, "bad_nonce", "nonce")


@pytest.mark.parametrize("score", [-1, 10_001, 1.5, "9000", None, True])
def test_a_wrong_score_is_a_problem(town: Town, score: Any) -> None:
    site = town.site()
    town.call()
    row = town.apply(site)
    town.close()
    body = {"scores": [{"application": row, "score": score}]}
    wrong(town.send("PUT", "/calls/spring/scores", "publisher", body), 422, "invalid_value", "scores[0].score")


@pytest.mark.parametrize("query", ["", "first_week=2026-09-08", "first_week=2026-09-07&weeks=0",
                                   "first_week=2026-09-07&weeks=9999", "first_week=x&weeks=3"])  # fmt: skip
def test_a_wrong_calendar_question_is_a_problem(town: Town, query: str) -> None:
    assert town.get(f"/sites/{town.site()}/calendar?{query}").status_code == 422


PRIVATE: dict[str, Callable[[Town], tuple[str, str, Any]]] = {
    "draft site": lambda town: ("GET", f"/sites/{town.site(offered=False)}", None),
    "change of a draft site": lambda town: ("PATCH", f"/sites/{town.site(offered=False)}", {"name_en": "Mine"}),
    "closures of a draft site": lambda town: ("GET", f"/sites/{town.site(offered=False)}/closures", None),
    "calendar of a draft site": lambda town: (
        "GET", f"/sites/{town.site(offered=False)}/calendar?first_week=2026-09-07", None),
    "draft call": lambda town: (town.made("POST", "/calls", "publisher", CALL) and ("GET", "/calls/spring", None)),
    "application": lambda town: ("GET", f"/applications/{_application(town)}", None),
    "change of an application": lambda town: ("PATCH", f"/applications/{_application(town)}", {"title": "Mine"}),
    "withdrawal": lambda town: ("POST", f"/applications/{_application(town)}/state", {"state": "withdrawn"}),
    "unpublished round": lambda town: (_computed(town) and ("GET", "/calls/spring/rounds/1", None)),
    "file of an unpublished round": lambda town: (_computed(town) and ("GET", "/calls/spring/rounds/1/file", None)),
}  # fmt: skip


def _application(town: Town) -> int:
    site = town.site()
    town.call()
    return town.apply(site)


def _computed(town: Town) -> bool:
    row = _application(town)
    town.close()
    town.score(**{f"_{row}": 1})
    return bool(town.round())


@pytest.mark.parametrize("who", [None, "other", "drones"])
@pytest.mark.parametrize("act", sorted(PRIVATE))
def test_what_is_not_public_is_not_found_by_others(town: Town, act: str, who: str | None) -> None:
    method, path, body = PRIVATE[act](town)
    problem(town.send(method, path, who, body), 404, "not_found")


FOREIGN: dict[str, Callable[[Town], tuple[str, str, Any]]] = {
    "site of another": lambda town: ("POST", "/sites", SITE),
    "change of a site": lambda town: ("PATCH", f"/sites/{town.site()}", {"name_en": "Mine"}),
    "state of a site": lambda town: ("POST", f"/sites/{town.site()}/state", {"state": "paused"}),
    "closures": lambda town: ("PUT", f"/sites/{town.site()}/closures", {"closures": []}),
    "slot at a site": lambda town: ("POST", "/slots", {
        "site": town.site(), "organisation": "robots", "first_week": "2026-09-07", "weeks": 1,
        "amounts": {"area_m2": 1}}),
    "call of another": lambda town: ("POST", "/calls", CALL),
    "state of a call": lambda town: (
        town.site() and town.call() and ("POST", "/calls/spring/state", {"state": "cancelled", "reason": "mine"})),
    "application for another": lambda town: (
        "POST", "/calls/spring/applications", APPLICATION | {"sites": [_site_in_call(town)]}),
    "scores": lambda town: ("PUT", "/calls/spring/scores", {"scores": [{"application": _closed(town), "score": 1}]}),
    "round": lambda town: (_computed(town) and ("POST", "/calls/spring/rounds", None)),
}  # fmt: skip


def _site_in_call(town: Town) -> int:
    site = town.site()
    town.call()
    return site


def _closed(town: Town) -> int:
    row = _application(town)
    town.close()
    return row


@pytest.mark.parametrize(("who", "status", "code"), [
    (None, 401, "unauthenticated"), ("other", 403, "forbidden"), ("drones", 403, "forbidden"),
])  # fmt: skip
@pytest.mark.parametrize("act", sorted(FOREIGN))
def test_what_is_seen_by_all_is_changed_by_few(town: Town, act: str, who: str | None, status: int, code: str) -> None:
    method, path, body = FOREIGN[act](town)
    problem(town.send(method, path, who, body), status, code)


def test_lists_come_in_pages(town: Town) -> None:
    ids = [town.site() for _ in range(3)]
    first = town.get("/sites?limit=2").json
    assert [row["id"] for row in first["items"]] == ids[:2]
    assert f"after={ids[1]}" in first["next"]
    assert [row["id"] for row in town.get(f"/sites?limit=2&after={ids[1]}").json["items"]] == ids[2:]


SHOWN = {
    "/api/v1/sites": "/sites",
    "/api/v1/sites/{site_id}": "/sites/1",
    "/api/v1/sites/{site_id}/closures": "/sites/1/closures",
    "/api/v1/sites/{site_id}/calendar": "/sites/1/calendar?first_week=2026-09-07&weeks=2",
    "/api/v1/calendars": "/calendars?site=1&first_week=2026-09-07&weeks=2",
    "/api/v1/slots": "/slots",
    "/api/v1/calls": "/calls",
    "/api/v1/calls/{slug}": "/calls/spring",
    "/api/v1/calls/{slug}/applications": "/calls/spring/applications",
    "/api/v1/calls/{slug}/rounds": "/calls/spring/rounds",
    "/api/v1/calls/{slug}/rounds/{revision}": "/calls/spring/rounds/1",
    "/api/v1/calls/{slug}/pseudonyms": "/calls/spring/pseudonyms",
    "/api/v1/applications": "/applications",
    "/api/v1/offers": "/offers",
    "/api/v1/clusters": "/clusters",
    "/api/v1/superclusters": "/superclusters",
    "/api/v1/notices": "/notices",
    "/api/v1/calls/{slug}/appeals": "/calls/spring/appeals",
    "/api/v1/calls/{slug}/reserve": "/calls/spring/reserve",
}


def test_answers_are_as_the_document_says(allocated: tuple[Town, int, int]) -> None:
    town, _, two = allocated
    appeal = town.made("POST", f"/applications/{two}/appeals", "drones", {"about": "reason", "text": "Why?"})
    town.made("POST", f"/appeals/{appeal['id']}/answer", "publisher", {"state": "dismissed", "text": "See there."}, 200)
    town.later(21)
    town.made("POST", "/calls/spring/rounds/1/state", "operator", {"state": "final"}, 200)
    (offer,) = town.get("/offers", "robots").json["items"]
    town.made("POST", f"/offers/{offer['id']}/state", "robots", {"state": "accepted"}, 200)
    titles = {"title_ko": "가", "title_en": "a", "goal": "g", "solution": "s"}
    town.made("POST", "/superclusters", "publisher", {"organisation": "suwon", **titles})
    document = town.get("/openapi.json").json
    for path, address in SHOWN.items():
        answer = town.get(address, "operator" if "applications" in path or "pseudonyms" in path else "publisher")
        assert answer.status_code == 200, (path, answer.text)
        schema = document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        Draft202012Validator({**schema, "components": document["components"]}).validate(answer.json)
        rows = answer.json.get("items", [answer.json])
        assert rows, path
        name = schema["$ref"].rsplit("/", 1)[1].removesuffix("Page")
        assert {key for row in rows for key in row} == set(document["components"]["schemas"][name]["properties"]), path
