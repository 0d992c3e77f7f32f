"""The demo's calls, demands and cluster: one call open, one final with reasons, all by the rules, all once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from gops import compose
from gops.clock import DAY, FixedClock, from_micros
from gops.demo import boards, broker, registry
from gops.demo.broker import ALLOCATED, OPEN, SITES_OF_CALL
from gops.demo.pilots import COMPANIES, TITLES, pilots
from gops.permissions import ANONYMOUS
from gops.record_services import Records
from gops.settings import Settings, load
from gops.testbed.allocation.verify import verify

NOW = 1_795_180_000_000_000


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder: Path = tmp_path_factory.mktemp("demo")
    return load({"GOPS_DATA": str(folder)})


@pytest.fixture(scope="module")
def services(settings: Settings) -> Iterator[Records]:
    """With the sites of the allocated call, and both calls."""
    clock = FixedClock(from_micros(NOW))
    compose.initialise(settings, clock)
    opened = compose.records(settings, clock)
    for city in dict.fromkeys(site.city for site in SITES_OF_CALL):
        own = [site for site in SITES_OF_CALL if site.city == city]
        registry.offer_sites(opened, registry.publisher(opened, city), city, own)
    broker.fill(opened, settings, clock)
    yield opened
    opened.database.close()


def test_the_open_call_opens_now_for_all_offered_sites_with_frozen_criteria(services: Records) -> None:
    call = services.calls.get(ANONYMOUS, OPEN)
    assert (call.state, call.opens_at) == ("open", NOW)
    assert call.closes_at >= NOW + 28 * DAY
    assert len(call.terms["sites"]) == len(SITES_OF_CALL)
    assert sum(criterion["weight"] for criterion in call.terms["criteria"]) == 100
    assert call.terms_hash is not None


def test_the_allocated_call_was_open_for_its_days_and_had_sixty_applications(services: Records) -> None:
    call = services.calls.get(ANONYMOUS, ALLOCATED)
    assert call.state == "final"
    assert call.closes_at - call.opens_at >= 28 * DAY
    assert call.closes_at < NOW
    (published,) = services.rounds.list(ANONYMOUS, ALLOCATED)
    assert (published.state, published.applications) == ("final", 60)
    assert published.published_at is not None
    assert call.closes_at < published.published_at < NOW


def test_its_round_is_true_and_says_why_some_were_not_placed(services: Records) -> None:
    data = services.rounds.file(ANONYMOUS, ALLOCATED, 1)
    report = verify(data)
    assert report.is_true
    assert 40 < report.placed < 60
    refusals = orjson.loads(data)["refusals"]
    assert len(refusals) == 60 - report.placed
    assert all(lack["holders"] for refusal in refusals for site in refusal["sites"] for lack in site["lacks"])
    assert any(refusal["changes"] for refusal in refusals)


def test_demands_are_public_once_and_one_pilot_is_carried_through(services: Records) -> None:
    there = services.demands.list(ANONYMOUS)
    cities = {site.city.slug for site in SITES_OF_CALL}
    assert [row.title_ko for row in there] == [one.title[0] for one in boards.DEMANDS if one.city in cities]
    assert {row.state for row in there} == {"open"}
    (cluster,) = services.clusters.list(ANONYMOUS)
    assert cluster.cluster.state == "active"
    assert {row.part for row in cluster.members} == {"municipality", "company"}
    assert cluster.cluster.kpis


def test_again_nothing_is_added(services: Records, settings: Settings) -> None:
    def counted() -> tuple[int, ...]:
        return (
            len(services.calls.list(ANONYMOUS, limit=1000)),
            len(services.organisations.list(limit=1000)),
            len(services.rounds.list(ANONYMOUS, ALLOCATED)),
            len(services.demands.list(ANONYMOUS)),
            len(services.clusters.list(ANONYMOUS)),
        )

    before = counted()
    broker.fill(services, settings, FixedClock(from_micros(NOW + DAY)))
    assert counted() == before
    assert before[0] == 2


def test_companies_and_titles_are_told_apart() -> None:
    assert len(COMPANIES) == len({company.slug for company in COMPANIES}) == 40
    assert len({company.name_ko for company in COMPANIES}) == len({company.name_en for company in COMPANIES}) == 40
    assert len(set(TITLES)) == 30
    made = list(pilots(SITES_OF_CALL))
    assert len({(pilot.company, pilot.title) for pilot in made}) == len({pilot.nonce for pilot in made}) == 60
    assert made == list(pilots(SITES_OF_CALL))
