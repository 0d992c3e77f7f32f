"""Consortia: the other organisations of an application. Each confirms by itself before the application is handed in.

The applicant asks while the application is a draft; whoever may apply for the asked organisation answers, until the
call closes. A change of the draft asks those anew who had confirmed: they stand for what they read. Asked organisations
see the application; those that declined see it no more.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gops.accounts import checks as names
from gops.accounts.lookup import organisation
from gops.clock import Clock
from gops.errors import Conflict
from gops.permissions import Actor, missing, require
from gops.records import audit, events
from gops.records.database import Database, flush_unique
from gops.sensors.texts import line
from gops.testbed import lifecycles, notices, visibility
from gops.testbed.call_model import Member
from gops.testbed.call_rules import MEMBERS_MAX
from gops.testbed.checks import wrong
from gops.testbed.lifecycles import MEMBER
from gops.testbed.model import Application, Call
from gops.testbed.timetable import state_at

ANSWERS = ("confirmed", "declined")


class Consortia:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def ask(self, actor: Actor, application_id: int, organisation_slug: str, part: str = "") -> Member:
        """Ask an organisation to join a draft. Raises ``Invalid``, ``Conflict`` (``member_asked``, ``not_a_draft``)."""
        now = self._clock.micros()
        with self._database.write() as session:
            row = self._draft(session, actor, application_id)
            home = organisation(session, organisation_slug)
            if home.id == row.organisation_id:
                raise wrong("invalid_value", "organisation", home.slug, "another organisation than the applicant")
            count = select(func.count()).select_from(Member).where(Member.application_id == row.id)
            if (session.scalar(count) or 0) + 1 >= MEMBERS_MAX:
                raise Conflict(f"application {row.id} has its most organisations", code="too_many", field="members",
                               found=MEMBERS_MAX + 1, expected=f"at most {MEMBERS_MAX} with the applicant")  # fmt: skip
            made = Member(application_id=row.id, organisation_id=home.id, part=line(part, "part"),
                          state=MEMBER.states[0], asked_at=now)  # fmt: skip
            session.add(made)
            flush_unique(session, Conflict(f"{home.slug} was asked", code="member_asked", field="organisation",
                                           found=home.slug, expected="an organisation that was not asked"))  # fmt: skip
            self._note(session, actor, "application.member_ask", row, made)
            events.append(session, now, "consortium.asked", application=row.id, organisation=home.id)
            notices.asked_to_join(session, now, row, home.id)
        return made

    def remove(self, actor: Actor, application_id: int, organisation_slug: str) -> None:
        """Take an organisation out of a draft, whatever it answered."""
        with self._database.write() as session:
            row = self._draft(session, actor, application_id)
            member = _member(session, row, organisation(session, organisation_slug).id)
            session.delete(member)
            self._note(session, actor, "application.member_remove", row, member)

    def answer(self, actor: Actor, application_id: int, organisation_slug: str, answer: str) -> Member:
        """``confirmed`` or ``declined``, by the asked organisation, until the call closes. To decline takes a submitted
        application back: it stands for less than was handed in.
        """
        wanted, now = names.one_of(answer, ANSWERS, "state"), self._clock.micros()
        with self._database.write() as session:
            row = visibility.application(session, actor, application_id)
            call = session.get_one(Call, row.call_id, with_for_update={"key_share": True})
            home = organisation(session, organisation_slug)
            require(actor, "application.write", home.id)
            member = _member(session, row, home.id)
            _refuse_closed(call, now)
            session.refresh(row, with_for_update={"key_share": True})
            lifecycles.move(MEMBER, member, wanted)
            member.answered_at = now
            if wanted == "declined" and row.state == "submitted":
                lifecycles.move(lifecycles.APPLICATION, row, "draft")
                row.submitted_at = None
            self._note(session, actor, f"application.member_{wanted}", row, member)
            events.append(session, now, "consortium.answered", application=row.id, organisation=home.id)
            notices.member_answered(session, now, call, row, home, wanted)
        return member

    def list(self, actor: Actor, application_id: int) -> Sequence[Member]:
        with self._database.read() as session:
            row = visibility.application(session, actor, application_id)
            query = select(Member).where(Member.application_id == row.id)
            return session.scalars(query.order_by(Member.id)).all()

    def _draft(self, session: Session, actor: Actor, application_id: int) -> Application:
        row = visibility.application_to_change(session, actor, application_id)
        _refuse_closed(session.get_one(Call, row.call_id), self._clock.micros())
        if row.state != "draft":
            raise Conflict(f"application {row.id} is {row.state}", code="not_a_draft", field="state", found=row.state,
                           expected="a draft; take it back first")  # fmt: skip
        return row

    def _note(self, session: Session, actor: Actor, action: str, row: Application, member: Member) -> None:
        now = self._clock.micros()
        audit.record(session, now, actor, action, "application", row.id, row.organisation_id,
                     organisation=member.organisation_id)  # fmt: skip
        events.append(session, now, "application.changed", application=row.id)


def ask_again(session: Session, row: Application) -> None:
    """After a change of the application: who had confirmed something else is asked anew."""
    confirmed = select(Member).where(Member.application_id == row.id, Member.state == "confirmed")
    for member in session.scalars(confirmed):
        lifecycles.move(MEMBER, member, "asked")
        member.answered_at = None


def refuse_unconfirmed(session: Session, row: Application) -> None:
    """Raises ``Conflict`` (``member_unconfirmed``) while somebody of the consortium has not confirmed."""
    waiting = select(func.count()).select_from(Member)
    found = session.scalar(waiting.where(Member.application_id == row.id, Member.state != "confirmed")) or 0
    if found:
        raise Conflict(f"{found} organisations of the consortium have not confirmed", code="member_unconfirmed",
                       field="members", found=found, expected="all confirmed; or take out who does not")  # fmt: skip


def _member(session: Session, row: Application, organisation_id: int) -> Member:
    query = select(Member).where(Member.application_id == row.id, Member.organisation_id == organisation_id)
    found = session.scalar(query)
    if found is None:
        raise missing("member of the consortium")
    return found


def _refuse_closed(call: Call, now: int) -> None:
    state = state_at(call, now)
    if state not in ("published", "open"):
        raise Conflict(f"the call {call.slug} is {state}", code="call_not_open", field="call", found=state,
                       expected="a call that is published or open")  # fmt: skip
