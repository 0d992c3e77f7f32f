"""Tables of organisations, people, roles, keys and devices."""

from __future__ import annotations

from sqlalchemy import JSON, ForeignKey, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from gops.records.base import Base, Id, Micros, OptionalMicros, Reference, table_args


class Organisation(Base):
    __tablename__ = "organisation"
    id: Mapped[Id]
    slug: Mapped[str] = mapped_column(String(63), unique=True)
    kind: Mapped[str] = mapped_column(String(32))
    name_ko: Mapped[str] = mapped_column(String(200))
    name_en: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[Micros]


class FormerSlug(Base):
    """A slug that something had; it redirects and is never given to another."""

    __tablename__ = "former_slug"
    __table_args__ = table_args(UniqueConstraint("noun", "slug"))
    id: Mapped[Id]
    noun: Mapped[str] = mapped_column(String(32))
    slug: Mapped[str] = mapped_column(String(63))
    record_id: Mapped[Reference]


class Person(Base):
    """``email`` is an address that only its owner can have got a key by (or the first operator's).

    Who signed up by themselves has only ``contact``: an address they stated and nobody has proved.
    """

    __tablename__ = "person"
    id: Mapped[Id]
    email: Mapped[str | None] = mapped_column(String(254), unique=True)
    contact: Mapped[str | None] = mapped_column(String(254))
    name: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[Micros]


class Membership(Base):
    """A role of a person in an organisation. Platform roles stand in the operator's organisation.

    ``name`` is what this organisation calls the person: knowing an address must not tell what others call its owner.
    Null where the person gave the name.
    """

    __tablename__ = "membership"
    __table_args__ = table_args(UniqueConstraint("person_id", "organisation_id", "role"))
    id: Mapped[Id]
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    role: Mapped[str] = mapped_column(String(32))
    name: Mapped[str | None] = mapped_column(String(200))


class ApiKey(Base):
    __tablename__ = "api_key"
    id: Mapped[Id]
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    label: Mapped[str] = mapped_column(String(200))
    prefix: Mapped[str] = mapped_column(String(8), unique=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    scopes: Mapped[list[str]] = mapped_column(JSON)
    created_at: Mapped[Micros]
    expires_at: Mapped[Micros]
    revoked_at: Mapped[OptionalMicros]
    verifier: Mapped[str | None] = mapped_column(String(160))
    sealed: Mapped[str | None] = mapped_column(String(300))


class Device(Base):
    """Who speaks: a name unique in its organisation, and the digest of its secret.

    ``verifier`` is what a broker's password file keeps of the secret, null for a secret older than this column;
    ``sealed`` is the secret on its way to a broker, null once it is there.
    """

    __tablename__ = "device"
    __table_args__ = table_args(UniqueConstraint("organisation_id", "name"))
    id: Mapped[Id]
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    name: Mapped[str] = mapped_column(String(64))
    description: Mapped[str] = mapped_column(String(2000), default="")
    digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    created_at: Mapped[Micros]
    revoked_at: Mapped[OptionalMicros]
    verifier: Mapped[str | None] = mapped_column(String(160))
    sealed: Mapped[str | None] = mapped_column(String(300))
