"""Review and regulatory checks over HTTP: from evaluators to what the applicant reads, and who may not look."""

from __future__ import annotations

import pytest

from gops.accounts.model import Organisation
from tests.api.conftest import World, problem
from tests.api.test_testbed import Town
from tests.conftest import People


class Panel:
    """A closed call with one application of ``robots``; keys judge1 to judge3 and official."""

    def __init__(self, world: World) -> None:
        self.town = town = Town(world)
        self.site = town.site()
        town.call()
        self.people = People(world.database, world.clock)
        self.application = town.apply(self.site)
        for number in (1, 2, 3):
            home = self.people.organisation(f"college-{number}", "university")
            self.body = self._person(home, f"judge{number}")
            made = town.made("POST", "/calls/spring/evaluators", "publisher", {**self.body, "load": 5})
            assert (made["name"], made["load"]) == (f"judge{number}", 5)
        official = self._person(self.people.organisation("ministry", "regulator"), "official")
        town.made("POST", "/calls/spring/answerers", "publisher", official)
        town.close()
        world.services.calls.advance()

    def _person(self, home: Organisation, name: str) -> dict[str, object]:
        world = self.town.world
        world.keys[name] = world.key(home, "viewer", scopes=("testbed:review",))
        person = world.services.keys.authenticate(world.keys[name])
        return {"email": self.people.person_of(person).email, "organisation": home.slug, "name": name}


@pytest.fixture
def panel(world: World) -> Panel:
    return Panel(world)


def test_a_call_is_reviewed(panel: Panel) -> None:
    town, row = panel.town, panel.application
    (listed,) = town.made("GET", "/calls/spring/bids", "judge1", status=200)["bids"]
    assert (listed["title"], listed["organisation"], listed["conflict"]) == ("Sweeping robots", "robots", None)
    wish = {"bids": [{"application": row, "bid": "yes"}]}
    assert town.made("PUT", "/calls/spring/bids", "judge1", wish, 200)["bids"][0]["bid"] == "yes"
    problem(town.get(f"/applications/{row}", "judge1"), 404, "not_found")
    seats = town.made("POST", "/calls/spring/seats", "publisher", status=200)["seats"]
    assert [seat["state"] for seat in seats] == ["draft"] * 3
    assert town.get(f"/applications/{row}", "judge1").json["title"] == "Sweeping robots"
    problem(town.send("POST", "/calls/spring/state", "publisher", {"state": "scored"}), 409, "review_incomplete")
    for number, score in ((1, 80), (2, 81), (3, 81)):
        (own,) = town.get("/reviews", f"judge{number}").json["items"]
        form = {"scores": {"impact": score}, "comment_ko": "좋습니다"}
        town.made("PUT", f"/reviews/{own['id']}", f"judge{number}", form, 200)
        done = town.made("POST", f"/reviews/{own['id']}/submission", f"judge{number}", status=200)
        assert (done["state"], done["total"], done["scores"]) == ("submitted", score * 100, {"impact": score})
    problem(town.get(f"/reviews/{own['id']}/others", "judge3"), 409, "review_blind")
    problem(town.get(f"/reviews/{own['id']}", "judge1"), 404, "not_found")
    town.made("POST", "/calls/spring/state", "publisher", {"state": "scored"}, 200)
    others = town.get(f"/reviews/{own['id']}/others", "judge3").json["reviews"]
    assert [(one["total"], "name" in one) for one in others] == [(8000, False), (8100, False)]
    problem(town.get(f"/applications/{row}/review", "robots"), 404, "not_found")
    town.round("published")
    shown = town.get(f"/applications/{row}/review", "robots").json
    assert (shown["score"], shown["levelled"], shown["comments"][0]) == (8067, 8067, {"ko": "좋습니다", "en": ""})
    problem(town.get(f"/applications/{row}/review", "drones"), 404, "not_found")
    statistics = town.get("/calls/spring/review-statistics", "auditor").json
    assert (statistics["applications"][0]["mean"], len(statistics["habits"])) == (8067, 3)
    assert (statistics["icc"], statistics["icc_mean"]) == (None, None)  # of one application nothing can be told
    names = [one["name"] for one in town.get("/calls/spring/reviews", "auditor").json["items"]]
    assert names == ["judge1", "judge2", "judge3"]


def test_the_panel_is_changed_by_hand_with_a_reason(panel: Panel) -> None:
    town, row = panel.town, panel.application
    one = town.get("/calls/spring/evaluators", "publisher").json["evaluators"][0]["id"]
    seat = f"/calls/spring/seats/{row}/{one}"
    problem(town.send("PUT", seat, "publisher", {}), 422, "required")
    (made,) = town.made("PUT", seat, "publisher", {"reason": "한 사람"}, 200)["seats"]
    assert made == {"application": row, "evaluator": one, "state": "draft", "by_hand": True}
    (made,) = town.made("POST", seat + "/removal", "publisher", {"reason": "아픔"}, 200)["seats"]
    assert made["state"] == "removed"
    found = problem(town.send("POST", "/calls/spring/seats", "publisher"), 409, "review_infeasible")
    assert found["found"] == f"application {row} lacks 1 (free of conflicts: 2)"
    removal = f"/calls/spring/evaluators/{one}/removal"
    assert town.send("POST", removal, "publisher", {"reason": "이사"}).status_code == 204
    problem(town.send("POST", "/calls/spring/evaluators", "publisher", panel.body), 409, "evaluator_there")


def test_who_looks_after_a_panel_is_its_owner(panel: Panel) -> None:
    for path in ("evaluators", "seats", "answerers"):
        problem(panel.town.get(f"/calls/spring/{path}"), 401, "unauthenticated")
        for who in ("robots", "other", "operator", "judge1", "official"):
            problem(panel.town.get(f"/calls/spring/{path}", who), 403, "forbidden")
        assert panel.town.get(f"/calls/spring/{path}", "auditor").status_code == 200


def test_a_rule_is_asked_about_answered_and_exempted(panel: Panel) -> None:
    town, row = panel.town, panel.application
    asked = {"rule": "도로교통법", "question": "보도를 지나갑니다"}
    check = town.made("POST", f"/applications/{row}/regulatory-checks", "robots", asked)
    assert (check["state"], check["label_ko"]) == ("requested", "확인 중")
    address = f"/regulatory-checks/{check['id']}"
    assert [one["id"] for one in town.get("/regulatory-checks?call=spring", "official").json["items"]] == [check["id"]]
    problem(town.get(address, "drones"), 404, "not_found")
    problem(town.send("POST", address + "/confirmation", "publisher"), 409, "check_unanswered")
    answer = {"answer": "exemption_needed", "text": "특례"}
    problem(town.send("POST", address + "/answer", "robots", answer), 404, "not_found")
    assert town.made("POST", address + "/answer", "official", answer, 200)["label_en"] == "an exemption is needed"
    assert town.made("POST", address + "/confirmation", "publisher", status=200)["confirmed_at"] is not None
    wish = {"law": "도로교통법", "need": "보도 통행", "site": panel.site}
    made = town.made("POST", f"/applications/{row}/exemptions", "robots", wish)
    decision = f"/exemptions/{made['id']}/decision"
    town.made("POST", decision, "official", {"state": "checking", "reason": "검토"}, 200)
    granted = {"state": "granted", "reason": "네", "first_week": "2026-09-07", "weeks": 2, "scale": "1대"}
    shown = town.made("POST", decision, "official", granted, 200)
    assert (shown["state"], shown["first_week"], shown["end_week"]) == ("granted", "2026-09-07", "2026-09-21")
    pending = town.made("PUT", f"/exemptions/{made['id']}/statutory-review", "official", {"pending": True}, 200)
    assert pending["review_pending"] is True
    assert [one["id"] for one in town.get(f"/exemptions?application={row}", "robots").json["items"]] == [made["id"]]
