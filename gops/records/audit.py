"""The audit: administrative acts, written in the transaction that does them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, Index, String
from sqlalchemy.orm import Mapped, Session, mapped_column

from gops.permissions import Actor
from gops.records.base import Base, Id, Micros, OptionalReference, table_args


class AuditRow(Base):
    """Who did what to what, when. ``person_id`` is null for what GOPS itself did."""

    __tablename__ = "audit"
    __table_args__ = table_args(Index("ix_audit_organisation_id_id", "organisation_id", "id"))
    id: Mapped[Id]
    at: Mapped[Micros]
    person_id: Mapped[OptionalReference]
    key_id: Mapped[OptionalReference]
    organisation_id: Mapped[OptionalReference]
    action: Mapped[str] = mapped_column(String(64))
    noun: Mapped[str] = mapped_column(String(32))
    record_id: Mapped[OptionalReference]
    detail: Mapped[dict[str, Any]] = mapped_column(JSON)


def record(
    session: Session,
    at: int,
    actor: Actor,
    action: str,
    noun: str,
    record_id: int | None,
    organisation_id: int | None,
    **detail: Any,
) -> None:
    """Add a row to this unit. ``detail`` is small, JSON, and never holds a secret."""
    session.add(
        AuditRow(
            at=at,
            person_id=actor.person_id,
            key_id=actor.key_id,
            organisation_id=organisation_id,
            action=action,
            noun=noun,
            record_id=record_id,
            detail=detail,
        )
    )
