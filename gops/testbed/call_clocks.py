"""The clocks of calls: they open and close by themselves; the ends of questions, answers and reviews are announced."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from gops.records import events
from gops.settings import Settings
from gops.testbed import calls
from gops.testbed.clocks import TestbedClock
from gops.testbed.model import Call


def call_clocks(settings: Settings) -> Sequence[TestbedClock]:
    days = settings.call_open_days
    return (
        TestbedClock("call.opens", "call", lambda: _until(Call.opens_at, "published"), "as its owner says",
                     "applications are taken", _advance),
        TestbedClock("call.closes", "call", lambda: _until(Call.closes_at, "published", "open"),
                     f"at least {days} days after it opens", "applications are judged", _advance),
        TestbedClock("call.questions", "call", lambda: _until(Call.questions_until, "published", "open"),
                     "5 working days before the close", "questions are taken no more"),
        TestbedClock("call.answers", "call", lambda: _until(Call.answers_until, "published", "open"),
                     "2 working days before the close", "the owner should have answered"),
        TestbedClock("call.review", "call", lambda: _until(Call.review_until, "closed"),
                     "20 working days after the close", "scores should be there"),
    )  # fmt: skip


def _until(moment: InstrumentedAttribute[Any], *states: str) -> Select[Any]:
    query = select(Call.id.label("subject"), moment.label("due_at"))
    return query.where(Call.state.in_(states), moment.is_not(None))


def _advance(session: Session, call_id: int, now: int) -> bool:
    call = session.get_one(Call, call_id, with_for_update={"key_share": True})
    changed = calls.advance(session, call, now)
    if changed:
        events.append(session, now, "call.changed", call=call.id)
    return changed
