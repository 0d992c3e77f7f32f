"""Tables of regulatory checks and exemptions."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from gops.records.base import Base, Id, Micros, OptionalMicros, OptionalReference, table_args

HOLDS = ("granted", "extended", "converted")
"""States in which an exemption lets a pilot run."""


class Answerer(Base):
    """A person who answers for a regulator in one call."""

    __tablename__ = "answerer"
    __table_args__ = table_args(UniqueConstraint("call_id", "person_id"))
    id: Mapped[Id]
    call_id: Mapped[int] = mapped_column(ForeignKey("call.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    name: Mapped[str] = mapped_column(String(200))
    added_at: Mapped[Micros]


class RegulatoryCheck(Base):
    """Is there a rule in the way? ``answer``: no_rule, rule or exemption_needed. ``confirmed_at``: the call's owner
    takes the answer, or the silence, for settled."""

    __tablename__ = "regulatory_check"
    __table_args__ = table_args(
        Index("ix_regulatory_check_call_id_id", "call_id", "id"),
        Index("ix_regulatory_check_state_due_at", "state", "due_at"),
    )
    id: Mapped[Id]
    call_id: Mapped[int] = mapped_column(ForeignKey("call.id"))
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"), index=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    rule: Mapped[str] = mapped_column(String(200))
    question: Mapped[str] = mapped_column(String(2000))
    state: Mapped[str] = mapped_column(String(16))
    answer: Mapped[str | None] = mapped_column(String(16))
    text: Mapped[str] = mapped_column(String(2000))
    requested_at: Mapped[Micros]
    due_at: Mapped[Micros]
    answered_at: Mapped[OptionalMicros]
    answered_by: Mapped[OptionalReference]
    confirmed_at: Mapped[OptionalMicros]
    confirmed_by: Mapped[OptionalReference]


class Exemption(Base):
    """From a rule, for weeks [first_week, end_week) at one site of the application or (``site_id`` null) all of them.

    ``ends_at`` is when ``end_week`` begins. ``review_pending``: a statutory review keeps it from expiring.
    """

    __tablename__ = "exemption"
    __table_args__ = table_args(Index("ix_exemption_state_ends_at", "state", "ends_at"))
    id: Mapped[Id]
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"), index=True)
    site_id: Mapped[int | None] = mapped_column(ForeignKey("site.id"))
    law: Mapped[str] = mapped_column(String(200))
    need: Mapped[str] = mapped_column(String(2000))
    state: Mapped[str] = mapped_column(String(16))
    first_week: Mapped[int | None] = mapped_column(BigInteger)
    end_week: Mapped[int | None] = mapped_column(BigInteger)
    ends_at: Mapped[OptionalMicros]
    scale: Mapped[str] = mapped_column(String(2000))
    reason: Mapped[str] = mapped_column(String(2000))
    review_pending: Mapped[bool] = mapped_column(Boolean)
    requested_at: Mapped[Micros]
    decided_at: Mapped[OptionalMicros]
    decided_by: Mapped[OptionalReference]
