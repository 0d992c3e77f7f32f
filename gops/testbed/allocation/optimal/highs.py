"""HiGHS through scipy: one call, its status looked at; and the same in a forked process that is ended by the clock.

HiGHS looks at its clock only between steps, and some of its steps take minutes. A fork must not be taken where other
threads run, so only ``optimal.__main__`` asks for it: there nothing else does, and HiGHS only ever runs in forks.
"""

from __future__ import annotations

import multiprocessing
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp

from gops.testbed.allocation.optimal.programme import Column

OPTIMAL, LIMIT, INFEASIBLE = 0, 1, 2  # scipy's words for the status
GRACE, GRACE_S = 1.1, 1.0  # of the time given, and seconds more, before a fork is ended


@dataclass(frozen=True)
class Question:
    cost: Column
    rows: LinearConstraint
    upper: Column
    seconds: float
    whole: bool = True
    gap: float = 0.0
    loud: bool = False


@dataclass(frozen=True)
class Found:
    """``bound``: no solution costs less; None where it is not known."""

    status: int
    values: Column | None = None
    cost: float | None = None
    bound: float | None = None


def ask(question: Question) -> Found:
    """Raises ``RuntimeError`` where HiGHS fails."""
    result: Any = milp(
        question.cost,
        constraints=question.rows,
        integrality=np.full(len(question.cost), int(question.whole)),
        bounds=Bounds(0, question.upper),
        options={"time_limit": max(question.seconds, 0.1), "mip_rel_gap": question.gap, "disp": question.loud},
    )
    if result.status not in (OPTIMAL, LIMIT, INFEASIBLE):
        raise RuntimeError(f"HiGHS: {result.status} {result.message}")
    bound = result.fun if result.status == OPTIMAL and not question.whole else result.mip_dual_bound
    return Found(result.status, result.x, result.fun, bound)


def ask_apart(question: Question) -> Found:
    """As ``ask``, in a fork; one that must be ended has found nothing."""
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_answer, args=(there, question), daemon=True)
    process.start()
    there.close()
    try:
        if here.poll(max(question.seconds, 0.1) * GRACE + GRACE_S):
            found = here.recv()
            assert isinstance(found, Found)
            return found
    except EOFError:
        raise RuntimeError("the process that HiGHS ran in died") from None
    finally:
        process.kill()
        process.join()
        here.close()
    return Found(LIMIT)


def _answer(out: Connection, question: Question) -> None:
    out.send(ask(question))
