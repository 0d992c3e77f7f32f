"""Offers: accepted or declined by the applicant, lapsed by the clock; what is freed goes to the reserve list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from gops.accounts.checks import one_of
from gops.clock import Clock
from gops.permissions import ANONYMOUS, Actor, missing, require
from gops.records import audit, events
from gops.records.database import Database
from gops.records.paging import is_id, page
from gops.sensors.texts import prose
from gops.settings import Settings
from gops.testbed import checks, lifecycles, notices, visibility
from gops.testbed.clusters import forming
from gops.testbed.deadlines import begins, ends
from gops.testbed.lifecycles import APPLICATION, OFFER, SLOT
from gops.testbed.model import Application, Call, Slot
from gops.testbed.offers import conditions, reserve
from gops.testbed.offers.model import Offer, SlotTerm

Answer = Literal["accepted", "declined"]
ANSWERS: tuple[Answer, ...] = ("accepted", "declined")


class Offers:
    def __init__(self, database: Database, clock: Clock, settings: Settings) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings

    def answer(self, actor: Actor, offer_id: int, answer: str, why: str = "") -> Offer:
        """By the applicant's organisation, until the offer lapses. Accepted, the slot waits for its conditions and an
        action cluster forms; declined, the place goes to the reserve list. Raises ``Conflict`` (``illegal_move``)."""
        one_of(answer, ANSWERS, "state")
        text, now = prose(why, "reason"), self._clock.micros()
        with self._database.write() as session:
            offer, application, call = self._held(session, actor, offer_id)
            wanted = "lapsed" if now >= offer.lapses_at and offer.state == "open" else answer
            if wanted == "lapsed":  # before the clock's job came by
                lifecycles.OFFER.check("lapsed", answer)
            _close(offer, application, wanted, now, actor, text)
            self._note(session, actor, offer, application, now)
            slot = session.get_one(Slot, offer.slot_id, with_for_update=True)
            if wanted == "accepted":
                self._accepted(session, application, slot, now)
                notices.answered(session, now, call, application, "offer.accepted")
            else:
                lifecycles.move(SLOT, slot, "cancelled")
                notices.answered(session, now, call, application, "offer.declined")
                reserve.move_up(session, call, now, self._settings)
        return offer

    def get(self, actor: Actor, offer_id: int) -> Offer:
        """For who sees the application whole; else ``NotFound``."""
        query = select(Offer).join(Application, Application.id == Offer.application_id)
        query = query.where(Offer.id == offer_id, visibility.applications_seen(actor))
        with self._database.read() as session:
            found = session.scalar(query) if is_id(offer_id) else None
        if found is None:
            raise missing("offer")
        return found

    def list(
        self, actor: Actor, call_slug: str | None = None, state: str | None = None, after: int = 0, limit: int = 100
    ) -> Sequence[Offer]:
        """Those of the applications that the actor sees whole; of a call, in a state."""
        visibility.refuse_anonymous(actor)
        query = select(Offer).join(Application, Application.id == Offer.application_id)
        query = query.where(visibility.applications_seen(actor))
        if state is not None:
            query = query.where(Offer.state == checks.state(OFFER, state))
        with self._database.read() as session:
            if call_slug is not None:
                query = query.where(Offer.call_id == visibility.call(session, actor, call_slug).id)
            return session.scalars(page(query, Offer.id, after, limit)).all()

    def reserve(self, actor: Actor, call_slug: str) -> Sequence[tuple[int, Application]]:
        """The turn (from 1) of each application in reserve that the actor sees whole."""
        visibility.refuse_anonymous(actor)
        with self._database.read() as session:
            call = visibility.call(session, actor, call_slug)
            seen = set(session.scalars(select(Application.id).where(Application.call_id == call.id,
                                                                    visibility.applications_seen(actor))))  # fmt: skip
            rows = reserve.in_order(session, call) if call.state == "final" else []
        return [(turn, row) for turn, row in enumerate(rows, start=1) if row.id in seen]

    def _accepted(self, session: Session, application: Application, slot: Slot, now: int) -> None:
        conditions.begin(session, slot, conditions.of(session, application), now)
        session.add(
            SlotTerm(slot_id=slot.id, starts_at=begins(slot, self._settings), ends_at=ends(slot, self._settings))
        )
        events.append(session, now, "slot.changed", slot=slot.id)
        forming.form(session, application, slot, now)

    def _held(self, session: Session, actor: Actor, offer_id: int) -> tuple[Offer, Application, Call]:
        """The call first, as all who touch several of its places do."""
        seen = session.get(Offer, offer_id) if is_id(offer_id) else None
        if seen is None:
            raise missing("offer")
        home = session.get_one(Application, seen.application_id).organisation_id
        require(actor, "application.write", home, hidden="offer")
        return hold(session, seen)

    def _note(self, session: Session, actor: Actor, offer: Offer, application: Application, now: int) -> None:
        action = f"offer.{offer.state}"
        audit.record(session, now, actor, action, "application", application.id, application.organisation_id,
                     offer=offer.id)  # fmt: skip
        events.append(session, now, "application.changed", application=application.id)


def lapse(session: Session, offer_id: int, now: int, settings: Settings) -> bool:
    """By the clock: an offer that nobody answered in time; its place goes to the reserve list."""
    offer, application, call = hold(session, session.get_one(Offer, offer_id))
    if offer.state != "open" or now < offer.lapses_at:
        return False
    _close(offer, application, "lapsed", now, ANONYMOUS, "")
    lifecycles.move(SLOT, session.get_one(Slot, offer.slot_id, with_for_update=True), "cancelled")
    audit.record(session, now, ANONYMOUS, "offer.lapsed", "application", application.id, application.organisation_id)
    events.append(session, now, "application.changed", application=application.id)
    notices.answered(session, now, call, application, "offer.lapsed")
    reserve.move_up(session, call, now, settings)
    return True


def hold(session: Session, offer: Offer) -> tuple[Offer, Application, Call]:
    """Call, application and offer, locked in this order and read anew."""
    lock = {"key_share": True}
    call = session.get_one(Call, offer.call_id, with_for_update=lock, populate_existing=True)
    application = session.get_one(Application, offer.application_id, with_for_update=lock, populate_existing=True)
    session.refresh(offer, with_for_update=lock)
    return offer, application, call


def _close(offer: Offer, application: Application, state: str, now: int, actor: Actor, why: str) -> None:
    lifecycles.move(OFFER, offer, state)
    lifecycles.move(APPLICATION, application, state)
    offer.answered_at, offer.person_id, offer.reason = now, actor.person_id, why
