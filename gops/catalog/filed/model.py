"""Tables of datasets of files."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from gops.records.base import Base, Id, Micros, OptionalMicros, OptionalReference, table_args


class DatasetFile(Base):
    """One state of a file of a dataset; ``number`` counts the states of that ``name``, and the newest is the present
    one. A state never changes, but for ``removed_at``: since then the name has no present state.

    ``sha256`` names what was handed in, of ``bytes`` bytes, ``table_sha256`` the same as Parquet: both lie in
    ``files``. ``columns`` are those of the table with their summaries (``columns.Described``). ``encoding`` is of text
    alone. ``bbox`` is west, south, east, north of its places.
    """

    __tablename__ = "dataset_file"
    __table_args__ = table_args(
        UniqueConstraint("dataset_id", "name", "number"),
        Index("ix_dataset_file_sha256", "sha256"),
    )
    id: Mapped[Id]
    dataset_id: Mapped[int] = mapped_column(ForeignKey("dataset.id"))
    name: Mapped[str] = mapped_column(String(100))
    number: Mapped[int]
    form: Mapped[str] = mapped_column(String(16))
    sha256: Mapped[str] = mapped_column(String(64))
    bytes: Mapped[Micros]
    table_sha256: Mapped[str] = mapped_column(String(64))
    table_bytes: Mapped[Micros]
    rows: Mapped[Micros]
    encoding: Mapped[str] = mapped_column(String(16))
    columns: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    bbox: Mapped[list[float] | None] = mapped_column(JSON(none_as_null=True))
    at: Mapped[Micros]
    by: Mapped[OptionalReference]
    removed_at: Mapped[OptionalMicros]


class DatasetDictionary(Base):
    """What the publisher says of the columns of a file; a type that is declared is demanded of the next upload."""

    __tablename__ = "dataset_dictionary"
    __table_args__ = table_args(UniqueConstraint("dataset_id", "name"))
    id: Mapped[Id]
    dataset_id: Mapped[int] = mapped_column(ForeignKey("dataset.id"))
    name: Mapped[str] = mapped_column(String(100))
    columns: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    at: Mapped[Micros]
