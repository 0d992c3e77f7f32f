"""Drafts of declared feeds on SQLite and PostgreSQL: registered once, however many register them at once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from gops.clock import FixedClock
from gops.ingest.declared.routes import FeedRoutes
from gops.ingest.feeds.model import FeedStation
from gops.records.database import Database
from gops.sensors.model import Datastream, Thing
from gops.settings import Settings
from tests.conftest import People
from tests.unit.declared.conftest import LIMITS, home_on

TOPIC = "gops/v1/town/gw-1/up"


def test_two_processes_that_meet_a_new_thing_register_it_once(
    either_database: Database,
    people_of: Callable[[Database], People],
    clock: FixedClock,
    settings: Settings,
) -> None:
    home = home_on(either_database, clock, settings, people_of(either_database))
    home.declare()
    organisation = home.actor.organisation_id or 0
    payload = b'[{"bn": "node-7:", "n": "temp", "v": 21.5}, {"n": "pm10", "v": 41}]'

    def send(_number: int) -> list[int]:
        route = FeedRoutes(either_database, settings).match(organisation, TOPIC)
        assert route is not None
        return route.resolve(route.decode(payload), TOPIC, clock.micros(), LIMITS).datastream

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(send, range(4)))
    assert found == [found[0]] * 4
    assert [home.count(table) for table in (Thing, Datastream, FeedStation)] == [1, 2, 1]
    changed = home.declared.edit(home.actor, "gateway", {"name": "다른 이름"})
    assert (changed.revision, len(home.declared.revisions(home.actor, "gateway"))) == (2, 2)
