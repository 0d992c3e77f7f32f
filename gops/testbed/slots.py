"""Slots: amounts of a site held for some weeks, and what becomes of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from gops.accounts.checks import one_of
from gops.accounts.lookup import organisation
from gops.clock import Clock
from gops.errors import Conflict
from gops.permissions import Actor, missing, permits, require
from gops.records import audit, events
from gops.records.database import Database
from gops.records.paging import is_id, page
from gops.sensors.texts import line, prose, reason
from gops.settings import Settings
from gops.testbed import checks, lifecycles, notices, resources, visibility, weeks
from gops.testbed.booking import Booking, book, lock_sites
from gops.testbed.calendar import Calendar, calendars
from gops.testbed.lifecycles import CONDITION, SLOT
from gops.testbed.model import Application, Call, Site, Slot
from gops.testbed.offers import conditions, reserve
from gops.testbed.offers.model import Offer, SlotCondition
from gops.testbed.regulatory import covering


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
            held = checks.needs(amounts, "amounts", resources.of_site(site))
            asked = Booking(first, end, held, home.id, None, line(note, "note", 2000))
            slot = book(session, site, asked, now)
            self._note(session, actor, "slot.book", slot, site.organisation_id)
            notices.slot_changed(session, now, slot, "slot.booked")
        return slot

    def move(self, actor: Actor, slot_id: int, state: str, why: str = "") -> Slot:
        """By the site's municipality. What a cancelled slot of a final call held goes to the reserve list.

        Raises ``Conflict``: ``illegal_move``, ``conditions_unmet``, ``offer_open`` (it is the applicant's turn).
        """
        now = self._clock.micros()
        with self._database.write() as session:
            slot, site, call = self._to_change(session, actor, slot_id)
            _refuse_offered(session, slot)
            _refuse_provisional(slot, call)
            before = slot.state
            lifecycles.move(SLOT, slot, checks.state(SLOT, state))
            if state in ("ready", "active"):
                conditions.refuse_unmet(session, slot)
            self._note(session, actor, f"slot.{state}", slot, site.organisation_id, reason=reason(why) if why else "")
            if state != "conditions":
                event = "resumed" if before == "paused" and state == "active" else state
                notices.slot_changed(session, now, slot, f"slot.{event}", reason=why)
            if state == "cancelled" and call is not None:
                reserve.move_up(session, call, now, self._settings)
        return slot

    def conditions(self, actor: Actor, slot_id: int) -> Sequence[SlotCondition]:
        """What a slot that one may see waits for. Raises ``NotFound``."""
        self.get(actor, slot_id)
        with self._database.read() as session:
            return conditions.rows(session, slot_id)

    def set_condition(self, actor: Actor, slot_id: int, kind: str, state: str, note: str = "") -> SlotCondition:
        """Handed in by who holds the slot, met or opened again by the site's municipality; when all are met the slot
        is ready. Raises ``Conflict`` (``illegal_move``, ``condition_by_check``), ``NotFound``."""
        one_of(kind, conditions.KINDS, "kind")
        wanted, text, now = checks.state(CONDITION, state), prose(note, "note"), self._clock.micros()
        self.get(actor, slot_id)
        with self._database.write() as session:
            slot = session.get_one(Slot, slot_id, with_for_update=True)
            site = session.get_one(Site, slot.site_id)
            if wanted == "handed_in":
                require(actor, "application.write", slot.organisation_id)
            else:
                require(actor, "slot.book", site.organisation_id)
            row = _condition(session, slot, kind)
            covering.refuse_by_hand(session, slot, kind, wanted)
            lifecycles.move(CONDITION, row, wanted)
            row.note, row.changed_at, row.person_id = text or row.note, now, actor.person_id
            session.flush()
            self._note(session, actor, f"condition.{wanted}", slot, site.organisation_id, kind=kind)
            notices.slot_changed(session, now, slot, f"condition.{wanted}", kind, condition=kind)
            if not conditions.unmet(session, slot.id):
                lifecycles.move(SLOT, slot, "ready")
                self._note(session, actor, "slot.ready", slot, site.organisation_id)
                notices.slot_changed(session, now, slot, "slot.ready")
        return row

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

    def _to_change(self, session: Session, actor: Actor, slot_id: int) -> tuple[Slot, Site, Call | None]:
        """The call is held first, then the site, as in every booking."""
        slot = session.get(Slot, slot_id) if is_id(slot_id) else None
        if slot is None:
            raise missing("slot")
        require(actor, "slot.book", session.get_one(Site, slot.site_id).organisation_id, hidden="slot")
        call = None
        if slot.application_id is not None:
            of_call = session.get_one(Application, slot.application_id).call_id
            call = session.get_one(Call, of_call, with_for_update={"key_share": True})
        else:
            lock_sites(session, [slot.site_id])
        session.refresh(slot, with_for_update=True)
        return slot, session.get_one(Site, slot.site_id), call

    def _note(self, session: Session, actor: Actor, action: str, slot: Slot, municipality: int, **detail: str) -> None:
        now = self._clock.micros()
        audit.record(session, now, actor, action, "slot", slot.id, municipality, **detail)
        events.append(session, now, "slot.changed", slot=slot.id)


def _refuse_offered(session: Session, slot: Slot) -> None:
    if session.scalar(select(Offer.id).where(Offer.slot_id == slot.id, Offer.state == "open")) is not None:
        raise Conflict(f"slot {slot.id} is offered to its applicant", code="offer_open", field="state",
                       found=slot.state, expected="an offer that was answered, or has lapsed")  # fmt: skip


def _refuse_provisional(slot: Slot, call: Call | None) -> None:
    """What a published round gives is offered when it is final: until then it is nobody's to take."""
    if call is not None and call.state == "allocated":
        raise Conflict(f"slot {slot.id} is of a round that is not final", code="offer_open", field="state",
                       found=slot.state, expected="a final round; a wrong input is a matter of an appeal")  # fmt: skip


def _condition(session: Session, slot: Slot, kind: str) -> SlotCondition:
    if slot.state != "conditions":
        raise Conflict(f"slot {slot.id} is {slot.state}", code="illegal_move", field="state", found=slot.state,
                       expected="a slot that is in conditions")  # fmt: skip
    found = session.scalar(select(SlotCondition).where(SlotCondition.slot_id == slot.id, SlotCondition.kind == kind))
    if found is None:
        raise missing("condition of this slot")
    return found


def _seen(actor: Actor) -> ColumnElement[bool]:
    if permits(actor, "application.read", None):
        return Slot.id > 0
    own_site = Slot.site_id.in_(select(Site.id).where(Site.organisation_id == visibility.home_of(actor, "slot.book")))
    return or_(Slot.organisation_id == visibility.home_of(actor, "application.read"), own_site)
