"""Action clusters: who carries an accepted application through, towards which goal; and superclusters of like ones.

A cluster is public. It is active only with a municipality and a company that have confirmed, and goes back to forming
when it loses the last of either. ``solution`` is the key that blueprints will share; a supercluster groups the clusters
of one goal and one solution.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from gops.accounts.checks import name, one_of
from gops.accounts.lookup import organisation
from gops.accounts.model import Organisation
from gops.clock import Clock
from gops.errors import Conflict, Forbidden
from gops.permissions import Action, Actor, missing, permits, require
from gops.records import audit, events
from gops.records.database import Database, flush_unique
from gops.records.paging import is_id, page
from gops.sensors.texts import line
from gops.testbed import checks, lifecycles, notices
from gops.testbed.clusters import writing
from gops.testbed.clusters.forming import PARTS, part_of
from gops.testbed.clusters.model import Cluster, ClusterMember, Supercluster
from gops.testbed.lifecycles import CLUSTER

ACTS: tuple[Action, ...] = ("call.change", "application.write")
"""What somebody may do at home who speaks for a municipality, or for any other member."""
NEEDED = ("municipality", "company")
MAKERS = ("municipality", "operator")


@dataclass(frozen=True)
class Shown:
    """A cluster with its members."""

    cluster: Cluster
    members: Sequence[ClusterMember]


class Clusters:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def get(self, actor: Actor, cluster_id: int) -> Shown:
        """For anybody; who is only invited is shown to the members and to whom it is. Raises ``NotFound``."""
        with self._database.read() as session:
            cluster = session.get(Cluster, cluster_id) if is_id(cluster_id) else None
            if cluster is None:
                raise missing("cluster")
            return _shown(actor, cluster, _members(session, [cluster.id]))

    def list(
        self,
        actor: Actor,
        goal: str | None = None,
        solution: str | None = None,
        text: str | None = None,
        state: str | None = None,
        supercluster: int | None = None,
        after: int = 0,
        limit: int = 100,
    ) -> Sequence[Shown]:
        """For anybody; of a goal, a solution, a supercluster, in a state, or with words in title, goal or purpose."""
        query = select(Cluster)
        for column, wanted in ((Cluster.goal, goal), (Cluster.solution, solution),
                               (Cluster.supercluster_id, supercluster)):  # fmt: skip
            if wanted is not None:
                query = query.where(column == wanted)
        if state is not None:
            query = query.where(Cluster.state == checks.state(CLUSTER, state))
        for word in line(text or "", "q").split()[: writing.WORDS_MAX]:
            query = query.where(
                Cluster.title.icontains(word, autoescape=True)
                | Cluster.goal.icontains(word, autoescape=True)
                | Cluster.purpose.icontains(word, autoescape=True)
            )
        with self._database.read() as session:
            rows = session.scalars(page(query, Cluster.id, after, limit)).all()
            members = _members(session, [row.id for row in rows])
        return [_shown(actor, row, [one for one in members if one.cluster_id == row.id]) for row in rows]

    def edit(self, actor: Actor, cluster_id: int, given: Mapping[str, Any]) -> Shown:
        """By a member: goal, solution, purpose, KPIs, milestones. Raises ``Invalid``, ``Conflict``."""
        wanted = writing.read(given)
        with self._database.write() as session:
            cluster = self._own(session, actor, cluster_id)
            if cluster.state == "closed":
                CLUSTER.check("closed", "forming")
            for key, value in wanted.items():
                setattr(cluster, key, value)
            if {"goal", "solution"} & set(wanted):
                cluster.supercluster_id = None  # it groups one goal and one solution
            self._note(session, actor, "cluster.edit", cluster, changed=sorted(wanted))
            return Shown(cluster, _members(session, [cluster.id]))

    def invite(self, actor: Actor, cluster_id: int, organisation_slug: str, part: str | None = None) -> ClusterMember:
        """By a member. A municipality or a company is invited as what it is; others as partner or residents."""
        now = self._clock.micros()
        with self._database.write() as session:
            cluster = self._own(session, actor, cluster_id)
            home = organisation(session, organisation_slug)
            own = part_of(home)
            chosen = own if part is None else one_of(part, PARTS, "part")
            if chosen in NEEDED and chosen != own:
                raise checks.wrong("invalid_value", "part", chosen, f"{own}, partner or residents, as {home.slug} is")
            count = len(_members(session, [cluster.id]))
            if count >= writing.MEMBERS_MAX:
                raise Conflict(f"the cluster has {count} members", code="too_many", field="members", found=count + 1,
                               expected=f"at most {writing.MEMBERS_MAX}")  # fmt: skip
            made = ClusterMember(cluster_id=cluster.id, organisation_id=home.id, part=chosen, state="invited",
                                 changed_at=now)  # fmt: skip
            session.add(made)
            flush_unique(session, Conflict(f"{home.slug} is in the cluster", code="member_asked", field="organisation",
                                           found=home.slug, expected="an organisation that is not in it"))  # fmt: skip
            self._note(session, actor, "cluster.invite", cluster, organisation=home.slug)
            notices.invited(session, now, cluster.id, cluster.title, home.id)
        return made

    def answer(self, actor: Actor, cluster_id: int, organisation_slug: str, confirmed: bool) -> Shown:
        """By somebody of the organisation invited: confirm, or leave. The members may let it go too, before it has
        confirmed. An active cluster that lacks a municipality or a company then is forming again."""
        now = self._clock.micros()
        with self._database.write() as session:
            cluster = _held(session, cluster_id)
            home = organisation(session, organisation_slug)
            member = session.scalar(select(ClusterMember).where(
                ClusterMember.cluster_id == cluster.id, ClusterMember.organisation_id == home.id))  # fmt: skip
            if member is None:
                raise missing("member of this cluster")
            if not (member.state == "invited" and not confirmed and _speaks_for_member(session, actor, cluster)):
                _require_one(actor, home.id)
            if confirmed:
                member.state, member.changed_at = "confirmed", now
            else:
                session.delete(member)
            session.flush()
            if cluster.state == "active" and _lacking(session, cluster):
                lifecycles.move(CLUSTER, cluster, "forming")
            action = "cluster.confirm" if confirmed else "cluster.leave"
            self._note(session, actor, action, cluster, organisation=home.slug)
            return Shown(cluster, _members(session, [cluster.id]))

    def move(self, actor: Actor, cluster_id: int, state: str) -> Shown:
        """By a member. Raises ``Conflict``: ``illegal_move``, ``cluster_incomplete``."""
        with self._database.write() as session:
            cluster = self._own(session, actor, cluster_id)
            lifecycles.move(CLUSTER, cluster, checks.state(CLUSTER, state))
            lacking = _lacking(session, cluster) if state == "active" else []
            if lacking:
                raise Conflict(f"the cluster lacks a {' and a '.join(lacking)} that has confirmed",
                               code="cluster_incomplete", field="state", found=", ".join(lacking),
                               expected="a municipality and a company that have confirmed")  # fmt: skip
            cluster.closed_at = self._clock.micros() if state == "closed" else None
            self._note(session, actor, f"cluster.{state}", cluster)
            return Shown(cluster, _members(session, [cluster.id]))

    def group(self, actor: Actor, cluster_id: int, supercluster_id: int | None) -> Shown:
        """By a member: into a supercluster of the same goal and solution, or out of one."""
        with self._database.write() as session:
            cluster = self._own(session, actor, cluster_id)
            if supercluster_id is not None:
                found = session.get(Supercluster, supercluster_id) if is_id(supercluster_id) else None
                if found is None:
                    raise missing("supercluster")
                _refuse_unlike(cluster, found)
            cluster.supercluster_id = supercluster_id
            self._note(session, actor, "cluster.group", cluster, supercluster=supercluster_id)
            return Shown(cluster, _members(session, [cluster.id]))

    def found(self, actor: Actor, organisation_slug: str, title_ko: str, title_en: str, goal: str,
              solution: str) -> Supercluster:  # fmt: skip
        """Make a supercluster, by a municipality or the operator. Raises ``Conflict`` (``supercluster_taken``)."""
        now = self._clock.micros()
        titles = name(title_ko, "title_ko"), name(title_en, "title_en")
        keys = writing.key(goal, "goal"), writing.key(solution, "solution")
        with self._database.write() as session:
            home = organisation(session, organisation_slug)
            require(actor, "call.change", home.id)
            if home.kind not in MAKERS:
                raise Forbidden(f"{home.slug} makes no superclusters", code="not_a_municipality", field="organisation",
                                found=home.kind, expected="a municipality or the operator")  # fmt: skip
            made = Supercluster(organisation_id=home.id, title_ko=titles[0], title_en=titles[1], goal=keys[0],
                                solution=keys[1], created_at=now)  # fmt: skip
            session.add(made)
            flush_unique(session, Conflict("there is such a supercluster", code="supercluster_taken", field="goal",
                                           found=f"{keys[0]}, {keys[1]}", expected="a goal and a solution that none has"))  # fmt: skip  # noqa: E501
            audit.record(session, now, actor, "supercluster.make", "supercluster", made.id, home.id)
        return made

    def superclusters(
        self, goal: str | None = None, solution: str | None = None, after: int = 0, limit: int = 100
    ) -> Sequence[Supercluster]:
        """For anybody."""
        query = select(Supercluster)
        if goal is not None:
            query = query.where(Supercluster.goal == goal)
        if solution is not None:
            query = query.where(Supercluster.solution == solution)
        with self._database.read() as session:
            return session.scalars(page(query, Supercluster.id, after, limit)).all()

    def _own(self, session: Session, actor: Actor, cluster_id: int) -> Cluster:
        """Held, for whoever speaks for a member that has confirmed."""
        cluster = _held(session, cluster_id)
        if not _speaks_for_member(session, actor, cluster):
            require(actor, "call.change", None)  # the anonymous, and those who are in no way of it
        return cluster

    def _note(self, session: Session, actor: Actor, action: str, cluster: Cluster, **detail: Any) -> None:
        now = self._clock.micros()
        audit.record(session, now, actor, action, "cluster", cluster.id, actor.organisation_id, **detail)
        events.append(session, now, "cluster.changed", cluster=cluster.id)


def _held(session: Session, cluster_id: int) -> Cluster:
    query = select(Cluster).where(Cluster.id == cluster_id).with_for_update(key_share=True)
    cluster = session.scalar(query) if is_id(cluster_id) else None
    if cluster is None:
        raise missing("cluster")
    return cluster


def _speaks_for_member(session: Session, actor: Actor, cluster: Cluster) -> bool:
    home = actor.organisation_id
    if home is None or not any(permits(actor, act, home) for act in ACTS):
        return False
    query = select(ClusterMember.id).where(ClusterMember.cluster_id == cluster.id, ClusterMember.state == "confirmed")
    return session.scalar(query.where(ClusterMember.organisation_id == home)) is not None


def _require_one(actor: Actor, home: int) -> None:
    if not any(permits(actor, act, home) for act in ACTS):
        require(actor, ACTS[0], home)


def _members(session: Session, cluster_ids: Sequence[int]) -> Sequence[ClusterMember]:
    query = select(ClusterMember).where(ClusterMember.cluster_id.in_(cluster_ids))
    return session.scalars(query.order_by(ClusterMember.id)).all()


def _shown(actor: Actor, cluster: Cluster, members: Sequence[ClusterMember]) -> Shown:
    inside = actor.organisation_id in {row.organisation_id for row in members}
    return Shown(cluster, [row for row in members if inside or row.state == "confirmed"])


def _lacking(session: Session, cluster: Cluster) -> list[str]:
    """Which of the kinds that an active cluster needs has not confirmed. The kind is the organisation's own."""
    query = select(Organisation.kind).join(ClusterMember, ClusterMember.organisation_id == Organisation.id)
    query = query.where(ClusterMember.cluster_id == cluster.id, ClusterMember.state == "confirmed")
    there = set(session.scalars(query))
    return [kind for kind in NEEDED if kind not in there]


def _refuse_unlike(cluster: Cluster, supercluster: Supercluster) -> None:
    for field in ("goal", "solution"):
        own, wanted = getattr(cluster, field), getattr(supercluster, field)
        if own != wanted:
            raise Conflict(f"the {field} of the cluster is another", code="supercluster_unlike", field=field,
                           found=own or "none", expected=wanted)  # fmt: skip
