"""Tables of offers and of what stands between an accepted one and its start."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from gops.records.base import Base, BigId, Id, Micros, OptionalMicros, OptionalReference, table_args


class Offer(Base):
    """A place offered to an application, which has one in its life. ``person_id``: who answered."""

    __tablename__ = "offer"
    __table_args__ = table_args(
        UniqueConstraint("application_id"),
        Index("ix_offer_call_id_id", "call_id", "id"),
        Index("ix_offer_state_lapses_at", "state", "lapses_at"),
    )
    id: Mapped[Id]
    call_id: Mapped[int] = mapped_column(ForeignKey("call.id"))
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"))
    slot_id: Mapped[int] = mapped_column(ForeignKey("slots.id"), index=True)
    state: Mapped[str] = mapped_column(String(16))
    from_reserve: Mapped[bool]
    offered_at: Mapped[Micros]
    lapses_at: Mapped[Micros]
    answered_at: Mapped[OptionalMicros]
    person_id: Mapped[OptionalReference]
    reason: Mapped[str] = mapped_column(String(2000))


class SlotTerm(Base):
    """When the weeks of an accepted slot begin and end, as moments: the clocks run by these."""

    __tablename__ = "slot_term"
    __table_args__ = {}  # noqa: RUF012 - its id is another table's
    slot_id: Mapped[int] = mapped_column(BigId, ForeignKey("slots.id"), primary_key=True, autoincrement=False)
    starts_at: Mapped[Micros]
    ends_at: Mapped[Micros]


class SlotCondition(Base):
    """What must be met before a slot can start. ``person_id``: who changed it last."""

    __tablename__ = "slot_condition"
    __table_args__ = table_args(UniqueConstraint("slot_id", "kind"))
    id: Mapped[Id]
    slot_id: Mapped[int] = mapped_column(ForeignKey("slots.id"))
    kind: Mapped[str] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(16))
    note: Mapped[str] = mapped_column(String(2000))
    changed_at: Mapped[Micros]
    person_id: Mapped[OptionalReference]
