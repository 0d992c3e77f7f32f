"""Offers, the reserve list, and slots from conditions to their end, by hand and by the clock."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from gops.accounts.organisations import Organisations
from gops.clock import DAY
from gops.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated
from gops.notify.model import Notice
from gops.permissions import ANONYMOUS
from gops.records import events
from gops.testbed.model import Application, Call, Site
from gops.testbed.offers.model import Offer
from tests.unit.testbed.conftest import FIRST_WEEK, City, at, square

KINDS = ["agreement", "insurance", "consent", "baseline"]


class Story:
    """One site of 100 m2; 60 m2 each in the same two weeks: the first is placed, two wait, and one takes 90 m2."""

    def __init__(self, city: City, **options: Any) -> None:
        self.city = city
        self.site: Site = city.site()
        self.call: Call = city.call(terms={"sites": [self.site.id]})
        city.to("2026-06-02T09:00")
        self.first: Application = city.apply(self.call, [self.site], **options)
        self.second: Application = city.apply(self.call, [self.site], city.rival, **options)
        self.large: Application = city.apply(self.call, [self.site], city.rival, needs={"area_m2": 90}, **options)
        city.scored(self.call, {self.first.id: 9000, self.second.id: 7000, self.large.id: 8000})
        city.final(self.call)

    def offer(self, application: Application | None = None) -> Offer:
        wanted = (application or self.first).id
        return next(row for row in self.city.offers.list(self.city.operator) if row.application_id == wanted)

    def states(self) -> dict[str, str]:
        rows = {row.id: row.state for row in self.city.applications.list(self.city.operator)}
        return {name: rows[getattr(self, name).id] for name in ("first", "second", "large")}

    def accepted(self) -> int:
        """The slot of the first application, in its conditions."""
        offer = self.city.offers.answer(self.city.company, self.offer().id, "accepted")
        return offer.slot_id

    def meet(self, slot: int, *kinds: str) -> None:
        for kind in kinds:
            self.city.slots.set_condition(self.city.planner, slot, kind, "met")

    def slot(self, slot: int) -> str:
        return self.city.slots.get(self.city.operator, slot).state


@pytest.fixture
def story(city: City) -> Story:
    return Story(city)


def test_a_final_round_offers_places_until_a_working_day_ends(city: City, story: Story) -> None:
    offer = story.offer()
    assert (offer.state, offer.from_reserve) == ("open", False)
    assert story.states() == {"first": "offered", "second": "reserve", "large": "reserve"}
    city.clock.move(microseconds=offer.lapses_at - city.clock.micros() - 1)
    assert city.clocks.advance() == 0
    assert story.offer().state == "open"


def test_accepted_a_slot_waits_for_its_conditions(city: City, story: Story) -> None:
    slot = story.accepted()
    assert (story.offer().state, story.states()["first"], story.slot(slot)) == ("accepted", "accepted", "conditions")
    assert [(row.kind, row.state) for row in city.slots.conditions(city.company, slot)] == [
        (kind, "open") for kind in KINDS
    ]  # fmt: skip


def test_declined_the_place_goes_to_the_first_of_the_reserve_whom_it_fits(city: City, story: Story) -> None:
    city.offers.answer(city.company, story.offer().id, "declined", "no staff")
    assert story.states() == {"first": "declined", "second": "reserve", "large": "offered"}
    assert story.offer(story.large).from_reserve
    city.offers.answer(city.rival, story.offer(story.large).id, "declined")
    assert story.states() == {"first": "declined", "second": "offered", "large": "declined"}
    assert city.slots.remaining(ANONYMOUS, [story.site.id], FIRST_WEEK, 1)[0].left["area_m2"] == [40]


def test_who_does_not_fit_is_passed_over(city: City, story: Story) -> None:
    city.slots.book(city.planner, story.site.id, "drones", FIRST_WEEK, 2, {"area_m2": 30})
    city.offers.answer(city.company, story.offer().id, "declined")
    assert story.states() == {"first": "declined", "second": "offered", "large": "reserve"}


def test_who_moves_up_keeps_to_the_limits_of_the_call(city: City) -> None:
    """One place for each company: the first of the reserve has one already, the other takes what is freed."""
    site, other = city.site(), city.site()
    section = {"limits": [{"kind": "company", "key": "*", "most": 1}]}
    call = city.call(terms={"sites": [site.id, other.id], "allocation": section})
    city.to("2026-06-02T09:00")
    leaves = city.apply(call, [site])
    stays = city.apply(call, [other], city.rival)
    again = city.apply(call, [site], city.rival)
    waits = city.apply(call, [site])
    city.scored(call, {leaves.id: 9000, stays.id: 8000, again.id: 7000, waits.id: 6000})
    city.final(call)
    offer = next(row for row in city.offers.list(city.company) if row.application_id == leaves.id)
    city.offers.answer(city.company, offer.id, "declined")
    states = {row.id: row.state for row in city.applications.list(city.operator)}
    assert (states[again.id], states[waits.id]) == ("reserve", "offered")


def test_holder_and_municipality_are_told_of_a_slot_that_is_moved_by_hand(city: City) -> None:
    slot = city.slots.book(city.planner, city.site().id, "robots", FIRST_WEEK, 1, {"area_m2": 1})
    states = ["conditions", "ready", "active", "paused", "active", "ended"]
    for state in states:
        city.slots.move(city.planner, slot.id, state, "bad weather" if state == "paused" else "")
    with city.database.read() as session:
        query = select(Notice.event, Notice.organisation_id).where(Notice.subject_id == slot.id).order_by(Notice.id)
        told = [tuple(row) for row in session.execute(query)]
    events_ = ["slot.booked", "slot.ready", "slot.active", "slot.paused", "slot.resumed", "slot.ended"]
    assert told == [(event, home) for event in events_ for home in (city.robots.id, city.suwon.id)]


def test_the_reserve_list_ends_when_nothing_can_begin_any_more(city: City, story: Story) -> None:
    """Until its only start, 7 September; then it is rejected, told, and forgotten some time after that."""
    story.accepted()
    city.to("2026-09-06T23:59")
    city.clocks.advance()
    assert story.states() == {"first": "accepted", "second": "reserve", "large": "reserve"}
    city.to("2026-09-07T00:00")
    city.clocks.advance()
    assert story.states() == {"first": "accepted", "second": "rejected", "large": "rejected"}
    with city.database.read() as session:
        told = select(Notice.subject_id).where(Notice.event == "application.rejected").distinct()
        assert set(session.scalars(told)) == {story.second.id, story.large.id}
        due = next(one for one in city.clocks.table if one.name == "application.forgotten").waiting().subquery()
        moments = set(session.scalars(select(due.c.due_at).where(due.c.subject == story.second.id)))
    assert moments == {at("2026-09-07T00:00") + city.settings.application_forget_days * DAY}


def test_a_limit_follows_an_organisation_that_takes_another_slug(city: City) -> None:
    """One place of robots by name, in the round and of what is freed; the company is renamed after publication."""
    site, other = city.site(), city.site()
    section = {"limits": [{"kind": "company", "key": "robots", "most": 1}]}
    call = city.call(terms={"sites": [site.id, other.id], "allocation": section})
    city.to("2026-06-02T09:00")
    first, again = city.apply(call, [site]), city.apply(call, [other])
    leaves = city.apply(call, [other], city.rival)
    chief = city.people.actor(city.robots, "owner")
    Organisations(city.database, city.clock).edit(chief, "robots", new_slug="robotics")
    city.scored(call, {first.id: 9000, again.id: 8000, leaves.id: 7000})
    city.final(call)
    offer = next(row for row in city.offers.list(city.rival) if row.application_id == leaves.id)
    city.offers.answer(city.rival, offer.id, "declined")
    states = {row.id: row.state for row in city.applications.list(city.operator)}
    assert (states[first.id], states[again.id]) == ("offered", "reserve")


@pytest.mark.parametrize(("limits", "at"), [
    ([{"kind": "company", "key": "robotz", "most": 1}], 0),
    ([{"kind": "municipality", "key": "robots", "most": 1}], 0),
    ([{"kind": "theme", "key": "*", "most": 9}, {"kind": "theme", "key": "beauty", "most": 1}], 1),
])  # fmt: skip
def test_a_limit_of_nobody_is_refused_at_publication(city: City, limits: list[dict[str, Any]], at: int) -> None:
    city.site()
    with pytest.raises(Invalid) as refused:
        city.call(terms={"allocation": {"limits": limits}})
    assert (refused.value.code, refused.value.field) == ("unknown_limit", f"terms.allocation.limits[{at}].key")


def test_nobody_moves_up_to_a_week_that_has_begun(city: City, story: Story) -> None:
    slot = story.accepted()
    city.to("2026-09-07T00:00")
    city.slots.move(city.planner, slot, "cancelled", "flooded")
    assert story.states() == {"first": "accepted", "second": "reserve", "large": "reserve"}


def test_an_offer_lapses_by_the_clock_and_the_reserve_moves_up(city: City, story: Story) -> None:
    city.clock.move(microseconds=story.offer().lapses_at - city.clock.micros())
    assert city.clocks.advance() >= 1
    assert (story.offer().state, story.states()) == (
        "lapsed", {"first": "lapsed", "second": "reserve", "large": "offered"}
    )  # fmt: skip
    with pytest.raises(Conflict) as late:
        city.offers.answer(city.company, story.offer().id, "accepted")
    assert late.value.code == "illegal_move"


def test_too_late_is_too_late_before_the_clock_came_by(city: City, story: Story) -> None:
    city.clock.move(microseconds=story.offer().lapses_at - city.clock.micros())
    with pytest.raises(Conflict) as late:
        city.offers.answer(city.company, story.offer().id, "accepted")
    assert (late.value.code, story.offer().state) == ("illegal_move", "open")


def test_an_offer_lapses_at_latest_when_its_weeks_begin(city: City, story: Story) -> None:
    """Two days and fifteen hours from Friday at nine, not ten working days."""
    city.to("2026-09-04T09:00")
    city.clocks.advance()
    offer = story.offer(story.large)
    assert offer.lapses_at == city.clock.micros() + (2 * 24 + 15) * 3_600_000_000


def test_the_reserve_list_keeps_the_rounds_order(city: City, story: Story) -> None:
    turns = [(turn, row.id) for turn, row in city.offers.reserve(city.operator, story.call.slug)]
    assert turns == [(1, story.large.id), (2, story.second.id)]
    assert list(city.offers.reserve(city.company, story.call.slug)) == []
    with pytest.raises(Unauthenticated):
        city.offers.reserve(ANONYMOUS, story.call.slug)


def test_interference_keeps_a_band_free_of_neighbours(city: City) -> None:
    """Who waits on the band of somebody near is passed over, whatever room there is."""
    one, near = city.site(), city.site(area=square(127.102))
    call = city.call(terms={"sites": [one.id, near.id]})
    city.to("2026-06-02T09:00")
    wide = city.apply(call, [one], needs={"area_m2": 90})
    loud = city.apply(call, [near], city.rival, band="b920")
    waits = city.apply(call, [one], city.rival, band="b920", needs={"area_m2": 20})
    quiet = city.apply(call, [one], needs={"area_m2": 50})
    city.scored(call, {wide.id: 9000, loud.id: 8000, waits.id: 7000, quiet.id: 6000})
    city.final(call)
    offer = next(row for row in city.offers.list(city.company) if row.application_id == wide.id)
    city.offers.answer(city.company, offer.id, "declined")
    states = {row.id: row.state for row in city.applications.list(city.operator)}
    assert (states[waits.id], states[quiet.id]) == ("reserve", "offered")


def test_only_the_applicant_answers(city: City, story: Story) -> None:
    for actor in (city.rival, city.planner, city.operator, city.auditor, ANONYMOUS):
        with pytest.raises(NotFound):
            city.offers.answer(actor, story.offer().id, "accepted")
    assert story.offer().state == "open"


def test_who_is_concerned_is_told(city: City, story: Story) -> None:
    """Written with the change: the offer to the applicant, the reserve to the rest, the answer to the call's owner."""
    city.offers.answer(city.company, story.offer().id, "declined")
    with city.database.read() as session:
        told = {(row.event, row.person_id) for row in session.scalars(select(Notice))}
    company, rival, planner = (who.person_id for who in (city.company, city.rival, city.planner))
    assert {
        ("application.submit", company), ("application.eligible", rival), ("round.published", rival),
        ("offer.made", company), ("application.reserve", rival), ("offer.declined", planner), ("offer.made", rival),
    } <= told  # fmt: skip
    assert ("offer.declined", rival) not in told


def test_offers_are_seen_by_whom_the_application_is(city: City, story: Story) -> None:
    assert [len(city.offers.list(who)) for who in (city.company, city.planner, city.operator, city.rival)] == [
        1, 1, 1, 0
    ]  # fmt: skip
    with pytest.raises(NotFound):
        city.offers.get(city.neighbour, story.offer().id)
    with pytest.raises(Unauthenticated):
        city.offers.list(ANONYMOUS)


def test_when_all_conditions_are_met_a_slot_is_ready_and_starts_by_the_clock(city: City, story: Story) -> None:
    slot = story.accepted()
    with pytest.raises(Conflict) as early:
        city.slots.move(city.planner, slot, "ready")
    assert (early.value.code, early.value.found) == ("conditions_unmet", ", ".join(KINDS))
    city.slots.set_condition(city.company, slot, "insurance", "handed_in", "policy 4711")
    story.meet(slot, *KINDS[1:])
    assert story.slot(slot) == "conditions"
    story.meet(slot, KINDS[0])
    assert story.slot(slot) == "ready"
    city.to("2026-09-07T00:00")
    city.clocks.advance()
    assert story.slot(slot) == "active"
    city.to("2026-09-21T00:00")
    city.clocks.advance()
    assert story.slot(slot) == "ended"


def test_unmet_conditions_on_the_start_date_cancel_and_the_reserve_moves_up(city: City) -> None:
    """To a later start, for the week has begun."""
    story = Story(city, last_start=FIRST_WEEK + 1)
    slot = story.accepted()
    story.meet(slot, *KINDS[:3])
    city.to("2026-09-07T00:00")
    city.clocks.advance()
    assert (story.slot(slot), story.states()["large"]) == ("cancelled", "offered")
    offer = story.offer(story.large)
    assert city.slots.get(city.rival, offer.slot_id).first_week == FIRST_WEEK + 1


def test_a_condition_is_handed_in_by_the_holder_and_met_by_the_municipality(city: City, story: Story) -> None:
    slot = story.accepted()
    with pytest.raises(Forbidden):
        city.slots.set_condition(city.company, slot, "insurance", "met")
    with pytest.raises(Forbidden):
        city.slots.set_condition(city.planner, slot, "insurance", "handed_in")
    with pytest.raises(NotFound):
        city.slots.set_condition(city.rival, slot, "insurance", "met")
    with pytest.raises(NotFound):
        city.slots.set_condition(city.planner, slot, "exemption", "met")
    story.meet(slot, "insurance")
    assert city.slots.set_condition(city.planner, slot, "insurance", "open", "expired").state == "open"


def test_an_offered_slot_is_not_the_municipalitys_to_move(city: City, story: Story) -> None:
    with pytest.raises(Conflict) as refused:
        city.slots.move(city.planner, story.offer().slot_id, "cancelled")
    assert refused.value.code == "offer_open"


def test_what_a_provisional_round_gives_is_not_taken_away(city: City) -> None:
    site = city.site()
    call = city.call(terms={"sites": [site.id]})
    city.to("2026-06-02T09:00")
    application = city.apply(call, [site])
    city.scored(call, {application.id: 9000})
    city.published(call)
    (slot,) = city.slots.list(city.planner)
    with pytest.raises(Conflict) as refused:
        city.slots.move(city.planner, slot.id, "cancelled")
    assert refused.value.code == "offer_open"


def test_offers_lapses_and_starts_are_announced(city: City, story: Story) -> None:
    city.clock.move(microseconds=story.offer().lapses_at - city.clock.micros(), days=-3)
    city.clocks.advance()
    with city.database.read() as session:
        near = [row.payload for row in events.since(session, 0) if row.kind == "clock.near"]
    assert ("offer.lapses", 3) in [(row["clock"], row["days"]) for row in near]
