"""Exemptions from a rule: requested by the applicant, decided by who answers for the regulator, never by silence.

An exemption that ends before its slot does (revoked, or expired while no statutory review is pending) ends the slot.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from gops.accounts import checks as names
from gops.clock import Clock
from gops.errors import Conflict
from gops.permissions import ANONYMOUS, Actor, missing
from gops.records import audit, events
from gops.records.database import Database
from gops.records.paging import is_id, page
from gops.sensors.texts import prose, reason
from gops.settings import Settings
from gops.testbed import checks, lifecycles, notices, visibility, weeks
from gops.testbed.checks import wrong
from gops.testbed.clocks import TestbedClock
from gops.testbed.lifecycles import EXEMPTION, SLOT
from gops.testbed.model import Application, Call, Site, Slot
from gops.testbed.offers import reserve
from gops.testbed.regulatory.answerers import answers_in, refuse_dead, refuse_more, require_answerer, tell_all
from gops.testbed.regulatory.model import HOLDS, Exemption

DECISIONS = ("checking", "granted", "refused", "extended", "converted", "revoked")


class Exemptions:
    def __init__(self, database: Database, clock: Clock, settings: Settings) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings

    def request(self, actor: Actor, application_id: int, law: str, need: str, site: int | None = None) -> Exemption:
        """By the applicant, for one of the application's sites or all of them. Raises ``Invalid``, ``Conflict``."""
        rule, words, now = names.name(law, "law"), reason(need, "need"), self._clock.micros()
        with self._database.write() as session:
            row = visibility.application_to_change(session, actor, application_id)
            refuse_dead(row)
            refuse_more(session, Exemption, row, self._settings)
            if site is not None and site not in row.sites:
                raise wrong("invalid_value", "site", site, "a site that the application ranks")
            made = Exemption(
                application_id=row.id, site_id=site, law=rule, need=words, state=EXEMPTION.states[0], scale="",
                reason="", review_pending=False, requested_at=now,
            )  # fmt: skip
            session.add(made)
            session.flush()
            _note(session, now, actor, "exemption.requested", made)
        return made

    def decide(
        self,
        actor: Actor,
        exemption_id: int,
        state: str,
        why: str,
        first_week: int | None = None,
        length: int | None = None,
        scale: str = "",
    ) -> Exemption:
        """By who answers in the call, always with a reason. Granted it has weeks (from ``first_week``, so many);
        extended it has more of them. Raises ``Conflict`` (``illegal_move``), ``Invalid``."""
        wanted, text, now = names.one_of(state, DECISIONS, "state"), reason(why), self._clock.micros()
        with self._database.write() as session:
            row, call = self._held(session, actor, exemption_id)
            lifecycles.move(EXEMPTION, row, wanted)
            if wanted in ("granted", "extended"):
                self._period(row, row.first_week if wanted == "extended" else first_week, length, now)
                row.scale = prose(scale, "scale") or row.scale
            if wanted == "converted":
                row.ends_at = None
            row.reason, row.decided_at, row.decided_by = text, now, actor.person_id
            session.flush()
            if wanted == "revoked":
                end_slot(session, row, call, now, self._settings)
            _note(session, now, actor, "exemption.changed", row)
        return row

    def pend(self, actor: Actor, exemption_id: int, *, pending: bool) -> Exemption:
        """By who answers in the call: a statutory review is pending, and until it is over nothing expires."""
        now = self._clock.micros()
        with self._database.write() as session:
            row, _ = self._held(session, actor, exemption_id)
            if row.state not in HOLDS:
                raise Conflict(f"the exemption is {row.state}", code="illegal_move", field="state", found=row.state,
                               expected="an exemption that is granted or extended")  # fmt: skip
            row.review_pending = pending
            _note(session, now, actor, "exemption.changed", row)
        return row

    def get(self, actor: Actor, exemption_id: int) -> Exemption:
        """For those who see the application whole, and those who answer in its call; else ``NotFound``."""
        with self._database.read() as session:
            return _one(session, actor, exemption_id)

    def list(
        self, actor: Actor, application: int | None = None, after: int = 0, limit: int = 100
    ) -> Sequence[Exemption]:
        visibility.refuse_anonymous(actor)
        query = _seen(actor)
        if application is not None:
            query = query.where(Exemption.application_id == application)
        with self._database.read() as session:
            return session.scalars(page(query, Exemption.id, after, limit)).all()

    def _period(self, row: Exemption, first: int | None, length: int | None, now: int) -> None:
        if first is None or length is None:
            raise wrong(
                "required", "weeks" if length is None else "first_week", None, "a first week and how many weeks"
            )
        begins, ends = checks.span(
            first, length, weeks.of(now, self._settings.zone), self._settings.testbed_ahead_weeks,
            self._settings.testbed_ahead_weeks, "exemption",
        )  # fmt: skip
        if row.end_week is not None and ends <= row.end_week:
            raise wrong("invalid_value", "weeks", length, "more weeks than before")
        row.first_week, row.end_week = begins, ends
        row.ends_at = weeks.begins(ends, self._settings.zone)

    def _held(self, session: Session, actor: Actor, exemption_id: int) -> tuple[Exemption, Call]:
        """The call first, as everywhere."""
        row = _one(session, actor, exemption_id)
        of_call = session.get_one(Application, row.application_id).call_id
        require_answerer(session, actor, of_call, "exemption")
        call = session.get_one(Call, of_call, with_for_update={"key_share": True})
        session.refresh(row, with_for_update=True)
        return row, call


def expiry_clock(settings: Settings) -> TestbedClock:
    return TestbedClock(
        "exemption.expires", "exemption", lambda: _waiting(Exemption.ends_at), "as it was granted",
        "it has expired, and ends its slot; not while a statutory review is pending", partial(_expire, settings),
    )  # fmt: skip


def _waiting(moment: InstrumentedAttribute[Any]) -> Select[Any]:
    query = select(Exemption.id.label("subject"), moment.label("due_at"))
    running = query.where(Exemption.state.in_(("granted", "extended")), moment.is_not(None))
    return running.where(Exemption.review_pending.is_(False))


def _expire(settings: Settings, session: Session, exemption_id: int, now: int) -> bool:
    row = session.get_one(Exemption, exemption_id)
    of_call = session.get_one(Application, row.application_id).call_id
    call = session.get_one(Call, of_call, with_for_update={"key_share": True})
    session.refresh(row, with_for_update=True)
    if row.state not in ("granted", "extended") or row.review_pending or row.ends_at is None or now < row.ends_at:
        return False
    lifecycles.move(EXEMPTION, row, "expired")
    session.flush()
    end_slot(session, row, call, now, settings)
    _note(session, now, ANONYMOUS, "exemption.changed", row)
    return True


def end_slot(session: Session, row: Exemption, call: Call, now: int, settings: Settings) -> None:
    """What ran under the exemption ends; what waits to begin is cancelled, and goes to the reserve list."""
    query = select(Slot).where(
        Slot.application_id == row.application_id, Slot.state.in_(("conditions", "ready", "active", "paused"))
    )
    if row.site_id is not None:
        query = query.where(Slot.site_id == row.site_id)
    slot = session.scalar(query.with_for_update())
    if slot is None:
        return
    wanted = "ended" if slot.state in ("active", "paused") else "cancelled"
    lifecycles.move(SLOT, slot, wanted)
    home = session.get_one(Site, slot.site_id).organisation_id
    why = {"exemption": row.id, "law": row.law, "state": row.state}
    audit.record(session, now, ANONYMOUS, f"slot.{wanted}", "slot", slot.id, home, **why)
    events.append(session, now, "slot.changed", slot=slot.id)
    notices.slot_changed(session, now, slot, f"slot.{wanted}", reason=f"{row.law}: {row.state}")
    if wanted == "cancelled":
        reserve.move_up(session, call, now, settings)


def _seen(actor: Actor) -> Select[Exemption]:
    query = select(Exemption).join(Application, Application.id == Exemption.application_id)
    return query.where(or_(visibility.applications_seen(actor), Application.call_id.in_(answers_in(actor))))


def _one(session: Session, actor: Actor, exemption_id: int) -> Exemption:
    found = session.scalar(_seen(actor).where(Exemption.id == exemption_id)) if is_id(exemption_id) else None
    if found is None:
        raise missing("exemption")
    return found


def _note(session: Session, now: int, actor: Actor, action: str, row: Exemption) -> None:
    application = session.get_one(Application, row.application_id)
    call = session.get_one(Call, application.call_id)
    audit.record(session, now, actor, action, "exemption", row.id, call.organisation_id, state=row.state,
                 review_pending=row.review_pending)  # fmt: skip
    events.append(session, now, "exemption.changed", exemption=row.id)
    tell_all(session, now, action, row.id, application, call, rule=row.law, state=row.state)
