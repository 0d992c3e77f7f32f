"""Who judges which application: the best assignment by bids, then by even loads, never against a conflict.

A 0/1 programme by scipy's HiGHS. Of all assignments that give every application what it lacks within the loads, one
with the least sum of ``COSTS`` of bids; of those, one with the least sum of squares of loads. Both goals are one sum:
an improvement of bids moves at most one unit of load between two evaluators (the programme is a flow, and improvements
of a flow are cycles), so a bid outweighs loads when it counts for more than the largest load. Rows and columns come in
the order of ids: the same panel gives the same assignment.

Where there is none, one that leaves the fewest places open says which application lacks whom (``shortages``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gops.errors import Unavailable

COSTS: Mapping[str, int] = {"yes": 0, "maybe": 1, "none": 2, "no": 4}
"""Of a bid; ``none``: nothing was said."""
LOAD_MAX = 500
PAIRS_MAX = 50_000
SECONDS = 20.0
_BID = 2 * LOAD_MAX
Pair = tuple[int, int]
"""An application and an evaluator."""


@dataclass(frozen=True)
class Panel:
    """``loads``: how many applications each evaluator judges at most; ``kept``: who judges what already; ``blocked``:
    conflicts, and pairs that were taken apart; ``bids``: words of ``COSTS``, none where nothing was said."""

    applications: Sequence[int]
    loads: Mapping[int, int]
    wanted: int
    bids: Mapping[Pair, str]
    blocked: frozenset[Pair] = frozenset()
    kept: frozenset[Pair] = frozenset()


@dataclass(frozen=True)
class Shortage:
    """``free``: evaluators without a conflict there; fewer than wanted is too few whatever the loads."""

    application: int
    lacking: int
    free: int


@dataclass(frozen=True)
class Assigned:
    """``added``: pairs beside those kept; ``cost``: the sum of their bids."""

    added: tuple[Pair, ...]
    shortages: tuple[Shortage, ...]
    cost: int


def assign(panel: Panel) -> Assigned:
    """Raises ``Unavailable`` where no optimum was found in time."""
    pairs = _possible(panel)
    chosen = _solve(panel, pairs) if pairs else []
    lacking = _lacking(panel, chosen)
    shortages = [
        Shortage(row, count, sum((row, one) not in panel.blocked for one in panel.loads))
        for row, count in lacking.items()
        if count
    ]
    cost = sum(COSTS[panel.bids.get(pair, "none")] for pair in chosen)
    return Assigned(tuple(chosen), tuple(shortages), cost)


def _possible(panel: Panel) -> list[Pair]:
    lacking = _lacking(panel, ())
    return [
        (row, one)
        for row in sorted(panel.applications)
        if lacking[row]
        for one in sorted(panel.loads)
        if (row, one) not in panel.blocked and (row, one) not in panel.kept
    ]


def _lacking(panel: Panel, added: Sequence[Pair]) -> dict[int, int]:
    has = [row for row, _ in (*panel.kept, *added)]
    return {row: max(0, panel.wanted - has.count(row)) for row in sorted(panel.applications)}


def _solve(panel: Panel, pairs: Sequence[Pair]) -> list[Pair]:
    """Columns: the pairs, the places left open of each application, and each unit of load of each evaluator."""
    import numpy as np
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import coo_array

    wanted = {row: count for row, count in _lacking(panel, ()).items() if count}
    units = _units(panel)
    rows = {name: index for index, name in enumerate([*wanted, *((one,) for one in sorted(panel.loads))])}
    entries: list[tuple[int, int, int]] = []
    for column, (row, one) in enumerate(pairs):
        entries += [(rows[row], column, 1), (rows[(one,)], column, 1)]
    for column, row in enumerate(wanted, start=len(pairs)):
        entries.append((rows[row], column, 1))
    for column, (one, _) in enumerate(units, start=len(pairs) + len(wanted)):
        entries.append((rows[(one,)], column, -1))
    left_open = _BID * max(COSTS.values()) * (len(rows) + 1)  # more than every exchange that filling a place takes
    cost = [
        *(_BID * COSTS[panel.bids.get(pair, "none")] for pair in pairs),
        *(left_open for _ in wanted),
        *(2 * unit - 1 for _, unit in units),  # 1 + 3 + 5 + ... are squares
    ]
    upper = [*(1 for _ in pairs), *wanted.values(), *(1 for _ in units)]
    index = np.array(entries).T
    matrix = coo_array((index[2], (index[0], index[1])), shape=(len(rows), len(cost)))
    right = np.array([*wanted.values(), *(0 for _ in panel.loads)])
    found: Any = milp(
        np.array(cost), integrality=np.ones(len(cost)), bounds=Bounds(0, np.array(upper)),
        constraints=LinearConstraint(matrix.tocsr(), right, right),
        options={"time_limit": SECONDS, "mip_rel_gap": 0.0},
    )  # fmt: skip
    if found.status != 0:
        raise Unavailable(
            "no best assignment of evaluators was found",
            found=str(found.message)[:200],
            expected=f"an optimum within {SECONDS:g} s; assign by hand, or with fewer evaluators",
        )
    return [pair for pair, value in zip(pairs, found.x, strict=False) if value > 0.5]


def _units(panel: Panel) -> list[Pair]:
    """(evaluator, unit of load) for what each has left; the first unit counts what is kept."""
    held = [one for _, one in panel.kept]
    return [
        (one, unit)
        for one in sorted(panel.loads)
        for unit in range(held.count(one) + 1, min(panel.loads[one], LOAD_MAX) + 1)
    ]
