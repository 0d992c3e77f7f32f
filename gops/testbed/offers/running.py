"""The clocks of offers, slots and the reserve list."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from gops.permissions import ANONYMOUS
from gops.records import audit, events
from gops.settings import Settings
from gops.testbed import lifecycles, notices, weeks
from gops.testbed.clocks import TestbedClock
from gops.testbed.deadlines import begins_column
from gops.testbed.lifecycles import APPLICATION, SLOT
from gops.testbed.model import Application, Call, Site, Slot
from gops.testbed.offers import conditions, reserve
from gops.testbed.offers.model import Offer, SlotTerm
from gops.testbed.offers.service import lapse


def offer_clocks(settings: Settings) -> Sequence[TestbedClock]:
    return (
        TestbedClock("offer.lapses", "offer", lambda: _open_offers(Offer.lapses_at),
                     f"{settings.offer_days} working days", "the place goes to the reserve list",
                     partial(_lapse, settings)),
        TestbedClock("slot.starts", "slot", lambda: _slots(SlotTerm.starts_at, "conditions", "ready"),
                     "until its first week", "it is active; with unmet conditions it is cancelled",
                     partial(_start, settings)),
        TestbedClock("slot.ends", "slot", lambda: _slots(SlotTerm.ends_at, "active", "paused"),
                     "until the end of its last week", "it has ended; a paused one has expired", _end),
        TestbedClock("reserve.ends", "application", partial(_in_reserve, settings),
                     "until the last week in which it could begin", "the application is rejected",
                     partial(_reject, settings)),
    )  # fmt: skip


def _open_offers(moment: InstrumentedAttribute[Any]) -> Select[Any]:
    return select(Offer.id.label("subject"), moment.label("due_at")).where(Offer.state == "open")


def _slots(moment: InstrumentedAttribute[Any], *states: str) -> Select[Any]:
    query = select(Slot.id.label("subject"), moment.label("due_at")).join(SlotTerm, SlotTerm.slot_id == Slot.id)
    return query.where(Slot.state.in_(states))


def _in_reserve(settings: Settings) -> Select[Any]:
    moment = begins_column(Application.last_start.expression, settings)
    query = select(Application.id.label("subject"), moment.label("due_at"))
    return query.where(Application.state == "reserve")


def _reject(settings: Settings, session: Session, application_id: int, now: int) -> bool:
    """Who moves up begins next week at the earliest: from its last week on nothing can come free for it."""
    row = session.get_one(Application, application_id)
    call = session.get_one(Call, row.call_id, with_for_update={"key_share": True})
    session.refresh(row, with_for_update={"key_share": True})
    if row.state != "reserve" or now < weeks.begins(row.last_start, settings.zone):
        return False
    lifecycles.move(APPLICATION, row, "rejected")
    audit.record(session, now, ANONYMOUS, "application.rejected", "application", row.id, row.organisation_id)
    events.append(session, now, "application.changed", application=row.id)
    notices.rejected(session, now, call, row)
    return True


def _lapse(settings: Settings, session: Session, offer_id: int, now: int) -> bool:
    return lapse(session, offer_id, now, settings)


def _start(settings: Settings, session: Session, slot_id: int, now: int) -> bool:
    """Begin, or give the place to the reserve list where something is missing."""
    slot, call = _held(session, slot_id)
    if slot.state == "ready":
        lifecycles.move(SLOT, slot, "active")
        _note(session, slot, now)
        return True
    if slot.state != "conditions":
        return False
    lacking = conditions.unmet(session, slot.id)
    lifecycles.move(SLOT, slot, "cancelled")
    _note(session, slot, now, unmet=", ".join(lacking))
    notices.slot_changed(session, now, slot, "slot.unmet", unmet=", ".join(lacking))
    if call is not None:
        reserve.move_up(session, call, now, settings)
    return True


def _end(session: Session, slot_id: int, now: int) -> bool:
    slot, _ = _held(session, slot_id)
    if slot.state not in ("active", "paused"):
        return False
    lifecycles.move(SLOT, slot, "ended" if slot.state == "active" else "expired")
    _note(session, slot, now)
    return True


def _held(session: Session, slot_id: int) -> tuple[Slot, Call | None]:
    """The call first, as everywhere."""
    slot = session.get_one(Slot, slot_id)
    call = None
    if slot.application_id is not None:
        of_call = session.get_one(Application, slot.application_id).call_id
        call = session.get_one(Call, of_call, with_for_update={"key_share": True})
    session.refresh(slot, with_for_update=True)
    return slot, call


def _note(session: Session, slot: Slot, now: int, **detail: str) -> None:
    municipality = session.get_one(Site, slot.site_id).organisation_id
    audit.record(session, now, ANONYMOUS, f"slot.{slot.state}", "slot", slot.id, municipality, **detail)
    events.append(session, now, "slot.changed", slot=slot.id)
    if not detail:
        notices.slot_changed(session, now, slot, f"slot.{slot.state}")
