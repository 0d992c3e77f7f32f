"""Eligibility applied: applications and sites of the records, judged, and the judgement kept with the application."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from gops.accounts.model import Organisation
from gops.testbed import details, lifecycles, terms
from gops.testbed.calendar import closed_weeks
from gops.testbed.call_model import Document, Member
from gops.testbed.eligibility import Equipment, Pilot, Place, Verdict, eligible_sites, judge, law_key
from gops.testbed.model import Application, Call, CallSite, Site
from gops.testbed.places import details as furnishing
from gops.testbed.regulatory.model import HOLDS, Exemption, RegulatoryCheck


def places(session: Session, call: Call) -> dict[int, Place]:
    """The sites of a call as they are now, by id."""
    sites = session.scalars(select(Site).join(CallSite, CallSite.site_id == Site.id).where(CallSite.call_id == call.id))
    by_id = {site.id: site for site in sites}
    closed = closed_weeks(session, by_id, terms.first_week(call.terms), terms.end_week(call.terms))
    return {site.id: _place(site, closed[site.id]) for site in by_id.values()}


def _place(site: Site, closed: frozenset[int]) -> Place:
    has = furnishing.of(site.details)
    return Place(
        site.id,
        in_call=True,
        offered=site.state == "offered",
        capacity=site.capacity,
        closed=closed,
        bands=frozenset(has["bands"]),
        equipment=_equipment(has["equipment"]),
        consent=has["consent"] != "refused",
        exemptions=frozenset(map(law_key, has["exemptions"])) if has["legal_basis"] else frozenset(),
    )


def pilot(session: Session, application: Application) -> Pilot:
    """What is judged. Members count that have not declined: without the others' word nothing is handed in anyway."""
    home = session.get_one(Organisation, application.organisation_id)
    said = details.of(application.details)
    return Pilot(
        home.kind,
        application.trl,
        application.needs,
        application.duration,
        application.first_start,
        application.last_start,
        application.sites,
        theme=application.theme,
        region=said["region"],
        requested=said["funding"]["requested"],
        cost=details.cost(said),
        own_funds=said["funding"]["own"],
        members=_members(session, application),
        documents=_documents(session, application),
        band=application.band,
        equipment=_equipment(said["equipment"]),
        exemptions=laws(session, application),
        granted=_granted(session, application),
    )


def _equipment(rows: list[dict[str, Any]]) -> list[Equipment]:
    return [Equipment(row["kind"], row["count"], row["operator"]) for row in rows]


def laws(session: Session, application: Application) -> tuple[str, ...]:
    """From what it must be exempted: what it says itself, and what regulators answered."""
    said = details.of(application.details)["exemptions"]
    query = select(RegulatoryCheck.rule).where(
        RegulatoryCheck.application_id == application.id, RegulatoryCheck.answer == "exemption_needed"
    )
    found = [*(row["law"] for row in said), *session.scalars(query.order_by(RegulatoryCheck.id))]
    return tuple({law_key(law): law for law in found}.values())


def _granted(session: Session, application: Application) -> frozenset[tuple[str, int | None]]:
    """What was granted for every week in which it may stand; a converted one is for good."""
    end = application.last_start + application.duration
    all_weeks = (Exemption.first_week <= application.first_start) & (Exemption.end_week >= end)
    query = select(Exemption.law, Exemption.site_id).where(
        Exemption.application_id == application.id,
        Exemption.state.in_(HOLDS),
        or_(Exemption.state == "converted", all_weeks),
    )
    return frozenset((law_key(row.law), row.site_id) for row in session.execute(query))


def _members(session: Session, application: Application) -> tuple[str, ...]:
    query = select(Organisation.kind).join(Member, Member.organisation_id == Organisation.id)
    of_it = Member.application_id == application.id, Member.state != "declined"
    return tuple(session.scalars(query.where(*of_it).order_by(Member.id)))


def _documents(session: Session, application: Application) -> frozenset[str]:
    return frozenset(session.scalars(select(Document.kind).where(Document.application_id == application.id)))


def judged(session: Session, call: Call, application: Application, there: Mapping[int, Place]) -> tuple[Verdict, ...]:
    return judge(terms.rules(call.terms), pilot(session, application), there)


def verdicts(
    session: Session, call: Call, application: Application, there: Mapping[int, Place]
) -> list[dict[str, Any]]:
    return [verdict.document() for verdict in judged(session, call, application, there)]


def close(session: Session, call: Call) -> None:
    """At the close of a call every submitted application becomes eligible or ineligible."""
    there = places(session, call)
    handed_in = select(Application).where(Application.call_id == call.id, Application.state == "submitted")
    for application in session.scalars(handed_in.order_by(Application.id).with_for_update(key_share=True)):
        application.verdicts = verdicts(session, call, application, there)
        state = "eligible" if open_sites(application) else "ineligible"
        lifecycles.move(lifecycles.APPLICATION, application, state)


def open_sites(application: Application) -> tuple[int, ...]:
    """The ranked sites against which nothing stood when the application was last judged."""
    return eligible_sites(application.sites, {verdict["site"] for verdict in application.verdicts})
