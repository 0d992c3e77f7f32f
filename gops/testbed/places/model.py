"""Slots that a site gave by itself."""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from gops.records.base import Base, Id, table_args


class MicroSlot(Base):
    """Marks a slot that was granted outside of a call; ``quarter`` is year * 4 + 0..3, of its first week."""

    __tablename__ = "micro_slot"
    __table_args__ = table_args(Index("ix_micro_slot_organisation_id_quarter", "organisation_id", "quarter"))
    id: Mapped[Id]
    slot_id: Mapped[int] = mapped_column(ForeignKey("slots.id"), unique=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    quarter: Mapped[int] = mapped_column(BigInteger)
