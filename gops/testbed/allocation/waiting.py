"""Why `fair` refused an application, by numbers; and the nearest change that would have placed it.

A site where somebody with a higher score waits is closed whatever the applicant changes, so a change is told only for
sites at which it is next in line, or which nobody before it asked for.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterator, Mapping

import numpy as np

from gops.testbed.allocation import afterwards
from gops.testbed.allocation.instance import Application
from gops.testbed.allocation.lines import Lines, Place
from gops.testbed.allocation.occupancy import Grid, Occupancy, window
from gops.testbed.allocation.outcome import CUTOFF, Change, Lack, Refusal, SiteReason
from gops.testbed.allocation.reasons import changes, lacking, why

Key = tuple[int, bytes]
"""(-score, tie): who stands where in a line."""


def refusals(
    lines: Lines, occupancy: Occupancy, places: Mapping[int, Place], kept: Collection[int]
) -> Iterator[Refusal]:
    """Of all who have no place. ``kept``: who has one by a share, which makes no cutoff."""
    heads = _Heads(lines, places)
    lowest = _lowest(lines, places, kept)
    waiting = [index for index in range(len(lines.rows)) if index not in places]
    applications = [occupancy.instance.applications[index] for index in waiting]
    for index, application, lacks in zip(waiting, applications, _lacks(lines, occupancy, waiting), strict=True):
        reasons = [
            SiteReason(site, (*lacked, *heads.before(index, rank)), score, lowest.get(lines.rows[index][rank]))
            for rank, (site, score, lacked) in enumerate(zip(application.sites, application.scores, lacks, strict=True))
        ]
        may = heads.open_to(index)
        told = _changes(occupancy, application, np.array(lines.rows[index]), may) if may.any() else ()
        yield Refusal(application.id, tuple(reasons), tuple(told))


def _lacks(lines: Lines, occupancy: Occupancy, waiting: list[int]) -> Iterator[list[afterwards.Lacks]]:
    """Of each by rank what lacks as all stand; one by one where limits tie the sites together."""
    rows = [(occupancy.instance.applications[index], lines.rows[index]) for index in waiting]
    if occupancy.quotas.asks:
        for application, sites in rows:
            shortages = occupancy.shortages(application, np.array(sites), window(application))
            reasons = why(occupancy, application, sites, lacking(occupancy, application, shortages))
            yield [reason.lacks for reason in reasons]
        return
    turns = [afterwards.turn(occupancy, application, sites) for application, sites in rows]
    for lacks, _ in afterwards.told(occupancy, turns, cuts=False):
        yield lacks


def _changes(occupancy: Occupancy, application: Application, rows: Grid, may: Grid) -> Iterator[Change]:
    return changes(occupancy, application, rows, occupancy.shortages(application, rows, window(application)), may)


def _lowest(lines: Lines, places: Mapping[int, Place], kept: Collection[int]) -> dict[int, int]:
    """By site the lowest score that has a place there without a share."""
    found: dict[int, int] = {}
    for index, (rank, _) in places.items():
        if index not in kept:
            site, score = lines.rows[index][rank], lines.scores[index][rank]
            found[site] = min(score, found.get(site, score))
    return found


class _Heads:
    """Who is next in line at every site. ``at[site]`` is the number of its key among the heads, the last for nobody."""

    def __init__(self, lines: Lines, places: Mapping[int, Place]) -> None:
        self._lines = lines
        self._heads = [lines.next_at(site, places) for site in range(len(lines.waiting))]
        keys = [None if head is None else self._key(head[1], lines.scores[head[1]][head[2]]) for head in self._heads]
        self._sorted = sorted({key for key in keys if key is not None})
        self.at = np.array([len(self._sorted) if key is None else bisect_left(self._sorted, key) for key in keys])

    def before(self, index: int, rank: int) -> tuple[Lack, ...]:
        """The next in line at a ranked site, where that is another with a better place in it."""
        head = self._heads[self._lines.rows[index][rank]]
        if head is None or head[1] == index or head[0] > self._lines.line[index][rank]:
            return ()
        return (Lack(CUTOFF, (), (self._lines.ids[head[1]],)),)

    def open_to(self, index: int) -> Grid:
        """Sites where nobody stands before it; where it was not ranked its lowest score counts."""
        scores = self._lines.scores[index]
        lowest = min(scores)
        may: Grid = self.at >= bisect_left(self._sorted, self._key(index, lowest))
        for site, score in zip(self._lines.rows[index], scores, strict=True):
            if score != lowest:
                may[site] = self.at[site] >= bisect_left(self._sorted, self._key(index, score))
        return may

    def _key(self, index: int, score: int) -> Key:
        return -score, self._lines.ties[index]
