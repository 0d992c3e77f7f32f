"""Weeks begin on Monday at 00:00 of the zone, and carry their Monday's date."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gops.clock import to_micros
from gops.errors import Invalid
from gops.testbed import weeks

SEOUL = ZoneInfo("Asia/Seoul")


def micros(text: str) -> int:
    return to_micros(dt.datetime.fromisoformat(text))


def test_a_week_is_named_by_its_mondays_date() -> None:
    assert weeks.name(weeks.parse("2027-01-04")) == "2027-01-04"


def test_the_last_moment_of_sunday_belongs_to_the_week_that_ends() -> None:
    week = weeks.parse("2027-01-04")
    assert weeks.of(micros("2027-01-10T23:59:59.999999+09:00"), SEOUL) == week
    assert weeks.of(micros("2027-01-11T00:00+09:00"), SEOUL) == week + 1


def test_the_zone_decides_when_monday_begins() -> None:
    moment = micros("2027-01-03T16:00Z")  # Monday 01:00 in Seoul
    assert weeks.of(moment, SEOUL) == weeks.of(moment, ZoneInfo("UTC")) + 1


def test_a_week_begins_at_midnight_of_its_monday() -> None:
    assert weeks.begins(weeks.parse("2027-01-04"), SEOUL) == micros("2027-01-04T00:00+09:00")


@given(st.integers(-1000, 5000), st.sampled_from(["Asia/Seoul", "UTC", "America/New_York", "Africa/Cairo"]))
def test_a_week_is_the_one_that_its_beginning_lies_in(week: int, zone: str) -> None:
    place = ZoneInfo(zone)
    assert weeks.of(weeks.begins(week, place), place) == week
    assert weeks.of(weeks.begins(week, place) - 1, place) == week - 1
    assert weeks.parse(weeks.name(week)) == week


@pytest.mark.parametrize("text", ["2027-01-05", "2027-13-01", "20270104", "", "2027-W01-1", "Monday"])
def test_what_is_no_monday_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        weeks.parse(text, "first_week")
    assert (refused.value.code, refused.value.field, refused.value.found) == ("bad_week", "first_week", text)


def test_another_day_is_told_which_monday_it_belongs_to() -> None:
    with pytest.raises(Invalid, match="2027-01-04"):
        weeks.parse("2027-01-10")
