"""Tables of the review: evaluators of a call, their bids, their forms, and scores that municipalities give."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Boolean, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from gops.records.base import Base, Id, Micros, OptionalMicros, table_args


class Evaluator(Base):
    """A person who judges in one call. ``organisation_id``: where they come from; ``load``: most applications;
    ``employers``: ids of organisations that they worked for lately; ``name``: what the call's owner calls them."""

    __tablename__ = "evaluator"
    __table_args__ = table_args(UniqueConstraint("call_id", "person_id"))
    id: Mapped[Id]
    call_id: Mapped[int] = mapped_column(ForeignKey("call.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    name: Mapped[str] = mapped_column(String(200))
    load: Mapped[int] = mapped_column(BigInteger)
    employers: Mapped[list[int]] = mapped_column(JSON)
    added_at: Mapped[Micros]


class ReviewBid(Base):
    """What an evaluator says of an application before the assignment; ``conflict`` holds after it too."""

    __tablename__ = "review_bid"
    __table_args__ = table_args(UniqueConstraint("evaluator_id", "application_id"))
    id: Mapped[Id]
    evaluator_id: Mapped[int] = mapped_column(ForeignKey("evaluator.id"))
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"), index=True)
    bid: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str] = mapped_column(String(2000))
    at: Mapped[Micros]


class Review(Base):
    """A form: ``scores`` of 0..100 in the order of the call's criteria, ``total`` 0..10000 once it is handed in."""

    __tablename__ = "review"
    __table_args__ = table_args(UniqueConstraint("evaluator_id", "application_id"))
    id: Mapped[Id]
    evaluator_id: Mapped[int] = mapped_column(ForeignKey("evaluator.id"))
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"), index=True)
    state: Mapped[str] = mapped_column(String(16))
    by_hand: Mapped[bool] = mapped_column(Boolean)
    scores: Mapped[list[int | None]] = mapped_column(JSON)
    comment_ko: Mapped[str] = mapped_column(String(2000))
    comment_en: Mapped[str] = mapped_column(String(2000))
    total: Mapped[int | None] = mapped_column(BigInteger)
    assigned_at: Mapped[Micros]
    submitted_at: Mapped[OptionalMicros]


class MunicipalScore(Base):
    """What a municipality gives an application at its sites, 0..10000."""

    __tablename__ = "municipal_score"
    __table_args__ = table_args(UniqueConstraint("application_id", "organisation_id"))
    id: Mapped[Id]
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"))
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    score: Mapped[int] = mapped_column(BigInteger)
