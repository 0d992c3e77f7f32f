"""Datasets over real records: an organisation with devices and a feed, and another beside it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from gops.accounts.model import Organisation
from gops.catalog.datasets import Datasets
from gops.catalog.drafts import Drafts
from gops.catalog.model import Dataset
from gops.clock import FixedClock
from gops.permissions import Actor
from gops.records import events
from gops.records.database import Database
from gops.sensors.model import Datastream, Location, ObservedProperty, Sensor, Thing
from gops.sensors.properties import seed
from gops.settings import Settings
from tests.conftest import People

FEEDS = {7: ("suwon-air", "수원 대기질")}
COMPLETE = {
    "title_ko": "수원시 대기질",
    "title_en": "Air of Suwon",
    "description_ko": "시간 평균",
    "description_en": "Hourly means",
    "licence": "kogl-1",
    "theme": "environment",
    "keywords": ["미세먼지", "PM10"],
    "contact_name": "수원시 스마트도시과",
    "contact_email": "data@suwon.example",
    "frequency": "hourly",
    "personal_data": "none",
}


def feed_of(_session: Session, organisation_id: int, slug: str) -> int | None:
    return {("suwon-air"): 7}.get(slug) if organisation_id else None


@dataclass
class World:
    database: Database
    clock: FixedClock
    settings: Settings
    datasets: Datasets
    drafts: Drafts
    people: People
    home: Organisation
    other: Organisation
    actor: Actor
    stranger: Actor

    def stream(
        self,
        home: Organisation | None = None,
        key: str = "pm10",
        feed: int | None = None,
        place: tuple[float, float] | None = None,
    ) -> int:
        """A Datastream of a new Thing; its id."""
        owner = (home or self.home).id
        now = self.clock.micros()
        with self.database.write() as session:
            observed = session.scalars(select(ObservedProperty).where(ObservedProperty.key == key)).one()
            thing = Thing(organisation_id=owner, name=f"{key} station", properties={}, created_at=now)
            sensor = Sensor(organisation_id=owner, name="s", encoding_type="text/plain", metadata_="")
            session.add_all([thing, sensor])
            session.flush()
            made = Datastream(
                thing_id=thing.id, organisation_id=owner, sensor_id=sensor.id, observed_property_id=observed.id,
                name=key, unit=observed.unit, kind=observed.kind, label="instant", created_at=now, feed_id=feed,
            )  # fmt: skip
            session.add(made)
            if place is not None:
                session.add(Location(thing_id=thing.id, longitude=place[0], latitude=place[1], since=now))
            session.flush()
            return made.id

    def dataset(self, *streams: int, slug: str = "air", **words: Any) -> Dataset:
        """A complete draft of these Datastreams."""
        described: Any = COMPLETE | words
        return self.datasets.create(self.actor, "suwon", slug, datastreams=streams, described=described)

    def published(self, *streams: int, slug: str = "air") -> Dataset:
        self.dataset(*streams, slug=slug)
        return self.datasets.publish(self.actor, slug)

    def public(self) -> set[int]:
        with self.database.read() as session:
            return set(session.scalars(select(Datastream.id).where(Datastream.public)))

    def events(self) -> list[tuple[str, Any]]:
        with self.database.read() as session:
            return [(one.kind, one.payload.get("dataset")) for one in events.since(session, 0)]


@pytest.fixture
def world_of(
    clock: FixedClock, settings: Settings, people_of: Callable[[Database], People]
) -> Callable[[Database], World]:
    def make(database: Database) -> World:
        with database.write() as session:
            seed(session)
        people = people_of(database)
        home, other = people.organisation("suwon"), people.organisation("seongnam")
        return World(
            database,
            clock,
            settings,
            Datasets(database, clock, settings, feed_of),
            Drafts(database, clock, settings, lambda _session, ids: {one: FEEDS[one] for one in ids if one in FEEDS}),
            people,
            home,
            other,
            people.actor(home, "publisher"),
            people.actor(other, "owner"),
        )

    return make


@pytest.fixture
def world(world_of: Callable[[Database], World], database: Database) -> World:
    return world_of(database)


@pytest.fixture
def either_world(world_of: Callable[[Database], World], either_database: Database) -> World:
    """On SQLite and on PostgreSQL."""
    return world_of(either_database)
