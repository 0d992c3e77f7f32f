"""One objective over a programme, by HiGHS through scipy. The status is always looked at, and a bound always given.

HiGHS looks at its clock only between steps, so a limit may be overrun; who must not wait runs this in a process apart.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array, vstack

from gops.testbed.allocation.optimal.programme import Column, Programme, Rows

OPTIMAL, LIMIT, INFEASIBLE = 0, 1, 2  # scipy's words for the status
EPSILON = 1e-6  # how far from a whole number HiGHS' bound may be, relative to it; a bound is never sharpened by it


@dataclass(frozen=True)
class Solved:
    """``bound`` holds for every solution (None: not known). Without ``values`` nothing was found in the time there
    was, or, where ``proven``, there is nothing."""

    values: Column | None
    bound: int | None
    proven: bool


class Solver:
    """Minimises. ``seconds`` of each question is a wish, see above."""

    def __init__(self, programme: Programme, *, loud: bool = False) -> None:
        self._programme = programme
        self._rows = _constraint(programme.rows, programme.width)
        self._loud = loud

    def minimise(self, cost: Column, seconds: float, more: Rows | None = None, only: Column | None = None) -> Solved:
        """``more`` are further rows; ``only`` says of each variable whether it may be other than 0."""
        result = self._solve(cost, seconds, more, only, whole=True)
        if result.status == INFEASIBLE:
            return Solved(None, None, True)
        values = None if result.x is None else np.round(result.x)
        if result.status == OPTIMAL:
            assert values is not None
            return Solved(values, round(float(cost @ values)), True)
        return Solved(values, _bound(result.mip_dual_bound), False)

    def relaxed(self, cost: Column, seconds: float, more: Rows | None = None) -> int | None:
        """A bound for all solutions: the least cost where contracts may be had in parts. None: not in that time."""
        result = self._solve(cost, seconds, more, None, whole=False)
        return _bound(result.fun) if result.status == OPTIMAL else None

    def _solve(self, cost: Column, seconds: float, more: Rows | None, only: Column | None, *, whole: bool) -> Any:
        upper = self._programme.upper
        result = milp(
            cost,
            constraints=_joined(self._rows, more, self._programme.width),
            integrality=np.full(len(cost), int(whole)),
            bounds=Bounds(0, upper if only is None else upper * only),
            options={"time_limit": max(seconds, 0.1), "mip_rel_gap": 0.0, "disp": self._loud},
        )
        if result.status not in (OPTIMAL, LIMIT, INFEASIBLE):
            raise RuntimeError(f"HiGHS: {result.status} {result.message}")
        return result


def _bound(value: float | None) -> int | None:
    """The next whole number above, less what arithmetic may have added."""
    if value is None or not math.isfinite(value):
        return None
    return math.ceil(value - EPSILON * max(1.0, abs(value)))


def _constraint(rows: Rows, width: int) -> LinearConstraint:
    pointers = np.cumsum([0, *map(len, rows.columns)])
    columns = np.concatenate([*rows.columns, np.zeros(0, dtype=np.int64)])
    coefficients = np.concatenate([*rows.coefficients, np.zeros(0)])
    matrix = csr_array((coefficients, columns, pointers), shape=(len(rows.low), width))
    return LinearConstraint(matrix, np.array(rows.low), np.array(rows.high))


def _joined(rows: LinearConstraint, more: Rows | None, width: int) -> LinearConstraint:
    if more is None or not more.low:
        return rows
    added = _constraint(more, width)
    return LinearConstraint(
        vstack([rows.A, added.A], format="csr"), np.append(rows.lb, added.lb), np.append(rows.ub, added.ub)
    )
