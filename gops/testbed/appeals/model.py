"""Tables of appeals. Each is public from its filing on; of a person only the organisation."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from gops.records.base import Base, BigId, Id, Micros, OptionalMicros, OptionalReference, table_args


class AppealWindow(Base):
    """Until when appeals against a published round are taken."""

    __tablename__ = "appeal_window"
    __table_args__ = {}  # noqa: RUF012 - its id is another table's
    round_id: Mapped[int] = mapped_column(BigId, ForeignKey("round.id"), primary_key=True, autoincrement=False)
    ends_at: Mapped[Micros]


class Appeal(Base):
    """``claimed`` is what the input should be, ``correction`` what it was corrected to (``corrections``)."""

    __tablename__ = "appeal"
    __table_args__ = table_args(
        Index("ix_appeal_call_id_id", "call_id", "id"), Index("ix_appeal_state_due_at", "state", "due_at")
    )
    id: Mapped[Id]
    call_id: Mapped[int] = mapped_column(ForeignKey("call.id"))
    round_id: Mapped[int] = mapped_column(ForeignKey("round.id"))
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"), index=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    person_id: Mapped[OptionalReference]
    about: Mapped[str] = mapped_column(String(16))
    site_id: Mapped[OptionalReference]
    text: Mapped[str] = mapped_column(String(2000))
    claimed: Mapped[dict[str, Any]] = mapped_column(JSON)
    state: Mapped[str] = mapped_column(String(16))
    filed_at: Mapped[Micros]
    due_at: Mapped[Micros]
    answer: Mapped[str] = mapped_column(String(2000))
    answered_at: Mapped[OptionalMicros]
    answered_by: Mapped[OptionalReference]
    decision: Mapped[str] = mapped_column(String(2000))
    decided_by: Mapped[str | None] = mapped_column(String(16))
    decided_at: Mapped[OptionalMicros]
    correction: Mapped[dict[str, Any]] = mapped_column(JSON)
    corrected_at: Mapped[OptionalMicros]
