"""The end of a review: every eligible application has its score, or it is said what it lacks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from gops.errors import Conflict
from gops.testbed import lifecycles
from gops.testbed.lifecycles import APPLICATION, REVIEW
from gops.testbed.model import Application, Call
from gops.testbed.review import asked, municipal
from gops.testbed.review.conflicts import conflicts
from gops.testbed.review.model import Evaluator, Review
from gops.testbed.review.totals import mean

Reasons = list[tuple[str, str]]
"""Code and words."""
SHOWN = 20


def close(session: Session, call: Call, rows: Mapping[int, Application]) -> None:
    """Give scores where reviews or municipalities do. Raises ``Conflict`` (``score_missing``, ``review_incomplete``)
    with what each application lacks."""
    reasons = _municipal(session, rows) if asked.is_municipal(call.terms) else _reviewed(session, call, rows)
    if reasons:
        code = reasons[0][0]
        raise Conflict(
            f"{len(reasons)} eligible applications have no score", code=code, field="scores",
            found="; ".join(words for _, words in reasons[:SHOWN]),
            expected="a score of every eligible application, or the reviews that the call asks for",
        )  # fmt: skip


def live(session: Session, applications: Sequence[int]) -> dict[int, list[Review]]:
    """The reviews of each application that were not taken away."""
    found: dict[int, list[Review]] = {application: [] for application in applications}
    query = select(Review).where(Review.application_id.in_(applications), Review.state != "removed")
    for row in session.scalars(query.order_by(Review.id)):
        found[row.application_id].append(row)
    return found


def _reviewed(session: Session, call: Call, rows: Mapping[int, Application]) -> Reasons:
    reviews, needed = live(session, list(rows)), asked.section(call.terms)["reviews"]
    ones = session.scalars(select(Evaluator).where(Evaluator.call_id == call.id)).all()
    against = conflicts(session, ones, [row for row in rows.values() if reviews[row.id]])
    reasons: Reasons = []
    for row in rows.values():
        done = [one for one in reviews[row.id] if one.state == "submitted"]
        biased = [one.evaluator_id for one in done if (row.id, one.evaluator_id) in against]
        if not reviews[row.id]:
            reasons += [("score_missing", f"{row.id}: no score")] if row.state == "eligible" else []
        elif biased:
            reasons.append(("review_incomplete", f"{row.id}: evaluator {biased[0]} has a conflict of interest"))
        elif len(done) < needed:
            reasons.append(("review_incomplete", f"{row.id}: {len(done)} of {needed} reviews"))
        else:
            _give(row, mean(one.total for one in done if one.total is not None))
            for one in reviews[row.id]:
                if one.state == "draft":
                    lifecycles.move(REVIEW, one, "removed")
    return reasons


def _municipal(session: Session, rows: Mapping[int, Application]) -> Reasons:
    everyone = list(rows.values())
    wanted, given = municipal.municipalities(session, everyone), municipal.by_town(session, everyone)
    reasons: Reasons = []
    for row in rows.values():
        lacking = [slug for home, slug in sorted(wanted[row.id].items()) if home not in given[row.id]]
        if lacking:
            reasons.append(("score_missing", f"{row.id}: no score of {', '.join(lacking)}"))
        else:
            _give(row, mean(given[row.id][home] for home in wanted[row.id]))
    return reasons


def _give(row: Application, score: int) -> None:
    if row.state == "eligible":
        lifecycles.move(APPLICATION, row, "scored")
    row.score = score
