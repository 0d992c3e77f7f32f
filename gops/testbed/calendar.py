"""What is left of sites, week by week: capacity, less closures, less the slots that hold some of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from gops.testbed import resources
from gops.testbed.lifecycles import SLOTS_THAT_HOLD
from gops.testbed.model import Closure, Site, Slot


@dataclass(frozen=True)
class Calendar:
    """``left[resource]`` has an amount for every week from ``first_week``; ``closed`` weeks have no capacity."""

    site: int
    first_week: int
    left: Mapping[str, Sequence[int]]
    closed: frozenset[int]


def calendars(session: Session, sites: Iterable[Site], first_week: int, end_week: int) -> dict[int, Calendar]:
    """Of each site the weeks [first_week, end_week). Amounts below 0 say that more is held than there is."""
    by_id = {site.id: site for site in sites}
    has = {site.id: resources.of_site(site) for site in by_id.values()}
    left = {
        site: {name: [amount] * (end_week - first_week) for name, amount in amounts.items()}
        for site, amounts in has.items()
    }
    for slot in _holding(session, by_id, first_week, end_week):
        for name, amount in slot.amounts.items():
            amounts = left[slot.site_id].setdefault(name, [0] * (end_week - first_week))
            for week in range(max(slot.first_week, first_week), min(slot.end_week, end_week)):
                amounts[week - first_week] -= amount
    closed = closed_weeks(session, by_id, first_week, end_week)
    for site, shut in closed.items():
        for name, amount in has[site].items():
            for week in shut:
                left[site][name][week - first_week] -= amount
    return {site: Calendar(site, first_week, left[site], closed[site]) for site in by_id}


def closed_weeks(
    session: Session, site_ids: Iterable[int], first_week: int, end_week: int
) -> dict[int, frozenset[int]]:
    """Of each site the weeks of [first_week, end_week) in which it is closed."""
    found: dict[int, set[int]] = {site: set() for site in site_ids}
    query = select(Closure).where(Closure.first_week < end_week, Closure.end_week > first_week)
    for closure in session.scalars(_of_sites(query, Closure.site_id, found)):
        if closure.site_id in found:
            found[closure.site_id] |= {*range(max(closure.first_week, first_week), min(closure.end_week, end_week))}
    return {site: frozenset(shut) for site, shut in found.items()}


def _holding(session: Session, sites: Mapping[int, Site], first_week: int, end_week: int) -> Iterable[Slot]:
    query = select(Slot).where(Slot.state.in_(SLOTS_THAT_HOLD), Slot.first_week < end_week, Slot.end_week > first_week)
    return [slot for slot in session.scalars(_of_sites(query, Slot.site_id, sites)) if slot.site_id in sites]


MANY = 500
"""Above so many sites all rows of the span are read and sifted: a list of ids in SQL has its bounds too."""


def _of_sites(query: Select[Any], column: Any, sites: Collection[int]) -> Select[Any]:
    return query.where(column.in_(sorted(sites))) if len(sites) <= MANY else query
