"""Tables of sites, calls, applications, rounds and slots. Weeks are whole numbers (``weeks``); amounts whole too."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, BigInteger, Float, ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from gops.records.base import Base, Id, Micros, OptionalMicros, table_args
from gops.testbed.places import details

Amounts = dict[str, int]
"""Resource -> amount in each week."""


class Site(Base):
    """``capacity`` is that of any week without closure; ``geojson`` a checked Polygon or MultiPolygon.

    ``reference`` is what its municipality calls it in files of its own; ``details`` are those of ``places.details``;
    ``revision`` grows with every change of any site.
    """

    __tablename__ = "site"
    __table_args__ = table_args(
        Index("uq_site_organisation_id_reference", "organisation_id", "reference", unique=True),
        Index("ix_site_revision", "revision"),
    )
    id: Mapped[Id]
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    name_ko: Mapped[str] = mapped_column(String(200))
    name_en: Mapped[str] = mapped_column(String(200))
    description: Mapped[str] = mapped_column(String(2000))
    kind: Mapped[str] = mapped_column(String(32))
    state: Mapped[str] = mapped_column(String(16))
    geojson: Mapped[dict[str, Any]] = mapped_column(JSON)
    square_metres: Mapped[float] = mapped_column(Float(53))
    longitude: Mapped[float] = mapped_column(Float(53))
    latitude: Mapped[float] = mapped_column(Float(53))
    west: Mapped[float] = mapped_column(Float(53))
    south: Mapped[float] = mapped_column(Float(53))
    east: Mapped[float] = mapped_column(Float(53))
    north: Mapped[float] = mapped_column(Float(53))
    capacity: Mapped[Amounts] = mapped_column(JSON)
    created_at: Mapped[Micros]
    reference: Mapped[str | None] = mapped_column(String(100))
    details: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    revision: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")

    @property
    def facts(self) -> dict[str, Any]:
        """The details with every key."""
        return details.of(self.details)


class Closure(Base):
    """The site is closed in the weeks [first_week, end_week)."""

    __tablename__ = "closure"
    id: Mapped[Id]
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"), index=True)
    first_week: Mapped[int] = mapped_column(BigInteger)
    end_week: Mapped[int] = mapped_column(BigInteger)
    reason: Mapped[str] = mapped_column(String(2000))


class Call(Base):
    """``terms`` are the criteria and all else that decides; frozen and hashed at publication.

    ``operator_seed`` and ``pseudonym_key`` are secrets drawn at publication; their hashes are public from then on, the
    seed itself with the round. They are loaded only where they are asked for.
    """

    __tablename__ = "call"
    id: Mapped[Id]
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    slug: Mapped[str] = mapped_column(String(63), unique=True)
    title_ko: Mapped[str] = mapped_column(String(200))
    title_en: Mapped[str] = mapped_column(String(200))
    description: Mapped[str] = mapped_column(String(2000))
    state: Mapped[str] = mapped_column(String(16), index=True)
    opens_at: Mapped[Micros]
    closes_at: Mapped[Micros]
    terms: Mapped[dict[str, Any]] = mapped_column(JSON)
    terms_hash: Mapped[str | None] = mapped_column(String(64))
    operator_seed: Mapped[bytes | None] = mapped_column(LargeBinary(32), deferred=True)
    operator_seed_hash: Mapped[str | None] = mapped_column(String(64))
    pseudonym_key: Mapped[bytes | None] = mapped_column(LargeBinary(32), deferred=True)
    pseudonym_key_hash: Mapped[str | None] = mapped_column(String(64))
    reason: Mapped[str | None] = mapped_column(String(2000))
    created_at: Mapped[Micros]
    published_at: Mapped[OptionalMicros]
    questions_until: Mapped[OptionalMicros]
    answers_until: Mapped[OptionalMicros]
    review_until: Mapped[OptionalMicros]


class CallSite(Base):
    """A site of a call, from its publication on."""

    __tablename__ = "call_site"
    __table_args__ = table_args(UniqueConstraint("call_id", "site_id"))
    id: Mapped[Id]
    call_id: Mapped[int] = mapped_column(ForeignKey("call.id"))
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"), index=True)


class Application(Base):
    """``sites`` are ids, the best first; starts are weeks; ``verdicts`` those of eligibility, as last judged.

    ``details`` is everything else that an applicant writes (``details``); None before there was such a thing.
    """

    __tablename__ = "application"
    __table_args__ = table_args(Index("ix_application_call_id_id", "call_id", "id"))
    id: Mapped[Id]
    call_id: Mapped[int] = mapped_column(ForeignKey("call.id"))
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    title: Mapped[str] = mapped_column(String(200))
    summary: Mapped[str] = mapped_column(String(2000))
    state: Mapped[str] = mapped_column(String(16))
    sites: Mapped[list[int]] = mapped_column(JSON)
    needs: Mapped[Amounts] = mapped_column(JSON)
    duration: Mapped[int] = mapped_column(BigInteger)
    first_start: Mapped[int] = mapped_column(BigInteger)
    last_start: Mapped[int] = mapped_column(BigInteger)
    band: Mapped[str | None] = mapped_column(String(32))
    trl: Mapped[int] = mapped_column(BigInteger)
    nonce: Mapped[bytes | None] = mapped_column(LargeBinary(16))
    score: Mapped[int | None] = mapped_column(BigInteger)
    verdicts: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    theme: Mapped[str | None] = mapped_column(String(32), index=True)
    details: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    created_at: Mapped[Micros]
    submitted_at: Mapped[OptionalMicros]


class ApplicationSite(Base):
    """A site that an application ranks, for who asks by site."""

    __tablename__ = "application_site"
    __table_args__ = table_args(UniqueConstraint("application_id", "site_id"))
    id: Mapped[Id]
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"))
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"), index=True)


class Round(Base):
    """A computed allocation. ``file`` is the round file; ``report`` what the verifier says of it."""

    __tablename__ = "round"
    __table_args__ = table_args(UniqueConstraint("call_id", "revision"))
    id: Mapped[Id]
    call_id: Mapped[int] = mapped_column(ForeignKey("call.id"))
    revision: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(String(16))
    mechanism: Mapped[str] = mapped_column(String(32))
    applications: Mapped[int] = mapped_column(BigInteger)
    placed: Mapped[int] = mapped_column(BigInteger)
    outcome_hash: Mapped[str] = mapped_column(String(64))
    file_hash: Mapped[str] = mapped_column(String(64))
    file: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    report: Mapped[dict[str, Any]] = mapped_column(JSON)
    computed_at: Mapped[Micros]
    published_at: Mapped[OptionalMicros]
    final_at: Mapped[OptionalMicros]


class Slot(Base):
    """Amounts of a site in the weeks [first_week, end_week), held for an organisation's application or pilot."""

    __tablename__ = "slots"
    __table_args__ = table_args(Index("ix_slots_site_id_end_week", "site_id", "end_week"))
    id: Mapped[Id]
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    application_id: Mapped[int | None] = mapped_column(ForeignKey("application.id"), index=True)
    state: Mapped[str] = mapped_column(String(16))
    first_week: Mapped[int] = mapped_column(BigInteger)
    end_week: Mapped[int] = mapped_column(BigInteger)
    amounts: Mapped[Amounts] = mapped_column(JSON)
    note: Mapped[str] = mapped_column(String(2000))
    created_at: Mapped[Micros]
