"""What brings demands together: support by people, merging of like ones, and calls that take them up."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Select, delete, func, select, update
from sqlalchemy.orm import Session

from gops.clock import Clock
from gops.errors import Conflict
from gops.permissions import Actor, permits, require
from gops.records.database import Database
from gops.testbed import lifecycles, visibility
from gops.testbed.demands import telling
from gops.testbed.demands.board import note
from gops.testbed.demands.model import Demand, DemandSupport
from gops.testbed.demands.seeing import demand, held
from gops.testbed.lifecycles import DEMAND
from gops.testbed.timetable import state_at

SUPPORTABLE = ("open", "taken_up")
OPEN_CALLS = ("draft", "published", "open")


@dataclass(frozen=True)
class Supported:
    """``demand`` is the one that counts it: where the one asked for was merged, that it was merged into."""

    demand: int
    supports: int
    supported: bool


class DemandJoins:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def support(self, actor: Actor, demand_id: int, wanted: bool) -> Supported:
        """Give or take back one's own support; again changes nothing. Raises ``Conflict`` (``demand_not_open``)."""
        require(actor, "demand.support", actor.organisation_id)
        with self._database.write() as session:
            row = self._living(session, actor, demand_id)
            if row.state not in SUPPORTABLE:
                raise Conflict(f"demand {row.id} is {row.state}", code="demand_not_open", field="state",
                               found=row.state, expected="an open demand")  # fmt: skip
            own = session.scalar(_own(row.id, actor))
            if wanted and own is None:
                session.add(DemandSupport(demand_id=row.id, person_id=actor.person_id, created_at=self._clock.micros()))
            elif not wanted and own is not None:
                session.delete(own)
            before = row.supports
            _count(session, row)
            telling.supported(session, self._clock.micros(), row, before)
            return Supported(row.id, row.supports, wanted)

    def supported(self, actor: Actor, demand_id: int) -> Supported:
        """Whether the asker supports it, and how many do."""
        require(actor, "demand.support", actor.organisation_id)
        with self._database.read() as session:
            row = demand(session, actor, demand_id)
            if row.merged_into is not None:
                row = session.get_one(Demand, row.merged_into)
            return Supported(row.id, row.supports, session.scalar(_own(row.id, actor)) is not None)

    def merge(self, actor: Actor, demand_id: int, into: int | None) -> Demand:
        """Offer one's own demand to be merged ``into`` another's (None: take that back); or, as an owner of the other,
        merge what was offered. Supports add up, of nobody twice.

        Raises ``Conflict``: ``merge_not_offered``, ``demand_not_open``, ``illegal_move``.
        """
        with self._database.write() as session:
            rows = held(session, actor, [demand_id] if into is None else [demand_id, into])
            source = rows[demand_id]
            own = permits(actor, "demand.change", source.organisation_id)
            target = None if into is None else rows[into]
            if target is None or not permits(actor, "demand.change", target.organisation_id):
                require(actor, "demand.change", source.organisation_id)
                return self._offer(session, actor, source, target)
            _refuse_pair(source, target)
            if not own and source.offered_to != target.id:
                raise Conflict(
                    f"the owner of demand {source.id} has not offered to merge it into {target.id}",
                    code="merge_not_offered", field="into", found=source.offered_to,
                    expected="an offer by the demand's owner",
                )  # fmt: skip
            self._merge(session, actor, source, target)
        return source

    def take_up(self, actor: Actor, demand_id: int, call_slug: str) -> Demand:
        """Link an open demand to a call, by the call's owner, until the call closes."""
        with self._database.write() as session:
            call = visibility.call_to_change(session, actor, call_slug)
            state = state_at(call, self._clock.micros())
            if state not in OPEN_CALLS:
                raise Conflict(f"the call {call.slug} is {state}", code="call_not_open", field="call", found=state,
                               expected="a call that has not closed")  # fmt: skip
            row = held(session, actor, [demand_id])[demand_id]
            lifecycles.move(DEMAND, row, "taken_up")
            row.call_id = call.id
            note(session, self._clock.micros(), actor, "demand.taken_up", row, call=call.slug)
            if state != "draft":
                telling.linked(session, self._clock.micros(), row, call)
        return row

    def _offer(self, session: Session, actor: Actor, source: Demand, target: Demand | None) -> Demand:
        if target is not None:
            _refuse_pair(source, target)
            DEMAND.check(source.state, "merged")
        source.offered_to = None if target is None else target.id
        note(session, self._clock.micros(), actor, "demand.offer", source, into=source.offered_to)
        if target is not None:
            telling.offered(session, self._clock.micros(), source, target)
        return source

    def _merge(self, session: Session, actor: Actor, source: Demand, target: Demand) -> None:
        lifecycles.move(DEMAND, source, "merged")
        there = select(DemandSupport.person_id).where(DemandSupport.demand_id == target.id)
        of_source = DemandSupport.demand_id == source.id
        unsynchronised = {"synchronize_session": False}
        session.execute(
            delete(DemandSupport).where(of_source, DemandSupport.person_id.in_(there)), execution_options=unsynchronised
        )
        session.execute(
            update(DemandSupport).where(of_source).values(demand_id=target.id), execution_options=unsynchronised
        )
        source.merged_into, source.offered_to = target.id, None
        for former in session.scalars(select(Demand).where(Demand.merged_into == source.id)):
            former.merged_into = target.id  # an address of old leads on in one step
        for row in (source, target):
            _count(session, row)
        now = self._clock.micros()
        note(session, now, actor, "demand.merged", source, into=target.id)
        note(session, now, actor, "demand.grown", target, merged=source.id)
        telling.merged(session, now, source, target)

    def _living(self, session: Session, actor: Actor, demand_id: int) -> Demand:
        """Held; where it was merged, the one that it is part of."""
        row = held(session, actor, [demand_id])[demand_id]
        return row if row.merged_into is None else held(session, actor, [row.merged_into])[row.merged_into]


def _own(demand_id: int, actor: Actor) -> Select[DemandSupport]:
    return select(DemandSupport).where(DemandSupport.demand_id == demand_id, DemandSupport.person_id == actor.person_id)


def _count(session: Session, row: Demand) -> None:
    session.flush()
    row.supports = session.scalar(select(func.count()).where(DemandSupport.demand_id == row.id)) or 0


def _refuse_pair(source: Demand, target: Demand) -> None:
    if source.id == target.id:
        raise Conflict("a demand is not merged into itself", code="illegal_move", field="into", found=target.id,
                       expected="another demand")  # fmt: skip
    if target.state not in SUPPORTABLE:
        raise Conflict(f"demand {target.id} is {target.state}", code="demand_not_open", field="into",
                       found=target.state, expected="an open demand")  # fmt: skip
