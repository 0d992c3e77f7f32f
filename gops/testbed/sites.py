"""Sites: places of a municipality where a pilot can stand, with what they have in every week.

Offered sites are public. A site that is not offered takes no new application and no booking; its slots stay.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from gops import areas
from gops.accounts import checks as names
from gops.accounts.lookup import organisation
from gops.accounts.model import Organisation
from gops.areas import Area
from gops.clock import Clock
from gops.errors import Conflict, Forbidden
from gops.geo import BBox
from gops.permissions import Actor, require
from gops.records import audit, events
from gops.records.database import Database, flush_unique
from gops.records.paging import page
from gops.sensors.bounds import refuse_count, refuse_more
from gops.sensors.texts import prose
from gops.settings import Settings
from gops.testbed import checks, lifecycles, visibility, weeks
from gops.testbed.calendar import calendars
from gops.testbed.lifecycles import SITE, SLOTS_THAT_HOLD
from gops.testbed.model import Application, ApplicationSite, Call, CallSite, Closure, Site, Slot
from gops.testbed.places import details as places
from gops.testbed.timetable import state_column

KINDS = (
    "street", "park", "building", "vacant_shop", "urban_regeneration", "technovalley", "campus", "river", "port",
    "farmland", "other",
)  # fmt: skip


class Sites:
    def __init__(self, database: Database, clock: Clock, settings: Settings) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings

    def create(
        self,
        actor: Actor,
        organisation_slug: str,
        *,
        name_ko: str,
        name_en: str,
        kind: str,
        area: Any,
        capacity: Any,
        description: str = "",
        reference: str | None = None,
        details: Any = None,
    ) -> Site:
        """A draft of a municipality; ``area`` is a GeoJSON Polygon or MultiPolygon; ``details`` as ``places.details``
        reads them. Raises ``Invalid``, ``Conflict`` (``reference_taken``)."""
        shape = self._area(area)
        site = Site(
            name_ko=names.name(name_ko, "name_ko"),
            name_en=names.name(name_en, "name_en"),
            description=prose(description),
            kind=names.one_of(kind, KINDS, "kind"),
            state=SITE.states[0],
            capacity=checks.capacity(capacity),
            reference=None if reference is None else checks.reference(reference),
            details=places.read({} if details is None else details),
            created_at=self._clock.micros(),
        )
        _shape(site, shape)
        with self._database.write() as session:
            home = organisation(session, organisation_slug)
            require(actor, "site.change", home.id)
            _refuse_others(home)
            refuse_more(session, self._settings, "organisation_sites", Site.organisation_id == home.id, home.id)
            site.organisation_id = home.id
            session.add(site)
            flush_unique(session, _taken(site.reference))
            self._note(session, actor, "site.create", site, kind=site.kind)
        return site

    def get(self, actor: Actor, site_id: int) -> Site:
        with self._database.read() as session:
            return visibility.site(session, actor, site_id)

    def list(
        self,
        actor: Actor,
        organisation_slug: str | None = None,
        bbox: BBox | None = None,
        kind: str | None = None,
        call: str | None = None,
        after: int = 0,
        limit: int = 100,
    ) -> Sequence[Site]:
        """Those that the actor sees; of a municipality, touching ``bbox`` with their own box, of a kind, of a call."""
        query = select(Site).where(visibility.sites_seen(actor))
        if kind is not None:
            query = query.where(Site.kind == names.one_of(kind, KINDS, "kind"))
        if bbox is not None:
            spans = [(Site.west <= east) & (Site.east >= west) for west, east in bbox.longitudes]
            wide = spans[0]
            for span in spans[1:]:
                wide = wide | span
            query = query.where(wide, Site.south <= bbox.north, Site.north >= bbox.south)
        with self._database.read() as session:
            if organisation_slug is not None:
                query = query.where(Site.organisation_id == organisation(session, organisation_slug).id)
            if call is not None:
                chosen = visibility.call(session, actor, call)
                query = query.where(Site.id.in_(select(CallSite.site_id).where(CallSite.call_id == chosen.id)))
            return session.scalars(page(query, Site.id, after, limit)).all()

    def edit(
        self,
        actor: Actor,
        site_id: int,
        *,
        name_ko: str | None = None,
        name_en: str | None = None,
        description: str | None = None,
        kind: str | None = None,
        area: Any = None,
        capacity: Any = None,
        reference: str | None = None,
        details: Any = None,
    ) -> Site:
        """Change what is given; of ``details`` the keys that are given. Raises ``Conflict`` (``site_booked``) where
        slots hold more than would be left, ``reference_taken``."""
        shape = None if area is None else self._area(area)
        wanted = {
            "name_ko": None if name_ko is None else names.name(name_ko, "name_ko"),
            "name_en": None if name_en is None else names.name(name_en, "name_en"),
            "description": None if description is None else prose(description),
            "kind": None if kind is None else names.one_of(kind, KINDS, "kind"),
            "capacity": None if capacity is None else checks.capacity(capacity),
            "reference": None if reference is None else checks.reference(reference),
        }
        with self._database.write() as session:
            site = self._living(session, actor, site_id)
            wanted["details"] = None if details is None else places.read(details, site.details)
            changed = [name for name, value in wanted.items() if value is not None and value != getattr(site, name)]
            for name in changed:
                setattr(site, name, wanted[name])
            if shape is not None and shape.geojson != site.geojson:
                _shape(site, shape)
                changed.append("area")
            if "reference" in changed:
                flush_unique(session, _taken(site.reference))
            if {"capacity", "details"} & {*changed}:
                self._refuse_overbooked(session, site)
            if changed:
                self._note(session, actor, "site.edit", site, changed=changed)
        return site

    def move(self, actor: Actor, site_id: int, state: str) -> Site:
        """Offer, pause or withdraw. Raises ``Conflict``: ``illegal_move``, ``site_booked``, ``site_in_round``."""
        with self._database.write() as session:
            site = visibility.site_to_change(session, actor, site_id)
            lifecycles.move(SITE, site, checks.state(SITE, state))
            if state in ("paused", "withdrawn"):
                self._refuse_counted_on(session, site, state)
            if state == "withdrawn":
                _refuse_held(session, site)
            self._note(session, actor, f"site.{state}", site)
        return site

    def closures(self, actor: Actor, site_id: int) -> Sequence[Closure]:
        """Ordered by their weeks, for who sees the site."""
        with self._database.read() as session:
            visibility.site(session, actor, site_id)
            query = select(Closure).where(Closure.site_id == site_id).order_by(Closure.first_week, Closure.id)
            return session.scalars(query).all()

    def close_weeks(self, actor: Actor, site_id: int, closures: Sequence[tuple[int, int, str]]) -> Sequence[Closure]:
        """Replace all closures by these: first week, number of weeks, reason. Raises ``Conflict`` (``site_booked``)."""
        refuse_count(len(closures), "site_closures", self._settings)
        now = weeks.of(self._clock.micros(), self._settings.zone)
        ahead = self._settings.testbed_ahead_weeks
        rows = []
        for index, (week, length, why) in enumerate(closures):
            first, end = checks.span(week, length, now, ahead, ahead, f"closures[{index}]")
            rows.append(Closure(site_id=site_id, first_week=first, end_week=end, reason=prose(why, "reason")))
        with self._database.write() as session:
            site = self._living(session, actor, site_id)
            session.execute(delete(Closure).where(Closure.site_id == site.id))
            session.add_all(rows)
            session.flush()
            self._refuse_overbooked(session, site)
            self._note(session, actor, "site.close_weeks", site, closures=len(rows))
        return sorted(rows, key=lambda row: (row.first_week, row.id))

    def _living(self, session: Session, actor: Actor, site_id: int) -> Site:
        site = visibility.site_to_change(session, actor, site_id)
        if site.state == "withdrawn":
            raise Conflict(f"site {site.id} was withdrawn and changes no more", code="site_withdrawn", field="state",
                           found=site.state, expected="a site that is not withdrawn")  # fmt: skip
        return site

    def _area(self, geojson: Any) -> Area:
        bounds = self._settings
        return areas.read(
            geojson, "area", vertices_max=bounds.site_vertices, km2_max=bounds.site_km2,
            vertices_setting="GOPS_SITE_VERTICES", km2_setting="GOPS_SITE_KM2",
        )  # fmt: skip

    def _refuse_overbooked(self, session: Session, site: Site) -> None:
        """What slots hold from now on must be there."""
        session.flush()
        now = weeks.of(self._clock.micros(), self._settings.zone)
        held = select(Slot.end_week).where(Slot.site_id == site.id, Slot.state.in_(SLOTS_THAT_HOLD))
        end = max(session.scalars(held), default=now)
        if end <= now:
            return
        left = calendars(session, [site], now, end)[site.id]
        for name, amounts in left.left.items():
            for week, amount in enumerate(amounts, start=now):
                if amount < 0:
                    raise Conflict(
                        f"in the week of {weeks.name(week)} slots of site {site.id} hold more {name} than that",
                        code="site_booked", field=name, found=amount, expected="no slot in what is taken away",
                    )  # fmt: skip

    def _refuse_counted_on(self, session: Session, site: Site, state: str) -> None:
        """What a call that has closed counts on stays as it is until the round gives its places."""
        ranked = (
            select(Call.slug)
            .join(Application, Application.call_id == Call.id)
            .join(ApplicationSite, ApplicationSite.application_id == Application.id)
            .where(ApplicationSite.site_id == site.id, Application.state.in_(("submitted", "eligible", "scored")))
            .where(state_column(self._clock.micros()).in_(("closed", "scored")))
        )
        slug = session.scalar(ranked.limit(1))
        if slug is not None:
            raise Conflict(f"applications in the call {slug} rank site {site.id}", code="site_in_round", field="state",
                           found=state, expected="a call that is allocated or cancelled")  # fmt: skip

    def _note(self, session: Session, actor: Actor, action: str, site: Site, **detail: Any) -> None:
        now = self._clock.micros()
        audit.record(session, now, actor, action, "site", site.id, site.organisation_id, **detail)
        events.append(session, now, "site.changed", site=site.id)
        site.revision = events.newest(session)  # units that append events wait for each other, so it only grows


def _refuse_held(session: Session, site: Site) -> None:
    holds = select(Slot.id).where(Slot.site_id == site.id, Slot.state.in_(SLOTS_THAT_HOLD)).limit(1)
    if session.scalar(holds) is not None:
        raise Conflict(f"slots hold site {site.id}", code="site_booked", field="state", found="withdrawn",
                       expected="a site without slots; pause it until they end")  # fmt: skip


def _taken(reference: str | None) -> Conflict:
    return Conflict(f"the municipality has a site {reference} already", code="reference_taken", field="reference",
                    found=reference, expected="a reference that no other site of it has")  # fmt: skip


def _shape(site: Site, area: Area) -> None:
    site.geojson = area.geojson
    site.square_metres = area.square_metres
    site.longitude, site.latitude = area.centre.longitude, area.centre.latitude
    site.west, site.south, site.east, site.north = area.bbox.west, area.bbox.south, area.bbox.east, area.bbox.north


def _refuse_others(home: Organisation) -> None:
    if home.kind != "municipality":
        raise Forbidden(
            f"{home.slug} is no municipality and has no sites",
            code="not_a_municipality",
            field="organisation",
            found=home.kind,
            expected="an organisation of kind municipality",
        )
