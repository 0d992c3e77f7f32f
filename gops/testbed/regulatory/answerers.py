"""Who answers for regulators in a call, and what its checks and exemptions share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gops.accounts import checks as names
from gops.clock import Clock
from gops.errors import Conflict, Forbidden
from gops.notify.telling import APPLICANTS, PUBLISHERS, Tiding, tell
from gops.permissions import ROLES, Actor, missing, permits, require
from gops.records import audit, events
from gops.records.database import Database, flush_unique
from gops.records.paging import is_id
from gops.sensors.texts import reason
from gops.settings import Settings
from gops.testbed import notices, visibility
from gops.testbed.model import Application, Call
from gops.testbed.regulatory.model import Answerer, Exemption, RegulatoryCheck
from gops.testbed.review import people

LIVE = ("submitted", "eligible", "scored", "offered", "reserve", "accepted")
"""States of applications for which it matters whether a rule is in the way."""


class Answerers:
    def __init__(self, database: Database, clock: Clock, settings: Settings) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings

    def add(self, actor: Actor, call_slug: str, email: str, organisation_slug: str, name: str) -> Answerer:
        """By the call's owner: somebody who has a role in a regulator. Raises ``Conflict`` (``answerer_there``)."""
        with self._database.write() as session:
            call = visibility.call_to_change(session, actor, call_slug)
            person, home = people.member(session, email, organisation_slug)
            if home.kind != "regulator":
                raise Forbidden(f"{home.slug} is no regulator", code="not_a_regulator", field="organisation",
                                found=home.kind, expected="a regulator")  # fmt: skip
            self._refuse_more(session, call)
            made = Answerer(call_id=call.id, person_id=person.id, organisation_id=home.id, name=names.name(name),
                            added_at=self._clock.micros())  # fmt: skip
            session.add(made)
            flush_unique(session, Conflict("this person answers in the call", code="answerer_there", field="email",
                                           found=names.email(email), expected="somebody who does not"))  # fmt: skip
            self._note(session, actor, "answerer.add", call, person=person.id)
        return made

    def remove(self, actor: Actor, call_slug: str, answerer_id: int, why: str) -> None:
        """What they answered stands."""
        text = reason(why)
        with self._database.write() as session:
            call = visibility.call_to_change(session, actor, call_slug)
            found = session.get(Answerer, answerer_id) if is_id(answerer_id) else None
            if found is None or found.call_id != call.id:
                raise missing("answerer of this call")
            session.delete(found)
            self._note(session, actor, "answerer.remove", call, person=found.person_id, reason=text)

    def list(self, actor: Actor, call_slug: str) -> Sequence[Answerer]:
        """For who may change the call, and the auditor."""
        with self._database.read() as session:
            call = visibility.call(session, actor, call_slug)
            if not permits(actor, "review.read", None):
                require(actor, "call.change", call.organisation_id)
            query = select(Answerer).where(Answerer.call_id == call.id)
            return session.scalars(query.order_by(Answerer.id)).all()

    def _refuse_more(self, session: Session, call: Call) -> None:
        most = self._settings.call_answerers
        count = session.scalar(select(func.count()).select_from(Answerer).where(Answerer.call_id == call.id)) or 0
        if count >= most:
            raise Conflict(f"{count} people answer in {call.slug}", code="too_many", field="answerers",
                           found=count + 1, expected=f"at most {most} (GOPS_CALL_ANSWERERS)")  # fmt: skip

    def _note(self, session: Session, actor: Actor, action: str, call: Call, **detail: object) -> None:
        now = self._clock.micros()
        audit.record(session, now, actor, action, "call", call.id, call.organisation_id, **detail)
        events.append(session, now, "call.changed", call=call.id)


def answers_in(actor: Actor) -> Any:
    """The ids of the calls in which the actor answers, as a query; of nobody else than who may at all."""
    found = select(Answerer.call_id).where(Answerer.person_id == actor.person_id)
    return found if permits(actor, "regulation.answer", actor.organisation_id) else found.where(Answerer.id == 0)


def require_answerer(session: Session, actor: Actor, call_id: int, noun: str) -> None:
    """Raises ``NotFound``, ``Unauthenticated`` or ``Forbidden``."""
    require(actor, "regulation.answer", actor.organisation_id)
    if session.scalar(answers_in(actor).where(Answerer.call_id == call_id).limit(1)) is None:
        raise missing(noun)


def refuse_dead(row: Application) -> None:
    """Raises ``Conflict`` (``not_handed_in``)."""
    if row.state not in LIVE:
        raise Conflict(f"application {row.id} is {row.state}", code="not_handed_in", field="state", found=row.state,
                       expected="an application that is " + " or ".join(LIVE))  # fmt: skip


def refuse_more(
    session: Session, table: type[RegulatoryCheck] | type[Exemption], row: Application, settings: Settings
) -> None:
    count = session.scalar(select(func.count()).select_from(table).where(table.application_id == row.id)) or 0
    most = settings.application_checks
    if count >= most:
        raise Conflict(f"application {row.id} has {count} of these", code="too_many", field="application",
                       found=count + 1, expected=f"at most {most} (GOPS_APPLICATION_CHECKS)")  # fmt: skip


def tell_all(session: Session, now: int, event: str, subject: int, row: Application, call: Call, **facts: Any) -> None:
    """To the applicant, the call's owner, and those who answer in the call: they alone of their organisations."""
    known = {**notices.of_application(call, row), **facts}
    key = str(facts.get("state", ""))
    told = [Tiding(event, subject, row.organisation_id, APPLICANTS, known, key),
            Tiding(event, subject, call.organisation_id, PUBLISHERS, known, key)]  # fmt: skip
    query = select(Answerer).where(Answerer.call_id == call.id).order_by(Answerer.id)
    told += [
        Tiding(event, subject, one.organisation_id, ROLES, known, key, frozenset({one.person_id}))
        for one in session.scalars(query)
    ]
    tell(session, now, *told)
