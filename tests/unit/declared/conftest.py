"""Declared feeds over real records: an organisation with a device and its Thing, and another organisation."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from ipaddress import ip_network
from typing import Any

import pytest
from sqlalchemy import func, select

from gops.accounts import lookup
from gops.accounts.devices import Devices
from gops.accounts.model import Device
from gops.clock import FixedClock
from gops.ingest.declared.routes import FeedRoutes
from gops.ingest.declared.service import FeedDeclarations, Watched
from gops.ingest.feeds.model import Feed
from gops.ingest.feeds.service import Feeds
from gops.ingest.mapping import Limits, Readings
from gops.outbound import Outbound
from gops.permissions import Actor
from gops.records import events
from gops.records.database import Database
from gops.sensors.datastreams import Datastreams
from gops.sensors.model import Datastream, Thing
from gops.sensors.properties import seed
from gops.sensors.things import Things, thing_for_device
from gops.settings import Settings
from tests.conftest import People

LIMITS = Limits(10 * 365 * 86_400_000_000, 600_000_000)
FILTER = "gops/v1/town/+/up/#"


def declaration(slug: str = "gateway", **tables: Any) -> dict[str, Any]:
    """A SenML gateway whose nodes are registered as drafts, unless ``tables`` say otherwise."""
    whole: dict[str, Any] = {
        "organisation": "town",
        "slug": slug,
        "name": "게이트웨이",
        "source": {"filter": FILTER},
        "codec": {"name": "senml"},
        "mapping": {
            "unknown_thing": "draft",
            "fields": [
                {"field": "temp", "property": "temperature", "unit": "Cel"},
                {"field": "pm10", "property": "pm10"},
            ],
        },
    }
    return whole | tables


@dataclass
class Home:
    """``declare`` feeds, ``send`` messages through them as ingest does, ``look`` at what they brought."""

    database: Database
    clock: FixedClock
    settings: Settings
    people: People
    actor: Actor
    stranger: Actor
    declared: FeedDeclarations
    feeds: Feeds
    routes: FeedRoutes
    things: Things
    streams: Datastreams
    devices: Devices
    heard: int = 0
    secrets: dict[str, str] = field(default_factory=dict)

    def declare(self, slug: str = "gateway", **tables: Any) -> Feed:
        return self.declared.declare(self.actor, declaration(slug, **tables))

    def device(self, name: str = "gw-1") -> Device:
        made, self.secrets[name] = self.devices.register(self.actor, "town", name)
        return made

    def hear(self) -> None:
        """Let the routes hear the events since the last time."""
        with self.database.read() as session:
            new = events.since(session, self.heard)
        for event in new:
            self.heard = event.sequence
            for handler in self.routes.handlers.get(event.kind, ()):
                handler(event)

    def send(self, payload: Any, topic: str = "gops/v1/town/gw-1/up", actor: Actor | None = None) -> Readings:
        self.hear()
        organisation = (actor or self.actor).organisation_id
        assert organisation is not None
        route = self.routes.match(organisation, topic)
        assert route is not None
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        return route.resolve(route.decode(body), topic, self.clock.micros(), LIMITS)

    def count(self, table: Any) -> int:
        with self.database.read() as session:
            return session.scalar(select(func.count()).select_from(table)) or 0

    def stream(self, datastream: int) -> Datastream:
        with self.database.read() as session:
            return session.get_one(Datastream, datastream)

    def thing_of(self, datastream: int) -> Thing:
        with self.database.read() as session:
            return session.get_one(Thing, self.stream(datastream).thing_id)


def home_on(database: Database, clock: FixedClock, settings: Settings, people: People) -> Home:
    with database.write() as session:
        seed(session)
    settings = replace(settings, feed_brokers=("mqtt://127.0.0.1:1883",), outbound_allow=(ip_network("127.0.0.0/8"),))
    outbound = Outbound.of(settings)
    feeds = Feeds(database, clock, settings, outbound)
    accounts: Any = lookup
    return Home(
        database,
        clock,
        settings,
        people,
        people.actor(people.organisation("town"), "publisher"),
        people.actor(people.organisation("elsewhere"), "publisher"),
        FeedDeclarations(database, clock, settings, outbound, feeds, Watched()),
        feeds,
        FeedRoutes(database, settings),
        Things(database, clock, settings, accounts),
        Datastreams(database, clock, settings, accounts, lambda _one: False),
        Devices(database, clock, (thing_for_device,)),
    )


@pytest.fixture
def home(database: Database, clock: FixedClock, settings: Settings, people: People) -> Home:
    return home_on(database, clock, settings, people)
