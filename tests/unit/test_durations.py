"""Durations of fixed length, ISO 8601-1:2019, 5.5.2."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gops.clock import DAY, HOUR, MINUTE, SECOND
from gops.durations import LONGEST, parse_duration, write_duration
from gops.errors import Invalid


@pytest.mark.parametrize(
    ("text", "micros"),
    [
        ("PT1H", HOUR),
        ("PT60M", HOUR),
        ("PT10M", 10 * MINUTE),
        ("P1D", DAY),
        ("P1W", 7 * DAY),
        ("P1DT12H", 36 * HOUR),
        ("PT1H30M5S", HOUR + 30 * MINUTE + 5 * SECOND),
        ("PT0.5S", 500_000),
        ("PT0,25S", 250_000),
        ("PT0.000001S", 1),
        ("PT1M0.5S", MINUTE + 500_000),
        ("P36600D", LONGEST),
    ],
)
def test_a_duration_is_so_many_microseconds(text: str, micros: int) -> None:
    assert parse_duration(text) == micros


@pytest.mark.parametrize(
    "text",
    [
        "", "P", "PT", "1H", "PT1", "P1H", "PT1D", "P1M", "P1Y", "P1Y2D", "PT1H ", "pt1h", "-PT1H", "PT-1H",
        "+PT1H", "P1W2D", "PT0S", "P0D", "PT1.5H", "PT1.5M", "PT.5S", "PT0.0000001S", "P36601D",
        "PT" + "9" * 40 + "S", "PT１H", "P1DT", "PT1H\n", "PT1S1M", None, 3600, 1.5, b"PT1H",
    ],
)  # fmt: skip
def test_what_has_no_fixed_length_or_is_no_duration_is_refused(text: object) -> None:
    with pytest.raises(Invalid) as caught:
        parse_duration(text, "period")  # type: ignore[arg-type]
    assert (caught.value.code, caught.value.field, caught.value.found) == ("bad_duration", "period", text)


@pytest.mark.parametrize(
    ("micros", "text"),
    [
        (HOUR, "PT1H"),
        (DAY, "P1D"),
        (7 * DAY, "P7D"),
        (36 * HOUR, "P1DT12H"),
        (90 * MINUTE, "PT1H30M"),
        (500_000, "PT0.5S"),
        (1, "PT0.000001S"),
        (60_500_000, "PT1M0.5S"),
        (10 * SECOND, "PT10S"),
    ],
)
def test_a_duration_is_written_in_its_shortest_form(micros: int, text: str) -> None:
    assert write_duration(micros) == text


@given(st.integers(1, LONGEST))
def test_what_is_written_is_read_as_the_same(micros: int) -> None:
    assert parse_duration(write_duration(micros)) == micros


@given(st.text(alphabet="PTWDHMSY0123456789.,- ", max_size=40))
def test_any_text_is_a_duration_or_refused(text: str) -> None:
    try:
        micros = parse_duration(text)
    except Invalid:
        return
    assert 0 < micros <= LONGEST
