"""Scores, entered by the call's owner after its close (reviews by evaluators come later)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from gops.accounts.checks import whole
from gops.clock import Clock
from gops.errors import Conflict
from gops.permissions import Actor
from gops.records import audit, events
from gops.records.database import Database
from gops.testbed import calls, lifecycles, visibility
from gops.testbed.allocation.instance import SCORE_MAX
from gops.testbed.checks import wrong
from gops.testbed.lifecycles import APPLICATION, CALL
from gops.testbed.model import Application, Call


class Scores:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def enter(self, actor: Actor, call_slug: str, scores: Mapping[int, int]) -> Sequence[Application]:
        """Scores (0..10000) by application; entered again they are corrected, until the call is scored."""
        for application_id, score in scores.items():
            whole(score, 0, SCORE_MAX, f"scores.{application_id}")
        with self._database.write() as session:
            call = self._closed(session, actor, call_slug)
            found = _eligible(session, call)
            for application_id, score in scores.items():
                if application_id not in found:
                    raise wrong("not_eligible", f"scores.{application_id}", application_id,
                                "an eligible application in this call")  # fmt: skip
                row = found[application_id]
                if row.state == "eligible":
                    lifecycles.move(APPLICATION, row, "scored")
                row.score = score
            self._note(session, actor, "score.enter", call, scores={str(key): value for key, value in scores.items()})
        return [found[application_id] for application_id in sorted(scores)]

    def finish(self, actor: Actor, call_slug: str) -> Call:
        """The call is scored: every eligible application has a score, and none changes any more."""
        with self._database.write() as session:
            call = self._closed(session, actor, call_slug)
            missing = [row.id for row in _eligible(session, call).values() if row.state == "eligible"]
            if missing:
                raise Conflict(
                    f"{len(missing)} eligible applications have no score", code="score_missing", field="scores",
                    found=", ".join(map(str, missing[:20])), expected="a score of every eligible application",
                )  # fmt: skip
            lifecycles.move(CALL, call, "scored")
            self._note(session, actor, "call.scored", call)
        return call

    def _closed(self, session: Session, actor: Actor, call_slug: str) -> Call:
        call = visibility.call_to_change(session, actor, call_slug)
        calls.advance(session, call, self._clock.micros())
        if call.state != "closed":
            raise Conflict(f"the call {call.slug} is {call.state}", code="call_not_closed", field="call",
                           found=call.state, expected="a call that is closed and not yet scored")  # fmt: skip
        return call

    def _note(self, session: Session, actor: Actor, action: str, call: Call, **detail: object) -> None:
        now = self._clock.micros()
        audit.record(session, now, actor, action, "call", call.id, call.organisation_id, **detail)
        events.append(session, now, "call.changed", call=call.id)


def _eligible(session: Session, call: Call) -> dict[int, Application]:
    query = select(Application).where(Application.call_id == call.id, Application.state.in_(("eligible", "scored")))
    return {row.id: row for row in session.scalars(query.order_by(Application.id))}
