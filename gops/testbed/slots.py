"""Slots: amounts of a site held for some weeks. A site is never booked beyond what it has.

Booking holds the site's row from before it looks until its commit (on SQLite the whole write unit), so that of any
number at once each sees what the one before it took.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from gops.accounts.lookup import organisation
from gops.clock import Clock
from gops.errors import Conflict
from gops.permissions import Actor, missing, permits, require
from gops.records import audit, events
from gops.records.database import Database
from gops.records.paging import is_id, page
from gops.sensors.texts import line, reason
from gops.settings import Settings
from gops.testbed import checks, lifecycles, visibility, weeks
from gops.testbed.calendar import Calendar, calendars
from gops.testbed.model import Site, Slot


@dataclass(frozen=True)
class Booking:
    """What is asked of a site. Weeks [first_week, end_week)."""

    first_week: int
    end_week: int
    amounts: Mapping[str, int]
    organisation_id: int
    application_id: int | None = None
    note: str = ""


def lock_sites(session: Session, site_ids: Iterable[int]) -> dict[int, Site]:
    """Hold these sites until the unit ends, in one order for all, so that two units never wait for each other."""
    query = select(Site).where(Site.id.in_(sorted(set(site_ids)))).order_by(Site.id)
    return {site.id: site for site in session.scalars(query.with_for_update(key_share=True))}


def book(session: Session, site: Site, asked: Booking, now: int) -> Slot:
    """A slot at a site that is held (``lock_sites``). Raises ``Conflict``: ``site_not_offered``, ``no_capacity``."""
    if site.state != "offered":
        raise Conflict(f"site {site.id} is {site.state}", code="site_not_offered", field="site", found=site.state,
                       expected="a site that is offered")  # fmt: skip
    left = calendars(session, [site], asked.first_week, asked.end_week)[site.id]
    _refuse_too_much(left, asked)
    slot = Slot(
        site_id=site.id,
        organisation_id=asked.organisation_id,
        application_id=asked.application_id,
        state=lifecycles.SLOT.states[0],
        first_week=asked.first_week,
        end_week=asked.end_week,
        amounts=dict(asked.amounts),
        note=asked.note,
        created_at=now,
    )
    session.add(slot)
    session.flush()
    return slot


def _refuse_too_much(left: Calendar, asked: Booking) -> None:
    for name, amount in asked.amounts.items():
        for week, there in enumerate(left.left.get(name, [0] * (asked.end_week - asked.first_week))):
            if amount > there:
                monday = weeks.name(left.first_week + week)
                closed = left.first_week + week in left.closed
                raise Conflict(
                    f"site {left.site} has {max(0, there)} of {name} left in the week of {monday}, asked were {amount}",
                    code="site_closed" if closed else "no_capacity",
                    field=f"amounts.{name}",
                    found=amount,
                    expected=f"at most {max(0, there)} in the week of {monday}" + (" (closed)" if closed else ""),
                )


class Slots:
    def __init__(self, database: Database, clock: Clock, settings: Settings) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings

    def book(
        self,
        actor: Actor,
        site_id: int,
        holder: str,
        first_week: int,
        length: int,
        amounts: Mapping[str, int],
        note: str = "",
    ) -> Slot:
        """Book a site of the actor's municipality for the organisation with the slug ``holder``, outside of a call."""
        now = self._clock.micros()
        first, end = checks.span(
            first_week, length, weeks.of(now, self._settings.zone), self._settings.testbed_ahead_weeks,
            self._settings.call_weeks, "slot",
        )  # fmt: skip
        with self._database.write() as session:
            site = visibility.site_to_change(session, actor, site_id, "slot.book")
            home = organisation(session, holder)
            asked = Booking(first, end, checks.needs(amounts, "amounts"), home.id, None, line(note, "note", 2000))
            slot = book(session, site, asked, now)
            self._note(session, actor, "slot.book", slot, site.organisation_id)
        return slot

    def move(self, actor: Actor, slot_id: int, state: str, why: str = "") -> Slot:
        """By the site's municipality. Raises ``Conflict`` (``illegal_move``)."""
        with self._database.write() as session:
            slot, site = self._to_change(session, actor, slot_id)
            lifecycles.move(lifecycles.SLOT, slot, checks.state(lifecycles.SLOT, state))
            self._note(session, actor, f"slot.{state}", slot, site.organisation_id, reason=reason(why) if why else "")
        return slot

    def get(self, actor: Actor, slot_id: int) -> Slot:
        """For who holds it, for the site's municipality and for the operator; else ``NotFound``."""
        with self._database.read() as session:
            found = session.scalar(select(Slot).where(Slot.id == slot_id, _seen(actor))) if is_id(slot_id) else None
        if found is None:
            raise missing("slot")
        return found

    def list(self, actor: Actor, site_id: int | None = None, after: int = 0, limit: int = 100) -> Sequence[Slot]:
        """Those that the actor may see; at one site."""
        visibility.refuse_anonymous(actor)
        query = select(Slot).where(_seen(actor))
        if site_id is not None:
            query = query.where(Slot.site_id == site_id)
        with self._database.read() as session:
            return session.scalars(page(query, Slot.id, after, limit)).all()

    def remaining(self, actor: Actor, site_ids: Sequence[int], first_week: int, length: int) -> Sequence[Calendar]:
        """What is left of these sites, for who sees them, in the order of their ids. Raises ``NotFound``."""
        checks.whole_weeks(length, self._settings.calendar_weeks)
        with self._database.read() as session:
            sites = [visibility.site(session, actor, site_id) for site_id in sorted(set(site_ids))]
            found = calendars(session, sites, first_week, first_week + length)
        return [found[site.id] for site in sites]

    def _to_change(self, session: Session, actor: Actor, slot_id: int) -> tuple[Slot, Site]:
        """The site is held first, as every booking does."""
        slot = session.get(Slot, slot_id) if is_id(slot_id) else None
        if slot is None:
            raise missing("slot")
        site = lock_sites(session, [slot.site_id])[slot.site_id]
        require(actor, "slot.book", site.organisation_id, hidden="slot")
        session.refresh(slot, with_for_update=True)
        return slot, site

    def _note(self, session: Session, actor: Actor, action: str, slot: Slot, municipality: int, **detail: str) -> None:
        now = self._clock.micros()
        audit.record(session, now, actor, action, "slot", slot.id, municipality, **detail)
        events.append(session, now, "slot.changed", slot=slot.id)


def _seen(actor: Actor) -> ColumnElement[bool]:
    if permits(actor, "application.read", None):
        return Slot.id > 0
    own_site = Slot.site_id.in_(select(Site.id).where(Site.organisation_id == visibility.home_of(actor, "slot.book")))
    return or_(Slot.organisation_id == visibility.home_of(actor, "application.read"), own_site)
