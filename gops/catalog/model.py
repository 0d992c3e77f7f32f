"""Tables of the catalog."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from gops.records.base import Base, Id, Micros, OptionalMicros, table_args


class Dataset(Base):
    """A live dataset: a named selection of Datastreams of one owner, and what is said of it.

    ``offer`` names the feed of a draft that GOPS offered (``direct``, or ``feed:{id}``): there is one for each. With a
    ``rule`` the selection follows it while the dataset is a draft, and later as well where ``follow`` is true; without,
    the publisher lists Datastreams. ``revision`` grows with every change of the metadata or the selection.
    """

    __tablename__ = "dataset"
    __table_args__ = table_args(
        UniqueConstraint("organisation_id", "offer"), Index("ix_dataset_state_id", "state", "id")
    )
    id: Mapped[Id]
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    slug: Mapped[str] = mapped_column(String(63), unique=True)
    state: Mapped[str] = mapped_column(String(16))
    offer: Mapped[str | None] = mapped_column(String(32))
    rule: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    follow: Mapped[bool]
    revision: Mapped[Micros]
    title_ko: Mapped[str] = mapped_column(String(200), default="")
    title_en: Mapped[str] = mapped_column(String(200), default="")
    description_ko: Mapped[str] = mapped_column(String(2000), default="")
    description_en: Mapped[str] = mapped_column(String(2000), default="")
    licence: Mapped[str] = mapped_column(String(32), default="")
    theme: Mapped[str] = mapped_column(String(32), default="")
    keywords: Mapped[list[str]] = mapped_column(JSON, default=list)
    contact_name: Mapped[str] = mapped_column(String(200), default="")
    contact_email: Mapped[str] = mapped_column(String(254), default="")
    frequency: Mapped[str] = mapped_column(String(32), default="")
    personal_data: Mapped[str] = mapped_column(String(32), default="")
    personal_data_basis: Mapped[str] = mapped_column(String(2000), default="")
    created_at: Mapped[Micros]
    modified_at: Mapped[Micros]
    published_at: Mapped[OptionalMicros]
    withdrawn_at: Mapped[OptionalMicros]
    withdraw_reason: Mapped[str | None] = mapped_column(String(2000))


class DatasetDatastream(Base):
    """A Datastream is in a dataset; it may be in several."""

    __tablename__ = "dataset_datastream"
    __table_args__ = table_args(UniqueConstraint("dataset_id", "datastream_id"))
    id: Mapped[Id]
    dataset_id: Mapped[int] = mapped_column(ForeignKey("dataset.id"))
    datastream_id: Mapped[int] = mapped_column(ForeignKey("datastream.id"), index=True)
