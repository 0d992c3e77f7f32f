"""Tables of harvesting: sources, what was found in them, and their runs."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from gops.records.base import Base, Id, Micros, OptionalMicros, OptionalReference, table_args

DCAT, CKAN = PROTOCOLS = ("dcat", "ckan")


class HarvestSource(Base):
    """A catalog elsewhere. ``theme`` and ``language`` hold for what says none that GOPS knows.

    ``next_at``: when it is harvested next; ``claimed_until``: whoever harvests it now has it until then. ``believe``:
    the next run is believed whatever it lacks. ``ended_at``: since when it waits to be withdrawn and forgotten.
    ``validators`` are ETag and Last-Modified of a catalog of one page, with the number of the mapping by which it was
    read.
    """

    __tablename__ = "harvest_source"
    __table_args__ = table_args(
        UniqueConstraint("organisation_id", "url"), Index("ix_harvest_source_enabled_next_at", "enabled", "next_at")
    )
    id: Mapped[Id]
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    protocol: Mapped[str] = mapped_column(String(8))
    url: Mapped[str] = mapped_column(String(2000))
    name: Mapped[str] = mapped_column(String(200))
    theme: Mapped[str] = mapped_column(String(32))
    language: Mapped[str] = mapped_column(String(2))
    every_hours: Mapped[int]
    enabled: Mapped[bool]
    believe: Mapped[bool]
    validators: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    created_at: Mapped[Micros]
    next_at: Mapped[Micros]
    claimed_until: Mapped[OptionalMicros]
    ended_at: Mapped[OptionalMicros]


class HarvestItem(Base):
    """A dataset of a source. ``identity`` is its IRI there, ``identity_hash`` the SHA-256 of that, in hex.

    No identity is harvested twice, whatever the source. ``dataset_id`` is what became of it here, ``digest`` stands for
    what was said of it last (``document``), ``missed`` counts the runs that lacked it since, ``removed_at`` is when it
    was withdrawn for that.
    """

    __tablename__ = "harvest_item"
    __table_args__ = table_args(UniqueConstraint("identity_hash"), UniqueConstraint("dataset_id"))
    id: Mapped[Id]
    source_id: Mapped[int] = mapped_column(ForeignKey("harvest_source.id"), index=True)
    dataset_id: Mapped[int] = mapped_column(ForeignKey("dataset.id"))
    identity: Mapped[str] = mapped_column(String(2000))
    identity_hash: Mapped[str] = mapped_column(String(64))
    digest: Mapped[str] = mapped_column(String(64))
    document: Mapped[dict[str, Any]] = mapped_column(JSON)
    seen_at: Mapped[Micros]
    missed: Mapped[int]
    removed_at: Mapped[OptionalMicros]


class HarvestTry(Base):
    """What the links of a harvested dataset answered when they were last tried, and when they are tried next.

    ``links``: address to ``status`` of HTTP, or the ``code`` of why there was none. ``digest`` is that of the item
    whose links they were.
    """

    __tablename__ = "harvest_try"
    __table_args__ = table_args(UniqueConstraint("dataset_id"), Index("ix_harvest_try_next_at", "next_at"))
    id: Mapped[Id]
    dataset_id: Mapped[int] = mapped_column(ForeignKey("dataset.id"))
    digest: Mapped[str] = mapped_column(String(64))
    tried_at: Mapped[Micros]
    next_at: Mapped[Micros]
    links: Mapped[dict[str, Any]] = mapped_column(JSON)


class HarvestRun(Base):
    """A run of a source. ``outcome``: ``running``, ``done``, ``unchanged``, ``disbelieved`` or ``failed``.

    ``refused`` counts; ``refusals`` are the first of them: identity, title, code, field and note. ``code`` and ``note``
    say why a run failed or was not believed. ``by`` is the person who asked for it, if anybody did.
    """

    __tablename__ = "harvest_run"
    __table_args__ = table_args(Index("ix_harvest_run_source_id_id", "source_id", "id"))
    id: Mapped[Id]
    source_id: Mapped[int] = mapped_column(ForeignKey("harvest_source.id"))
    outcome: Mapped[str] = mapped_column(String(16))
    began_at: Mapped[Micros]
    ended_at: Mapped[OptionalMicros]
    by: Mapped[OptionalReference]
    pages: Mapped[int]
    found: Mapped[int]
    added: Mapped[int]
    changed: Mapped[int]
    unchanged: Mapped[int]
    missing: Mapped[int]
    removed: Mapped[int]
    refused: Mapped[int]
    refusals: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    code: Mapped[str | None] = mapped_column(String(64))
    note: Mapped[str | None] = mapped_column(String(500))
