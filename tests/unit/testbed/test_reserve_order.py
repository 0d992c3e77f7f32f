"""Who follows when an offer is declined, under every mechanism; and municipalities' own scores from entry to offer."""

from __future__ import annotations

import pytest

from gops.testbed.allocation.verify import verify
from gops.testbed.model import Application, Call
from gops.testbed.review.municipal import MunicipalScores
from tests.unit.testbed.conftest import City


def states(city: City, rows: list[Application]) -> list[str]:
    known = {row.id: row.state for row in city.applications.list(city.operator)}
    return [known[row.id] for row in rows]


def turns(city: City, call: Call) -> list[int]:
    return [row.id for _, row in city.offers.reserve(city.operator, call.slug)]


def decline(city: City, row: Application) -> None:
    offer = next(one for one in city.offers.list(city.operator) if one.application_id == row.id)
    city.offers.answer(city.company, offer.id, "declined")


@pytest.mark.parametrize("mechanism", ["fair", "optimal"])
def test_the_highest_score_whom_it_fits_follows(city: City, mechanism: str) -> None:
    """Of 100 m2 one takes 60; three of 90, 60 and 60 m2 wait in the order of their scores, wherever cutoffs stood: when
    the first declines, the one of 90 follows, and nobody beside it."""
    site = city.site()
    call = city.call(terms={"sites": [site.id], "mechanism": mechanism})
    city.to("2026-06-02T09:00")
    rows = [city.apply(call, [site], needs={"area_m2": need}) for need in (60, 90, 60, 60)]
    city.scored(call, dict(zip([row.id for row in rows], (9000, 8000, 6000, 7000), strict=True)))
    assert verify(city.rounds.file(city.operator, call.slug, city.final(call).revision)).is_true
    assert states(city, rows) == ["offered", "reserve", "reserve", "reserve"]
    assert turns(city, call) == [rows[1].id, rows[3].id, rows[2].id]
    decline(city, rows[0])
    assert states(city, rows) == ["declined", "offered", "reserve", "reserve"]


def test_municipal_scores_decide_at_their_own_sites_and_the_highest_of_them_in_reserve(city: City) -> None:
    own, other = city.site(), city.site(city.neighbour)
    terms = {"mechanism": "fair", "review": {"scoring": "municipal"}, "sites": [own.id, other.id]}
    call, scores = city.call(terms=terms), MunicipalScores(city.database, city.clock)
    city.to("2026-06-02T09:00")
    rows = [city.apply(call, sites) for sites in ([own, other], [own, other], [own], [other])]
    first, second, third, fourth = [row.id for row in rows]
    city.to("2026-07-01T09:00")
    city.calls.advance()
    scores.enter(city.planner, call.slug, "suwon", {first: 5000, second: 9000, third: 7000})
    scores.enter(city.neighbour, call.slug, "seongnam", {first: 8000, second: 1000, fourth: 7500})
    city.scores.finish(city.planner, call.slug)
    made = city.final(call)
    report = verify(city.rounds.file(city.operator, call.slug, made.revision))
    assert (report.is_true, report.envy_pairs, report.placed) == (True, 0, 2)
    assert states(city, rows) == ["offered", "offered", "reserve", "reserve"]
    offers = {row.application_id: city.slots.get(city.operator, row.slot_id).site_id
              for row in city.offers.list(city.operator)}  # fmt: skip
    assert offers == {first: other.id, second: own.id}
    assert turns(city, call) == [fourth, third]
    decline(city, rows[1])
    assert states(city, rows) == ["offered", "declined", "offered", "reserve"]
