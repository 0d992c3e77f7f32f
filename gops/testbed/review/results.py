"""What came of the reviews: for the applicant, for those who look after the call, for the auditor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from gops.errors import Conflict
from gops.permissions import Actor, missing, permits, require
from gops.records.database import Database
from gops.records.paging import page
from gops.testbed import visibility
from gops.testbed.model import Application, Call, Round
from gops.testbed.review.forms import SCORED
from gops.testbed.review.model import Evaluator, Review
from gops.testbed.review.totals import Summary, agreement, correlation, habits_seen, summaries

OPEN_APPLICATIONS = 5


@dataclass(frozen=True)
class Consolidated:
    """Of one application. ``comments``: (Korean, English) of each review, in an order that tells nothing of whose it
    is; ``score`` is what decides, ``levelled`` stands beside it."""

    application: int
    score: int | None
    levelled: int | None
    reviews: int
    comments: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Statistics:
    """Of a scored call. ``alpha``: Krippendorff's, of the totals; None where there is nothing to compare. ``icc``: the
    intraclass correlation of one review, ``icc_mean`` that of the mean that decides. ``habits``: of each evaluator how
    many reviews and how much milder than the others. Who is no auditor sees how many outliers there are (zeros) and no
    habits."""

    applications: Sequence[Summary]
    alpha: float | None
    icc: float | None
    icc_mean: float | None
    habits: dict[int, tuple[int, int]]


@dataclass(frozen=True)
class Opened:
    """What everybody may know of a review. ``done``: hundredths of the forms that are handed in, None before any is
    assigned; ``reviews`` and ``alpha`` from the publication of a round on, ``alpha`` of at least ``OPEN_APPLICATIONS``
    applications: of fewer it would say too much of single scores."""

    evaluators: int
    done: int | None
    reviews: int | None
    alpha: float | None


class ReviewResults:
    def __init__(self, database: Database) -> None:
        self._database = database

    def consolidated(self, actor: Actor, application_id: int) -> Consolidated:
        """For those who see the application whole, once a round of the call was published. Raises ``NotFound``."""
        with self._database.read() as session:
            row = visibility.application(session, actor, application_id)
            published = select(Round.id).where(Round.call_id == row.call_id, Round.published_at.is_not(None)).limit(1)
            if session.scalar(published) is None:
                raise missing("published review")
            found = [one for one in _done(session, row.call_id) if one.application_id == row.id]
            summary = {one.application: one for one in _summaries(session, row.call_id)}.get(row.id)
        comments = sorted((one.comment_ko, one.comment_en) for one in found)
        return Consolidated(row.id, row.score, summary.levelled if summary else None, len(found), comments)

    def opened(self, actor: Actor, call_slug: str) -> Opened:
        """For whoever sees the call. Raises ``NotFound``."""
        with self._database.read() as session:
            call = visibility.call(session, actor, call_slug)
            evaluators = session.scalar(select(func.count()).where(Evaluator.call_id == call.id)) or 0
            rows = _of_call(session, call.id, Review.state != "removed")
            published = session.scalar(
                select(Round.id).where(Round.call_id == call.id, Round.published_at.is_not(None))
            )
        done = [row for row in rows if row.state == "submitted"]
        share = len(done) * 100 // len(rows) if rows else None
        if published is None:
            return Opened(evaluators, share, None, None)
        by_application: dict[int, list[int]] = {}
        for row in done:
            by_application.setdefault(row.application_id, []).append(row.total or 0)
        told = sum(len(totals) > 1 for totals in by_application.values()) >= OPEN_APPLICATIONS
        alpha = agreement(list(by_application.values())) if told else None
        return Opened(evaluators, share, len(done), None if alpha is None else round(float(alpha), 2))

    def statistics(self, actor: Actor, call_slug: str) -> Statistics:
        """For who may change the call, for the operator and for the auditor, once it is scored."""
        with self._database.read() as session:
            call = _scored(session, actor, call_slug)
            rows = _done(session, call.id)
        totals = {(row.application_id, row.evaluator_id): row.total or 0 for row in rows}
        by_application: dict[int, list[int]] = {}
        for (application, _), total in totals.items():
            by_application.setdefault(application, []).append(total)
        ratings = list(by_application.values())
        single, together = correlation(ratings) or (None, None)
        knows = permits(actor, "review.read", None)  # an owner knows its evaluators, and not what each of them gave
        found = summaries(totals)
        return Statistics(
            found if knows else [replace(row, outliers=(0,) * len(row.outliers)) for row in found],
            _figure(agreement(ratings)),
            _figure(single),
            _figure(together),
            habits_seen(totals) if knows else {},
        )

    def single(
        self, actor: Actor, call_slug: str, after: int = 0, limit: int = 100
    ) -> Sequence[tuple[Review, Evaluator]]:
        """Every form and whose it is: for the auditor, once the call is scored."""
        require(actor, "review.read", None)
        with self._database.read() as session:
            call = _scored(session, actor, call_slug)
            query = select(Review).where(Review.state == "submitted")
            query = query.join(Evaluator, Evaluator.id == Review.evaluator_id).where(Evaluator.call_id == call.id)
            rows = session.scalars(page(query, Review.id, after, limit)).all()
            return [(row, session.get_one(Evaluator, row.evaluator_id)) for row in rows]


def _figure(value: Fraction | None) -> float | None:
    return None if value is None else round(float(value), 4)


def _scored(session: Session, actor: Actor, call_slug: str) -> Call:
    call = visibility.call(session, actor, call_slug)
    if not (permits(actor, "round.key", None) or permits(actor, "review.read", None)):
        require(actor, "call.change", call.organisation_id)
    if call.state not in SCORED:
        raise Conflict("reviews are blind until the call is scored", code="review_blind", field="call",
                       found=call.state, expected="a call that is scored")  # fmt: skip
    return call


def _done(session: Session, call_id: int) -> Sequence[Review]:
    return _of_call(session, call_id, Review.state == "submitted")


def _of_call(session: Session, call_id: int, wanted: ColumnElement[bool]) -> Sequence[Review]:
    query = select(Review).join(Application, Application.id == Review.application_id)
    of_call = query.where(Application.call_id == call_id, wanted)
    return session.scalars(of_call.order_by(Review.application_id, Review.evaluator_id)).all()


def _summaries(session: Session, call_id: int) -> list[Summary]:
    rows = _done(session, call_id)
    return summaries({(row.application_id, row.evaluator_id): row.total or 0 for row in rows})
