"""Tables of the catalog."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from gops.records.base import Base, Id, Micros, OptionalMicros, OptionalReference, table_args

LIVE, FILES, HARVESTED = KINDS = ("live", "files", "harvested")


class Dataset(Base):
    """What is published under one name, and what is said of it.

    ``kind`` (one of ``KINDS``) says where its data is: ``live`` is a named selection of Datastreams of one owner,
    ``files`` are files that were handed in, ``harvested`` is described here and kept elsewhere.

    ``offer`` names the feed of a draft that GOPS offered (``direct``, or ``feed:{id}``): there is one for each. With a
    ``rule`` the selection follows it while the dataset is a draft, and later as well where ``follow`` is true; without,
    the publisher lists Datastreams. ``revision`` grows with every change of the metadata or the selection.
    ``snapshot_every`` is ``1mo``, or null for a dataset that is frozen on request alone.

    ``start`` and ``delay`` (microseconds), ``location_decimals`` and ``suppress_below`` say how much of it others see
    (``catalog.terms``). ``review_asked_by`` is a person, ``review_note`` what was said last in a review.
    ``replaced_by`` is the slug of the dataset to use instead of a deprecated one.
    """

    __tablename__ = "dataset"
    __table_args__ = table_args(
        UniqueConstraint("organisation_id", "offer"), Index("ix_dataset_state_id", "state", "id")
    )
    id: Mapped[Id]
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    slug: Mapped[str] = mapped_column(String(63), unique=True)
    kind: Mapped[str] = mapped_column(String(16), default=LIVE, server_default=LIVE)
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
    personal_data_reviewer: Mapped[str] = mapped_column(String(200), default="", server_default="")
    personal_data_reviewed: Mapped[str] = mapped_column(String(10), default="", server_default="")
    start: Mapped[OptionalMicros]
    delay: Mapped[Micros] = mapped_column(default=0, server_default="0")
    location_decimals: Mapped[int | None]
    suppress_below: Mapped[int | None]
    created_at: Mapped[Micros]
    modified_at: Mapped[Micros]
    published_at: Mapped[OptionalMicros]
    review_asked_at: Mapped[OptionalMicros]
    review_asked_by: Mapped[OptionalReference]
    review_note: Mapped[str | None] = mapped_column(String(2000))
    deprecated_at: Mapped[OptionalMicros]
    deprecate_reason: Mapped[str | None] = mapped_column(String(2000))
    replaced_by: Mapped[str | None] = mapped_column(String(63))
    withdrawn_at: Mapped[OptionalMicros]
    withdraw_reason: Mapped[str | None] = mapped_column(String(2000))
    snapshot_every: Mapped[str | None] = mapped_column(String(8))


class DatasetDatastream(Base):
    """A Datastream is in a dataset; it may be in several."""

    __tablename__ = "dataset_datastream"
    __table_args__ = table_args(UniqueConstraint("dataset_id", "datastream_id"))
    id: Mapped[Id]
    dataset_id: Mapped[int] = mapped_column(ForeignKey("dataset.id"))
    datastream_id: Mapped[int] = mapped_column(ForeignKey("datastream.id"), index=True)


class Snapshot(Base):
    """What a dataset held at ``frozen_at``, or an order to freeze it.

    ``number`` counts within the dataset. ``due`` is the begin of the month that a scheduled one stands for, null for
    one that somebody asked for. While it is made, ``beat_at`` says that whoever makes it lives, and ``attempts`` which
    try it is. ``sha256`` is that of the manifest; ``about`` repeats what a citation says. ``code`` and ``note`` say why
    it failed.
    """

    __tablename__ = "snapshot"
    __table_args__ = table_args(
        UniqueConstraint("dataset_id", "number"),
        UniqueConstraint("dataset_id", "due"),
        Index("ix_snapshot_state_id", "state", "id"),
        Index("ix_snapshot_sha256", "sha256"),
    )
    id: Mapped[Id]
    dataset_id: Mapped[int] = mapped_column(ForeignKey("dataset.id"))
    number: Mapped[int]
    state: Mapped[str] = mapped_column(String(16))
    due: Mapped[OptionalMicros]
    asked_at: Mapped[Micros]
    frozen_at: Mapped[OptionalMicros]
    ended_at: Mapped[OptionalMicros]
    not_before: Mapped[Micros]
    beat_at: Mapped[OptionalMicros]
    attempts: Mapped[int]
    rows_done: Mapped[Micros]
    rows_expected: Mapped[Micros]
    bytes: Mapped[Micros]
    first: Mapped[OptionalMicros]
    last: Mapped[OptionalMicros]
    sha256: Mapped[str | None] = mapped_column(String(64))
    manifest_bytes: Mapped[Micros]
    about: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    code: Mapped[str | None] = mapped_column(String(64))
    note: Mapped[str | None] = mapped_column(String(500))


class SnapshotFile(Base):
    """A file of a snapshot, of readings with ``start <= t < end`` in microseconds; ``sha256`` names it in ``files``."""

    __tablename__ = "snapshot_file"
    __table_args__ = table_args(UniqueConstraint("snapshot_id", "name"))
    id: Mapped[Id]
    snapshot_id: Mapped[int] = mapped_column(ForeignKey("snapshot.id"))
    name: Mapped[str] = mapped_column(String(80))
    sha256: Mapped[str] = mapped_column(String(64))
    bytes: Mapped[Micros]
    rows: Mapped[Micros]
    start: Mapped[Micros]
    end: Mapped[Micros]
