"""What checks and exemptions mean for an accepted slot: rows among its conditions, which nobody meets by hand."""

from __future__ import annotations

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from gops.errors import Conflict
from gops.permissions import Actor
from gops.records import audit, events
from gops.testbed import judging, lifecycles, notices
from gops.testbed.eligibility import law_key
from gops.testbed.lifecycles import CONDITION, SLOT
from gops.testbed.model import Application, Site, Slot
from gops.testbed.offers import conditions
from gops.testbed.offers.model import SlotCondition
from gops.testbed.regulatory.model import HOLDS, Exemption, RegulatoryCheck


def waits(session: Session, application: Application, now: int) -> None:
    """A check was asked: a slot that has its conditions still waits for it too."""
    slot = _slot(session, application, "conditions")
    if slot is not None:
        _open(session, slot, "regulation", now)


def settled(session: Session, application: Application, actor: Actor, now: int) -> None:
    """A check was confirmed. With the last one the condition is met; where one needs an exemption, that is one too."""
    slot = _slot(session, application, "conditions")
    if slot is None:
        return
    rows = session.scalars(select(RegulatoryCheck).where(RegulatoryCheck.application_id == application.id)).all()
    there = {row.kind for row in conditions.rows(session, slot.id)}
    if any(row.answer == "exemption_needed" for row in rows) and "exemption" not in there:
        _open(session, slot, "exemption", now)
    if all(row.confirmed_at is not None for row in rows):
        _meet(session, slot, "regulation", actor, now)


def refuse_by_hand(session: Session, slot: Slot, kind: str, wanted: str) -> None:
    """Raises ``Conflict`` (``condition_by_check``): a check is confirmed, not handed in; an exemption is granted first,
    for this site and for all weeks of the slot."""
    if kind == "regulation":
        raise Conflict("this condition follows from regulatory checks", code="condition_by_check", field="kind",
                       found=kind, expected="every check of the application confirmed by the call's owner")  # fmt: skip
    if kind == "exemption" and wanted == "met":
        missing = uncovered(session, slot)
        if missing:
            raise Conflict(f"no exemption from {missing} covers the slot", code="condition_by_check", field="kind",
                           found=kind, expected="one that is granted for the site and every week of the slot, from "
                           "each law that is needed, and none undecided")  # fmt: skip


def uncovered(session: Session, slot: Slot) -> str | None:
    """A law from which the slot's pilot needs an exemption that was not granted for the site and all weeks; or one
    of which is undecided."""
    of_it = Exemption.application_id == slot.application_id
    undecided = select(Exemption.law).where(of_it, Exemption.state.in_(("requested", "checking")))
    there = select(Exemption.law).where(
        of_it,
        Exemption.state.in_(HOLDS),
        or_(Exemption.site_id.is_(None), Exemption.site_id == slot.site_id),
        or_(
            Exemption.state == "converted",
            (Exemption.first_week <= slot.first_week) & (Exemption.end_week >= slot.end_week),
        ),
    )
    held = {law_key(law) for law in session.scalars(there)}
    needed = judging.laws(session, session.get_one(Application, slot.application_id))
    waits = session.scalar(undecided.order_by(Exemption.id).limit(1))
    return waits or next((law for law in needed if law_key(law) not in held), None)


def _slot(session: Session, application: Application, *states: str) -> Slot | None:
    query = select(Slot).where(Slot.application_id == application.id, Slot.state.in_(states))
    return session.scalar(query.with_for_update())


def _open(session: Session, slot: Slot, kind: str, now: int) -> None:
    row = _row(session, slot, kind)
    if row is None:
        session.add(SlotCondition(slot_id=slot.id, kind=kind, state=CONDITION.states[0], note="", changed_at=now))
    elif row.state != "open":
        lifecycles.move(CONDITION, row, "open")
        row.changed_at = now
    session.flush()


def _meet(session: Session, slot: Slot, kind: str, actor: Actor, now: int) -> None:
    row = _row(session, slot, kind)
    if row is None or row.state == "met":
        return
    lifecycles.move(CONDITION, row, "met")
    row.changed_at, row.person_id = now, actor.person_id
    session.flush()
    notices.slot_changed(session, now, slot, "condition.met", kind, condition=kind)
    if not conditions.unmet(session, slot.id):
        lifecycles.move(SLOT, slot, "ready")
        home = session.get_one(Site, slot.site_id).organisation_id
        audit.record(session, now, actor, "slot.ready", "slot", slot.id, home)
        notices.slot_changed(session, now, slot, "slot.ready")
    events.append(session, now, "slot.changed", slot=slot.id)


def _row(session: Session, slot: Slot, kind: str) -> SlotCondition | None:
    return session.scalar(select(SlotCondition).where(SlotCondition.slot_id == slot.id, SlotCondition.kind == kind))
