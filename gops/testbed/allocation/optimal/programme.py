"""The allocation as a programme of 0/1 variables: one for every contract (application, rank, start) that fits alone.

Rows say what fits together: one contract an application; of every site, week and resource no more than there is; of
every clique of sites that disturb each other on a band one contract a week. Of a site's weeks only those are written
that say more than their neighbours: a week in which nothing can have ended since the week before, or nothing can have
begun before the week after, with no less room, holds whenever that one does.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gops.testbed.allocation.instance import Application, Instance
from gops.testbed.allocation.occupancy import Occupancy, free, starts, window
from gops.testbed.allocation.optimal import cliques

Column = NDArray[Any]


@dataclass
class Rows:
    """Rows of a sparse matrix: low <= sum of coefficient * variable <= high. Equal rows are written once."""

    columns: list[Column] = field(default_factory=list)
    coefficients: list[Column] = field(default_factory=list)
    low: list[float] = field(default_factory=list)
    high: list[float] = field(default_factory=list)
    _seen: dict[bytes, int] = field(default_factory=dict)

    def add(self, columns: Column, coefficients: Column, low: float, high: float) -> None:
        key = columns.tobytes() + b"|" + coefficients.tobytes()
        at = self._seen.setdefault(key, len(self.low))
        if at < len(self.low):
            self.low[at], self.high[at] = max(self.low[at], low), min(self.high[at], high)
            return
        self.columns.append(columns)
        self.coefficients.append(coefficients)
        self.low.append(low)
        self.high.append(high)

    def extend(self, other: Rows) -> None:
        for row in zip(other.columns, other.coefficients, other.low, other.high, strict=True):
            self.add(*row)

    def hold(self, values: Column) -> bool:
        """Whether whole values satisfy them all."""
        for columns, coefficients, low, high in zip(self.columns, self.coefficients, self.low, self.high, strict=True):
            if not low <= float(coefficients @ values[columns]) <= high:
                return False
        return True

    def at_most(self, columns: Column, coefficients: Column, high: float) -> None:
        """Left out where it cannot be broken."""
        if coefficients.sum() > high:
            self.add(columns, coefficients, -np.inf, high)


@dataclass
class Programme:
    """Contracts are columns of equal length: the application's number in ``applications``, rank, site, start, end.

    ``more`` are the upper bounds of further variables, ``missing`` those that say what lower quotas lack.
    """

    instance: Instance
    applications: list[Application]
    application: Column
    rank: Column
    site: Column
    start: Column
    end: Column
    score: Column
    rows: Rows
    more: list[float] = field(default_factory=list)
    missing: list[int] = field(default_factory=list)

    @property
    def size(self) -> int:
        """How many contracts there are."""
        return len(self.application)

    @property
    def width(self) -> int:
        """How many variables: the contracts, and those of ``new_variable`` behind them."""
        return self.size + len(self.more)

    @property
    def upper(self) -> Column:
        return np.concatenate([np.ones(self.size), self.more])

    def new_variable(self, most: float) -> int:
        """The number of a further whole variable from 0 to ``most``."""
        self.more.append(most)
        return self.width - 1

    def cost(self, of_contracts: Column) -> Column:
        """An objective over all variables."""
        return np.concatenate([of_contracts.astype(np.float64), np.zeros(len(self.more))])


def build(instance: Instance, applications: list[Application]) -> Programme:
    """``applications`` are those of the instance in the order in which the solver shall see them."""
    occupancy = Occupancy(instance)
    parts: list[Column] = []
    for index, application in enumerate(applications):
        rows = occupancy.rows(application)
        here = free(occupancy.shortages(application, rows, window(application)))
        assert here is not None
        rank, since = np.nonzero(starts(here, application.duration))
        start = since + application.first_start
        scores = np.array(application.scores)[rank]
        end = start + application.duration
        parts.append(np.stack([np.full(len(rank), index), rank, rows[rank], start, end, scores]))
    table = np.concatenate(parts, axis=1) if parts else np.zeros((6, 0), dtype=np.int64)
    made = Programme(instance, applications, table[0], table[1], table[2], table[3], table[4], table[5], Rows())
    if not made.size:
        return made
    _one_each(made)
    _capacities(made)
    _bands(made, occupancy)
    return made


def _one_each(made: Programme) -> None:
    for columns in _split(np.arange(made.size), made.application, len(made.applications)):
        if len(columns):
            made.rows.add(columns, np.ones(len(columns)), -np.inf, 1)


def _split(columns: Column, by: Column, count: int) -> list[Column]:
    order = np.argsort(by, kind="stable")
    return np.split(columns[order], np.searchsorted(by[order], np.arange(1, count)))


def _capacities(made: Programme) -> None:
    needs = np.array([row.needs for row in made.applications], dtype=np.float64)
    for site, columns in enumerate(_split(np.arange(made.size), made.site, len(made.instance.sites))):
        capacity = np.array(made.instance.sites[site].capacity)
        for resource in range(len(made.instance.resources)):
            need = needs[made.application[columns], resource]
            some = columns[need > 0]
            for week, active in _telling_weeks(made, some, capacity[:, resource]):
                made.rows.at_most(active, needs[made.application[active], resource], float(capacity[week, resource]))


def _telling_weeks(made: Programme, columns: Column, room: Column) -> list[tuple[int, Column]]:
    """Weeks that no neighbour implies, with the variables that are active in them."""
    if not len(columns):
        return []
    weeks = len(room)
    begins = np.bincount(made.start[columns], minlength=weeks + 1) > 0
    ends = np.bincount(made.end[columns], minlength=weeks + 1) > 0
    count = np.cumsum(
        np.bincount(made.start[columns], minlength=weeks + 1) - np.bincount(made.end[columns], minlength=weeks + 1)
    )
    telling = [week for week in range(weeks) if count[week] > 1]
    kept = []
    for week in telling:
        after = week + 1 < weeks and not ends[week + 1] and room[week + 1] <= room[week]
        before = week > 0 and not begins[week] and room[week - 1] <= room[week] and not (
            not ends[week] and room[week] <= room[week - 1]
        )  # fmt: skip
        if not after and not before:
            kept.append((week, columns[(made.start[columns] <= week) & (week < made.end[columns])]))
    return kept


def _bands(made: Programme, occupancy: Occupancy) -> None:
    known: dict[int, list[tuple[int, ...]]] = {}  # by separation
    room = np.ones(made.instance.weeks)
    for band in made.instance.bands:
        on_band = np.array([row.band == band.id for row in made.applications], dtype=bool)
        columns = np.flatnonzero(on_band[made.application]) if made.size else np.zeros(0, dtype=np.int64)
        if band.separation_cm not in known:
            known[band.separation_cm] = cliques.maximal(occupancy.reach[band.id])
        by_site = _split(columns, made.site[columns], len(made.instance.sites))
        for clique in known[band.separation_cm]:
            some = np.sort(np.concatenate([by_site[site] for site in clique]))
            for _, active in _telling_weeks(made, some, room):
                if len(np.unique(made.application[active])) > 1:
                    made.rows.at_most(active, np.ones(len(active)), 1)
