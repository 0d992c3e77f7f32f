"""Demands: stated, supported, merged, taken up; and what nobody may do with another's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from gops.errors import Conflict, Forbidden, GopsError, Invalid, NotFound, Unauthenticated
from gops.notify.model import Notice
from gops.permissions import ANONYMOUS, Actor
from gops.testbed.demands.board import Demands
from gops.testbed.demands.joining import DemandJoins
from gops.testbed.demands.likeness import likely
from gops.testbed.demands.model import Demand
from tests.unit.testbed.conftest import City, square


class Board:
    def __init__(self, city: City) -> None:
        self.city = city
        self.demands = Demands(city.database, city.clock, city.settings)
        self.joins = DemandJoins(city.database, city.clock)
        self.resident = city.people.actor(city.people.organisation("public", "citizen_group"), "viewer")

    def stated(self, actor: Actor | None = None, home: str = "suwon", *, opened: bool = True, **given: Any) -> Demand:
        who = actor or self.city.planner
        wanted = {"title_ko": "골목 주차난 해소", "theme": "mobility"} | given
        made, _ = self.demands.create(who, home, **wanted)
        return self.demands.move(who, made.id, "open") if opened else made

    def fan(self) -> Actor:
        return self.city.people.actor(self.city.suwon, "viewer")

    def supported(self, demand_id: int, *fans: Actor) -> None:
        for fan in fans:
            self.joins.support(fan, demand_id, True)


@pytest.fixture
def board(city: City) -> Board:
    return Board(city)


def refused(act: Callable[[], Any], error: type[GopsError], code: str) -> GopsError:
    with pytest.raises(error) as caught:
        act()
    assert caught.value.code == code
    return caught.value


def test_a_draft_is_its_organisations_alone_until_it_is_opened(board: Board) -> None:
    draft = board.stated(opened=False)
    for stranger in (ANONYMOUS, board.city.neighbour, board.city.company):
        refused(lambda: board.demands.get(stranger, draft.id), NotFound, "not_found")  # noqa: B023 - called at once
        assert list(board.demands.list(stranger)) == []
    board.demands.move(board.city.planner, draft.id, "open")
    assert board.demands.get(ANONYMOUS, draft.id).state == "open"
    board.demands.move(board.city.planner, draft.id, "closed", "solved")
    assert board.demands.get(ANONYMOUS, draft.id).reason == "solved"


def test_a_demand_of_a_city_is_about_it_and_another_may_name_one(board: Board) -> None:
    assert board.stated().municipality_id == board.city.suwon.id
    owner = board.city.people.actor(board.city.robots, "applicant")
    made = board.stated(owner, "robots", municipality="seongnam", area=square(), sites=[board.city.site().id])
    assert (made.municipality_id, len(made.sites)) == (board.city.seongnam.id, 1)


@pytest.mark.parametrize(("given", "field", "code"), [
    ({"title_ko": ""}, "title_ko", "invalid_value"),
    ({"theme": "magic"}, "theme", "invalid_value"),
    ({"municipality": "robots"}, "municipality", "not_a_municipality"),
    ({"sites": list(range(1, 30))}, "sites", "invalid_value"),
    ({"area": {"type": "Point", "coordinates": [127, 37]}}, "area", "bad_polygon"),
    ({"description_ko": "x" * 2001}, "description_ko", "invalid_value"),
])  # fmt: skip
def test_a_wrong_demand_is_refused_with_its_place(board: Board, given: dict[str, Any], field: str, code: str) -> None:
    error = refused(lambda: board.stated(**given), Invalid, code)
    assert error.field == field
    assert error.expected


def test_a_site_that_is_not_seen_is_no_place_of_a_demand(board: Board) -> None:
    hidden = board.city.site(board.city.neighbour, offered=False)
    refused(lambda: board.stated(sites=[hidden.id]), NotFound, "not_found")


def test_others_neither_state_nor_change(board: Board) -> None:
    made = board.stated()
    refused(lambda: board.stated(board.city.rival, "suwon"), Forbidden, "forbidden")
    refused(lambda: board.stated(board.city.operator, "gops"), Forbidden, "wrong_organisation_kind")
    refused(lambda: board.stated(board.resident, "public"), Forbidden, "forbidden")
    for act in (
        lambda who: board.demands.edit(who, made.id, title_en="Mine"),
        lambda who: board.demands.move(who, made.id, "closed", "no"),
    ):
        refused(lambda: act(board.city.neighbour), Forbidden, "forbidden")  # noqa: B023
        refused(lambda: act(ANONYMOUS), Unauthenticated, "unauthenticated")  # noqa: B023


def test_support_is_one_a_person_and_can_be_taken_back(board: Board) -> None:
    made = board.stated()
    first, second = board.fan(), board.resident
    board.supported(made.id, first, first, second)
    assert board.joins.supported(first, made.id).supports == 2
    assert board.joins.support(first, made.id, False).supports == 1
    assert board.joins.support(first, made.id, False).supports == 1
    assert not board.joins.supported(first, made.id).supported
    refused(lambda: board.joins.support(ANONYMOUS, made.id, True), Unauthenticated, "unauthenticated")


def test_what_is_not_open_is_not_supported(board: Board) -> None:
    made = board.stated()
    board.demands.move(board.city.planner, made.id, "closed", "solved")
    refused(lambda: board.joins.support(board.resident, made.id, True), Conflict, "demand_not_open")


def test_what_people_support_stays_as_it_is(board: Board) -> None:
    made = board.stated()
    board.supported(made.id, board.resident)
    refused(lambda: board.demands.edit(board.city.planner, made.id, title_ko="다른 일"), Conflict, "demand_supported")
    assert board.demands.edit(board.city.planner, made.id, title_en="Parking").title_en == "Parking"


def test_a_merge_needs_both_owners_and_counts_nobody_twice(board: Board) -> None:
    city = board.city
    source, target = board.stated(city.neighbour, "seongnam"), board.stated()
    both, one, other = board.fan(), board.fan(), board.resident
    board.supported(source.id, both, one)
    board.supported(target.id, both, other)
    refused(lambda: board.joins.merge(city.planner, source.id, target.id), Conflict, "merge_not_offered")
    refused(lambda: board.joins.merge(city.company, source.id, target.id), Forbidden, "forbidden")
    assert board.joins.merge(city.neighbour, source.id, target.id).offered_to == target.id
    merged = board.joins.merge(city.planner, source.id, target.id)
    assert (merged.state, merged.merged_into, merged.supports) == ("merged", target.id, 0)
    assert board.demands.get(ANONYMOUS, target.id).supports == 3
    assert board.joins.support(one, source.id, False).demand == target.id
    assert board.demands.get(ANONYMOUS, target.id).supports == 2
    assert [row.id for row in board.demands.list(ANONYMOUS)] == [target.id]


def test_an_offer_can_be_taken_back(board: Board) -> None:
    source, target = board.stated(board.city.neighbour, "seongnam"), board.stated()
    board.joins.merge(board.city.neighbour, source.id, target.id)
    board.joins.merge(board.city.neighbour, source.id, None)
    refused(lambda: board.joins.merge(board.city.planner, source.id, target.id), Conflict, "merge_not_offered")


def test_a_merged_demand_leads_to_the_last_one_in_one_step(board: Board) -> None:
    first, second, third = (board.stated() for _ in range(3))
    board.joins.merge(board.city.planner, first.id, second.id)
    board.joins.merge(board.city.planner, second.id, third.id)
    assert board.demands.get(ANONYMOUS, first.id).merged_into == third.id
    refused(lambda: board.joins.merge(board.city.planner, third.id, third.id), Conflict, "illegal_move")
    refused(lambda: board.joins.merge(board.city.planner, third.id, second.id), Conflict, "demand_not_open")


def test_a_call_takes_a_demand_up_and_it_is_open_again_when_that_is_cancelled(board: Board) -> None:
    city = board.city
    city.site()
    made, call = board.stated(city.neighbour, "seongnam"), city.call()
    refused(lambda: board.joins.take_up(city.neighbour, made.id, call.slug), Forbidden, "forbidden")
    assert board.joins.take_up(city.planner, made.id, call.slug).state == "taken_up"
    assert [row.id for row in board.demands.list(ANONYMOUS, call=call.slug)] == [made.id]
    refused(lambda: board.demands.move(city.neighbour, made.id, "open"), Conflict, "demand_taken_up")
    city.calls.cancel(city.planner, call.slug, "no budget")
    found = board.demands.get(ANONYMOUS, made.id)
    assert (found.state, found.call_id) == ("open", None)
    another = city.call()
    assert board.joins.take_up(city.planner, made.id, another.slug).call_id == another.id


def told(city: City, event: str) -> list[tuple[int, int | None, Any]]:
    """(organisation, person, facts) of each notice of an event."""
    with city.database.read() as session:
        rows = session.scalars(select(Notice).where(Notice.event == event).order_by(Notice.id))
        return [(row.organisation_id, row.person_id, row.facts) for row in rows]


def test_owner_and_supporters_are_told_what_becomes_of_a_demand(board: Board) -> None:
    city = board.city
    city.site()
    made = board.stated(city.neighbour, "seongnam")
    fan = city.people.actor(city.suwon, "viewer")
    board.joins.support(fan, made.id, True)
    ((home, _, facts),) = told(city, "demand.supported")
    assert (home, facts["supports"]) == (city.seongnam.id, 1)
    call = city.call(published=False)
    board.joins.take_up(city.planner, made.id, call.slug)
    assert told(city, "demand.taken_up") == []  # a draft is nobody's business
    city.calls.publish(city.planner, call.slug)
    both = {(city.seongnam.id, city.neighbour.person_id), (city.suwon.id, fan.person_id)}
    assert {row[:2] for row in told(city, "demand.taken_up")} == both
    city.to("2026-06-01T09:00")
    city.calls.advance()
    assert {row[:2] for row in told(city, "demand.call_opened")} == both
    city.calls.cancel(city.planner, call.slug, "no budget")
    assert {row[:2] for row in told(city, "demand.reopened")} == both
    assert told(city, "demand.reopened")[0][2]["call_slug"] == call.slug


def test_who_is_asked_to_merge_and_who_was_merged_is_told(board: Board) -> None:
    city = board.city
    one, other = board.stated(), board.stated(city.neighbour, "seongnam", title_ko="골목 주차난")
    board.joins.merge(city.planner, one.id, other.id)
    ((home, _, facts),) = told(city, "demand.offered")
    assert (home, facts["demand"]["ko"], facts["other"]["ko"]) == (city.seongnam.id, "골목 주차난", one.title_ko)
    board.joins.merge(city.neighbour, one.id, other.id)
    assert [row[0] for row in told(city, "demand.merged")] == [city.suwon.id]
    assert [row[0] for row in told(city, "demand.grown")] == [city.seongnam.id]


def test_a_closed_call_takes_nothing_up(board: Board) -> None:
    board.city.site()
    made, call = board.stated(), board.city.call()
    board.city.to("2026-07-01T09:00")
    refused(lambda: board.joins.take_up(board.city.planner, made.id, call.slug), Conflict, "call_not_open")


def test_demands_are_found_by_words_theme_and_state(board: Board) -> None:
    parking = board.stated(title_en="Parking 100%")
    air = board.stated(board.city.neighbour, "seongnam", title_ko="미세먼지 저감", theme="environment")

    def ids(**asked: Any) -> list[int]:
        return [row.id for row in board.demands.list(ANONYMOUS, **asked)]

    assert ids() == [parking.id, air.id]
    assert ids(words="PARKING 골목") == [parking.id]
    assert ids(words="100%") == [parking.id]
    assert ids(words="%") == [parking.id]  # a letter like any other
    assert ids(theme="environment") == [air.id]
    assert ids(municipality="suwon") == [parking.id]
    assert ids(state="closed") == []


def test_likely_duplicates_are_shown_when_a_demand_is_stated(board: Board) -> None:
    board.stated(title_ko="주차난 해소", title_en="")
    night = board.stated(title_ko="심야 버스", title_en="Night buses for shift workers")
    board.stated(opened=False, title_ko="심야 버스")
    _, similar = board.demands.create(board.city.neighbour, "seongnam", title_ko="심야버스 확대",
                                      title_en="Night bus for shift work", theme="mobility")  # fmt: skip
    assert [one.id for one in similar] == [night.id]
    assert similar[0].likeness > 0.8
    assert [one.id for one in board.demands.like("심야 버스")] == [night.id]


def test_likeness_is_that_of_pairs_of_letters() -> None:
    others = [(1, ["주차난 해결"]), (2, ["가로등"]), (3, ["주차난해소"]), (4, [""])]
    assert likely(["주차난 해소"], others, 5) == [(3, 1.0), (1, pytest.approx(0.75))]
