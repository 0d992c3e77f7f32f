"""Moments: exact, aware, UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gops.clock import SECOND, FixedClock, SystemClock, from_micros, to_micros

MOMENTS = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds


@given(MOMENTS)
def test_micros_and_back_is_exact(moment: datetime) -> None:
    assert from_micros(to_micros(moment)) == moment


@given(st.integers(-2_000_000_000_000_000, 7_000_000_000_000_000))
def test_a_moment_and_back_is_exact(micros: int) -> None:
    assert to_micros(from_micros(micros)) == micros


def test_an_offset_counts() -> None:
    seoul = timezone(timedelta(hours=9))
    assert to_micros(datetime(2026, 5, 1, 9, tzinfo=seoul)) == to_micros(datetime(2026, 5, 1, tzinfo=UTC))


def test_a_naive_datetime_has_no_place_in_time() -> None:
    with pytest.raises(ValueError, match="zone"):
        to_micros(datetime(2026, 5, 1))  # noqa: DTZ001 - the point


def test_the_system_clock_tells_one_time_in_both_forms() -> None:
    clock = SystemClock()
    before = clock.micros()
    now = to_micros(clock.now())
    assert 0 <= now - before < 5 * SECOND
    assert clock.now().tzinfo is UTC


def test_a_fixed_clock_stands_until_it_is_moved() -> None:
    clock = FixedClock(datetime(2026, 5, 1, tzinfo=UTC))
    assert clock.micros() == clock.micros()
    clock.move(minutes=1.5)
    assert clock.now() == datetime(2026, 5, 1, 0, 1, 30, tzinfo=UTC)
