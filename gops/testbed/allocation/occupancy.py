"""What is left of every site in every week while a mechanism places one application after the other.

Arrays are (site, week), sites in the instance's order. ``int32`` holds every amount (``AMOUNT_MAX``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gops.testbed.allocation.instance import Application, Instance
from gops.testbed.allocation.outcome import BAND, Placement
from gops.testbed.allocation.quotas import Quotas

Grid = NDArray[Any]
Holder = tuple[int, str, tuple[int, ...]]
"""The weeks of who holds a site, as the bits of a whole number; its id; its needs."""
Shortage = tuple[int | str, Grid]
"""A resource's number or another word of ``outcome.WORDS``, and (row, week) of bool: True where it lacks."""


class Occupancy:
    """``left[resource]`` and ``loud[band]`` are grids; holders stand in the order of their turns."""

    def __init__(self, instance: Instance) -> None:
        amounts = np.array([site.capacity for site in instance.sites], dtype=np.int32)
        self.instance = instance
        self.capacity = amounts
        self.left: list[Grid] = [np.array(amounts[:, :, row], order="F") for row in range(len(instance.resources))]
        self.loud: dict[str, Grid] = {
            band.id: np.zeros(amounts.shape[:2], dtype=bool, order="F") for band in instance.bands
        }
        self.holders: list[list[Holder]] = [[] for _ in instance.sites]
        self.on_band: dict[str, list[list[Holder]]] = {band.id: [[] for _ in instance.sites] for band in instance.bands}
        self.quotas = Quotas(instance)
        self.reach = reach(instance)

    def place(self, application: Application, site: int, start: int) -> Placement:
        """Take what the application needs; it must fit."""
        end = start + application.duration
        for left, need in zip(self.left, application.needs, strict=True):
            left[site, start:end] -= need
        holder = ((1 << end) - (1 << start), application.id, application.needs)
        self.holders[site].append(holder)
        if application.band is not None:
            for disturbed in self.reach[application.band][site]:
                self.loud[application.band][disturbed, start:end] = True
                self.on_band[application.band][disturbed].append(holder)
        self.quotas.take(application, site)
        return Placement(application.id, self.instance.sites[site].id, start)

    def remove(self, application: Application, site: int, start: int) -> None:
        """Give back what was placed so."""
        end = start + application.duration
        for left, need in zip(self.left, application.needs, strict=True):
            left[site, start:end] += need
        holder = ((1 << end) - (1 << start), application.id, application.needs)
        self.holders[site].remove(holder)
        if application.band is not None:
            for disturbed in self.reach[application.band][site]:
                self.on_band[application.band][disturbed].remove(holder)
                self.loud[application.band][disturbed, start:end] = False
                for held, _, _ in self.on_band[application.band][disturbed]:  # others may be heard there as well
                    weeks = held & holder[0]
                    if weeks:
                        self.loud[application.band][disturbed, [w for w in range(start, end) if weeks >> w & 1]] = True
        self.quotas.give_back(application, site)

    def clear(self, sites: list[int]) -> None:
        """These sites as they were at first. Nothing placed at another may be heard there; limits are counted anew."""
        for row, left in enumerate(self.left):
            left[sites] = self.capacity[sites, :, row]
        for loud in self.loud.values():
            loud[sites] = False
        for lists in (self.holders, *self.on_band.values()):
            for site in sites:
                lists[site] = []
        if self.quotas.asks:
            self.quotas = Quotas(self.instance)

    def first_start(self, application: Application, site: int) -> int | None:
        """The earliest feasible start at one site."""
        if not self.quotas.allows(application, site):
            return None
        weeks = window(application)
        bad = self.left[0][site, weeks] < application.needs[0]
        for left, need in zip(self.left[1:], application.needs[1:], strict=True):
            bad |= left[site, weeks] < need
        if application.band is not None:
            bad |= self.loud[application.band][site, weeks]
        return first_run(bad, application.duration, application.first_start)

    def rows(self, application: Application) -> Grid:
        """The numbers of the ranked sites, the best first."""
        return np.array([self.instance.site_index[site] for site in application.sites])

    def shortages(self, application: Application, rows: Grid | None, weeks: slice) -> list[Shortage]:
        """What lacks where, for every need and for the band; ``rows`` None means every site."""
        found: list[Shortage] = [
            (resource, _part(self.left[resource], rows, weeks) < need)
            for resource, need in enumerate(application.needs)
            if need
        ]
        if application.band is not None:
            found.append((BAND, _part(self.loud[application.band], rows, weeks)))
        if self.quotas.asks:
            width = found[0][1].shape[1]  # the calendar may end before the window does
            for what, mask in self.quotas.short(application, rows):
                found.append((what, np.broadcast_to(mask[:, None], (len(mask), width))))
        return found


def window(application: Application, beyond: int = 0) -> slice:
    """The weeks that some start could hold, or one up to ``beyond`` weeks after the last."""
    return slice(application.first_start, application.last_start + beyond + application.duration)


def first_run(bad: Grid, duration: int, since: int) -> int | None:
    """The first of ``duration`` weeks in a row that are not bad, counted from ``since`` on."""
    at = bad.tobytes().find(bytes(duration))
    return None if at < 0 else since + at


def _part(grid: Grid, rows: Grid | None, weeks: slice) -> Grid:
    return grid[:, weeks] if rows is None else grid[rows, weeks]


def free(shortages: Iterable[Shortage], without: int | str | None = None) -> Grid | None:
    """Where nothing lacks: (row, week) of bool; None when nothing is asked. ``without`` leaves one out."""
    grids = [grid for what, grid in shortages if what != without]
    return ~reduce(np.logical_or, grids) if grids else None


def reach(instance: Instance) -> dict[str, list[list[int]]]:
    """For each band and site: the sites where an application of that band there is heard, itself first."""
    index = instance.site_index
    found = {}
    for band in instance.bands:
        heard = defaultdict(list)
        for pair in instance.near:
            if pair.distance_cm < band.separation_cm:
                heard[index[pair.first]].append(index[pair.second])
                heard[index[pair.second]].append(index[pair.first])
        found[band.id] = [[site, *heard[site]] for site in range(len(instance.sites))]
    return found


def starts(free: Grid, duration: int) -> Grid:
    """Where ``duration`` weeks in a row are free: (row, start) of bool. Two overlapping runs make a longer one."""
    run, length = free, 1
    while length < duration:
        step = min(length, duration - length)
        run = run[:, :-step] & run[:, step:]
        length += step
    return run


def lowest(left: Grid, duration: int) -> Grid:
    """The least amount left in ``duration`` weeks from each start: (row, start)."""
    run, length = left, 1
    while length < duration:
        step = min(length, duration - length)
        run = np.minimum(run[:, :-step], run[:, step:])
        length += step
    return run


def first(grid: Grid) -> tuple[int, int] | None:
    """The first True, row by row."""
    flat = int(grid.argmax())
    row, column = divmod(flat, grid.shape[1])
    return (row, column) if grid[row, column] else None


def first_by_column(grid: Grid) -> tuple[int, int] | None:
    """The first True, column by column."""
    column, row = divmod(int(grid.T.argmax()), grid.shape[0])
    return (row, column) if grid[row, column] else None
