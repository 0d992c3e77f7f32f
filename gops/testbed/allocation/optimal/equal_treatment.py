"""Fairness `resource`: nobody is refused while a lower score holds what it could take.

A breach is an application without a place, a site it ranked, and one with a lower score there, without which a
contract of the former would fit. At the most of the scores' sum there is none, since to change places would add to
it; lower quotas, groups and a limit of time make breaches possible. Each is forbidden by a row: where that contract of
the lower one stands and nothing new is in the way, the higher one has a place.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import numpy as np

from gops.testbed.allocation.instance import Application
from gops.testbed.allocation.occupancy import Occupancy
from gops.testbed.allocation.optimal.programme import Column, Programme, Rows


@dataclass(frozen=True)
class Breach:
    """Numbers of the programme's applications; the contract of the lower one; site and start that the higher takes."""

    higher: int
    lower: int
    contract: int
    site: int
    start: int


def breaches(made: Programme, values: Column, promised: Collection[str]) -> Iterator[Breach]:
    """At most one for each application and ranked site. Places that shares promised are nobody's."""
    occupancy, held = stand(made, values)
    at_site: dict[int, list[int]] = {}
    for index, contract in held.items():
        if made.applications[index].id not in promised:
            at_site.setdefault(int(made.site[contract]), []).append(index)
    for index, application in enumerate(made.applications):
        if index in held or application.group is not None:
            continue
        for site, score in zip(occupancy.rows(application).tolist(), application.scores, strict=True):
            for other in at_site.get(site, []):
                if made.score[held[other]] < score:
                    start = _without(occupancy, made, application, made.applications[other], held[other], site)
                    if start is not None:
                        yield Breach(index, other, held[other], site, start)
                        break


def stand(made: Programme, values: Column) -> tuple[Occupancy, dict[int, int]]:
    """Everybody where these values place them, and the contract of each placed application."""
    occupancy, held = Occupancy(made.instance), {}
    for contract in np.flatnonzero(values[: made.size] > 0.5).tolist():
        index = int(made.application[contract])
        held[index] = contract
        occupancy.place(made.applications[index], int(made.site[contract]), int(made.start[contract]))
    return occupancy, held


def _without(
    occupancy: Occupancy, made: Programme, application: Application, other: Application, contract: int, site: int
) -> int | None:
    start = int(made.start[contract])
    occupancy.remove(other, site, start)
    found = occupancy.first_start(application, site)
    occupancy.place(other, site, start)
    return found


def forbid(made: Programme, breach: Breach, values: Column, rows: Rows) -> None:
    """The row against one breach: higher placed + what could newly be in the way >= that contract of the lower."""
    own = np.flatnonzero(made.application == breach.higher)
    in_the_way = _rivals(made, breach) & (values[: made.size] < 0.5)
    in_the_way &= (made.application != breach.higher) & (made.application != breach.lower)
    way = np.flatnonzero(in_the_way)
    columns = np.concatenate([own, way, [breach.contract]])
    rows.add(columns, np.concatenate([np.ones(len(own) + len(way)), [-1.0]]), 0, np.inf)


def _rivals(made: Programme, breach: Breach) -> Column:
    """Contracts that can take something which the higher one's contract would need."""
    application = made.applications[breach.higher]
    end = breach.start + application.duration
    overlap = (made.start < end) & (made.end > breach.start)
    here = made.site == breach.site
    if application.band is not None:
        on_band = np.array([row.band == application.band for row in made.applications])
        heard = Occupancy(made.instance).reach[application.band][breach.site]
        here = here | (on_band[made.application] & np.isin(made.site, heard))
    found: Column = overlap & here
    for kind in {limit.kind for limit in made.instance.demands.limits if limit.most is not None}:
        if kind == "municipality":
            town = made.instance.sites[breach.site].municipality
            found |= np.array([site.municipality == town for site in made.instance.sites])[made.site]
        else:
            same = getattr(application, kind)
            found |= np.array([getattr(row, kind) == same for row in made.applications])[made.application]
    if made.instance.demands.budget is not None:
        found |= np.array([row.cost > 0 for row in made.applications])[made.application]
    return found
