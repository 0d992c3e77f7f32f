"""Fairness `resource` where time ended before it held: who would fit in place of a lower score takes that place.

A lower one of a group leaves with its whole group, and what is left free is given away, the highest score first. Each
step adds to the sum of scores, or a group leaves for good; so this ends. The bound of a stage stands as long as the
stages before it have the values that they had.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from gops.testbed.allocation.optimal import demands, equal_treatment
from gops.testbed.allocation.optimal.filling import filled
from gops.testbed.allocation.optimal.programme import Column, Programme, Rows
from gops.testbed.allocation.optimal.stages import Answer, restated


def mended(made: Programme, answer: Answer, promised: Collection[str]) -> Answer:
    """The same where nobody is treated so. Places that shares ``promised`` stay."""
    values = answer.values
    while (breach := next(equal_treatment.breaches(made, values, promised), None)) is not None:
        values = values.copy()
        leaving = made.applications[breach.lower].group
        for index, application in enumerate(made.applications):
            if index == breach.lower or (leaving is not None and application.group == leaving):
                values[: made.size][made.application == index] = 0
        values[_contract(made, breach.higher, breach.site, breach.start)] = 1
        values = _counted(made, filled(made, values, Rows()))
    return answer if values is answer.values else restated(made, answer, values)


def _contract(made: Programme, application: int, site: int, start: int) -> int:
    there = (made.application == application) & (made.site == site) & (made.start == start)
    return int(np.flatnonzero(there)[0])


def _counted(made: Programme, values: Column) -> Column:
    """With what lower quotas lack now."""
    lower = [limit for limit in made.instance.demands.limits if limit.least]
    for missing, limit in zip(made.missing, lower, strict=True):
        values[missing] = max(0, limit.least - values[demands.counted(made, limit)].sum())
    return values
