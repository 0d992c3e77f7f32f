"""Datastreams: (Thing, ObservedProperty, Sensor, unit, kind), declared, changed, published, replaced and ended.

Each method raises ``NotFound`` for what the actor may not see, ``Unauthenticated`` or ``Forbidden`` for a change of
what the actor sees and may not change, and ``Conflict`` for a change of what has ended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import Any, TypedDict, Unpack, cast

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from gops import units
from gops.clock import Clock
from gops.durations import parse_duration
from gops.errors import Conflict
from gops.geo import BBox
from gops.kinds import Kind, Label
from gops.permissions import Actor, missing
from gops.records import audit
from gops.records.database import Database
from gops.records.paging import page
from gops.sensors import facts, places, texts
from gops.sensors.bounds import refuse_more
from gops.sensors.declaration import check_property, converted, declare
from gops.sensors.ending import end_datastreams, refuse_ended, tell
from gops.sensors.fields import add_field, refuse_misfit
from gops.sensors.instruments import sensor_for
from gops.sensors.model import Datastream, ObservedProperty, Thing
from gops.sensors.owners import Accounts
from gops.sensors.properties import property_of
from gops.sensors.quality_rules import refit
from gops.sensors.retention import Said
from gops.sensors.things import refuse_decommissioned
from gops.sensors.visibility import among, changeable, home_of, seen, visible
from gops.settings import Settings
from gops.store.port import Series


class Changes(TypedDict, total=False):
    """What may be changed of a Datastream; what is not given stays."""

    name: str
    description: str
    unit: str
    kind: str
    period: str | None
    label: str
    range_low: float | None
    range_high: float | None


DECLARED = ("unit", "kind", "period", "label", "range_low", "range_high")
HasReadings = Callable[[int], bool]
PublishedIn = Callable[[Session, int], str | None]
"""``published_in(session, datastream)``: the slug of a published dataset that holds it."""


class Datastreams:
    """``has_readings`` says of a Datastream whether the store has any; it is asked within the unit that changes one.

    ``published_in`` is the catalog's; ``compose`` gives it, and ranks keep the two rooms apart.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        settings: Settings,
        accounts: Accounts,
        has_readings: HasReadings,
        published_in: PublishedIn = lambda _session, _datastream: None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        self._accounts = accounts
        self._has_readings = has_readings
        self._published_in = published_in
        self._facts = facts.Facts(database)

    def create(
        self,
        actor: Actor,
        thing_id: int,
        sensor: int | str,
        observed_property: str,
        *,
        unit: str | None = None,
        kind: str | None = None,
        period: str | None = None,
        label: str = "instant",
        name: str = "",
        description: str = "",
        range_low: float | None = None,
        range_high: float | None = None,
        field: str | None = None,
        field_unit: str | None = None,
    ) -> Datastream:
        """A Datastream of a Thing; ``field`` maps a field of the Thing's device to it, sent in ``field_unit``.

        ``sensor`` is an id, or a name: the first Sensor in use of that name, or a new one. Unit and kind are the
        observed property's where none are given. Raises ``Invalid`` as ``declaration`` says.
        """
        with self._database.write() as session:
            thing = changeable(session, Thing, actor, thing_id, "thing")
            refuse_decommissioned(thing)
            prop = property_of(session, observed_property)
            declared = declare(
                prop.unit if unit is None else unit,
                prop.kind if kind is None else kind,
                period,
                label,
                range_low,
                range_high,
            )
            check_property(declared, prop.key, prop.unit, cast(Kind, prop.kind))
            now = self._clock.micros()
            used = sensor_for(session, now, actor, self._settings, thing.organisation_id, sensor)
            stream = Datastream(
                thing_id=thing.id,
                organisation_id=thing.organisation_id,
                sensor_id=used.id,
                observed_property_id=prop.id,
                name=texts.line(name, "name") or f"{thing.name} {prop.key}"[: texts.NAME_LENGTH],
                description=texts.prose(description),
                created_at=now,
                **asdict(declared),
            )
            self._add(session, stream)
            if field is not None:
                add_field(session, now, self._settings, _device_of(thing), stream, field, field_unit)
            self._note(session, actor, "datastream.create", stream, field=field)
        return stream

    def get(self, actor: Actor, datastream_id: int) -> Datastream:
        with self._database.read() as session:
            return seen(session, Datastream, actor, datastream_id, "datastream")

    def many(self, actor: Actor, ids: Iterable[int]) -> Sequence[Datastream]:
        """These Datastreams, in that order. Raises ``NotFound`` when the actor does not see one of them."""
        asked = list(dict.fromkeys(ids))
        with self._database.read() as session:
            query = select(Datastream).where(among(Datastream, asked), visible(Datastream, actor))
            found = {row.id: row for row in session.scalars(query)}
        for one in asked:
            if one not in found:
                error = missing("datastream")
                error.found = one
                raise error
        return [found[one] for one in asked]

    def visible(self, actor: Actor, ids: Iterable[int]) -> frozenset[int]:
        """Those of these ids that the actor sees."""
        with self._database.read() as session:
            query = select(Datastream.id).where(among(Datastream, ids), visible(Datastream, actor))
            return frozenset(session.scalars(query))

    def series_of(self, ids: Iterable[int]) -> Sequence[Series]:
        """These Datastreams as the store sees them, in that order; ids that there are none of are left out."""
        asked = list(dict.fromkeys(ids))
        with self._database.read() as session:
            rows = session.scalars(select(Datastream).where(among(Datastream, asked)))
            found = {row.id: series_of(row) for row in rows}
        return [found[one] for one in asked if one in found]

    def list(
        self,
        actor: Actor,
        organisation: str | None = None,
        thing: int | None = None,
        observed_property: str | None = None,
        bbox: BBox | None = None,
        public_only: bool = False,
        in_use: bool | None = None,
        after: int = 0,
        limit: int = 100,
    ) -> Sequence[Datastream]:
        """Datastreams that the actor sees, or public ones only; of a Thing that is in ``bbox`` now; ended or not."""
        with self._database.read() as session:
            query = select(Datastream).where(Datastream.public if public_only else visible(Datastream, actor))
            if thing is not None:
                query = query.where(Datastream.thing_id == seen(session, Thing, actor, thing, "thing").id)
            if in_use is not None:
                query = query.where(Datastream.ended_at.is_(None) if in_use else Datastream.ended_at.is_not(None))
            home = 0 if public_only else home_of(actor, "registry.read_private")
            query = query.where(*self._fits(session, organisation, observed_property, bbox, home))
            return session.scalars(page(query, Datastream.id, after, limit)).all()

    def _fits(
        self,
        session: Session,
        organisation: str | None,
        observed_property: str | None,
        bbox: BBox | None,
        home: int | None,
    ) -> Iterator[ColumnElement[bool]]:
        if organisation is not None:
            yield Datastream.organisation_id == self._accounts.organisation(session, organisation).id
        if observed_property is not None:
            yield Datastream.observed_property_id == property_of(session, observed_property).id
        if bbox is not None:
            yield Datastream.thing_id.in_(select(Thing.id).where(places.is_within(bbox, home)))

    def known(self, actor: Actor, ids: Iterable[int]) -> Sequence[facts.Known]:
        """What an answer of readings needs of these, by id. Raises ``NotFound`` when the actor does not see one."""
        return self._facts.known(actor, tuple(ids))

    def placed(
        self,
        actor: Actor,
        ids: Iterable[int] | None = None,
        organisation: str | None = None,
        observed_property: str | None = None,
        bbox: BBox | None = None,
        after: int = 0,
        limit: int = 100,
    ) -> Sequence[facts.Placed]:
        """What an answer of newest readings needs: of these Datastreams, ended ones too, or of those in use that fit.

        Ordered by id. Raises ``NotFound`` when the actor does not see one of ``ids``.
        """
        with self._database.read() as session:
            if ids is None:
                chosen: ColumnElement[bool] = Datastream.ended_at.is_(None)
            else:
                chosen = among(Datastream, [one.id for one in facts.known(session, actor, list(ids))])
            home = home_of(actor, "registry.read_private")
            fits = self._fits(session, organisation, observed_property, bbox, home)
            return facts.placed(session, (visible(Datastream, actor), chosen, *fits), after, limit, home)

    def edit(self, actor: Actor, datastream_id: int, **changes: Unpack[Changes]) -> Datastream:
        """Change what is given. Unit and kind are refused with ``Conflict`` (``has_readings``) once there are readings.

        A range that is not given follows the unit. What ingest has read but not yet stored counts as no reading, so
        change a unit while the device is silent.
        """
        with self._database.write() as session:
            stream = self._living(session, actor, datastream_id)
            wanted = self._wanted(session, stream, changes)
            if (wanted["unit"], wanted["kind"]) != (stream.unit, stream.kind):
                self._refuse_read(stream, wanted)
                refuse_misfit(session, stream, wanted["unit"], wanted["kind"])
            changed = sorted(name for name, value in wanted.items() if getattr(stream, name) != value)
            for name in changed:
                setattr(stream, name, wanted[name])
            if changed:
                self._note(session, actor, "datastream.edit", stream, changed=changed)
        return stream

    def publish(self, actor: Actor, datastream_id: int, public: bool) -> Datastream:
        """Make a Datastream and its readings public, or no longer; its Thing, Locations and Sensor go with it.

        Raises ``Conflict`` (``in_published_dataset``) for one that a published dataset holds: it stays public.
        """
        with self._database.write() as session:
            stream = changeable(session, Datastream, actor, datastream_id, "datastream", "dataset.publish")
            if not public:
                _refuse_published(stream, self._published_in(session, stream.id))
            if stream.public is not public:
                stream.public = public
                self._note(session, actor, "datastream.publish", stream, public=public)
        return stream

    def replace_sensor(
        self, actor: Actor, datastream_id: int, sensor: int | str, reason: str = "", **changes: Unpack[Changes]
    ) -> Datastream:
        """End a Datastream and go on in a new one with another Sensor, or another unit; the new one.

        It takes over everything that is not given otherwise: its being public, and the fields that are mapped to the
        old one. Raises ``Conflict``: ``same_sensor`` when nothing would be different, ``mapping_misfit`` when
        a mapped field does not suit the new unit.
        """
        why = texts.line(reason, "reason", 1900)
        with self._database.write() as session:
            old = self._living(session, actor, datastream_id)
            wanted = self._wanted(session, old, changes)
            now = self._clock.micros()
            used = sensor_for(session, now, actor, self._settings, old.organisation_id, sensor)
            if (used.id, wanted["unit"], wanted["kind"]) == (old.sensor_id, old.unit, old.kind):
                raise _same_sensor(old)
            new = Datastream(
                thing_id=old.thing_id,
                organisation_id=old.organisation_id,
                sensor_id=used.id,
                observed_property_id=old.observed_property_id,
                public=old.public,
                public_start=old.public_start,
                public_delay=old.public_delay,
                suppress_below=old.suppress_below,
                feed_id=old.feed_id,
                created_at=now,
                **asdict(Said.of(old)),
                **wanted,
            )
            mapped = refuse_misfit(session, old, wanted["unit"], wanted["kind"])
            self._add(session, new)
            for row in mapped:
                row.datastream_id = new.id
            session.flush()
            end = f"replaced by Datastream {new.id}" + (f": {why}" if why else "")
            end_datastreams(session, Datastream.id == old.id, now, end)
            self._note(session, actor, "datastream.replace", new, replaces=old.id)
        return new

    def end(self, actor: Actor, datastream_id: int, reason: str) -> Datastream:
        """End a Datastream; its readings stay, new ones are refused."""
        with self._database.write() as session:
            stream = self._living(session, actor, datastream_id)
            end_datastreams(session, Datastream.id == stream.id, self._clock.micros(), texts.reason(reason))
            self._note(session, actor, "datastream.end", stream)
        return stream

    def _living(self, session: Session, actor: Actor, datastream_id: int) -> Datastream:
        stream = changeable(session, Datastream, actor, datastream_id, "datastream")
        refuse_ended(stream)
        return stream

    def _add(self, session: Session, stream: Datastream) -> None:
        own = Datastream.thing_id == stream.thing_id
        refuse_more(session, self._settings, "thing_datastreams", own, stream.thing_id)
        session.add(stream)
        session.flush()

    def _wanted(self, session: Session, stream: Datastream, changes: Changes) -> dict[str, Any]:
        """Name, description and declaration as they will be."""
        unknown = changes.keys() - Changes.__annotations__.keys()
        if unknown:
            raise TypeError(f"a Datastream has no {', '.join(unknown)}")
        prop = session.get_one(ObservedProperty, stream.observed_property_id)
        standing = {name: getattr(stream, name) for name in DECLARED}
        asked: dict[str, Any] = {name: value for name, value in changes.items() if name in DECLARED}
        if "unit" in asked:
            units.parse(asked["unit"])
            standing |= converted(stream.range_low, stream.range_high, stream.unit, asked["unit"])
        declared = declare(**(standing | asked))
        check_property(declared, prop.key, prop.unit, cast(Kind, prop.kind))
        name = texts.name(changes["name"]) if "name" in changes else stream.name
        description = texts.prose(changes["description"]) if "description" in changes else stream.description
        rules = refit(stream, declared.unit, declared.kind, declared.period)
        return {"name": name, "description": description, "quality_rules": rules, **asdict(declared)}

    def _refuse_read(self, stream: Datastream, wanted: dict[str, Any]) -> None:
        if self._has_readings(stream.id):
            raise Conflict(
                f"Datastream {stream.id} has readings of kind {stream.kind} in {stream.unit}; "
                "another unit or kind is another Datastream",
                code="has_readings",
                field="unit" if wanted["unit"] != stream.unit else "kind",
                found=wanted["unit"] if wanted["unit"] != stream.unit else wanted["kind"],
                expected="the unit and kind that stand; or replace the Sensor, which begins a new Datastream",
            )

    def _note(self, session: Session, actor: Actor, action: str, stream: Datastream, **detail: Any) -> None:
        now = self._clock.micros()
        audit.record(session, now, actor, action, "datastream", stream.id, stream.organisation_id, **detail)
        tell(session, now, [stream.id])


def series_of(row: Datastream) -> Series:
    period = None if row.period is None else parse_duration(row.period)
    return Series(row.id, cast(Kind, row.kind), cast(Label, row.label), period)


def _device_of(thing: Thing) -> int:
    if thing.device_id is None:
        raise Conflict(
            f"{thing.name} is no device's Thing, so no field can be mapped here",
            code="no_device",
            field="field",
            expected="a Thing with a device; or put the mapping of the device that measures it",
        )
    return thing.device_id


def _same_sensor(stream: Datastream) -> Conflict:
    return Conflict(
        f"Datastream {stream.id} is of this Sensor, unit and kind already",
        code="same_sensor",
        field="sensor",
        found=stream.sensor_id,
        expected="another Sensor, or another unit",
    )


def _refuse_published(stream: Datastream, dataset: str | None) -> None:
    if dataset is not None:
        raise Conflict(
            f"Datastream {stream.id} is in the published dataset {dataset}",
            code="in_published_dataset",
            field="public",
            found=dataset,
            expected="take it out of the dataset, or withdraw the dataset",
        )
