"""Tables of webhooks: who is told, and what is on its way."""

from __future__ import annotations

from sqlalchemy import JSON, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from gops.records.base import Base, Id, Micros, OptionalMicros, Reference, table_args


class DatasetHook(Base):
    """``events`` are kinds of news, ``dataset_id`` the one that is asked after, null for all.

    ``secret`` signs; only the answer that made it shows it. ``heard`` is the id of the news up to which there are
    deliveries.
    """

    __tablename__ = "dataset_hook"
    id: Mapped[Id]
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    dataset_id: Mapped[int | None] = mapped_column(ForeignKey("dataset.id"), index=True)
    address: Mapped[str] = mapped_column(String(2000))
    secret: Mapped[str] = mapped_column(String(64))
    events: Mapped[list[str]] = mapped_column(JSON)
    heard: Mapped[Reference]
    created_at: Mapped[Micros]


class HookDelivery(Base):
    """A piece of news on its way to a hook: ``waiting`` until ``next_at``, then ``sent`` or ``dead``."""

    __tablename__ = "dataset_hook_delivery"
    __table_args__ = table_args(
        UniqueConstraint("hook_id", "news_id"),
        Index("ix_dataset_hook_delivery_state_next_at", "state", "next_at"),
    )
    id: Mapped[Id]
    hook_id: Mapped[int] = mapped_column(ForeignKey("dataset_hook.id"))
    news_id: Mapped[int] = mapped_column(ForeignKey("dataset_news.id"), index=True)
    state: Mapped[str] = mapped_column(String(8))
    attempts: Mapped[int]
    begun_at: Mapped[Micros]
    next_at: Mapped[Micros]
    ended_at: Mapped[OptionalMicros]
    problem: Mapped[str | None] = mapped_column(String(300))
