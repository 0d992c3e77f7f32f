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
from gops.testbed.allocation.outcome import Placement

Grid = NDArray[Any]
Holder = tuple[int, str, tuple[int, ...]]
"""The weeks of who holds a site, as the bits of a whole number; its id; its needs."""
Shortage = tuple[int | None, Grid]
"""A resource's number (None: the band) and (row, week) of bool: True where too little of it is left."""


class Occupancy:
    """``left[resource]`` and ``loud[band]`` are grids; holders stand in the order of their turns."""

    def __init__(self, instance: Instance) -> None:
        amounts = np.array([site.capacity for site in instance.sites], dtype=np.int32)
        self.instance = instance
        self.left: list[Grid] = [np.asfortranarray(amounts[:, :, row]) for row in range(len(instance.resources))]
        self.loud: dict[str, Grid] = {
            band.id: np.zeros(amounts.shape[:2], dtype=bool, order="F") for band in instance.bands
        }
        self.holders: list[list[Holder]] = [[] for _ in instance.sites]
        self.on_band: dict[str, list[list[Holder]]] = {band.id: [[] for _ in instance.sites] for band in instance.bands}
        self._reach = _reach(instance)

    def place(self, application: Application, site: int, start: int) -> Placement:
        """Take what the application needs; it must fit."""
        end = start + application.duration
        for left, need in zip(self.left, application.needs, strict=True):
            left[site, start:end] -= need
        holder = ((1 << end) - (1 << start), application.id, application.needs)
        self.holders[site].append(holder)
        if application.band is not None:
            for disturbed in self._reach[application.band][site]:
                self.loud[application.band][disturbed, start:end] = True
                self.on_band[application.band][disturbed].append(holder)
        return Placement(application.id, self.instance.sites[site].id, start)

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
            found.append((None, _part(self.loud[application.band], rows, weeks)))
        return found


def window(application: Application, beyond: int = 0) -> slice:
    """The weeks that some start could hold, or one up to ``beyond`` weeks after the last."""
    return slice(application.first_start, application.last_start + beyond + application.duration)


def _part(grid: Grid, rows: Grid | None, weeks: slice) -> Grid:
    return grid[:, weeks] if rows is None else grid[rows, weeks]


def free(shortages: Iterable[Shortage], without: int | None = None) -> Grid | None:
    """Where nothing lacks: (row, week) of bool; None when nothing is asked. ``without`` leaves one out."""
    grids = [grid for resource, grid in shortages if resource is None or resource != without]
    return ~reduce(np.logical_or, grids) if grids else None


def _reach(instance: Instance) -> dict[str, list[list[int]]]:
    """For each band and site: the sites where an application of that band there is heard, itself first."""
    index = instance.site_index
    reach = {}
    for band in instance.bands:
        heard = defaultdict(list)
        for pair in instance.near:
            if pair.distance_cm < band.separation_cm:
                heard[index[pair.first]].append(index[pair.second])
                heard[index[pair.second]].append(index[pair.first])
        reach[band.id] = [[site, *heard[site]] for site in range(len(instance.sites))]
    return reach


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
