"""What one application at a time is asked of an occupancy, asked for many of them as they all stand now."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from gops.testbed.allocation.instance import Application
from gops.testbed.allocation.occupancy import Grid, Occupancy, free, starts, window
from gops.testbed.allocation.outcome import BAND

AT_ONCE = 1_000_000  # wishes x weeks of one step; bounds its memory


def fits(occupancy: Occupancy, applications: Sequence[Application]) -> list[list[bool]]:
    """Of each application and ranked site, whether some start is feasible there now."""
    found = []
    for some in _steps(occupancy, applications):
        if occupancy.quotas.asks:
            found += [_fits_one(occupancy, row) for row in some]
            continue
        wishes = _Wishes(occupancy, some)
        bad = np.zeros(wishes.inside.shape, dtype=bool)
        for _, grid in wishes.shortages():
            bad |= grid
        found += wishes.each(wishes.has_start(bad))
    return found


def _steps(occupancy: Occupancy, applications: Sequence[Application]) -> Iterator[Sequence[Application]]:
    most = AT_ONCE // occupancy.instance.weeks
    since, wishes = 0, 0
    for at, row in enumerate(applications):
        if at > since and wishes + len(row.sites) > most:
            yield applications[since:at]
            since, wishes = at, 0
        wishes += len(row.sites)
    if since < len(applications):
        yield applications[since:]


def _fits_one(occupancy: Occupancy, application: Application) -> list[bool]:
    here = free(occupancy.shortages(application, occupancy.rows(application), window(application)))
    assert here is not None
    return [bool(row.any()) for row in starts(here, application.duration)]


class _Wishes:
    """A row for each ranked site of each application, a column for each week of the calendar."""

    def __init__(self, occupancy: Occupancy, applications: Sequence[Application]) -> None:
        index = occupancy.instance.site_index
        self._occupancy, self._applications = occupancy, applications
        self._sites = np.array([index[site] for row in applications for site in row.sites], dtype=np.int64)
        counts = [len(row.sites) for row in applications]
        self._whose = np.repeat(np.arange(len(applications)), counts)
        self._ends = np.cumsum(counts).tolist()
        self._weeks = np.arange(occupancy.instance.weeks)
        self._duration = self._column([row.duration for row in applications])
        self._first = self._column([row.first_start for row in applications])
        self._last = self._column([row.last_start for row in applications])
        self.inside = (self._weeks >= self._first) & (self._weeks < self._last + self._duration)

    def _column(self, values: Sequence[int]) -> Grid:
        return np.array(values, dtype=np.int32)[self._whose][:, None]

    def shortages(self) -> Iterator[tuple[int | str, Grid]]:
        """As ``Occupancy.shortages``; a need of nothing is nowhere short."""
        for resource, left in enumerate(self._occupancy.left):
            need = self._column([row.needs[resource] for row in self._applications])
            yield resource, (left[self._sites] < need) & self.inside
        found = np.zeros(self.inside.shape, dtype=bool)
        on_band = np.array([row.band or "" for row in self._applications])[self._whose]
        for band, loud in self._occupancy.loud.items():
            some = np.flatnonzero(on_band == band)
            found[some] = loud[self._sites[some]] & self.inside[some]
        yield BAND, found

    def has_start(self, bad: Grid) -> list[bool]:
        """Whether some start has no bad week before its end: counted from the left."""
        count = np.zeros((len(bad), bad.shape[1] + 1), dtype=np.int16)
        np.cumsum(bad, axis=1, out=count[:, 1:])
        ends = np.minimum(self._weeks + self._duration, bad.shape[1])
        good = np.take_along_axis(count, ends, axis=1) == count[:, :-1]
        good &= (self._weeks >= self._first) & (self._weeks <= self._last)
        found: list[bool] = good.any(axis=1).tolist()
        return found

    def each(self, values: list[Any]) -> list[list[Any]]:
        """Of each application the values of its rows."""
        return [values[end - len(row.sites) : end] for row, end in zip(self._applications, self._ends, strict=True)]
