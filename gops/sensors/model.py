"""Tables of the registry, in the terms of OGC SensorThings 1.1 (section 8)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from gops.records.base import Base, Id, Micros, OptionalMicros, table_args


class Thing(Base):
    """What is measured somewhere. A new device gets one of its name; a gateway has many.

    Where it is others see rounded to ``place_decimals`` of a degree, null: as it is. Its datasets say so.
    """

    __tablename__ = "thing"
    __table_args__ = table_args(Index("ix_thing_organisation_id_name", "organisation_id", "name"))
    id: Mapped[Id]
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    device_id: Mapped[int | None] = mapped_column(ForeignKey("device.id"), index=True)
    name: Mapped[str] = mapped_column(String(200))
    description: Mapped[str] = mapped_column(String(2000), default="")
    properties: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    place_decimals: Mapped[int | None] = mapped_column(index=True)
    created_at: Mapped[Micros]
    decommissioned_at: Mapped[OptionalMicros]
    decommission_reason: Mapped[str | None] = mapped_column(String(2000))


class Location(Base):
    """Where a Thing was from ``since`` on; the newest row is where it is."""

    __tablename__ = "location"
    __table_args__ = table_args(Index("ix_location_thing_id_since", "thing_id", "since"))
    id: Mapped[Id]
    thing_id: Mapped[int] = mapped_column(ForeignKey("thing.id"))
    name: Mapped[str] = mapped_column(String(200), default="")
    longitude: Mapped[float]
    latitude: Mapped[float]
    since: Mapped[Micros]


class Sensor(Base):
    """The instrument or procedure that yields a value."""

    __tablename__ = "sensor"
    id: Mapped[Id]
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    name: Mapped[str] = mapped_column(String(200))
    description: Mapped[str] = mapped_column(String(2000), default="")
    encoding_type: Mapped[str] = mapped_column(String(200), default="text/plain")
    metadata_: Mapped[str] = mapped_column("metadata", String(2000), default="")
    decommissioned_at: Mapped[OptionalMicros]
    decommission_reason: Mapped[str | None] = mapped_column(String(2000))


class ObservedProperty(Base):
    """The phenomenon: one list for the whole platform, so that cities can be compared."""

    __tablename__ = "observed_property"
    id: Mapped[Id]
    key: Mapped[str] = mapped_column(String(64), unique=True)
    name_ko: Mapped[str] = mapped_column(String(200))
    name_en: Mapped[str] = mapped_column(String(200))
    definition: Mapped[str] = mapped_column(String(2000), default="")
    unit: Mapped[str] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(16))


class Datastream(Base):
    """(Thing, ObservedProperty, Sensor, unit, kind). Its unit never changes once it has readings.

    ``period`` is an ISO 8601 duration of fixed length or nothing. ``public`` is true while a published dataset holds
    it; then others see what ``public_start``, ``public_delay`` (microseconds) and ``suppress_below`` leave of it
    (``sensors.exposure``). A Datastream that was replaced or decommissioned has ``ended_at`` and keeps its readings.
    ``feed_id`` is the pulled feed that writes it; null for what devices publish directly. ``retention``, ``thin_after``
    and ``thin_every`` are its own rule (see ``sensors.retention``), null where the default holds. Readings before
    ``thinned_until`` were thinned, at last to one every ``thinned_every``. ``quality_rules`` are those of
    ``sensors.quality_rules``.
    """

    __tablename__ = "datastream"
    id: Mapped[Id]
    thing_id: Mapped[int] = mapped_column(ForeignKey("thing.id"), index=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    sensor_id: Mapped[int] = mapped_column(ForeignKey("sensor.id"))
    observed_property_id: Mapped[int] = mapped_column(ForeignKey("observed_property.id"), index=True)
    name: Mapped[str] = mapped_column(String(200))
    description: Mapped[str] = mapped_column(String(2000), default="")
    unit: Mapped[str] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(16))
    period: Mapped[str | None] = mapped_column(String(32))
    label: Mapped[str] = mapped_column(String(8), default="instant")
    range_low: Mapped[float | None]
    range_high: Mapped[float | None]
    public: Mapped[bool] = mapped_column(default=False, index=True)
    public_start: Mapped[OptionalMicros]
    public_delay: Mapped[Micros] = mapped_column(default=0, server_default="0")
    suppress_below: Mapped[int | None]
    created_at: Mapped[Micros]
    ended_at: Mapped[OptionalMicros]
    end_reason: Mapped[str | None] = mapped_column(String(2000))
    feed_id: Mapped[int | None] = mapped_column(BigInteger, index=True)
    retention: Mapped[str | None] = mapped_column(String(32))
    thin_after: Mapped[str | None] = mapped_column(String(32))
    thin_every: Mapped[str | None] = mapped_column(String(8))
    thinned_until: Mapped[OptionalMicros]
    thinned_every: Mapped[str | None] = mapped_column(String(8))
    quality_rules: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))


class RetentionDefault(Base):
    """How long an organisation keeps the readings of its Datastreams that have no rule of their own."""

    __tablename__ = "retention_default"
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), primary_key=True, autoincrement=False)
    retention: Mapped[str | None] = mapped_column(String(32))
    thin_after: Mapped[str | None] = mapped_column(String(32))
    thin_every: Mapped[str | None] = mapped_column(String(8))


class FieldMapping(Base):
    """Which field of a device's messages is which Datastream, and how its number is converted when read.

    stored = sent * scale + offset, after conversion from ``unit`` (UCUM) to the Datastream's unit where one is given.
    """

    __tablename__ = "field_mapping"
    __table_args__ = table_args(UniqueConstraint("device_id", "field"))
    id: Mapped[Id]
    device_id: Mapped[int] = mapped_column(ForeignKey("device.id"))
    field: Mapped[str] = mapped_column(String(64))
    datastream_id: Mapped[int] = mapped_column(ForeignKey("datastream.id"), index=True)
    unit: Mapped[str | None] = mapped_column(String(64))
    scale: Mapped[float] = mapped_column(default=1.0)
    offset: Mapped[float] = mapped_column(default=0.0)
