"""Feeds over a portal on loopback, real records and a store in memory."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from ipaddress import ip_network
from typing import Any

import pytest
from sqlalchemy import select

from gops.accounts.model import Organisation
from gops.clock import FixedClock
from gops.ingest.feeds.model import Feed, FeedRun
from gops.ingest.feeds.runner import FeedRunner
from gops.ingest.feeds.service import Feeds
from gops.ingest.feeds.standing import Outcome
from gops.ingest.refusals import Refusals
from gops.outbound import Outbound
from gops.permissions import Actor
from gops.records.database import Database
from gops.sensors.model import Datastream, ObservedProperty, Thing
from gops.sensors.properties import seed
from gops.settings import Settings
from gops.store.memory import MemoryStore
from gops.store.port import Read, Series
from tests.conftest import People
from tests.unit.feeds.portal import KEY, Portal


@pytest.fixture
def portal() -> Iterator[Portal]:
    made = Portal()
    yield made
    made.close()


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """No waiting between tries: the bound is tested by counting."""
    return replace(settings, outbound_allow=(ip_network("127.0.0.0/8"),), feed_retry_seconds=0)


@dataclass
class World:
    """An organisation with a feed, and everything that a run of it needs."""

    database: Database
    clock: FixedClock
    settings: Settings
    store: MemoryStore
    feeds: Feeds
    runner: FeedRunner
    stopping: threading.Event
    home: Organisation
    actor: Actor
    portal: Portal
    people: People

    def declare(self, slug: str = "air", **given: Any) -> Feed:
        config = {"provinces": given.pop("provinces", ["서울"]), "url": self.portal.url}
        return self.feeds.declare(self.actor, self.home.slug, slug, "대기질", "airkorea", config, KEY, **given)

    def pull(self, adapter: str, config: dict[str, Any], key: str = KEY, **given: Any) -> tuple[Feed, Outcome]:
        """Declare a feed of any adapter, and run it once."""
        slug = given.pop("slug", adapter)
        feed = self.feeds.declare(self.actor, self.home.slug, slug, adapter, adapter, config, key, **given)
        return feed, self.run(feed)

    def run(self, feed: Feed) -> Outcome:
        outcome = self.runner.run(feed.id)
        assert outcome is not None
        return outcome

    def last_run(self, feed: Feed) -> FeedRun:
        return self.feeds.runs(self.actor, feed.slug, 1)[0]

    def readings(self) -> dict[tuple[str, str], list[tuple[int, float | None, int]]]:
        """(t, value, quality) by name of the Thing and key of the property."""
        with self.database.read() as session:
            query = select(Datastream.id, Thing.name, ObservedProperty.key).join(Thing).join(ObservedProperty)
            names = {one: (thing, key) for one, thing, key in session.execute(query)}
        found: dict[tuple[str, str], list[tuple[int, float | None, int]]] = {}
        for one in self.store.read(Read([Series(number) for number in names])).to_pylist():
            found.setdefault(names[one["datastream"]], []).append((one["t"], one["value"], one["quality"]))
        return found

    def streams(self) -> list[Datastream]:
        with self.database.read() as session:
            return list(session.scalars(select(Datastream).order_by(Datastream.id)))


@pytest.fixture
def world_of(
    clock: FixedClock, people_of: Callable[[Database], People], portal: Portal
) -> Callable[[Database, Settings], World]:
    def make(database: Database, settings: Settings) -> World:
        with database.write() as session:
            seed(session)
        people = people_of(database)
        home = people.organisation("suwon")
        outbound, store, stopping = Outbound.of(settings), MemoryStore(), threading.Event()
        runner = FeedRunner(
            database,
            clock,
            settings,
            outbound,
            store,
            Refusals(database, clock, settings),
            stopping=stopping,
        )
        return World(
            database,
            clock,
            settings,
            store,
            Feeds(database, clock, settings, outbound),
            runner,
            stopping,
            home,
            people.actor(home, "publisher"),
            portal,
            people,
        )

    return make


@pytest.fixture
def either_world(
    world_of: Callable[[Database, Settings], World], either_database: Database, settings: Settings
) -> World:
    """On SQLite and on PostgreSQL."""
    return world_of(either_database, settings)


@pytest.fixture
def world(world_of: Callable[[Database, Settings], World], database: Database, settings: Settings) -> World:
    return world_of(database, settings)
