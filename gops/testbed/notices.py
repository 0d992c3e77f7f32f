"""Who is told what of the testbed: facts for the templates of ``notify``, written with the change they tell of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from gops.accounts.model import Membership, Organisation
from gops.notify.telling import APPLICANTS, OPERATORS, PUBLISHERS, Tiding, tell
from gops.permissions import ROLES
from gops.testbed import weeks
from gops.testbed.model import Application, Call, Site, Slot
from gops.testbed.review.model import Evaluator

ANSWERS = {"confirmed": ("참여를 확인함", "confirmed"), "declined": ("참여를 거절함", "declined")}
STOOD = ("draft", "submitted", "eligible", "scored", "offered", "reserve", "accepted")
"""States of applications whose organisations a change of their call concerns."""


def call_told(session: Session, now: int, call: Call, event: str, **facts: Any) -> None:
    """To every organisation that has an application in the call."""
    homes = select(Application.organisation_id).where(Application.call_id == call.id, Application.state.in_(STOOD))
    found = session.scalars(homes.distinct().order_by(Application.organisation_id)).all()
    known = {**of_call(call), **facts}
    tell(session, now, *(Tiding(event, call.id, home, APPLICANTS, known) for home in found))


def judged(session: Session, now: int, call: Call) -> None:
    """At the close of a call: to each applicant whether it is eligible."""
    _each(session, now, call, {"eligible": "application.eligible", "ineligible": "application.ineligible"}, {})


def round_published(session: Session, now: int, call: Call, until: int) -> None:
    events = dict.fromkeys(("scored", "ineligible"), "round.published")
    _each(session, now, call, events, {"until_at": until})


def to_judge(session: Session, now: int, one: Evaluator) -> None:
    """To the evaluator alone, once an hour however many applications there are."""
    call = session.get_one(Call, one.call_id)
    facts = {**of_call(call), "until_at": call.review_until}
    tell(session, now, Tiding("review.assigned", call.id, one.organisation_id, ROLES, facts,
                              people=frozenset({one.person_id})))  # fmt: skip


def in_reserve(session: Session, now: int, call: Call) -> None:
    _each(session, now, call, {"reserve": "application.reserve"}, {})


def rejected(session: Session, now: int, call: Call, application: Application) -> None:
    """The reserve list is over for it."""
    _to_applicant(session, now, "application.rejected", application, of_application(call, application))


def applied(session: Session, now: int, application: Application, action: str) -> None:
    """An act of an applicant, to the applicant's own people; others learn nothing of it before the call closes."""
    if action in ("application.submit", "application.take_back", "application.withdraw"):
        call = session.get_one(Call, application.call_id)
        _to_applicant(session, now, action, application, of_application(call, application))


def asked_to_join(session: Session, now: int, application: Application, organisation_id: int) -> None:
    facts = of_application(session.get_one(Call, application.call_id), application)
    tell(session, now, Tiding("application.member_ask", application.id, organisation_id, APPLICANTS, facts))


def member_answered(session: Session, now: int, call: Call, application: Application, home: Organisation,
                    answer: str) -> None:  # fmt: skip
    """To the applicant: an organisation that it asked has confirmed or declined."""
    facts = {
        **of_application(call, application),
        "organisation": {"ko": home.name_ko, "en": home.name_en},
        "answer": dict(zip(("ko", "en"), ANSWERS[answer], strict=True)),
    }
    key = f"{home.id} {answer}"
    event = "consortium.answered"
    tell(session, now, Tiding(event, application.id, application.organisation_id, APPLICANTS, facts, key))


def alike(session: Session, now: int, call: Call, application: Application, others: Sequence[int]) -> None:
    """To operators alone: an application that was handed in is like these others."""
    facts = {**of_application(call, application), "others": ", ".join(map(str, others))}
    to_operators(session, now, "application.alike", application.id, facts)


def invited(session: Session, now: int, cluster_id: int, title: str, organisation_id: int) -> None:
    facts = {"cluster": title, "cluster_id": cluster_id}
    roles = ("owner", "publisher", "applicant")
    tell(session, now, Tiding("cluster.invited", cluster_id, organisation_id, roles, facts))


def offered(session: Session, now: int, call: Call, application: Application, slot: Slot, lapses_at: int) -> None:
    facts = {**of_application(call, application), **of_slot(session, slot), "lapses_at": lapses_at}
    _to_applicant(session, now, "offer.made", application, facts)


def answered(session: Session, now: int, call: Call, application: Application, event: str) -> None:
    """An offer was accepted, declined, or lapsed: to the call's owner, a lapse to the applicant too."""
    facts = of_application(call, application)
    to_owner = Tiding(event, application.id, call.organisation_id, PUBLISHERS, facts)
    tell(session, now, to_owner)
    if event == "offer.lapsed":
        _to_applicant(session, now, event, application, facts)


def slot_changed(session: Session, now: int, slot: Slot, event: str, key: str = "", **facts: Any) -> None:
    """To who holds the slot and to the site's municipality. ``event``: slot.cancelled, condition.met and so on."""
    known = {**of_slot(session, slot), **facts}
    municipality = session.get_one(Site, slot.site_id).organisation_id
    tell(
        session,
        now,
        Tiding(event, slot.id, slot.organisation_id, APPLICANTS, known, key),
        Tiding(event, slot.id, municipality, PUBLISHERS, known, key),
    )


def appealed(session: Session, now: int, call: Call, application: Application, event: str, about: str,
             due_at: int) -> None:  # fmt: skip
    """To the applicant; a new one to the call's owner, and to the operator what is new or goes to the panel."""
    known = {**of_application(call, application), "about": about, "due_at": due_at}
    tell(session, now, Tiding(event, application.id, application.organisation_id, APPLICANTS, known, about))
    if event == "appeal.filed":
        tell(session, now, Tiding(event, application.id, call.organisation_id, PUBLISHERS, known, about))
    if event in ("appeal.filed", "appeal.panel"):
        to_operators(session, now, event, application.id, known, about)


def to_operators(session: Session, now: int, event: str, subject: int, facts: dict[str, Any], key: str = "") -> None:
    homes = select(Membership.organisation_id).where(Membership.role.in_(OPERATORS)).distinct()
    found = session.scalars(homes.order_by(Membership.organisation_id))
    tell(session, now, *(Tiding(event, subject, home, OPERATORS, facts, key) for home in found))


def of_call(call: Call) -> dict[str, Any]:
    return {"call": {"ko": call.title_ko, "en": call.title_en}, "call_slug": call.slug}


def of_application(call: Call, application: Application) -> dict[str, Any]:
    return {**of_call(call), "application": application.title, "application_id": application.id}


def of_slot(session: Session, slot: Slot) -> dict[str, Any]:
    site = session.get_one(Site, slot.site_id)
    return {
        "site": {"ko": site.name_ko, "en": site.name_en},
        "first_week": weeks.name(slot.first_week),
        "end_week": weeks.name(slot.end_week),
        "slot_id": slot.id,
    }


def _each(session: Session, now: int, call: Call, events: Mapping[str, str], facts: dict[str, Any]) -> None:
    """To the applicant of each application of the call, by its state."""
    rows = select(Application).where(Application.call_id == call.id, Application.state.in_(events))
    tell(session, now, *(
        Tiding(events[row.state], row.id, row.organisation_id, APPLICANTS, {**of_application(call, row), **facts})
        for row in session.scalars(rows.order_by(Application.id))
    ))  # fmt: skip


def _to_applicant(session: Session, now: int, event: str, application: Application, facts: dict[str, Any]) -> None:
    tell(session, now, Tiding(event, application.id, application.organisation_id, APPLICANTS, facts))
