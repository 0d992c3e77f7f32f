"""What happens to applications that got no place: some time after their round their documents and details are deleted.

What is public stays (title, organisation, placed or not), and so does what the round file was computed from: needs,
window, ranks, score. Deleted are documents, summary and details. The time counts from the round that made the call
final, from the end of the reserve list where one stood on it, and from the close of a call that never came so far.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, case, delete, exists, func, or_, select
from sqlalchemy.orm import Session

from gops.clock import DAY
from gops.permissions import ANONYMOUS
from gops.records import audit, events
from gops.settings import Settings
from gops.testbed.call_model import Document
from gops.testbed.clocks import TestbedClock
from gops.testbed.deadlines import begins_column
from gops.testbed.model import Application, Call, Round

NOT_PLACED = ("draft", "withdrawn", "ineligible", "rejected", "declined", "lapsed")
IN_CANCELLED = (*NOT_PLACED, "submitted", "eligible", "scored", "reserve")


def forgetting_clock(settings: Settings) -> TestbedClock:
    days = settings.application_forget_days
    return TestbedClock(
        "application.forgotten", "application", lambda: _waiting(settings), f"{days} days after its round is final",
        "documents, summary and details of an application without a place are deleted", _forget,
    )  # fmt: skip


def _waiting(settings: Settings) -> Select[Any]:
    final_at = select(func.max(Round.final_at)).where(Round.call_id == Call.id).scalar_subquery()
    over = func.coalesce(final_at, Call.closes_at)
    left = begins_column(Application.last_start.expression, settings)
    waited = (Application.state == "rejected") & (left > over)
    due = case((waited, left), else_=over) + settings.application_forget_days * DAY
    query = select(Application.id.label("subject"), due.label("due_at")).join(Call, Call.id == Application.call_id)
    return query.where(_over(), _has_something())


def _over() -> ColumnElement[bool]:
    final = (Call.state == "final") & Application.state.in_(NOT_PLACED)
    cancelled = (Call.state == "cancelled") & Application.state.in_(IN_CANCELLED)
    return or_(final, cancelled)


def _has_something() -> ColumnElement[bool]:
    documents = exists().where(Document.application_id == Application.id)
    return or_(Application.details.is_not(None), Application.summary != "", documents)


def _forget(session: Session, application_id: int, now: int) -> bool:
    row = session.get_one(Application, application_id, with_for_update={"key_share": True})
    call = session.get_one(Call, row.call_id)
    if row.state not in (NOT_PLACED if call.state == "final" else IN_CANCELLED):
        return False
    assert call.state in ("final", "cancelled"), call.state
    gone = session.execute(delete(Document).where(Document.application_id == row.id).returning(Document.id))
    count = len(gone.all())
    row.summary, row.details = "", None
    audit.record(session, now, ANONYMOUS, "application.forget", "application", row.id, row.organisation_id,
                 documents=count)  # fmt: skip
    events.append(session, now, "application.forgotten", application=row.id)
    return True
