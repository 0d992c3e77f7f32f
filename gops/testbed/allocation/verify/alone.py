"""Where an application could stand if nobody else did: all of a site's at once."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np

from gops.testbed.allocation.verify.ground import Grid, Ground


def alone(instance: Any) -> dict[str, list[bool]]:
    """By application, for each of its ranked sites."""
    ground, rows = Ground(instance), instance["applications"]
    found = {row["id"]: [False] * len(row["sites"]) for row in rows}
    at_site: defaultdict[int, list[tuple[Any, int]]] = defaultdict(list)
    for row in rows:
        for rank, name in enumerate(row["sites"]):
            at_site[ground.number[name]].append((row, rank))
    for site, asked in at_site.items():
        for (row, rank), fits in zip(asked, _fits(ground, site, [row for row, _ in asked]), strict=True):
            found[row["id"]][rank] = fits
    if ground.tally.limited:
        for row in rows:
            for full in ground.tally.full(row).values():
                found[row["id"]] = [
                    fits and not full[ground.number[name]]
                    for fits, name in zip(found[row["id"]], row["sites"], strict=True)
                ]
    return found


def _fits(ground: Ground, site: int, rows: list[Any]) -> list[bool]:
    """Whether some start of each row's window is good there: no bad week from it to the end."""
    needs = np.array([row["needs"] for row in rows])
    bad = np.zeros((len(rows), ground.weeks), bool)
    for index, room in enumerate(ground.room):
        bad |= room[:, site] < needs[:, index, None]
    count = np.zeros((len(rows), ground.weeks + 1), np.int32)
    np.cumsum(bad, axis=1, out=count[:, 1:])
    starts = np.arange(ground.weeks)
    duration, first, last = (_column(rows, key) for key in ("duration", "first_start", "last_start"))
    ends = np.minimum(starts + duration, ground.weeks)
    good = np.take_along_axis(count, ends, axis=1) == count[:, :-1]
    fits: list[bool] = np.logical_or.reduce(good & (starts >= first) & (starts <= last), axis=1).tolist()
    return fits


def _column(rows: list[Any], key: str) -> Grid:
    return np.array([row[key] for row in rows])[:, None]
