"""Sites: made by municipalities, offered to all, never withdrawn or cut under what is booked."""

from __future__ import annotations

from typing import Any

import pytest

from gops.errors import Conflict, Forbidden, GopsError, Invalid, NotFound, Unauthenticated
from gops.geo import parse_bbox
from gops.permissions import ANONYMOUS
from gops.testbed import weeks
from gops.testbed.model import Site
from tests.unit.testbed.conftest import FIRST_WEEK, City, square


def test_a_new_site_is_a_draft_with_its_geodesic_area(city: City) -> None:
    site = city.site(offered=False, area=square(size=0.01))
    assert (site.state, site.organisation_id) == ("draft", city.suwon.id)
    assert site.square_metres == pytest.approx(984_465, rel=0.001)
    assert site.west < site.longitude < site.east
    assert site.south < site.latitude < site.north


def test_power_that_is_not_named_is_none(city: City) -> None:
    assert city.site(capacity={"area_m2": 5}).capacity == {"area_m2": 5, "power_w": 0}


@pytest.mark.parametrize(("change", "field", "code"), [
    ({"area": {"type": "Polygon", "coordinates": []}}, "area.coordinates", "empty_polygon"),
    ({"area": square(37.25, 127.0)}, "area.coordinates[0][0]", "bad_point"),
    ({"area": square(size=0.2)}, "area", "spans_too_much"),
    ({"capacity": {"area_m2": 0}}, "capacity.area_m2", "invalid_value"),
    ({"capacity": {"power_w": 10}}, "capacity.area_m2", "invalid_value"),
    ({"capacity": {"area_m2": 10, "power_w": -1}}, "capacity.power_w", "invalid_value"),
    ({"capacity": {"area_m2": 10, "Water": 1}}, "capacity.'Water'", "unknown_resource"),
    ({"capacity": {"area_m2": 10, "water_l": -1}}, "capacity.water_l", "invalid_value"),
    ({"capacity": {"area_m2": 10} | {f"r{number}": 1 for number in range(16)}}, "capacity", "invalid_value"),
    ({"reference": ""}, "reference", "invalid_value"),
    ({"capacity": [10]}, "capacity", "invalid_value"),
    ({"capacity": {"area_m2": 1.5}}, "capacity.area_m2", "invalid_value"),
    ({"kind": "moon"}, "kind", "invalid_value"),
    ({"name_ko": ""}, "name_ko", "invalid_value"),
    ({"name_en": "a\u202eb"}, "name_en", "invalid_value"),
])  # fmt: skip
def test_a_wrong_site_is_refused_with_its_place(city: City, change: dict[str, Any], field: str, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        city.site(**change)
    assert (refused.value.field, refused.value.code) == (field, code)
    assert refused.value.expected


def test_only_a_municipality_has_sites(city: City) -> None:
    owner = city.people.actor(city.robots, "owner")
    with pytest.raises(Forbidden) as refused:
        city.sites.create(owner, "robots", name_ko="가", name_en="A", kind="park", area=square(),
                          capacity={"area_m2": 1})  # fmt: skip
    assert refused.value.code == "not_a_municipality"


@pytest.mark.parametrize("who", ["neighbour", "company", "operator", "anonymous"])
def test_nobody_makes_a_site_of_another_municipality(city: City, who: str) -> None:
    actor = ANONYMOUS if who == "anonymous" else getattr(city, who)
    with pytest.raises(Unauthenticated if who == "anonymous" else Forbidden):
        city.sites.create(actor, "suwon", name_ko="가", name_en="A", kind="park", area=square(),
                          capacity={"area_m2": 1})  # fmt: skip


@pytest.mark.parametrize("state", ["draft", "paused", "withdrawn"])
def test_a_site_that_is_not_offered_is_its_owners_alone(city: City, state: str) -> None:
    site = city.site(offered=False)
    if state != "draft":
        city.sites.move(city.planner, site.id, "offered")
        city.sites.move(city.planner, site.id, state)
    assert city.sites.get(city.planner, site.id).state == state
    for actor in (ANONYMOUS, city.neighbour, city.company, city.operator):
        with pytest.raises(NotFound):
            city.sites.get(actor, site.id)
        with pytest.raises(NotFound):
            city.sites.edit(actor, site.id, name_ko="나")
        assert list(city.sites.list(actor)) == []


@pytest.mark.parametrize("who", ["neighbour", "company", "operator", "anonymous"])
def test_an_offered_site_is_seen_by_all_and_changed_by_its_owner(city: City, who: str) -> None:
    actor = ANONYMOUS if who == "anonymous" else getattr(city, who)
    site = city.site()
    assert city.sites.get(actor, site.id).id == site.id
    for act in (
        lambda: city.sites.edit(actor, site.id, name_ko="나"),
        lambda: city.sites.move(actor, site.id, "paused"),
        lambda: city.sites.close_weeks(actor, site.id, []),
    ):
        with pytest.raises((Forbidden, Unauthenticated)):
            act()


def test_what_is_given_is_edited_and_the_rest_stays(city: City) -> None:
    site = city.site()
    edited = city.sites.edit(city.planner, site.id, name_en="Riverside", area=square(127.5))
    assert (edited.name_en, edited.name_ko, edited.west) == ("Riverside", site.name_ko, 127.5)


def test_a_withdrawn_site_changes_no_more(city: City) -> None:
    site = city.site()
    city.sites.move(city.planner, site.id, "withdrawn")
    with pytest.raises(Conflict):
        city.sites.edit(city.planner, site.id, name_ko="나")
    with pytest.raises(Conflict) as refused:
        city.sites.move(city.planner, site.id, "offered")
    assert refused.value.code == "illegal_move"


def test_sites_are_listed_by_municipality_place_and_kind(city: City) -> None:
    park, street = city.site(), city.site(kind="street")
    far = city.site(city.neighbour)

    def ids(**options: Any) -> list[int]:
        return [site.id for site in city.sites.list(ANONYMOUS, **options)]

    assert ids() == [park.id, street.id, far.id]
    assert ids(organisation_slug="seongnam") == [far.id]
    assert ids(kind="street") == [street.id]
    assert ids(bbox=parse_bbox("127.0995,37.0,127.1005,38.0")) == [park.id]
    assert ids(bbox=parse_bbox("10,10,20,20")) == []
    assert ids(after=park.id, limit=1) == [street.id]
    with pytest.raises(Invalid):
        ids(kind="moon")


def test_the_sites_of_a_call_are_those_it_froze(city: City) -> None:
    chosen, _other = city.site(), city.site()
    call = city.call(terms={"sites": [chosen.id]})
    assert [site.id for site in city.sites.list(ANONYMOUS, call=call.slug)] == [chosen.id]


def booked(city: City, site: Site, area: int = 60) -> None:
    city.slots.book(city.planner, site.id, "robots", FIRST_WEEK, 2, {"area_m2": area})


def test_capacity_is_not_cut_below_what_is_booked(city: City) -> None:
    site = city.site()
    booked(city, site)
    city.sites.edit(city.planner, site.id, capacity={"area_m2": 60})
    with pytest.raises(Conflict) as refused:
        city.sites.edit(city.planner, site.id, capacity={"area_m2": 59})
    assert (refused.value.code, refused.value.field) == ("site_booked", "area_m2")
    assert city.sites.get(city.planner, site.id).capacity["area_m2"] == 60


def test_weeks_that_are_booked_are_not_closed(city: City) -> None:
    site = city.site()
    booked(city, site)
    city.sites.close_weeks(city.planner, site.id, [(FIRST_WEEK + 2, 1, "festival")])
    with pytest.raises(Conflict):
        city.sites.close_weeks(city.planner, site.id, [(FIRST_WEEK + 1, 1, "works")])
    (closure,) = city.sites.closures(ANONYMOUS, site.id)
    assert (closure.first_week, closure.end_week, closure.reason) == (FIRST_WEEK + 2, FIRST_WEEK + 3, "festival")


def test_a_site_with_slots_is_paused_but_not_withdrawn(city: City) -> None:
    site = city.site()
    booked(city, site)
    with pytest.raises(Conflict) as refused:
        city.sites.move(city.planner, site.id, "withdrawn")
    assert refused.value.code == "site_booked"
    assert city.sites.move(city.planner, site.id, "paused").state == "paused"


def test_a_site_that_a_closed_call_counts_on_stays(city: City) -> None:
    site = city.site()
    call = city.call()
    city.to("2026-06-02T09:00")
    city.apply(call, [site])
    city.to("2026-07-01T09:00")
    for state in ("paused", "withdrawn"):
        with pytest.raises(Conflict) as refused:
            city.sites.move(city.planner, site.id, state)
        assert refused.value.code == "site_in_round"


@pytest.mark.parametrize(("closure", "field"), [
    ((FIRST_WEEK, 0, ""), "closures[0].weeks"),
    ((FIRST_WEEK, 10_000, ""), "closures[0].weeks"),
    ((FIRST_WEEK + 10_000, 1, ""), "closures[0].first_week"),
])  # fmt: skip
def test_a_wrong_closure_is_refused(city: City, closure: tuple[int, int, str], field: str) -> None:
    site = city.site()
    with pytest.raises(Invalid) as refused:
        city.sites.close_weeks(city.planner, site.id, [closure])
    assert refused.value.field == field


def test_closures_and_sites_are_bounded(city: City) -> None:
    site = city.site()
    with pytest.raises(Conflict, match="site_closures"):
        city.sites.close_weeks(city.planner, site.id, [(FIRST_WEEK, 1, "")] * 201)


def test_what_is_left_is_capacity_less_slots_and_closures(city: City) -> None:
    site, other = city.site(), city.site(capacity={"area_m2": 7})
    booked(city, site)
    city.sites.close_weeks(city.planner, site.id, [(FIRST_WEEK + 3, 1, "")])
    first, second = city.slots.remaining(ANONYMOUS, [other.id, site.id], FIRST_WEEK - 1, 6)
    assert first.left["area_m2"] == [100, 40, 40, 100, 0, 100]
    assert first.left["power_w"] == [1000, 1000, 1000, 1000, 0, 1000]
    assert (first.closed, second.left["area_m2"]) == ({FIRST_WEEK + 3}, [7] * 6)


def test_the_calendar_of_a_hidden_site_is_hidden(city: City) -> None:
    with pytest.raises(NotFound):
        city.slots.remaining(ANONYMOUS, [city.site(offered=False).id], FIRST_WEEK, 1)


@pytest.mark.parametrize("length", [0, 105, -1])
def test_a_calendar_is_bounded(city: City, length: int) -> None:
    with pytest.raises(Invalid) as refused:
        city.slots.remaining(ANONYMOUS, [city.site().id], FIRST_WEEK, length)
    assert "GOPS_CALENDAR_WEEKS" in str(refused.value.expected)


def test_a_foreign_slot_is_not_found(city: City) -> None:
    site = city.site()
    slot = city.slots.book(city.planner, site.id, "robots", FIRST_WEEK, 2, {"area_m2": 1})
    assert city.slots.get(city.company, slot.id).id == slot.id
    assert city.slots.get(city.planner, slot.id).id == slot.id
    for actor in (ANONYMOUS, city.rival, city.neighbour):
        with pytest.raises(NotFound):
            city.slots.get(actor, slot.id)
        with pytest.raises(NotFound):
            city.slots.move(actor, slot.id, "cancelled")
    for actor in (city.rival, city.neighbour):
        assert list(city.slots.list(actor)) == []
    with pytest.raises(Unauthenticated):
        city.slots.list(ANONYMOUS)
    assert [row.id for row in city.slots.list(city.company, site_id=site.id)] == [slot.id]


def test_the_holder_of_a_slot_does_not_move_it(city: City) -> None:
    slot = city.slots.book(city.planner, city.site().id, "robots", FIRST_WEEK, 2, {"area_m2": 1})
    with pytest.raises(NotFound):
        city.slots.move(city.company, slot.id, "conditions")


@pytest.mark.parametrize(("week", "length", "amounts", "error", "code"), [
    (FIRST_WEEK, 1, {"area_m2": 101}, Conflict, "no_capacity"),
    (FIRST_WEEK, 1, {"area_m2": 1, "power_w": 1001}, Conflict, "no_capacity"),
    (FIRST_WEEK + 4, 2, {"area_m2": 1}, Conflict, "site_closed"),
    (FIRST_WEEK, 0, {"area_m2": 1}, Invalid, "invalid_value"),
    (FIRST_WEEK, 1, {"area_m2": 0}, Invalid, "bad_need"),
    (FIRST_WEEK, 1, {"area_m2": -1}, Invalid, "bad_need"),
    (FIRST_WEEK, 1, {}, Invalid, "bad_need"),
    (FIRST_WEEK + 9999, 1, {"area_m2": 1}, Invalid, "bad_week"),
])  # fmt: skip
def test_a_booking_that_cannot_be_is_refused(
    city: City, week: int, length: int, amounts: dict[str, int], error: type[GopsError], code: str
) -> None:
    site = city.site()
    city.sites.close_weeks(city.planner, site.id, [(FIRST_WEEK + 5, 1, "")])
    with pytest.raises(error) as refused:
        city.slots.book(city.planner, site.id, "robots", week, length, amounts)
    assert refused.value.code == code
    assert refused.value.expected


def test_a_refused_booking_names_the_week_and_what_is_left(city: City) -> None:
    site = city.site()
    booked(city, site)
    with pytest.raises(Conflict) as refused:
        city.slots.book(city.planner, site.id, "drones", FIRST_WEEK - 2, 4, {"area_m2": 41})
    monday = weeks.name(FIRST_WEEK)
    assert (refused.value.field, refused.value.expected) == ("amounts.area_m2", f"at most 40 in the week of {monday}")


def test_a_paused_site_takes_no_booking(city: City) -> None:
    site = city.site()
    city.sites.move(city.planner, site.id, "paused")
    with pytest.raises(Conflict) as refused:
        booked(city, site)
    assert refused.value.code == "site_not_offered"


def test_a_cancelled_slot_gives_back_what_it_held(city: City) -> None:
    site = city.site()
    slot = city.slots.book(city.planner, site.id, "robots", FIRST_WEEK, 2, {"area_m2": 100})
    city.slots.move(city.planner, slot.id, "cancelled", "no insurance")
    booked(city, site)
    with pytest.raises(Conflict) as refused:
        city.slots.move(city.planner, slot.id, "ready")
    assert refused.value.code == "illegal_move"


def test_a_site_has_further_resources_and_details_that_are_edited_key_by_key(city: City) -> None:
    site = city.site(
        capacity={"water_l": 500, "area_m2": 10},
        reference="SW-17",
        details={"tags": ["drone", "drone"], "bands": ["b920"], "equipment": [{"kind": "charger", "count": 2}]},
    )
    assert site.capacity == {"area_m2": 10, "power_w": 0, "water_l": 500}
    assert site.facts["equipment"] == [{"kind": "charger", "count": 2, "operator": False, "note": ""}]
    edited = city.sites.edit(city.planner, site.id, details={"consent": "given"})
    assert (edited.facts["consent"], edited.facts["tags"], edited.facts["micro"]) == ("given", ["drone"], None)
    assert edited.revision > 0


def test_a_reference_is_one_sites_of_a_municipality(city: City) -> None:
    city.site(reference="A-1")
    city.site(city.neighbour, reference="A-1")
    other = city.site()
    for act in (
        lambda: city.site(reference="A-1"),
        lambda: city.sites.edit(city.planner, other.id, reference="A-1"),
    ):
        with pytest.raises(Conflict) as refused:
            act()
        assert refused.value.code == "reference_taken"


@pytest.mark.parametrize(("details", "field"), [
    ([], "details"),
    ({"colour": "red"}, "details.colour"),
    ({"zone": "free"}, "details.zone"),
    ({"consent": True}, "details.consent"),
    ({"tags": "drone"}, "details.tags"),
    ({"tags": ["two words"]}, "details.tags[0]"),
    ({"bands": ["B 920"]}, "details.bands[0]"),
    ({"bands": ["b"] * 17}, "details.bands"),
    ({"equipment": [{"kind": "crane", "count": 0}]}, "details.equipment[0].count"),
    ({"equipment": [{"kind": "crane", "operator": "yes"}]}, "details.equipment[0].operator"),
    ({"equipment": [{"name": "crane"}]}, "details.equipment[0].name"),
    ({"opening": [{"days": ["mon"], "from": "18:00", "until": "09:00"}]}, "details.opening[0].until"),
    ({"opening": [{"days": ["mon"], "from": "9", "until": "10:00"}]}, "details.opening[0].from"),
    ({"opening": [{"days": [], "from": "09:00", "until": "10:00"}]}, "details.opening[0].days"),
    ({"micro": {"keep": {"area_m2": -1}}}, "details.micro.keep.area_m2"),
    ({"micro": {"weeks": 14}}, "details.micro.weeks"),
    ({"exemptions": ["a\u202eb"]}, "details.exemptions[0]"),
])  # fmt: skip
def test_wrong_details_are_refused_with_their_place(city: City, details: Any, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        city.site(details=details)
    assert refused.value.field == field
    assert refused.value.expected
