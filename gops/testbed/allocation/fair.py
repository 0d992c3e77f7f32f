"""The mechanism ``fair``: a cutoff for every site, raised until what is asked for fits (cumulative offers).

Everybody asks for the best ranked site whose cutoff it passes. All that is asked for is laid out in the order of
scores, each at its earliest feasible start; the first at a site that does not fit raises the site's cutoff above
itself, and it and all behind it ask elsewhere. Cutoffs never fall, so this ends, and nobody is refused a site that a
lower score has, whatever the sizes. Where every application takes one interchangeable unit this is deferred acceptance
(Gale and Shapley 1962; by cutoffs, Azevedo and Leshno 2016).

Neighbours on one band and limits tie sites together, so someone may have made room that was not needed in the end:
last of all, who is next in line at a site and fits after all moves there, the highest first, until nobody does.
"""

from __future__ import annotations

from collections import defaultdict

from gops.testbed.allocation import shares, waiting
from gops.testbed.allocation.instance import Application, Instance
from gops.testbed.allocation.lines import Lines, Place, parts
from gops.testbed.allocation.occupancy import Occupancy
from gops.testbed.allocation.outcome import Allocation, Placement
from gops.testbed.allocation.ranked import refuse_joint

MECHANISM = "fair"
VERSION = 1


def allocate(instance: Instance, seed: bytes) -> Allocation:
    """Every application placed or refused with its reasons. Raises ``Invalid`` for groups and lower quotas."""
    refuse_joint(instance, MECHANISM)
    occupancy = Occupancy(instance)
    lines = Lines(instance, seed, occupancy)
    kept, guaranteed = _kept(lines, occupancy, seed)
    places = _Cutoffs(lines, occupancy, kept).settle()
    _fill(lines, occupancy, places)
    order = [row.id for row in shares.by_score(instance.applications, seed)]
    placements = {
        instance.applications[index].id: (instance.sites[lines.rows[index][rank]].id, start)
        for index, (rank, start) in places.items()
    }
    occupancy.clear(list(range(len(instance.sites))))
    for application in shares.by_score(instance.applications, seed):  # so that holders stand in that order
        if application.id in placements:
            site, start = placements[application.id]
            occupancy.place(application, instance.site_index[site], start)
    refusals = waiting.refusals(lines, occupancy, places, {number for number in kept if number in places})
    return Allocation(
        tuple(order),
        tuple(Placement(name, *placements[name]) for name in order if name in placements),
        tuple(sorted(refusals, key=lambda row: row.application)),
        guaranteed,
    )


def _kept(lines: Lines, occupancy: Occupancy, seed: bytes) -> tuple[dict[int, Place], shares.Guaranteed]:
    """The places that shares give: each the best that is feasible at its turn. They are nobody's envy."""
    number = {name: index for index, name in enumerate(lines.ids)}
    kept: dict[int, Place] = {}

    def turn(application: Application) -> bool:
        index = number[application.id]
        for rank, site in enumerate(lines.rows[index]):
            start = occupancy.first_start(application, site)
            if start is not None:
                kept[index] = (rank, start)
                occupancy.place(application, site, start)
                return True
        return False

    return kept, shares.fill(occupancy.instance, seed, turn)


class _Cutoffs:
    """``cutoff[site]`` is a place in line: who stands before it may ask. ``rank[application]``: what it asks for."""

    def __init__(self, lines: Lines, occupancy: Occupancy, kept: dict[int, Place]) -> None:
        self._lines = lines
        self._occupancy = occupancy
        self._kept = kept
        self._part = parts(occupancy)
        self._sites = defaultdict(list)
        for site, part in enumerate(self._part):
            self._sites[part].append(site)
        last = sum(map(len, lines.rows))
        self._cutoff = [last] * len(self._part)
        for index, (got, _) in kept.items():  # where it would rather be, nobody behind it may be
            for rank, site in enumerate(lines.rows[index][:got]):
                if lines.eligible[index][rank]:
                    self._cutoff[site] = min(self._cutoff[site], lines.line[index][rank])
        self._rank = [-1] * len(lines.rows)
        self._asked: defaultdict[int, set[int]] = defaultdict(set)
        self._places: dict[int, Place] = {}

    def settle(self) -> dict[int, Place]:
        """All places, those kept among them. Each round judges all sites by what stood before it: no order matters."""
        fresh = self._ask([index for index in range(len(self._rank)) if index not in self._kept])
        while fresh:
            away = [index for part in sorted(fresh) for index in self._lay_out(part)]
            fresh = self._ask(away)
        return self._places | self._kept

    def _ask(self, applications: list[int]) -> set[int]:
        """Each asks for its next site; the parts that are asked anew."""
        fresh = set()
        for index in applications:
            self._rank[index] = rank = self._next(index)
            if rank < len(self._lines.rows[index]):
                part = self._part[self._lines.rows[index][rank]]
                self._asked[part].add(index)
                fresh.add(part)
        return fresh

    def _next(self, index: int) -> int:
        lines, rank = self._lines, self._rank[index] + 1
        while rank < len(lines.rows[index]) and not (
            lines.eligible[index][rank] and lines.line[index][rank] < self._cutoff[lines.rows[index][rank]]
        ):
            rank += 1
        return rank

    def _lay_out(self, part: int) -> list[int]:
        """Who is turned away from the part's sites, of all that ask there. Cutoffs rise accordingly."""
        occupancy, lines, away, closed = self._occupancy, self._lines, [], set()
        applications = occupancy.instance.applications
        occupancy.clear(self._sites[part])
        for index, (rank, start) in self._kept.items():
            if self._part[lines.rows[index][rank]] == part:
                occupancy.place(applications[index], lines.rows[index][rank], start)
        for index in sorted(self._asked[part], key=lambda index: lines.line[index][self._rank[index]]):
            rank = self._rank[index]
            site = lines.rows[index][rank]
            found = None if site in closed else occupancy.first_start(applications[index], site)
            if found is None:
                if site not in closed:
                    closed.add(site)
                    self._cutoff[site] = min(self._cutoff[site], lines.line[index][rank])
                away.append(index)
                self._asked[part].discard(index)
                self._places.pop(index, None)
            else:
                occupancy.place(applications[index], site, found)
                self._places[index] = (rank, found)
        return away


def _fill(lines: Lines, occupancy: Occupancy, places: dict[int, Place]) -> None:
    """Who is next in line at a site and fits moves there. Everybody's place only becomes better, so this ends."""
    part = parts(occupancy)
    fits_not: set[int] = set()
    while True:
        heads = [(*head, site) for site in range(len(part)) if site not in fits_not
                 and (head := lines.next_at(site, places)) is not None]  # fmt: skip
        for _, index, rank, site in sorted(heads):
            touched = _move(lines, occupancy, places, index, rank)
            if touched:
                fits_not = {other for other in fits_not if part[other] not in {part[one] for one in touched}}
                break
            fits_not.add(site)
        else:
            return


def _move(lines: Lines, occupancy: Occupancy, places: dict[int, Place], index: int, rank: int) -> list[int]:
    """The sites that are now otherwise; none where it does not fit."""
    application, here = occupancy.instance.applications[index], lines.rows[index]
    before = places.get(index)
    if before is not None:
        occupancy.remove(application, here[before[0]], before[1])
    start = occupancy.first_start(application, here[rank])
    if start is None:
        if before is not None:
            occupancy.place(application, here[before[0]], before[1])
        return []
    occupancy.place(application, here[rank], start)
    places[index] = (rank, start)
    return [here[rank]] if before is None else [here[rank], here[before[0]]]
