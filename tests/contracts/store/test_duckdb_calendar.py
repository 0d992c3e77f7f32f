"""The days and months that sealed files are cut at: of a fixed offset, half-open, without a gap."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gops.clock import DAY, from_micros, to_micros
from gops.store.duckdb.calendar import Calendar

SEOUL = Calendar(9 * 3600)
YEARS = (to_micros(datetime(2, 1, 1, tzinfo=UTC)), to_micros(datetime(9998, 12, 31, tzinfo=UTC)))
moments = st.integers(*YEARS)
offsets = st.sampled_from([-12 * 3600, -3 * 3600 - 1800, 0, 9 * 3600, 14 * 3600])


@given(t=moments, offset=offsets)
def test_every_moment_is_in_its_day_week_and_month(t: int, offset: int) -> None:
    """As Python's own calendar has them."""
    calendar, zone = Calendar(offset), timezone(timedelta(seconds=offset))
    local = from_micros(t).astimezone(zone)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    assert calendar.day(t) == to_micros(midnight)
    start, stop = calendar.month(t)
    assert start == to_micros(midnight.replace(day=1))
    assert from_micros(stop).astimezone(zone).day == 1
    assert 27 * DAY < stop - start < 32 * DAY
    low, high = calendar.week(t)
    assert start <= low <= t < high <= stop
    assert calendar.week(low) == calendar.week(high - 1) == (low, high)


@pytest.mark.parametrize(
    ("day", "days", "name"),
    [((2024, 2, 29), 1, "2024-02-29"), ((2024, 2, 1), 29, "2024-02"), ((2026, 12, 1), 31, "2026-12")],
    ids=["a leap day", "a leap month", "a December"],
)
def test_names_say_which_days(day: tuple[int, int, int], days: int, name: str) -> None:
    start = to_micros(datetime(*day, tzinfo=timezone(timedelta(hours=9))))
    assert SEOUL.name(start, start + days * DAY) == name
