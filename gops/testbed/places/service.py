"""Questions about places: what is near a site and in it, its calendar, and which sites would do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from gops import areas
from gops.accounts import checks as names
from gops.accounts.lookup import organisation
from gops.clock import Clock
from gops.errors import Invalid
from gops.geo import BBox, Point
from gops.permissions import Actor
from gops.records.database import Database
from gops.records.paging import page
from gops.settings import Settings
from gops.testbed import checks, visibility, weeks
from gops.testbed.calendar import calendars
from gops.testbed.checks import wrong
from gops.testbed.model import Site
from gops.testbed.places import suggesting
from gops.testbed.places.grid import Grid, closures_in, grid, shut, slots_in, taken
from gops.testbed.places.ical import ical
from gops.testbed.places.index import SiteIndex, SiteIndexes
from gops.testbed.places.sensing import Standing, standing
from gops.testbed.places.suggesting import Busy, Fit, Miss, Requirement
from gops.testbed.sites import KINDS

WITHIN_MAX = 100_000
NEIGHBOURS_MAX = 1_000
"""Candidates whose polygons are compared; beyond that the radius must be smaller."""
SUGGESTED_MAX = 50
WINDOW_MAX = 104


@dataclass(frozen=True)
class Near:
    """A site near another. ``distance_m`` to the centimetre on the plane; ``overlap_m2`` of their areas."""

    id: int
    name_ko: str
    name_en: str
    organisation_id: int
    kind: str
    distance_m: float
    overlap_m2: float


@dataclass(frozen=True)
class Asked:
    """What somebody looks for, as it was said; weeks are numbers, ``near`` a point."""

    needs: Mapping[str, int]
    weeks: int
    first_start: int
    last_start: int
    kind: str | None = None
    organisation: str | None = None
    band: str | None = None
    tags: Sequence[str] = ()
    equipment: Sequence[str] = ()
    near: Point | None = None
    within_m: int | None = None


@dataclass(frozen=True)
class Suggested:
    """``index`` knows the sites that the rows of ``fits`` and ``misses`` stand for."""

    asked: Requirement
    index: SiteIndex
    fits: Sequence[Fit]
    misses: Sequence[Miss]


class Places:
    def __init__(self, database: Database, clock: Clock, settings: Settings) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        self._indexes = SiteIndexes()

    def neighbours(self, actor: Actor, site_id: int, within_m: int) -> list[Near]:
        """Sites that the actor sees, closer than ``within_m`` metres, the nearest first. Raises ``Invalid``."""
        names.whole(within_m, 1, WITHIN_MAX, "within_m")
        with self._database.read() as session:
            own = visibility.site(session, actor, site_id)
            box = areas.widened(BBox(own.west, own.south, own.east, own.north), within_m)
            query = select(Site).where(
                visibility.sites_seen(actor), Site.id != own.id, Site.west <= box.east, Site.east >= box.west,
                Site.south <= box.north, Site.north >= box.south,
            )  # fmt: skip
            others = {row.id: row for row in session.scalars(query.limit(NEIGHBOURS_MAX + 1))}
        if len(others) > NEIGHBOURS_MAX:
            raise Invalid(f"more than {NEIGHBOURS_MAX} sites may be that near", code="spans_too_much",
                          field="within_m", found=within_m, expected="a smaller radius")  # fmt: skip
        found = areas.neighbours(own.geojson, {row.id: row.geojson for row in others.values()}, within_m * 100)
        return [_near(others[one.name], one) for one in found]

    def sensors(self, actor: Actor, site_id: int, after: int = 0, limit: int = 100) -> list[Standing]:
        """Things inside a site with the Datastreams that the actor sees, by id."""
        with self._database.read() as session:
            return standing(session, actor, visibility.site(session, actor, site_id), after, limit)

    def calendar(
        self,
        actor: Actor,
        first_week: int | None,
        length: int,
        organisation_slug: str | None = None,
        after: int = 0,
        limit: int = 100,
    ) -> Grid:
        """What is left of all sites that the actor sees, from ``first_week`` (None: this week) on; by id. Without their
        equipment, whose kinds are as many as there are words: ``Slots.remaining`` has it."""
        checks.whole_weeks(length, self._settings.calendar_weeks)
        first = self._this_week() if first_week is None else first_week
        query = select(Site.id, Site.capacity).where(visibility.sites_seen(actor))
        with self._database.read() as session:
            if organisation_slug is not None:
                query = query.where(Site.organisation_id == organisation(session, organisation_slug).id)
            sites = [(row.id, row.capacity) for row in session.execute(page(query, Site.id, after, limit))]
            return grid(session, sites, first, first + length)

    def ical(self, actor: Actor, site_id: int, first_week: int | None, length: int, address: str) -> bytes:
        """A site's calendar as iCalendar; ``address`` is where the site is shown."""
        checks.whole_weeks(length, self._settings.calendar_weeks)
        first = self._this_week() if first_week is None else first_week
        with self._database.read() as session:
            site = visibility.site(session, actor, site_id)
            calendar = calendars(session, [site], first, first + length)[site.id]
        return ical(site, calendar, address, self._clock.micros())

    def suggest(self, asked: Asked, fits: int = 10, misses: int = 5) -> Suggested:
        """Offered sites that would do, best first, and those that nearly would. Raises ``Invalid``."""
        for name, value in (("limit", fits), ("misses", misses)):
            names.whole(value, 0 if name == "misses" else 1, SUGGESTED_MAX, name)
        with self._database.read() as session:
            index = self._indexes.get(session)
            wanted = self._wanted(session, index, asked)
            busy = _busy(session, index, wanted)
        if not len(index.ids):
            return Suggested(wanted, index, [], [])
        return Suggested(wanted, index, *suggesting.suggest(index, busy, wanted, fits, misses))

    def _wanted(self, session: Session, index: SiteIndex, asked: Asked) -> Requirement:
        bounds, now = self._settings, self._this_week()
        ahead, longest = bounds.testbed_ahead_weeks, bounds.call_weeks
        first, _ = checks.span(asked.first_start, asked.weeks, now, ahead, longest, "first_start")
        if not first <= asked.last_start < first + WINDOW_MAX:
            raise wrong("window_reversed", "last_start", weeks.name(asked.last_start),
                        f"a Monday from {weeks.name(first)} to {weeks.name(first + WINDOW_MAX - 1)}")  # fmt: skip
        known = index.resources or checks.RESOURCES
        if asked.within_m is not None and asked.near is None:
            raise wrong("invalid_value", "within_m", asked.within_m, "near beside it")
        place = None
        if asked.near is not None:
            east, north = areas.on_plane(np.array([asked.near.longitude]), np.array([asked.near.latitude]))
            place = (float(east[0]), float(north[0]))
        return Requirement(
            needs=checks.needs(asked.needs, "needs", tuple(known)),
            weeks=asked.weeks,
            first_start=first,
            last_start=asked.last_start,
            kind=None if asked.kind is None else names.one_of(asked.kind, KINDS, "kind"),
            organisation=None if asked.organisation is None else organisation(session, asked.organisation).id,
            band=asked.band,
            tags=tuple(asked.tags),
            equipment=tuple(asked.equipment),
            place=place,
            within_m=None if asked.within_m is None else names.whole(asked.within_m, 1, WITHIN_MAX, "within_m"),
        )

    def _this_week(self) -> int:
        return weeks.of(self._clock.micros(), self._settings.zone)


def _busy(session: Session, index: SiteIndex, asked: Requirement) -> Busy:
    """Of all sites, since what is held changes with every booking and is few against the sites."""
    first, end, everywhere = asked.first_start, asked.end_week, index.ids.tolist()
    slots = slots_in(session, everywhere, first, end)
    closures = closures_in(session, everywhere, first, end)
    busy = sorted({row[0] for row in (*slots, *closures)} & index.rows.keys())
    rows = {site: at for at, site in enumerate(busy)}
    return Busy(
        np.array([index.rows[site] for site in busy], dtype=np.int64),
        taken(slots, rows, list(asked.needs), first, end),
        shut(closures, rows, first, end),
    )


def _near(site: Site, found: Any) -> Near:
    return Near(site.id, site.name_ko, site.name_en, site.organisation_id, site.kind, found.distance_cm / 100,
                found.overlap_m2)  # fmt: skip
