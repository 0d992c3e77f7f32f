"""A sample message through a feed: what each reading would become, or why not. Nothing is stored or registered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from gops.accounts.lookup import find_device
from gops.clock import DAY, SECOND
from gops.errors import Invalid
from gops.ingest import topics
from gops.ingest.declared import filters
from gops.ingest.declared.declaration import Declaration
from gops.ingest.declared.plan import Goal
from gops.ingest.declared.routes import FeedRoute, Traffic, Trial
from gops.ingest.decoded import Decoded, Value
from gops.ingest.feeds.model import Feed
from gops.ingest.mapping import Limits, resolve
from gops.ingest.refused import Refused
from gops.records.database import Database
from gops.sensors.model import Datastream, ObservedProperty
from gops.settings import Settings

ROWS = 1000  # of readings and of refusals that are shown
SAMPLE_NAME = "example"


@dataclass(frozen=True, slots=True)
class Tentative:
    """A reading as it would be stored. ``datastream`` is None where it would be registered as a draft; ``sent`` is as
    the codec read it, in ``sent_unit``. Times in microseconds."""

    field: str
    thing: str
    property: str
    datastream: int | None
    t: int
    value: float | None
    text: str | None
    quality: int
    unit: str
    sent: Value
    sent_unit: str | None


@dataclass(frozen=True, slots=True)
class Tried:
    """``topic`` is the query of a feed that is pulled. ``ignored`` counts the readings that the feed leaves out;
    ``cut`` says that there was more than is shown."""

    topic: str
    readings: list[Tentative]
    refusals: list[Refused]
    ignored: int
    cut: bool


def try_out(
    database: Database,
    settings: Settings,
    now: int,
    feed: Feed,
    home: str,
    declared: Declaration,
    sample: bytes,
    topic: str,
) -> Tried:
    """``topic`` is one that the filter matches; empty for any. Raises ``Invalid`` (``topic_unmatched``)."""
    whole = topic or _any_topic(declared.source.filter)
    levels = tuple(declared.source.filter.split("/"))
    if not filters.matches(levels, whole):
        raise Invalid(
            "the feed does not read this topic",
            code="topic_unmatched",
            field="topic",
            found=whole[:200],
            expected=f"a topic that {declared.source.filter} matches",
        )
    stranger = _stranger(database, whole) if topic and declared.source.kind == "mqtt" else None
    if stranger is not None:
        return Tried(whole, [], [stranger], 0, cut=False)
    route = FeedRoute(database, settings, feed, home, declared, Traffic())
    limits = limits_of(settings)
    trial = route.trial(route.decode(sample), whole, now, limits)
    rows = _rows(database, trial, now, limits)
    ignored = sum(goal is not None and trial.found[goal] is None for goal in trial.arranged.goals)
    refusals = trial.readings.refusals
    cut = len(trial.readings.t) > ROWS or len(refusals) > ROWS
    return Tried(whole, rows, refusals[:ROWS], ignored, cut)


def _any_topic(filter: str) -> str:
    return filter.removesuffix("/#").replace("+", SAMPLE_NAME)


def _stranger(database: Database, topic: str) -> Refused | None:
    """Who publishes there, if that is no registered device."""
    up = topics.parse_up(topic)
    with database.read() as session:
        found = find_device(session, up.address) if up else None
    if found is not None and found[0].revoked_at is None:
        return None
    note = f"no device is registered as {up.address if up else topic[:100]}; what it publishes is refused"
    return Refused("unknown_device", None, "", note)


def _rows(database: Database, trial: Trial, now: int, limits: Limits) -> list[Tentative]:
    kept = _kept(trial, now, limits)
    with database.read() as session:
        streams = {int(row["datastream"]) for _goal, _index, row in kept}
        known = select(Datastream.id, Datastream.unit, ObservedProperty.key).join(ObservedProperty)
        facts = {one: (unit, key) for one, unit, key in session.execute(known.where(Datastream.id.in_(streams)))}
        own = select(ObservedProperty.key, ObservedProperty.unit)
        units = {row.key: row.unit for row in session.execute(own)}
    rows = []
    for goal, index, row in kept:
        key = goal.rule.property if goal.rule else goal.field
        unit, key = facts.get(row["datastream"], (units.get(key, ""), key))
        sent = trial.decoded.units[index] if trial.decoded.units is not None else None
        sent = sent or (goal.rule.unit or None if goal.rule else None)
        made = {name: row[name] for name in ("t", "value", "text", "quality")}
        whole = trial.decoded.fields[index], goal.thing, key, row["datastream"] or None
        rows.append(Tentative(*whole, **made, unit=unit, sent=trial.decoded.values[index], sent_unit=sent))
    return rows


def _kept(trial: Trial, now: int, limits: Limits) -> list[tuple[Goal, int, Mapping[str, Any]]]:
    """The first readings that would be stored: goal, index in the message, columns. Each is resolved by itself, as rows
    of a whole message do not say which reading they were."""
    found: list[tuple[Goal, int, Mapping[str, Any]]] = []
    for place, index in enumerate(trial.kept[:ROWS]):
        readings = resolve(only(trial.settled, place), trial.route, now, limits)
        goal = trial.arranged.goals[index]
        if readings.t and goal is not None:
            names = ("datastream", "t", "value", "text", "quality")
            found.append((goal, index, {name: getattr(readings, name)[0] for name in names}))
    return found


def limits_of(settings: Settings) -> Limits:
    """As of a store that keeps texts and microseconds."""
    return Limits(settings.accept_past_days * DAY, settings.accept_ahead_seconds * SECOND, settings.message_text)


def only(decoded: Decoded, index: int) -> Decoded:
    """One of the readings."""
    return Decoded(
        fields=[decoded.fields[index]],
        values=[decoded.values[index]],
        times=[decoded.times[index]],
        qualities=[decoded.qualities[index]],
        result_times=[decoded.result_times[index]],
        units=None if decoded.units is None else [decoded.units[index]],
        relative=[0] if decoded.relative and index in decoded.relative else None,
    )
