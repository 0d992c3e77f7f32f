"""The panel of a call: its evaluators, who of them judges what, and how far they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gops.accounts import checks as names
from gops.clock import Clock
from gops.errors import Conflict
from gops.permissions import Actor, missing, permits, require
from gops.records import audit, events
from gops.records.database import Database, flush_unique
from gops.records.paging import is_id
from gops.sensors.texts import reason
from gops.settings import Settings
from gops.testbed import calls, lifecycles, notices, visibility
from gops.testbed.lifecycles import REVIEW
from gops.testbed.model import Application, Call
from gops.testbed.review import asked, people
from gops.testbed.review.assigning import LOAD_MAX, PAIRS_MAX, Assigned, Panel, assign
from gops.testbed.review.conflicts import conflicts, refuse
from gops.testbed.review.model import Evaluator, Review, ReviewBid

OPEN = ("published", "open", "closed")


@dataclass(frozen=True)
class Seat:
    """Who judges what, and whether it is done. Never how."""

    application: int
    evaluator: int
    state: str
    by_hand: bool


class Panels:
    def __init__(self, database: Database, clock: Clock, settings: Settings) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings

    def add(
        self,
        actor: Actor,
        call_slug: str,
        email: str,
        organisation_slug: str,
        name: str,
        load: int | None = None,
        employers: Sequence[str] = (),
    ) -> Evaluator:
        """By the call's owner, until it is scored: somebody who has a role in an organisation here. ``employers``:
        slugs of organisations that they worked for lately. Raises ``NotFound``, ``Conflict`` (``evaluator_there``)."""
        most = self._settings.review_load if load is None else names.whole(load, 1, LOAD_MAX, "load")
        with self._database.write() as session:
            call = self._open(session, actor, call_slug)
            person, home = people.member(session, email, organisation_slug)
            self._refuse_more(session, call)
            made = Evaluator(
                call_id=call.id, person_id=person.id, organisation_id=home.id, name=names.name(name), load=most,
                employers=people.organisations(session, employers), added_at=self._clock.micros(),
            )  # fmt: skip
            session.add(made)
            flush_unique(session, Conflict("this person is an evaluator of the call", code="evaluator_there",
                                           field="email", found=names.email(email),
                                           expected="somebody who is not"))  # fmt: skip
            self._note(session, actor, "evaluator.add", call, evaluator=made.id, person=person.id)
        return made

    def remove(self, actor: Actor, call_slug: str, evaluator_id: int, why: str) -> None:
        """Their reviews that are not handed in go too; handed in ones must be taken away first, each with a reason."""
        text = reason(why)
        with self._database.write() as session:
            call = self._open(session, actor, call_slug)
            one = _evaluator(session, call, evaluator_id)
            rows = session.scalars(select(Review).where(Review.evaluator_id == one.id)).all()
            done = [row.application_id for row in rows if row.state == "submitted"]
            if done:
                raise Conflict(f"evaluator {one.id} has handed in {len(done)} reviews", code="review_submitted",
                               field="evaluator", found=", ".join(map(str, done[:20])),
                               expected="an evaluator without any")  # fmt: skip
            bids = session.scalars(select(ReviewBid).where(ReviewBid.evaluator_id == one.id)).all()
            for row in (*rows, *bids):
                session.delete(row)
            session.flush()
            session.delete(one)
            self._note(session, actor, "evaluator.remove", call, evaluator=one.id, person=one.person_id, reason=text)

    def list(self, actor: Actor, call_slug: str) -> Sequence[Evaluator]:
        """For who may change the call, and the auditor: names of evaluators are not public."""
        with self._database.read() as session:
            call = visible(session, actor, call_slug)
            return session.scalars(select(Evaluator).where(Evaluator.call_id == call.id).order_by(Evaluator.id)).all()

    def assign(self, actor: Actor, call_slug: str) -> Sequence[Seat]:
        """Give every eligible application the evaluators that it lacks, by the best assignment; what stands stays.

        Raises ``Conflict``: ``review_infeasible`` (with who is lacking where), ``review_changed``; ``Unavailable``.
        """
        with self._database.write() as session:
            call = self._closed(session, actor, call_slug)
            panel = self._panel(session, call)
        found = assign(panel)  # may take seconds: others write meanwhile
        _refuse_short(found)
        with self._database.write() as session:
            call = self._closed(session, actor, call_slug)
            if self._panel(session, call) != panel:
                raise Conflict("bids, conflicts or evaluators changed meanwhile", code="review_changed", field="call",
                               found=call.slug, expected="the same panel; assign again")  # fmt: skip
            for application, evaluator in found.added:
                self._seat(session, evaluator, application, by_hand=False)
            self._note(session, actor, "review.assign", call, added=[list(pair) for pair in found.added],
                       cost=found.cost)  # fmt: skip
            return _seats(session, call)

    def seat(self, actor: Actor, call_slug: str, application_id: int, evaluator_id: int, why: str) -> Sequence[Seat]:
        """By hand, with a reason for the audit; a conflict stands against it, a load does not."""
        text = reason(why)
        with self._database.write() as session:
            call = self._closed(session, actor, call_slug)
            one, row = _evaluator(session, call, evaluator_id), _application(session, call, application_id)
            refuse(session, one, row)
            self._seat(session, one.id, row.id, by_hand=True)
            self._note(session, actor, "review.seat", call, application=row.id, evaluator=one.id, reason=text)
            return _seats(session, call)

    def unseat(self, actor: Actor, call_slug: str, application_id: int, evaluator_id: int, why: str) -> Sequence[Seat]:
        """By hand: the form is void, handed in or not, and the pair is not assigned again by itself."""
        text = reason(why)
        with self._database.write() as session:
            call = self._closed(session, actor, call_slug)
            row = _review(session, evaluator_id, application_id)
            if row is None or session.get_one(Evaluator, row.evaluator_id).call_id != call.id:
                raise missing("review")
            was = row.state
            lifecycles.move(REVIEW, row, "removed")
            self._note(session, actor, "review.unseat", call, application=row.application_id,
                       evaluator=row.evaluator_id, was=was, reason=text)  # fmt: skip
            return _seats(session, call)

    def seats(self, actor: Actor, call_slug: str) -> Sequence[Seat]:
        """Who judges what, and how far: for who may change the call, and the auditor."""
        with self._database.read() as session:
            return _seats(session, visible(session, actor, call_slug))

    def _open(self, session: Session, actor: Actor, call_slug: str) -> Call:
        call = visibility.call_to_change(session, actor, call_slug)
        calls.advance(session, call, self._clock.micros())
        if call.state not in OPEN:
            raise Conflict(f"the call {call.slug} is {call.state}", code="call_not_closed", field="call",
                           found=call.state, expected="a call that is published and not yet scored")  # fmt: skip
        if asked.is_municipal(call.terms):
            raise Conflict(f"the municipalities score in {call.slug}", code="scoring_otherwise", field="call",
                           found="municipal", expected="a call whose terms say scoring panel")  # fmt: skip
        return call

    def _closed(self, session: Session, actor: Actor, call_slug: str) -> Call:
        call = self._open(session, actor, call_slug)
        people.refuse_unless_closed(call)
        return call

    def _refuse_more(self, session: Session, call: Call) -> None:
        most = self._settings.call_evaluators
        count = session.scalar(select(func.count()).select_from(Evaluator).where(Evaluator.call_id == call.id)) or 0
        if count >= most:
            raise Conflict(f"the call {call.slug} has {count} evaluators", code="too_many", field="evaluators",
                           found=count + 1, expected=f"at most {most} (GOPS_CALL_EVALUATORS)")  # fmt: skip

    def _panel(self, session: Session, call: Call) -> Panel:
        rows = people.to_judge(session, call)
        ones = session.scalars(select(Evaluator).where(Evaluator.call_id == call.id).order_by(Evaluator.id)).all()
        if len(rows) * len(ones) > PAIRS_MAX:
            raise Conflict(f"{len(rows)} applications and {len(ones)} evaluators are too many", code="too_many",
                           field="evaluators", found=len(rows) * len(ones),
                           expected=f"at most {PAIRS_MAX} pairs; assign by hand, or with fewer evaluators")  # fmt: skip
        ids = [one.id for one in ones]
        reviews = session.scalars(select(Review).where(Review.evaluator_id.in_(ids))).all()
        bids = session.scalars(select(ReviewBid).where(ReviewBid.evaluator_id.in_(ids))).all()
        gone = {(row.application_id, row.evaluator_id) for row in reviews if row.state == "removed"}
        return Panel(
            tuple(rows),
            {one.id: one.load for one in ones},
            asked.section(call.terms)["reviews"],
            {(row.application_id, row.evaluator_id): row.bid for row in bids if row.bid != "conflict"},
            frozenset(gone | conflicts(session, ones, list(rows.values())).keys()),
            frozenset((row.application_id, row.evaluator_id) for row in reviews if row.state != "removed"),
        )

    def _seat(self, session: Session, evaluator: int, application: int, *, by_hand: bool) -> None:
        row = _review(session, evaluator, application)
        if row is not None:
            lifecycles.move(REVIEW, row, "draft")
            row.by_hand, row.total, row.submitted_at = by_hand, None, None
        else:
            session.add(Review(
                evaluator_id=evaluator, application_id=application, state=REVIEW.states[0], by_hand=by_hand, scores=[],
                comment_ko="", comment_en="", assigned_at=self._clock.micros(),
            ))  # fmt: skip
        session.flush()
        notices.to_judge(session, self._clock.micros(), session.get_one(Evaluator, evaluator))

    def _note(self, session: Session, actor: Actor, action: str, call: Call, **detail: object) -> None:
        now = self._clock.micros()
        audit.record(session, now, actor, action, "call", call.id, call.organisation_id, **detail)
        events.append(session, now, "call.changed", call=call.id)


def visible(session: Session, actor: Actor, call_slug: str) -> Call:
    """For who may change the call, and for the auditor: the operator runs rounds, and knows no evaluator."""
    call = visibility.call(session, actor, call_slug)
    if not permits(actor, "review.read", None):
        require(actor, "call.change", call.organisation_id)
    return call


def _refuse_short(found: Assigned) -> None:
    if found.shortages:
        first = "; ".join(
            f"application {row.application} lacks {row.lacking} (free of conflicts: {row.free})"
            for row in found.shortages[:20]
        )
        raise Conflict(f"{len(found.shortages)} applications cannot have their reviews", code="review_infeasible",
                       field="evaluators", found=first,
                       expected="more evaluators without a conflict, or larger loads")  # fmt: skip


def _seats(session: Session, call: Call) -> Sequence[Seat]:
    query = select(Review).join(Evaluator, Evaluator.id == Review.evaluator_id).where(Evaluator.call_id == call.id)
    rows = session.scalars(query.order_by(Review.application_id, Review.evaluator_id))
    return [Seat(row.application_id, row.evaluator_id, row.state, row.by_hand) for row in rows]


def _evaluator(session: Session, call: Call, evaluator_id: int) -> Evaluator:
    found = session.get(Evaluator, evaluator_id) if is_id(evaluator_id) else None
    if found is None or found.call_id != call.id:
        raise missing("evaluator of this call")
    return found


def _application(session: Session, call: Call, application_id: int) -> Application:
    found = people.to_judge(session, call).get(application_id)
    if found is None:
        raise missing("eligible application in this call")
    return found


def _review(session: Session, evaluator_id: int, application_id: int) -> Review | None:
    if not (is_id(evaluator_id) and is_id(application_id)):
        return None
    query = select(Review).where(Review.evaluator_id == evaluator_id, Review.application_id == application_id)
    return session.scalar(query)
