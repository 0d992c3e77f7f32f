"""Range and quality rules that a feed declares, and how they reach the Datastreams that it registered.

A Datastream is registered with what its feed says. When the feed says something else, each range and each rule of its
Datastreams that is still what the feed said before follows; one that somebody has set otherwise by hand stays.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, cast

from sqlalchemy import select
from sqlalchemy.orm import Session

from gops.errors import Invalid
from gops.ingest.declared.sections import Section, wrong
from gops.ingest.feeds.answers import Measured
from gops.ingest.feeds.model import Feed
from gops.kinds import Kind
from gops.sensors import quality_rules
from gops.sensors.declaration import converted, declare
from gops.sensors.ending import tell
from gops.sensors.model import Datastream, ObservedProperty, Sensor

RULES = 20
MEMBER = "quality"  # of a pulled feed's config: by property, for portals whose columns are built in
Key = tuple[str, str]
"""(observed property, Sensor's name)"""


@dataclass(frozen=True, slots=True)
class Said:
    """What a feed says of one property, in ``unit``. ``rules`` as ``QualityRules.document`` writes them."""

    unit: str
    range_low: float | None = None
    range_high: float | None = None
    rules: Mapping[str, Any] = field(default_factory=dict)


def with_limits(given: Section, measured: Measured) -> Measured:
    """``measured`` with the members ``range_low``, ``range_high`` and ``rules``, checked. Raises ``Invalid`` with their
    places."""
    low = given.number("range_low", 0.0) if given.has("range_low") else None
    high = given.number("range_high", 0.0) if given.has("range_high") else None
    said = given.get("rules", {})
    if not isinstance(said, Mapping) or len(said) > RULES:
        raise wrong(given.at("rules"), said, "a table of quality rules")
    with _places(given.at("")):
        declare(measured.unit, measured.kind, None, "instant", low, high)
    with _places(given.at("rules.")):
        rules = quality_rules.check(said, measured.kind, measured.period)
    return replace(measured, range_low=low, range_high=high, rules=rules.document())


def by_property(config: Mapping[str, Any], measured: Mapping[str, Measured]) -> Mapping[str, Measured]:
    """``measured`` with what the config's ``quality`` says. Raises ``Invalid``."""
    place = f"config.{MEMBER}"
    given = Section(config.get(MEMBER) or {}, place)
    found = dict(measured)
    for key, one in measured.items():
        if given.has(key):
            section = given.section(key)
            found[key] = with_limits(section, one)
            section.done()
            if (one.range_low, one.range_high, one.rules) != (None, None, {}):
                raise wrong(f"{place}.{key}", "said twice", f"what {one.where} says of it, or this")
    given.done()
    return found


def said_by_portal(measured: Mapping[str, Measured]) -> dict[Key, Said]:
    return {
        (key, one.sensor): Said(one.unit, one.range_low, one.range_high, one.rules) for key, one in measured.items()
    }


def follow(session: Session, feed: Feed, before: Mapping[Key, Said], after: Mapping[Key, Said], now: int) -> int:
    """Bring what changed to the Datastreams that the feed registered and that have not ended; how many took it.

    What would not suit a Datastream together with what somebody set leaves it as it is.
    """
    changed = {key: one for key, one in after.items() if before.get(key, Said(one.unit)) != one}
    if not changed:
        return 0
    query = (
        select(Datastream, ObservedProperty.key, Sensor.name)
        .join(ObservedProperty, ObservedProperty.id == Datastream.observed_property_id)
        .join(Sensor, Sensor.id == Datastream.sensor_id)
        .where(Datastream.feed_id == feed.id, Datastream.ended_at.is_(None))
        .where(ObservedProperty.key.in_({key for key, _sensor in changed}))
        .order_by(Datastream.id)
        .with_for_update(of=Datastream)
    )
    found = session.execute(query).all()
    took = []
    for stream, observed, sensor in found:
        said = changed.get((observed, sensor))
        if said is not None and _take(stream, before.get((observed, sensor), Said(said.unit)), said):
            took.append(stream.id)
    if took:
        session.flush()
        tell(session, now, took)
    return len(took)


def _take(stream: Datastream, before: Said, after: Said) -> bool:
    """Whether it changed."""
    try:
        old, new = _in_unit(before, stream.unit), _in_unit(after, stream.unit)
        low = new.range_low if stream.range_low == old.range_low else stream.range_low
        high = new.range_high if stream.range_high == old.range_high else stream.range_high
        declare(stream.unit, stream.kind, None, "instant", low, high)
        stands = stream.quality_rules or {}
        merged = {
            name: new.rules.get(name) if stands.get(name) == old.rules.get(name) else stands.get(name)
            for name in quality_rules.NAMES
        }
        rules = quality_rules.check(merged, cast(Kind, stream.kind), stream.period).document() or None
    except Invalid:
        return False
    if (low, high, rules) == (stream.range_low, stream.range_high, stream.quality_rules):
        return False
    stream.range_low, stream.range_high, stream.quality_rules = low, high, rules
    return True


def _in_unit(said: Said, unit: str) -> Said:
    """Raises ``Invalid`` where the units do not convert."""
    if said.unit == unit:
        return said
    rules = quality_rules.converted(quality_rules.read(said.rules), said.unit, unit)
    return Said(unit, rules=rules.document(), **converted(said.range_low, said.range_high, said.unit, unit))


@contextmanager
def _places(place: str) -> Iterator[None]:
    try:
        yield
    except Invalid as error:
        error.field = f"{place}{error.field}"
        raise
