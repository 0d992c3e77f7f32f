"""Offers come into being: for the placed of a final round, and for who moves up from the reserve list."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from gops.permissions import ANONYMOUS
from gops.records import audit, events
from gops.settings import Settings
from gops.testbed import lifecycles, notices, timetable
from gops.testbed.deadlines import after_workdays, begins
from gops.testbed.lifecycles import APPLICATION, OFFER
from gops.testbed.model import Application, Call, Slot
from gops.testbed.offers.model import Offer


def give_all(session: Session, call: Call, now: int, settings: Settings) -> None:
    """One offer to each application of the call that holds a slot. Their states are moved by the round."""
    query = select(Application, Slot).join(Slot, Slot.application_id == Application.id)
    query = query.where(Application.call_id == call.id, Application.state == "offered", Slot.state == "reserved")
    for application, slot in session.execute(query.order_by(Application.id)).all():
        _write(session, call, application, slot, now, settings, from_reserve=False)
    session.flush()


def give(session: Session, call: Call, application: Application, slot: Slot, now: int, settings: Settings) -> Offer:
    """To one of the reserve list, whose slot was just booked."""
    lifecycles.move(APPLICATION, application, "offered")
    made = _write(session, call, application, slot, now, settings, from_reserve=True)
    session.flush()
    audit.record(session, now, ANONYMOUS, "offer.make", "application", application.id, call.organisation_id,
                 slot=slot.id)  # fmt: skip
    events.append(session, now, "application.changed", application=application.id)
    return made


def _write(
    session: Session,
    call: Call,
    application: Application,
    slot: Slot,
    now: int,
    settings: Settings,
    *,
    from_reserve: bool,
) -> Offer:
    days = timetable.lengths(call.terms, settings)["offers"]
    made = Offer(
        call_id=call.id,
        application_id=application.id,
        slot_id=slot.id,
        state=OFFER.states[0],
        from_reserve=from_reserve,
        offered_at=now,
        lapses_at=min(after_workdays(now, days, settings), begins(slot, settings)),
        reason="",
    )
    session.add(made)
    notices.offered(session, now, call, application, slot, made.lapses_at)
    return made
