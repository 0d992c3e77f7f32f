"""Eligibility applied: applications and sites of the records, judged, and the judgement kept with the application."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from gops.accounts.model import Organisation
from gops.testbed import lifecycles, terms
from gops.testbed.calendar import closed_weeks
from gops.testbed.eligibility import Pilot, Place, eligible_sites, judge
from gops.testbed.model import Application, Call, CallSite, Site


def places(session: Session, call: Call) -> dict[int, Place]:
    """The sites of a call as they are now, by id."""
    sites = session.scalars(select(Site).join(CallSite, CallSite.site_id == Site.id).where(CallSite.call_id == call.id))
    by_id = {site.id: site for site in sites}
    closed = closed_weeks(session, by_id, terms.first_week(call.terms), terms.end_week(call.terms))
    return {
        site.id: Place(site.id, True, site.state == "offered", site.capacity, closed[site.id])
        for site in by_id.values()
    }


def pilot(application: Application, organisation_kind: str) -> Pilot:
    return Pilot(
        organisation_kind,
        application.trl,
        application.needs,
        application.duration,
        application.first_start,
        application.last_start,
        application.sites,
    )


def verdicts(
    session: Session, call: Call, application: Application, there: Mapping[int, Place]
) -> list[dict[str, Any]]:
    home = session.get_one(Organisation, application.organisation_id)
    found = judge(terms.rules(call.terms), pilot(application, home.kind), there)
    return [verdict.document() for verdict in found]


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
