"""Drafts: Things and Datastreams that a declared feed brings into the registry, private until they are published."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, cast

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gops.errors import Invalid
from gops.ingest.declared.declaration import Field
from gops.ingest.feeds.model import Feed, FeedStation
from gops.ingest.feeds.ruled import Key, Said
from gops.kinds import Kind
from gops.permissions import ANONYMOUS
from gops.records import audit, events
from gops.records.database import Database
from gops.sensors.bounds import refuse_count, refuse_more
from gops.sensors.declaration import Declaration, check_property, declare
from gops.sensors.ending import tell
from gops.sensors.fields import FieldRow, check_conversion
from gops.sensors.instruments import sensor_for
from gops.sensors.model import Datastream, ObservedProperty, Sensor, Thing
from gops.sensors.quality_rules import check
from gops.sensors.routes import Target
from gops.settings import Settings

INFINITY = float("inf")
NO_SENSOR = "unspecified"


def row_of(rule: Field, datastream: int) -> FieldRow:
    return FieldRow(rule.field, datastream, rule.unit or None, rule.scale, rule.offset)


def check_rule(session: Session, rule: Field, place: str) -> tuple[ObservedProperty, Declaration]:
    """The property of a rule, and the Datastream that it would register.

    Raises ``Invalid`` whose ``field`` begins with ``place``: ``unknown_property``, ``kind_of_property``,
    ``unit_of_kind``, ``incompatible_units``, ``state_conversion``; of its rules ``rule_of_kind``, ``bad_quality_rule``.
    """
    found = session.scalar(select(ObservedProperty).where(ObservedProperty.key == rule.property))
    if found is None:
        raise Invalid(
            f"there is no observed property {rule.property}",
            code="unknown_property",
            field=f"{place}property",
            found=rule.property,
            expected="one of the platform's list (GET /properties)",
        )
    try:
        kind, period = rule.kind or found.kind, rule.period or None
        declared = declare(found.unit, kind, period, rule.label, rule.range_low, rule.range_high)
        check_property(declared, found.key, found.unit, cast(Kind, found.kind))
    except Invalid as error:
        error.field = f"{place}{error.field}"
        raise
    _rules(rule, declared, place)
    check_conversion(row_of(rule, 0), found.unit, declared.kind, place)
    return found, declared


def _rules(rule: Field, declared: Declaration, place: str) -> dict[str, Any] | None:
    """The quality rules that a Datastream is registered with."""
    try:
        return check(dict(rule.rules), declared.kind, declared.period).document() or None
    except Invalid as error:
        error.field = f"{place}rules.{error.field}"
        raise


def said_by_fields(session: Session, fields: Sequence[Field]) -> dict[Key, Said]:
    """What a feed says of the Datastreams that it registers. A rule that no longer suits its property says nothing."""
    found = {}
    for rule in fields:
        try:
            observed, declared = check_rule(session, rule, "")
        except Invalid:
            continue
        low, high, rules = declared.range_low, declared.range_high, _rules(rule, declared, "")
        found[rule.property, rule.sensor or NO_SENSOR] = Said(observed.unit, low, high, rules or {})
    return found


def would_be(session: Session, rule: Field) -> Target:
    """The way into the Datastream that would be registered: number 0, as it has none yet."""
    found, declared = check_rule(session, rule, "")
    scale, offset = check_conversion(row_of(rule, 0), found.unit, declared.kind, "")
    low = -INFINITY if declared.range_low is None else declared.range_low
    high = INFINITY if declared.range_high is None else declared.range_high
    return Target(0, declared.kind, scale, offset, low, high, unit=rule.unit or None)


def register(
    database: Database, settings: Settings, feed_id: int, wanted: Sequence[tuple[str, Field]], now: int
) -> None:
    """Put into the registry what it lacks of these (Thing's name, rule), in one unit.

    Raises ``Conflict`` at a bound, ``Invalid`` where a rule no longer suits its property.
    """
    made: list[int] = []
    with database.write() as session:
        feed = session.get_one(Feed, feed_id, with_for_update=True)
        things: dict[str, Thing] = {}
        for name, rule in wanted:
            if name not in things:
                things[name] = _thing(session, feed, name, settings, now)
            if not _stands(session, feed, things[name], rule):
                made.append(_add(session, feed, things[name], rule, settings, now))
        if made:
            tell(session, now, made)
            detail = {"datastreams": len(made), "things": len(things)}
            audit.record(session, now, ANONYMOUS, "feed.register", "feed", feed.id, feed.organisation_id, **detail)


def _thing(session: Session, feed: Feed, name: str, settings: Settings, now: int) -> Thing:
    """The Thing that this feed registered by that name, or one in use that is called so, or a new one."""
    stations = select(Thing).join(FeedStation, FeedStation.thing_id == Thing.id)
    mine = session.scalar(stations.where(FeedStation.feed_id == feed.id, FeedStation.key == name))
    if mine is not None:
        return mine
    own = Thing.organisation_id == feed.organisation_id
    named = select(Thing).where(own, Thing.name == name, Thing.decommissioned_at.is_(None))
    found = session.scalar(named.order_by(Thing.id).limit(1))
    if found is not None:
        return found
    there = session.scalar(select(func.count()).where(FeedStation.feed_id == feed.id)) or 0
    refuse_count(there + 1, "feed_stations", settings)
    refuse_more(session, settings, "organisation_things", own, feed.organisation_id)
    thing = Thing(
        organisation_id=feed.organisation_id, name=name, description="", properties={"feed": feed.slug}, created_at=now
    )
    session.add(thing)
    session.flush()
    session.add(FeedStation(feed_id=feed.id, key=name, code=None, thing_id=thing.id))
    events.append(session, now, "thing.changed", thing=thing.id)
    return thing


def _stands(session: Session, feed: Feed, thing: Thing, rule: Field) -> bool:
    query = (
        select(Datastream.id)
        .join(ObservedProperty, ObservedProperty.id == Datastream.observed_property_id)
        .join(Sensor, Sensor.id == Datastream.sensor_id)
        .where(Datastream.thing_id == thing.id, Datastream.feed_id == feed.id, ObservedProperty.key == rule.property)
    )
    return session.scalar(query.where(Sensor.name == (rule.sensor or NO_SENSOR)).limit(1)) is not None


def _add(session: Session, feed: Feed, thing: Thing, rule: Field, settings: Settings, now: int) -> int:
    observed, declared = check_rule(session, rule, "")
    refuse_more(session, settings, "thing_datastreams", Datastream.thing_id == thing.id, thing.id)
    sensor = sensor_for(session, now, ANONYMOUS, settings, feed.organisation_id, rule.sensor or NO_SENSOR)
    stream = Datastream(
        thing_id=thing.id,
        organisation_id=feed.organisation_id,
        sensor_id=sensor.id,
        observed_property_id=observed.id,
        name=f"{thing.name} {observed.key}"[:200],
        description="",
        public=False,
        created_at=now,
        feed_id=feed.id,
        quality_rules=_rules(rule, declared, ""),
        **asdict(declared),
    )
    session.add(stream)
    session.flush()
    return stream.id
