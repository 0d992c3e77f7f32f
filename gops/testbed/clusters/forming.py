"""An accepted application forms an action cluster: the site's municipality, the applicant and its consortium.

A cluster is public and an application is not: of it only title and theme go over. What else there is to say, the
members write.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from gops.accounts.model import Organisation
from gops.permissions import ANONYMOUS
from gops.records import audit, events
from gops.testbed import notices
from gops.testbed.call_model import Member
from gops.testbed.clusters.model import Cluster, ClusterMember
from gops.testbed.lifecycles import CLUSTER
from gops.testbed.model import Application, Site, Slot

PARTS = ("municipality", "company", "partner", "residents")


def form(session: Session, application: Application, slot: Slot, now: int) -> Cluster:
    """The applicant confirmed by accepting; the municipality is invited."""
    made = Cluster(
        application_id=application.id,
        title=application.title,
        goal=application.theme or "",
        solution="",
        purpose="",
        kpis=[],
        milestones=[],
        state=CLUSTER.states[0],
        created_at=now,
    )
    session.add(made)
    session.flush()
    municipality = session.get_one(Site, slot.site_id).organisation_id
    applicant = session.get_one(Organisation, application.organisation_id)
    _join(session, made, applicant.id, part_of(applicant), "confirmed", now)
    for home in sorted({municipality, *_consortium(session, application)} - {applicant.id}):
        _join(session, made, home, part_of(session.get_one(Organisation, home)), "invited", now)
        notices.invited(session, now, made.id, made.title, home)
    audit.record(session, now, ANONYMOUS, "cluster.form", "cluster", made.id, applicant.id)
    events.append(session, now, "cluster.changed", cluster=made.id)
    return made


def _consortium(session: Session, application: Application) -> Sequence[int]:
    query = select(Member.organisation_id).where(Member.application_id == application.id, Member.state == "confirmed")
    return session.scalars(query).all()


def part_of(organisation: Organisation) -> str:
    """What an organisation is in a cluster, by its kind."""
    return {"municipality": "municipality", "company": "company", "citizen_group": "residents"}.get(
        organisation.kind, "partner"
    )


def _join(session: Session, cluster: Cluster, organisation: int, part: str, state: str, now: int) -> None:
    session.add(
        ClusterMember(cluster_id=cluster.id, organisation_id=organisation, part=part, state=state, changed_at=now)
    )
