"""Working days of Korea: Monday to Friday without public holidays, their substitutes and what is closed besides.

Lunar holidays, substitutes and election days come from ``holidays``; what the government decrees later (a temporary
holiday) stands in ``GOPS_CLOSED_DAYS`` until that library knows it. Days are dates of the caller's zone.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from functools import cache

from gops.clock import from_micros, to_micros
from gops.errors import Invalid
from gops.settings import Settings

YEARS = (1949, 2100)
"""The years whose lunar calendar is known."""
_NONE: Collection[dt.date] = frozenset()


def is_workday(day: dt.date, closed: Collection[dt.date] = _NONE) -> bool:
    """Raises ``Invalid`` (``bad_date``) for a year that the calendar does not know."""
    return day.weekday() < 5 and day not in closed and day not in _holidays(day.year)


def add(day: dt.date, count: int, closed: Collection[dt.date] = _NONE) -> dt.date:
    """The ``count``-th working day after ``day`` (before it, where below 0). 0: that day, or the next working day.

    ``day`` itself does not count, as in article 157 of the Civil Act.
    """
    if count == 0:
        return day if is_workday(day, closed) else add(day, 1, closed)
    step = dt.timedelta(days=1 if count > 0 else -1)
    left = abs(count)
    while left:
        day += step
        left -= is_workday(day, closed)
    return day


def between(since: dt.date, until: dt.date, closed: Collection[dt.date] = _NONE) -> int:
    """How many working days [since, until) has; 0 where it is empty."""
    span = (since + dt.timedelta(days=index) for index in range(max(0, (until - since).days)))
    return sum(is_workday(day, closed) for day in span)


def from_moment(moment: int, count: int, settings: Settings) -> int:
    """The moment ``count`` working days after one (before, where below 0), at the same time of day in GOPS_ZONE.

    Microseconds. For 0 the day itself, or the next working day.
    """
    local = from_micros(moment).astimezone(settings.zone)
    day = add(local.date(), count, settings.closed_days)
    return to_micros(dt.datetime.combine(day, local.time(), settings.zone))


@cache
def _holidays(year: int) -> frozenset[dt.date]:
    import holidays  # heavy, and only whoever counts days needs it

    if not YEARS[0] <= year <= YEARS[1]:
        raise Invalid("the calendar of holidays does not reach there", code="bad_date", field="date", found=year,
                      expected=f"a year from {YEARS[0]} to {YEARS[1]}")  # fmt: skip
    return frozenset(holidays.country_holidays("KR", years=year))
