"""One objective over a programme, by HiGHS through scipy. The status is always looked at, and a bound always given.

HiGHS looks at its clock only between steps, so a limit may be overrun where it does not run apart.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import LinearConstraint
from scipy.sparse import csr_array, vstack

from gops.testbed.allocation.optimal import highs
from gops.testbed.allocation.optimal.highs import INFEASIBLE, OPTIMAL, Found, Question
from gops.testbed.allocation.optimal.programme import Column, Programme, Rows

PART_GAP = 1e-4  # relative: how near to the best a part is solved
EPSILON = 1e-6  # how far from a whole number HiGHS' bound may be, relative to it; a bound is never sharpened by it


@dataclass(frozen=True)
class Solved:
    """``bound`` holds for every solution (None: not known). Without ``values`` nothing was found in the time there
    was, or, where ``proven``, there is nothing."""

    values: Column | None
    bound: int | None
    proven: bool


Note = Callable[[str, int | None, int | None], None]
"""Hears the stage, the value reached and the bound, as soon as they are known."""


def nothing_noted(stage: str, value: int | None, bound: int | None) -> None:
    """For who does not want to know."""


class Solver:
    """Minimises. ``seconds`` of each question is a wish, see above."""

    def __init__(self, programme: Programme, note: Note = nothing_noted, *, apart: bool = False) -> None:
        """``apart``: HiGHS runs in forks, and writes its log to standard output."""
        self.note = note
        self._programme = programme
        self._rows = _constraint(programme.rows, programme.width)
        self._apart = apart

    def minimise(self, cost: Column, seconds: float, more: Rows | None = None, only: Column | None = None) -> Solved:
        """``more`` are further rows; ``only`` says of each variable whether it may be other than 0."""
        upper = self._programme.upper if only is None else self._programme.upper * only
        found = self._ask(Question(cost, self._joined(more), upper, seconds, loud=self._apart))
        if found.status == INFEASIBLE:
            return Solved(None, None, True)
        values = None if found.values is None else np.round(found.values)
        if found.status == OPTIMAL:
            assert values is not None
            return Solved(values, round(float(cost @ values)), True)
        return Solved(values, _bound(found.bound), False)

    def relaxed(self, cost: Column, seconds: float, more: Rows | None = None) -> tuple[Column | None, int | None]:
        """The least cost where contracts may be had in parts: its values, and so a bound for all solutions. None:
        not in that time."""
        found = self._ask(Question(cost, self._joined(more), self._programme.upper, seconds, whole=False))
        return (found.values, _bound(found.bound)) if found.status == OPTIMAL else (None, None)

    def around(self, cost: Column, seconds: float, values: Column, free: Column, more: Rows | None) -> Column | None:
        """The best values found that differ from ``values`` only where ``free`` is True. None: none that hold."""
        rows = self._joined(more)
        kept = np.where(free, 0, values)
        part = rows.A.tocsc()[:, np.flatnonzero(free)].tocsr()
        asked = np.flatnonzero(np.diff(part.indptr))
        fixed = rows.A @ kept
        left = LinearConstraint(part[asked], (rows.lb - fixed)[asked], (rows.ub - fixed)[asked])
        found = self._ask(Question(cost[free], left, self._programme.upper[free], seconds, gap=PART_GAP))
        if found.values is None:
            return None
        kept[free] = np.round(found.values)
        return kept

    def _ask(self, question: Question) -> Found:
        return highs.ask_apart(question) if self._apart else highs.ask(question)

    def _joined(self, more: Rows | None) -> LinearConstraint:
        if more is None or not more.low:
            return self._rows
        added = _constraint(more, self._programme.width)
        return LinearConstraint(
            vstack([self._rows.A, added.A], format="csr"),
            np.append(self._rows.lb, added.lb),
            np.append(self._rows.ub, added.ub),
        )


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
