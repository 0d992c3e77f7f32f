"""A registry, on SQLite and on PostgreSQL: two cities, a publisher of each, and what tests ask about the records."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from gops.accounts import lookup
from gops.accounts.model import Device, Organisation
from gops.clock import FixedClock
from gops.permissions import ANONYMOUS, Actor
from gops.records.audit import AuditRow
from gops.records.database import Database
from gops.records.events import EventRow
from gops.sensors.datastreams import Datastreams
from gops.sensors.instruments import Sensors
from gops.sensors.mapping import Mappings
from gops.sensors.model import Datastream, Thing
from gops.sensors.properties import ObservedProperties, seed
from gops.sensors.things import Things, thing_for_device
from gops.settings import Settings


class Registry:
    """Every service over one database. ``read`` has the ids of Datastreams that have readings."""

    def __init__(self, database: Database, clock: FixedClock, settings: Settings) -> None:
        self.database = database
        self.clock = clock
        self.read: set[int] = set()
        with database.write() as session:
            seed(session)
        self._build(settings)

    def _build(self, settings: Settings) -> None:
        self.settings = settings
        common = (self.database, self.clock, settings)
        self.things = Things(*common, lookup)
        self.sensors = Sensors(*common, lookup)
        self.properties = ObservedProperties(*common)
        self.datastreams = Datastreams(*common, lookup, self.read.__contains__)
        self.mappings = Mappings(*common, lookup)

    def limit(self, **bounds: int) -> None:
        """Set some bounds."""
        self._build(replace(self.settings, **bounds))

    def device(self, organisation: Organisation, name: str) -> Device:
        """A device and its Thing."""
        made = Device(
            organisation_id=organisation.id,
            name=name,
            description="",
            digest=bytes(32),
            created_at=self.clock.micros(),
        )
        with self.database.write() as session:
            session.add(made)
            session.flush()
            thing_for_device(session, made)
        return made

    def revoke(self, device: Device) -> None:
        with self.database.write() as session:
            session.get_one(Device, device.id).revoked_at = self.clock.micros()

    def stream(self, actor: Actor, thing: Thing, prop: str = "temperature", **options: Any) -> Datastream:
        """A Datastream, of a Sensor called probe unless another is named."""
        sensor = options.pop("sensor", "probe")
        return self.datastreams.create(actor, thing.id, sensor, prop, **options)

    def audited(self) -> list[tuple[str, str, int | None, dict[str, Any]]]:
        """(action, noun, record, detail) of every row of the audit."""
        with self.database.read() as session:
            rows = session.scalars(select(AuditRow).order_by(AuditRow.id))
            return [(row.action, row.noun, row.record_id, row.detail) for row in rows]

    def events(self) -> list[tuple[str, dict[str, Any]]]:
        with self.database.read() as session:
            return [(row.kind, row.payload) for row in session.scalars(select(EventRow).order_by(EventRow.id))]

    def left_by(self, act: Callable[[], object]) -> tuple[list[str], list[tuple[str, dict[str, Any]]]]:
        """The actions that ``act`` leaves in the audit, and the events that it appends."""
        audited, events = len(self.audited()), len(self.events())
        act()
        return [row[0] for row in self.audited()[audited:]], self.events()[events:]


@pytest.fixture
def registry(either_database: Database, clock: FixedClock, settings: Settings) -> Registry:
    return Registry(either_database, clock, settings)


@pytest.fixture
def either_people(either_database: Database, people_of: Callable[[Database], Any]) -> Any:
    return people_of(either_database)


@pytest.fixture
def city(either_people: Any) -> Organisation:
    """Suwon."""
    made: Organisation = either_people.organisation("suwon")
    return made


@pytest.fixture
def other_city(either_people: Any) -> Organisation:
    """Busan."""
    made: Organisation = either_people.organisation("busan")
    return made


@pytest.fixture
def publisher(either_people: Any, city: Organisation) -> Actor:
    """A publisher of Suwon."""
    made: Actor = either_people.actor(city, "publisher")
    return made


@pytest.fixture
def stranger(either_people: Any, other_city: Organisation) -> Actor:
    """A publisher of Busan, who may do there what ``publisher`` may in Suwon."""
    made: Actor = either_people.actor(other_city, "publisher")
    return made


@pytest.fixture
def viewer(either_people: Any, city: Organisation) -> Actor:
    """A viewer of Suwon."""
    made: Actor = either_people.actor(city, "viewer")
    return made


@pytest.fixture
def anonymous() -> Actor:
    return ANONYMOUS


@pytest.fixture
def thing(registry: Registry, publisher: Actor) -> Thing:
    """A Thing of Suwon without a device."""
    return registry.things.create(publisher, "suwon", "City hall")


@pytest.fixture
def device(registry: Registry, city: Organisation) -> Device:
    """suwon/air-1"""
    return registry.device(city, "air-1")


@pytest.fixture
def device_thing(registry: Registry, publisher: Actor, device: Device) -> Thing:
    """The Thing that came with suwon/air-1."""
    return registry.things.of_device(publisher, device.id)[0]
