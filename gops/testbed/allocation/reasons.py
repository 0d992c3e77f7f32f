"""Why an application was refused, and the nearest change that would have placed it, as things stood at its turn."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from gops.testbed.allocation.instance import Application
from gops.testbed.allocation.occupancy import (
    Grid,
    Holder,
    Occupancy,
    Shortage,
    first_by_column,
    free,
    lowest,
    starts,
    window,
)
from gops.testbed.allocation.outcome import BAND, Change, Lack, Refusal, SiteReason, Weeks


def explain(occupancy: Occupancy, application: Application, rows: Grid, shortages: list[Shortage]) -> Refusal:
    """The refusal of an application for which no contract is feasible now.

    ``rows`` are its ranked sites, ``shortages`` what lacks there in its window.
    """
    reasons = _why(occupancy, application, rows.tolist(), shortages)
    return Refusal(application.id, tuple(reasons), tuple(_changes(occupancy, application, rows, shortages)))


def _why(
    occupancy: Occupancy, application: Application, rows: list[int], shortages: list[Shortage]
) -> Iterator[SiteReason]:
    """Per ranked site the weeks in which something lacked, whether or not another thing lacked then too."""
    lacking = [
        (resource, *_named(occupancy, application, resource), _bits(grid, application.first_start))
        for resource, grid in shortages
    ]
    for place, site in enumerate(rows):
        lacks = tuple(
            [
                Lack(what, _ranges(masks[place]), _who(holders[site], masks[place], resource))
                for resource, what, holders, masks in lacking
                if masks[place]
            ]
        )
        yield SiteReason(application.sites[place], lacks)


def _named(occupancy: Occupancy, application: Application, resource: int | None) -> tuple[str, list[list[Holder]]]:
    """The word for what lacks, and who may hold it, by site."""
    if resource is not None:
        return occupancy.instance.resources[resource], occupancy.holders
    assert application.band is not None
    return BAND, occupancy.on_band[application.band]


def _who(holders: list[Holder], weeks: int, resource: int | None) -> tuple[str, ...]:
    if resource is None:
        return tuple([name for held, name, _ in holders if held & weeks])
    return tuple([name for held, name, needs in holders if held & weeks and needs[resource]])


def _bits(grid: Grid, since: int) -> list[int]:
    """Each row as a whole number whose bit ``since`` is the first column."""
    packed = np.packbits(grid, axis=1, bitorder="little")
    width, flat = packed.shape[1], packed.tobytes()
    return [int.from_bytes(flat[at : at + width], "little") << since for at in range(0, len(flat), width)]


@lru_cache(maxsize=65_536)
def _ranges(weeks: int) -> Weeks:
    """The runs of ones in ``weeks``."""
    found = []
    while weeks:
        start = (weeks & -weeks).bit_length() - 1  # the lowest one
        rest = weeks >> start
        end = start + (~rest & (rest + 1)).bit_length() - 1  # the lowest nought after it
        found.append((start, end))
        weeks &= -1 << end
    return tuple(found)


def _changes(occupancy: Occupancy, application: Application, rows: Grid, shortages: list[Shortage]) -> Iterator[Change]:
    """Columns of ``possible`` are starts, from the application's first to the last that a change may name."""
    everywhere = free(occupancy.shortages(application, None, window(application, occupancy.instance.shift_max)))
    assert everywhere is not None
    possible = starts(everywhere, application.duration)
    for change in (
        _later(application, possible[rows]),
        _elsewhere(occupancy, application, possible),
        _less(occupancy, application, rows, shortages),
    ):
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


def _less(occupancy: Occupancy, application: Application, rows: Grid, shortages: list[Shortage]) -> Change | None:
    """The fewest percent of one resource, rounded up; then the resource named first, the better rank, the start."""
    best: Change | None = None
    weeks = window(application)
    for resource, _ in shortages:
        if resource is None:
            continue
        left, others = occupancy.left[resource][rows, weeks], free(shortages, without=resource)
        most = lowest(left if others is None else left * others, application.duration)
        place, start = divmod(int(most.argmax()), most.shape[1])
        need, to = application.needs[resource], int(most[place, start])
        percent = -(-100 * (need - to) // need)
        if percent < 100 and (best is None or percent < best.amount):
            name = occupancy.instance.resources[resource]
            best = Change("less", application.sites[place], application.first_start + start, percent, name, to)
    return best
