"""The outbox of events: what one part tells the others, written in the transaction that makes it true.

Readers remember the last sequence number they saw. PostgreSQL could make numbers visible out of order, and a reader
would pass over the late one; so a write unit that appends an event is serialised from there to its commit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import JSON, String, delete, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from gops.records.base import Base, Id, Micros
from gops.records.database import serialise


class EventRow(Base):
    __tablename__ = "event"
    id: Mapped[Id]
    at: Mapped[Micros]
    kind: Mapped[str] = mapped_column(String(64))
    payload: Mapped[dict[str, Any]] = mapped_column(JSON)


@dataclass(frozen=True)
class Event:
    """``kind`` is ``{noun}.{past participle}``, for example ``device.revoked``; ``payload`` holds ids only."""

    sequence: int
    at: int
    kind: str
    payload: dict[str, Any]


def append(session: Session, at: int, kind: str, **payload: Any) -> None:
    """Write an event that becomes visible with this unit's commit."""
    serialise(session, "event")
    session.add(EventRow(at=at, kind=kind, payload=payload))
    session.flush()


def since(session: Session, sequence: int, limit: int = 1000) -> Sequence[Event]:
    """Events after ``sequence``, oldest first."""
    rows = session.scalars(select(EventRow).where(EventRow.id > sequence).order_by(EventRow.id).limit(limit))
    return [Event(row.id, row.at, row.kind, row.payload) for row in rows]


def newest(session: Session) -> int:
    """The last sequence number, 0 when there is none yet."""
    return session.scalar(select(func.max(EventRow.id))) or 0


def forget_before(session: Session, at: int) -> None:
    """Drop events older than ``at``."""
    session.execute(delete(EventRow).where(EventRow.at < at))
