"""Where the whole programme is not solved in time: parts of it are, the rest held where it stands.

First from the relaxed optimum: what has all of a contract there keeps it, the rest is solved. Then again and again all
applications that share sites with one of them are set free, as many as are solved within seconds (fix and optimise).
How far it comes depends on the machine; the bound does not.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable

import numpy as np

from gops.testbed.allocation.optimal.programme import Column, Programme, Rows
from gops.testbed.allocation.optimal.solving import Solver

STEP_S = 5.0  # for one part
SOONER_S, GROWS, SHRINKS = 1.5, 1.25, 0.75
FIRST, LEAST = 120, 10  # applications set free
WHOLE = 0.999


def improve(
    solver: Solver,
    made: Programme,
    cost: Column,
    values: Column,
    until: float,
    rows: Rows,
    note: Callable[[int], None],
) -> Column:
    """Values that are at least as good; ``values`` must hold. ``note`` hears every better cost."""
    values = _from_relaxed(solver, made, cost, values, until, rows)
    note(round(float(cost @ values)))
    chance = random.Random(made.size)  # noqa: S311  the same for all who compute it again, and nobody's secret
    neighbours = _Neighbours(made)
    size, count = float(FIRST), len(made.applications)
    while time.monotonic() + 1 < until and count > LEAST:
        free = neighbours.around(chance, min(int(size), count))
        began = time.monotonic()
        seconds = min(STEP_S, until - began)
        found = solver.around(cost, seconds, values, _columns(made, free), rows)
        if found is not None and cost @ found < cost @ values - 0.5:
            values = found
            note(round(float(cost @ values)))
        size *= GROWS if time.monotonic() - began < SOONER_S else SHRINKS
        size = min(max(size, LEAST), float(count))
    return values


def _from_relaxed(solver: Solver, made: Programme, cost: Column, values: Column, until: float, rows: Rows) -> Column:
    relaxed, _ = solver.relaxed(cost, until - time.monotonic(), rows)
    if relaxed is None:
        return values
    settled = relaxed[: made.size] > WHOLE
    free = np.ones(made.width, dtype=bool)
    whole = np.zeros(made.width)
    for_good = np.isin(made.application, made.application[settled])
    free[: made.size] = ~for_good
    whole[: made.size] = settled
    found = solver.around(cost, (until - time.monotonic()) / 3, whole, free, rows)
    return found if found is not None and cost @ found < cost @ values else values


class _Neighbours:
    """Applications by the sites that they rank."""

    def __init__(self, made: Programme) -> None:
        index = made.instance.site_index
        self._sites = [[index[name] for name in row.sites] for row in made.applications]
        self._at: list[list[int]] = [[] for _ in made.instance.sites]
        for number, sites in enumerate(self._sites):
            for site in sites:
                self._at[site].append(number)

    def around(self, chance: random.Random, count: int) -> Column:
        """So many applications: one by chance, those that share sites with it, and on from them."""
        first = chance.randrange(len(self._sites))
        found, edge = {first: None}, [first]
        while edge and len(found) < count:
            sites = self._sites[edge.pop(0)]
            for site in chance.sample(sites, len(sites)):
                for other in chance.sample(self._at[site], len(self._at[site])):
                    if other not in found and len(found) < count:
                        found[other] = None
                        edge.append(other)
        return np.array(sorted(found))


def _columns(made: Programme, applications: Column) -> Column:
    return np.concatenate([np.isin(made.application, applications), np.ones(len(made.more), dtype=bool)])
