"""What a feed remembers of its questions: whether the answer can have changed, and which columns it had.

A change of columns is told, never guessed at: once in the audit and as an event, and in the feed's health until its
declaration is changed, or the column is back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from gops.ingest.feeds.model import Feed, FeedQuery
from gops.permissions import ANONYMOUS
from gops.records import audit, events
from gops.records.database import Database

COLUMNS, COLUMN_LENGTH, SHOWN = 500, 128, 50
ETAG_LENGTH, MODIFIED_LENGTH, FOLLOW = 300, 64, 20


@dataclass(slots=True)
class Answered:
    """What a question gave this time. ``etag`` and ``modified`` of its only page; ``fresh_until`` in microseconds."""

    url: str
    etag: str | None = None
    modified: str | None = None
    fresh_until: int | None = None
    follow: list[str] = field(default_factory=list)
    columns: set[str] = field(default_factory=set)
    absent: set[str] | None = None

    def saw(self, columns: set[str], absent: set[str]) -> None:
        """Of one more page: absent is what no page has."""
        if columns:
            self.columns |= columns
            self.absent = absent if self.absent is None else self.absent & absent


@dataclass(frozen=True, slots=True)
class Drift:
    """How the columns of a portal differ from what they were. ``at`` is when that was last seen to change."""

    absent: tuple[str, ...]
    added: tuple[str, ...]
    at: int | None


NO_DRIFT = Drift((), (), None)


class Memory:
    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, feed: Feed) -> Mapping[bytes, FeedQuery]:
        """By digest of the question."""
        with self._database.read() as session:
            rows = session.scalars(select(FeedQuery).where(FeedQuery.feed_id == feed.id))
            return {row.digest: row for row in rows}

    def keep(self, feed: Feed, query: str, answered: Answered, now: int) -> None:
        with self._database.write() as session:
            mine = FeedQuery.feed_id == feed.id, FeedQuery.digest == digest(query)
            row = session.scalar(select(FeedQuery).where(*mine))
            if row is None:
                row = FeedQuery(feed_id=feed.id, digest=digest(query), columns=[], added=[], absent=[])
                session.add(row)
            row.asked = digest(answered.url)
            row.etag, row.modified = _bounded(answered.etag, ETAG_LENGTH), _bounded(answered.modified, MODIFIED_LENGTH)
            row.fresh_until, row.follow = answered.fresh_until, answered.follow[:FOLLOW]
            if answered.columns:
                _compare(session, feed, row, answered, now)


def digest(text: str) -> bytes:
    return sha256(text.encode()).digest()


def validators(row: FeedQuery | None, url: str) -> Mapping[str, str]:
    """Headers that let the portal say 304 (RFC 9110, 13.1), where it was asked at this very address before."""
    if row is None or row.asked != digest(url):
        return {}
    found = {"If-None-Match": row.etag, "If-Modified-Since": row.modified}
    return {name: value for name, value in found.items() if value}


def drift_of(session: Session, feed_id: int) -> Drift:
    rows = session.scalars(select(FeedQuery).where(FeedQuery.feed_id == feed_id).order_by(FeedQuery.id)).all()
    return Drift(
        _distinct(name for row in rows for name in row.absent),
        _distinct(name for row in rows for name in row.added),
        max((row.drifted_at for row in rows if row.drifted_at is not None), default=None),
    )


def forget(session: Session, feed_id: int) -> None:
    """A changed declaration may read an unchanged answer otherwise, and has seen the new columns."""
    session.execute(delete(FeedQuery).where(FeedQuery.feed_id == feed_id))


def _compare(session: Session, feed: Feed, row: FeedQuery, answered: Answered, now: int) -> None:
    seen = {name[:COLUMN_LENGTH] for name in answered.columns}
    absent = {name[:COLUMN_LENGTH] for name in answered.absent or ()}
    added = sorted(seen - set(row.columns)) if row.columns else []
    gone = sorted(absent - set(row.absent))
    row.columns = sorted({*row.columns, *seen})[:COLUMNS]
    row.added = [*row.added, *added][:SHOWN]
    row.absent = sorted(absent)[:SHOWN]
    if added or gone:
        row.drifted_at = now
        detail = {"absent": gone[:SHOWN], "added": added[:SHOWN]}
        audit.record(session, now, ANONYMOUS, "feed.drift", "feed", feed.id, feed.organisation_id, **detail)
        events.append(session, now, "feed.drifted", feed=feed.id)


def _bounded(text: str | None, most: int) -> str | None:
    """Not a part of one, which would match nothing."""
    return text if text and len(text) <= most and text.isascii() and text.isprintable() else None


def _distinct(names: Iterable[str]) -> tuple[str, ...]:
    found: Sequence[str] = list(dict.fromkeys(names))
    return tuple(found[:SHOWN])
