"""Who stands before whom at every site, who may ask there at all, and who waits: what `fair` is made of.

A place in line is the number of (score, tie) among all of them, so that lines of one site compare as whole numbers.
"""

from __future__ import annotations

from collections.abc import Mapping

from gops.testbed.allocation import many
from gops.testbed.allocation.instance import Instance
from gops.testbed.allocation.occupancy import Occupancy
from gops.testbed.allocation.ties import tie

Place = tuple[int, int]
"""The rank of the site among the application's, and the start."""


class Lines:
    """``rows[application][rank]`` is the site, ``line`` the place in its line; ``eligible``: it fits there alone."""

    def __init__(self, instance: Instance, seed: bytes, empty: Occupancy) -> None:
        self.ids = [row.id for row in instance.applications]
        self.ties = [tie(seed, row.id) for row in instance.applications]
        self.scores = [row.scores for row in instance.applications]
        self.rows = [[instance.site_index[site] for site in row.sites] for row in instance.applications]
        self.eligible = many.fits(empty, instance.applications)
        keys = [
            (-score, self.ties[index], rank, index)
            for index, row in enumerate(instance.applications)
            for rank, score in enumerate(row.scores)
        ]
        self.line = [[0] * len(row.scores) for row in instance.applications]
        self.waiting: list[list[tuple[int, int, int]]] = [[] for _ in instance.sites]  # by site, all who may ask
        for number, (_, _, rank, index) in enumerate(sorted(keys)):
            self.line[index][rank] = number
            if self.eligible[index][rank]:
                self.waiting[self.rows[index][rank]].append((number, index, rank))

    def next_at(self, site: int, places: Mapping[int, Place]) -> tuple[int, int, int] | None:
        """(line, application, rank) of the first who would rather be at the site than where it is."""
        for number, index, rank in self.waiting[site]:
            if index not in places or places[index][0] > rank:
                return number, index, rank
        return None


def parts(occupancy: Occupancy) -> list[int]:
    """Of every site a number; sites of different numbers cannot disturb each other. Limits tie all together."""
    count = len(occupancy.instance.sites)
    if occupancy.quotas.asks:
        return [0] * count
    found = [-1] * count
    for site in range(count):
        if found[site] < 0:
            found[site] = site
            edge = [site]
            while edge:
                at = edge.pop()
                heard = {other for band in occupancy.reach.values() for other in band[at] if found[other] < 0}
                for other in heard:
                    found[other] = site
                edge += heard
    return found
