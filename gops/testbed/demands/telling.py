"""Who is told of a demand: whoever stated it, and, each for themselves, the people who support it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gops.accounts.model import Membership
from gops.notify.telling import Tiding, tell
from gops.permissions import ROLES
from gops.testbed import notices
from gops.testbed.demands.model import Demand, DemandSupport
from gops.testbed.model import Call

OWNERS = ("owner", "publisher", "applicant")
COUNTED = (1, 10, 100, 1_000, 10_000)
"""Supports of which the owner is told: every single one would fill its letter box."""
SUPPORTERS_TOLD = 1_000  # of one demand, the first ones; the notices are written in the unit of the change


def supported(session: Session, now: int, row: Demand, before: int) -> None:
    """To the owner, when as many people as one of ``COUNTED`` support it."""
    if row.supports > before and row.supports in COUNTED:
        _to_owner(session, now, "demand.supported", row, str(row.supports), supports=row.supports)


def offered(session: Session, now: int, row: Demand, target: Demand) -> None:
    """To the owner of the demand that another would be merged into."""
    _to_owner(session, now, "demand.offered", target, str(row.id), other=_title(row))


def merged(session: Session, now: int, row: Demand, target: Demand) -> None:
    """To both owners. The supports are the target's by now."""
    _to_owner(session, now, "demand.merged", row, into=_title(target))
    _to_owner(session, now, "demand.grown", target, str(row.id), other=_title(row), supports=target.supports)


def linked(session: Session, now: int, row: Demand, call: Call) -> None:
    """To owner and supporters: a call that is public has taken it up."""
    _to_all(session, now, "demand.taken_up", row, call)


def call_published(session: Session, now: int, call: Call) -> None:
    """What a draft had taken up is told when there is something to see."""
    for row in of_call(session, call):
        linked(session, now, row, call)


def call_opened(session: Session, now: int, call: Call) -> None:
    for row in of_call(session, call):
        _to_all(session, now, "demand.call_opened", row, call)


def reopened(session: Session, now: int, row: Demand, call: Call) -> None:
    """The call that had taken it up was cancelled."""
    _to_all(session, now, "demand.reopened", row, call)


def of_call(session: Session, call: Call) -> list[Demand]:
    query = select(Demand).where(Demand.call_id == call.id, Demand.state == "taken_up")
    return list(session.scalars(query.order_by(Demand.id)))


def _to_owner(session: Session, now: int, event: str, row: Demand, key: str = "", **facts: Any) -> None:
    known = {"demand": _title(row), "demand_id": row.id, **facts}
    tell(session, now, Tiding(event, row.id, row.organisation_id, OWNERS, known, key))


def _to_all(session: Session, now: int, event: str, row: Demand, call: Call) -> None:
    known = {"demand": _title(row), "demand_id": row.id, **notices.of_call(call)}
    by_home: dict[int, set[int]] = {}
    for person, home in _supporters(session, row):
        by_home.setdefault(home, set()).add(person)
    tell(
        session,
        now,
        Tiding(event, row.id, row.organisation_id, OWNERS, known),
        *(Tiding(event, row.id, home, ROLES, known, people=frozenset(who)) for home, who in sorted(by_home.items())),
    )


def _supporters(session: Session, row: Demand) -> list[tuple[int, int]]:
    """(person, the first organisation that it belongs to)"""
    first = select(DemandSupport.person_id, func.min(Membership.organisation_id).label("home"))
    first = first.join(Membership, Membership.person_id == DemandSupport.person_id)
    first = first.where(DemandSupport.demand_id == row.id).group_by(DemandSupport.person_id)
    found = session.execute(first.order_by(func.min(DemandSupport.id)).limit(SUPPORTERS_TOLD))
    return [(one.person_id, one.home) for one in found]


def _title(row: Demand) -> dict[str, str]:
    return {"ko": row.title_ko, "en": row.title_en or row.title_ko}
