"""Tables of ingest: what was refused or flagged, how often, and which device was seen when."""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from gops.records.base import Base, Document, Id, Micros, OptionalMicros, OptionalReference, Reference, table_args

PLATFORM = 0
"""The organisation of what names no known one."""


class RefusedMessage(Base):
    """The raw bytes of a message in which something was refused: at most 16 kB of it, once."""

    __tablename__ = "refused_message"
    __table_args__ = ()
    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)  # SHA-256 of the whole
    raw: Mapped[bytes] = mapped_column(LargeBinary)
    size: Mapped[int] = mapped_column(BigInteger)  # bytes of the whole


class Refusal(Base):
    """One of the first like refusals of an hour. ``organisation_id`` is ``PLATFORM`` where none is known.

    ``arrival`` is the moment of its message, which readings without a time have. ``tried_at`` is when it was last
    replayed, ``settled_at`` when a replay took it in.
    """

    __tablename__ = "refusal"
    __table_args__ = table_args(Index("ix_refusal_organisation_id_id", "organisation_id", "id"))
    id: Mapped[Id]
    at: Mapped[Micros] = mapped_column(index=True)
    organisation_id: Mapped[Micros]
    feed: Mapped[str] = mapped_column(String(64))
    device: Mapped[str] = mapped_column(String(130))  # its address, as written in the topic
    topic: Mapped[str] = mapped_column(String(500))
    code: Mapped[str] = mapped_column(String(32))
    field: Mapped[str | None] = mapped_column(String(64))
    place: Mapped[str] = mapped_column(String(200))
    note: Mapped[str] = mapped_column(String(500))
    revision: Mapped[OptionalMicros]  # of the mapping that refused it
    digest: Mapped[bytes] = mapped_column(ForeignKey("refused_message.digest"), index=True)
    arrival: Mapped[OptionalMicros]
    tried_at: Mapped[OptionalMicros]
    settled_at: Mapped[OptionalMicros]


class RefusalReplay(Base):
    """Refusals of an organisation up to the id ``upto``, read anew. ``wanted`` says which, ``refusals`` how many."""

    __tablename__ = "refusal_replay"
    __table_args__ = table_args(Index("ix_refusal_replay_organisation_id_id", "organisation_id", "id"))
    id: Mapped[Id]
    organisation_id: Mapped[Reference]
    person_id: Mapped[OptionalReference]
    wanted: Mapped[Document]
    upto: Mapped[Reference]
    state: Mapped[str] = mapped_column(String(16))  # waiting, running, done, failed
    refusals: Mapped[Micros]
    counts: Mapped[Document]
    reason: Mapped[str] = mapped_column(String(500))
    begun_at: Mapped[Micros]
    ended_at: Mapped[OptionalMicros]
    lease_until: Mapped[OptionalMicros]


class RefusalCount(Base):
    """How many like refusals an hour had. ``hour`` is its first microsecond.

    ``device`` and ``field`` are empty for none, and where a device has more different refusals in an hour than are
    told apart.
    """

    __tablename__ = "refusal_count"
    __table_args__ = table_args(
        UniqueConstraint("hour", "organisation_id", "feed", "device", "code", "field", name="uq_refusal_count_group")
    )
    id: Mapped[Id]
    organisation_id: Mapped[Micros]
    feed: Mapped[str] = mapped_column(String(64))
    device: Mapped[str] = mapped_column(String(130))
    code: Mapped[str] = mapped_column(String(32))
    field: Mapped[str] = mapped_column(String(64))
    hour: Mapped[Micros]
    total: Mapped[Micros]


class DeviceStatusRow(Base):
    """What a device last said of itself. ``online`` is null for one that never used its status topic."""

    __tablename__ = "device_status"
    __table_args__ = ()
    device_id: Mapped[int] = mapped_column(ForeignKey("device.id"), primary_key=True, autoincrement=False)
    online: Mapped[bool | None]
    online_since: Mapped[OptionalMicros]  # when ``online`` last changed
    last_seen: Mapped[OptionalMicros]  # its newest message; null while only a retained one is known


class QualityCount(Base):
    """How many readings of a day (ISO 8601, of GOPS_ZONE) a rule flagged, and the latest of them."""

    __tablename__ = "quality_count"
    __table_args__ = ()
    datastream_id: Mapped[int] = mapped_column(ForeignKey("datastream.id"), primary_key=True, autoincrement=False)
    day: Mapped[str] = mapped_column(String(10), primary_key=True)
    rule: Mapped[str] = mapped_column(String(8), primary_key=True)
    readings: Mapped[Micros]
    last_t: Mapped[Micros]
    last_value: Mapped[float | None]
