"""An accepted application forms an action cluster: the site's municipality and the applicant, others join later."""

from __future__ import annotations

from sqlalchemy.orm import Session

from gops.accounts.model import Organisation
from gops.permissions import ANONYMOUS
from gops.records import audit, events
from gops.testbed.clusters.model import Cluster, ClusterMember
from gops.testbed.lifecycles import CLUSTER
from gops.testbed.model import Application, Site, Slot

PARTS = ("municipality", "company", "partner", "residents")


def form(session: Session, application: Application, slot: Slot, now: int) -> Cluster:
    """The applicant confirmed by accepting; the municipality is invited."""
    made = Cluster(
        application_id=application.id,
        title=application.title,
        goal=key_of(application, "theme"),
        solution=key_of(application, "technology"),
        purpose=application.summary,
        kpis=list(getattr(application, "kpis", None) or []),
        milestones=[],
        state=CLUSTER.states[0],
        created_at=now,
    )
    session.add(made)
    session.flush()
    municipality = session.get_one(Site, slot.site_id).organisation_id
    applicant = session.get_one(Organisation, application.organisation_id)
    _join(session, made, applicant.id, part_of(applicant), "confirmed", now)
    if municipality != applicant.id:
        _join(session, made, municipality, "municipality", "invited", now)
    audit.record(session, now, ANONYMOUS, "cluster.form", "cluster", made.id, applicant.id)
    events.append(session, now, "cluster.changed", cluster=made.id)
    return made


def part_of(organisation: Organisation) -> str:
    """What an organisation is in a cluster, by its kind."""
    return {"municipality": "municipality", "company": "company", "citizen_group": "residents"}.get(
        organisation.kind, "partner"
    )


def key_of(application: Application, name: str) -> str:
    """A short key of what the application says of itself, empty where it says nothing."""
    return str(getattr(application, name, None) or "")[:64]


def _join(session: Session, cluster: Cluster, organisation: int, part: str, state: str, now: int) -> None:
    session.add(
        ClusterMember(cluster_id=cluster.id, organisation_id=organisation, part=part, state=state, changed_at=now)
    )
