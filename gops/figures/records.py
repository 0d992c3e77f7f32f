"""Figures from the records: do they answer, how feeds stand, and what waits to be sent."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import func, select

from gops.clock import SECOND, Clock
from gops.ingest.feeds.model import Feed
from gops.metrics import Figure
from gops.notify.model import Notice
from gops.notify.outbox import ENDING
from gops.records.database import Database

FEEDS = 500  # that are told apart, those that failed most first
UNSENT = ("waiting", "dead")


def of_feeds(database: Database, clock: Clock) -> Iterator[Figure]:
    """Each enabled feed; ages in seconds, left out where there was none yet."""
    now = clock.micros()
    query = select(Feed.slug, Feed.failures, Feed.last_success_at, Feed.newest_t, Feed.rests_until)
    query = query.where(Feed.enabled).order_by(Feed.failures.desc(), Feed.id).limit(FEEDS)
    with database.read() as session:
        found = session.execute(query).all()
    for slug, failures, success, newest, rests in found:
        label = {"feed": slug}
        yield Figure("gops_feed_failures", "Failed runs in a row", failures, label)
        yield Figure("gops_feed_resting", "1 while a feed rests after failures", float((rests or 0) > now), label)
        if success is not None:
            age = (now - success) / SECOND
            yield Figure("gops_feed_success_age_seconds", "Since the last successful run", age, label)
        if newest is not None:
            lag = (now - newest) / SECOND
            yield Figure("gops_feed_lag_seconds", "How old the newest reading of a feed is", lag, label)


def of_records(database: Database) -> Iterator[Figure]:
    database.check()
    yield Figure("gops_records_ok", "1 while the records answer; gops_unread where they do not", 1.0)
    query = select(Notice.state, func.count()).where(Notice.state.in_(UNSENT)).group_by(Notice.state)
    with database.read() as session:
        found = {row[0]: row[1] for row in session.execute(query)}
    for state in UNSENT:
        yield Figure(
            "gops_notices", "Notices that wait to be sent, or were given up", found.get(state, 0), {"state": state}
        )


def of_outbox(folder: Path) -> Iterator[Figure]:
    waiting = sum(one.name.endswith(ENDING) for one in os.scandir(folder)) if folder.is_dir() else 0
    yield Figure("gops_outbox_letters", "Letters that wait to be sent", waiting)
