"""The objectives of `optimal`, one after the other, each with the earlier ones fixed.

1 quotas: least missing from lower quotas. 2 scores: most, of the placed together. 3 ranks: least, the first choice
being 1. 4 starts: least sum of start weeks, counted from the calendar's first. Later stages are asked twice: first
among the applications that the second stage placed, which is quick; then among all, for something better or the proof
that there is none.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from gops.testbed.allocation.optimal.filling import filled
from gops.testbed.allocation.optimal.improving import improve
from gops.testbed.allocation.optimal.programme import Column, Programme, Rows
from gops.testbed.allocation.optimal.solving import Solver
from gops.testbed.allocation.outcome import Stage

LATER_S = 10.0  # for a stage after the scores
PART_OF_SCORES = 0.8  # of the time there is


@dataclass(frozen=True)
class Answer:
    """``values`` of the variables; the stages up to here."""

    values: Column
    stages: tuple[Stage, ...]


Told = Callable[[Answer], None]


@dataclass(frozen=True)
class Objective:
    """``sign`` -1: the most is sought. ``cost`` is what is minimised."""

    name: str
    cost: Column
    sign: int


def objectives(made: Programme) -> list[Objective]:
    found = []
    if made.missing:
        cost = np.zeros(made.width)
        cost[made.missing] = 1
        found.append(Objective("quotas", cost, 1))
    found.append(Objective("scores", made.cost(-made.score), -1))
    worthless = made.score == 0
    if worthless.any():  # placed all the same where there is room: nobody is refused an empty place
        found.append(Objective("placed", made.cost(-1.0 * worthless), -1))
    found.append(Objective("ranks", made.cost(made.rank + 1), 1))
    found.append(Objective("starts", made.cost(made.start), 1))
    return found


def solve(solver: Solver, made: Programme, start: Column, seconds: float, tell: Told, cuts: Rows) -> Answer:
    """All stages in about so many seconds. ``start`` is a solution that may break lower quotas; ``tell`` hears how it
    stands, first and after every stage: a whole answer, whatever is not known of it yet."""
    until = time.monotonic() + seconds
    answer, fixed, left = Answer(start, ()), Rows(), objectives(made)
    fixed.extend(cuts)
    tell(_rest(answer, left))
    while left:
        objective = left.pop(0)
        if not made.size:
            answer = _answer(answer, objective, answer.values, round(float(objective.cost @ answer.values)))
            continue
        solver.note(objective.name, None, None)
        seconds = until - time.monotonic()
        if objective.name in ("ranks", "starts"):
            answer = _later(solver, made, objective, answer, fixed, min(LATER_S, seconds))
        else:
            answer = _early(solver, made, objective, answer, fixed, PART_OF_SCORES * seconds)
        _fix(fixed, objective, answer.values)
        tell(_rest(answer, left))
    return _finished(made, answer, cuts)


def _rest(answer: Answer, left: Sequence[Objective]) -> Answer:
    """With the stages that were not looked at."""
    for objective in left:
        answer = _answer(answer, objective, answer.values, None)
    return answer


def _finished(made: Programme, answer: Answer, cuts: Rows) -> Answer:
    """With the room that is left given away. The bounds are those of before: they hold for every outcome, or for all
    that are as good in the earlier stages."""
    values = filled(made, answer.values, cuts)
    if values is answer.values:
        return answer
    finished = Answer(values, ())
    for objective, stage in zip(objectives(made), answer.stages, strict=True):
        bound = None if stage.bound is None else objective.sign * stage.bound
        finished = _answer(finished, objective, values, bound)
    return finished


def restated(made: Programme, before: Answer, values: Column) -> Answer:
    """The stages of other values. A bound that was found with earlier stages fixed says nothing once they differ."""
    answer, same = Answer(values, ()), True
    for objective, stage in zip(objectives(made), before.stages, strict=True):
        value = objective.sign * round(float(objective.cost @ values))
        keeps = stage.bound is not None and (value - stage.bound) * objective.sign >= 0
        known = stage.bound if same and keeps else None
        answer = Answer(values, (*answer.stages, Stage(objective.name, value, known)))
        same = same and value == stage.value
    return answer


def _early(
    solver: Solver, made: Programme, objective: Objective, before: Answer, fixed: Rows, seconds: float
) -> Answer:
    """Half of the time for the whole programme; where that is not enough the other half for parts of it."""
    until = time.monotonic() + seconds
    found = solver.minimise(objective.cost, seconds / 2, fixed)
    values, bound = before.values, found.bound
    if found.values is not None and (
        not fixed.hold(values) or float(objective.cost @ found.values) < float(objective.cost @ values)
    ):
        values = found.values
    if not found.proven and fixed.hold(values):
        limit = None if bound is None else objective.sign * bound

        def note(cost: int) -> None:
            solver.note(objective.name, objective.sign * cost, limit)

        values = filled(made, improve(solver, made, objective.cost, values, until, fixed, note), fixed)
    if bound is None and not found.proven:
        _, bound = solver.relaxed(objective.cost, seconds, fixed)
    return _answer(before, objective, values, bound)


def _later(
    solver: Solver, made: Programme, objective: Objective, before: Answer, fixed: Rows, seconds: float
) -> Answer:
    until = time.monotonic() + seconds
    values = before.values
    found = solver.minimise(objective.cost, seconds / 2, _same_placed(made, values, fixed), _may(made, values))
    if found.values is not None:
        values = found.values
    _, bound = solver.relaxed(objective.cost, max(until - time.monotonic(), seconds / 4), fixed)
    known = round(float(objective.cost @ values))
    left = until - time.monotonic()
    if (bound is None or bound < known) and left > 0:
        better = Rows()
        better.extend(fixed)
        _at_most(better, objective.cost, known - 1)
        found = solver.minimise(objective.cost, left, better)
        if found.values is not None:
            values = found.values
        if found.proven:
            bound = round(float(objective.cost @ values))
        elif found.bound is not None:
            bound = found.bound if bound is None else max(bound, min(found.bound, known))
    return _answer(before, objective, values, bound)


def _answer(before: Answer, objective: Objective, values: Column, bound: int | None) -> Answer:
    value = round(float(objective.cost @ values))
    if bound is not None:
        bound = min(bound, value)  # a bound that arithmetic lifted above a solution
    sign = objective.sign
    stage = Stage(objective.name, sign * value, None if bound is None else sign * bound)
    return Answer(values, (*before.stages, stage))


def _fix(fixed: Rows, objective: Objective, values: Column) -> None:
    _at_most(fixed, objective.cost, round(float(objective.cost @ values)))


def _at_most(rows: Rows, cost: Column, value: int) -> None:
    some = np.flatnonzero(cost)
    if len(some):
        rows.add(some, cost[some], -np.inf, value)


def _may(made: Programme, values: Column) -> Column:
    """The contracts of whom these values place, and all further variables."""
    placed = _placed(made, values)
    return np.concatenate([placed[made.application], np.ones(len(made.more))])


def _placed(made: Programme, values: Column) -> Column:
    placed = np.zeros(len(made.applications), dtype=bool)
    placed[made.application[values[: made.size] > 0.5]] = True
    return placed


def _same_placed(made: Programme, values: Column, fixed: Rows) -> Rows:
    rows = Rows()
    rows.extend(fixed)
    for index in np.flatnonzero(_placed(made, values)):
        some = np.flatnonzero(made.application == index)
        rows.add(some, np.ones(len(some)), 1, 1)
    return rows
