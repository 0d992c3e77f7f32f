"""What must be met before a slot can start: which conditions it has, and what follows when all are met."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from gops.errors import Conflict
from gops.testbed import lifecycles
from gops.testbed.lifecycles import CONDITION, SLOT
from gops.testbed.model import Application, Slot
from gops.testbed.offers.model import SlotCondition
from gops.testbed.regulatory.model import RegulatoryCheck

KINDS = ("agreement", "insurance", "exemption", "consent", "baseline", "regulation")
ALWAYS = ("agreement", "insurance", "consent", "baseline")


def of(session: Session, application: Application) -> tuple[str, ...]:
    """The conditions of its slot: an exemption where it says that it needs one, or a check found so; its regulatory
    checks where one waits to be confirmed."""
    rows = session.scalars(select(RegulatoryCheck).where(RegulatoryCheck.application_id == application.id)).all()
    found = {*ALWAYS} | ({"regulation"} if any(row.confirmed_at is None for row in rows) else set())
    if (application.details or {}).get("exemptions") or any(row.answer == "exemption_needed" for row in rows):
        found |= {"exemption"}
    return tuple(kind for kind in KINDS if kind in found)


def begin(session: Session, slot: Slot, kinds: Sequence[str], now: int) -> None:
    """The slot waits for these from now on."""
    lifecycles.move(SLOT, slot, "conditions")
    for kind in kinds:
        session.add(SlotCondition(slot_id=slot.id, kind=kind, state=CONDITION.states[0], note="", changed_at=now))
    session.flush()


def rows(session: Session, slot_id: int) -> Sequence[SlotCondition]:
    return session.scalars(
        select(SlotCondition).where(SlotCondition.slot_id == slot_id).order_by(SlotCondition.id)
    ).all()


def unmet(session: Session, slot_id: int) -> list[str]:
    """The kinds that are not met, in their order."""
    return [row.kind for row in rows(session, slot_id) if row.state != "met"]


def refuse_unmet(session: Session, slot: Slot) -> None:
    """Raises ``Conflict`` (``conditions_unmet``)."""
    missing = unmet(session, slot.id)
    if missing:
        raise Conflict(f"slot {slot.id} still lacks {', '.join(missing)}", code="conditions_unmet", field="state",
                       found=", ".join(missing), expected="every condition met")  # fmt: skip
