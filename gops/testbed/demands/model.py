"""Tables of the demand board."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from gops.records.base import Base, Id, Micros, OptionalMicros, table_args


class Demand(Base):
    """A problem. ``supports`` counts the rows of ``DemandSupport``; ``offered_to`` is the demand that its owner would
    have it merged into; ``sites`` are ids, ``geojson`` a checked polygon: where it is, as far as it is somewhere."""

    __tablename__ = "demand"
    id: Mapped[Id]
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    municipality_id: Mapped[int | None] = mapped_column(ForeignKey("organisation.id"), index=True)
    title_ko: Mapped[str] = mapped_column(String(200))
    title_en: Mapped[str] = mapped_column(String(200))
    description_ko: Mapped[str] = mapped_column(String(2000))
    description_en: Mapped[str] = mapped_column(String(2000))
    outcome_ko: Mapped[str] = mapped_column(String(2000))
    outcome_en: Mapped[str] = mapped_column(String(2000))
    theme: Mapped[str] = mapped_column(String(32))
    state: Mapped[str] = mapped_column(String(16), index=True)
    sites: Mapped[list[int]] = mapped_column(JSON)
    geojson: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    supports: Mapped[int] = mapped_column(BigInteger)
    call_id: Mapped[int | None] = mapped_column(ForeignKey("call.id"), index=True)
    merged_into: Mapped[int | None] = mapped_column(ForeignKey("demand.id"), index=True)
    offered_to: Mapped[int | None] = mapped_column(ForeignKey("demand.id"))
    reason: Mapped[str | None] = mapped_column(String(2000))
    created_at: Mapped[Micros]
    opened_at: Mapped[OptionalMicros]


class DemandSupport(Base):
    """One person's support of one demand. Who supports is nobody's business; how many do is everybody's."""

    __tablename__ = "demand_support"
    __table_args__ = table_args(UniqueConstraint("demand_id", "person_id"))
    id: Mapped[Id]
    demand_id: Mapped[int] = mapped_column(ForeignKey("demand.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    created_at: Mapped[Micros]
