"""Tables of action clusters and of the superclusters that group them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from gops.records.base import Base, Id, Micros, OptionalMicros, table_args


class Supercluster(Base):
    """Clusters with one goal and one solution, both short keys."""

    __tablename__ = "supercluster"
    __table_args__ = table_args(UniqueConstraint("goal", "solution"))
    id: Mapped[Id]
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    title_ko: Mapped[str] = mapped_column(String(200))
    title_en: Mapped[str] = mapped_column(String(200))
    goal: Mapped[str] = mapped_column(String(64))
    solution: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[Micros]


class Cluster(Base):
    """Those who carry one accepted application through. ``kpis``, ``milestones``: small rows."""

    __tablename__ = "cluster"
    __table_args__ = table_args(
        UniqueConstraint("application_id"), Index("ix_cluster_goal_solution", "goal", "solution")
    )
    id: Mapped[Id]
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"))
    supercluster_id: Mapped[int | None] = mapped_column(ForeignKey("supercluster.id"), index=True)
    title: Mapped[str] = mapped_column(String(200))
    goal: Mapped[str] = mapped_column(String(64))
    solution: Mapped[str] = mapped_column(String(64))
    purpose: Mapped[str] = mapped_column(String(2000))
    kpis: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    milestones: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    state: Mapped[str] = mapped_column(String(16))
    created_at: Mapped[Micros]
    closed_at: Mapped[OptionalMicros]


class ClusterMember(Base):
    """An organisation in a cluster: invited, then confirmed by itself."""

    __tablename__ = "cluster_member"
    __table_args__ = table_args(UniqueConstraint("cluster_id", "organisation_id"))
    id: Mapped[Id]
    cluster_id: Mapped[int] = mapped_column(ForeignKey("cluster.id"))
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    part: Mapped[str] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(16))
    changed_at: Mapped[Micros]
