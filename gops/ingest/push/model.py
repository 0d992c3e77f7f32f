"""The table of idempotency keys: which pushes were answered, and how."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from gops.records.base import Base, Id, Micros, OptionalMicros, Reference, table_args


class PushKey(Base):
    """A push of ``organisation_id`` and ``person_id`` that carried ``key``.

    ``digest`` is the SHA-256 of its parameters and its body, null while it is not at its end; then whoever carries it
    says so again before ``leased_until``. ``answer`` is what it was answered.
    """

    __tablename__ = "push_key"
    __table_args__ = table_args(
        UniqueConstraint("organisation_id", "person_id", "key", name="uq_push_key_organisation_id_person_id_key")
    )
    id: Mapped[Id]
    organisation_id: Mapped[Reference]
    person_id: Mapped[Reference]
    key: Mapped[str] = mapped_column(String(200))
    begun_at: Mapped[Micros] = mapped_column(index=True)
    leased_until: Mapped[OptionalMicros]
    digest: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    answer: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
