"""Tables of what a round heeds of an application beside its score, and of rounds that run long."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from gops.records.base import Base, Id, Micros, OptionalMicros


class ApplicationMark(Base):
    """Set by the call's owner before it is scored: which shares an application may take a place of, and its group."""

    __tablename__ = "application_mark"
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"), primary_key=True, autoincrement=False)
    labels: Mapped[list[str]] = mapped_column(JSON)
    group_name: Mapped[str | None] = mapped_column(String(80))


class RoundJob(Base):
    """A computation apart from the request that asked for it. ``progress`` is what is known so far: stages, bounds.

    ``kind``: round (makes one) or compare (``result`` has the comparison). ``lease_until``: whoever runs it renews it;
    one whose lease ran out died with its process.
    """

    __tablename__ = "round_job"
    id: Mapped[Id]
    call_id: Mapped[int] = mapped_column(ForeignKey("call.id"), index=True)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    kind: Mapped[str] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(16), index=True)
    seconds: Mapped[int] = mapped_column(BigInteger)
    progress: Mapped[dict[str, Any]] = mapped_column(JSON)
    result: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    revision: Mapped[int | None] = mapped_column(BigInteger)
    reason: Mapped[str] = mapped_column(String(2000))
    created_at: Mapped[Micros]
    started_at: Mapped[OptionalMicros]
    ended_at: Mapped[OptionalMicros]
    lease_until: Mapped[OptionalMicros]
