"""Time, from one place: a real clock, and a fixed one that tests move by hand.

Inside GOPS a moment is microseconds since 1970 UTC (int64) or an aware UTC datetime; never a naive one.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def to_micros(moment: datetime) -> int:
    """Exact microseconds since 1970 of an aware datetime; ``ValueError`` for a naive one."""
    if moment.tzinfo is None:
        raise ValueError("a datetime without a zone has no place in time")
    return (moment - EPOCH) // timedelta(microseconds=1)


def from_micros(micros: int) -> datetime:
    """The aware UTC datetime of microseconds since 1970."""
    return EPOCH + timedelta(microseconds=micros)


class Clock(Protocol):
    def now(self) -> datetime:
        """The present moment, aware, UTC."""

    def micros(self) -> int:
        """The present moment in microseconds since 1970."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def micros(self) -> int:
        return time.time_ns() // 1000


class FixedClock:
    """A clock that stands until it is moved."""

    def __init__(self, start: datetime) -> None:
        self._micros = to_micros(start)

    def now(self) -> datetime:
        return from_micros(self._micros)

    def micros(self) -> int:
        return self._micros

    def move(self, **by: float) -> None:
        """Move by ``timedelta(**by)``."""
        self._micros += timedelta(**by) // timedelta(microseconds=1)
