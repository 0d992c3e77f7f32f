"""Review forms: written by the evaluator whom an application was assigned to, blind until they are handed in."""

from __future__ import annotations

import builtins
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from gops.accounts.checks import whole
from gops.clock import Clock
from gops.errors import Conflict
from gops.permissions import Actor, missing, require
from gops.records import audit, events
from gops.records.database import Database
from gops.records.paging import is_id, page
from gops.sensors.texts import prose
from gops.testbed import calls, lifecycles, visibility
from gops.testbed.checks import wrong
from gops.testbed.lifecycles import REVIEW
from gops.testbed.model import Application, Call
from gops.testbed.review import people
from gops.testbed.review.conflicts import refuse
from gops.testbed.review.model import Evaluator, Review
from gops.testbed.review.totals import weighted

SCORED = ("scored", "allocated", "final")


class Reviews:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def list(self, actor: Actor, call_slug: str | None = None, after: int = 0, limit: int = 100) -> Sequence[Review]:
        """The actor's own, those taken away left out; of a call."""
        require(actor, "review.write", actor.organisation_id)
        query = select(Review).where(_own(actor))
        with self._database.read() as session:
            if call_slug is not None:
                of_call = Application.call_id == visibility.call(session, actor, call_slug).id
                query = query.where(Review.application_id.in_(select(Application.id).where(of_call)))
            return session.scalars(page(query, Review.id, after, limit)).all()

    def get(self, actor: Actor, review_id: int) -> Review:
        """One's own; else ``NotFound``."""
        require(actor, "review.write", actor.organisation_id)
        with self._database.read() as session:
            return _review(session, actor, review_id)

    def others(self, actor: Actor, review_id: int) -> Sequence[Review]:
        """What others wrote of the same application: once one's own is handed in and the call is scored."""
        require(actor, "review.write", actor.organisation_id)
        with self._database.read() as session:
            own = _review(session, actor, review_id)
            call = session.get_one(Call, session.get_one(Application, own.application_id).call_id)
            if own.state != "submitted" or call.state not in SCORED:
                raise Conflict("reviews are blind until the call is scored", code="review_blind", field="review",
                               found=call.state, expected="an own review handed in, of a scored call")  # fmt: skip
            query = select(Review).where(Review.application_id == own.application_id, Review.id != own.id)
            return session.scalars(query.where(Review.state == "submitted").order_by(Review.id)).all()

    def save(
        self,
        actor: Actor,
        review_id: int,
        scores: Mapping[str, int],
        comment_ko: str = "",
        comment_en: str = "",
    ) -> Review:
        """Write a form down: scores of 0..100 by the names of the call's criteria, all or some of them, and comments
        for the applicant. What stood there before is replaced. Raises ``Conflict`` (``review_submitted``)."""
        korean, english = prose(comment_ko, "comment_ko"), prose(comment_en, "comment_en")
        with self._database.write() as session:
            row, call = self._writable(session, actor, review_id)
            row.scores = _scores(call, scores)
            row.comment_ko, row.comment_en = korean, english
            self._note(session, actor, "review.save", row, call)
        return row

    def submit(self, actor: Actor, review_id: int) -> Review:
        """For good. Raises ``Invalid`` (``review_incomplete``), ``Conflict`` (``conflict_of_interest``)."""
        with self._database.write() as session:
            row, call = self._writable(session, actor, review_id)
            given = [score for score in row.scores if score is not None]
            if len(given) < len(call.terms["criteria"]):
                raise wrong(
                    "review_incomplete", "scores", len(given), f"{len(call.terms['criteria'])} scores, one a criterion"
                )
            if not (row.comment_ko or row.comment_en):
                raise wrong("review_incomplete", "comment_ko", None, "words for the applicant, in Korean or English")
            one = session.get_one(Evaluator, row.evaluator_id)
            refuse(session, one, session.get_one(Application, row.application_id))
            lifecycles.move(REVIEW, row, "submitted")
            row.total = weighted(given, [criterion["weight"] for criterion in call.terms["criteria"]])
            row.submitted_at = self._clock.micros()
            self._note(session, actor, "review.submit", row, call)
        return row

    def criteria(self, rows: Sequence[Review]) -> dict[int, builtins.list[str]]:
        """The names of the criteria that the scores of each form stand for."""
        with self._database.read() as session:
            query = select(Application.id, Call.terms).join(Call, Call.id == Application.call_id)
            found = session.execute(query.where(Application.id.in_({row.application_id for row in rows})))
            by_application = {row.id: [one["name"] for one in row.terms["criteria"]] for row in found}
        return {row.id: by_application[row.application_id] for row in rows}

    def _writable(self, session: Session, actor: Actor, review_id: int) -> tuple[Review, Call]:
        """The form and its call, held; the call first."""
        require(actor, "review.write", actor.organisation_id)
        row = _review(session, actor, review_id)
        of_call = session.get_one(Application, row.application_id).call_id
        call = session.get_one(Call, of_call, with_for_update={"key_share": True})
        calls.advance(session, call, self._clock.micros())
        people.refuse_unless_closed(call)
        session.refresh(row, with_for_update=True)
        if row.state != "draft":
            raise Conflict(f"review {row.id} is {row.state}", code="review_submitted", field="state", found=row.state,
                           expected="a review that is a draft")  # fmt: skip
        return row, call

    def _note(self, session: Session, actor: Actor, action: str, row: Review, call: Call) -> None:
        """Without its scores: who reads the audit is no exception to what is blind."""
        now = self._clock.micros()
        audit.record(session, now, actor, action, "review", row.id, call.organisation_id)
        events.append(session, now, "review.changed", review=row.id)


def by_name(names: Sequence[str], row: Review) -> dict[str, Any]:
    """The scores that are there, by criterion."""
    return {name: score for name, score in zip(names, row.scores, strict=False) if score is not None}


def _scores(call: Call, given: Mapping[str, int]) -> list[int | None]:
    names = [criterion["name"] for criterion in call.terms["criteria"]]
    for name in given:
        if name not in names:
            raise wrong("unknown_criterion", "scores", name, "one of " + ", ".join(names))
    return [None if name not in given else whole(given[name], 0, 100, f"scores.{name}") for name in names]


def _own(actor: Actor) -> ColumnElement[bool]:
    mine = select(Evaluator.id).where(Evaluator.person_id == actor.person_id)
    return Review.evaluator_id.in_(mine) & (Review.state != "removed")


def _review(session: Session, actor: Actor, review_id: int) -> Review:
    found = session.scalar(select(Review).where(Review.id == review_id, _own(actor))) if is_id(review_id) else None
    if found is None:
        raise missing("review")
    return found
