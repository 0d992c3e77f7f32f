"""Tables of notices: written with what they tell of, sent later."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from gops.records.base import Base, BigId, Id, Micros, OptionalMicros, OptionalReference, Reference, table_args


class Notice(Base):
    """One thing told to one person by mail, or to one organisation's webhook (``person_id`` null).

    ``once``: a second notice of this key is not written. ``facts`` fill the template of ``event`` when it is sent.
    """

    __tablename__ = "notice"
    __table_args__ = table_args(
        UniqueConstraint("once"),
        Index("ix_notice_state_next_at", "state", "next_at"),
        Index("ix_notice_organisation_id_id", "organisation_id", "id"),
        Index("ix_notice_person_id_id", "person_id", "id"),
    )
    id: Mapped[Id]
    at: Mapped[int] = mapped_column(BigInteger, index=True)
    event: Mapped[str] = mapped_column(String(64))
    subject_id: Mapped[Reference]
    organisation_id: Mapped[OptionalReference]
    person_id: Mapped[OptionalReference]
    facts: Mapped[dict[str, Any]] = mapped_column(JSON)
    once: Mapped[str | None] = mapped_column(String(200))
    state: Mapped[str] = mapped_column(String(16))
    attempts: Mapped[int] = mapped_column(BigInteger)
    begun_at: Mapped[Micros]
    next_at: Mapped[Micros]
    ended_at: Mapped[OptionalMicros]
    problem: Mapped[str | None] = mapped_column(String(300))


class NoticeWish(Base):
    """How a person wants to be told. Without a row: by mail, in the language of the setting."""

    __tablename__ = "notice_wish"
    __table_args__ = {}  # noqa: RUF012 - its id is another table's
    person_id: Mapped[int] = mapped_column(BigId, ForeignKey("person.id"), primary_key=True, autoincrement=False)
    language: Mapped[str] = mapped_column(String(2))
    mail: Mapped[bool]


class NoticeHook(Base):
    """Where an organisation's programs are told. ``secret`` signs, and is shown once."""

    __tablename__ = "notice_hook"
    __table_args__ = {}  # noqa: RUF012 - its id is another table's
    organisation_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("organisation.id"), primary_key=True, autoincrement=False
    )
    url: Mapped[str] = mapped_column(String(2000))
    secret: Mapped[str] = mapped_column(String(64))
