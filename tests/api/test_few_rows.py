"""The rows of a page, written one by one, are what whole columns give."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import orjson
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gops.api import few, rows
from gops.store.port import READINGS
from gops.windows import EARLIEST, LATEST

SEOUL = ZoneInfo("Asia/Seoul")
MINUTE = 60_000_000
_MINUTES = st.integers(EARLIEST // MINUTE + 1, LATEST // MINUTE - 1).map(lambda minute: minute * MINUTE)
_MICROS = st.integers(EARLIEST, LATEST - 1)
_NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-999, 999).map(float)
_CELLS = st.tuples(
    st.integers(1, 2**62), _NUMBERS | st.none(), st.text(max_size=5) | st.none(), st.integers(0, 5), _MICROS | st.none()
)


def table(moments: list[int], cells: list[tuple[int, float | None, str | None, int, int | None]]) -> pa.Table:
    rows_of = [(of, t, *more) for (of, *more), t in zip(cells, moments, strict=False)]
    return pa.table(
        [pa.array(column, field.type) for column, field in zip(zip(*rows_of, strict=True), READINGS, strict=True)],
        schema=READINGS,
    )


@pytest.mark.parametrize("zone", ["Asia/Seoul", "Europe/Berlin"])
@settings(deadline=None, max_examples=60)
@given(
    st.lists(_MINUTES, min_size=1, max_size=4) | st.lists(_MICROS, min_size=1, max_size=4),
    st.lists(_CELLS, min_size=1, max_size=4),
)
def test_of_any_rows(
    zone: str, moments: list[int], cells: list[tuple[int, float | None, str | None, int, int]]
) -> None:
    some = table(moments, cells)
    assert few.readings(some, ZoneInfo(zone)) == rows.many_readings_json(some, ZoneInfo(zone))


NUMBERS = [0.0, -0.0, 35.0, 0.1, 1e-5, 9.9e-6, 1e-7, 9_999_999_999.5, 1e10, 1e15, 1e16, 1e22, -5e-324, None]


@pytest.mark.parametrize("number", NUMBERS, ids=str)
def test_of_numbers_where_the_notation_changes(number: float | None) -> None:
    some = table([0], [(7, number, None, 0, None)])
    assert few.readings(some, SEOUL) == rows.many_readings_json(some, SEOUL)


@pytest.mark.parametrize("count", [0, 1, few.MOST, few.MOST + 1])
def test_an_answer_has_the_same_rows_of_either_writing(count: int) -> None:
    moments = [minute * MINUTE for minute in range(count)]
    some = table(moments, [(7, 1.5, None, 1, None)] * count) if count else READINGS.empty_table()
    found = orjson.loads(rows.readings_json(some, SEOUL))
    assert [one["id"] for one in found] == [f"7_{moment}" for moment in moments]
    assert rows.readings_json(some, SEOUL) == rows.many_readings_json(some, SEOUL)
