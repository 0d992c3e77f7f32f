"""The state that the clock gives a call: published ones open, and open ones close, at their times."""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, case

from gops.testbed.model import Call


def state_at(call: Call, now: int) -> str:
    """The state that the clock gives a call."""
    if call.state in ("published", "open"):
        return "published" if now < call.opens_at else "open" if now < call.closes_at else "closed"
    return call.state


def state_column(now: int) -> ColumnElement[str]:
    """The same in SQL."""
    timed = Call.state.in_(("published", "open"))
    return case(
        (and_(timed, Call.closes_at <= now), "closed"), (and_(timed, Call.opens_at <= now), "open"), else_=Call.state
    )
