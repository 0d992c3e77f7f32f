"""Windows of time on the clock of a zone: where each begins and ends, in microseconds since 1970 UTC.

A window begins when the zone's clock shows a round time: minutes and hours counted from local midnight, days,
weeks on Monday, months, quarters and years on the calendar. Windows are half-open, contiguous and ascending::

    clock goes forward   a round time that is skipped is the moment of the change; the window around it is shorter
    clock goes back      windows of an hour or less are repeated (a day has 25 hours, so 25 of them); longer ones
                         begin when their time is shown first, and the window around the change is longer
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from gops.clock import DAY, HOUR, MINUTE, from_micros, to_micros
from gops.errors import Invalid

_FIXED = {
    "1m": MINUTE, "5m": 5 * MINUTE, "10m": 10 * MINUTE, "15m": 15 * MINUTE, "30m": 30 * MINUTE,
    "1h": HOUR, "3h": 3 * HOUR, "6h": 6 * HOUR, "12h": 12 * HOUR, "1d": DAY, "1w": 7 * DAY,
}  # fmt: skip
_MONTHS = {"1mo": 1, "3mo": 3, "1y": 12}
EVERY: tuple[str, ...] = (*_FIXED, *_MONTHS)
LONGEST_MONTH = 31 * DAY
MEAN_MONTH = 365.2425 / 12 * DAY
MONDAY = 4 * DAY  # 1970-01-01 was a Thursday; the first Monday is the 5th

EARLIEST = to_micros(datetime(1900, 1, 1, tzinfo=UTC))
LATEST = to_micros(datetime(2200, 1, 1, tzinfo=UTC))

_Labels = npt.NDArray[np.int64]  # microseconds since 1970-01-01T00:00 on the local clock


def check_every(every: str) -> str:
    """``every`` itself. Raises ``Invalid`` (``unknown_every``)."""
    if every not in EVERY:
        raise Invalid(
            f"there is no window of length {every!r}",
            code="unknown_every",
            field="every",
            found=every,
            expected="one of " + ", ".join(EVERY),
        )
    return every


def estimate(start: int, end: int, every: str) -> int:
    """About how many windows ``edges`` makes, without making them: exact but for clipped ends and clock changes."""
    check_every(every)
    length = _FIXED.get(every) or int(_MONTHS[every] * MEAN_MONTH)
    return max(0, -(-(end - start) // length))


def check_count(start: int, end: int, every: str, series: int, limit: int) -> int:
    """The estimate for ``series`` Datastreams. Raises ``Invalid`` (``too_many_windows``) above ``limit``."""
    count = estimate(start, end, every) * series
    if count > limit:
        raise Invalid(
            f"the answer would have about {count} windows; the setting windows_max allows {limit}",
            code="too_many_windows",
            field="every",
            found=count,
            expected=f"at most {limit} windows x Datastreams: a longer every, a shorter range or fewer Datastreams",
        )
    return count


def edges(start: int, end: int, every: str, zone: ZoneInfo) -> list[int]:
    """The n+1 ascending edges of the n whole windows that overlap ``[start, end)``.

    The first edge is at or before ``start``, the last at or after ``end``. Raises ``Invalid`` (``unknown_every``,
    ``bad_range``). The caller bounds the number first: see ``check_count``.
    """
    check_every(every)
    if not EARLIEST <= start < end <= LATEST:
        raise Invalid(
            "a range of windows begins before it ends and lies in the years 1900 to 2199",
            code="bad_range",
            field="from",
            found=f"{start} to {end}",
            expected=f"{EARLIEST} <= from < to <= {LATEST} microseconds",
        )
    reach = _reach(every)
    moments = np.concatenate(list(_moments(start - reach, end + reach, every, zone)))  # ascending, some twice
    first, last = moments.searchsorted(start, "right") - 1, moments.searchsorted(end, "left") + 1
    wanted = moments[first:last]
    return [int(wanted[0]), *wanted[1:][np.diff(wanted) > 0].tolist()]


def _reach(every: str) -> int:
    """More than the longest window of this length, clock changes included."""
    return 2 * DAY + (_FIXED.get(every) or _MONTHS[every] * LONGEST_MONTH)


def _moments(start: int, end: int, every: str, zone: ZoneInfo) -> Iterator[_Labels]:
    """The moments at which a window begins, for each stretch of constant offset in turn."""
    repeats = _FIXED.get(every, DAY) <= HOUR
    shown: int | None = None  # local time that the clock had reached when the stretch began
    for begin, finish, offset in stretches(start, end, zone):
        local = begin + offset
        low = local if shown is None else min(local, shown) if repeats else shown
        yield np.maximum(_labels(low, finish + offset, every) - offset, begin)
        shown = finish + offset if shown is None or repeats else max(shown, finish + offset)


def _labels(low: int, high: int, every: str) -> _Labels:
    """Round local times in ``[low, high)``."""
    if every in _FIXED:
        step = _FIXED[every]
        origin = MONDAY if every == "1w" else 0
        return np.arange(origin - (origin - low) // step * step, high, step, dtype=np.int64)
    months = np.arange(_month(low), _month(high) + 1)
    months = months[months % _MONTHS[every] == 0]
    moments: _Labels = months.astype("datetime64[M]").astype("datetime64[us]").astype(np.int64)
    return moments[(moments >= low) & (moments < high)]


def _month(local: int) -> int:
    """Months since January 1970."""
    return int(np.datetime64(local, "us").astype("datetime64[M]").astype(np.int64))


def stretches(start: int, end: int, zone: ZoneInfo) -> Iterator[tuple[int, int, int]]:
    """``(begin, finish, offset)`` of constant UTC offset, in microseconds, that tile ``[start, end)``."""
    begin = start
    for year in range(from_micros(start).year, from_micros(end).year + 1):
        for change in _changes(year, zone):
            if begin < change < end:
                yield begin, change, _offset(begin, zone)
                begin = change
    yield begin, end, _offset(begin, zone)


@lru_cache(maxsize=4096)
def _changes(year: int, zone: ZoneInfo) -> tuple[int, ...]:
    """Moments in a UTC year at which the zone's offset changes. Sampled daily, then bisected to the microsecond."""
    first, last = (to_micros(datetime(y, 1, 1, tzinfo=UTC)) for y in (year, year + 1))
    days = range(first, last + 1, DAY)
    offsets = [_offset(day, zone) for day in days]
    return tuple(_bisect(days[i], days[i + 1], zone) for i in range(len(offsets) - 1) if offsets[i] != offsets[i + 1])


def _bisect(low: int, high: int, zone: ZoneInfo) -> int:
    before = _offset(low, zone)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _offset(middle, zone) == before else (low, middle)
    return high


def _offset(moment: int, zone: ZoneInfo) -> int:
    offset = from_micros(moment).astimezone(zone).utcoffset()
    assert offset is not None
    return to_micros(datetime(1970, 1, 1, tzinfo=UTC) + offset)
