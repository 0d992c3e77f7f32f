"""The verifier's own picture of the sites: what is used, by whom, and when a band is taken.

Arrays are (week, site). A start is good when no week of its duration is bad.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gops.testbed.allocation.verify.tally import Tally

Grid = NDArray[Any]


Holding = tuple[int, int, str, list[int]]
"""Who holds a site: from and until which week, its id, its needs."""


class Ground:
    def __init__(self, instance: Any) -> None:
        self.weeks: int = instance["weeks"]
        self.resources: list[str] = instance["resources"]
        self.shift_max: int = instance["shift_max"]
        self.names: list[str] = [site["id"] for site in instance["sites"]]
        self.number = {name: index for index, name in enumerate(self.names)}
        capacity = np.array([site["capacity"] for site in instance["sites"]], dtype=np.int32)
        self.capacity: list[Grid] = [capacity[:, :, index].T.copy() for index in range(len(self.resources))]
        self.room: list[Grid] = [amounts.copy() for amounts in self.capacity]
        used = {row["band"] for row in instance["applications"]}  # a band that nobody uses costs nothing
        bands = [band for band in instance["bands"] if band["id"] in used]
        self.taken = {band["id"]: np.zeros((self.weeks, len(self.names)), bool) for band in bands}
        self.held: list[list[Holding]] = [[] for _ in self.names]
        self.heard: dict[str, list[list[Holding]]] = {band["id"]: [[] for _ in self.names] for band in bands}
        self.tally = Tally(instance)
        self.around = {band["id"]: self._around(instance, band["separation_cm"]) for band in bands}

    def _around(self, instance: Any, separation: int) -> list[list[int]]:
        near = [[index] for index in range(len(self.names))]
        for first, second, distance in instance["near"]:
            if not distance >= separation:
                near[self.number[first]].append(self.number[second])
                near[self.number[second]].append(self.number[first])
        return near

    def bad(self, row: Any, weeks: slice, sites: Grid | None) -> Grid:
        """(week, site): True where a need is not met; ``sites`` None: all."""
        bad: Grid = cut(self.room[0], weeks, sites) < row["needs"][0]
        for index in range(1, len(self.resources)):
            bad |= cut(self.room[index], weeks, sites) < row["needs"][index]
        if row["band"] is not None:
            bad |= cut(self.taken[row["band"]], weeks, sites)
        for full in self.tally.full(row).values():
            bad |= full if sites is None else full[sites]
        return bad

    def put(self, row: Any, site: int, start: int) -> None:
        end = start + row["duration"]
        holding = (start, end, row["id"], row["needs"])
        for index, need in enumerate(row["needs"]):
            self.room[index][start:end, site] -= need
        self.held[site].append(holding)
        if row["band"] is not None:
            for neighbour in self.around[row["band"]][site]:
                self.taken[row["band"]][start:end, neighbour] = True
                self.heard[row["band"]][neighbour].append(holding)
        self.tally.put(row, site)

    def lift(self, row: Any, site: int, start: int) -> None:
        """As if it had not been put there."""
        end = start + row["duration"]
        holding = (start, end, row["id"], row["needs"])
        for index, need in enumerate(row["needs"]):
            self.room[index][start:end, site] += need
        self.held[site].remove(holding)
        if row["band"] is not None:
            for neighbour in self.around[row["band"]][site]:
                heard = self.heard[row["band"]][neighbour]
                heard.remove(holding)
                for week in range(start, end):
                    still = any(since <= week < until for since, until, _, _ in heard)
                    self.taken[row["band"]][week, neighbour] = still
        self.tally.lift(row)

    def first(self, row: Any, site: int) -> int | None:
        """The earliest good start at one site."""
        span = slice(row["first_start"], row["last_start"] + row["duration"])
        good = good_starts(self.bad(row, span, np.array([site])), row["duration"])[:, 0]
        return row["first_start"] + int(good.argmax()) if good.any() else None


def cut(grid: Grid, weeks: slice, sites: Grid | None) -> Grid:
    return grid[weeks] if sites is None else grid[weeks].take(sites, axis=1)


def good_starts(bad: Grid, duration: int) -> Grid:
    """(start, site): True where none of ``duration`` weeks is bad: of spans of 1, 2, 4, ... and of two that overlap."""
    span = 1
    while 2 * span <= duration:
        bad = bad[:-span] | bad[span:]
        span *= 2
    rest = duration - span
    return ~(bad[: len(bad) - rest] | bad[rest:]) if rest else ~bad
