"""Micro-slots: granted at once above the threshold, one a company and quarter, never beyond what there is."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from gops.errors import Conflict, Forbidden, GopsError, Invalid, NotFound
from gops.notify.model import Notice
from gops.settings import load
from gops.testbed import weeks
from gops.testbed.model import Site
from gops.testbed.places.micro import MicroSlots, quarter
from tests.unit.testbed.conftest import City

SOON = weeks.parse("2026-05-11")
NEXT_QUARTER = weeks.parse("2026-07-06")
MICRO = {"micro": {"keep": {"area_m2": 50}, "weeks": 2}, "consent": "given"}


@pytest.fixture
def micro(city: City) -> MicroSlots:
    return MicroSlots(city.database, city.clock, city.settings)


def taken(micro: MicroSlots, city: City, site: Site, week: int = SOON, length: int = 2, **more: Any) -> Any:
    who, home = more.get("who", city.company), more.get("home", "robots")
    return micro.take(who, site.id, home, week, length, more.get("amounts", {"area_m2": 30}))


def test_a_short_slot_is_ready_at_once_and_holds_what_it_says(city: City, micro: MicroSlots) -> None:
    site = city.site(details=MICRO)
    slot = taken(micro, city, site)
    assert (slot.state, slot.end_week - slot.first_week) == ("ready", 2)
    assert list(city.slots.remaining(city.company, [site.id], SOON, 3)[0].left["area_m2"]) == [70, 70, 100]


@pytest.mark.parametrize(("length", "amounts", "week", "error", "code"), [
    (2, {"area_m2": 51}, SOON, Conflict, "micro_threshold"),
    (2, {"area_m2": 101}, SOON, Conflict, "no_capacity"),
    (2, {"area_m2": 1, "power_w": 2000}, SOON, Conflict, "no_capacity"),
    (2, {"area_m2": 1, "gold": 1}, SOON, Invalid, "unknown_resource"),
    (3, {"area_m2": 1}, SOON, Invalid, "invalid_value"),
    (1, {"area_m2": 1}, weeks.parse("2026-04-27"), Invalid, "bad_week"),
    (1, {"area_m2": 1}, SOON + 40, Invalid, "bad_week"),
])  # fmt: skip
def test_what_is_beyond_the_sites_rule_is_refused_and_leaves_nothing(
    city: City, micro: MicroSlots, length: int, amounts: dict[str, int], week: int, error: type[GopsError], code: str
) -> None:
    site = city.site(details=MICRO)
    with pytest.raises(error) as refused:
        taken(micro, city, site, week, length, amounts=amounts)
    assert refused.value.code == code
    assert refused.value.expected
    assert list(city.slots.list(city.planner)) == []


@pytest.mark.parametrize(("consent", "granted"), [
    ("unknown", False), ("asked", False), ("refused", False), ("given", True), ("not_needed", True),
])  # fmt: skip
def test_a_site_whose_owner_has_not_agreed_gives_none(
    city: City, micro: MicroSlots, consent: str, granted: bool
) -> None:
    site = city.site(details=MICRO | {"consent": consent})
    if granted:
        assert taken(micro, city, site).state == "ready"
        return
    with pytest.raises(Conflict) as refused:
        taken(micro, city, site)
    assert (refused.value.code, refused.value.found) == ("no_consent", consent)


def test_holder_and_municipality_are_told(city: City, micro: MicroSlots) -> None:
    slot = taken(micro, city, city.site(details=MICRO))
    micro.give_back(city.company, slot.id)
    with city.database.read() as session:
        rows = session.scalars(select(Notice).order_by(Notice.id)).all()
    both = [city.robots.id, city.suwon.id]
    assert [(row.event, row.organisation_id) for row in rows] == [
        *(("slot.micro", home) for home in both), *(("slot.given_back", home) for home in both)
    ]  # fmt: skip


def test_one_a_company_and_quarter_until_it_is_given_back(city: City, micro: MicroSlots) -> None:
    site, other = city.site(details=MICRO), city.site(details=MICRO)
    first = taken(micro, city, site)
    with pytest.raises(Conflict) as refused:
        taken(micro, city, other, SOON + 4)
    assert refused.value.code == "micro_slot_used"
    taken(micro, city, other, NEXT_QUARTER)
    taken(micro, city, other, SOON, who=city.rival, home="drones")
    with pytest.raises(NotFound):
        micro.give_back(city.rival, first.id)
    assert micro.give_back(city.company, first.id).state == "cancelled"
    assert taken(micro, city, site, SOON + 4).state == "ready"
    with pytest.raises(Conflict):
        micro.give_back(city.company, first.id)


def test_an_ordinary_slot_is_not_given_back_this_way(city: City, micro: MicroSlots) -> None:
    slot = city.slots.book(city.planner, city.site().id, "robots", SOON, 1, {"area_m2": 1})
    with pytest.raises(NotFound):
        micro.give_back(city.company, slot.id)


def test_a_site_without_the_rule_gives_none_and_a_city_takes_none(city: City, micro: MicroSlots) -> None:
    with pytest.raises(Conflict) as refused:
        taken(micro, city, city.site())
    assert refused.value.code == "no_micro_slots"
    owner = city.people.actor(city.seongnam, "owner")
    with pytest.raises(Forbidden) as forbidden:
        taken(micro, city, city.site(details=MICRO), who=owner, home="seongnam")
    assert forbidden.value.code == "wrong_organisation_kind"
    with pytest.raises(Forbidden):
        taken(micro, city, city.site(details=MICRO), who=city.rival, home="robots")


def test_how_many_a_quarter_is_a_setting(city: City) -> None:
    two = MicroSlots(city.database, city.clock, load({"GOPS_MICRO_SLOTS_QUARTER": "2"}))
    site = city.site(details=MICRO)
    for week in (SOON, SOON + 2):
        taken(two, city, site, week)
    with pytest.raises(Conflict):
        taken(two, city, site, SOON + 4)


def test_quarters_are_those_of_the_first_monday() -> None:
    assert quarter(weeks.parse("2026-12-28")) == 2026 * 4 + 3
    assert quarter(weeks.parse("2027-01-04")) == 2027 * 4
