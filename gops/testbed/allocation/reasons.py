"""Why an application was refused, and the nearest change that would have placed it, as things stood at its turn."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np

from gops.testbed.allocation.instance import Application
from gops.testbed.allocation.occupancy import (
    Grid,
    Occupancy,
    Shortage,
    first_by_column,
    free,
    lowest,
    starts,
    window,
)
from gops.testbed.allocation.outcome import BAND, BUDGET, Change, Lack, Refusal, SiteReason, Weeks

Lacking = list[tuple[int | str, str, list[int]]]
"""A resource's number or another word, its name, and for each ranked site the weeks in which it lacks, as bits."""


def explain(occupancy: Occupancy, application: Application, rows: Grid, shortages: list[Shortage]) -> Refusal:
    """The refusal of an application for which no contract is feasible now.

    ``rows`` are its ranked sites, ``shortages`` what lacks there in its window.
    """
    reasons = why(occupancy, application, rows.tolist(), lacking(occupancy, application, shortages))
    return Refusal(application.id, tuple(reasons), tuple(changes(occupancy, application, rows, shortages)))


def lacking(occupancy: Occupancy, application: Application, shortages: list[Shortage]) -> Lacking:
    """``shortages`` in the application's window."""
    return [(what, _name(occupancy, what), bits(grid, application.first_start)) for what, grid in shortages]


def why(occupancy: Occupancy, application: Application, rows: list[int], found: Lacking) -> Iterator[SiteReason]:
    """Per ranked site the weeks in which something lacked, whether or not another thing lacked then too."""
    for place, site in enumerate(rows):
        lacks = tuple(
            [
                Lack(name, ranges(masks[place]), _who(occupancy, application, site, masks[place], what))
                for what, name, masks in found
                if masks[place]
            ]
        )
        yield SiteReason(application.sites[place], lacks)


def _name(occupancy: Occupancy, what: int | str) -> str:
    return what if isinstance(what, str) else occupancy.instance.resources[what]


def _who(occupancy: Occupancy, application: Application, site: int, weeks: int, what: int | str) -> tuple[str, ...]:
    """Who holds what lacks, in the order of their turns."""
    if isinstance(what, int):
        return tuple([name for held, name, needs in occupancy.holders[site] if held & weeks and needs[what]])
    if what != BAND:
        return occupancy.quotas.holders(what, application, site)
    assert application.band is not None
    return tuple([name for held, name, _ in occupancy.on_band[application.band][site] if held & weeks])


def bits(grid: Grid, since: int = 0) -> list[int]:
    """Each row as a whole number whose bit ``since`` is the first column."""
    packed = np.packbits(grid, axis=1, bitorder="little")
    width, flat = packed.shape[1], packed.tobytes()
    return [int.from_bytes(flat[at : at + width], "little") << since for at in range(0, len(flat), width)]


@lru_cache(maxsize=65_536)
def ranges(weeks: int) -> Weeks:
    """The runs of ones in ``weeks``."""
    found = []
    while weeks:
        start = (weeks & -weeks).bit_length() - 1  # the lowest one
        rest = weeks >> start
        end = start + (~rest & (rest + 1)).bit_length() - 1  # the lowest nought after it
        found.append((start, end))
        weeks &= -1 << end
    return tuple(found)


def changes(
    occupancy: Occupancy,
    application: Application,
    rows: Grid,
    shortages: list[Shortage],
    allowed: Grid | None = None,
) -> Iterator[Change]:
    """At most one of a kind: start, site, less. ``allowed[site]``: a change may name it; None: all."""
    yield from moves(occupancy, application, rows, allowed)
    less = _less(occupancy, application, rows, shortages, None if allowed is None else allowed[rows])
    if less is not None:
        yield less


def moves(occupancy: Occupancy, application: Application, rows: Grid, allowed: Grid | None = None) -> Iterator[Change]:
    """Those of kind start and site alone."""
    weeks = window(application, occupancy.instance.shift_max)
    everywhere = free(occupancy.shortages(application, None, weeks))
    assert everywhere is not None
    possible = starts(
        everywhere, application.duration
    )  # columns are starts, the application's first to a change's last
    if allowed is not None:
        possible = possible & allowed[:, None]
    for change in (_later(application, possible[rows]), _elsewhere(occupancy, application, possible)):
        if change is not None:
            yield change


def _later(application: Application, possible: Grid) -> Change | None:
    """The fewest weeks after the window; then the better rank."""
    shifted = possible[:, application.last_start + 1 - application.first_start :]
    found = first_by_column(shifted) if shifted.shape[1] else None
    if found is None:
        return None
    return Change("start", application.sites[found[0]], application.last_start + 1 + found[1], found[1] + 1)


def _elsewhere(occupancy: Occupancy, application: Application, possible: Grid) -> Change | None:
    """A site that was not ranked (none that was is feasible): the earliest start; then the first id."""
    found = first_by_column(possible[:, : application.last_start + 1 - application.first_start])
    if found is None:
        return None
    return Change("site", occupancy.instance.sites[found[0]].id, application.first_start + found[1])


def _less(
    occupancy: Occupancy, application: Application, rows: Grid, shortages: list[Shortage], allowed: Grid | None
) -> Change | None:
    """The fewest percent of one resource, rounded up; then the resource named first, the better rank, the start."""
    best: Change | None = None
    weeks = window(application)
    for what, grid in shortages:
        amount = _amount(occupancy, application, what)
        if amount is None:
            continue
        name, need, left = amount
        room = np.full(grid.shape, left, dtype=np.int64) if isinstance(left, int) else left[rows, weeks]
        others = free(shortages, without=what)
        if allowed is not None:
            others = np.broadcast_to(allowed[:, None], grid.shape) if others is None else others & allowed[:, None]
        most = lowest(room if others is None else room * others, application.duration)
        place, start = divmod(int(most.argmax()), most.shape[1])
        to = int(most[place, start])
        percent = -(-100 * (need - to) // need)
        if 0 < percent < 100 and (best is None or percent < best.amount):
            best = Change("less", application.sites[place], application.first_start + start, percent, name, to)
    return best


def _amount(occupancy: Occupancy, application: Application, what: int | str) -> tuple[str, int, Any] | None:
    """The name of what can be cut, how much is needed of it, and what is left: a grid, or one number of the budget."""
    if isinstance(what, int):
        return occupancy.instance.resources[what], application.needs[what], occupancy.left[what]
    if what == BUDGET and application.cost:
        assert occupancy.quotas.money is not None
        return BUDGET, application.cost, occupancy.quotas.money
    return None
