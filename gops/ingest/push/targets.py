"""Which Datastreams a push may write: those of the organisation of whoever pushes, named in one of three ways."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, cast

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from gops.ingest.push.chunk import BadRow, Name
from gops.ingest.refused import shown
from gops.kinds import Kind
from gops.records.database import Database
from gops.sensors.model import Datastream, ObservedProperty, Thing
from gops.sensors.retention import Rule, closing, inherited, lead
from gops.sensors.routes import DeviceRoute, Target
from gops.settings import Settings

FRESH_SECONDS = 1.0  # what changes in the registry holds within two
REMEMBERED = 200_000
NAMES_A_QUERY = 5_000  # of two variables at most; SQLite takes 32,766
INFINITY = float("inf")

SAID = (
    *(Datastream.id, Datastream.kind, Datastream.unit, Datastream.period, Datastream.range_low, Datastream.range_high),
    *(Datastream.ended_at, Datastream.quality_rules),
    *(Datastream.retention, Datastream.thin_after, Datastream.thin_every, Datastream.thinned_until),
)
"""What is asked of a Datastream: as columns, which cost a tenth of an object of the records."""

Routes = Callable[[str], DeviceRoute | None]
Found = dict[Name, "Target | BadRow"]
Stream = Any  # a row of ``SAID``, which has the attributes of a ``Datastream``


class Targets:
    """Of one push. ``find`` remembers for a moment, so that a long push sees what changes meanwhile."""

    def __init__(self, database: Database, settings: Settings, routes: Routes, organisation_id: int) -> None:
        self._database = database
        self._settings = settings
        self._routes = routes
        self._organisation_id = organisation_id
        self._known: Found = {}
        self._devices: dict[str, DeviceRoute | None] = {}
        self._made: dict[int, tuple[Stream, Rule, Target]] = {}
        self._since = 0.0

    def find(self, names: Iterable[Name]) -> Found:
        """Where each of these goes, or why it goes nowhere. Raises ``Unavailable``."""
        if time.monotonic() - self._since > FRESH_SECONDS or len(self._known) > REMEMBERED:
            self._known, self._devices, self._since = {}, {}, time.monotonic()
            if len(self._made) > REMEMBERED:
                self._made = {}
        known = self._known
        wanted = set(names)
        unknown = wanted - known.keys()
        if unknown:
            self._load(sorted(unknown))
        return {name: known[name] for name in wanted}

    def _load(self, names: Sequence[Name]) -> None:
        by: dict[str, list[Name]] = {"datastream": [], "thing": [], "device": []}
        for name in names:
            by[name.by].append(name)
        with self._database.read() as session:
            default = inherited(session, Rule.of(self._settings), self._organisation_id)
            for some in _parts(by["datastream"]):
                self._known |= self._by_id(session, some, default)
            for some in _parts(by["thing"]):
                self._known |= self._by_thing(session, some, default)
        for name in by["device"]:
            self._known[name] = self._by_device(name)

    def _by_id(self, session: Session, names: Sequence[Name], default: Rule) -> Found:
        query = select(*SAID).where(
            Datastream.organisation_id == self._organisation_id, Datastream.id.in_([int(name.first) for name in names])
        )
        there = {stream.id: stream for stream in session.execute(query)}
        return {
            name: self._one(name, [there[int(name.first)]] if int(name.first) in there else [], default)
            for name in names
        }

    def _by_thing(self, session: Session, names: Sequence[Name], default: Rule) -> Found:
        query = (
            select(*SAID, Thing.name, ObservedProperty.key)
            .select_from(Datastream)
            .join(Thing, Thing.id == Datastream.thing_id)
            .join(ObservedProperty, ObservedProperty.id == Datastream.observed_property_id)
            .where(
                Datastream.organisation_id == self._organisation_id,
                tuple_(Thing.name, ObservedProperty.key).in_([(name.first, name.second) for name in names]),
            )
            .order_by(Datastream.id)
        )
        there: dict[tuple[str, str], list[Stream]] = {}
        for stream in session.execute(query):
            there.setdefault((stream.name, stream.key), []).append(stream)
        return {name: self._one(name, there.get((name.first, name.second), []), default) for name in names}

    def _by_device(self, name: Name) -> Target | BadRow:
        if name.first not in self._devices:
            self._devices[name.first] = self._routes(name.first)
        route = self._devices[name.first]
        if route is None or route.organisation_id != self._organisation_id:
            return BadRow(
                "unknown_device", "device", f"found {shown(name.first)}; expected the address of an active device"
            )
        if name.second in route.fields:
            return route.fields[name.second]
        if name.second in route.ended:
            return _ended(name)
        return BadRow("unknown_field", "field", f"{route.address} has no mapping for {shown(name.second)}")

    def _one(self, name: Name, there: Sequence[Stream], default: Rule) -> Target | BadRow:
        """The one that is in use."""
        living = [stream for stream in there if stream.ended_at is None]
        return self._target(living[0], default) if len(living) == 1 else _none(name, there, living)

    def _target(self, stream: Stream, default: Rule) -> Target:
        """Made anew when something changed."""
        before = self._made.get(stream.id)
        if before is None or before[0] != stream or before[1] != default:
            before = self._made[stream.id] = (stream, default, _target(stream, default))
        return before[2]


def _parts(names: Sequence[Name]) -> Iterator[Sequence[Name]]:
    return (names[first : first + NAMES_A_QUERY] for first in range(0, len(names), NAMES_A_QUERY))


def _none(name: Name, there: Sequence[Stream], living: Sequence[Stream]) -> BadRow:
    """Why none of those of this name is written to."""
    if living:
        ids = ", ".join(str(stream.id) for stream in living[:5])
        note = f"{shown(name.first)} has Datastreams {ids} of {shown(name.second)}; expected the id of one"
        return BadRow("ambiguous_name", "thing", note)
    if there:
        return _ended(name)
    if name.by == "datastream":
        note = f"found {name.first}; expected the id of a Datastream of your organisation"
        return BadRow("unknown_datastream", "datastream", note)
    note = f"no Datastream of your organisation is of {shown(name.first)} and {shown(name.second)}"
    return BadRow("unknown_datastream", "thing", note)


def _ended(name: Name) -> BadRow:
    column = {"datastream": "datastream", "thing": "thing", "device": "field"}[name.by]
    return BadRow("ended_datastream", column, "this Datastream has ended; expected one that is in use")


def _target(stream: Stream, default: Rule) -> Target:
    low = -INFINITY if stream.range_low is None else stream.range_low
    high = INFINITY if stream.range_high is None else stream.range_high
    age, closed = closing(stream, default.under(stream))
    unit: Any = None if stream.kind == "state" else stream.unit
    ahead = lead(stream)
    return Target(stream.id, cast(Kind, stream.kind), 1.0, 0.0, low, high, age, closed, unit, ahead)
