"""Where an application could stand if nobody else did: many at once."""

from __future__ import annotations

from itertools import chain
from typing import Any

import numpy as np

from gops.testbed.allocation.verify.ground import Grid, Ground

AT_ONCE = 1_000_000  # wishes x weeks of one step; bounds its memory
Alone = dict[str, list[bool]]
"""By application, for each of its ranked sites."""


def alone(instance: Any) -> Alone:
    ground, rows = Ground(instance), instance["applications"]
    sites = np.array([ground.number[name] for row in rows for name in row["sites"]], int)
    counts = np.array([len(row["sites"]) for row in rows], int)
    whose = np.repeat(np.arange(len(rows)), counts)
    parts = [np.array([row[key] for row in rows], int) for key in ("first_start", "last_start", "duration")]
    needs = np.array([row["needs"] for row in rows])
    step = max(1, AT_ONCE // ground.weeks)
    fits = list(
        chain.from_iterable(
            _fits(ground, sites[at : at + step], needs[some], *(part[some] for part in parts))
            for at in range(0, len(sites), step)
            for some in (whose[at : at + step],)
        )
    )
    ends = np.cumsum(counts).tolist()
    found = {row["id"]: fits[end - len(row["sites"]) : end] for row, end in zip(rows, ends, strict=True)}
    if ground.tally.limited:
        for row in rows:
            for full in ground.tally.full(row).values():
                found[row["id"]] = [
                    fits and not full[ground.number[name]]
                    for fits, name in zip(found[row["id"]], row["sites"], strict=True)
                ]
    return found


def _fits(ground: Ground, sites: Grid, needs: Grid, first: Grid, last: Grid, duration: Grid) -> list[bool]:
    """Of each wish whether some start of its window is good: no bad week from it to the end."""
    bad = np.zeros((len(sites), ground.weeks), bool)
    for index, room in enumerate(ground.room):
        bad |= room.T[sites] < needs[:, index, None]
    count = np.zeros((len(sites), ground.weeks + 1), np.int16)
    np.cumsum(bad, axis=1, out=count[:, 1:])
    starts = np.arange(ground.weeks)
    ends = np.minimum(starts + duration[:, None], ground.weeks)
    good = np.take_along_axis(count, ends, axis=1) == count[:, :-1]
    good &= (starts >= first[:, None]) & (starts <= last[:, None])
    fits: list[bool] = np.logical_or.reduce(good, axis=1).tolist()
    return fits
