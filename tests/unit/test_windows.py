"""Window edges on the local clock: alignment, clock changes, bounds."""

from __future__ import annotations

import time
from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gops.clock import DAY, HOUR, MINUTE, from_micros, to_micros
from gops.errors import Invalid
from gops.windows import EARLIEST, EVERY, LATEST, check_count, edges, estimate
from tests.examples import examples

SEOUL, BERLIN, UTC_ZONE = ZoneInfo("Asia/Seoul"), ZoneInfo("Europe/Berlin"), ZoneInfo("UTC")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")  # changes by 30 minutes
KATHMANDU = ZoneInfo("Asia/Kathmandu")  # UTC+05:45
HAVANA = ZoneInfo("America/Havana")  # changes at midnight: 00:00 is skipped in spring and shown twice in autumn
ASUNCION = ZoneInfo("America/Asuncion")  # changed at midnight until 2024
MINUTES = {"1m": 1, "5m": 5, "10m": 10, "15m": 15, "30m": 30, "1h": 60, "3h": 180, "6h": 360, "12h": 720, "1d": 1440}


def at(text: str) -> int:
    return to_micros(datetime.fromisoformat(text))


def shown(start: str, end: str, every: str, zone: ZoneInfo) -> list[str]:
    """Edges as the zone writes them."""
    found = edges(at(start), at(end), every, zone)
    return [from_micros(edge).astimezone(zone).isoformat(timespec="minutes") for edge in found]


def test_hours_of_a_day() -> None:
    found = shown("2026-05-01T00:00+09:00", "2026-05-01T03:00+09:00", "1h", SEOUL)
    assert found == [f"2026-05-01T0{hour}:00+09:00" for hour in range(4)]


def test_windows_are_whole_around_the_range() -> None:
    found = shown("2026-05-01T00:20+09:00", "2026-05-01T01:00:01+09:00", "1h", SEOUL)
    assert found == ["2026-05-01T00:00+09:00", "2026-05-01T01:00+09:00", "2026-05-01T02:00+09:00"]


def test_days_begin_at_local_midnight() -> None:
    found = shown("2026-05-01T12:00+09:00", "2026-05-02T12:00+09:00", "1d", SEOUL)
    assert found == ["2026-05-01T00:00+09:00", "2026-05-02T00:00+09:00", "2026-05-03T00:00+09:00"]


@pytest.mark.parametrize(("every", "hours"), [("3h", range(0, 25, 3)), ("6h", range(0, 25, 6)), ("12h", (0, 12, 24))])
def test_parts_of_a_day_count_from_local_midnight(every: str, hours: range) -> None:
    found = edges(at("2026-05-01T00:00+05:45"), at("2026-05-02T00:00+05:45"), every, KATHMANDU)
    assert [(edge - found[0]) // HOUR for edge in found] == list(hours)
    assert found[0] == at("2026-05-01T00:00+05:45")


def test_weeks_begin_on_monday() -> None:
    found = shown("2026-05-01T00:00+09:00", "2026-05-05T00:00+09:00", "1w", SEOUL)
    assert found == ["2026-04-27T00:00+09:00", "2026-05-04T00:00+09:00", "2026-05-11T00:00+09:00"]
    assert all(from_micros(edge).astimezone(SEOUL).weekday() == 0 for edge in edges(0, 400 * DAY, "1w", SEOUL))
    assert all(from_micros(edge).weekday() == 0 for edge in edges(-400 * DAY, 0, "1w", UTC_ZONE))


def test_months_quarters_and_years_are_those_of_the_calendar() -> None:
    span = ("2024-01-31T00:00+09:00", "2024-04-01T00:00+09:00")
    assert shown(*span, "1mo", SEOUL) == [f"2024-0{month}-01T00:00+09:00" for month in (1, 2, 3, 4)]
    assert shown(*span, "3mo", SEOUL) == ["2024-01-01T00:00+09:00", "2024-04-01T00:00+09:00"]
    assert shown(*span, "1y", SEOUL) == ["2024-01-01T00:00+09:00", "2025-01-01T00:00+09:00"]
    leap = edges(at("2024-02-01T00:00+09:00"), at("2024-03-01T00:00+09:00"), "1mo", SEOUL)
    assert (leap[1] - leap[0]) // DAY == 29


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-05-01", 24)])
def test_a_day_has_as_many_hours_as_the_clock_gives_it(day: str, hours: int) -> None:
    start = to_micros(datetime.fromisoformat(day).replace(tzinfo=BERLIN))
    [begin, end] = edges(start, start + 1, "1d", BERLIN)
    assert (end - begin) // HOUR == hours
    assert len(edges(begin, end, "1h", BERLIN)) - 1 == hours
    assert len(edges(begin, end, "15m", BERLIN)) - 1 == hours * 4


def test_three_hours_are_two_or_four_when_the_clock_changes() -> None:
    spring = shown("2026-03-29T00:00+01:00", "2026-03-29T06:00+02:00", "3h", BERLIN)
    assert spring == ["2026-03-29T00:00+01:00", "2026-03-29T03:00+02:00", "2026-03-29T06:00+02:00"]
    autumn = shown("2026-10-25T00:00+02:00", "2026-10-25T06:00+01:00", "3h", BERLIN)
    assert autumn == ["2026-10-25T00:00+02:00", "2026-10-25T03:00+01:00", "2026-10-25T06:00+01:00"]


def test_the_repeated_hour_is_two_windows() -> None:
    found = shown("2026-10-25T01:00+02:00", "2026-10-25T03:00+01:00", "1h", BERLIN)
    assert found[1:4] == ["2026-10-25T02:00+02:00", "2026-10-25T02:00+01:00", "2026-10-25T03:00+01:00"]


def test_a_day_whose_midnight_is_skipped_begins_at_the_change() -> None:
    found = shown("2026-03-07T12:00-05:00", "2026-03-08T12:00-04:00", "1d", HAVANA)
    assert found == ["2026-03-07T00:00-05:00", "2026-03-08T01:00-04:00", "2026-03-09T00:00-04:00"]


def test_a_day_whose_midnight_is_shown_twice_begins_at_the_first() -> None:
    found = shown("2026-10-31T12:00-04:00", "2026-11-01T12:00-05:00", "1d", HAVANA)
    assert found == ["2026-10-31T00:00-04:00", "2026-11-01T00:00-04:00", "2026-11-02T00:00-05:00"]


def brute_force(start: int, end: int, minutes: int, zone: ZoneInfo) -> list[int]:
    """Edges by looking at the clock every minute."""
    found, previous, furthest = [], -1, -1
    moment = start - 3 * DAY
    while True:
        local = from_micros(moment).astimezone(zone)
        minute = local.toordinal() * 1440 + local.hour * 60 + local.minute
        floor = minute // minutes
        repeats = minutes <= 60
        begins = (minute % minutes == 0 or floor != previous) if repeats else floor > furthest
        if begins and previous >= 0:
            found.append(moment)
            if moment >= end:
                break
        previous, furthest = floor, max(furthest, floor)
        moment += MINUTE
    last = max(index for index, edge in enumerate(found) if edge <= start)
    return found[last:]


@settings(max_examples=examples(40), deadline=None)
@given(
    change=st.sampled_from(
        [
            (BERLIN, "2026-03-29T01:00+00:00"),
            (BERLIN, "2026-10-25T01:00+00:00"),
            (LORD_HOWE, "2026-04-04T15:00+00:00"),
            (LORD_HOWE, "2026-10-03T15:30+00:00"),
            (HAVANA, "2026-03-08T05:00+00:00"),
            (HAVANA, "2026-11-01T05:00+00:00"),
            (ASUNCION, "2023-03-26T03:00+00:00"),
            (ASUNCION, "2023-10-01T04:00+00:00"),
            (SEOUL, "1988-05-07T17:00+00:00"),
            (SEOUL, "2026-05-01T00:00+00:00"),
        ]
    ),
    every=st.sampled_from(sorted(MINUTES)),
    before=st.integers(0, 36 * 60),
    length=st.integers(1, 30 * 60),
)
def test_the_clock_looked_at_every_minute_agrees(
    change: tuple[ZoneInfo, str], every: str, before: int, length: int
) -> None:
    """Around clock changes of an hour, of half an hour, and at midnight."""
    zone, moment = change
    start = at(moment) - before * MINUTE
    end = start + length * MINUTE
    assert edges(start, end, every, zone) == brute_force(start, end, MINUTES[every], zone)


@settings(max_examples=examples(150), deadline=None)
@given(
    start=st.integers(at("1950-01-01T00:00+00:00"), at("2100-01-01T00:00+00:00")),
    length=st.integers(1, 400 * DAY),
    every=st.sampled_from(["3h", "1d", "1w", "1mo", "3mo", "1y"]),
    zone=st.sampled_from([SEOUL, BERLIN, LORD_HOWE, HAVANA, KATHMANDU, UTC_ZONE]),
)
def test_windows_ascend_and_just_cover_the_range(start: int, length: int, every: str, zone: ZoneInfo) -> None:
    found = edges(start, start + length, every, zone)
    assert all(left < right for left, right in pairwise(found))
    assert found[0] <= start < found[1]
    assert found[-2] < start + length <= found[-1]
    assert abs(estimate(found[0], found[-1], every) - (len(found) - 1)) <= 1


@pytest.mark.parametrize("every", ["1m", "1h", "1d", "1w", "1mo", "1y"])
def test_the_count_is_bounded_by_a_setting_that_is_named(every: str) -> None:
    with pytest.raises(Invalid) as caught:
        check_count(0, 3000 * DAY, every, series=5, limit=10)
    assert caught.value.code == "too_many_windows"
    assert "windows_max" in caught.value.message
    assert "10" in caught.value.message
    assert caught.value.found > 10


def test_the_count_may_reach_the_bound() -> None:
    assert check_count(0, 10 * HOUR, "1h", series=10, limit=100) == 100
    assert check_count(0, HOUR // 2, "1h", series=1, limit=1) == 1


@pytest.mark.parametrize("every", ["2h", "", "1H", "60m", "P1D"])
def test_an_unknown_length_names_the_known(every: str) -> None:
    for ask in (lambda: edges(0, DAY, every, SEOUL), lambda: estimate(0, DAY, every)):
        with pytest.raises(Invalid) as caught:
            ask()
        assert caught.value.code == "unknown_every"
        assert all(known in (caught.value.expected or "") for known in EVERY)


@pytest.mark.parametrize(("start", "end"), [(5, 5), (6, 5), (EARLIEST - 1, 0), (0, LATEST + 1), (-(2**63), 2**63)])
def test_a_range_without_sense_is_refused(start: int, end: int) -> None:
    with pytest.raises(Invalid) as caught:
        edges(start, end, "1d", SEOUL)
    assert caught.value.code == "bad_range"


def test_years_of_minutes_are_quick() -> None:
    """Half a million windows; the bar is far above what they take."""
    start = at("2025-01-01T00:00+09:00")
    begun = time.thread_time()
    assert len(edges(start, start + 365 * DAY, "1m", SEOUL)) == 365 * 1440 + 1
    assert time.thread_time() - begun < 2.0
