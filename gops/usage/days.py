"""Days by which use is counted: of GOPS_ZONE, from midnight to midnight."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from gops.clock import Clock, to_micros


@dataclass(frozen=True)
class Day:
    """``name`` as ISO 8601, ``end`` in microseconds since 1970: the midnight that ends it."""

    name: str
    end: int


class Days:
    """The present day; it is worked out anew at midnight alone."""

    def __init__(self, clock: Clock, zone: ZoneInfo) -> None:
        self._clock = clock
        self._zone = zone
        self._day = Day("", 0)
        self._begin = 0

    def today(self) -> Day:
        now, day = self._clock.micros(), self._day
        if not self._begin <= now < day.end:
            day = self._made()
        return day

    def ago(self, days: int) -> str:
        """The day so many before the present one."""
        return (dt.date.fromisoformat(self.today().name) - dt.timedelta(days=days)).isoformat()

    def _made(self) -> Day:
        date = self._clock.now().astimezone(self._zone).date()
        begin, end = (self._midnight(date + dt.timedelta(days=more)) for more in (0, 1))
        self._begin, self._day = begin, Day(date.isoformat(), end)
        return self._day

    def _midnight(self, date: dt.date) -> int:
        return to_micros(dt.datetime.combine(date, dt.time(), self._zone))
