"""A testbed on SQLite and on PostgreSQL: two municipalities, two companies, an operator, an auditor."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

from gops.accounts.model import Organisation
from gops.clock import FixedClock, to_micros
from gops.permissions import Actor
from gops.records.database import Database
from gops.settings import Settings
from gops.testbed import weeks
from gops.testbed.appeals.service import Appeals
from gops.testbed.appeals.settling import Settling
from gops.testbed.applications import Applications, Draft
from gops.testbed.calls import Calls
from gops.testbed.clock_table import clock_table
from gops.testbed.clocks import Clocks
from gops.testbed.clusters.service import Clusters
from gops.testbed.model import Application, Call, Round, Site
from gops.testbed.offers.service import Offers
from gops.testbed.rounds import Rounds
from gops.testbed.scores import Scores
from gops.testbed.sites import Sites
from gops.testbed.slots import Slots
from tests.conftest import People

SEOUL = dt.timezone(dt.timedelta(hours=9))
FIRST_WEEK = weeks.parse("2026-09-07")


def at(text: str) -> int:
    """A moment of Seoul's clock."""
    return to_micros(dt.datetime.fromisoformat(text).replace(tzinfo=SEOUL))


def square(west: float = 127.0, south: float = 37.25, size: float = 0.001) -> dict[str, Any]:
    east, north = west + size, south + size
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


TERMS: dict[str, Any] = {
    "first_week": "2026-09-07",
    "weeks": 12,
    "criteria": [{"name": "impact", "weight": 60}, {"name": "plan", "weight": 40}],
    "rules": {"organisation_kinds": ["company", "university"], "trl_min": 4, "duration_max": 8},
    "bands": [{"id": "b920"}, {"id": "lora", "separation_m": 2000}],
}


class City:
    """Services over one database, people who act on them, and short ways to make what a test needs."""

    def __init__(self, database: Database, clock: FixedClock, settings: Settings, people: People) -> None:
        self.database = database
        self.clock = clock
        self.settings = settings
        self.people = people
        self.sites = Sites(database, clock, settings)
        self.slots = Slots(database, clock, settings)
        self.calls = Calls(database, clock, settings)
        self.applications = Applications(database, clock, settings)
        self.scores = Scores(database, clock)
        self.rounds = Rounds(database, clock, settings)
        self.offers = Offers(database, clock, settings)
        self.clusters = Clusters(database, clock)
        self.appeals = Appeals(database, clock, settings)
        self.settling = Settling(database, clock, settings, self.rounds)
        self.clocks = Clocks(database, clock, clock_table(settings))
        self.suwon: Organisation = people.organisation("suwon")
        self.seongnam: Organisation = people.organisation("seongnam")
        self.robots: Organisation = people.organisation("robots", "company")
        self.drones: Organisation = people.organisation("drones", "company")
        self.gops: Organisation = people.organisation("gops", "operator")
        self.planner = people.actor(self.suwon, "publisher")
        self.neighbour = people.actor(self.seongnam, "publisher")
        self.company = people.actor(self.robots, "applicant")
        self.rival = people.actor(self.drones, "applicant")
        self.operator = people.actor(self.gops, "owner", "operator")
        self.auditor = people.actor(self.gops, "auditor")
        self._made = 0

    def site(self, actor: Actor | None = None, *, offered: bool = True, **options: Any) -> Site:
        """100 m2 and 1,000 W in Suwon unless told otherwise; each a tenth of a degree from the one before."""
        self._made += 1
        who = actor or self.planner
        slug = "seongnam" if who is self.neighbour else "suwon"
        wanted: dict[str, Any] = {
            "name_ko": f"부지 {self._made}",
            "name_en": f"Site {self._made}",
            "kind": "park",
            "area": square(127.0 + self._made / 10),
            "capacity": {"area_m2": 100, "power_w": 1000},
        }
        site = self.sites.create(who, slug, **(wanted | options))
        return self.sites.move(who, site.id, "offered") if offered else site

    def call(self, actor: Actor | None = None, *, published: bool = True, **options: Any) -> Call:
        """Open from 1 to 30 June, for twelve weeks from 7 September 2026, unless told otherwise."""
        who = actor or self.planner
        self._made += 1
        wanted: dict[str, Any] = {
            "slug": f"call-{self._made}",
            "title_ko": "실증 공고",
            "title_en": "A call",
            "opens_at": at("2026-06-01T09:00"),
            "closes_at": at("2026-06-30T18:00"),
            "terms": TERMS | options.pop("terms", {}),
        }
        slug = "gops" if who is self.operator else "suwon"
        call = self.calls.create(who, slug, **(wanted | options))
        return self.calls.publish(who, call.slug) if published else call

    def apply(self, call: Call, ranked: list[Site], actor: Actor | None = None, *, submitted: bool = True,
              **options: Any) -> Application:  # fmt: skip
        """60 m2 and 100 W for two weeks from the first on; the clock must stand in the call's opening."""
        who = actor or self.company
        wanted = {
            "title": "Sweeping robots",
            "sites": [site.id for site in ranked],
            "needs": {"area_m2": 60, "power_w": 100},
            "duration": 2,
            "first_start": FIRST_WEEK,
            "last_start": FIRST_WEEK,
            "trl": 6,
        }
        slug = "robots" if who is self.company else "drones"
        made = self.applications.create(who, call.slug, slug, Draft(**(wanted | options)))
        self._made += 1
        return self.applications.submit(who, made.id, f"{self._made:032x}") if submitted else made

    def to(self, text: str) -> None:
        """Move the clock to a time of Seoul."""
        self.clock.move(microseconds=at(text) - self.clock.micros())

    def scored(self, call: Call, scores: dict[int, int]) -> None:
        """Close the call by the clock and enter scores."""
        self.to("2026-07-01T09:00")
        self.scores.enter(self.planner, call.slug, scores)
        self.scores.finish(self.planner, call.slug)

    def published(self, call: Call) -> Round:
        made = self.rounds.compute(self.operator, call.slug)
        return self.rounds.publish(self.operator, call.slug, made.revision)

    def final(self, call: Call) -> Round:
        """Published on 1 July, final once the ten working days of appeals are over."""
        made = self.published(call)
        self.to("2026-07-16T00:00")
        return self.rounds.finish(self.operator, call.slug, made.revision)


@pytest.fixture
def city(database: Database, clock: FixedClock, settings: Settings, people: People) -> City:
    return City(database, clock, settings, people)


@pytest.fixture
def either_city(
    either_database: Database, clock: FixedClock, settings: Settings, people_of: Callable[[Database], People]
) -> City:
    """The same, on SQLite and on PostgreSQL."""
    return City(either_database, clock, settings, people_of(either_database))
