"""Demands whose call was cancelled are open again: the problem is still there, and another call may take it up."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from gops.permissions import Actor
from gops.testbed import lifecycles
from gops.testbed.demands import telling
from gops.testbed.demands.board import note
from gops.testbed.demands.model import Demand
from gops.testbed.lifecycles import DEMAND
from gops.testbed.model import Call


def reopen(session: Session, now: int, actor: Actor, call: Call) -> None:
    """All that a held call had taken up. A call that nobody ever saw is not spoken of."""
    query = select(Demand).where(Demand.call_id == call.id, Demand.state == "taken_up").order_by(Demand.id)
    for row in session.scalars(query.with_for_update(key_share=True)):
        lifecycles.move(DEMAND, row, "open")
        row.call_id = None
        note(session, now, actor, "demand.open", row, cancelled=call.slug)
        if call.published_at is not None:
            telling.reopened(session, now, row, call)
