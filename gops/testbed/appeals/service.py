"""Appeals: filed by an applicant against a published round, answered in time, decided by the panel where need be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from gops.accounts.checks import one_of
from gops.clock import Clock, from_micros
from gops.errors import Conflict, Forbidden
from gops.permissions import ANONYMOUS, Actor, missing, permits, require
from gops.records import audit, events
from gops.records.database import Database
from gops.records.paging import is_id, page
from gops.sensors.texts import reason
from gops.settings import Settings
from gops.testbed import lifecycles, notices, resources, visibility
from gops.testbed.appeals import corrections, window
from gops.testbed.appeals.model import Appeal
from gops.testbed.checks import wrong
from gops.testbed.deadlines import after_workdays
from gops.testbed.lifecycles import APPEAL
from gops.testbed.model import Application, Call, Round

ANSWERS = ("upheld", "dismissed", "panel")
DECISIONS = ("upheld", "dismissed")


class Appeals:
    def __init__(self, database: Database, clock: Clock, settings: Settings) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings

    def file(
        self,
        actor: Actor,
        application_id: int,
        about: str,
        text: str,
        site: int | None = None,
        claimed: Mapping[str, Any] | None = None,
    ) -> Appeal:
        """By the applicant while the window is open. ``site``: one of the application's own.

        Raises ``Conflict``: ``appeals_closed``, ``appeal_filed``; ``Invalid``: ``appeal_incomplete``.
        """
        one_of(about, corrections.ABOUT, "about")
        words, now = reason(text, "text"), self._clock.micros()
        with self._database.write() as session:
            application, call = self._own(session, actor, application_id)
            row = self._round(session, call, now)
            _check_site(application, about, site)
            needed, known = corrections.claimed_keys(about), resources.stated(call.terms["resources"])
            values = corrections.read(about, claimed, "claimed", needed, known)
            _refuse_twice(session, application, about, site)
            appeal = Appeal(
                call_id=call.id, round_id=row.id, application_id=application.id, person_id=actor.person_id,
                organisation_id=application.organisation_id, about=about, site_id=site, text=words, claimed=values,
                state=APPEAL.states[0], filed_at=now, answer="", decision="", correction={},
                due_at=after_workdays(now, self._settings.appeal_answer_days, self._settings),
            )  # fmt: skip
            session.add(appeal)
            session.flush()
            note(session, now, actor, appeal, call, "appeal.filed")
        return appeal

    def answer(
        self, actor: Actor, appeal_id: int, verdict: str, text: str, correction: Mapping[str, Any] | None = None
    ) -> Appeal:
        """By the call's owner or the operator: upheld, dismissed, or handed to the panel, always with reasons."""
        one_of(verdict, ANSWERS, "state")
        words, now = reason(text, "text"), self._clock.micros()
        with self._database.write() as session:
            appeal, call = self._to_answer(session, actor, appeal_id)
            lifecycles.move(APPEAL, appeal, "answered")
            appeal.answer, appeal.answered_at, appeal.answered_by = words, now, actor.person_id
            if verdict == "panel":
                lifecycles.move(APPEAL, appeal, "panel")
                note(session, now, actor, appeal, call, "appeal.panel")
            else:
                values = _correction(session, appeal, verdict, correction)
                decide(session, now, actor, appeal, call, verdict, "answer", values)
        return appeal

    def rule(
        self, actor: Actor, appeal_id: int, verdict: str, text: str, correction: Mapping[str, Any] | None = None
    ) -> Appeal:
        """What the panel decided, written down by the operator; not by whoever answered."""
        require(actor, "round.run", None)
        one_of(verdict, DECISIONS, "state")
        words, now = reason(text, "text"), self._clock.micros()
        with self._database.write() as session:
            appeal, call = _held(session, appeal_id)
            if appeal.answered_by is not None and appeal.answered_by == actor.person_id:
                raise Forbidden("who answered an appeal does not rule on it", code="own_answer", field="state",
                                found=verdict, expected="somebody else of the operator")  # fmt: skip
            if appeal.state != "panel":
                APPEAL.check(appeal.state, "panel")  # says what it is instead
                raise Conflict("the appeal is not before the panel", code="illegal_move", field="state",
                               found=appeal.state, expected="an appeal that is panel")  # fmt: skip
            values = _correction(session, appeal, verdict, correction)
            appeal.decision = words
            decide(session, now, actor, appeal, call, verdict, "panel", values)
        return appeal

    def get(self, actor: Actor, appeal_id: int) -> Appeal:
        with self._database.read() as session:
            appeal = session.get(Appeal, appeal_id) if is_id(appeal_id) else None
            if appeal is None:
                raise missing("appeal")
            visibility.call(session, actor, session.get_one(Call, appeal.call_id).slug)
            _hide(session, actor, [appeal])
        return appeal

    def list(self, actor: Actor, call_slug: str, after: int = 0, limit: int = 100) -> Sequence[Appeal]:
        """All of a call. Whose each is, and its words, are for those who see the application whole."""
        with self._database.read() as session:
            call = visibility.call(session, actor, call_slug)
            query = page(select(Appeal).where(Appeal.call_id == call.id), Appeal.id, after, limit)
            found = session.scalars(query).all()
            _hide(session, actor, found)
        return found

    def window(self, actor: Actor, call_slug: str, revision: int) -> int | None:
        """When the appeal window of a published round ends, in microseconds."""
        with self._database.read() as session:
            call = visibility.call(session, actor, call_slug)
            row = session.scalar(select(Round).where(Round.call_id == call.id, Round.revision == revision))
            return None if row is None or row.published_at is None else window.ends_at(session, row)

    def _own(self, session: Session, actor: Actor, application_id: int) -> tuple[Application, Call]:
        """The call is held first, so that its round cannot become final meanwhile."""
        seen = visibility.application(session, actor, application_id)
        require(actor, "application.write", seen.organisation_id)
        call = session.get_one(Call, seen.call_id, with_for_update={"key_share": True})
        application = visibility.application_to_change(session, actor, application_id)
        session.refresh(application)
        return application, call

    def _round(self, session: Session, call: Call, now: int) -> Round:
        row = session.scalar(select(Round).where(Round.call_id == call.id, Round.state == "published"))
        until = None if row is None else window.ends_at(session, row)
        if row is None or until is None or now >= until:
            found = "no round is provisional" if until is None else from_micros(until).isoformat()
            raise Conflict("no appeals are taken", code="appeals_closed", field="application", found=found,
                           expected="the appeal window of a published round")  # fmt: skip
        return row

    def _to_answer(self, session: Session, actor: Actor, appeal_id: int) -> tuple[Appeal, Call]:
        appeal, call = _held(session, appeal_id)
        if not permits(actor, "round.run", None):
            require(actor, "call.change", call.organisation_id)
        return appeal, call


def decide(
    session: Session,
    now: int,
    actor: Actor,
    appeal: Appeal,
    call: Call,
    verdict: str,
    by: str,
    correction: Mapping[str, Any],
) -> None:
    """Uphold or dismiss. What is corrected is corrected when all appeals are decided."""
    lifecycles.move(APPEAL, appeal, verdict)
    appeal.decided_by, appeal.decided_at, appeal.correction = by, now, dict(correction)
    note(session, now, actor, appeal, call, f"appeal.{verdict}")


def note(session: Session, now: int, actor: Actor, appeal: Appeal, call: Call, event: str) -> None:
    detail = {"about": appeal.about, "by": appeal.decided_by or ""}
    audit.record(session, now, actor, event, "appeal", appeal.id, call.organisation_id, **detail)
    events.append(session, now, "appeal.changed", appeal=appeal.id)
    application = session.get_one(Application, appeal.application_id)
    notices.appealed(session, now, call, application, event, about=appeal.about, due_at=appeal.due_at)


def silent(session: Session, appeal_id: int, now: int) -> bool:
    """By the clock: nobody answered in time. What arithmetic can check is upheld as claimed, the rest goes to the
    panel, and the round waits."""
    appeal, call = _held(session, appeal_id)
    if appeal.state != "filed" or now < appeal.due_at:
        return False
    if appeal.about in corrections.BY_SILENCE:
        decide(session, now, ANONYMOUS, appeal, call, "upheld", "silence", appeal.claimed)
    else:
        lifecycles.move(APPEAL, appeal, "panel")
        note(session, now, ANONYMOUS, appeal, call, "appeal.panel")
    return True


def _held(session: Session, appeal_id: int) -> tuple[Appeal, Call]:
    appeal = session.get(Appeal, appeal_id) if is_id(appeal_id) else None
    if appeal is None:
        raise missing("appeal")
    call = session.get_one(Call, appeal.call_id, with_for_update={"key_share": True})
    session.refresh(appeal, with_for_update=True)
    return appeal, call


def _check_site(application: Application, about: str, site: int | None) -> None:
    if about == "capacity" and site is None:
        raise wrong("appeal_incomplete", "site", None, "the site whose capacity it is")
    if site is not None and (about not in ("capacity", "eligibility") or site not in application.sites):
        raise wrong("invalid_value", "site", site, "a site that the application ranks; none for this kind of appeal"
                    if about not in ("capacity", "eligibility") else "a site that the application ranks")  # fmt: skip


def _refuse_twice(session: Session, application: Application, about: str, site: int | None) -> None:
    same = select(Appeal.id).where(Appeal.application_id == application.id, Appeal.about == about)
    if session.scalar(same.where(Appeal.site_id.is_(None) if site is None else Appeal.site_id == site)) is not None:
        raise Conflict(f"there is an appeal about the {about} already", code="appeal_filed", field="about",
                       found=about, expected="one appeal about each thing")  # fmt: skip


def _correction(session: Session, appeal: Appeal, verdict: str, given: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """What an upheld appeal changes: what is given, or what was claimed."""
    if verdict != "upheld":
        return {}
    application = session.get_one(Application, appeal.application_id)
    needed = corrections.corrected_keys(appeal.about, application)
    known = resources.stated(session.get_one(Call, appeal.call_id).terms["resources"])
    return corrections.read(appeal.about, given or appeal.claimed, "correction", needed, known)


def _hide(session: Session, actor: Actor, rows: Sequence[Appeal]) -> None:
    """The rows are read to be shown, in a unit that cannot write."""
    ids = {row.application_id for row in rows}
    query = select(Application.id).where(Application.id.in_(ids), visibility.applications_seen(actor))
    seen = set(session.scalars(query))
    for row in rows:
        if row.application_id not in seen:
            row.application_id = row.organisation_id = 0
            row.text = row.answer = row.decision = ""
