"""A round after its appeal window: final as it is, or computed again once with the inputs that appeals corrected."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from gops import logs
from gops.clock import Clock
from gops.errors import GopsError
from gops.permissions import Actor
from gops.records import audit, events
from gops.records.database import Database
from gops.settings import Settings
from gops.testbed import lifecycles
from gops.testbed.appeals import corrections, window
from gops.testbed.appeals.model import Appeal, AppealWindow
from gops.testbed.appeals.service import silent
from gops.testbed.clocks import TestbedClock
from gops.testbed.lifecycles import CALL, ROUND, SLOT, SLOTS_THAT_HOLD
from gops.testbed.model import Application, Call, Round, Slot
from gops.testbed.rounds import Rounds

ITSELF = Actor(platform_roles=frozenset({"operator"}), scopes=frozenset({"platform:admin"}))
"""GOPS, which runs a round where the rules leave nothing to decide; nobody in the audit."""
log = logs.get(__name__)


def appeal_clocks(settings: Settings) -> Sequence[TestbedClock]:
    return (
        TestbedClock("appeal.unanswered", "appeal", lambda: _filed(Appeal.due_at),
                     f"{settings.appeal_answer_days} working days",
                     "upheld where it is about arithmetic or a missing reason, else before the panel", silent),
        TestbedClock("round.appeals", "round", lambda: _windows(AppealWindow.ends_at),
                     f"{settings.appeal_days} working days", "the round is final, or computed again"),
    )  # fmt: skip


def _filed(moment: InstrumentedAttribute[Any]) -> Select[Any]:
    return select(Appeal.id.label("subject"), moment.label("due_at")).where(Appeal.state == "filed")


def _windows(moment: InstrumentedAttribute[Any]) -> Select[Any]:
    query = select(Round.id.label("subject"), moment.label("due_at"))
    return query.join(AppealWindow, AppealWindow.round_id == Round.id).where(Round.state == "published")


class Settling:
    """``run`` by a job: every call whose appeals are over goes on."""

    def __init__(self, database: Database, clock: Clock, settings: Settings, rounds: Rounds) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        self._rounds = rounds

    def run(self) -> int:
        """How many calls went on. What is refused for one is logged, and keeps no other one waiting."""
        done = 0
        for slug in self._due():
            try:
                done += self._settle(slug)
            except GopsError as refused:  # places that were taken, say: the operator sees why, and computes again
                log.warning("round_not_settled", call=slug, code=refused.code, reason=refused.message)
        return done

    def _due(self) -> Sequence[str]:
        now = self._clock.micros()
        over = select(Call.slug).join(Round, Round.call_id == Call.id)
        over = over.join(AppealWindow, AppealWindow.round_id == Round.id)
        over = over.where(Call.state == "allocated", Round.state == "published", AppealWindow.ends_at <= now)
        revising = select(Call.slug).join(Appeal, Appeal.call_id == Call.id)
        revising = revising.where(Call.state == "scored", Appeal.corrected_at.is_not(None))
        denied = select(Round.id).where(Round.call_id == Call.id, Round.state == "computed").exists()
        with self._database.read() as session:
            found = {*session.scalars(over), *session.scalars(revising.where(~denied))}
        return sorted(found)

    def _settle(self, slug: str) -> bool:
        with self._database.write() as session:
            call = session.scalars(select(Call).where(Call.slug == slug).with_for_update(key_share=True)).one()
            if window.undecided(session, call):
                return False
            if call.state == "allocated" and window.upheld(session, call):
                self._correct(session, call)
            revising = call.state == "scored"
        if revising:
            made = self._rounds.compute(ITSELF, slug)
            self._rounds.publish(ITSELF, slug, made.revision)
        self._rounds.finish(ITSELF, slug, self._published(slug))
        return True

    def _correct(self, session: Session, call: Call) -> None:
        """Give back the places of the round, correct the inputs, and the call waits to be allocated again."""
        now = self._clock.micros()
        row = session.scalars(select(Round).where(Round.call_id == call.id, Round.state == "published")).one()
        lifecycles.move(ROUND, row, "superseded")
        lifecycles.move(CALL, call, "scored")
        held = select(Slot).join(Application, Application.id == Slot.application_id)
        held = held.where(Application.call_id == call.id, Slot.state.in_(SLOTS_THAT_HOLD)).order_by(Slot.id)
        for slot in session.scalars(held):
            lifecycles.move(SLOT, slot, "cancelled")
        upheld = window.upheld(session, call)
        for appeal in upheld:
            corrections.apply(session, appeal)
            appeal.corrected_at = now
        audit.record(session, now, ITSELF, "round.reopen", "round", row.id, call.organisation_id,
                     appeals=[appeal.id for appeal in upheld])  # fmt: skip
        events.append(session, now, "call.changed", call=call.id)

    def _published(self, slug: str) -> int:
        query = select(Round.revision).join(Call, Call.id == Round.call_id)
        with self._database.read() as session:
            return session.scalars(query.where(Call.slug == slug, Round.state == "published")).one()
