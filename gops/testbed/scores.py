"""Scores: entered by the call's owner for what nobody reviews, and what ends the review of a call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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
from gops.testbed.review import asked
from gops.testbed.review.closing import close, live
from gops.testbed.review.people import refuse_unless_closed, to_judge


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
            found = to_judge(session, call)
            _refuse_other(call)
            reviewed = live(session, list(scores))
            for application_id, score in scores.items():
                if application_id not in found:
                    raise wrong("not_eligible", f"scores.{application_id}", application_id,
                                "an eligible application in this call")  # fmt: skip
                if reviewed[application_id]:
                    raise wrong("score_by_review", f"scores.{application_id}", application_id,
                                "an application that no evaluator was assigned to")  # fmt: skip
                row = found[application_id]
                if row.state == "eligible":
                    lifecycles.move(APPLICATION, row, "scored")
                row.score = score
            self._note(session, actor, "score.enter", call, scores={str(key): value for key, value in scores.items()})
        return [found[application_id] for application_id in sorted(scores)]

    def finish(self, actor: Actor, call_slug: str) -> Call:
        """The call is scored: every eligible application has the score that was entered or the mean of its reviews, and
        none changes any more. Raises ``Conflict`` (``score_missing``, ``review_incomplete``)."""
        with self._database.write() as session:
            call = self._closed(session, actor, call_slug)
            close(session, call, to_judge(session, call))
            lifecycles.move(CALL, call, "scored")
            self._note(session, actor, "call.scored", call)
        return call

    def _closed(self, session: Session, actor: Actor, call_slug: str) -> Call:
        call = visibility.call_to_change(session, actor, call_slug)
        calls.advance(session, call, self._clock.micros())
        refuse_unless_closed(call)
        return call

    def _note(self, session: Session, actor: Actor, action: str, call: Call, **detail: object) -> None:
        now = self._clock.micros()
        audit.record(session, now, actor, action, "call", call.id, call.organisation_id, **detail)
        events.append(session, now, "call.changed", call=call.id)


def _refuse_other(call: Call) -> None:
    if asked.is_municipal(call.terms):
        raise Conflict(f"the municipalities score in {call.slug}", code="scoring_otherwise", field="call",
                       found="municipal", expected="a call whose terms say scoring panel")  # fmt: skip
