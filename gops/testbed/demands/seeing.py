"""Who sees and changes which demand. Drafts are their organisation's alone; what was opened stays public."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from gops.permissions import Actor, missing, require
from gops.records.paging import is_id
from gops.testbed import visibility
from gops.testbed.demands.model import Demand


def demands_seen(actor: Actor) -> ColumnElement[bool]:
    own = Demand.organisation_id == visibility.home_of(actor, "demand.change")
    return or_(Demand.opened_at.is_not(None), own)


def demand(session: Session, actor: Actor, demand_id: int) -> Demand:
    """Raises ``NotFound``."""
    query = select(Demand).where(Demand.id == demand_id, demands_seen(actor))
    found = session.scalar(query) if is_id(demand_id) else None
    if found is None:
        raise missing("demand")
    return found


def held(session: Session, actor: Actor, demand_ids: Iterable[int]) -> dict[int, Demand]:
    """Those, locked in one order for all. Raises ``NotFound``."""
    wanted = sorted(set(demand_ids))
    for one in wanted:
        demand(session, actor, one)
    query = select(Demand).where(Demand.id.in_(wanted)).order_by(Demand.id)
    locked = query.with_for_update(key_share=True).execution_options(populate_existing=True)
    return {row.id: row for row in session.scalars(locked)}


def to_change(session: Session, actor: Actor, demand_id: int) -> Demand:
    """Locked. Raises ``NotFound``, ``Unauthenticated`` or ``Forbidden``."""
    found = held(session, actor, [demand_id])[demand_id]
    require(actor, "demand.change", found.organisation_id)
    return found
