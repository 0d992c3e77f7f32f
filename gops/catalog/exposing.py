"""What the datasets of a Datastream let others see of it, written where the registry reads it.

Of several public datasets the one with the least delay decides, then the one that starts earliest; a count or a
position is shown as exactly as the most exact of them does. So nothing is shown that no dataset shows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from gops.catalog import selection
from gops.catalog.model import Dataset, DatasetDatastream
from gops.catalog.states import PUBLIC
from gops.sensors.exposure import COUNTS, Exposure
from gops.sensors.model import Datastream, Thing
from gops.sensors.publicity import IDS_A_STATEMENT, set_public
from gops.windows import EARLIEST

Terms = tuple[int | None, int, int | None]
"""start, delay, suppress_below"""
WHOLE: Terms = (None, 0, None)


def expose(session: Session, ids: Collection[int]) -> None:
    """Make these Datastreams public, as far as their datasets say."""
    if ids:
        session.flush()
        refresh(session, ids)
        set_public(session, ids, True)


def hide(session: Session, ids: set[int]) -> None:
    """Make these private, but for those that another public dataset has."""
    if ids:
        session.flush()
        set_public(session, ids - selection.held_elsewhere(session, ids, PUBLIC), False)
        refresh(session, ids)


def refresh(session: Session, ids: Collection[int]) -> None:
    """Write down anew what others see of these Datastreams and of their Things."""
    ordered = sorted(ids)
    for first in range(0, len(ordered), IDS_A_STATEMENT):
        some = ordered[first : first + IDS_A_STATEMENT]
        _write_terms(session, some)
        _write_places(session, some)


def exposure_of(dataset: Dataset, kind: str) -> Exposure:
    """What others see through this dataset of a Datastream of that kind."""
    return Exposure(dataset.start, dataset.delay, dataset.suppress_below if kind in COUNTS else None)


def most_generous(found: Iterable[Terms]) -> Terms:
    """Of the terms of the public datasets that hold a Datastream; the whole where none does."""
    terms = list(found)
    if not terms:
        return WHOLE
    start, delay, _ = min(terms, key=lambda one: (one[1], EARLIEST - 1 if one[0] is None else one[0]))
    return start, delay, _least([below for _, _, below in terms])


def _least(bounds: Sequence[int | None]) -> int | None:
    """None, which is no bound, where one of them is."""
    known = [one for one in bounds if one is not None]
    return min(known) if len(known) == len(bounds) else None


def _write_terms(session: Session, ids: Sequence[int]) -> None:
    columns = select(DatasetDatastream.datastream_id, Dataset.start, Dataset.delay, Dataset.suppress_below)
    query = columns.join_from(DatasetDatastream, Dataset).where(Dataset.state.in_(PUBLIC))
    held: defaultdict[int, list[Terms]] = defaultdict(list)
    for one, start, delay, below in session.execute(query.where(DatasetDatastream.datastream_id.in_(ids))):
        held[one].append((start, delay, below))
    alike: defaultdict[Terms, list[int]] = defaultdict(list)
    for one in ids:
        alike[most_generous(held[one])].append(one)
    for terms, some in alike.items():
        wanted = dict(zip(("public_start", "public_delay", "suppress_below"), terms, strict=True))
        _update(session, Datastream, some, wanted)


def _write_places(session: Session, ids: Sequence[int]) -> None:
    """A Thing that has a public Datastream outside of datasets is shown where it is."""
    things = list(session.scalars(select(Datastream.thing_id).where(Datastream.id.in_(ids)).distinct()))
    held: dict[int, list[int | None]] = {one: [] for one in things}
    inside = select(DatasetDatastream.id).join(Dataset).where(Dataset.state.in_(PUBLIC))
    inside = inside.where(DatasetDatastream.datastream_id == Datastream.id)
    of_these = Datastream.thing_id.in_(things)
    for thing in session.scalars(select(Datastream.thing_id).where(of_these, Datastream.public, ~inside.exists())):
        held[thing].append(None)
    columns = select(Datastream.thing_id, Dataset.location_decimals).join_from(DatasetDatastream, Dataset)
    query = columns.join(Datastream).where(Dataset.state.in_(PUBLIC), of_these)
    for thing, decimals in session.execute(query.distinct()):
        held[thing].append(decimals)
    alike: defaultdict[int | None, list[int]] = defaultdict(list)
    for thing, found in held.items():
        alike[_finest(found)].append(thing)
    for finest, some in alike.items():
        _update(session, Thing, some, {"place_decimals": finest})


def _finest(decimals: Sequence[int | None]) -> int | None:
    known = [one for one in decimals if one is not None]
    return max(known) if known and len(known) == len(decimals) else None


def _update(session: Session, model: Any, ids: Sequence[int], wanted: dict[str, Any]) -> None:
    differs = or_(*(getattr(model, name).is_distinct_from(value) for name, value in wanted.items()))
    session.execute(update(model).where(model.id.in_(ids), differs).values(**wanted))
