"""The mechanism ``ranked``: serial order by score; each takes its best feasible contract.

Strategy-proof, since nothing an applicant ranks changes its turn, and at its turn it gets the first of its list that
is free. An earlier ranked site is better than a later one, and at a site an earlier start than a later one. Who may
take a place that is kept for some has its turn before the others; what was not feasible then is not feasible later.
"""

from __future__ import annotations

from gops.errors import Invalid
from gops.testbed.allocation import afterwards, shares
from gops.testbed.allocation.instance import Application, Instance
from gops.testbed.allocation.occupancy import Grid, Occupancy, Shortage, first, free, starts, window
from gops.testbed.allocation.outcome import Allocation, Change, Placement, Refusal, SiteReason
from gops.testbed.allocation.reasons import explain, moves

MECHANISM = "ranked"
VERSION = 1


def allocate(instance: Instance, seed: bytes) -> Allocation:
    """Every application placed or refused with its reasons. Raises ``Invalid`` where one has more than one score."""
    _refuse_several_scores(instance)
    refuse_joint(instance, MECHANISM)
    serial = _Serial(instance)
    guaranteed = shares.fill(instance, seed, serial.turn)
    for application in shares.by_score(instance.applications, seed):
        if application.id not in serial.order:
            serial.turn(application)
    return Allocation(tuple(serial.order), tuple(serial.placements), serial.refusals(), guaranteed)


class _Serial:
    """``order`` is that of the turns so far; a dictionary for its look-up."""

    def __init__(self, instance: Instance) -> None:
        self.order: dict[str, None] = {}
        self.placements: list[Placement] = []
        self._occupancy = Occupancy(instance)
        self._refusals: list[Refusal] = []
        self._later: list[tuple[afterwards.Turn, list[Change]]] = []

    def turn(self, application: Application) -> bool:
        """Place it, or refuse it with reasons."""
        self.order[application.id] = None
        occupancy = self._occupancy
        rows, weeks = occupancy.rows(application), window(application)
        shortages = occupancy.shortages(application, rows, weeks)
        found = _best(application, shortages)
        if found is None:
            self._refuse(application, rows, shortages)
            return False
        site, start = int(rows[found[0]]), application.first_start + found[1]
        self.placements.append(occupancy.place(application, site, start))
        return True

    def refusals(self) -> tuple[Refusal, ...]:
        """In the order of the turns."""
        turns = [turn for turn, _ in self._later]
        told = afterwards.told(self._occupancy, turns)
        for (turn, found), (lacks, less) in zip(self._later, told, strict=True):
            reasons = map(SiteReason, turn.application.sites, lacks)
            changes = found if less is None else [*found, less]
            self._refusals.append(Refusal(turn.application.id, tuple(reasons), tuple(changes)))
        return tuple(self._refusals)

    def _refuse(self, application: Application, rows: Grid, shortages: list[Shortage]) -> None:
        """With all reasons now where limits tie the sites together; else with those that look at all sites."""
        if self._occupancy.quotas.asks:
            self._refusals.append(explain(self._occupancy, application, rows, shortages))
        else:
            turn = afterwards.turn(self._occupancy, application, rows.tolist())
            self._later.append((turn, list(moves(self._occupancy, application, rows))))


def refuse_joint(instance: Instance, mechanism: str) -> None:
    """Joint pilots and lower quotas are not hereditary: what is feasible without one pilot need not have been with it.
    Only ``optimal`` has them. Raises ``Invalid``."""
    group = next((row for row in instance.applications if row.group is not None), None)
    limit = next((row for row in instance.demands.limits if row.least), None)
    if group is not None:
        raise Invalid(f"{mechanism} has no joint pilots", code="needs_optimal", field=f"applications[{group.id}].group",
                      found=group.group, expected="no groups, or the mechanism optimal")  # fmt: skip
    if limit is not None:
        place = f"limits[{limit.kind},{limit.key}].least"
        raise Invalid(f"{mechanism} has no lower quotas", code="needs_optimal", field=place, found=limit.least,
                      expected="0, or the mechanism optimal")  # fmt: skip


def _refuse_several_scores(instance: Instance) -> None:
    for application in instance.applications:
        if len(set(application.scores)) != 1:
            raise Invalid(
                f"applications[{application.id}].scores differ from site to site; ranked has one score list",
                code="several_scores",
                field=f"applications[{application.id}].scores",
                found=", ".join(map(str, application.scores)),
                expected="one score at every site under ranked",
            )


def _best(application: Application, shortages: list[Shortage]) -> tuple[int, int] | None:
    """The first rank that is free at all and its first start, counted from the window's."""
    here = free(shortages)
    assert here is not None, "an application without a need is no application"
    return first(starts(here, application.duration))
