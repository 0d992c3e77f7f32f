"""Stations of a portal as Things, and what they measure as Datastreams of the feed's organisation.

A station is found by the portal's code, or by its name where either side has no code; so one that is renamed stays the
same Thing, and a portal that begins to give codes does not double its stations.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, cast

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gops import units
from gops.errors import GopsError
from gops.ingest.decoded import Decoded
from gops.ingest.feeds.answers import Measured, Sample, Station, field_name
from gops.ingest.feeds.model import Feed, FeedStation
from gops.kinds import Kind
from gops.permissions import ANONYMOUS
from gops.records import audit, events
from gops.sensors import places
from gops.sensors.bounds import refuse_count, refuse_more
from gops.sensors.declaration import check_property, declare
from gops.sensors.ending import tell
from gops.sensors.instruments import sensor_for
from gops.sensors.model import Datastream, Location, ObservedProperty, Thing
from gops.sensors.retention import KEPT, Rule, closing, lead
from gops.sensors.routes import DeviceRoute, Target
from gops.settings import Settings

INFINITY = float("inf")
NAME_LENGTH = 200
IN_ONE_QUERY = 1000
Known = Mapping[tuple[str, str], Datastream]
"""By key of the station and of the observed property; of several the newest."""


@dataclass(frozen=True, slots=True)
class Registered:
    """What the registry has of a sample's stations."""

    stations: Mapping[str, FeedStation]
    datastreams: Known
    vague: frozenset[str]
    """Keys of stations of which the sample says a place or a title that their Things lack."""

    def lacks(self, sample: Sample) -> bool:
        if self.vague or any(pair not in self.datastreams for pair in sample.known):
            return True
        return any(sample.stations[key].code and row.code is None for key, row in self.stations.items())


def look_up(session: Session, feed: Feed, sample: Sample) -> Registered:
    """By the keys that this sample uses."""
    rows = session.scalars(select(FeedStation).where(FeedStation.feed_id == feed.id)).all()
    by_key, by_code = {row.key: row for row in rows}, {row.code: row for row in rows}
    found: dict[str, FeedStation] = {}
    for key, station in sample.stations.items():
        row = _match(station, by_key, by_code)
        if row is not None:
            found[key] = row
    return Registered(found, _datastreams(session, feed, found), frozenset(_vague(session, sample, found)))


def _vague(session: Session, sample: Sample, found: Mapping[str, FeedStation]) -> Iterator[str]:
    told = {key: row for key, row in found.items() if sample.stations[key].place or sample.stations[key].title}
    names: dict[int, str] = {}
    placed: set[int] = set()
    for ids in batched(sorted({row.thing_id for row in told.values()}), IN_ONE_QUERY):
        names |= {one.id: one.name for one in session.execute(select(Thing.id, Thing.name).where(Thing.id.in_(ids)))}
        placed |= set(session.scalars(select(Location.thing_id).where(Location.thing_id.in_(ids)).distinct()))
    for key, row in told.items():
        station = sample.stations[key]
        unnamed = bool(station.title) and names[row.thing_id] == row.key != _name(station)
        if unnamed or (station.place is not None and row.thing_id not in placed):
            yield key


def _match(
    station: Station, by_key: Mapping[str, FeedStation], by_code: Mapping[str | None, FeedStation]
) -> FeedStation | None:
    if station.code and station.code in by_code:
        return by_code[station.code]
    named = by_key.get(station.key)
    if named is not None and station.code and named.code:
        return None  # the name has gone to another station
    return named


def _datastreams(session: Session, feed: Feed, stations: Mapping[str, FeedStation]) -> Known:
    query = (
        select(Datastream, ObservedProperty.key)
        .join(ObservedProperty, ObservedProperty.id == Datastream.observed_property_id)
        .where(Datastream.feed_id == feed.id)
        .order_by(Datastream.id)
    )
    keys = {row.thing_id: key for key, row in stations.items()}
    return {
        (keys[stream.thing_id], observed): stream
        for stream, observed in session.execute(query)
        if stream.thing_id in keys
    }


def register(
    session: Session, feed: Feed, sample: Sample, measured: Mapping[str, Measured], settings: Settings, now: int
) -> int:
    """Put into the registry what it lacks of this sample; how many Datastreams that were.

    Raises ``Conflict`` at a bound, ``Invalid`` where an observed property is not what the adapter measures.
    """
    found = look_up(session, feed, sample)
    wanted = sorted(pair for pair in sample.known if pair not in found.datastreams)
    stations = dict(found.stations)
    for key, row in stations.items():
        row.code = row.code or sample.stations[key].code
    new = [sample.stations[key] for key in sorted({key for key, _ in wanted} - stations.keys())]
    if new:
        stations |= _add_stations(session, feed, new, settings, now)
    for key in sorted(found.vague):
        _describe(session, stations[key], sample.stations[key], settings, now)
    made = _add_datastreams(session, feed, wanted, stations, measured, settings, now) if wanted else []
    if made:
        tell(session, now, made)
        detail = {"datastreams": len(wanted), "stations": len({key for key, _ in wanted})}
        audit.record(session, now, ANONYMOUS, "feed.register", "feed", feed.id, feed.organisation_id, **detail)
    return len(wanted)


def _add_stations(
    session: Session, feed: Feed, new: Sequence[Station], settings: Settings, now: int
) -> dict[str, FeedStation]:
    """All at once: a city has thousands, and nobody else writes meanwhile."""
    taken = set(session.scalars(select(FeedStation.key).where(FeedStation.feed_id == feed.id)))
    refuse_count(len(taken) + len(new), "feed_stations", settings)
    own = Thing.organisation_id == feed.organisation_id
    refuse_more(session, settings, "organisation_things", own, feed.organisation_id, len(new))
    things = [
        Thing(
            organisation_id=feed.organisation_id,
            name=_name(station),
            description="",
            properties={"source": feed.adapter, **station.facts},
            created_at=now,
        )
        for station in new
    ]
    session.add_all(things)
    session.flush()
    made: dict[str, FeedStation] = {}
    for station, thing in zip(new, things, strict=True):
        key = _free_key(station, taken)
        taken.add(key)
        made[station.key] = FeedStation(feed_id=feed.id, key=key, code=station.code, thing_id=thing.id)
        if station.place is not None:
            at = {"longitude": station.place.longitude, "latitude": station.place.latitude}
            session.add(Location(thing_id=thing.id, name="", since=now, **at))
        events.append(session, now, "thing.changed", thing=thing.id)
    session.add_all(made.values())
    session.flush()
    return made


def _describe(session: Session, row: FeedStation, station: Station, settings: Settings, now: int) -> None:
    """Put the Thing where the portal says, if it has no place, and call it by its title, if it has only its key.

    What a person has changed is left alone, and so is a place that the portal changes later.
    """
    thing = session.get_one(Thing, row.thing_id)
    placed = session.scalar(select(Location.id).where(Location.thing_id == thing.id).limit(1)) is not None
    if station.place is not None and not placed:
        places.move(session, thing, station.place, "", now, now, settings.thing_locations)
    if station.title and thing.name == row.key:
        thing.name = _name(station)
    events.append(session, now, "thing.changed", thing=thing.id)


def _name(station: Station) -> str:
    """One line, as names of Things are."""
    plain = unicodedata.normalize("NFC", "".join(sign for sign in station.title or station.key if sign.isprintable()))
    return plain.strip()[:NAME_LENGTH] or station.key[:NAME_LENGTH]


def _free_key(station: Station, taken: Collection[str]) -> str:
    """The station's key; with its code where an earlier station had that name."""
    key = station.key[:200]
    return f"{key[:130]} {station.code}" if key in taken else key


def _add_datastreams(
    session: Session,
    feed: Feed,
    wanted: Sequence[tuple[str, str]],
    stations: Mapping[str, FeedStation],
    measured: Mapping[str, Measured],
    settings: Settings,
    now: int,
) -> list[int]:
    """Of these (station's key, property); their ids. Raises as ``register`` does."""
    properties = {row.key: row for row in session.scalars(select(ObservedProperty))}
    names = _refuse_full(session, Counter(stations[key].thing_id for key, _ in wanted), settings)
    declared: dict[str, tuple[int, int, dict[str, Any]]] = {}
    for observed in sorted({observed for _, observed in wanted}):
        if observed not in properties:
            raise GopsError(f"there is no observed property {observed}", code="unknown_property", field=observed)
        one, known = measured[observed], properties[observed]
        made = declare(one.unit, one.kind, one.period, one.label, one.range_low, one.range_high)
        check_property(made, observed, known.unit, cast(Kind, known.kind))
        sensor = sensor_for(session, now, ANONYMOUS, settings, feed.organisation_id, one.sensor)
        declared[observed] = known.id, sensor.id, asdict(made) | {"quality_rules": dict(one.rules) or None}
    streams = [
        Datastream(
            thing_id=stations[key].thing_id,
            organisation_id=feed.organisation_id,
            sensor_id=declared[observed][1],
            observed_property_id=declared[observed][0],
            name=f"{names[stations[key].thing_id]} {observed}"[:200],
            description="",
            public=False,
            created_at=now,
            feed_id=feed.id,
            **declared[observed][2],
        )
        for key, observed in wanted
    ]
    session.add_all(streams)
    session.flush()
    return [stream.id for stream in streams]


def _refuse_full(session: Session, more: Mapping[int, int], settings: Settings) -> dict[int, str]:
    """Names of Things by their ids. Raises ``Conflict`` where one would have too many Datastreams."""
    names: dict[int, str] = {}
    for ids in batched(sorted(more), IN_ONE_QUERY):
        counted = select(Datastream.thing_id, func.count()).where(Datastream.thing_id.in_(ids))
        for one, count in session.execute(counted.group_by(Datastream.thing_id)):
            refuse_count(count + more[one], "thing_datastreams", settings)
        found = session.execute(select(Thing.id, Thing.name).where(Thing.id.in_(ids)))
        names |= {row.id: row.name for row in found}
    refuse_count(max(more.values()), "thing_datastreams", settings)
    return names


def batched(ids: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    """A statement has a bounded number of parameters."""
    return (ids[start : start + size] for start in range(0, len(ids), size))


def route(
    feed: Feed, slug: str, registered: Registered, measured: Mapping[str, Measured], default: Rule = KEPT
) -> DeviceRoute:
    """Where each field of a sample goes. ``slug`` is the organisation's, ``default`` its retention."""
    fields: dict[str, Target] = {}
    ended: set[str] = set()
    for (station, observed), stream in registered.datastreams.items():
        name = field_name(station, observed)
        if stream.ended_at is not None:
            ended.add(name)
        elif observed in measured:
            fields[name] = _target(stream, measured[observed], default)
    return DeviceRoute(0, feed.organisation_id, slug, f"{slug}/{feed.slug}", fields, frozenset(ended))


def _target(stream: Datastream, measured: Measured, default: Rule) -> Target:
    scale, offset = (1.0, 0.0) if stream.unit == measured.unit else units.conversion(measured.unit, stream.unit)
    low = -INFINITY if stream.range_low is None else stream.range_low
    high = INFINITY if stream.range_high is None else stream.range_high
    age, closed = closing(stream, default.under(stream))
    return Target(stream.id, measured.kind, scale, offset, low, high, age=age, closed=closed, lead=lead(stream))


def told(decoded: Decoded, to: DeviceRoute) -> tuple[Decoded, int]:
    """Without what is missing of a property that its station never had; how many readings that were.

    A station of the roadside network has no ozone: hour after hour of ``-`` is no Datastream.
    """
    silent = [
        name not in to.fields and name not in to.ended and value is None and quality is None
        for name, value, quality in zip(decoded.fields, decoded.values, decoded.qualities, strict=True)
    ]
    if not any(silent):
        return decoded, 0
    kept = [index for index, is_silent in enumerate(silent) if not is_silent]
    return (
        Decoded(
            fields=[decoded.fields[index] for index in kept],
            values=[decoded.values[index] for index in kept],
            times=[decoded.times[index] for index in kept],
            qualities=[decoded.qualities[index] for index in kept],
            result_times=[decoded.result_times[index] for index in kept],
            refusals=decoded.refusals,
            spans=[(place, decoded.spans[index][1]) for place, index in enumerate(kept)],
        ),
        len(silent) - len(kept),
    )
