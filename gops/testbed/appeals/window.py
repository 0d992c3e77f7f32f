"""The appeal window of a published round: when it ends, and what keeps the round from being final."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gops.clock import from_micros
from gops.errors import Conflict
from gops.settings import Settings
from gops.testbed import timetable
from gops.testbed.appeals.model import Appeal, AppealWindow
from gops.testbed.deadlines import after_workdays
from gops.testbed.model import Call, Round

OPEN = ("filed", "answered", "panel")


def begin(session: Session, row: Round, now: int, settings: Settings) -> None:
    """With the publication of a round. One that follows appeals has none: a round is computed again once."""
    again = select(Appeal.id).where(Appeal.call_id == row.call_id, Appeal.corrected_at.is_not(None)).limit(1)
    revised = session.scalar(again) is not None
    days = timetable.lengths(session.get_one(Call, row.call_id).terms, settings)["appeals"]
    ends_at = after_workdays(now, days, settings) if days and not revised else now
    session.add(AppealWindow(round_id=row.id, ends_at=ends_at))
    session.flush()


def ends_at(session: Session, row: Round) -> int:
    """The end of the window, in microseconds; of a round older than windows the moment of its publication."""
    found = session.get(AppealWindow, row.id)
    return found.ends_at if found is not None else row.published_at or 0


def undecided(session: Session, call: Call) -> int:
    """How many appeals of the call wait for a decision."""
    query = select(func.count()).select_from(Appeal).where(Appeal.call_id == call.id, Appeal.state.in_(OPEN))
    return session.scalar(query) or 0


def upheld(session: Session, call: Call) -> list[Appeal]:
    """Those whose correction no round has yet."""
    query = select(Appeal).where(Appeal.call_id == call.id, Appeal.state == "upheld", Appeal.corrected_at.is_(None))
    return list(session.scalars(query.order_by(Appeal.id)))


def refuse_early(session: Session, call: Call, row: Round, now: int, settings: Settings) -> None:
    """Raises ``Conflict`` (``appeals_open``) where the round cannot be final yet."""
    until = ends_at(session, row)
    if now < until:
        when = from_micros(until).astimezone(settings.zone).isoformat()
        raise _open(call, "appeals are taken", f"after {when}")
    waiting = undecided(session, call)
    if waiting:
        raise _open(call, f"{waiting} appeals are undecided", "every appeal decided")
    if upheld(session, call):
        raise _open(call, "an appeal was upheld", "the round computed again as the next revision")


def _open(call: Call, found: str, expected: str) -> Conflict:
    return Conflict(f"the round of {call.slug} cannot be final: {found}", code="appeals_open", field="state",
                    found=found, expected=expected)  # fmt: skip
