"""Booking: a slot at a site that is held. A site is never booked beyond what it has.

Booking holds the site's row from before it looks until its commit (on SQLite the whole write unit), so that of any
number at once each sees what the one before it took. Whoever holds a call takes it before its sites.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from gops.errors import Conflict
from gops.testbed import lifecycles, weeks
from gops.testbed.calendar import Calendar, calendars
from gops.testbed.model import Site, Slot


@dataclass(frozen=True)
class Booking:
    """What is asked of a site. Weeks [first_week, end_week)."""

    first_week: int
    end_week: int
    amounts: Mapping[str, int]
    organisation_id: int
    application_id: int | None = None
    note: str = ""


def lock_sites(session: Session, site_ids: Iterable[int]) -> dict[int, Site]:
    """Hold these sites until the unit ends, in one order for all, so that two units never wait for each other."""
    query = select(Site).where(Site.id.in_(sorted(set(site_ids)))).order_by(Site.id)
    return {site.id: site for site in session.scalars(query.with_for_update(key_share=True))}


def book(session: Session, site: Site, asked: Booking, now: int) -> Slot:
    """A slot at a site that is held (``lock_sites``). Raises ``Conflict``: ``site_not_offered``, ``no_capacity``."""
    if site.state != "offered":
        raise Conflict(f"site {site.id} is {site.state}", code="site_not_offered", field="site", found=site.state,
                       expected="a site that is offered")  # fmt: skip
    left = calendars(session, [site], asked.first_week, asked.end_week)[site.id]
    _refuse_too_much(left, asked)
    slot = Slot(
        site_id=site.id,
        organisation_id=asked.organisation_id,
        application_id=asked.application_id,
        state=lifecycles.SLOT.states[0],
        first_week=asked.first_week,
        end_week=asked.end_week,
        amounts=dict(asked.amounts),
        note=asked.note,
        created_at=now,
    )
    session.add(slot)
    session.flush()
    return slot


def _refuse_too_much(left: Calendar, asked: Booking) -> None:
    for name, amount in asked.amounts.items():
        for week, there in enumerate(left.left.get(name, [0] * (asked.end_week - asked.first_week))):
            if amount > there:
                monday = weeks.name(left.first_week + week)
                closed = left.first_week + week in left.closed
                raise Conflict(
                    f"site {left.site} has {max(0, there)} of {name} left in the week of {monday}, asked were {amount}",
                    code="site_closed" if closed else "no_capacity",
                    field=f"amounts.{name}",
                    found=amount,
                    expected=f"at most {max(0, there)} in the week of {monday}" + (" (closed)" if closed else ""),
                )
