"""Scores and rounds: from a closed call to booked places, with a file that anybody can verify."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import update

from gops.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated
from gops.permissions import ANONYMOUS
from gops.testbed.allocation import ties
from gops.testbed.allocation.roundfile import pseudonym
from gops.testbed.allocation.verify import verify
from gops.testbed.model import Application, Call, Round, Site
from tests.unit.testbed.conftest import FIRST_WEEK, City, square


class Story:
    """One site of 100 m2; three applications of 60 m2 in its first two weeks, scored 90, 70 and 80."""

    def __init__(self, city: City) -> None:
        self.city = city
        self.site: Site = city.site()
        self.other: Site = city.site()
        self.call: Call = city.call(terms={"sites": [self.site.id, self.other.id]})
        city.to("2026-06-02T09:00")
        self.first: Application = city.apply(self.call, [self.site])
        self.third: Application = city.apply(self.call, [self.site], city.rival)
        self.second: Application = city.apply(self.call, [self.site], city.rival, last_start=FIRST_WEEK + 2)
        self.ineligible: Application = city.apply(self.call, [self.site], trl=1)
        city.scored(self.call, {self.first.id: 9000, self.third.id: 7000, self.second.id: 8000})

    def document(self, revision: int = 1) -> Any:
        return json.loads(self.city.rounds.file(self.city.operator, self.call.slug, revision))

    def key(self) -> dict[str, Any]:
        return self.city.rounds.key(self.city.auditor, self.call.slug)

    def names(self) -> dict[int, str]:
        return {application: name for name, application in self.key()["applications"].items()}


@pytest.fixture
def story(city: City) -> Story:
    return Story(city)


def test_a_round_places_by_score_and_says_why_others_are_refused(city: City, story: Story) -> None:
    made = city.published(story.call)
    names = story.names()
    assert (made.state, made.applications, made.placed) == ("published", 3, 2)
    outcome = {name: (site, start) for name, site, start in story.document()["outcome"]}
    assert outcome == {
        names[story.first.id]: (str(story.site.id), 0),
        names[story.second.id]: (str(story.site.id), 2),
        names[story.third.id]: (None, None),
    }
    (refusal,) = story.document()["refusals"]
    assert refusal["sites"][0]["lacks"] == [
        {"what": "area_m2", "weeks": [[0, 2]], "holders": [names[story.first.id]]}
    ]  # fmt: skip
    assert [change["kind"] for change in refusal["changes"]] == ["start", "site", "less"]


def test_the_round_verifies_and_follows_from_what_was_published_before(city: City, story: Story) -> None:
    made = city.published(story.call)
    data = city.rounds.file(ANONYMOUS, story.call.slug, 1)
    report = verify(data)
    assert report.is_true
    assert (report.sha256, report.outcome_hash) == (made.file_hash, made.outcome_hash)
    inputs = json.loads(data)["inputs"]
    shown = city.calls.get(ANONYMOUS, story.call.slug)
    assert inputs["seed"]["operator_seed_sha256"] == shown.operator_seed_hash
    assert inputs["call"]["terms_sha256"] == shown.terms_hash
    assert inputs["seed"]["nonces"] == sorted(
        row.nonce.hex() for row in (story.first, story.second, story.third, story.ineligible) if row.nonce
    )


def test_the_file_names_nobody(city: City, story: Story) -> None:
    city.published(story.call)
    text = city.rounds.file(ANONYMOUS, story.call.slug, 1).decode()
    assert "robots" not in text
    assert "Sweeping" not in text


def test_pseudonyms_are_keyed_and_the_key_is_the_one_committed_to(city: City, story: Story) -> None:
    key = story.key()
    secret = bytes.fromhex(key["key"])
    assert ties.commitment(secret) == city.calls.get(ANONYMOUS, story.call.slug).pseudonym_key_hash
    assert key["applications"] == {pseudonym(secret, row.id): row.id for row in
                                   (story.first, story.third, story.second)}  # fmt: skip


@pytest.mark.parametrize("who", ["planner", "company", "anonymous"])
def test_the_key_is_for_operator_and_auditors(city: City, story: Story, who: str) -> None:
    actor = ANONYMOUS if who == "anonymous" else getattr(city, who)
    with pytest.raises((Forbidden, Unauthenticated)):
        city.rounds.key(actor, story.call.slug)


@pytest.mark.parametrize("act", ["compute", "publish", "finish"])
@pytest.mark.parametrize("who", ["planner", "company", "auditor", "anonymous"])
def test_only_the_operator_runs_a_round(city: City, story: Story, who: str, act: str) -> None:
    actor = ANONYMOUS if who == "anonymous" else getattr(city, who)
    with pytest.raises((Forbidden, Unauthenticated)):
        getattr(city.rounds, act)(actor, story.call.slug, *([] if act == "compute" else [1]))


def test_before_publication_a_round_is_the_operators_and_the_auditors(city: City, story: Story) -> None:
    city.rounds.compute(city.operator, story.call.slug)
    assert city.rounds.get(city.auditor, story.call.slug, 1).state == "verified"
    for actor in (ANONYMOUS, city.planner, city.company):
        with pytest.raises(NotFound):
            city.rounds.file(actor, story.call.slug, 1)
        assert list(city.rounds.list(actor, story.call.slug)) == []
    assert city.rounds.own_pseudonyms(city.company, [story.first]) == {}


def test_computed_again_nothing_changes_but_the_revision(city: City, story: Story) -> None:
    one = city.rounds.compute(city.operator, story.call.slug)
    inputs = story.document(1)["inputs"]
    two = city.rounds.compute(city.operator, story.call.slug)
    assert one.outcome_hash == two.outcome_hash
    assert [(row.revision, row.state) for row in city.rounds.list(city.operator, story.call.slug)] == [
        (1, "superseded"), (2, "verified")
    ]  # fmt: skip
    assert inputs["instance"] == story.document(2)["inputs"]["instance"]


def test_the_file_of_a_round_that_was_never_published_is_dropped(city: City, story: Story) -> None:
    city.rounds.compute(city.operator, story.call.slug)
    city.rounds.compute(city.operator, story.call.slug)
    with pytest.raises(NotFound):
        city.rounds.file(city.operator, story.call.slug, 1)
    assert city.rounds.get(city.operator, story.call.slug, 1).file_hash


def test_publication_books_the_places(city: City, story: Story) -> None:
    city.published(story.call)
    (left,) = city.slots.remaining(ANONYMOUS, [story.site.id], FIRST_WEEK, 5)
    assert left.left["area_m2"] == [40, 40, 40, 40, 100]
    slots = {slot.application_id: slot for slot in city.slots.list(city.planner, site_id=story.site.id)}
    spans = {row: (slot.state, slot.first_week - FIRST_WEEK, slot.end_week - FIRST_WEEK) for row, slot in slots.items()}
    assert spans == {story.first.id: ("reserved", 0, 2), story.second.id: ("reserved", 2, 4)}


def test_a_place_that_was_taken_meanwhile_stops_publication(city: City, story: Story) -> None:
    city.rounds.compute(city.operator, story.call.slug)
    city.slots.book(city.planner, story.site.id, "drones", FIRST_WEEK + 1, 1, {"area_m2": 50})
    with pytest.raises(Conflict) as refused:
        city.rounds.publish(city.operator, story.call.slug, 1)
    assert refused.value.code == "no_capacity"
    assert city.calls.get(ANONYMOUS, story.call.slug).state == "scored"
    assert len(city.slots.list(city.planner)) == 1
    made = city.published(story.call)
    assert (made.revision, made.placed) == (2, 1)


def test_what_is_booked_already_is_no_capacity_of_the_round(city: City, story: Story) -> None:
    city.slots.book(city.planner, story.site.id, "drones", FIRST_WEEK, 12, {"area_m2": 50})
    assert city.published(story.call).placed == 0


def test_final_offers_places_and_keeps_the_rest_in_reserve(city: City, story: Story) -> None:
    city.published(story.call)
    assert {row.state for row in city.applications.list(city.company, state="scored")} == {"scored"}
    assert list(city.applications.public(ANONYMOUS, story.call.slug)) == []
    city.to("2026-07-16T00:00")
    assert city.rounds.finish(city.operator, story.call.slug, 1).state == "final"
    states = {row.id: row.state for row in city.applications.public(ANONYMOUS, story.call.slug)}
    assert states == {story.first.id: "offered", story.second.id: "offered", story.third.id: "reserve"}
    assert city.calls.get(ANONYMOUS, story.call.slug).state == "final"


def test_steps_come_in_their_order(city: City, story: Story) -> None:
    slug = story.call.slug
    for act in (city.rounds.publish, city.rounds.finish):
        with pytest.raises(NotFound):
            act(city.operator, slug, 1)
    city.rounds.compute(city.operator, slug)
    with pytest.raises(Conflict) as refused:
        city.rounds.finish(city.operator, slug, 1)
    assert refused.value.code == "illegal_move"
    city.rounds.publish(city.operator, slug, 1)
    with pytest.raises(Conflict):
        city.rounds.publish(city.operator, slug, 1)
    with pytest.raises(Conflict) as late:
        city.rounds.compute(city.operator, slug)
    assert late.value.code == "call_not_scored"
    with pytest.raises(Conflict) as early:
        city.rounds.finish(city.operator, slug, 1)
    assert (early.value.code, early.value.expected) == ("appeals_open", "after 2026-07-16T00:00:00+09:00")
    city.to("2026-07-16T00:00")
    city.rounds.finish(city.operator, slug, 1)
    with pytest.raises(Conflict):
        city.calls.cancel(city.planner, slug, "too late")


def test_a_superseded_round_is_not_published(city: City, story: Story) -> None:
    city.rounds.compute(city.operator, story.call.slug)
    city.rounds.compute(city.operator, story.call.slug)
    with pytest.raises(NotFound):
        city.rounds.publish(city.operator, story.call.slug, 1)


def test_a_round_that_the_verifier_denies_is_not_published(city: City, story: Story) -> None:
    city.rounds.compute(city.operator, story.call.slug)
    with city.database.write() as session:
        session.execute(update(Round).values(state="computed"))
    with pytest.raises(Conflict) as refused:
        city.rounds.publish(city.operator, story.call.slug, 1)
    assert (refused.value.code, refused.value.found) == ("illegal_move", "computed")


def test_a_call_that_is_not_scored_has_no_round(city: City) -> None:
    city.site()
    call = city.call()
    with pytest.raises(Conflict) as refused:
        city.rounds.compute(city.operator, call.slug)
    assert refused.value.code == "call_not_scored"


def test_a_call_without_applications_has_an_empty_round(city: City) -> None:
    city.site()
    call = city.call()
    city.scored(call, {})
    assert city.final(call).placed == 0


def test_a_cancelled_call_gives_its_places_back(city: City, story: Story) -> None:
    city.published(story.call)
    city.calls.cancel(city.planner, story.call.slug, "no budget")
    assert {slot.state for slot in city.slots.list(city.planner)} == {"cancelled"}
    assert city.slots.remaining(ANONYMOUS, [story.site.id], FIRST_WEEK, 1)[0].left["area_m2"] == [100]


def test_an_applicant_is_told_its_pseudonym_and_reads_why(city: City, story: Story) -> None:
    city.published(story.call)
    third = city.applications.get(city.rival, story.third.id)
    mine = story.names()[story.third.id]
    assert city.rounds.own_pseudonyms(city.rival, [third]) == {third.id: mine}
    assert city.rounds.own_pseudonyms(city.operator, [third]) == {third.id: mine}
    for other in (city.company, city.planner, ANONYMOUS):
        assert city.rounds.own_pseudonyms(other, [third]) == {}
    told = city.rounds.explain(ANONYMOUS, story.call.slug, 1, mine, "ko")
    assert told["site"] is None
    assert told["text"][0] == "배정되지 않았습니다. 순위별 사유:"
    assert "면적 부족" in told["text"][1]
    placed = city.rounds.explain(ANONYMOUS, story.call.slug, 1, story.names()[story.second.id], "en")
    assert (placed["site"], placed["start"]) == (story.site.id, FIRST_WEEK + 2)
    with pytest.raises(NotFound):
        city.rounds.explain(ANONYMOUS, story.call.slug, 1, "0" * 16, "en")


def test_who_did_not_stand_in_the_round_has_no_pseudonym(city: City, story: Story) -> None:
    city.published(story.call)
    row = city.applications.get(city.company, story.ineligible.id)
    assert city.rounds.own_pseudonyms(city.company, [row]) == {}


def test_neighbouring_sites_disturb_each_other_on_one_band(city: City) -> None:
    """Two squares about 89 m apart, and one a long way off; two applications on b920 (500 m) and one on none."""
    near, next_door = city.site(area=square(127.0)), city.site(area=square(127.002))
    far = city.site(area=square(127.5))
    call = city.call()
    city.to("2026-06-02T09:00")
    one = city.apply(call, [near], band="b920")
    two = city.apply(call, [next_door, far], city.rival, band="b920")
    three = city.apply(call, [next_door], city.rival)
    city.scored(call, {one.id: 90, two.id: 80, three.id: 70})
    city.published(call)
    key = city.rounds.key(city.operator, call.slug)["applications"]
    outcome = {key[name]: site for name, site, _ in json.loads(city.rounds.file(ANONYMOUS, call.slug, 1))["outcome"]}
    assert outcome == {one.id: str(near.id), two.id: str(far.id), three.id: str(next_door.id)}


@pytest.mark.parametrize(("score", "code"), [(-1, "invalid_value"), (10_001, "invalid_value"), (5.5, "invalid_value"),
                                             (True, "invalid_value")])  # fmt: skip
def test_a_score_out_of_range_is_refused(city: City, score: Any, code: str) -> None:
    site = city.site()
    call = city.call()
    city.to("2026-06-02T09:00")
    row = city.apply(call, [site])
    city.to("2026-07-01T09:00")
    with pytest.raises(Invalid) as refused:
        city.scores.enter(city.planner, call.slug, {row.id: score})
    assert (refused.value.code, refused.value.field) == (code, f"scores.{row.id}")


def test_scores_are_entered_after_the_close_for_eligible_ones_until_all_have_one(city: City) -> None:
    site = city.site()
    call = city.call()
    city.to("2026-06-02T09:00")
    row, other, bad = city.apply(call, [site]), city.apply(call, [site]), city.apply(call, [site], trl=1)
    with pytest.raises(Conflict) as early:
        city.scores.enter(city.planner, call.slug, {row.id: 1})
    assert early.value.code == "call_not_closed"
    city.to("2026-07-01T09:00")
    with pytest.raises(Invalid) as refused:
        city.scores.enter(city.planner, call.slug, {bad.id: 1})
    assert refused.value.code == "not_eligible"
    city.scores.enter(city.planner, call.slug, {row.id: 1})
    with pytest.raises(Conflict) as missing:
        city.scores.finish(city.planner, call.slug)
    assert (missing.value.code, missing.value.found) == ("score_missing", f"{other.id}: no score")
    city.scores.enter(city.planner, call.slug, {row.id: 2, other.id: 0})
    assert city.scores.finish(city.planner, call.slug).state == "scored"
    with pytest.raises(Conflict):
        city.scores.enter(city.planner, call.slug, {row.id: 3})
    assert city.applications.get(city.planner, row.id).score == 2


@pytest.mark.parametrize("who", ["neighbour", "company", "operator", "anonymous"])
def test_scores_are_the_call_owners_to_enter(city: City, who: str) -> None:
    actor = ANONYMOUS if who == "anonymous" else getattr(city, who)
    city.site()
    call = city.call()
    city.to("2026-07-01T09:00")
    with pytest.raises((Forbidden, Unauthenticated)):
        city.scores.enter(actor, call.slug, {})
    with pytest.raises((Forbidden, Unauthenticated)):
        city.scores.finish(actor, call.slug)


def test_the_whole_story_on_either_database(either_city: City) -> None:
    story = Story(either_city)
    assert (either_city.final(story.call).placed, either_city.offers.list(either_city.company)[0].state) == (2, "open")
    assert verify(either_city.rounds.file(ANONYMOUS, story.call.slug, 1)).is_true


@pytest.mark.parametrize(("who", "early"), [("company", None), ("planner", 9000), ("operator", 9000),
                                            ("auditor", 9000)])  # fmt: skip
def test_the_applicant_learns_its_score_from_publication_on(city: City, story: Story, who: str, early: Any) -> None:
    actor = getattr(city, who)
    row = story.first.id

    def score() -> Any:
        listed = {found.id: found.score for found in city.applications.list(actor)}
        assert listed[row] == city.applications.get(actor, row).score
        return listed[row]

    city.rounds.compute(city.operator, story.call.slug)
    assert score() == early
    city.rounds.publish(city.operator, story.call.slug, 1)
    assert score() == 9000


def test_the_municipality_of_a_ranked_site_learns_scores_no_earlier(city: City) -> None:
    theirs = city.site(city.neighbour)
    call = city.call()
    city.to("2026-06-02T09:00")
    row = city.apply(call, [theirs])
    city.scored(call, {row.id: 500})
    assert city.applications.get(city.neighbour, row.id).score is None
    city.published(call)
    assert city.applications.get(city.neighbour, row.id).score == 500


def test_what_was_withdrawn_or_never_handed_in_has_no_hand_in_the_seed(city: City) -> None:
    site = city.site()
    call = city.call()
    city.to("2026-06-02T09:00")
    stays, gone = city.apply(call, [site]), city.apply(call, [site])
    city.apply(call, [site], submitted=False)
    city.applications.withdraw(city.company, gone.id)
    city.scored(call, {stays.id: 5})
    city.published(call)
    assert stays.nonce is not None
    assert json.loads(city.rounds.file(ANONYMOUS, call.slug, 1))["inputs"]["seed"]["nonces"] == [stays.nonce.hex()]
