"""Things that stand inside a site, found by geometry, with the Datastreams that who asks may see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from gops import areas
from gops.geo import BBox
from gops.permissions import Actor
from gops.sensors.model import Datastream, Location, ObservedProperty, Thing
from gops.sensors.places import is_newest, is_within, shown
from gops.sensors.visibility import home_of, visible
from gops.testbed.model import Site


@dataclass(frozen=True)
class Stream:
    id: int
    name: str
    observed_property: str
    unit: str
    kind: str


@dataclass(frozen=True)
class Standing:
    """A Thing where it is now, as exactly as who asks may know."""

    id: int
    name: str
    longitude: float
    latitude: float
    datastreams: Sequence[Stream]


def standing(session: Session, actor: Actor, site: Site, after: int, limit: int) -> list[Standing]:
    """By id; those that have a Datastream that the actor sees and that has not ended.

    A Thing whose place others see roughly is inside where they see it.
    """
    home = home_of(actor, "registry.read_private")
    box = BBox(site.west, site.south, site.east, site.north)
    seen = select(Datastream.thing_id).where(visible(Datastream, actor), Datastream.ended_at.is_(None))
    query = (
        select(Thing.id, Thing.name, *_position(home))
        .join(Location, Location.thing_id == Thing.id)
        .where(
            Thing.id > after, is_within(box, home), is_newest(), Thing.decommissioned_at.is_(None), Thing.id.in_(seen)
        )
        .order_by(Thing.id)
    )
    rows = session.execute(query).all()
    within = areas.inside({"site": site.geojson})([(row.longitude, row.latitude) for row in rows])
    chosen = [row for row, one in zip(rows, within, strict=True) if one][:limit]
    streams = _streams(session, actor, [row.id for row in chosen])
    return [Standing(row.id, row.name, row.longitude, row.latitude, streams.get(row.id, ())) for row in chosen]


def _position(home: int | None) -> tuple[ColumnElement[float], ColumnElement[float]]:
    if home is None:
        return Location.longitude.label("longitude"), Location.latitude.label("latitude")
    longitude, latitude = (shown(one, home) for one in (Location.longitude, Location.latitude))
    return longitude.label("longitude"), latitude.label("latitude")


def _streams(session: Session, actor: Actor, things: Sequence[int]) -> Mapping[int, Sequence[Stream]]:
    query = (
        select(Datastream, ObservedProperty.key)
        .join(ObservedProperty, ObservedProperty.id == Datastream.observed_property_id)
        .where(Datastream.thing_id.in_(things), visible(Datastream, actor), Datastream.ended_at.is_(None))
        .order_by(Datastream.id)
    )
    found: dict[int, list[Stream]] = {}
    for row, key in session.execute(query):
        found.setdefault(row.thing_id, []).append(Stream(row.id, row.name, key, row.unit, row.kind))
    return found
