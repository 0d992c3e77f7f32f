"""Sensors: the instruments or procedures that yield values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gops.clock import Clock
from gops.errors import Conflict
from gops.permissions import Actor, missing, require
from gops.records import audit
from gops.records.database import Database
from gops.records.paging import is_id, page
from gops.sensors import texts
from gops.sensors.bounds import refuse_more
from gops.sensors.model import Datastream, Sensor
from gops.sensors.owners import Accounts
from gops.sensors.visibility import among, changeable, seen, visible
from gops.settings import Settings

ENCODINGS = (
    "text/plain",
    "text/html",
    "application/pdf",
    "http://www.opengis.net/doc/IS/SensorML/2.0",
    "application/json",
)
"""What ``metadata`` of a Sensor may be (OGC SensorThings 1.1, table 15, and more); documents by address."""


class Sensors:
    def __init__(self, database: Database, clock: Clock, settings: Settings, accounts: Accounts) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        self._accounts = accounts

    def create(
        self,
        actor: Actor,
        organisation: str,
        name: str,
        description: str = "",
        encoding_type: str = "text/plain",
        metadata: str = "",
    ) -> Sensor:
        """A Sensor of the organisation with that slug."""
        with self._database.write() as session:
            home = self._accounts.organisation(session, organisation)
            require(actor, "registry.change", home.id)
            sensor = Sensor(
                organisation_id=home.id,
                name=texts.name(name),
                description=texts.prose(description),
                encoding_type=texts.one_of(encoding_type, ENCODINGS, "encoding_type"),
                metadata_=texts.prose(metadata, "metadata"),
            )
            add_sensor(session, self._clock.micros(), actor, self._settings, sensor)
        return sensor

    def get(self, actor: Actor, sensor_id: int) -> Sensor:
        """Raises ``NotFound`` also for one that the actor may not see."""
        with self._database.read() as session:
            return seen(session, Sensor, actor, sensor_id, "sensor")

    def many(self, actor: Actor, sensor_ids: Iterable[int]) -> dict[int, Sensor]:
        """Those of these Sensors that the actor sees, by id."""
        with self._database.read() as session:
            query = select(Sensor).where(among(Sensor, sensor_ids), visible(Sensor, actor))
            return {sensor.id: sensor for sensor in session.scalars(query)}

    def list(self, actor: Actor, organisation: str | None = None, after: int = 0, limit: int = 100) -> Sequence[Sensor]:
        """Sensors that the actor sees; of an organisation where one is named."""
        with self._database.read() as session:
            query = select(Sensor).where(visible(Sensor, actor))
            if organisation is not None:
                query = query.where(Sensor.organisation_id == self._accounts.organisation(session, organisation).id)
            return session.scalars(page(query, Sensor.id, after, limit)).all()

    def decommission(self, actor: Actor, sensor_id: int, reason: str) -> Sensor:
        """Mark a Sensor as out of use. Raises ``Conflict`` a second time, and while a living Datastream uses it."""
        with self._database.write() as session:
            sensor = changeable(session, Sensor, actor, sensor_id, "sensor")
            refuse_out_of_use(sensor)
            _refuse_used(session, sensor)
            sensor.decommissioned_at = self._clock.micros()
            sensor.decommission_reason = texts.reason(reason)
            _note(session, sensor.decommissioned_at, actor, "sensor.decommission", sensor)
        return sensor


def sensor_for(
    session: Session, at: int, actor: Actor, settings: Settings, organisation_id: int, asked: int | str
) -> Sensor:
    """The Sensor of an organisation with that id, or the first in use of that name; a new one of a new name.

    Raises ``NotFound`` for a foreign id, ``Conflict`` for a Sensor that is out of use.
    """
    query = select(Sensor).where(Sensor.organisation_id == organisation_id)
    if isinstance(asked, str):
        name = texts.name(asked, "sensor")
        living = query.where(Sensor.name == name, Sensor.decommissioned_at.is_(None))
        found = session.scalar(living.order_by(Sensor.id).limit(1).with_for_update(key_share=True))
        made = Sensor(
            organisation_id=organisation_id, name=name, description="", encoding_type="text/plain", metadata_=""
        )
        return found or add_sensor(session, at, actor, settings, made)
    sensor = session.scalar(query.where(Sensor.id == asked).with_for_update(key_share=True)) if is_id(asked) else None
    if sensor is None:
        raise missing("sensor")
    refuse_out_of_use(sensor)
    return sensor


def add_sensor(session: Session, at: int, actor: Actor, settings: Settings, sensor: Sensor) -> Sensor:
    own = Sensor.organisation_id == sensor.organisation_id
    refuse_more(session, settings, "organisation_sensors", own, sensor.organisation_id)
    session.add(sensor)
    session.flush()
    _note(session, at, actor, "sensor.create", sensor, name=sensor.name)
    return sensor


def refuse_out_of_use(sensor: Sensor) -> None:
    if sensor.decommissioned_at is not None:
        raise Conflict(
            f"Sensor {sensor.name} was decommissioned: {sensor.decommission_reason}",
            code="decommissioned",
            field="sensor",
            found=sensor.id,
            expected="a Sensor that is in use",
        )


def _refuse_used(session: Session, sensor: Sensor) -> None:
    using = select(func.count()).where(Datastream.sensor_id == sensor.id, Datastream.ended_at.is_(None))
    count = session.scalar(using) or 0
    if count:
        raise Conflict(
            f"{count} Datastreams in use are of Sensor {sensor.name}; replace it there, or end them, first",
            code="in_use",
            field="sensor",
            found=count,
            expected="a Sensor without Datastreams in use",
        )


def _note(session: Session, at: int, actor: Actor, action: str, sensor: Sensor, **detail: Any) -> None:
    audit.record(session, at, actor, action, "sensor", sensor.id, sensor.organisation_id, **detail)
