"""The mechanism ``ranked``: serial order by score; each takes its best feasible contract.

Strategy-proof, since nothing an applicant ranks changes its turn, and at its turn it gets the first of its list that
is free. An earlier ranked site is better than a later one, and at a site an earlier start than a later one.
"""

from __future__ import annotations

from gops.errors import Invalid
from gops.testbed.allocation.instance import Application, Instance
from gops.testbed.allocation.occupancy import Occupancy, Shortage, first, free, starts, window
from gops.testbed.allocation.outcome import Allocation
from gops.testbed.allocation.reasons import explain
from gops.testbed.allocation.ties import tie

MECHANISM = "ranked"
VERSION = 1


def allocate(instance: Instance, seed: bytes) -> Allocation:
    """Every application placed or refused with its reasons. Raises ``Invalid`` where one has more than one score."""
    occupancy = Occupancy(instance)
    placements, refusals = [], []
    order = turns(instance, seed)
    for application in order:
        rows, weeks = occupancy.rows(application), window(application)
        shortages = occupancy.shortages(application, rows, weeks)
        found = _best(application, shortages)
        if found is None:
            refusals.append(explain(occupancy, application, rows, shortages))
        else:
            placements.append(occupancy.place(application, int(rows[found[0]]), application.first_start + found[1]))
    return Allocation(tuple(row.id for row in order), tuple(placements), tuple(refusals))


def turns(instance: Instance, seed: bytes) -> list[Application]:
    """The higher score first; of equal ones the smaller tie."""
    for application in instance.applications:
        if len(set(application.scores)) != 1:
            raise Invalid(
                f"applications[{application.id}].scores differ from site to site; ranked has one score list",
                code="several_scores",
                field=f"applications[{application.id}].scores",
                found=", ".join(map(str, application.scores)),
                expected="one score at every site under ranked",
            )
    return sorted(instance.applications, key=lambda row: (-row.scores[0], tie(seed, row.id)))


def _best(application: Application, shortages: list[Shortage]) -> tuple[int, int] | None:
    """The first rank that is free at all and its first start, counted from the window's."""
    here = free(shortages)
    assert here is not None, "an application without a need is no application"
    return first(starts(here, application.duration))
