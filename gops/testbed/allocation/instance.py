"""The instance of an allocation: whole numbers and names alone, frozen, in one canonical order.

Every mechanism and the published round speak of this. Weeks are counted from ``first_week`` (a Monday); a contract
(application, site, start) holds the weeks [start, start + duration). Two applications on one band conflict when their
weeks overlap and their sites are the same or closer than the band's separation; at the separation they do not.

What a call may ask beyond that: at most or at least so many pilots of a municipality, theme or company; places kept for
some; a budget; joint pilots. An instance without them reads and writes as if they did not exist.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Literal

AMOUNT_MAX = 1_000_000_000  # of a resource in a week; keeps every sum of the arithmetic within 32 bits
SCORE_MAX = 10_000
WEEKS_MAX = 520
SITES_MAX = 20_000
APPLICATIONS_MAX = 100_000
RANKS_MAX = 100
RESOURCES_MAX = 16
DISTANCE_MAX = 100_000_000  # centimetres: 1,000 km, more than Korea is long
COST_MAX = 1_000_000_000_000  # won
LIMITS_MAX = 1_000
SHARES_MAX = 16
LABELS_MAX = 16
GROUP_MAX = 20
KINDS = ("company", "municipality", "theme")
ORDERS = ("lot", "score")


@dataclass(frozen=True, slots=True)
class Site:
    """``capacity[week][resource]``; a week in which the site is closed has zeros."""

    id: str
    capacity: tuple[tuple[int, ...], ...]
    municipality: str | None = None


@dataclass(frozen=True, slots=True)
class Band:
    """Applications on it disturb each other at sites closer than ``separation_cm``."""

    id: str
    separation_cm: int


@dataclass(frozen=True, slots=True)
class Near:
    """Two sites (``first < second``) and their planar distance in centimetres (EPSG:5186).

    Pairs that are not named are as far apart as every band asks.
    """

    first: str
    second: str
    distance_cm: int


@dataclass(frozen=True, slots=True)
class Application:
    """``needs[resource]`` in each of ``duration`` weeks from a start in ``first_start`` .. ``last_start``.

    ``sites`` are ranked, the best first; ``scores`` (0..10000) stand beside them. Of one ``group`` all are placed or
    none. ``cost`` is what it takes of the call's budget; ``labels`` say which shares it may take a place of.
    """

    id: str
    needs: tuple[int, ...]
    duration: int
    first_start: int
    last_start: int
    sites: tuple[str, ...]
    scores: tuple[int, ...]
    band: str | None = None
    company: str | None = None
    theme: str | None = None
    group: str | None = None
    cost: int = 0
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Limit:
    """At least and at most so many placed: of a company, of a theme, or at the sites of a municipality."""

    kind: Literal["company", "municipality", "theme"]
    key: str
    least: int = 0
    most: int | None = None


@dataclass(frozen=True, slots=True)
class Share:
    """Places kept for applications with the label: filled first among them, by score or by lot; the rest is for all."""

    label: str
    places: int
    by: Literal["lot", "score"] = "score"


@dataclass(frozen=True, slots=True)
class Demands:
    """What a call asks beyond capacity. Shares are filled in their order; the budget is that of all placed together."""

    limits: tuple[Limit, ...] = ()
    shares: tuple[Share, ...] = ()
    budget: int | None = None


NOTHING_MORE = Demands()


@dataclass(frozen=True, slots=True)
class Instance:
    """Built by ``instance``, which checks and sorts it: sites, bands and applications by id, pairs by their ids.

    ``shift_max`` is how many weeks after its window a nearest change may look for a start.
    """

    first_week: dt.date
    weeks: int
    resources: tuple[str, ...]
    sites: tuple[Site, ...]
    applications: tuple[Application, ...]
    bands: tuple[Band, ...] = ()
    near: tuple[Near, ...] = ()
    shift_max: int = 8
    demands: Demands = NOTHING_MORE
    site_index: dict[str, int] = field(init=False, repr=False, compare=False, hash=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "site_index", {site.id: index for index, site in enumerate(self.sites)})


def arranged(
    first_week: dt.date,
    weeks: int,
    resources: Iterable[str],
    sites: Iterable[Site],
    applications: Iterable[Application],
    bands: Iterable[Band] = (),
    near: Iterable[Near] = (),
    shift_max: int = 8,
    demands: Demands = NOTHING_MORE,
) -> Instance:
    """The parts in canonical order, unchecked: the same instance for any order of the inputs."""
    pairs = (pair if pair.first < pair.second else Near(pair.second, pair.first, pair.distance_cm) for pair in near)
    return Instance(
        first_week,
        weeks,
        tuple(resources),
        tuple(sorted(sites, key=lambda site: site.id)),
        tuple(sorted(map(_sorted_labels, applications), key=lambda application: application.id)),
        tuple(sorted(bands, key=lambda band: band.id)),
        tuple(sorted(pairs, key=lambda pair: (pair.first, pair.second))),
        shift_max,
        Demands(
            tuple(sorted(demands.limits, key=lambda limit: (limit.kind, limit.key))), demands.shares, demands.budget
        ),
    )


def _sorted_labels(application: Application) -> Application:
    labels = tuple(sorted(application.labels))
    return application if labels == application.labels else replace(application, labels=labels)
