"""Working days of Korea: weekends, lunar holidays, substitutes, and what a setting closes besides."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from gops.errors import Invalid
from gops.settings import Settings
from gops.testbed import workdays
from tests.unit.testbed.conftest import at

DAY = dt.date.fromisoformat


@pytest.mark.parametrize(("day", "why"), [
    ("2026-02-16", "the eve of Seollal"), ("2026-02-17", "Seollal"), ("2026-02-18", "the day after Seollal"),
    ("2026-03-02", "a substitute: 1 March is a Sunday"), ("2026-05-25", "a substitute for Buddha's birthday"),
    ("2026-06-03", "the local elections"), ("2026-08-17", "a substitute for 15 August"),
    ("2026-09-24", "the eve of Chuseok"), ("2026-09-25", "Chuseok"), ("2026-10-05", "a substitute for 3 October"),
    ("2027-02-08", "the day after Seollal"), ("2027-02-09", "a substitute: Seollal is a Sunday"),
    ("2027-09-14", "the eve of Chuseok"), ("2027-09-15", "Chuseok"), ("2027-09-16", "the day after Chuseok"),
    ("2027-10-11", "a substitute for 9 October"), ("2027-12-27", "a substitute for Christmas"),
    ("2026-11-21", "a Saturday"), ("2026-11-22", "a Sunday"),
])  # fmt: skip
def test_a_holiday_is_no_working_day(day: str, why: str) -> None:
    assert not workdays.is_workday(DAY(day)), why


@pytest.mark.parametrize("day", ["2026-02-19", "2026-09-28", "2026-10-06", "2027-02-10", "2027-09-17", "2026-12-24"])
def test_the_days_around_holidays_are_working_days(day: str) -> None:
    assert workdays.is_workday(DAY(day))


@pytest.mark.parametrize(("since", "count", "expected"), [
    ("2026-02-13", 1, "2026-02-19"),  # over a weekend and Seollal
    ("2026-02-19", -1, "2026-02-13"),
    ("2026-09-23", 10, "2026-10-13"),  # Chuseok, 3 October's substitute and 9 October
    ("2026-11-20", 0, "2026-11-20"),
    ("2026-11-21", 0, "2026-11-23"),
    ("2026-12-31", 1, "2027-01-04"),
])  # fmt: skip
def test_days_are_added(since: str, count: int, expected: str) -> None:
    assert workdays.add(DAY(since), count) == DAY(expected)


def test_days_between_count_the_first_and_not_the_last() -> None:
    assert workdays.between(DAY("2027-09-13"), DAY("2027-09-18")) == 2  # Monday and Friday beside Chuseok
    assert workdays.between(DAY("2026-11-20"), DAY("2026-11-20")) == 0
    assert workdays.between(DAY("2026-11-23"), DAY("2026-11-20")) == 0


def test_to_add_and_to_count_agree() -> None:
    """From any day, the n-th working day after it has n working days up to its end."""
    for offset in range(0, 730, 7):
        day = DAY("2026-01-01") + dt.timedelta(days=offset)
        for count in (1, 5, 10):
            after = workdays.add(day, count)
            assert workdays.between(day + dt.timedelta(days=1), after + dt.timedelta(days=1)) == count


def test_a_day_that_a_setting_closes_is_none(settings: Settings) -> None:
    closed = frozenset({DAY("2026-11-23")})
    assert workdays.add(DAY("2026-11-20"), 1, closed) == DAY("2026-11-24")
    moved = workdays.from_moment(at("2026-11-20T18:00"), 1, replace(settings, closed_days=closed))
    assert moved == at("2026-11-24T18:00")


def test_a_year_that_no_calendar_knows_is_refused() -> None:
    with pytest.raises(Invalid) as refused:
        workdays.is_workday(DAY("2101-01-03"))
    assert refused.value.code == "bad_date"
