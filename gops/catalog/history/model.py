"""Tables of what became of datasets."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from gops.records.base import Base, Id, Micros, OptionalReference, table_args


class DatasetRevision(Base):
    """What was said of a dataset from ``at`` on. ``number`` is ``Dataset.revision`` then; ``by`` is a person."""

    __tablename__ = "dataset_revision"
    __table_args__ = table_args(UniqueConstraint("dataset_id", "number"))
    id: Mapped[Id]
    dataset_id: Mapped[int] = mapped_column(ForeignKey("dataset.id"))
    number: Mapped[Micros]
    at: Mapped[Micros]
    by: Mapped[OptionalReference]
    note: Mapped[str] = mapped_column(String(500), default="")
    document: Mapped[dict[str, Any]] = mapped_column(JSON)


class DatasetNews(Base):
    """``what`` (``history.news.KINDS``) happened to a dataset, for its readers. ``number`` is that of the revision or
    of the snapshot; ``title`` and ``slug`` are those that it had then, ``publisher_id`` whose it is."""

    __tablename__ = "dataset_news"
    __table_args__ = table_args(Index("ix_dataset_news_dataset_id_id", "dataset_id", "id"))
    id: Mapped[Id]
    dataset_id: Mapped[int] = mapped_column(ForeignKey("dataset.id"))
    publisher_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    what: Mapped[str] = mapped_column(String(16))
    at: Mapped[Micros] = mapped_column(index=True)
    number: Mapped[Micros]
    slug: Mapped[str] = mapped_column(String(63))
    title_ko: Mapped[str] = mapped_column(String(200))
    title_en: Mapped[str] = mapped_column(String(200))
    note: Mapped[str] = mapped_column(String(2000), default="")
