"""The long shape: CSV, objects and Parquet of the same rows."""

from __future__ import annotations

import csv
import io
import math
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gops.catalog.long_shape import COLUMNS, HEADER, LongShape, Member, parquet
from gops.quality import WORDS
from gops.store.port import READINGS

SEOUL = ZoneInfo("Asia/Seoul")
AIR = Member(7, 1, "서울, 종로구", "pm10", "ug/m3", "gauge", "end", 3_600_000_000)
WIND = Member(9, 2, 'a "quoted" one', "wind_speed", "m/s", "gauge", "instant", None)
DOOR = Member(12, 2, "line\nbreak", "parking_occupied", "1", "state", "instant", None)
MEMBERS = (DOOR, AIR, WIND)
SHAPE = LongShape(MEMBERS, SEOUL)


def table(*rows: tuple[int, int, Any, int]) -> pa.Table:
    """(Datastream, t, value, quality)."""
    return pa.Table.from_pylist(
        [
            {
                "datastream": one,
                "t": t,
                "value": float(value) if isinstance(value, int | float) else None,
                "text": value if isinstance(value, str) else None,
                "quality": quality,
            }
            for one, t, value, quality in rows
        ],
        schema=READINGS,
    )


def parsed(body: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(body.decode(), newline="")))


def test_a_row_of_csv() -> None:
    assert HEADER == b"time,thing,property,value,unit,quality\n"
    assert SHAPE.csv(table((7, 0, 21.5, 0))) == (
        '1970-01-01T09:00:00+09:00,"서울, 종로구",pm10,21.5,ug/m3,good\n'.encode()
    )


def test_a_missing_number_is_an_empty_cell_with_its_quality() -> None:
    assert parsed(SHAPE.csv(table((9, 0, None, 4))))[0][3:] == ["", "m/s", "communication_failure"]


def test_a_state_is_its_text() -> None:
    rows = parsed(SHAPE.csv(table((12, 0, 'oc"cu,pied', 0), (12, 1, "", 0), (12, 2, "free", 0))))
    assert [row[3] for row in rows] == ['oc"cu,pied', "", "free"]
    assert rows[0][1] == "line\nbreak"


def test_no_rows_are_no_lines() -> None:
    assert SHAPE.csv(READINGS.empty_table()) == b""
    assert SHAPE.rows(READINGS.empty_table()) == []
    assert SHAPE.arrow(READINGS.empty_table()).num_rows == 0


def test_objects_have_the_same_cells_and_the_datastream() -> None:
    (row,) = SHAPE.rows(table((9, 1_500_000, 3, 2)))
    assert row == {
        "time": "1970-01-01T09:00:01.500000+09:00",
        "thing": 'a "quoted" one',
        "property": "wind_speed",
        "value": 3.0,
        "unit": "m/s",
        "quality": "suspect",
        "datastream": 9,
    }
    assert tuple(row)[:6] == COLUMNS


_NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([0.0, 1.0, 21.5, -0.1, 1e300])
_ROWS = st.lists(
    st.tuples(st.sampled_from([7, 9]), st.integers(0, 4_000_000_000_000_000), _NUMBERS | st.none(), st.integers(0, 5)),
    max_size=40,
)


@settings(deadline=None)
@given(_ROWS)
def test_csv_gives_back_every_number_exactly(rows: list[tuple[int, int, float | None, int]]) -> None:
    found = parsed(SHAPE.csv(table(*rows)))
    names = {member.id: member for member in MEMBERS}
    assert len(found) == len(rows)
    for cells, (one, _t, value, quality) in zip(found, rows, strict=True):
        member = names[one]
        assert (cells[1], cells[2], cells[4], cells[5]) == (member.thing, member.observed, member.unit, WORDS[quality])
        assert cells[3] == "" if value is None else float(cells[3]) == value
        assert value is None or math.copysign(1, float(cells[3])) == math.copysign(1, value)


def test_numbers_that_repeat_and_numbers_that_do_not_are_spelt_alike() -> None:
    repeating = [(9, t, (t % 5) / 10, 0) for t in range(3000)]
    different = [(9, t, t / 7, 0) for t in range(3000)]
    for rows in (repeating, different):
        assert [float(cells[3]) for cells in parsed(SHAPE.csv(table(*rows)))] == [row[2] for row in rows]


def test_a_batch_that_is_a_slice_of_another_is_written_alone() -> None:
    whole = table(*[(9, t, t, 0) for t in range(10)]).to_batches()[0]
    assert len(parsed(SHAPE.csv(whole.slice(4, 3)))) == 3


@pytest.mark.parametrize("members", [MEMBERS, (AIR, WIND)])
def test_parquet_says_the_same_with_types(members: tuple[Member, ...]) -> None:
    shape = LongShape(members, SEOUL)
    rows = [(7, 0, 21.5, 0), (9, 5, None, 5), *([(12, 9, "free", 0)] if DOOR in members else [])]
    batches = table(*rows).to_batches(max_chunksize=1)
    about = {"dataset": "https://gops.kr/datasets/air", "licence": "kogl-1"}
    body = b"".join(parquet(shape, iter(batches), about))
    found = pq.read_table(io.BytesIO(body))
    assert found.schema.metadata[b"licence"] == b"kogl-1"
    assert found.schema.field("time").type == pa.timestamp("us", "Asia/Seoul")
    assert found.schema.field("value").type == pa.float64()
    assert ("text" in found.column_names) is (DOOR in members)
    first = found.to_pylist()[0]
    assert (first["thing"], first["property"], first["value"], first["unit"], first["quality"]) == (
        "서울, 종로구", "pm10", 21.5, "ug/m3", "good",
    )  # fmt: skip
    assert found["time"].cast(pa.int64()).to_pylist() == [row[1] for row in rows]


def test_parquet_of_nothing_is_a_whole_file() -> None:
    body = b"".join(parquet(SHAPE, iter(()), {}))
    assert pq.read_table(io.BytesIO(body)).num_rows == 0


def test_a_parquet_file_comes_in_pieces_as_its_batches_do() -> None:
    batches = table(*[(9, t, t, 0) for t in range(100)]).to_batches(max_chunksize=10)
    pieces = list(parquet(SHAPE, iter(batches), {}))
    assert len(pieces) == 11
    assert all(pieces)
