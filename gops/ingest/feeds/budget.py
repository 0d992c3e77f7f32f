"""How often a key may still ask its portal today. Portals count days of Korean time."""

from __future__ import annotations

from datetime import date, timedelta
from hashlib import sha256

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from gops.clock import Clock, from_micros, to_micros
from gops.ingest.feeds.answers import KST
from gops.ingest.feeds.model import FeedBudget
from gops.records.database import Database, serialise

DAYS_KEPT = 7
EPOCH_DAY = date(1970, 1, 1).toordinal()


def day_of(micros: int) -> int:
    """Days since 1970-01-01, in Korean time."""
    return from_micros(micros).astimezone(KST).date().toordinal() - EPOCH_DAY


def midnight_after(micros: int) -> int:
    """The next midnight in Korea, in microseconds."""
    today = from_micros(micros).astimezone(KST).replace(hour=0, minute=0, second=0, microsecond=0)
    return to_micros(today + timedelta(days=1))


class Budgets:
    """Counts calls by adapter and key, so that feeds that share a key share its budget."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def take(self, adapter: str, key: str, most: int) -> bool:
        """Count one call. False, and nothing is counted, when the day's are spent."""
        with self._database.write() as session:
            row = self._today(session, adapter, key)
            if row.stopped or row.calls >= most:
                return False
            row.calls += 1
        return True

    def stop(self, adapter: str, key: str) -> None:
        """The portal says that it is enough for today."""
        with self._database.write() as session:
            self._today(session, adapter, key).stopped = True

    def calls(self, adapter: str, key: str) -> int:
        """How many there were today."""
        query = select(FeedBudget.calls).where(
            FeedBudget.digest == _digest(adapter, key), FeedBudget.day == day_of(self._clock.micros())
        )
        with self._database.read() as session:
            return session.scalar(query) or 0

    def _today(self, session: Session, adapter: str, key: str) -> FeedBudget:
        """The row of today; older ones go."""
        serialise(session, "feed_budget")
        digest, day = _digest(adapter, key), day_of(self._clock.micros())
        row = session.scalar(select(FeedBudget).where(FeedBudget.digest == digest, FeedBudget.day == day))
        if row is None:
            session.execute(delete(FeedBudget).where(FeedBudget.day < day - DAYS_KEPT))
            row = FeedBudget(digest=digest, day=day, calls=0, stopped=False)
            session.add(row)
        return row


def _digest(adapter: str, key: str) -> bytes:
    return sha256(f"{adapter}\0{key}".encode()).digest()
