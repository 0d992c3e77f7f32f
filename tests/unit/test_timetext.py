"""Columns of moments as text."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gops.clock import from_micros
from gops.timetext import write_times
from gops.windows import EARLIEST, LATEST

SEOUL = ZoneInfo("Asia/Seoul")
_MICROS = st.integers(EARLIEST, LATEST - 1)
_SECONDS = _MICROS.map(lambda micros: micros - micros % 1_000_000)


def plainly(micros: list[int], zone: ZoneInfo) -> list[str]:
    return [from_micros(one).astimezone(zone).isoformat() for one in micros]


@pytest.mark.parametrize("zone", ["Asia/Seoul", "UTC", "Europe/Berlin", "Asia/Kolkata", "America/St_Johns"])
@settings(deadline=None)  # the changes of a zone's clock are looked for once a year of the calendar
@given(st.lists(_SECONDS, max_size=6) | st.lists(_MICROS, max_size=6))
def test_it_is_what_isoformat_writes(zone: str, micros: list[int]) -> None:
    column = write_times(np.array(micros, np.int64), ZoneInfo(zone))
    assert column.to_pylist() == plainly(micros, ZoneInfo(zone))


def test_a_long_column_over_a_change_of_the_clock() -> None:
    zone = ZoneInfo("Europe/Berlin")
    micros = np.arange(1_743_200_000, 1_743_400_000, 61, dtype=np.int64) * 1_000_000  # around 2025-03-30
    assert write_times(micros, zone).to_pylist() == plainly(micros.tolist(), zone)


def test_the_text_is_plain_arrow() -> None:
    column = write_times(np.array([0, 86_400_000_000], np.int64), SEOUL)
    column.validate(full=True)
    assert column.to_pylist() == ["1970-01-01T09:00:00+09:00", "1970-01-02T09:00:00+09:00"]
