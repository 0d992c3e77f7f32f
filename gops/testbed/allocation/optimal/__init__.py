"""The mechanism ``optimal``: a time-indexed 0/1 programme, solved by HiGHS, stage by stage, with a bound for each.

Proven optimum, or the distance to a proven bound. Not strategy-proof: an application that ranks fewer sites may gain.
Where several outcomes are equally good the order in which the solver sees the applications decides; it is that of
their ties, so the seed has its part in it, and the order of the inputs has none.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Literal

import numpy as np

from gops.testbed.allocation import shares
from gops.testbed.allocation.assembling import assembled
from gops.testbed.allocation.instance import Application, Instance
from gops.testbed.allocation.occupancy import Occupancy
from gops.testbed.allocation.optimal import demands, equal_treatment
from gops.testbed.allocation.optimal.mending import mended
from gops.testbed.allocation.optimal.programme import Column, Programme, Rows, build
from gops.testbed.allocation.optimal.solving import Note, Solver, nothing_noted
from gops.testbed.allocation.optimal.stages import Answer, solve
from gops.testbed.allocation.outcome import Allocation, Proof
from gops.testbed.allocation.ties import tie

MECHANISM = "optimal"
VERSION = 1
SECONDS = 120.0
ROUNDS_MAX = 50  # of rows added against breaches of fairness
Fairness = Literal["none", "resource"]
Told = Callable[[Allocation], None]


def allocate(
    instance: Instance,
    seed: bytes,
    fairness: Fairness = "none",
    seconds: float = SECONDS,
    tell: Told | None = None,
    *,
    note: Note = nothing_noted,
    apart: bool = False,
) -> Allocation:
    """Every application placed or refused with its reasons, in about so many seconds.

    ``tell`` hears the allocation as it stands after every stage, ``note`` the values and bounds in between; ``apart``:
    HiGHS runs in forks of this process, which must have no other threads, and writes its log to standard output.
    """
    until = time.monotonic() + seconds
    applications = sorted(instance.applications, key=lambda row: tie(seed, row.id))
    start, guaranteed = _start(instance, seed)
    made = build(instance, applications)
    promised = {name for _, name in guaranteed}
    demands.add(made, promised)
    solver, cuts = Solver(made, note, apart=apart), Rows()

    def allocation(answer: Answer, most: int | None) -> Allocation:
        """``most``: the points without fairness; None where fairness is not asked for."""
        if fairness == "resource":
            answer = mended(made, answer, promised)
        price = None if most is None else most - _scores(answer)
        return assembled(instance, seed, _places(made, answer.values), guaranteed, Proof(answer.stages, price))

    free: list[int] = []  # the most points without fairness, once it is known

    def told(answer: Answer) -> None:
        if tell is not None:
            tell(allocation(answer, None if fairness == "none" else free[0] if free else _scores(answer)))

    answer = solve(solver, made, _values(made, start), until - time.monotonic(), told, cuts)
    if fairness == "none":
        return allocation(answer, None)
    free.append(_scores(answer))
    for _ in range(ROUNDS_MAX):
        found = list(equal_treatment.breaches(made, answer.values, promised))
        if not found or time.monotonic() > until:
            break
        for breach in found:
            equal_treatment.forbid(made, breach, answer.values, cuts)
        answer = solve(solver, made, answer.values, until - time.monotonic(), told, cuts)
    return allocation(answer, free[0])


def _start(instance: Instance, seed: bytes) -> tuple[dict[str, tuple[int, int]], shares.Guaranteed]:
    """Serial order by score, groups left out: the rank and start of each application that has a place."""
    occupancy = Occupancy(instance)
    found: dict[str, tuple[int, int]] = {}

    def turn(application: Application) -> bool:
        for rank, site in enumerate(occupancy.rows(application).tolist()):
            start = occupancy.first_start(application, site)
            if start is not None:
                occupancy.place(application, site, start)
                found[application.id] = (rank, start)
                return True
        return False

    guaranteed = shares.fill(instance, seed, turn)
    for application in shares.by_score(instance.applications, seed):
        if application.id not in found and application.group is None:
            turn(application)
    return found, guaranteed


def _values(made: Programme, places: dict[str, tuple[int, int]]) -> Column:
    """Places as values of the variables; what lower quotas lack follows."""
    values = np.zeros(made.width)
    wanted = {(index, *places[row.id]) for index, row in enumerate(made.applications) if row.id in places}
    for contract in range(made.size):
        if (made.application[contract], made.rank[contract], made.start[contract]) in wanted:
            values[contract] = 1
    lower = [limit for limit in made.instance.demands.limits if limit.least]
    for missing, limit in zip(made.missing, lower, strict=True):
        values[missing] = max(0, limit.least - values[demands.counted(made, limit)].sum())
    return values


def _scores(answer: Answer) -> int:
    return next(stage.value for stage in answer.stages if stage.name == "scores")


def _places(made: Programme, values: Column) -> dict[str, tuple[str, int]]:
    chosen = np.flatnonzero(values[: made.size] > 0.5).tolist()
    sites = made.instance.sites
    return {
        made.applications[made.application[row]].id: (sites[made.site[row]].id, int(made.start[row])) for row in chosen
    }
