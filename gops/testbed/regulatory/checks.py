"""Regulatory checks: is there a rule in a pilot's way? Asked of a regulator, answered, or presumed after silence.

Whoever writes for the application or owns the call asks; who answers is assigned to the call. After
``GOPS_REGULATORY_DAYS`` days of silence no rule is presumed, and it is called so wherever it is shown; an answer that
comes later still takes its place. The call's owner confirms what stands; only then does an accepted slot become ready.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from gops.accounts import checks as names
from gops.clock import DAY, Clock
from gops.errors import Conflict
from gops.permissions import ANONYMOUS, Actor, missing, permits, require
from gops.records import audit, events
from gops.records.database import Database
from gops.records.paging import is_id, page
from gops.sensors.texts import reason
from gops.settings import Settings
from gops.testbed import lifecycles, visibility
from gops.testbed.clocks import TestbedClock
from gops.testbed.lifecycles import CHECK
from gops.testbed.model import Application, Call
from gops.testbed.regulatory import covering
from gops.testbed.regulatory.answerers import answers_in, refuse_dead, refuse_more, require_answerer, tell_all
from gops.testbed.regulatory.model import RegulatoryCheck

ANSWERS = ("no_rule", "rule", "exemption_needed")
LABELS: Mapping[str, tuple[str, str]] = {
    "requested": ("확인 중", "being checked"),
    "no_rule": ("규제 없음", "no rule"),
    "rule": ("규제 있음", "a rule stands in the way"),
    "exemption_needed": ("규제 특례 필요", "an exemption is needed"),
    "presumed_none": ("규제 없음으로 추정 (답변 없음)", "presumed none (no answer)"),
}
"""What is shown of a check, in Korean and English: silence is never shown as an answer."""


class RegulatoryChecks:
    def __init__(self, database: Database, clock: Clock, settings: Settings) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings

    def ask(self, actor: Actor, application_id: int, rule: str, question: str) -> RegulatoryCheck:
        """By the applicant or the call's owner, of an application that was handed in. Raises ``Conflict``."""
        law, words, now = names.name(rule, "rule"), reason(question, "question"), self._clock.micros()
        with self._database.write() as session:
            row = visibility.application(session, actor, application_id)
            call = session.get_one(Call, row.call_id, with_for_update={"key_share": True})
            if not permits(actor, "call.change", call.organisation_id):
                require(actor, "application.write", row.organisation_id)
            session.refresh(row, with_for_update={"key_share": True})
            refuse_dead(row)
            refuse_more(session, RegulatoryCheck, row, self._settings)
            check = RegulatoryCheck(
                call_id=call.id, application_id=row.id, person_id=actor.person_id, rule=law, question=words,
                state=CHECK.states[0], text="", requested_at=now, due_at=now + self._settings.regulatory_days * DAY,
            )  # fmt: skip
            session.add(check)
            session.flush()
            covering.waits(session, row, now)
            _note(session, now, actor, "regulation.requested", check)
        return check

    def answer(self, actor: Actor, check_id: int, answer: str, text: str) -> RegulatoryCheck:
        """By who answers in the call; also after the silence, until the call's owner has confirmed it."""
        verdict, words, now = names.one_of(answer, ANSWERS, "answer"), reason(text, "text"), self._clock.micros()
        with self._database.write() as session:
            check, _ = _held(session, actor, check_id)
            require_answerer(session, actor, check.call_id, "regulatory check")
            _refuse_confirmed(check)
            lifecycles.move(CHECK, check, "answered")
            check.answer, check.text, check.answered_at, check.answered_by = verdict, words, now, actor.person_id
            _note(session, now, actor, "regulation.answered", check)
        return check

    def confirm(self, actor: Actor, check_id: int) -> RegulatoryCheck:
        """By the call's owner: what was answered, or that nobody did. A rule that is in the way cannot be confirmed
        away. Raises ``Conflict`` (``check_unanswered``, ``rule_in_the_way``, ``check_confirmed``)."""
        now = self._clock.micros()
        with self._database.write() as session:
            check, call = _held(session, actor, check_id)
            require(actor, "call.change", call.organisation_id)
            _refuse_confirmed(check)
            if check.state == "requested":
                raise Conflict(f"check {check.id} waits for an answer", code="check_unanswered", field="state",
                               found=check.state, expected="an answer, or the end of its days")  # fmt: skip
            if check.answer == "rule":
                raise Conflict(f"{check.rule} stands in the way", code="rule_in_the_way", field="answer",
                               found=check.answer, expected="no_rule, exemption_needed, or silence")  # fmt: skip
            check.confirmed_at, check.confirmed_by = now, actor.person_id
            session.flush()
            covering.settled(session, session.get_one(Application, check.application_id), actor, now)
            _note(session, now, actor, "regulation.confirmed", check)
        return check

    def get(self, actor: Actor, check_id: int) -> RegulatoryCheck:
        """For those who see the application whole, and those who answer in its call; else ``NotFound``."""
        with self._database.read() as session:
            return _one(session, actor, check_id)

    def list(
        self,
        actor: Actor,
        call_slug: str | None = None,
        application: int | None = None,
        after: int = 0,
        limit: int = 100,
    ) -> Sequence[RegulatoryCheck]:
        """Those that the actor sees; of a call, of an application."""
        visibility.refuse_anonymous(actor)
        query = _seen(actor)
        with self._database.read() as session:
            if call_slug is not None:
                query = query.where(RegulatoryCheck.call_id == visibility.call(session, actor, call_slug).id)
            if application is not None:
                query = query.where(RegulatoryCheck.application_id == application)
            return session.scalars(page(query, RegulatoryCheck.id, after, limit)).all()


def label(check: RegulatoryCheck) -> tuple[str, str]:
    return LABELS[check.answer or check.state]


def silence_clock(settings: Settings) -> TestbedClock:
    return TestbedClock(
        "regulation.silent", "regulatory_check", lambda: _waiting(RegulatoryCheck.due_at),
        f"{settings.regulatory_days} days",
        "no rule is presumed, and labelled so", _presume,
    )  # fmt: skip


def _waiting(moment: InstrumentedAttribute[Any]) -> Select[Any]:
    query = select(RegulatoryCheck.id.label("subject"), moment.label("due_at"))
    return query.where(RegulatoryCheck.state == "requested")


def _presume(session: Session, check_id: int, now: int) -> bool:
    check = session.get_one(RegulatoryCheck, check_id, with_for_update=True)
    if check.state != "requested" or now < check.due_at:
        return False
    lifecycles.move(CHECK, check, "presumed_none")
    _note(session, now, ANONYMOUS, "regulation.presumed_none", check)
    return True


def _seen(actor: Actor) -> Select[RegulatoryCheck]:
    query = select(RegulatoryCheck).join(Application, Application.id == RegulatoryCheck.application_id)
    return query.where(or_(visibility.applications_seen(actor), RegulatoryCheck.call_id.in_(answers_in(actor))))


def _one(session: Session, actor: Actor, check_id: int) -> RegulatoryCheck:
    found = session.scalar(_seen(actor).where(RegulatoryCheck.id == check_id)) if is_id(check_id) else None
    if found is None:
        raise missing("regulatory check")
    return found


def _held(session: Session, actor: Actor, check_id: int) -> tuple[RegulatoryCheck, Call]:
    """The call first, as everywhere."""
    check = _one(session, actor, check_id)
    call = session.get_one(Call, check.call_id, with_for_update={"key_share": True})
    session.refresh(check, with_for_update=True)
    return check, call


def _refuse_confirmed(check: RegulatoryCheck) -> None:
    if check.confirmed_at is not None:
        raise Conflict(f"check {check.id} is confirmed", code="check_confirmed", field="state", found="confirmed",
                       expected="a check that the call's owner has not confirmed")  # fmt: skip


def _note(session: Session, now: int, actor: Actor, action: str, check: RegulatoryCheck) -> None:
    call = session.get_one(Call, check.call_id)
    row = session.get_one(Application, check.application_id)
    audit.record(session, now, actor, action, "regulatory_check", check.id, call.organisation_id, answer=check.answer)
    events.append(session, now, "regulatory_check.changed", check=check.id)
    tell_all(session, now, action, check.id, row, call, rule=check.rule, due_at=check.due_at)
