"""Tables of alerts: rules, where each stands for each of its Datastreams, what happened, what is to be sent."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from gops.records.base import Base, Id, Micros, OptionalMicros, OptionalReference, Reference, table_args


class AlertRule(Base):
    """``condition`` and ``channels`` as ``alerts.rules`` checked them. ``secret`` signs its webhooks; no answer and no
    log shows it but the one that made it. ``revision`` grows with every change: what was found under an older one is
    not written."""

    __tablename__ = "alert_rule"
    id: Mapped[Id]
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    name: Mapped[str] = mapped_column(String(200))
    condition: Mapped[dict[str, Any]] = mapped_column(JSON)
    quality: Mapped[str] = mapped_column(String(80))
    severity: Mapped[str] = mapped_column(String(16))
    message_ko: Mapped[str] = mapped_column(String(2000))
    message_en: Mapped[str] = mapped_column(String(2000))
    channels: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    secret: Mapped[str] = mapped_column(String(64))
    enabled: Mapped[bool]
    revision: Mapped[Micros]
    created_at: Mapped[Micros]


class AlertState(Base):
    """``condition.State`` of a rule and a Datastream. Steps that others hear of are written with them, the rest within
    a minute."""

    __tablename__ = "alert_state"
    rule_id: Mapped[int] = mapped_column(ForeignKey("alert_rule.id"), primary_key=True, autoincrement=False)
    datastream_id: Mapped[int] = mapped_column(
        ForeignKey("datastream.id"), primary_key=True, autoincrement=False, index=True
    )
    revision: Mapped[Micros]
    phase: Mapped[str] = mapped_column(String(8))
    since: Mapped[Micros]
    heard: Mapped[Micros]
    seen: Mapped[Micros]
    t: Mapped[OptionalMicros]
    value: Mapped[float | None]
    text: Mapped[str | None] = mapped_column(String(65_536))
    same: Mapped[Micros]
    __table_args__ = ()


class AlertEvent(Base):
    """``what`` happened ``at`` (clock of GOPS), since ``since``. It outlives its rule and is deleted by age."""

    __tablename__ = "alert_event"
    __table_args__ = table_args(Index("ix_alert_event_organisation_id_id", "organisation_id", "id"))
    id: Mapped[Id]
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    rule_id: Mapped[Reference] = mapped_column(BigInteger, index=True)
    datastream_id: Mapped[Reference]
    rule_name: Mapped[str] = mapped_column(String(200))
    severity: Mapped[str] = mapped_column(String(16))
    what: Mapped[str] = mapped_column(String(8))
    at: Mapped[Micros] = mapped_column(BigInteger, index=True)
    since: Mapped[Micros]
    t: Mapped[OptionalMicros]
    value: Mapped[float | None]
    text: Mapped[str | None] = mapped_column(String(65_536))
    acknowledged_at: Mapped[OptionalMicros]
    acknowledged_by: Mapped[OptionalReference]
    note: Mapped[str | None] = mapped_column(String(2000))


class AlertDelivery(Base):
    """An event on its way over one channel: ``waiting`` until ``next_at``, then ``sent`` or ``dead``."""

    __tablename__ = "alert_delivery"
    __table_args__ = table_args(
        Index("ix_alert_delivery_state_next_at", "state", "next_at"),
        Index("ix_alert_delivery_organisation_id_id", "organisation_id", "id"),
    )
    id: Mapped[Id]
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    rule_id: Mapped[Reference]
    event_id: Mapped[int] = mapped_column(ForeignKey("alert_event.id"), index=True)
    channel: Mapped[dict[str, Any]] = mapped_column(JSON)
    body: Mapped[dict[str, Any]] = mapped_column(JSON)
    state: Mapped[str] = mapped_column(String(8))
    attempts: Mapped[int]
    begun_at: Mapped[Micros]
    next_at: Mapped[Micros]
    ended_at: Mapped[OptionalMicros]
    problem: Mapped[str | None] = mapped_column(String(300))


class AlertLease(Base):
    """Which process evaluates and sends, until when. One row."""

    __tablename__ = "alert_lease"
    __table_args__ = ()
    name: Mapped[str] = mapped_column(String(16), primary_key=True)
    holder: Mapped[str] = mapped_column(String(64))
    until: Mapped[Micros]
