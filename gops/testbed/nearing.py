"""Who is told that a clock comes near: whoever has something to do until then."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from gops.notify.telling import APPLICANTS, PUBLISHERS, Tiding, tell
from gops.permissions import ROLES
from gops.testbed import notices
from gops.testbed.appeals.model import Appeal
from gops.testbed.model import Application, Call, Round, Site, Slot
from gops.testbed.offers.model import Offer
from gops.testbed.regulatory.model import Answerer, Exemption, RegulatoryCheck

NEAR = "clock.near"
FOR_OWNERS = ("call.opens", "call.answers", "call.review", "appeal.unanswered")
Receiver = tuple[int, tuple[str, ...]]
Known = tuple[Any, list[Receiver]]
"""What the thing is called, and the organisations concerned with the roles in them."""


def tell_near(session: Session, now: int, clock: str, noun: str, subject: int, days: int, due_at: int) -> None:
    """A notice for each concerned. A clock of a thing that is not known here is told to the operator."""
    find = NOUNS.get(noun)
    if find is None:
        facts = {"clock": clock, "days": days, "due_at": due_at, "name": f"{noun} {subject}"}
        notices.to_operators(session, now, NEAR, subject, facts, f"{clock} {days}")
        return
    name, receivers = find(session, clock, subject)
    facts = {"clock": clock, "days": days, "due_at": due_at, "name": name}
    told = (Tiding(NEAR, subject, home, roles, facts, f"{clock} {days}") for home, roles in receivers)
    tell(session, now, *told)


def _call(session: Session, clock: str, subject: int) -> Known:
    call = session.get_one(Call, subject)
    receivers: list[Receiver] = [(call.organisation_id, PUBLISHERS)]
    if clock not in FOR_OWNERS:
        receivers += _applicants(session, call)
    return {"ko": call.title_ko, "en": call.title_en}, receivers


def _applicants(session: Session, call: Call) -> list[Receiver]:
    homes = select(Application.organisation_id).where(
        Application.call_id == call.id, Application.state.in_((*notices.STOOD, "ineligible"))
    )
    return [(home, APPLICANTS) for home in session.scalars(homes.distinct().order_by(Application.organisation_id))]


def _application(session: Session, clock: str, subject: int) -> Known:
    application = session.get_one(Application, subject)
    return application.title, [(application.organisation_id, APPLICANTS)]


def _offer(session: Session, clock: str, subject: int) -> Known:
    return _application(session, clock, session.get_one(Offer, subject).application_id)


def _slot(session: Session, clock: str, subject: int) -> Known:
    slot = session.get_one(Slot, subject)
    site = session.get_one(Site, slot.site_id)
    return {"ko": site.name_ko, "en": site.name_en}, [
        (slot.organisation_id, APPLICANTS), (site.organisation_id, PUBLISHERS)
    ]  # fmt: skip


def _appeal(session: Session, clock: str, subject: int) -> Known:
    return _call(session, clock, session.get_one(Appeal, subject).call_id)


def _round(session: Session, clock: str, subject: int) -> Known:
    return _call(session, clock, session.get_one(Round, subject).call_id)


def _check(session: Session, clock: str, subject: int) -> Known:
    check = session.get_one(RegulatoryCheck, subject)
    owner = session.get_one(Call, check.call_id).organisation_id
    return check.rule, [(owner, PUBLISHERS), *_answerers(session, check.call_id)]


def _exemption(session: Session, clock: str, subject: int) -> Known:
    row = session.get_one(Exemption, subject)
    application = session.get_one(Application, row.application_id)
    return row.law, [(application.organisation_id, APPLICANTS), *_answerers(session, application.call_id)]


def _answerers(session: Session, call_id: int) -> list[Receiver]:
    homes = select(Answerer.organisation_id).where(Answerer.call_id == call_id).distinct()
    return [(home, ROLES) for home in session.scalars(homes.order_by(Answerer.organisation_id))]


NOUNS: Mapping[str, Callable[[Session, str, int], Known]] = {
    "call": _call, "application": _application, "offer": _offer, "slot": _slot, "appeal": _appeal, "round": _round,
    "regulatory_check": _check, "exemption": _exemption,
}  # fmt: skip
