"""The review of a call: who may judge what, blind forms, and what ends it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest

from gops.accounts.model import Membership
from gops.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated
from gops.permissions import ANONYMOUS, Actor
from gops.testbed import details
from gops.testbed.model import Application, Call
from gops.testbed.review.bidding import Bids
from gops.testbed.review.forms import Reviews, by_name
from gops.testbed.review.model import Evaluator
from gops.testbed.review.municipal import MunicipalScores
from gops.testbed.review.panel import Panels
from gops.testbed.review.results import ReviewResults
from tests.unit.testbed.conftest import City


@dataclass
class Panel:
    """A closed call with two applications, and four people of a university, an institute and a company who judge."""

    city: City
    call: Call
    first: Application
    second: Application
    judges: list[Actor]
    rows: list[Evaluator]

    def __post_init__(self) -> None:
        city = self.city
        self.panels = Panels(city.database, city.clock, city.settings)
        self.bids = Bids(city.database, city.clock)
        self.reviews = Reviews(city.database, city.clock)

    def seat(self, turn: int) -> int:
        """The only review of a judge."""
        return self.reviews.list(self.judges[turn])[0].id

    def judge(self, turn: int, impact: int, plan: int) -> None:
        for row in self.reviews.list(self.judges[turn]):
            self.reviews.save(self.judges[turn], row.id, {"impact": impact, "plan": plan}, "좋습니다")
            self.reviews.submit(self.judges[turn], row.id)


def judge_of(city: City, slug: str, kind: str = "university") -> Actor:
    return city.people.actor(city.people.organisation(slug, kind), "viewer")


@pytest.fixture
def panel(city: City) -> Panel:
    site = city.site()
    call = city.call(terms={"sites": [site.id]})
    city.to("2026-06-02T09:00")
    first = city.apply(call, [site], needs={"area_m2": 40})
    second = city.apply(call, [site], city.rival, needs={"area_m2": 50}, title="Drones")
    made = Panel(city, call, first, second, [judge_of(city, f"college-{number}") for number in range(4)], [])
    for number, actor in enumerate(made.judges):
        email = city.people.person_of(actor).email
        assert email is not None
        made.rows.append(made.panels.add(city.planner, call.slug, email, f"college-{number}", f"Judge {number}"))
    city.to("2026-07-01T09:00")
    city.calls.advance()
    return made


def refused(code: str, act: Any, *given: Any) -> Any:
    with pytest.raises((Conflict, Invalid)) as found:
        act(*given)
    assert found.value.code == code
    return found.value


def test_every_application_gets_three_who_wished_for_it(panel: Panel) -> None:
    for turn, bid in enumerate(("yes", "yes", "yes", "no")):
        panel.bids.put(panel.judges[turn], panel.call.slug, {panel.first.id: (bid, ""), panel.second.id: ("maybe", "")})
    seats = panel.panels.assign(panel.city.planner, panel.call.slug)
    ids = [row.id for row in panel.rows]
    assert {row.evaluator for row in seats if row.application == panel.first.id} == set(ids[:3])
    of_second = {row.evaluator for row in seats if row.application == panel.second.id}
    assert len(of_second) == 3
    assert ids[3] in of_second
    assert panel.panels.assign(panel.city.planner, panel.call.slug) == seats


def test_conflicts_are_derived_from_where_people_are_and_were(panel: Panel) -> None:
    """A role in the applicant's organisation, a recent employer, and what is declared."""
    city, slug = panel.city, panel.call.slug
    with city.database.write() as session:
        session.add(Membership(person_id=panel.judges[0].person_id, organisation_id=city.robots.id, role="viewer"))
        session.get_one(Evaluator, panel.rows[1].id).employers = [city.robots.id]
    panel.bids.put(panel.judges[2], slug, {panel.first.id: ("conflict", "A cousin")})
    whys = [[row.conflict for row in panel.bids.list(judge, slug)] for judge in panel.judges]
    assert whys == [["organisation", None], ["employer", None], ["declared", None], [None, None]]
    found = refused("review_infeasible", panel.panels.assign, city.planner, slug)
    assert found.found == f"application {panel.first.id} lacks 2 (free of conflicts: 1)"
    for row in panel.rows[:3]:
        found = refused(
            "conflict_of_interest", panel.panels.seat, city.planner, slug, panel.first.id, row.id, "We need three"
        )
    assert found.found == "declared"
    refused("conflict_of_interest", panel.bids.put, panel.judges[2], slug, {panel.first.id: ("yes", "")})


def test_a_conflict_found_later_takes_the_review_away(panel: Panel) -> None:
    city, slug = panel.city, panel.call.slug
    seats = panel.panels.assign(city.planner, slug)
    mine = next(row for row in seats if row.evaluator == panel.rows[0].id)
    panel.judge(0, 80, 80)
    panel.bids.put(panel.judges[0], slug, {mine.application: ("conflict", "I know them")})
    assert mine.application not in {row.application_id for row in panel.reviews.list(panel.judges[0])}
    after = {(row.application, row.evaluator): row.state for row in panel.panels.seats(city.planner, slug)}
    assert after[mine.application, mine.evaluator] == "removed"


def test_an_evaluator_sees_what_is_assigned_and_nothing_else(panel: Panel) -> None:
    city, slug = panel.city, panel.call.slug
    judge = panel.judges[0]
    assert city.applications.list(judge) == []
    panel.panels.seat(city.planner, slug, panel.first.id, panel.rows[0].id, "Knows robots")
    assert [row.id for row in city.applications.list(judge)] == [panel.first.id]
    with pytest.raises(NotFound):
        city.applications.get(judge, panel.second.id)
    other = panel.judges[1]
    with pytest.raises(NotFound):
        panel.reviews.get(other, panel.seat(0))
    with pytest.raises(NotFound):
        panel.reviews.get(city.operator, panel.seat(0))
    for nobody in (city.rival, city.neighbour):
        with pytest.raises(NotFound):
            panel.bids.list(nobody, slug)
    with pytest.raises(Unauthenticated):
        panel.reviews.list(ANONYMOUS)
    panel.panels.unseat(city.planner, slug, panel.first.id, panel.rows[0].id, "Ill")
    assert city.applications.list(judge) == []


def test_an_evaluator_sees_confidential_parts_until_the_call_is_final(panel: Panel) -> None:
    city, row = panel.city, panel.first
    with city.database.write() as session:
        session.get_one(Application, row.id).details = details.read(
            {"funding": {"own": 7}, "confidential": ["funding", "documents"]}
        )
    panel.panels.seat(city.planner, panel.call.slug, row.id, panel.rows[0].id, "Knows robots")
    shown = city.applications.get(panel.judges[0], row.id).details
    assert shown is not None
    assert shown["funding"]["own"] == 7
    with city.database.write() as session:
        session.get_one(Call, panel.call.id).state = "final"
    with pytest.raises(NotFound):
        city.applications.get(panel.judges[0], row.id)


def test_the_panel_is_the_owners_and_its_names_the_auditors_too(panel: Panel) -> None:
    city, slug = panel.city, panel.call.slug
    assert len(panel.panels.list(city.auditor, slug)) == 4
    for actor in (city.operator, city.company, city.neighbour):
        with pytest.raises(Forbidden):
            panel.panels.list(actor, slug)
        with pytest.raises(Forbidden):
            panel.panels.assign(actor, slug)
        with pytest.raises(Forbidden):
            panel.panels.seat(actor, slug, panel.first.id, panel.rows[0].id, "so")
    with pytest.raises(NotFound):
        panel.panels.add(city.planner, slug, "nobody@example.kr", "college-0", "Nobody")
    email = city.people.person_of(panel.judges[0]).email
    refused("evaluator_there", panel.panels.add, city.planner, slug, email, "college-0", "Again")
    panel.panels.remove(city.planner, slug, panel.rows[3].id, "Moved away")
    assert len(panel.panels.list(city.planner, slug)) == 3


def test_forms_are_whole_and_blind(panel: Panel) -> None:
    city, slug = panel.city, panel.call.slug
    for row in panel.rows[:3]:
        panel.panels.seat(city.planner, slug, panel.first.id, row.id, "All three")
    mine, judge = panel.seat(0), panel.judges[0]
    for scores, field in (({"impact": 101}, "scores.impact"), ({"impact": 1.5}, "scores.impact"), ({"x": 1}, "scores")):
        with pytest.raises(Invalid) as wrong:
            panel.reviews.save(judge, mine, scores)  # type: ignore[arg-type]
        assert wrong.value.field == field
    panel.reviews.save(judge, mine, {"impact": 70}, "계획이 없습니다")
    refused("review_incomplete", panel.reviews.submit, judge, mine)
    panel.reviews.save(judge, mine, {"impact": 70, "plan": 31})
    refused("review_incomplete", panel.reviews.submit, judge, mine)
    panel.reviews.save(judge, mine, {"impact": 70, "plan": 31}, "계획이 없습니다")
    refused("review_blind", panel.reviews.others, judge, mine)
    done = panel.reviews.submit(judge, mine)
    assert (done.total, by_name(["impact", "plan"], done)) == (70 * 60 + 31 * 40, {"impact": 70, "plan": 31})
    refused("review_submitted", panel.reviews.save, judge, mine, {"impact": 100})
    panel.judge(1, 100, 100)
    refused("review_blind", panel.reviews.others, judge, mine)
    assert city.applications.get(city.operator, panel.first.id).score is None
    assert city.applications.get(city.planner, panel.first.id).score is None


def test_the_call_is_scored_when_every_application_has_its_reviews(panel: Panel) -> None:
    """The first by review, the second by its owner's word; half a point is rounded up."""
    city, slug = panel.city, panel.call.slug
    for row in panel.rows[:3]:
        panel.panels.seat(city.planner, slug, panel.first.id, row.id, "All three")
    found = refused("review_incomplete", city.scores.finish, city.planner, slug)
    assert found.found == f"{panel.first.id}: 0 of 3 reviews; {panel.second.id}: no score"
    refused("score_by_review", city.scores.enter, city.planner, slug, {panel.first.id: 9000})
    city.scores.enter(city.planner, slug, {panel.second.id: 8000})
    panel.judge(0, 70, 31)  # 5440
    panel.judge(1, 70, 32)  # 5480
    refused("review_incomplete", city.scores.finish, city.planner, slug)
    panel.panels.seat(city.planner, slug, panel.first.id, panel.rows[3].id, "One more")
    panel.judge(2, 71, 32)  # 5540
    assert city.scores.finish(city.planner, slug).state == "scored"
    assert city.applications.get(city.planner, panel.first.id).score == 5487
    mine = panel.seat(0)
    assert [row.total for row in panel.reviews.others(panel.judges[0], mine)] == [5480, 5540]
    assert panel.reviews.list(panel.judges[3]) == []


def test_results_are_for_the_applicant_after_publication_and_single_ones_for_the_auditor(panel: Panel) -> None:
    city, slug = panel.city, panel.call.slug
    results = ReviewResults(city.database)
    for row in panel.rows[:3]:
        panel.panels.seat(city.planner, slug, panel.first.id, row.id, "All three")
    city.scores.enter(city.planner, slug, {panel.second.id: 8000})
    for turn, score in enumerate((70, 74, 20)):
        panel.judge(turn, score, score)
    for actor in (city.planner, city.operator, city.auditor):
        refused("review_blind", results.statistics, actor, slug)
    refused("review_blind", results.single, city.auditor, slug)
    city.scores.finish(city.planner, slug)
    with pytest.raises(NotFound):
        results.consolidated(city.company, panel.first.id)
    city.published(panel.call)
    found = results.consolidated(city.company, panel.first.id)
    assert (found.score, found.reviews, list(found.comments)) == (5467, 3, [("좋습니다", "")] * 3)
    with pytest.raises(NotFound):
        results.consolidated(city.rival, panel.first.id)
    for actor, outliers, habits in ((city.planner, (0,), 0), (city.operator, (0,), 0),
                                    (city.auditor, (panel.rows[2].id,), 3)):  # fmt: skip
        (summary,) = (shown := results.statistics(actor, slug)).applications
        assert (summary.mean, summary.spread, summary.outliers, len(shown.habits)) == (5467, 5400, outliers, habits)
    assert [one.name for _, one in results.single(city.auditor, slug)] == ["Judge 0", "Judge 1", "Judge 2"]
    for actor in (city.planner, city.operator, city.company, panel.judges[0]):
        with pytest.raises(Forbidden):
            results.single(actor, slug)
    for actor in (city.company, panel.judges[0]):
        with pytest.raises(Forbidden):
            results.statistics(actor, slug)


def test_a_key_without_the_scope_judges_nothing(panel: Panel) -> None:
    weak = replace(panel.judges[0], scopes=frozenset({"data:read"}))
    panel.panels.seat(panel.city.planner, panel.call.slug, panel.first.id, panel.rows[0].id, "Knows robots")
    assert panel.city.applications.list(weak) == []
    with pytest.raises(Forbidden):
        panel.reviews.list(weak)
    with pytest.raises(Forbidden):
        panel.bids.list(weak, panel.call.slug)


def test_who_becomes_biased_after_handing_in_stops_the_scoring(panel: Panel) -> None:
    city, slug = panel.city, panel.call.slug
    panel.panels.assign(city.planner, slug)
    for turn in range(4):
        panel.judge(turn, 50, 50)
    seat = panel.panels.seats(city.planner, slug)[0]
    with city.database.write() as session:
        judge = session.get_one(Evaluator, seat.evaluator)
        home = city.robots.id if seat.application == panel.first.id else city.drones.id
        session.add(Membership(person_id=judge.person_id, organisation_id=home, role="viewer"))
    found = refused("review_incomplete", city.scores.finish, city.planner, slug)
    assert found.found == f"{seat.application}: evaluator {seat.evaluator} has a conflict of interest"


def test_municipalities_score_apart_for_their_own_sites(either_city: City) -> None:
    city = either_city
    own, other = city.site(), city.site(city.neighbour)
    terms = {"mechanism": "fair", "review": {"scoring": "municipal"}, "sites": [own.id, other.id]}
    call = city.call(terms=terms)
    scores = MunicipalScores(city.database, city.clock)
    city.to("2026-06-02T09:00")
    both = city.apply(call, [other, own])
    one = city.apply(call, [own], city.rival)
    city.to("2026-07-01T09:00")
    city.calls.advance()
    refused("scoring_otherwise", city.scores.enter, city.planner, call.slug, {both.id: 1})
    scores.enter(city.planner, call.slug, "suwon", {both.id: 5000, one.id: 9000})
    with pytest.raises(Forbidden):
        scores.enter(city.planner, call.slug, "seongnam", {both.id: 1})
    refused("not_eligible", scores.enter, city.neighbour, call.slug, "seongnam", {one.id: 1})
    found = refused("score_missing", city.scores.finish, city.planner, call.slug)
    assert found.found == f"{both.id}: no score of seongnam"
    assert scores.enter(city.neighbour, call.slug, "seongnam", {both.id: 8001}) == {both.id: 8001}
    city.scores.finish(city.planner, call.slug)
    assert city.applications.get(city.planner, both.id).score == 6501
    made = city.rounds.compute(city.operator, call.slug)
    assert made.placed == 2
    document = city.rounds.file(city.operator, call.slug, made.revision)
    assert b"[8001,5000]" in document


def test_municipal_scores_need_fair(city: City) -> None:
    with pytest.raises(Invalid) as wrong:
        city.call(terms={"review": {"scoring": "municipal"}})
    assert (wrong.value.code, wrong.value.field) == ("needs_fair", "terms.review.scoring")
    with pytest.raises(Invalid):
        city.call(terms={"review": {"reviews": 2}})
