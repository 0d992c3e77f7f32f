"""What a call allocates: further resources of sites and their equipment, from terms to slots."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gops.errors import Conflict, Invalid
from gops.permissions import ANONYMOUS
from gops.testbed.allocation.verify import verify
from gops.testbed.model import Site
from tests.unit.testbed.conftest import FIRST_WEEK, City

CHARGER = {"equipment": [{"kind": "charger", "count": 2, "operator": True}, {"kind": "charger", "count": 1}]}
RESOURCES = ["visitors", "area_m2", "equipment.charger", "equipment.charger.operator"]


def wants(count: int, *, operator: bool = False) -> dict[str, Any]:
    return {"equipment": [{"kind": "charger", "count": count, "operator": operator}]}


@pytest.fixture
def site(city: City) -> Site:
    return city.site(capacity={"area_m2": 1000, "power_w": 5000, "visitors": 100}, details=CHARGER)


def published(city: City, site: Site, mechanism: str, applications: list[dict[str, Any]]) -> Any:
    """The round file of a call about one site, scores falling from the first application on."""
    call = city.call(terms={"sites": [site.id], "resources": RESOURCES, "mechanism": mechanism})
    city.to("2026-06-02T09:00")
    made = [city.apply(call, [site], **{"needs": {"area_m2": 1}, **one}) for one in applications]
    city.scored(call, {row.id: 9000 - at for at, row in enumerate(made)})
    round_ = city.published(call)
    data = city.rounds.file(ANONYMOUS, call.slug, round_.revision)
    assert verify(data).is_true
    return json.loads(data)


def test_a_call_allocates_area_and_power_unless_it_says_otherwise(city: City) -> None:
    city.site()
    assert city.call().terms["resources"] == ["area_m2", "power_w"]


@pytest.mark.parametrize("mechanism", ["ranked", "fair", "optimal"])
def test_what_a_call_names_is_never_given_twice(city: City, site: Site, mechanism: str) -> None:
    """100 visitors: 60 and 40 fit, 30 more do not; no other resource is short."""
    document = published(city, site, mechanism, [{"needs": {"area_m2": 1, "visitors": n}} for n in (60, 30, 40)])
    instance = document["inputs"]["instance"]
    assert instance["resources"] == ["area_m2", "equipment.charger", "equipment.charger.operator", "visitors"]
    assert instance["sites"][0]["capacity"][0] == [1000, 3, 2, 100]
    used = [row["needs"][3] for row in instance["applications"]
            if [row["id"], None, None] not in document["outcome"]]  # fmt: skip
    assert sum(used) <= 100
    (refusal,) = document["refusals"]
    assert [lack["what"] for lack in refusal["sites"][0]["lacks"]] == ["visitors"]


def test_equipment_is_counted_and_booked_with_the_place(city: City, site: Site) -> None:
    """Three chargers, two of them with an operator: 2 with one, then 1 of the others; a fourth has none."""
    wanted = [{"details": wants(2, operator=True)}, {"details": wants(1, operator=True)}, {"details": wants(1)},
              {"details": wants(1)}]  # fmt: skip
    document = published(city, site, "ranked", wanted)
    whats = sorted(lack["what"] for row in document["refusals"] for lack in row["sites"][0]["lacks"])
    assert whats == ["equipment.charger", "equipment.charger.operator"]
    left = city.slots.remaining(ANONYMOUS, [site.id], FIRST_WEEK, 3)[0].left
    assert left["equipment.charger"] == [0, 0, 3]
    assert left["equipment.charger.operator"] == [0, 0, 2]
    with pytest.raises(Conflict, match=r"0 of equipment\.charger left"):
        city.slots.book(city.planner, site.id, "drones", FIRST_WEEK, 1, {"area_m2": 1, "equipment.charger": 1})
    with pytest.raises(Conflict) as refused:
        city.sites.edit(city.planner, site.id, details={"equipment": []})
    assert (refused.value.code, refused.value.field) == ("site_booked", "equipment.charger")


def test_who_moves_up_takes_what_was_freed_of_every_resource(city: City, site: Site) -> None:
    call = city.call(terms={"sites": [site.id], "resources": RESOURCES})
    city.to("2026-06-02T09:00")
    needs = [{"area_m2": 1, "visitors": 80}, {"area_m2": 1, "visitors": 90}]
    first, second = (city.apply(call, [site], needs=one) for one in needs)
    city.scored(call, {first.id: 9000, second.id: 8000})
    city.final(call)
    (offer,) = city.offers.list(city.company, call.slug)
    city.offers.answer(city.company, offer.id, "declined")
    states = {row.id: row.state for row in city.applications.list(city.company, call.slug)}
    assert states == {first.id: "declined", second.id: "offered"}
    assert city.slots.remaining(ANONYMOUS, [site.id], FIRST_WEEK, 1)[0].left["visitors"] == [10]


@pytest.mark.parametrize(
    ("resources", "code", "field"),
    [
        (["area_m2", "tables"], "unknown_resource", "terms.resources[1]"),
        (["area_m2", "equipment.crane"], "unknown_resource", "terms.resources[1]"),
        (["area_m2", "band"], "unknown_resource", "terms.resources[1]"),
        (["area_m2", "Area"], "unknown_resource", "terms.resources[1]"),
        (["power_w"], "invalid_value", "terms.resources"),
        (["area_m2", "area_m2"], "invalid_value", "terms.resources[1]"),
        ([], "invalid_value", "terms.resources"),
        ("area_m2", "invalid_value", "terms.resources"),
    ],
)
def test_resources_that_no_site_of_the_call_has_are_refused(
    city: City, site: Site, resources: Any, code: str, field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        city.call(terms={"sites": [site.id], "resources": resources})
    assert (refused.value.code, refused.value.field) == (code, field)
    if field == "terms.resources[1]" and resources[1] in ("tables", "equipment.crane"):
        known = "area_m2, power_w, equipment.charger, equipment.charger.operator, visitors"
        assert refused.value.expected == f"one of those of the call's sites: {known}"


def test_needs_that_the_call_does_not_allocate_are_refused_with_those_it_does(city: City, site: Site) -> None:
    call = city.call(terms={"sites": [site.id], "resources": RESOURCES})
    city.to("2026-06-02T09:00")
    for name in ("power_w", "equipment.charger"):
        with pytest.raises(Invalid) as refused:
            city.apply(call, [site], needs={"area_m2": 1, name: 1})
        assert (refused.value.code, refused.value.expected) == ("unknown_resource", "one of area_m2, visitors")


def test_equipment_is_no_capacity_of_its_own(city: City) -> None:
    with pytest.raises(Invalid) as refused:
        city.site(capacity={"area_m2": 1, "equipment.charger": 3})
    assert refused.value.expected == "equipment in details.equipment"
