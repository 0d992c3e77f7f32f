"""What is left of many sites, week by week, in arrays: the same as ``calendar.calendars``, for hundreds at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import select
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
    """(site, first week, end week, amounts) of slots that hold something in the span."""
    query = select(Slot.site_id, Slot.first_week, Slot.end_week, Slot.amounts).where(
        Slot.state.in_(SLOTS_THAT_HOLD), Slot.first_week < end_week, Slot.end_week > first_week
    )
    return session.execute(_of(query, Slot.site_id, ids)).all()


def closures_in(session: Session, ids: Sequence[int], first_week: int, end_week: int) -> Sequence[Any]:
    """(site, first week, end week) of closures in the span."""
    query = select(Closure.site_id, Closure.first_week, Closure.end_week).where(
        Closure.first_week < end_week, Closure.end_week > first_week
    )
    return session.execute(_of(query, Closure.site_id, ids)).all()


def taken(
    slots: Sequence[Any], rows: Mapping[int, int], resources: Sequence[str], first_week: int, end_week: int
) -> npt.NDArray[np.int64]:
    """What slots hold: int64 [site, resource, week]."""
    columns = {name: column for column, name in enumerate(resources)}
    steps = np.zeros((len(rows), len(resources), end_week - first_week + 1), dtype=np.int64)
    for site, first, end, amounts in slots:
        if site in rows:
            for name, amount in amounts.items():
                if name in columns:
                    row = steps[rows[site], columns[name]]
                    row[max(first, first_week) - first_week] += amount
                    row[min(end, end_week) - first_week] -= amount
    return np.cumsum(steps, axis=2)[:, :, :-1]


def shut(closures: Sequence[Any], rows: Mapping[int, int], first_week: int, end_week: int) -> npt.NDArray[np.bool_]:
    """Closed weeks: bool [site, week]."""
    closed = np.zeros((len(rows), end_week - first_week), dtype=np.bool_)
    for site, first, end in closures:
        if site in rows:
            closed[rows[site], max(first, first_week) - first_week : min(end, end_week) - first_week] = True
    return closed


def _of(query: Any, column: Any, ids: Sequence[int]) -> Any:
    return query.where(column.in_(sorted(ids))) if len(ids) <= MANY else query
