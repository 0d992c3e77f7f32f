"""What is in a dataset: its Datastreams as its rows show them, filtered, and only for who may read them."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, cast

from sqlalchemy import ColumnElement, Select, bindparam, func, select
from sqlalchemy.orm import Session

from gops.catalog import lookup
from gops.catalog.exposing import exposure_of
from gops.catalog.long_shape import Member
from gops.catalog.model import Dataset, DatasetDatastream
from gops.catalog.states import PUBLIC
from gops.durations import parse_duration
from gops.errors import Invalid
from gops.geo import BBox
from gops.kinds import Kind, Label
from gops.permissions import Actor, permits, require
from gops.records.database import Database
from gops.records.remembered import Remembered
from gops.sensors import places
from gops.sensors.exposure import Exposure
from gops.sensors.model import Datastream, Location, ObservedProperty, Thing
from gops.sensors.visibility import home_of


@dataclass(frozen=True, slots=True)
class Filter:
    """Which Datastreams of a dataset are asked for; None: all. ``bbox`` is of the places where Things are now."""

    things: tuple[int, ...] | None = None
    properties: tuple[str, ...] | None = None
    bbox: BBox | None = None


EVERYTHING = Filter()
REMEMBER_SECONDS = 1.0  # what another process changes is seen within 2 s
MOST, MOST_MEMBERS = 64, 2_000  # answers that are remembered, and Datastreams in each: 30 MB at most


@dataclass(frozen=True)
class Contents:
    """A dataset and those of its Datastreams that are asked for, in the order of their ids."""

    dataset: Dataset
    members: tuple[Member, ...]
    is_former_slug: bool
    is_own: bool = False

    @cached_property
    def ids(self) -> list[int]:
        return [one.id for one in self.members]

    @cached_property
    def digest(self) -> str:
        """Changes with the dataset and with what is said of its Datastreams."""
        said = self.dataset.id, self.dataset.revision, self.members
        return hashlib.blake2b(repr(said).encode(), digest_size=12).hexdigest()

    @cached_property
    def exposures(self) -> dict[int, Exposure]:
        """Of its Datastreams, by id: how much of each whoever asks sees. Nothing is held back from its owner."""
        return {} if self.is_own else exposures_of(self.dataset, self.members)

    @property
    def decimals(self) -> int | None:
        """Of a degree, to which whoever asks sees positions; None: as they are."""
        return None if self.is_own else self.dataset.location_decimals


class Catalogued:
    """Reads of datasets. What was found is remembered for a second, or until this process writes to the records."""

    def __init__(self, database: Database, elapsed: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._remembered: Remembered[Contents] = Remembered(MOST, REMEMBER_SECONDS, elapsed, _is_small)

    def contents(self, actor: Actor, slug: str, wanted: Filter = EVERYTHING) -> Contents:
        """Do not change it: others are given the same.

        Raises ``NotFound``, ``Gone``, ``Forbidden`` for a draft whose readings the actor may not read, and
        ``Invalid`` (``unknown_thing``, ``unknown_property``) for a filter that names what is not in it."""
        key = actor, slug, wanted, self._database.state
        return self._remembered.find(key, lambda: self._contents(actor, slug, wanted))

    def _contents(self, actor: Actor, slug: str, wanted: Filter) -> Contents:
        with self._database.read() as session:
            dataset = lookup.readable(session, actor, slug)
            if dataset.state not in PUBLIC:
                require(actor, "observation.read_private", dataset.organisation_id)
            self._check(session, dataset, wanted)
            home = None if dataset.state not in PUBLIC else home_of(actor, "observation.read_private")
            members = members_of(session, dataset, wanted, home)
        return Contents(dataset, members, dataset.slug != slug, owns(actor, dataset))

    def places(self, contents: Contents) -> dict[int, Location]:
        """Where the Things of these Datastreams are, by id of the Thing."""
        with self._database.read() as session:
            found = places.newest(session, {one.thing_id for one in contents.members})
        return {thing: places.coarse(row, contents.decimals) for thing, row in found.items()}

    def _check(self, session: Session, dataset: Dataset, wanted: Filter) -> None:
        if wanted.things is not None:
            known = set(session.scalars(_of(dataset, Datastream.thing_id)))
            refuse_unknown("thing", wanted.things, known)
        if wanted.properties is not None:
            observed = _of(dataset, Datastream.observed_property_id)
            keys = session.scalars(select(ObservedProperty.key).where(ObservedProperty.id.in_(observed)))
            refuse_unknown("property", wanted.properties, set(keys))


def _is_small(contents: Contents) -> bool:
    return len(contents.members) <= MOST_MEMBERS


def _of(dataset: Dataset, column: Any) -> Select[Any]:
    joined = select(column).join_from(Datastream, DatasetDatastream, DatasetDatastream.datastream_id == Datastream.id)
    return joined.where(DatasetDatastream.dataset_id == dataset.id)


def owns(actor: Actor, dataset: Dataset) -> bool:
    """May ``actor`` read what is private of the dataset's organisation?"""
    return permits(actor, "observation.read_private", dataset.organisation_id)


def exposures_of(dataset: Dataset, members: Sequence[Member]) -> dict[int, Exposure]:
    """Of those that are not whole."""
    by_kind = {kind: exposure_of(dataset, kind) for kind in {one.kind for one in members}}
    bounded = {kind: exposure for kind, exposure in by_kind.items() if not exposure.is_whole}
    return {one.id: bounded[one.kind] for one in members if one.kind in bounded}


def members_of(
    session: Session, dataset: Dataset, wanted: Filter = EVERYTHING, home: int | None = None
) -> tuple[Member, ...]:
    """Those Datastreams of a dataset, in the order of their ids. ``home`` as ``places.is_within`` takes it."""
    query = _members().where(*_conditions(wanted, home)) if wanted != EVERYTHING else _members()
    rows = session.execute(query, {"dataset": dataset.id}).all()
    shared = told_apart((row[1], row[2]) for row in rows) if wanted == EVERYTHING else _shared_names(session, dataset)
    return tuple(
        Member(
            one,
            thing,
            f"{name} ({thing})" if name in shared else name,
            key,
            unit,
            cast(Kind, kind),
            cast(Label, label),
            None if period is None else parse_duration(period),
        )
        for one, thing, name, key, unit, kind, label, period in rows
    )


@cache
def _members() -> Select[*tuple[Any, ...]]:
    """Made once: to build the statement anew takes as long as to execute it."""
    columns = (
        Datastream.id,
        Datastream.thing_id,
        Thing.name,
        ObservedProperty.key,
        Datastream.unit,
        Datastream.kind,
        Datastream.label,
        Datastream.period,
    )
    query = select(*columns).join_from(DatasetDatastream, Datastream, DatasetDatastream.datastream_id == Datastream.id)
    query = query.join(Thing, Thing.id == Datastream.thing_id)
    query = query.join(ObservedProperty, ObservedProperty.id == Datastream.observed_property_id)
    return query.where(DatasetDatastream.dataset_id == bindparam("dataset")).order_by(Datastream.id)


def told_apart(things: Iterable[tuple[int, str]]) -> set[str]:
    """Names that several of these Things have."""
    by_name: dict[str, set[int]] = {}
    for thing, name in things:
        by_name.setdefault(name, set()).add(thing)
    return {name for name, ids in by_name.items() if len(ids) > 1}


def _conditions(wanted: Filter, home: int | None) -> Sequence[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.things is not None:
        conditions.append(Datastream.thing_id.in_(wanted.things))
    if wanted.properties is not None:
        conditions.append(ObservedProperty.key.in_(wanted.properties))
    if wanted.bbox is not None:
        conditions.append(places.is_within(wanted.bbox, home))
    return conditions


def _shared_names(session: Session, dataset: Dataset) -> set[str]:
    """Names that several Things of the dataset have; whatever is filtered, so that a name means one Thing."""
    named = _of(dataset, Thing.name).join(Thing, Thing.id == Datastream.thing_id)
    return set(session.scalars(named.group_by(Thing.name).having(func.count(Thing.id.distinct()) > 1)))


def refuse_unknown(what: str, asked: Sequence[Any], known: set[Any]) -> None:
    """Raise ``Invalid`` for the first of ``asked`` that is not known."""
    for one in asked:
        if one not in known:
            some = ", ".join(map(str, sorted(known)[:20])) + (" and others" if len(known) > 20 else "")
            raise Invalid(
                f"there is no {what} {one} in this dataset",
                code=f"unknown_{what}",
                field=what,
                found=one,
                expected=f"some of {some}" if known else "nothing: it is empty",
            )
