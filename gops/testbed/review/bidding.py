"""Bids: what the evaluators of a closed call would like to judge, and with what they have a conflict of interest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from gops.accounts.checks import one_of
from gops.accounts.model import Organisation
from gops.clock import Clock
from gops.errors import Conflict
from gops.permissions import Actor
from gops.records import audit, events
from gops.records.database import Database
from gops.sensors.texts import prose
from gops.testbed import calls, lifecycles, visibility
from gops.testbed.checks import wrong
from gops.testbed.lifecycles import REVIEW
from gops.testbed.model import Application
from gops.testbed.review import people
from gops.testbed.review.conflicts import Conflicts, conflicts
from gops.testbed.review.model import Evaluator, Review, ReviewBid

BIDS = ("yes", "maybe", "no", "conflict")


@dataclass(frozen=True)
class Listed:
    """What an evaluator sees of an application before the assignment: enough to know whether there is a conflict.
    ``conflict``: why, as of ``conflicts``."""

    application: int
    title: str
    organisation: str
    theme: str | None
    bid: str | None
    reason: str
    conflict: str | None


class Bids:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def list(self, actor: Actor, call_slug: str) -> Sequence[Listed]:
        """Every eligible application of the call. Raises ``NotFound`` for who is no evaluator of it."""
        with self._database.read() as session:
            call = visibility.call(session, actor, call_slug)
            one = people.evaluator(session, actor, call)
            rows = people.to_judge(session, call)
            return _listed(session, one, rows, conflicts(session, [one], list(rows.values())))

    def put(self, actor: Actor, call_slug: str, given: Mapping[int, tuple[str, str]]) -> Sequence[Listed]:
        """Bids and reasons by application, until the call is scored; of those not named nothing changes. A conflict is
        declared for good, and takes a review away that was assigned or even handed in."""
        now = self._clock.micros()
        with self._database.write() as session:
            call = visibility.call(session, actor, call_slug, lock=True)
            one = people.evaluator(session, actor, call)
            calls.advance(session, call, now)
            people.refuse_unless_closed(call)
            rows = people.to_judge(session, call)
            for application, (bid, why) in sorted(given.items()):
                if application not in rows:
                    raise wrong("not_eligible", f"bids.{application}", application,
                                "an eligible application in this call")  # fmt: skip
                self._put(session, one, application, one_of(bid, BIDS, f"bids.{application}"), prose(why, "reason"))
            audit.record(session, now, actor, "review.bid", "call", call.id, call.organisation_id,
                         evaluator=one.id, bids={str(key): bid for key, (bid, _) in given.items()})  # fmt: skip
            events.append(session, now, "call.changed", call=call.id)
            session.flush()
            return _listed(session, one, rows, conflicts(session, [one], list(rows.values())))

    def _put(self, session: Session, one: Evaluator, application: int, bid: str, why: str) -> None:
        query = select(ReviewBid).where(ReviewBid.evaluator_id == one.id, ReviewBid.application_id == application)
        row = session.scalar(query)
        if row is None:
            row = ReviewBid(evaluator_id=one.id, application_id=application, bid="", reason="", at=0)
            session.add(row)
        if row.bid == "conflict" and bid != "conflict":
            raise Conflict("a conflict of interest was declared", code="conflict_of_interest",
                           field=f"bids.{application}", found=bid, expected="conflict, as was declared")  # fmt: skip
        row.bid, row.reason, row.at = bid, why, self._clock.micros()
        if bid == "conflict":
            _take_away(session, one, application)


def _take_away(session: Session, one: Evaluator, application: int) -> None:
    query = select(Review).where(Review.evaluator_id == one.id, Review.application_id == application)
    review = session.scalar(query.where(Review.state != "removed"))
    if review is not None:
        lifecycles.move(REVIEW, review, "removed")


def _listed(session: Session, one: Evaluator, rows: Mapping[int, Application], found: Conflicts) -> Sequence[Listed]:
    bids = {
        row.application_id: row for row in session.scalars(select(ReviewBid).where(ReviewBid.evaluator_id == one.id))
    }
    homes = select(Organisation.id, Organisation.slug).where(
        Organisation.id.in_({r.organisation_id for r in rows.values()})
    )
    slugs = {row.id: row.slug for row in session.execute(homes)}
    return [
        Listed(
            row.id, row.title, slugs[row.organisation_id], row.theme,
            bids[row.id].bid if row.id in bids else None, bids[row.id].reason if row.id in bids else "",
            found.get((row.id, one.id)),
        )
        for row in rows.values()
    ]  # fmt: skip
