"""From goals to Datastreams of the feed's organisation: looked up together, remembered, registered as drafts if wanted.

A goal's Thing is found by its name (of several in use the oldest), its Datastream by observed property and, where the
rule names one, Sensor; of several the feed's own, then the newest. What has ended is not registered anew.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from gops.errors import Conflict, Invalid
from gops.ingest.declared.declaration import Field, Unknown
from gops.ingest.declared.plan import IGNORED, Found, Goal
from gops.ingest.declared.registering import register, row_of, would_be
from gops.ingest.declared.remembered import Answer, Remembered
from gops.ingest.feeds.model import FeedStation
from gops.ingest.refused import Unreadable, shown
from gops.records.database import Database
from gops.sensors.fields import target_of
from gops.sensors.model import Datastream, ObservedProperty, Sensor, Thing
from gops.sensors.retention import Rule, inherited
from gops.sensors.routes import Target
from gops.settings import Settings

AT_ONCE = 500  # names in one statement
THINGS_A_UNIT = 50
FULL_SECONDS = 60.0  # after a bound was met nothing is registered for so long
THING_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Owner:
    """The feed whose goals are found. What is not there is refused, registered as a draft, or ignored."""

    feed: int
    organisation: int
    unknown_thing: Unknown
    unknown_field: Unknown


@dataclass(frozen=True, slots=True)
class _Known:
    """What the registry has of one Thing name: its id, None for none; ``gone`` where all of that name have left."""

    thing: int | None = None
    gone: bool = False
    own: bool = False  # this feed registered it
    streams: Sequence[tuple[Datastream, str, str]] = ()  # with property and Sensor, best first


class Targets:
    """``find`` may be called from several threads; ``remembered`` is told of events."""

    def __init__(self, database: Database, settings: Settings, owner: Owner) -> None:
        self._database = database
        self._settings = settings
        self._owner = owner
        self._full: tuple[float, str] = (0.0, "")
        self.remembered = Remembered(settings.feed_targets)

    def find(self, goals: Iterable[Goal], now: int, *, registers: bool = True) -> Mapping[Goal, Found]:
        """What each goal came to. ``registers`` is false for a trial. Raises ``Unavailable``."""
        wanted = set(goals)
        found = self.remembered.get(wanted)
        unknown = wanted - found.keys()
        if not unknown:
            return found
        changes = self.remembered.changes
        fresh, lacking = self._look_up(unknown)
        if lacking:
            fresh |= self._register(lacking, now) if registers else self._drafts(lacking)
        if registers:
            self.remembered.put(fresh, changes)
        return found | {goal: answer for goal, (answer, _thing) in fresh.items()}

    def prepare(self, goals: Iterable[Goal]) -> None:
        """Look up what may be asked soon, together; what is not there is left to ``find``. Raises ``Unavailable``."""
        wanted = set(goals)
        changes = self.remembered.changes
        fresh, _lacking = self._look_up(wanted - self.remembered.get(wanted).keys())
        self.remembered.put({goal: one for goal, one in fresh.items() if isinstance(one[0], Target)}, changes)

    def _look_up(self, goals: set[Goal]) -> tuple[dict[Goal, Answer], dict[Goal, Field]]:
        """What was found, and the rules of what is to be registered."""
        with self._database.read() as session:
            rules = self._rules(session, goals)
            known = _known(session, self._owner, {goal.thing for goal in goals})
            default = inherited(session, Rule.of(self._settings), self._owner.organisation)
        found: dict[Goal, Answer] = {}
        lacking: dict[Goal, Field] = {}
        for goal in sorted(goals, key=lambda one: one[:2]):
            rule, one = rules.get(goal), known.get(goal.thing, _Known())
            if rule is None:
                found[goal] = self._without_rule(goal), one.thing
                continue
            answer = self._answer(goal, rule, one, default)
            if isinstance(answer, _Lacking):
                lacking[goal] = rule
            else:
                found[goal] = answer, one.thing
        return found, lacking

    def _rules(self, session: Session, goals: set[Goal]) -> dict[Goal, Field]:
        """The rule of each; where drafts are wanted, a field that is called as an observed property is that."""
        rules = {goal: goal.rule for goal in goals if goal.rule is not None}
        names = {goal.field for goal in goals if goal.rule is None}
        if not names or self._owner.unknown_field != "draft":
            return rules
        some = sorted(names)[:AT_ONCE]
        there = set(session.scalars(select(ObservedProperty.key).where(ObservedProperty.key.in_(some))))
        return rules | {goal: Field(goal.field, goal.field) for goal in goals if goal.field in there and not goal.rule}

    def _without_rule(self, goal: Goal) -> Found:
        if self._owner.unknown_field == "ignore":
            return IGNORED
        return Unreadable("unknown_field", f"the feed's mapping has no field {shown(goal.field)}")

    def _answer(self, goal: Goal, rule: Field, known: _Known, default: Rule) -> Found | _Lacking:
        if known.gone:
            return Unreadable("ended_datastream", f"{shown(goal.thing)} was taken out of service")
        ended = False
        for stream, key, sensor in known.streams:
            if key != rule.property or (rule.sensor and sensor != rule.sensor) or rule.kind not in ("", stream.kind):
                continue
            if stream.ended_at is None and (target := _target(rule, stream, default)) is not None:
                return target
            ended = ended or stream.ended_at is not None
        if ended:
            return Unreadable("ended_datastream", f"{rule.property} of {shown(goal.thing)} has ended")
        return self._unknown(goal, rule, known)

    def _unknown(self, goal: Goal, rule: Field, known: _Known) -> Found | _Lacking:
        new = known.thing is None
        choice = self._owner.unknown_thing if new or known.own else self._owner.unknown_field
        if choice == "ignore":
            return IGNORED
        if choice == "draft" and len(goal.thing) <= THING_CHARACTERS and goal.thing.isprintable():
            return _Lacking()
        if new:
            return Unreadable("unknown_thing", f"there is no Thing {shown(goal.thing)} of the feed's organisation")
        return Unreadable("unknown_field", f"{shown(goal.thing)} has no Datastream of {rule.property} that suits")

    def _register(self, lacking: Mapping[Goal, Field], now: int) -> dict[Goal, Answer]:
        """Thing after Thing until a bound is met; then the rest is refused, and for a minute nothing is tried."""
        until, why = self._full
        if time.monotonic() >= until:
            try:
                self._register_all(lacking, now)
            except (Conflict, Invalid) as error:
                why = error.message
                self._full = time.monotonic() + FULL_SECONDS, why
            else:
                return self._look_up(set(lacking))[0]
        found, missing = self._look_up(set(lacking))
        full = Unreadable("unknown_thing", f"it could not be registered: {why}"[:300])
        return found | dict.fromkeys(missing, (full, None))

    def _register_all(self, lacking: Mapping[Goal, Field], now: int) -> None:
        """In short units, so that others get the write lock. Raises ``Conflict`` at a bound, ``Invalid``."""
        rules: dict[str, list[tuple[str, Field]]] = {}
        for goal, rule in lacking.items():
            rules.setdefault(goal.thing, []).append((goal.thing, rule))
        names = list(rules)
        for first in range(0, len(names), THINGS_A_UNIT):
            some = names[first : first + THINGS_A_UNIT]
            try:
                self._register_some([row for name in some for row in rules[name]], now)
            except (Conflict, Invalid):
                for name in some:
                    self._register_some(rules[name], now)

    def _register_some(self, wanted: Sequence[tuple[str, Field]], now: int) -> None:
        register(self._database, self._settings, self._owner.feed, wanted, now)

    def _drafts(self, lacking: Mapping[Goal, Field]) -> dict[Goal, Answer]:
        with self._database.read() as session:
            return {goal: (would_be(session, rule), None) for goal, rule in lacking.items()}


@dataclass(frozen=True, slots=True)
class _Lacking:
    """It is to be registered."""


def _target(rule: Field, stream: Datastream, default: Rule) -> Target | None:
    """None where the rule's unit does not suit the Datastream."""
    try:
        return target_of(row_of(rule, stream.id), stream, default)
    except Invalid:
        return None


def _known(session: Session, owner: Owner, names: set[str]) -> dict[str, _Known]:
    """By what the feed called a Thing when it registered it, however that is called now, else by the Thing's name."""
    found: dict[str, _Known] = {}
    ordered = sorted(names)
    for first in range(0, len(ordered), AT_ONCE):
        some = ordered[first : first + AT_ONCE]
        stations = select(FeedStation.key, Thing.id, Thing.decommissioned_at).join(
            Thing, Thing.id == FeedStation.thing_id
        )
        for key, thing, left in session.execute(
            stations.where(FeedStation.feed_id == owner.feed, FeedStation.key.in_(some))
        ):
            found[key] = _Known(None if left else thing, gone=left is not None, own=True)
        things = select(Thing.name, Thing.id, Thing.decommissioned_at).where(
            Thing.organisation_id == owner.organisation
        )
        for name, thing, left in session.execute(things.where(Thing.name.in_(some)).order_by(Thing.id)):
            standing = found.get(name)
            if standing is None or (standing.gone and not standing.own and left is None):
                found[name] = _Known(None if left else thing, gone=left is not None)
    by_thing = {one.thing: name for name, one in found.items() if one.thing is not None}
    query = (
        select(Datastream, ObservedProperty.key, Sensor.name)
        .join(ObservedProperty, ObservedProperty.id == Datastream.observed_property_id)
        .join(Sensor, Sensor.id == Datastream.sensor_id)
        .where(Datastream.thing_id.in_(by_thing))
    )
    streams: dict[int, list[tuple[Datastream, str, str]]] = {}
    for stream, key, sensor in session.execute(query):
        streams.setdefault(stream.thing_id, []).append((stream, key, sensor))
    for thing, name in by_thing.items():
        best = sorted(streams.get(thing, ()), key=lambda one: (one[0].feed_id == owner.feed, one[0].id), reverse=True)
        found[name] = replace(found[name], streams=best)
    return found
