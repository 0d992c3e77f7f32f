"""Things: what is measured somewhere, and where they were.

Each method raises ``NotFound`` for what the actor may not see, and ``Unauthenticated`` or ``Forbidden`` for a change
of what the actor sees and may not change. A decommissioned Thing stays, says so, and changes no more (``Conflict``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from gops import geo
from gops.clock import Clock
from gops.errors import Conflict
from gops.geo import BBox, Point
from gops.permissions import Actor, permits, require
from gops.records import audit, events
from gops.records.database import Database
from gops.records.paging import is_id, page
from gops.sensors import places, texts
from gops.sensors.bounds import refuse_more
from gops.sensors.ending import end_datastreams
from gops.sensors.model import Datastream, Location, Thing
from gops.sensors.owners import Accounts, device_at
from gops.sensors.visibility import among, changeable, home_of, seen, visible
from gops.settings import Settings


class Things:
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
        properties: dict[str, Any] | None = None,
        *,
        device_address: str | None = None,
        location: Point | None = None,
        location_name: str = "",
        location_since: int | None = None,
    ) -> Thing:
        """A Thing of the organisation with that slug; of one of its devices where an address is given.

        It is at ``location`` since its creation, or since the moment that is given.
        """
        with self._database.write() as session:
            home = self._accounts.organisation(session, organisation)
            require(actor, "registry.change", home.id)
            own = Thing.organisation_id == home.id
            refuse_more(session, self._settings, "organisation_things", own, home.id)
            thing = Thing(
                organisation_id=home.id,
                device_id=self._device_of(session, actor, home.id, device_address),
                name=texts.name(name),
                description=texts.prose(description),
                properties=texts.properties(properties or {}, self._settings.thing_properties_bytes),
                created_at=self._clock.micros(),
            )
            session.add(thing)
            session.flush()
            if location is not None:
                since = thing.created_at if location_since is None else location_since
                self._move(session, thing, location, location_name, since)
            self._note(session, actor, "thing.create", thing, name=thing.name)
        return thing

    def get(self, actor: Actor, thing_id: int) -> Thing:
        with self._database.read() as session:
            return seen(session, Thing, actor, thing_id, "thing")

    def many(self, actor: Actor, thing_ids: Iterable[int]) -> dict[int, Thing]:
        """Those of these Things that the actor sees, by id."""
        with self._database.read() as session:
            query = select(Thing).where(among(Thing, thing_ids), visible(Thing, actor))
            return {thing.id: thing for thing in session.scalars(query)}

    def of_device(self, actor: Actor, device_id: int) -> Sequence[Thing]:
        """The Things of a device that the actor sees, the oldest (its own) first."""
        with self._database.read() as session:
            query = select(Thing).where(Thing.device_id == device_id, visible(Thing, actor))
            return session.scalars(query.order_by(Thing.id)).all() if is_id(device_id) else []

    def list(
        self,
        actor: Actor,
        organisation: str | None = None,
        bbox: BBox | None = None,
        after: int = 0,
        limit: int = 100,
    ) -> Sequence[Thing]:
        """Things that the actor sees; of an organisation, or being in ``bbox`` now."""
        with self._database.read() as session:
            query = select(Thing).where(visible(Thing, actor))
            if organisation is not None:
                query = query.where(Thing.organisation_id == self._accounts.organisation(session, organisation).id)
            if bbox is not None:
                query = query.where(places.is_within(bbox, home_of(actor, "registry.read_private")))
            return session.scalars(page(query, Thing.id, after, limit)).all()

    def edit(
        self,
        actor: Actor,
        thing_id: int,
        *,
        name: str | None = None,
        description: str | None = None,
        properties: dict[str, Any] | None = None,
        device_address: str | None = None,
    ) -> Thing:
        """Change what is given; an empty ``device_address`` parts the Thing from its device."""
        with self._database.write() as session:
            thing = self._changeable(session, actor, thing_id)
            wanted: dict[str, Any] = {}
            if name is not None:
                wanted["name"] = texts.name(name)
            if description is not None:
                wanted["description"] = texts.prose(description)
            if properties is not None:
                wanted["properties"] = texts.properties(properties, self._settings.thing_properties_bytes)
            if device_address is not None:
                wanted["device_id"] = self._device_of(session, actor, thing.organisation_id, device_address or None)
            changed = sorted(field for field, value in wanted.items() if getattr(thing, field) != value)
            for field in changed:
                setattr(thing, field, wanted[field])
            if changed:
                self._note(session, actor, "thing.edit", thing, changed=changed)
        return thing

    def move(
        self, actor: Actor, thing_id: int, longitude: float, latitude: float, name: str = "", since: int | None = None
    ) -> Location:
        """Say where a Thing is since a moment (default: now). See ``places.move``."""
        with self._database.write() as session:
            thing = self._changeable(session, actor, thing_id)
            point = geo.point(longitude, latitude)
            row, changed = self._move(session, thing, point, name, self._clock.micros() if since is None else since)
            if changed:
                self._note(session, actor, "thing.move", thing, location=row.id)
        return row

    def locations(self, actor: Actor, thing_id: int, after: int = 0, limit: int = 100) -> Sequence[Location]:
        """Where a Thing was, oldest first; the last row is where it is."""
        with self._database.read() as session:
            thing = seen(session, Thing, actor, thing_id, "thing")
            query = select(Location).where(Location.thing_id == thing_id)
            rows = session.scalars(page(query, Location.id, after, limit)).all()
        return [places.coarse(row, _decimals(thing, actor)) for row in rows]

    def places(self, actor: Actor, thing_ids: Iterable[int]) -> dict[int, Location]:
        """Where those of these Things are that the actor sees."""
        with self._database.read() as session:
            query = select(Thing).where(among(Thing, thing_ids), visible(Thing, actor))
            seen_by = {thing.id: _decimals(thing, actor) for thing in session.scalars(query)}
            found = places.newest(session, seen_by)
        return {thing: places.coarse(row, seen_by[thing]) for thing, row in found.items()}

    def decommission(self, actor: Actor, thing_id: int, reason: str) -> Thing:
        """End a Thing and its Datastreams. Their readings stay."""
        with self._database.write() as session:
            thing = self._changeable(session, actor, thing_id)
            thing.decommissioned_at = self._clock.micros()
            thing.decommission_reason = texts.reason(reason)
            living = Datastream.thing_id == thing.id
            ended = end_datastreams(session, living, thing.decommissioned_at, thing.decommission_reason)
            self._note(session, actor, "thing.decommission", thing, datastreams=ended)
        return thing

    def _changeable(self, session: Session, actor: Actor, thing_id: int) -> Thing:
        thing = changeable(session, Thing, actor, thing_id, "thing")
        refuse_decommissioned(thing)
        return thing

    def _device_of(self, session: Session, actor: Actor, organisation_id: int, address: str | None) -> int | None:
        if address is None:
            return None
        device = device_at(session, self._accounts, actor, "registry.change", address)
        if device.organisation_id != organisation_id or device.revoked_at is not None:
            raise Conflict(
                f"{address} is no active device of this organisation",
                code="revoked_device",
                field="device_address",
                found=address,
                expected="the address of an active device of the Thing's organisation",
            )
        return int(device.id)

    def _move(self, session: Session, thing: Thing, point: Point, name: str, since: int) -> tuple[Location, bool]:
        checked = geo.point(point.longitude, point.latitude)
        most = self._settings.thing_locations
        return places.move(
            session, thing, checked, texts.line(name, "location_name"), since, self._clock.micros(), most
        )

    def _note(self, session: Session, actor: Actor, action: str, thing: Thing, **detail: Any) -> None:
        now = self._clock.micros()
        audit.record(session, now, actor, action, "thing", thing.id, thing.organisation_id, **detail)
        events.append(session, now, "thing.changed", thing=thing.id)


def _decimals(thing: Thing, actor: Actor) -> int | None:
    """Of a degree, to which ``actor`` sees where it is."""
    return None if permits(actor, "registry.read_private", thing.organisation_id) else thing.place_decimals


def refuse_decommissioned(thing: Thing) -> None:
    if thing.decommissioned_at is not None:
        raise Conflict(
            f"{thing.name} was decommissioned: {thing.decommission_reason}",
            code="decommissioned",
            field="thing",
            found=thing.id,
            expected="a Thing that is in use",
        )


def thing_for_device(session: Session, device: Any) -> None:
    """The hook of ``Devices``: a new device gets one Thing of its name."""
    thing = Thing(
        organisation_id=device.organisation_id,
        device_id=device.id,
        name=device.name,
        description="",
        properties={},
        created_at=device.created_at,
    )
    session.add(thing)
    session.flush()
    events.append(session, device.created_at, "thing.changed", thing=thing.id)
