"""Figures from the records: do they answer, how feeds stand, and what waits to be sent."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import ScalarSelect, func, select
from sqlalchemy.orm import Session

from gops.clock import DAY, HOUR, SECOND, Clock
from gops.ingest.feeds.model import Feed, FeedRun
from gops.ingest.model import RefusalCount
from gops.jobs.scheduler import next_of_hour
from gops.metrics import Figure
from gops.notify.model import Notice
from gops.notify.outbox import ENDING
from gops.records.database import Database

FEEDS = 500  # that are told apart, those that failed most first
ORDER = (Feed.failures.desc(), Feed.id)
FINE = ("", "ok", "interrupted")  # outcomes of runs that are no errors
UNSENT = ("waiting", "dead")


def of_feeds(database: Database, clock: Clock, zone: ZoneInfo) -> Iterator[Figure]:
    """Each enabled feed; ages in seconds, left out where there was none yet. ``zone`` is that of the jobs' clock."""
    now = clock.micros()
    with database.read() as session:
        found = session.execute(
            select(Feed, _rows_of_last_run()).where(Feed.enabled).order_by(*ORDER).limit(FEEDS)
        ).all()
        errors = _errors(session, [feed for feed, _rows in found], now)
    for feed, rows in found:
        label = {"feed": feed.slug}
        resting = float((feed.rests_until or 0) > now)
        yield Figure("gops_feed_failures", "Failed runs in a row", feed.failures, label)
        yield Figure("gops_feed_resting", "1 while a feed rests after failures", resting, label)
        if feed.last_success_at is not None:
            age = (now - feed.last_success_at) / SECOND
            yield Figure("gops_feed_success_age_seconds", "Since the last successful run", age, label)
        if feed.newest_t is not None:
            lag = (now - feed.newest_t) / SECOND
            yield Figure("gops_feed_lag_seconds", "How old the newest reading of a feed is", lag, label)
        if rows is not None:
            yield Figure("gops_feed_rows", "Rows that the last run of a feed brought", rows, label)
        if feed.minutes:
            due = (next_of_hour(feed.minutes, max(now, feed.rests_until or 0), zone) - now) / SECOND
            yield Figure("gops_feed_next_run_seconds", "Until the next run of a feed", due, label)
    for (slug, code), count in sorted(errors.items()):
        label = {"feed": slug, "code": code}
        yield Figure("gops_feed_errors", "Failed runs of a pulled feed, refusals of others: of 24 hours", count, label)


def _rows_of_last_run() -> ScalarSelect[int]:
    mine = select(FeedRun.rows).where(FeedRun.feed_id == Feed.id, FeedRun.ended_at.is_not(None)).correlate(Feed)
    return mine.order_by(FeedRun.id.desc()).limit(1).scalar_subquery()


def _errors(session: Session, feeds: Sequence[Feed], now: int) -> dict[tuple[str, str], int]:
    """By slug and code, as the health of each says."""
    runs = {feed.id: feed.slug for feed in feeds if feed.kind == "http"}
    failed = select(FeedRun.feed_id, FeedRun.outcome, func.count()).group_by(FeedRun.feed_id, FeedRun.outcome)
    failed = failed.where(FeedRun.feed_id.in_(runs), FeedRun.began_at >= now - DAY, FeedRun.outcome.not_in(FINE))
    found = {(runs[feed], code): int(count) for feed, code, count in session.execute(failed)}
    others = {(feed.organisation_id, feed.slug) for feed in feeds if feed.kind != "http"}
    counts = select(RefusalCount.organisation_id, RefusalCount.feed, RefusalCount.code, func.sum(RefusalCount.total))
    counts = counts.where(RefusalCount.hour > now - DAY - HOUR, RefusalCount.feed.in_({slug for _, slug in others}))
    by = (RefusalCount.organisation_id, RefusalCount.feed, RefusalCount.code)
    for home, slug, code, total in session.execute(counts.group_by(*by)):
        if (home, slug) in others:
            found[slug, code] = int(total)
    return found


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
