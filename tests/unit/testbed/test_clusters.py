"""Action clusters: formed by an accepted offer, confirmed by their members, active only with a city and a company."""

from __future__ import annotations

from typing import Any

import pytest

from gops.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated
from gops.permissions import ANONYMOUS
from gops.testbed.clusters import writing
from gops.testbed.clusters.service import Shown
from tests.unit.testbed.conftest import City


@pytest.fixture
def cluster(city: City) -> Shown:
    site = city.site()
    call = city.call(terms={"sites": [site.id]})
    city.to("2026-06-02T09:00")
    application = city.apply(call, [site], summary="trade secret")
    city.scored(call, {application.id: 9000})
    city.final(call)
    (offer,) = city.offers.list(city.company)
    city.offers.answer(city.company, offer.id, "accepted")
    (found,) = city.clusters.list(city.company)
    return found


def members(shown: Shown) -> list[tuple[str, str]]:
    return [(row.part, row.state) for row in shown.members]


def test_an_accepted_offer_forms_a_cluster(city: City, cluster: Shown) -> None:
    assert (cluster.cluster.state, cluster.cluster.title) == ("forming", "Sweeping robots")
    assert sorted(members(cluster)) == [("company", "confirmed"), ("municipality", "invited")]
    public = city.clusters.get(ANONYMOUS, cluster.cluster.id)
    assert members(public) == [("company", "confirmed")]
    assert "trade secret" not in public.cluster.purpose


def test_it_is_active_only_when_both_have_confirmed(city: City, cluster: Shown) -> None:
    number = cluster.cluster.id
    with pytest.raises(Conflict) as lacking:
        city.clusters.move(city.company, number, "active")
    assert (lacking.value.code, lacking.value.found) == ("cluster_incomplete", "municipality")
    city.clusters.answer(city.planner, number, "suwon", confirmed=True)
    assert city.clusters.move(city.planner, number, "active").cluster.state == "active"
    left = city.clusters.answer(city.planner, number, "suwon", confirmed=False)
    assert (left.cluster.state, members(left)) == ("forming", [("company", "confirmed")])


def test_a_member_invites_and_the_invited_confirms(city: City, cluster: Shown) -> None:
    number = cluster.cluster.id
    people = city.people.organisation("neighbours", "citizen_group")
    resident = city.people.actor(people, "owner")
    with pytest.raises(Invalid):
        city.clusters.invite(city.company, number, "neighbours", "municipality")
    assert city.clusters.invite(city.company, number, "neighbours").part == "residents"
    with pytest.raises(Conflict):
        city.clusters.invite(city.company, number, "neighbours")
    with pytest.raises(Forbidden):
        city.clusters.answer(city.rival, number, "neighbours", confirmed=True)
    with pytest.raises(Forbidden):
        city.clusters.answer(city.company, number, "neighbours", confirmed=True)
    assert ("residents", "confirmed") in members(city.clusters.answer(resident, number, "neighbours", confirmed=True))
    with pytest.raises(Forbidden):
        city.clusters.answer(city.company, number, "neighbours", confirmed=False)


def test_only_members_that_have_confirmed_change_it(city: City, cluster: Shown) -> None:
    """The planner's city is invited, and has not confirmed."""
    number = cluster.cluster.id
    for actor in (city.rival, city.planner, city.neighbour, city.auditor, ANONYMOUS):
        with pytest.raises((Forbidden, Unauthenticated)):
            city.clusters.edit(actor, number, {"goal": "clean-streets"})
        with pytest.raises((Forbidden, Unauthenticated)):
            city.clusters.invite(actor, number, "drones")
        with pytest.raises((Forbidden, Unauthenticated)):
            city.clusters.move(actor, number, "closed")
        with pytest.raises((Forbidden, Unauthenticated)):
            city.clusters.group(actor, number, None)


def test_it_says_what_it_wants_and_is_found_by_it(city: City, cluster: Shown) -> None:
    number = cluster.cluster.id
    kpis = [{"name": "먼지", "unit": "ug/m3", "baseline": 31.5, "target": None}]
    milestones = [{"title": "첫 주행", "due": "2026-10-01"}]
    shown = city.clusters.edit(city.company, number, {
        "goal": "clean-streets", "solution": "sweeping-robots", "purpose": "깨끗한 거리 100%", "kpis": kpis,
        "milestones": milestones,
    }).cluster  # fmt: skip
    assert (shown.kpis, shown.milestones[0]["state"]) == (kpis, "planned")
    searches: list[tuple[dict[str, str], int]] = [
        ({"goal": "clean-streets"}, 1), ({"goal": "quiet"}, 0), ({"text": "거리 100%"}, 1), ({"text": "100_"}, 0),
        ({"state": "active"}, 0), ({"solution": "sweeping-robots"}, 1),
    ]  # fmt: skip
    for asked, count in searches:
        assert len(city.clusters.list(ANONYMOUS, **asked)) == count, asked  # type: ignore[arg-type]


WRONG: tuple[tuple[dict[str, Any], str], ...] = (
    ({"goal": "Clean streets"}, "goal"),
    ({"kpis": "many"}, "kpis"),
    ({"kpis": [{"unit": "m"}]}, "kpis[0].name"),
    ({"kpis": [{"name": "a", "target": "x"}]}, "kpis[0].target"),
    ({"kpis": [{"name": "a", "x": 1}]}, "kpis[0].x"),
    ({"milestones": [{"title": "a", "due": "soon"}]}, "milestones[0].due"),
    ({"milestones": [1]}, "milestones[0]"),
    ({"milestones": [{"title": "a", "due": "2026-10-01"}] * 51}, "milestones"),
)


def test_what_it_cannot_say_is_named() -> None:
    for given, field in WRONG:
        with pytest.raises(Invalid) as refused:
            writing.read(given)
        assert refused.value.field == field


def test_superclusters_group_one_goal_and_one_solution(city: City, cluster: Shown) -> None:
    number = cluster.cluster.id
    made = city.clusters.found(city.planner, "suwon", "깨끗한 거리", "Clean streets", "clean-streets", "robots")
    with pytest.raises(Conflict) as twice:
        city.clusters.found(city.neighbour, "seongnam", "같은 것", "The same", "clean-streets", "robots")
    assert twice.value.code == "supercluster_taken"
    with pytest.raises(Forbidden):
        city.clusters.found(city.company, "robots", "가", "a", "g", "s")
    with pytest.raises(Conflict) as unlike:
        city.clusters.group(city.company, number, made.id)
    assert unlike.value.code == "supercluster_unlike"
    city.clusters.edit(city.company, number, {"goal": "clean-streets", "solution": "robots"})
    city.clusters.group(city.company, number, made.id)
    assert [row.cluster.id for row in city.clusters.list(ANONYMOUS, supercluster=made.id)] == [number]
    with pytest.raises(NotFound):
        city.clusters.group(city.company, number, 99)
    city.clusters.edit(city.company, number, {"goal": "quiet-nights"})
    assert city.clusters.list(ANONYMOUS, supercluster=made.id) == []
    assert [row.id for row in city.clusters.superclusters(goal="clean-streets")] == [made.id]


def test_a_closed_cluster_stays_as_it_is(city: City, cluster: Shown) -> None:
    city.clusters.move(city.company, cluster.cluster.id, "closed")
    with pytest.raises(Conflict):
        city.clusters.edit(city.company, cluster.cluster.id, {"purpose": "more"})
