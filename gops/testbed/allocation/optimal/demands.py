"""Rows for what a call asks beyond capacity: groups, limits, the budget, and the places that shares promised.

Behind the contracts stand two more kinds of variables: for every group whether it is placed, for every lower quota how
many are missing from it.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from gops.testbed.allocation.instance import Limit
from gops.testbed.allocation.optimal.programme import Column, Programme


def add(made: Programme, promised: Collection[str]) -> None:
    """``promised``: applications that shares gave a place; which one is left to the optimum."""
    _groups(made)
    for limit in made.instance.demands.limits:
        _limit(made, limit)
    budget = made.instance.demands.budget
    costs = np.array([row.cost for row in made.applications], dtype=np.float64)
    if budget is not None and made.size:
        some = np.flatnonzero(costs[made.application] > 0)
        made.rows.at_most(some, costs[made.application[some]], float(budget))
    for index, application in enumerate(made.applications):
        if application.id in promised:
            some = np.flatnonzero(made.application == index)
            made.rows.add(some, np.ones(len(some)), 1, 1)


def _groups(made: Programme) -> None:
    members: dict[str, list[int]] = {}
    for index, application in enumerate(made.applications):
        if application.group is not None:
            members.setdefault(application.group, []).append(index)
    for group in sorted(members):
        placed = made.new_variable(1)
        for index in members[group]:
            some = np.flatnonzero(made.application == index)
            made.rows.add(np.append(some, placed), np.append(np.ones(len(some)), -1.0), 0, 0)


def _limit(made: Programme, limit: Limit) -> None:
    some = counted(made, limit)
    if limit.most is not None:
        made.rows.at_most(some, np.ones(len(some)), float(limit.most))
    if limit.least:
        missing = made.new_variable(limit.least)
        made.missing.append(missing)
        made.rows.add(np.append(some, missing), np.ones(len(some) + 1), float(limit.least), np.inf)


def counted(made: Programme, limit: Limit) -> Column:
    """The contracts that count in a limit."""
    if limit.kind == "municipality":
        where = np.array([site.municipality == limit.key for site in made.instance.sites], dtype=bool)
        return np.flatnonzero(where[made.site])
    who = np.array([getattr(row, limit.kind) == limit.key for row in made.applications], dtype=bool)
    return np.flatnonzero(who[made.application]) if made.size else np.zeros(0, dtype=np.int64)
