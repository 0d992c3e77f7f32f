"""Tables of feeds: declarations, revisions, the stations they brought, runs of pulled ones, budgets of keys."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from gops.records.base import Base, Id, Micros, OptionalMicros, OptionalReference, table_args

SLUG_LENGTH = 63
DIRECT = "direct"
"""The feed that devices belong to which publish by themselves; no declared one has this slug."""


class Feed(Base):
    """A declared feed and where it stands. ``secret`` is the portal's key or the broker's password, which no answer and
    no log shows.

    ``kind`` is ``http`` for what GOPS pulls: then ``adapter`` to ``calls_per_day`` say how. It is ``mqtt`` for topics
    of the organisation itself and ``broker`` for those of another one: then ``declaration`` says it all (see
    ``ingest.declared``). ``revision`` counts its changes. ``minutes`` of each hour at which it runs: ``15,35``.
    ``claimed_until`` keeps two processes from running it at once. ``failures`` counts failed runs in a row; until
    ``rests_until`` it is not run because of ``rest_code``.
    """

    __tablename__ = "feed"
    id: Mapped[Id]
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    slug: Mapped[str] = mapped_column(String(SLUG_LENGTH), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    adapter: Mapped[str] = mapped_column(String(32))
    config: Mapped[dict[str, Any]] = mapped_column(JSON)
    secret: Mapped[str] = mapped_column(String(500))
    minutes: Mapped[str] = mapped_column(String(200))
    calls_per_day: Mapped[int]
    enabled: Mapped[bool]
    created_at: Mapped[Micros]
    claimed_until: Mapped[OptionalMicros]
    last_run_at: Mapped[OptionalMicros]
    last_success_at: Mapped[OptionalMicros]
    newest_t: Mapped[OptionalMicros]  # of the readings that it brought
    failures: Mapped[int] = mapped_column(default=0)
    rests_until: Mapped[OptionalMicros]
    rest_code: Mapped[str | None] = mapped_column(String(32))
    kind: Mapped[str] = mapped_column(String(8), default="http", server_default="http")
    revision: Mapped[Micros] = mapped_column(default=1, server_default="1")
    declaration: Mapped[dict[str, Any] | None] = mapped_column(JSON)


class FeedRevision(Base):
    """A feed as it was from ``at`` on: what was declared, without secrets. ``person_id`` is null for GOPS itself."""

    __tablename__ = "feed_revision"
    __table_args__ = table_args(UniqueConstraint("feed_id", "number"))
    id: Mapped[Id]
    feed_id: Mapped[int] = mapped_column(ForeignKey("feed.id"))
    number: Mapped[Micros]
    at: Mapped[Micros]
    person_id: Mapped[OptionalReference]
    key_id: Mapped[OptionalReference]
    document: Mapped[dict[str, Any]] = mapped_column(JSON)


class FeedStation(Base):
    """What a feed registered as a Thing: a station. ``key`` is what the source calls it, ``code`` its id there."""

    __tablename__ = "feed_station"
    __table_args__ = table_args(UniqueConstraint("feed_id", "key"))
    id: Mapped[Id]
    feed_id: Mapped[int] = mapped_column(ForeignKey("feed.id"))
    key: Mapped[str] = mapped_column(String(200))
    code: Mapped[str | None] = mapped_column(String(64))
    thing_id: Mapped[int] = mapped_column(ForeignKey("thing.id"), index=True)


class FeedRun(Base):
    """What a run did. ``outcome`` is ``ok``, the code that ended it, or empty while it runs."""

    __tablename__ = "feed_run"
    __table_args__ = table_args(Index("ix_feed_run_feed_id_id", "feed_id", "id"))
    id: Mapped[Id]
    feed_id: Mapped[int] = mapped_column(ForeignKey("feed.id"))
    began_at: Mapped[Micros]
    ended_at: Mapped[OptionalMicros]
    outcome: Mapped[str] = mapped_column(String(32), default="")
    note: Mapped[str] = mapped_column(String(500), default="")
    calls: Mapped[int] = mapped_column(default=0)
    rows: Mapped[int] = mapped_column(BigInteger, default=0)
    readings: Mapped[int] = mapped_column(BigInteger, default=0)
    inserted: Mapped[int] = mapped_column(BigInteger, default=0)
    replaced: Mapped[int] = mapped_column(BigInteger, default=0)
    unchanged: Mapped[int] = mapped_column(BigInteger, default=0)
    refused: Mapped[int] = mapped_column(BigInteger, default=0)
    skipped: Mapped[int] = mapped_column(BigInteger, default=0)
    registered: Mapped[int] = mapped_column(BigInteger, default=0)  # new Datastreams


class FeedQuery(Base):
    """What is remembered of a question that a feed asks again and again. ``digest`` is SHA-256 of the question.

    ``asked`` is SHA-256 of the address that ``etag`` and ``modified`` hold for: with these the portal need not repeat
    what it gave. Until ``fresh_until`` there is nothing newer by its own word. ``follow`` are further questions that it
    named. ``columns`` are those that rows had so far, ``added`` those that came later than the first time, ``absent``
    what the config reads and no row had the last time.
    """

    __tablename__ = "feed_query"
    __table_args__ = table_args(UniqueConstraint("feed_id", "digest"))
    id: Mapped[Id]
    feed_id: Mapped[int] = mapped_column(ForeignKey("feed.id"))
    digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    asked: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    etag: Mapped[str | None] = mapped_column(String(300))
    modified: Mapped[str | None] = mapped_column(String(64))
    fresh_until: Mapped[OptionalMicros]
    follow: Mapped[list[str]] = mapped_column(JSON, default=list)
    columns: Mapped[list[str]] = mapped_column(JSON, default=list)
    added: Mapped[list[str]] = mapped_column(JSON, default=list)
    absent: Mapped[list[str]] = mapped_column(JSON, default=list)
    drifted_at: Mapped[OptionalMicros]


class FeedBudget(Base):
    """How often a key was used at a portal on a day of Korean time. ``stopped``: the portal says that it is enough."""

    __tablename__ = "feed_budget"
    __table_args__ = table_args(UniqueConstraint("digest", "day"))
    id: Mapped[Id]
    digest: Mapped[bytes] = mapped_column(LargeBinary(32))  # SHA-256 of adapter and key
    day: Mapped[int] = mapped_column(BigInteger, index=True)  # days since 1970-01-01
    calls: Mapped[int] = mapped_column(BigInteger)
    stopped: Mapped[bool]
