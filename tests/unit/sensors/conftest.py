"""A registry on a database in a temporary folder: two organisations, their people, and a clock that stands."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from gops.accounts import lookup
from gops.accounts.model import Device, Organisation
from gops.clock import FixedClock
from gops.permissions import ANONYMOUS, SCOPES, Actor
from gops.records.audit import AuditRow
from gops.records.base import Base
from gops.records.database import Database
from gops.records.events import EventRow
from gops.sensors.datastreams import Datastreams
from gops.sensors.instruments import Sensors
from gops.sensors.mapping import Mappings
from gops.sensors.properties import ObservedProperties, seed
from gops.sensors.things import Things, thing_for_device
from gops.settings import Settings, load

START = datetime(2026, 3, 1, tzinfo=UTC)


@dataclass
class Registry:
    """Every service over one database, and what tests ask about it."""

    database: Database
    clock: FixedClock
    settings: Settings
    read: set[int]  # Datastreams that have readings
    suwon: Organisation
    busan: Organisation

    def __post_init__(self) -> None:
        self.build(self.settings)

    def build(self, settings: Settings) -> None:
        common = (self.database, self.clock, settings)
        self.things = Things(*common, lookup)
        self.sensors = Sensors(*common, lookup)
        self.properties = ObservedProperties(*common)
        self.datastreams = Datastreams(*common, lookup, self.read.__contains__)
        self.mappings = Mappings(*common, lookup)

    def limit(self, **bounds: int) -> None:
        """Set some bounds."""
        self.build(replace(self.settings, **bounds))

    def device(self, organisation: Organisation, name: str) -> Device:
        with self.database.write() as session:
            device = Device(
                organisation_id=organisation.id,
                name=name,
                description="",
                digest=bytes(32),
                created_at=self.clock.micros(),
            )
            session.add(device)
            session.flush()
            thing_for_device(session, device)
        return device

    def revoke(self, device: Device) -> None:
        with self.database.write() as session:
            session.get_one(Device, device.id).revoked_at = self.clock.micros()

    def audited(self) -> list[tuple[str, str, int | None, dict[str, Any]]]:
        with self.database.read() as session:
            rows = session.scalars(select(AuditRow).order_by(AuditRow.id))
            return [(row.action, row.noun, row.record_id, row.detail) for row in rows]

    def events(self) -> list[tuple[str, dict[str, Any]]]:
        with self.database.read() as session:
            return [(row.kind, row.payload) for row in session.scalars(select(EventRow).order_by(EventRow.id))]

    def told_by(self, act: Callable[[], object]) -> list[tuple[str, dict[str, Any]]]:
        """The events that ``act`` appends."""
        before = len(self.events())
        act()
        return self.events()[before:]


def _create_all(database: Database) -> None:
    for model in ("gops.accounts.model", "gops.sensors.model", "gops.records.audit", "gops.records.events"):
        importlib.import_module(model)
    Base.metadata.create_all(database.engine)


@pytest.fixture(scope="session")
def empty_records(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with tables, seeded properties and two organisations; copied for each test."""
    path = tmp_path_factory.mktemp("records") / "records.sqlite"
    database = Database(f"sqlite:///{path}")
    _create_all(database)
    with database.write() as session:
        for slug in ("suwon", "busan"):
            session.add(Organisation(slug=slug, kind="municipality", name_ko=slug, name_en=slug, created_at=0))
        seed(session)
    with database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    return path


@pytest.fixture
def registry(tmp_path: Path, empty_records: Path) -> Iterator[Registry]:
    path = tmp_path / "records.sqlite"
    path.write_bytes(empty_records.read_bytes())
    database = Database(f"sqlite:///{path}")
    with database.read() as session:
        suwon, busan = session.scalars(select(Organisation).order_by(Organisation.id)).all()
    yield Registry(database, FixedClock(START), load({}), set(), suwon, busan)
    database.close()


def publisher_of(organisation: Organisation, *scopes: str) -> Actor:
    return Actor(
        person_id=organisation.id,
        key_id=organisation.id,
        organisation_id=organisation.id,
        roles=frozenset({"publisher"}),
        scopes=frozenset(scopes or SCOPES),
    )


@pytest.fixture
def suwon(registry: Registry) -> Actor:
    """A publisher of Suwon."""
    return publisher_of(registry.suwon)


@pytest.fixture
def busan(registry: Registry) -> Actor:
    """A publisher of Busan."""
    return publisher_of(registry.busan)


@pytest.fixture
def anonymous() -> Actor:
    return ANONYMOUS
