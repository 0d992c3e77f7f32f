"""Tables around calls and applications: questions, errata, members of a consortium, documents."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, BigInteger, Boolean, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from gops.records.base import Base, Id, Micros, OptionalMicros, table_args


class Question(Base):
    """A question to a call and its answer, both public; who asked is not."""

    __tablename__ = "call_question"
    __table_args__ = table_args(Index("ix_call_question_call_id_id", "call_id", "id"))
    id: Mapped[Id]
    call_id: Mapped[int] = mapped_column(ForeignKey("call.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    text: Mapped[str] = mapped_column(String(2000))
    asked_at: Mapped[Micros]
    answer: Mapped[str | None] = mapped_column(String(2000))
    answered_at: Mapped[OptionalMicros]


class Erratum(Base):
    """``changes``: of each field that was changed [before, after]; moments in microseconds."""

    __tablename__ = "call_erratum"
    __table_args__ = table_args(Index("ix_call_erratum_call_id_id", "call_id", "id"))
    id: Mapped[Id]
    call_id: Mapped[int] = mapped_column(ForeignKey("call.id"))
    text_ko: Mapped[str] = mapped_column(String(2000))
    text_en: Mapped[str] = mapped_column(String(2000))
    changes: Mapped[dict[str, Any]] = mapped_column(JSON)
    at: Mapped[Micros]


class Member(Base):
    """An organisation of an application's consortium besides the applicant; ``part`` says what it does."""

    __tablename__ = "application_member"
    __table_args__ = table_args(UniqueConstraint("application_id", "organisation_id"))
    id: Mapped[Id]
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"))
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    part: Mapped[str] = mapped_column(String(200))
    state: Mapped[str] = mapped_column(String(16))
    asked_at: Mapped[Micros]
    answered_at: Mapped[OptionalMicros]


class Document(Base):
    """A file of an application; ``scanned``: a scanner looked at it and found nothing."""

    __tablename__ = "application_document"
    __table_args__ = table_args(Index("ix_application_document_application_id_id", "application_id", "id"))
    id: Mapped[Id]
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    kind: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(200))
    media_type: Mapped[str] = mapped_column(String(100))
    bytes: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(String(64))
    scanned: Mapped[bool] = mapped_column(Boolean)
    created_at: Mapped[Micros]
