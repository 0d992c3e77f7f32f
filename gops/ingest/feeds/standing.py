"""Where a feed stands: claimed by a run, resting after failures, and the log of its runs."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from gops.clock import MINUTE, Clock
from gops.ingest.feeds.model import Feed, FeedRun
from gops.records.database import Database
from gops.settings import Settings
from gops.store.port import Receipt

LEASE = 10 * MINUTE  # without progress; then another process may run the feed
LONGEST_REST = 24 * 60 * MINUTE
NOTE_LENGTH = 500
INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True)
class Outcome:
    """``code`` is ``ok`` or why a run ended. ``rests_until``: trying earlier is vain (microseconds)."""

    code: str
    note: str = ""
    rests_until: int | None = None

    @property
    def is_success(self) -> bool:
        return self.code == "ok"


@dataclass(slots=True)
class Tally:
    """What a run has done so far. ``calls`` are masked addresses; ``newest`` is the latest t, in microseconds."""

    calls: list[str] = field(default_factory=list)
    rows: int = 0
    readings: int = 0
    inserted: int = 0
    replaced: int = 0
    unchanged: int = 0
    refused: int = 0
    skipped: int = 0
    registered: int = 0
    newest: int | None = None
    drift: set[str] = field(default_factory=set)

    def count(self, receipt: Receipt, newest: int) -> None:
        self.inserted += receipt.inserted or 0
        self.replaced += receipt.replaced or 0
        self.unchanged += (receipt.unchanged or 0) + (receipt.kept or 0)
        self.newest = newest if self.newest is None else max(newest, self.newest)


COUNTED = ("rows", "readings", "inserted", "replaced", "unchanged", "refused", "skipped", "registered")


class RunLog:
    def __init__(self, database: Database, clock: Clock, settings: Settings) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings

    def claim(self, feed_id: int) -> tuple[Feed, int] | None:
        """The feed and the id of its new run; None when it is off, rests, or is claimed."""
        now = self._clock.micros()
        with self._database.write() as session:
            feed = session.scalar(select(Feed).where(Feed.id == feed_id).with_for_update())
            if feed is None or not feed.enabled or (feed.rests_until or 0) > now or (feed.claimed_until or 0) > now:
                return None
            _end_lost_runs(session, feed_id, now)
            feed.claimed_until = now + LEASE
            run = FeedRun(feed_id=feed_id, began_at=now)
            session.add(run)
            session.flush()
            _forget_old_runs(session, feed_id, self._settings.feed_runs_kept)
        return feed, run.id

    def progress(self, run_id: int, feed_id: int, tally: Tally) -> None:
        with self._database.write() as session:
            _write(session.get_one(FeedRun, run_id), tally)
            until = self._clock.micros() + LEASE
            session.execute(update(Feed).where(Feed.id == feed_id).values(claimed_until=until))

    def finish(self, run_id: int, feed: Feed, tally: Tally, outcome: Outcome) -> None:
        now = self._clock.micros()
        with self._database.write() as session:
            run = session.get_one(FeedRun, run_id)
            _write(run, tally)
            run.ended_at, run.outcome, run.note = now, outcome.code[:32], outcome.note[:NOTE_LENGTH]
            standing = session.get_one(Feed, feed.id, with_for_update=True)
            standing.claimed_until, standing.last_run_at = None, now
            if tally.newest is not None:
                standing.newest_t = max(tally.newest, standing.newest_t or tally.newest)
            self._stand(standing, outcome, now)

    def _stand(self, feed: Feed, outcome: Outcome, now: int) -> None:
        """Success clears the slate; a spent quota rests without blame; failures in a row rest ever longer."""
        if outcome.code == INTERRUPTED:
            return
        if outcome.is_success:
            feed.last_success_at, feed.failures, feed.rests_until, feed.rest_code = now, 0, None, None
            return
        if outcome.rests_until is not None:
            feed.rests_until, feed.rest_code = outcome.rests_until, outcome.code[:32]
            return
        feed.failures += 1
        beyond = feed.failures - self._settings.feed_failures
        if beyond >= 0:
            rest = min(self._settings.feed_rest_minutes * MINUTE * 2 ** min(beyond, 20), LONGEST_REST)
            feed.rests_until, feed.rest_code = now + rest, outcome.code[:32]


def _write(run: FeedRun, tally: Tally) -> None:
    run.calls = len(tally.calls)
    for name in COUNTED:
        setattr(run, name, getattr(tally, name))


def _end_lost_runs(session: Session, feed_id: int, now: int) -> None:
    """Runs whose process died."""
    lost = update(FeedRun).where(FeedRun.feed_id == feed_id, FeedRun.ended_at.is_(None))
    session.execute(lost.values(ended_at=now, outcome=INTERRUPTED, note="the process ended before the run did"))


def _forget_old_runs(session: Session, feed_id: int, most: int) -> None:
    kept = select(FeedRun.id).where(FeedRun.feed_id == feed_id).order_by(FeedRun.id.desc()).offset(most).limit(1)
    oldest = session.scalar(kept)
    if oldest is not None:
        session.execute(delete(FeedRun).where(FeedRun.feed_id == feed_id, FeedRun.id <= oldest))
