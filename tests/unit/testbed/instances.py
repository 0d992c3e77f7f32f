"""Small instances for tests: a builder with short arguments, and rounds made of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

from gops.testbed.allocation import ranked, roundfile
from gops.testbed.allocation.checking import check
from gops.testbed.allocation.choice import RANKED
from gops.testbed.allocation.instance import (
    NOTHING_MORE,
    Application,
    Band,
    Demands,
    Instance,
    Near,
    Site,
    arranged,
)
from gops.testbed.allocation.outcome import Allocation
from gops.testbed.allocation.roundfile import SeedParts

MONDAY = dt.date(2027, 1, 4)
SEED = SeedParts(b"operator's seed of thirty-two b.", (b"nonce of 16 b. 1", b"nonce of 16 b. 2"))


def site(name: str, *amounts: int, weeks: int = 4, closed: Iterable[int] = ()) -> Site:
    shut = set(closed)
    return Site(name, tuple(tuple(0 if week in shut else amount for amount in amounts) for week in range(weeks)))


def application(
    name: str,
    needs: Sequence[int],
    sites: str,
    score: int = 5000,
    *,
    duration: int = 1,
    first: int = 0,
    last: int = 0,
    band: str | None = None,
) -> Application:
    """``sites`` are names of one letter, the best first."""
    return Application(name, tuple(needs), duration, first, last, tuple(sites), (score,) * len(sites), band)


def instance(
    sites: Iterable[Site],
    applications: Iterable[Application],
    *,
    weeks: int = 4,
    resources: Sequence[str] = ("area_m2",),
    bands: Iterable[Band] = (),
    near: Iterable[Near] = (),
    shift_max: int = 2,
    demands: Demands = NOTHING_MORE,
) -> Instance:
    return check(arranged(MONDAY, weeks, resources, sites, applications, bands, near, shift_max, demands))


def allocated(made: Instance) -> Allocation:
    return ranked.allocate(made, SEED.seed)


def places(allocation: Allocation) -> dict[str, tuple[str, int]]:
    return {row.application: (row.site, row.start) for row in allocation.placements}


def written(made: Instance) -> bytes:
    return roundfile.write(made, SEED, RANKED, allocated(made))
