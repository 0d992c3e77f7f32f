"""Days and months of a fixed offset from UTC, in which sealed files are cut.

Fixed, because a file must not change its range when a zone or a setting does; see ``schema.DAY_OFFSET``.
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import datetime, timedelta

from gops.clock import DAY, EPOCH, SECOND

WEEK = 7 * DAY
_YEAR_ONE = (EPOCH.toordinal() - 1) * DAY  # days are counted from year 1, so that no number of one is negative


@dataclass(frozen=True)
class Calendar:
    """``offset_s`` in seconds east of UTC. Moments are microseconds since 1970 UTC, of the years 1 to 9999."""

    offset_s: int

    @property
    def shift(self) -> int:
        """What to add to a moment to have the microseconds since the begin of year 1 here."""
        return self.offset_s * SECOND + _YEAR_ONE

    def day(self, t: int) -> int:
        """Begin of the day of ``t``."""
        return (t + self.shift) // DAY * DAY - self.shift

    def month(self, t: int) -> tuple[int, int]:
        """Begin and end of the month of ``t``."""
        local = self._local(t)
        begin = self.day(t) - (local.day - 1) * DAY
        return begin, begin + monthrange(local.year, local.month)[1] * DAY

    def week(self, t: int) -> tuple[int, int]:
        """Begin and end of the seven days of ``t``, counted from the first of its month; its last are fewer."""
        start, stop = self.month(t)
        begin = start + (t - start) // WEEK * WEEK
        return begin, min(begin + WEEK, stop)

    def name(self, start: int, end: int) -> str:
        """``2026-03-05`` of a day, ``2026-03`` of a month."""
        day = self._local(start).date().isoformat()
        return day[:7] if (start, end) == self.month(start) else day

    def _local(self, t: int) -> datetime:
        return EPOCH + timedelta(days=(t + self.shift) // DAY - _YEAR_ONE // DAY)
