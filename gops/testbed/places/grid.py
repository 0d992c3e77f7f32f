"""What is left of many sites, week by week, in arrays: the same as ``calendar.calendars`` but equipment, for
hundreds at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
from sqlalchemy import Text, cast, select
from sqlalchemy.orm import Session

from gops.testbed.lifecycles import SLOTS_THAT_HOLD
from gops.testbed.model import Closure, Slot

MANY = 500
"""Above so many sites all rows of the span are read: a list of ids in SQL has its bounds too."""


@dataclass(frozen=True)
class Grid:
    """``left``: int64 [site, resource, week], 0 where nothing is left; ``closed``: bool [site, week].

    ``resources``: of each site its own; where a site has not a resource its row is 0.
    """

    ids: Sequence[int]
    first_week: int
    resources: Sequence[str]
    own: Sequence[Sequence[str]]
    left: npt.NDArray[np.int64]
    closed: npt.NDArray[np.bool_]


def grid(session: Session, sites: Sequence[tuple[int, Mapping[str, int]]], first_week: int, end_week: int) -> Grid:
    """Of each (id, capacity) the weeks [first_week, end_week)."""
    ids = [site for site, _ in sites]
    resources = list(dict.fromkeys(name for _, capacity in sites for name in capacity))
    capacity = np.array([[amounts.get(name, 0) for name in resources] for _, amounts in sites], dtype=np.int64)
    rows = {site: row for row, site in enumerate(ids)}
    held = taken(slots_in(session, ids, first_week, end_week), rows, resources, first_week, end_week)
    closed = shut(closures_in(session, ids, first_week, end_week), rows, first_week, end_week)
    left = np.maximum(capacity.reshape(len(ids), len(resources), 1) - held, 0)
    left[np.broadcast_to(closed[:, None, :], left.shape)] = 0
    return Grid(ids, first_week, resources, [list(amounts) for _, amounts in sites], left, closed)


def slots_in(session: Session, ids: Sequence[int], first_week: int, end_week: int) -> Sequence[Any]:
    """(site, first week, end week, amounts as JSON) of slots that hold something in the span. Thousands of them are
    read for every suggestion, so past the types of the ORM."""
    query = select(Slot.site_id, Slot.first_week, Slot.end_week, cast(Slot.amounts, Text)).where(
        Slot.state.in_(SLOTS_THAT_HOLD), Slot.first_week < end_week, Slot.end_week > first_week
    )
    return session.connection().execute(_of(query, Slot.site_id, ids)).all()


def closures_in(session: Session, ids: Sequence[int], first_week: int, end_week: int) -> Sequence[Any]:
    """(site, first week, end week) of closures in the span."""
    query = select(Closure.site_id, Closure.first_week, Closure.end_week).where(
        Closure.first_week < end_week, Closure.end_week > first_week
    )
    return session.connection().execute(_of(query, Closure.site_id, ids)).all()


def taken(
    slots: Sequence[Any], rows: Mapping[int, int], resources: Sequence[str], first_week: int, end_week: int
) -> npt.NDArray[np.int64]:
    """What ``slots_in`` found that sites hold: int64 [site, resource, week]."""
    steps = np.zeros((len(rows), end_week - first_week + 1, len(resources)), dtype=np.int64)
    known = [(row, orjson.loads(amounts)) for *row, amounts in slots if row[0] in rows]
    if known:
        at, since, until = _spans([row for row, _ in known], rows, first_week, end_week)
        held = np.array([[amounts.get(name, 0) for name in resources] for _, amounts in known], dtype=np.int64)
        np.add.at(steps, (at, since), held)
        np.subtract.at(steps, (at, until), held)
    return np.ascontiguousarray(np.cumsum(steps, axis=1)[:, :-1].transpose(0, 2, 1))  # as JSON writers ask for


def shut(closures: Sequence[Any], rows: Mapping[int, int], first_week: int, end_week: int) -> npt.NDArray[np.bool_]:
    """Closed weeks: bool [site, week]."""
    steps = np.zeros((len(rows), end_week - first_week + 1), dtype=np.int32)
    known = [row for row in closures if row[0] in rows]
    if known:
        at, since, until = _spans(known, rows, first_week, end_week)
        np.add.at(steps, (at, since), 1)
        np.subtract.at(steps, (at, until), 1)
    return np.cumsum(steps, axis=1)[:, :-1] > 0


def _spans(found: Sequence[Any], rows: Mapping[int, int], first_week: int, end_week: int) -> tuple[Any, Any, Any]:
    """The rows of (site, first, end), and both ends within the span, counted from its first week."""
    at = np.array([rows[row[0]] for row in found], dtype=np.int64)
    since, until = (np.clip([row[part] for row in found], first_week, end_week) - first_week for part in (1, 2))
    return at, since, until


def _of(query: Any, column: Any, ids: Sequence[int]) -> Any:
    return query.where(column.in_(sorted(ids))) if len(ids) <= MANY else query
